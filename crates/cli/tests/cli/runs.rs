//! What becomes of a run that is ended from outside, that shares its folder, or whose disk is lost.

use std::collections::BTreeMap;
use std::process::{Child, Command};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::study::{GENERATE, Ran, Study};

/// Moments at which each kind of signal comes.
const MOMENTS: u64 = 20;

/// Names of some pictures.
fn names(count: usize) -> Vec<String> {
    (0..count)
        .map(|index| format!("imgs/{index:02}.png"))
        .collect()
}

fn with_pictures(count: usize) -> Study {
    let names = names(count);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Study::with_pictures(&names)
}

/// All files below a folder with their digests, but notes, whose times differ, and older copies.
fn tree(study: &Study, folder: &str) -> BTreeMap<String, String> {
    let files = study.files(folder).into_iter();
    files
        .filter(|file| !file.ends_with("meta.json") && !file.ends_with('~'))
        .map(|file| {
            let bytes = study.read(&format!("{folder}/{file}"));
            (file, mednet_base::hex::encode(&Sha256::digest(bytes)))
        })
        .collect()
}

/// When each map was written.
fn written(study: &Study, folder: &str) -> BTreeMap<String, std::time::SystemTime> {
    let maps = study
        .files(folder)
        .into_iter()
        .filter(|file| file.ends_with(".npy") && !file.contains(".mednet-"));
    maps.map(|file| {
        let about = std::fs::metadata(study.path(folder).join(&file)).unwrap();
        (file, about.modified().unwrap())
    })
    .collect()
}

/// Maps that a manifest or journal names.
fn noted(study: &Study, folder: &str) -> Vec<String> {
    let files = study
        .files(folder)
        .into_iter()
        .filter(|file| file.ends_with(".jsonl"));
    let mut noted = Vec::new();
    for file in files {
        let text = String::from_utf8_lossy(&study.read(&format!("{folder}/{file}"))).into_owned();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        for line in whole.lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let file = line.get("map").and_then(|map| map["file"].as_str());
            noted.extend(file.map(str::to_owned));
        }
    }
    noted
}

fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    // The process may have come to its end by itself.
    let _ = Command::new("kill")
        .args(["-s", name, &id])
        .output()
        .unwrap();
}

fn milliseconds(number: u64) -> Duration {
    Duration::from_millis(number)
}

/// How long a command takes by itself.
fn duration(study: &Study, words: &[&str], folder: &str) -> Duration {
    let started = std::time::Instant::now();
    study.run(words).ends_with(0);
    std::fs::remove_dir_all(study.path(folder)).unwrap();
    started.elapsed()
}

const ALL: [&str; 4] = ["-s", "all", "-P", "2"];

#[test]
fn a_run_that_is_ended_at_any_moment_is_gone_on_with() {
    let study = with_pictures(4);
    let words = [&GENERATE[..], &ALL[..]].concat();
    let whole = duration(&study, &words, "out");
    study.run(&words).ends_with(0);
    let expected = tree(&study, "out");
    assert_eq!(expected.len(), 4 * 12 + 1, "{expected:?}");
    std::fs::rename(study.path("out"), study.path("undisturbed")).unwrap();
    for moment in 0..MOMENTS {
        let name = ["KILL", "TERM", "INT"][moment as usize % 3];
        let mut child = study.start(&words);
        let pause = whole.as_millis() as u64 * (moment + 1) / (MOMENTS + 1);
        std::thread::sleep(milliseconds(pause));
        signal(&child, name);
        let status = child.wait().unwrap();
        if name != "KILL" && !status.success() {
            assert!(
                matches!(status.code(), Some(130) | None),
                "{name} at {pause} ms: {status}"
            );
        }
        let finished = noted(&study, "out");
        let before = written(&study, "out");
        let again = study.run(&words);
        assert_eq!(again.status, 0, "{name} at {pause} ms: {again:?}");
        let found = tree(&study, "out");
        assert_eq!(found, expected, "{name} at {pause} ms");
        let after = written(&study, "out");
        for map in finished {
            assert_eq!(
                before[&map], after[&map],
                "{map} was computed twice ({name} at {pause} ms)"
            );
        }
        std::fs::remove_dir_all(study.path("out")).unwrap();
    }
}

fn completeness<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let words = [
        "saliency",
        "completeness",
        "pasa",
        "split.json",
        "-w",
        "pasa.safetensors",
    ];
    [
        &words[..],
        &["-s", "gradcam", "-s", "control-random", "-e", "50"],
        more,
    ]
    .concat()
}

#[test]
fn scores_are_kept_as_they_come() {
    let study = with_pictures(6);
    let words = completeness(&["-o", "out"]);
    let whole = duration(&study, &words, "out");
    study.run(&words).ends_with(0);
    let expected = tree(&study, "out");
    std::fs::rename(study.path("out"), study.path("undisturbed")).unwrap();
    for moment in 0..MOMENTS {
        let name = ["KILL", "TERM", "INT"][moment as usize % 3];
        let mut child = study.start(&words);
        std::thread::sleep(milliseconds(
            whole.as_millis() as u64 * (moment + 1) / (MOMENTS + 1),
        ));
        signal(&child, name);
        child.wait().unwrap();
        let again = study.run(&words);
        assert_eq!(again.status, 0, "{name}: {again:?}");
        assert_eq!(tree(&study, "out"), expected, "{name}");
        std::fs::remove_dir_all(study.path("out")).unwrap();
    }
    // Nothing is scored twice, also by a run that came to its end.
    study.run(&words).ends_with(0);
    study
        .run(&words)
        .expect(0, &["6 samples, 6 of them scored before"]);
    assert_eq!(tree(&study, "out"), expected);
    // What is left out is left out, also where its scores are known.
    let positive = [&words[..], &["-z", "--no-plot"]].concat();
    study.run(&positive).ends_with(0);
    let rows = study.json("out/gradcam/completeness.json");
    assert_eq!(rows["test"][0].as_array().unwrap().len(), 2);
    assert_eq!(rows["test"][1].as_array().unwrap().len(), 6);
    study
        .run(&words)
        .expect(0, &["6 samples, 6 of them scored before"]);
    assert_eq!(tree(&study, "out"), expected);
    // Another picture is another sample.
    study.write_picture("imgs/03.png", 17);
    study
        .run(&words)
        .expect(0, &["6 samples, 5 of them scored before"]);
    assert_ne!(tree(&study, "out"), expected);
}

#[test]
fn an_interrupted_run_replaces_no_result() {
    let study = with_pictures(3);
    let words = completeness(&["-o", "out"]);
    study.run(&words).ends_with(0);
    let before = tree(&study, "out");
    // The whole result has to be scored anew, and the first sample fails.
    study.write("imgs/00.png", "no picture");
    let stopped = study.run(&completeness(&["-o", "out", "--fail-fast", "--seed", "7"]));
    stopped.expect(
        1,
        &["stopped at the first failure", "kept in `out/journal`"],
    );
    for (file, digest) in tree(&study, "out") {
        if !file.starts_with("journal/") {
            assert_eq!(before[&file], digest, "{file}");
        }
    }
}

fn shard(number: usize, of: usize) -> String {
    format!("{number}/{of}")
}

#[test]
fn shards_on_any_machine_make_what_one_process_makes() {
    let study = with_pictures(7);
    let words = [
        &GENERATE[..],
        &["-s", "gradcam", "-s", "hirescam", "--store", "layer"],
    ]
    .concat();
    study.run(&words).ends_with(0);
    let expected = tree(&study, "out");
    std::fs::remove_dir_all(study.path("out")).unwrap();
    for (bad, what) in [
        ("0/4", "the first of 4 is 1/4"),
        ("5/4", "the last is 4/4"),
        ("x", "I/N"),
    ] {
        study
            .run(&[&words[..], &["--shard", bad]].concat())
            .expect(2, &[what]);
    }
    // Four at once, some of them killed.
    for round in 0..MOMENTS {
        let shards: Vec<String> = (1..=4).map(|number| shard(number, 4)).collect();
        let start = |shard: &String| study.start(&[&words[..], &["--shard", shard]].concat());
        let mut children: Vec<Child> = shards.iter().map(start).collect();
        std::thread::sleep(milliseconds(10 + 25 * round));
        let name = ["KILL", "TERM", "INT"][round as usize % 3];
        signal(&children[round as usize % 4], name);
        signal(&children[(round as usize + 1) % 4], "KILL");
        children
            .iter_mut()
            .for_each(|child| assert!(child.wait().is_ok()));
        let collected = study.run(&["saliency", "collect", "out"]);
        if collected.status == 1 {
            assert!(collected.stderr.contains("--shard"), "{collected:?}");
            assert!(
                collected.stderr.contains("sbatch --array="),
                "{collected:?}"
            );
        }
        for shard in &shards {
            study
                .run(&[&words[..], &["--shard", shard]].concat())
                .ends_with(0);
        }
        study
            .run(&["saliency", "collect", "out"])
            .expect(0, &["14 maps of 7 samples", "all there"]);
        assert_eq!(tree(&study, "out"), expected, "round {round}");
        // And once more: nothing is left to do.
        study
            .run(&["saliency", "collect", "--verify", "out"])
            .ends_with(0);
        study.run(&words).expect(0, &["14 there already"]);
        std::fs::remove_dir_all(study.path("out")).unwrap();
    }
}

#[test]
fn what_fails_in_one_shard_fails_in_all() {
    let study = with_pictures(4);
    study.write("imgs/02.png", "no picture");
    // Both would be one file, in different shards.
    study.write_picture("imgs/03.jpg.png", 5);
    std::fs::rename(study.path("imgs/03.jpg.png"), study.path("imgs/03.jpeg")).unwrap();
    study.write_split(&[
        "imgs/00.png",
        "imgs/01.png",
        "imgs/02.png",
        "imgs/03.png",
        "imgs/03.jpeg",
    ]);
    study
        .generate(&[])
        .expect(1, &["3 maps of 3 samples", "2 samples FAILED"]);
    let expected = tree(&study, "out");
    std::fs::remove_dir_all(study.path("out")).unwrap();
    for shard in ["1/2", "2/2"] {
        study.generate(&["--shard", shard]);
    }
    study.run(&["saliency", "collect", "out"]).expect(
        1,
        &["`imgs/02.png`", "`imgs/03.jpeg`", "3 maps of 3 samples"],
    );
    assert_eq!(tree(&study, "out"), expected);
}

#[test]
fn a_missing_shard_is_named_with_what_to_type() {
    let study = with_pictures(5);
    for number in [1, 3] {
        let shard = shard(number, 4);
        study
            .generate(&["--shard", &shard])
            .expect(0, &["collect out"]);
    }
    let status = study.run(&["saliency", "status", "out"]).ends_with(0);
    assert!(status.stdout.contains("2/4    not begun"), "{status:?}");
    let collected = study.run(&["saliency", "collect", "out"]);
    collected.expect(
        1,
        &["2 (not begun), 4 (not begun)", "--shard 2/4", "--array=2,4"],
    );
    // Scores without a shard are no results.
    study
        .run(&completeness(&["-o", "scores", "--shard", "1/2"]))
        .ends_with(0);
    study
        .run(&["saliency", "collect", "scores"])
        .expect(1, &["not done: shards 2"]);
    assert!(!study.path("scores/gradcam").exists());
}

#[test]
fn shards_of_scores_make_the_same_files() {
    let study = with_pictures(5);
    study
        .generate(&["-s", "gradcam", "-s", "hirescam"])
        .ends_with(0);
    let interpretability = |more: &[&'static str]| {
        let words = [
            "saliency",
            "interpretability",
            "pasa",
            "split.json",
            "-i",
            "out",
        ];
        [&words[..], more].concat()
    };
    study.run(&completeness(&["-o", "one"])).ends_with(0);
    study.run(&interpretability(&["-o", "one"])).ends_with(0);
    let expected = tree(&study, "one");
    for shard in ["2/3", "3/3", "1/3"] {
        study
            .run(&completeness(&["-o", "many", "--shard", shard]))
            .ends_with(0);
        study
            .run(&interpretability(&["-o", "many", "--shard", shard]))
            .ends_with(0);
    }
    study.run(&["saliency", "collect", "many"]).ends_with(0);
    assert_eq!(tree(&study, "many"), expected);
    // Whoever does it again finds it done.
    study
        .run(&["saliency", "collect", "many"])
        .expect(0, &["nothing to bring together"]);
    // A run of its own leaves the parts of others where they are.
    study
        .run(&completeness(&["-o", "more", "--shard", "1/2"]))
        .ends_with(0);
    study
        .run(&completeness(&["-o", "more", "--limit", "1"]))
        .ends_with(0);
    study
        .run(&completeness(&["-o", "more", "--shard", "2/2"]))
        .ends_with(0);
    study.run(&["saliency", "collect", "more"]).ends_with(0);
    let part = |study: &Study| study.json("more/gradcam/completeness.json");
    assert_eq!(part(&study)["test"].as_array().unwrap().len(), 5);
}

#[test]
fn two_processes_in_one_folder_do_no_harm() {
    let study = with_pictures(6);
    let words = [&GENERATE[..], &["-s", "gradcam", "-s", "layercam"]].concat();
    study.run(&words).ends_with(0);
    let expected = tree(&study, "out");
    std::fs::remove_dir_all(study.path("out")).unwrap();
    for _ in 0..6 {
        let children = [study.start(&words), study.start(&words)];
        for child in children {
            Ran::new(child.wait_with_output().unwrap()).ends_with(0);
        }
        assert_eq!(tree(&study, "out"), expected);
        std::fs::remove_dir_all(study.path("out")).unwrap();
    }
    // Different samples at once.
    let half = names(3);
    let half: Vec<&str> = half.iter().map(String::as_str).collect();
    std::fs::copy(study.path("split.json"), study.path("whole.json")).unwrap();
    study.write_split(&half);
    let other: Vec<&str> = words
        .iter()
        .map(|word| {
            if *word == "split.json" {
                "whole.json"
            } else {
                word
            }
        })
        .collect();
    let children = [study.start(&words), study.start(&other)];
    for child in children {
        Ran::new(child.wait_with_output().unwrap()).ends_with(0);
    }
    assert_eq!(tree(&study, "out"), expected);
}

#[test]
fn a_run_that_refuses_writes_nothing() {
    let study = with_pictures(2);
    study.write("out/imgs/00.npy", "somebody's");
    for _ in 0..2 {
        study.generate(&[]).expect(2, &["no manifest.jsonl"]);
        assert_eq!(study.files("out"), ["imgs/00.npy"]);
    }
}

#[test]
fn a_replaced_picture_and_a_damaged_map_are_made_again() {
    let study = with_pictures(3);
    study.generate(&[]).ends_with(0);
    let expected = tree(&study, "out");
    study
        .generate(&[])
        .expect(0, &["0 maps of 3 samples", "3 there already"]);
    let mut map = study.read("out/imgs/01.npy");
    map[5000] ^= 1;
    study.write("out/imgs/01.npy", &map);
    study
        .generate(&[])
        .expect(0, &["1 map of 3 samples", "2 there already"]);
    assert_eq!(tree(&study, "out"), expected);
    study.write("out/imgs/01.npy", &map[..4000]);
    study
        .generate(&["--verify"])
        .expect(0, &["1 map of 3 samples"]);
    assert_eq!(tree(&study, "out"), expected);
    let original = study.read("imgs/02.png");
    study.write_picture("imgs/02.png", 23);
    study.generate(&[]).expect(0, &["1 map of 3 samples"]);
    assert_ne!(tree(&study, "out"), expected);
    study.write("imgs/02.png", &original);
    study.generate(&[]).expect(0, &["1 map of 3 samples"]);
    assert_eq!(tree(&study, "out"), expected);
}

#[test]
fn maps_at_the_layer_are_enlarged_to_the_same_bits() {
    let study = with_pictures(3);
    let methods = ["-s", "gradcam", "-s", "fullgrad", "-s", "scorecam"];
    study.generate(&methods).ends_with(0);
    let [_, generate @ ..] = GENERATE;
    let layer: Vec<&str> = std::iter::once("saliency")
        .chain(generate)
        .map(|word| if word == "out" { "small" } else { word })
        .chain(methods)
        .chain(["--store", "layer"])
        .collect();
    study.run(&layer).ends_with(0);
    assert!(study.read("small/gradcam/imgs/00.npy").len() < 8192);
    let scores = |maps: &'static str, output: &'static str| {
        let common = ["pasa", "split.json", "-i", maps, "-o", output];
        study
            .run(&[&["saliency", "interpretability"][..], &common].concat())
            .ends_with(0);
        let words = [
            "saliency",
            "completeness",
            "-w",
            "pasa.safetensors",
            "-e",
            "50",
        ];
        study.run(&[&words[..], &common].concat()).ends_with(0);
        study
            .run(&[&["saliency", "view"][..], &common].concat())
            .ends_with(0);
        let mut files = tree(&study, output);
        // The maps' own digests differ.
        files.retain(|file, _| !file.ends_with("records.jsonl"));
        files
    };
    assert_eq!(
        scores("out", "large-scores"),
        scores("small", "small-scores")
    );
}

#[test]
fn maps_of_other_weights_are_not_scored_in_silence() {
    let study = with_pictures(2);
    study
        .generate(&["-s", "gradcam", "-s", "hirescam"])
        .ends_with(0);
    study.write_weights("other.safetensors", 1);
    let mut other = study.read("other.safetensors");
    *other.last_mut().unwrap() ^= 1;
    study.write("other.safetensors", &other);
    let words = |more: &[&'static str]| {
        let words = [
            "saliency",
            "completeness",
            "pasa",
            "split.json",
            "-i",
            "out",
            "-e",
            "50",
        ];
        [&words[..], more].concat()
    };
    let refused = study.run(&words(&["-w", "other.safetensors", "-o", "scores"]));
    refused.expect(
        2,
        &[
            "4 maps were made with other weights",
            "--allow-other-weights",
        ],
    );
    assert!(!study.path("scores").exists());
    let more = [
        "-w",
        "other.safetensors",
        "-o",
        "scores",
        "--allow-other-weights",
    ];
    study.run(&words(&more)).expect(0, &["W013"]);
    let table = String::from_utf8(study.read("scores/gradcam/completeness.rst")).unwrap();
    assert!(
        table.contains("2 maps were made with other weights"),
        "{table}"
    );
    study
        .run(&words(&["-w", "pasa.safetensors", "-o", "own"]))
        .ends_with(0);
}

/// Runs the program with limits that a shell sets.
fn limited(study: &Study, limits: &str, words: &[&str]) -> Ran {
    let mut command = Command::new("sh");
    command.current_dir(study.path(""));
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let line = format!(
        "{limits}; exec {} {}",
        env!("CARGO_BIN_EXE_mednet"),
        quoted.join(" ")
    );
    command
        .args(["-c", &line])
        .env("HOME", study.path(""))
        .env("XDG_CONFIG_HOME", study.path(""));
    Ran::new(command.output().unwrap())
}

#[test]
fn a_disk_that_is_full_ends_the_run_at_once() {
    let study = with_pictures(8);
    // No file may have more than half a megabyte: maps have one.
    let ran = limited(&study, "ulimit -f 512", &GENERATE);
    ran.expect(2, &["cannot write", "run the same command again"]);
    assert!(
        study
            .files("out")
            .iter()
            .all(|file| !file.ends_with(".npy")),
        "{:?}",
        study.files("out")
    );
    study.generate(&[]).expect(0, &["8 maps of 8 samples"]);
    let leftovers: Vec<String> = study
        .files("out")
        .into_iter()
        .filter(|file| file.contains(".mednet-"))
        .collect();
    assert!(leftovers.is_empty(), "{leftovers:?}");
}

#[test]
#[allow(clippy::print_stdout, reason = "a skipped test says why")]
fn a_real_full_disk_keeps_what_was_finished() {
    let study = with_pictures(12);
    let disk = study.path("disk");
    std::fs::create_dir(&disk).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=5m", "tmpfs"])
        .arg(&disk)
        .output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        println!("skipped: a small disk cannot be mounted here (not root)");
        return;
    }
    let words: Vec<&str> = GENERATE
        .iter()
        .map(|word| if *word == "out" { "disk/out" } else { word })
        .collect();
    let ran = study.run(&words);
    let files = study.files("disk/out");
    let remount = Command::new("mount")
        .args(["-o", "remount,size=50m"])
        .arg(&disk)
        .status();
    let again = study.run(&words);
    let complete = tree(&study, "disk/out");
    Command::new("umount").arg(&disk).status().unwrap();
    ran.expect(2, &["No space left", "What was finished is kept"]);
    let finished = files
        .iter()
        .filter(|file| file.ends_with(".npy") && !file.contains(".mednet-"));
    assert!(finished.count() >= 2, "{files:?}");
    assert!(remount.unwrap().success());
    again.expect(0, &["there already"]);
    assert_eq!(complete.len(), 12 + 1);
}

#[test]
fn a_folder_that_is_removed_or_locked_ends_the_run() {
    let study = with_pictures(30);
    let words = [&GENERATE[..], &["-s", "scorecam", "-P", "1"]].concat();
    let child = study.start(&words);
    while study
        .files("out")
        .iter()
        .all(|file| !file.ends_with(".npy"))
    {
        std::thread::sleep(milliseconds(5));
    }
    std::fs::rename(study.path("out"), study.path("gone")).unwrap();
    std::fs::remove_dir_all(study.path("gone")).unwrap();
    Ran::new(child.wait_with_output().unwrap()).expect(2, &["removed during the run"]);
    assert!(!study.path("out").exists());
}

#[test]
fn a_finished_folder_need_not_be_writable() {
    let study = with_pictures(2);
    study.generate(&[]).ends_with(0);
    let set = |mode: &str| {
        let out = study.path("out");
        Command::new("chmod")
            .args(["-R", mode])
            .arg(&out)
            .status()
            .unwrap()
    };
    set("a-w");
    let again = study.generate(&[]);
    set("u+w");
    again.expect(0, &["2 there already"]);
}

#[test]
fn results_that_cannot_be_printed_are_no_success() {
    let study = with_pictures(1);
    for words in [
        &["version"][..],
        &["--help"],
        &["config", "list"],
        &["saliency", "layers", "pasa"],
    ] {
        let mut command = study.command();
        let full = std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let ran = Ran::new(command.args(words).stdout(full).output().unwrap());
        ran.expect(2, &["cannot write the result to stdout"]);
        // A reader that has gone away has what it wants.
        let line = format!(
            "{} {} | true",
            env!("CARGO_BIN_EXE_mednet"),
            words.join(" ")
        );
        let ran = Ran::new(Command::new("sh").args(["-c", &line]).output().unwrap());
        ran.expect(0, &[]);
    }
}

#[test]
fn samples_that_are_all_read_first_give_the_same_maps() {
    let study = with_pictures(5);
    study.generate(&[]).ends_with(0);
    let expected = tree(&study, "out");
    std::fs::remove_dir_all(study.path("out")).unwrap();
    study.generate(&["--cache-samples", "-P", "3"]).ends_with(0);
    assert_eq!(tree(&study, "out"), expected);
}

#[test]
fn fail_fast_ends_the_run_and_keeps_what_is_done() {
    let study = with_pictures(30);
    study.write("imgs/02.png", "no picture");
    let ran = study.generate(&["--fail-fast", "-P", "1"]);
    ran.expect(1, &["`imgs/02.png`", "--fail-fast"]);
    let maps = study
        .files("out")
        .iter()
        .filter(|file| file.ends_with(".npy"))
        .count();
    assert!((2..29).contains(&maps), "{maps}");
}

#[test]
fn hostile_samples_cost_themselves_alone() {
    let study = with_pictures(2);
    let pipe = study.path("imgs/pipe.png");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let long = format!("imgs/{}.png", "l".repeat(251));
    study.write_picture(&long, 3);
    let escape = "imgs/\u{1b}[31mred\u{7}.png";
    study.write_picture(escape, 4);
    study.write_split(&[
        "imgs/00.png",
        "imgs/pipe.png",
        &long,
        escape,
        "imgs/\u{1b}]0;x.png",
        "imgs/01.png",
    ]);
    let ran = study.generate(&["-vvv"]);
    ran.expect(
        1,
        &[
            "a named pipe, not a file",
            "4 maps of 4 samples",
            "2 samples FAILED",
        ],
    );
    assert!(
        !ran.stderr.contains('\u{1b}') && !ran.stderr.contains('\u{7}'),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("\\x1b[31mred\\x07"), "{ran:?}");
}

#[test]
fn a_thousand_failures_are_a_few_lines() {
    let study = with_pictures(1);
    let missing: Vec<String> = (0..1000)
        .map(|index| format!("[\"no/{index}.png\", 1]"))
        .collect();
    let rows = format!(
        "{{\"test\": [[\"imgs/00.png\", 1], {}]}}",
        missing.join(", ")
    );
    study.write("split.json", rows);
    let ran = study.generate(&[]);
    ran.expect(
        1,
        &[
            "995 more failures (images that are not there)",
            "1000 samples FAILED",
        ],
    );
    assert!(ran.stderr.lines().count() < 12, "{}", ran.stderr);
    let all = study.json("out/generation.meta.json")["results"]["failures"].clone();
    assert_eq!(all.as_array().unwrap().len(), 1000);
    // If none is there, it is the folder.
    study.write(
        "split.json",
        format!("{{\"test\": [{}]}}", missing.join(", ")),
    );
    let words: Vec<&str> = GENERATE
        .iter()
        .map(|word| if *word == "out" { "none" } else { word })
        .collect();
    let ran = study.run(&words);
    ran.expect(2, &["none of the 1000 images", "--datadir"]);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    assert!(!study.path("none").exists());
}

#[test]
fn options_of_the_folder_are_told_and_diagnostics_explained() {
    let study = with_pictures(3);
    study.write("mednet.toml", "limit = 2\noverwrite = true\n");
    study.generate(&[]).expect(
        0,
        &[
            "using `mednet.toml`: limit, overwrite",
            "2 maps of 2 samples",
        ],
    );
    let explained = study.run(&["explain", "w004"]).ends_with(0);
    assert!(
        explained.stdout.starts_with("W004: signed maps"),
        "{explained:?}"
    );
    study
        .run(&["explain", "W999"])
        .expect(2, &["no diagnostic `W999`"]);
    assert!(study.run(&["explain"]).stdout.lines().count() > 20);
}

#[test]
fn too_many_threads_and_its_own_input_are_refused() {
    let study = with_pictures(1);
    study
        .generate(&["-P", "100000"])
        .expect(2, &["--parallel 100000 is more than"]);
    for input in ["split.json", "pasa.safetensors"] {
        let before = study.read(input);
        let words = completeness(&[]);
        let one: Vec<&str> = words
            .iter()
            .filter(|word| **word != "control-random")
            .copied()
            .collect();
        let one: Vec<&str> = one
            .iter()
            .enumerate()
            .filter(|(index, word)| !(**word == "-s" && one.get(index + 1) == Some(&"-e")))
            .map(|(_, word)| *word)
            .collect();
        study
            .run(&[&one[..], &["-j", input]].concat())
            .expect(2, &["is read by this command"]);
        assert!(study.read(input) == before, "{input}");
    }
}
