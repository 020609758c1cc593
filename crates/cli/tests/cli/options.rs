//! Options from files and the environment, completions, manual pages, dry runs.

use crate::study::{Ran, Study};

#[test]
fn a_dumped_file_is_read_back() {
    let study = Study::with_phantoms();
    for command in ["view", "generate"] {
        let file = format!("{command}.toml");
        let words = ["saliency", command, "-H", &file];
        study.run(&words).ends_with(0);
        let text = std::fs::read_to_string(study.path(&file)).unwrap();
        // Options have no blank behind the `#`, explanations have one.
        let options: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix('#'))
            .filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()))
            .collect();
        assert!(options.len() > 15, "{text}");
        assert!(options.contains(&"limit = \"\""), "{text}");
        let table: toml::Table = options.join("\n").parse().unwrap();
        assert!(table["output_folder"].is_str());
        study.write("all.toml", options.join("\n"));
        let again = format!("{command}-again.toml");
        let words = ["saliency", command, "--config", "all.toml", "-H", &again];
        study.run(&words).ends_with(0);
        let again = std::fs::read_to_string(study.path(&again)).unwrap();
        // The same values, now as if typed, wherever the option has one.
        for line in options {
            let unset = line.ends_with("\"\"") || line.ends_with("[]");
            let flag = line.ends_with("= false") || line.ends_with("= true");
            let mark = if unset || flag || line == "verbose = 0" {
                "#"
            } else {
                ""
            };
            let found = again
                .lines()
                .any(|other| other == format!("{mark}{line}") || (flag && other == line));
            assert!(found, "`{mark}{line}` is not in\n{again}");
        }
    }
}

#[test]
fn what_was_typed_is_dumped() {
    let study = Study::new();
    let words = [
        "classify",
        "saliency",
        "view",
        "pasa",
        "my \"split\".json",
        "-t",
        "0.35",
        "-G",
        "-i",
        "a",
        "-i",
        "b",
        "-H",
        "-",
    ];
    let ran = study.run(&words).ends_with(0);
    let table: toml::Table = ran.stdout.parse().unwrap();
    assert_eq!(table["model"].as_str(), Some("pasa"));
    assert_eq!(table["datamodule"].as_str(), Some("my \"split\".json"));
    assert_eq!(table["threshold"].as_float(), Some(0.35));
    assert_eq!(table["show_groundtruth"].as_bool(), Some(true));
    assert_eq!(table["input_folder"].as_array().map(Vec::len), Some(2));
    assert_eq!(table.len(), 5, "{table}");
}

/// The settings that apply, as a dump shows them.
fn settings(study: &Study, environment: &[(&str, &str)], words: &[&str]) -> toml::Table {
    let mut command = study.command();
    command
        .args(["saliency", "view", "--quiet", "-H", "-"])
        .args(words);
    command.envs(environment.iter().copied());
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text.parse().unwrap()
}

#[test]
fn the_command_line_wins_over_the_environment_over_files() {
    let study = Study::new();
    study.write(
        "mednet.toml",
        "threshold = 0.1\nalpha = 0.1\ncolormap = \"jet\"\nlimit = 1\nshow_groundtruth = true\n\
         output_folder = \"all\"\n[view]\noutput_folder = \"pictures\"\n[generate]\n\
         output_folder = \"maps\"\n",
    );
    study.write(
        "more.toml",
        "threshold = 0.2\nalpha = 0.2\ncolormap = \"turbo\"\n",
    );
    let environment = [
        ("MEDNET_THRESHOLD", "0.3"),
        ("MEDNET_ALPHA", "0.3"),
        ("MEDNET_LIMIT", ""),
    ];
    let words = ["--config", "more.toml", "--threshold", "0.4", "-g"];
    let table = settings(&study, &environment, &words);
    assert_eq!(table["threshold"].as_float(), Some(0.4));
    assert_eq!(table["alpha"].as_float(), Some(0.3));
    assert_eq!(table["colormap"].as_str(), Some("turbo"));
    assert_eq!(table["output_folder"].as_str(), Some("pictures"));
    assert_eq!(table["show_groundtruth"].as_bool(), Some(false));
    // Operands behind `--` stay operands.
    let table = settings(&study, &[], &["--", "pasa", "split.json"]);
    assert_eq!(table["limit"].as_integer(), Some(1));
    assert_eq!(table["model"].as_str(), Some("pasa"));
    // A false flag is its opposite.
    let table = settings(&study, &[("MEDNET_SHOW_GROUNDTRUTH", "no")], &[]);
    assert_eq!(table["show_groundtruth"].as_bool(), Some(false));
}

#[test]
fn mistakes_in_files_are_told() {
    let study = Study::new();
    for (text, message) in [
        (
            "treshold = 0.1",
            "no option `treshold`; did you mean `threshold`?",
        ),
        ("[viev]\nalpha = 0.1", "did you mean `view`?"),
        ("[view]\nseeed = 1", "no option `seeed`"),
        ("[view]\nweight = \"w\"", "no option `weight`"),
        ("contour = \"maybe\"", "neither yes nor no"),
        ("alpha = [", "not valid TOML"),
        ("[datadir]\ntbx11k = \"x\"", "read from"),
        ("alpha = 7", "expected a number from 0 to 1"),
    ] {
        study.write("mednet.toml", text);
        let mut command = study.command();
        command.env("XDG_CONFIG_HOME", study.path("elsewhere"));
        let ran = command.args(["saliency", "view", "-H", "-"]).output();
        Ran::new(ran.unwrap()).ends_with(2).says(message);
    }
    // The user's own file is the project's where one works in its folder.
    study.write("mednet.toml", "[datadir]\ntbx11k = \"x\"\n");
    let mut command = study.command();
    command.env("XDG_CONFIG_HOME", study.path("").canonicalize().unwrap());
    let ran = command.args(["saliency", "view", "-H", "-"]).output();
    Ran::new(ran.unwrap()).ends_with(0);
    study.write("mednet.toml", "");
    let ran = study.run(&["saliency", "view", "--config", "nothing.toml"]);
    ran.ends_with(2)
        .says("cannot read the configuration file `nothing.toml`");
}

#[test]
fn generate_dry_runs_write_nothing() {
    let study = Study::with_phantoms();
    study.write("w.safetensors", mednet_phantom::PASA_WEIGHTS);
    let words = [
        "saliency",
        "generate",
        "pasa",
        "data/split.json",
        "-w",
        "w.safetensors",
    ];
    let before = study.files("");
    let ran = study.run(&[&words[..], &["--dry-run", "-s", "all", "-z"]].concat());
    let ran = ran.ends_with(0);
    assert!(
        ran.stdout
            .contains("24 maps in `saliency-maps`: 24 to compute"),
        "{ran:#?}"
    );
    assert!(ran.stdout.contains("layer: fc14"), "{ran:#?}");
    assert_eq!(study.files(""), before);

    study
        .run(&[&words[..], &["--limit", "1"]].concat())
        .ends_with(0);
    let ran = study
        .run(&[&words[..], &["--dry-run", "--json"]].concat())
        .ends_with(0);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (&report["maps"], &report["maps-kept"]),
        (&4.into(), &1.into())
    );
    let ran = study.run(&[&words[..], &["--dry-run", "--layer", "fc13"]].concat());
    ran.ends_with(2).says("layer was `fc14` and is now `fc13`");
    for (options, message) in [
        (["--target-class", "higest"], "did you mean `highest`?"),
        (["-S", "tets"], "did you mean `test`?"),
        (["--device", "cdua"], "did you mean `cuda`?"),
        (["--layer", "fc41"], "did you mean `fc1`?"),
    ] {
        study
            .run(&[&words[..], &options].concat())
            .ends_with(2)
            .says(message);
    }
}

#[test]
fn completions_and_manual_pages_know_the_commands() {
    let study = Study::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = study.run(&["completions", shell]).ends_with(0);
        assert!(ran.stdout.contains("show-groundtruth"), "{shell}");
    }
    study
        .run(&["completions", "bsh"])
        .ends_with(2)
        .says("'bash'");
    let ran = study.run(&["man"]).ends_with(0);
    assert!(ran.stdout.contains(".TH mednet 1"), "{}", ran.stdout);
    study.run(&["man", "pages"]).ends_with(0);
    let pages = study.files("pages");
    for page in [
        "mednet.1",
        "mednet-demo.1",
        "mednet-classify-saliency-view.1",
    ] {
        assert!(pages.iter().any(|name| name == page), "{pages:?}");
    }
}
