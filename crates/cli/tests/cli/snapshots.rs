//! Whole pages and messages as users read them. `INSTA_UPDATE=always cargo test` writes them anew;
//! a change of theirs is to be read in review.

use crate::study::{Ran, Study};

/// Without what differs from run to run: times and the folder.
fn steady(study: &Study, text: &str) -> String {
    let folder = study.path("");
    let text = text.replace(folder.to_string_lossy().trim_end_matches('/'), "FOLDER");
    let text = text.replace(env!("CARGO_BIN_EXE_mednet"), "mednet");
    let mut steady = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(end) = rest.find(" s\n").or_else(|| rest.find(" s;")) {
        let digits = |c: char| c.is_ascii_digit() || c == '.';
        let number = rest[..end].trim_end_matches(digits);
        match number.len() < end {
            true => steady.push_str(&format!("{number}TIME")),
            false => steady.push_str(number),
        }
        steady.push_str(&rest[end..end + 2]);
        rest = &rest[end + 2..];
    }
    steady + rest
}

fn page(study: &Study, words: &[&str], ran: &Ran) -> String {
    let mut page = format!("$ mednet {}\n", words.join(" "));
    page.push_str(&steady(study, &ran.stdout));
    page.push_str(&steady(study, &ran.stderr));
    format!("{page}exit code {}\n", ran.status)
}

fn pages(study: &Study, commands: &[&[&str]]) -> String {
    let page = |words: &&[&str]| page(study, words, &study.run(words));
    commands.iter().map(page).collect::<Vec<_>>().join("\n")
}

#[test]
fn help() {
    let study = Study::new();
    for command in [
        &["--help"][..],
        &["saliency", "--help"],
        &["saliency", "generate", "--help"],
        &["saliency", "view", "--help"],
        &["saliency", "interpretability", "--help"],
        &["saliency", "completeness", "--help"],
        &["saliency", "evaluate", "--help"],
        &["saliency", "collect", "--help"],
        &["saliency", "status", "--help"],
        &["explain", "--help"],
    ] {
        insta::assert_snapshot!(
            command.join("-").replace("---", "-"),
            pages(&study, &[command])
        );
    }
}

#[test]
fn explanations() {
    let study = Study::new();
    insta::assert_snapshot!(pages(
        &study,
        &[
            &["explain"],
            &["explain", "W001", "w009"],
            &["explain", "W000"]
        ]
    ));
}

#[test]
fn a_run_and_its_tables() {
    let study = Study::with_pictures(&["a.png", "b.png", "c.png", "d.png"]);
    study.write("c.png", "no picture");
    let generate = [
        "saliency",
        "generate",
        "pasa",
        "split.json",
        "-w",
        "pasa.safetensors",
        "-o",
        "maps",
    ];
    let one = [&generate[..], &["-s", "gradcam", "-s", "hirescam"]].concat();
    let other = [
        &generate[..],
        &["--layer", "fc13", "-s", "gradcam", "-s", "hirescam"],
    ]
    .concat();
    let shard = [
        "saliency",
        "generate",
        "pasa",
        "split.json",
        "-w",
        "pasa.safetensors",
        "-o",
        "shards",
        "--shard",
        "2/2",
    ];
    insta::assert_snapshot!(pages(
        &study,
        &[
            &one,
            &one,
            &other,
            &[
                "saliency",
                "interpretability",
                "pasa",
                "split.json",
                "-i",
                "maps",
                "-o",
                "results"
            ],
            &shard,
            &["saliency", "collect", "shards"],
            &["saliency", "collect", "nowhere"],
        ],
    ));
}

#[test]
fn refusals() {
    let study = Study::with_pictures(&["a.png"]);
    study.write("empty.json", "{}");
    study.write("bad.json", "{\"test\": [[\"a.png\", 0.7], [\"b.png\"]]}");
    let generate = |more: &[&'static str]| -> Vec<&'static str> {
        [&["saliency", "generate", "pasa"][..], more].concat()
    };
    insta::assert_snapshot!(pages(
        &study,
        &[
            &generate(&[]),
            &generate(&["split.json"]),
            &generate(&["split.json", "-w", "nowhere.ckpt"]),
            &generate(&["split.json", "-w", "split.json"]),
            &generate(&["empty.json", "-w", "pasa.safetensors"]),
            &generate(&["bad.json", "-w", "pasa.safetensors"]),
            &generate(&["split.json", "-w", "pasa.safetensors", "-s", "gradcan"]),
            &generate(&["split.json", "-w", "pasa.safetensors", "-S", "tset"]),
            &generate(&["split.json", "-w", "pasa.safetensors", "--shard", "17/16"]),
            &generate(&["split.json", "-w", "pasa.safetensors", "--store", "layr"]),
            &[
                "saliency",
                "interpretability",
                "split.json",
                "-i",
                "nowhere"
            ],
            &["saliency", "generat"],
        ],
    ));
}
