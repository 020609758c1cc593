//! `mednet classify saliency completeness` as a user runs it, with a trained network and synthetic
//! radiographs that lie beside the repository; without them these tests say so and pass.

#![allow(clippy::print_stdout, reason = "a skipped test must say so")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn reference() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: there is no folder {}", folder.display());
    None
}

fn mednet(folder: &Path, reference: &Path, arguments: &[&str]) -> Output {
    let split = reference.join("tbx11k/split.json");
    let weight = reference.join("models/pasa.ckpt");
    Command::new(env!("CARGO_BIN_EXE_mednet"))
        .current_dir(folder)
        .args(["classify", "saliency", "completeness", "-vv", "pasa"])
        .arg(split)
        .arg(format!("--weight={}", weight.display()))
        .args(arguments)
        .output()
        .unwrap()
}

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn rows_curves_and_the_same_bytes_on_any_number_of_threads() {
    let Some(reference) = reference() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let run = |more: &[&str]| {
        let one_of_each = [
            "-S",
            "validation",
            "--limit=3",
            "-z",
            "-e",
            "30",
            "--repeats=2",
        ];
        mednet(folder, &reference, &[&one_of_each, more].concat())
    };
    let output = run(&["--device=cpu", "--output-json=one.json", "-P", "1"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let rows = json(&folder.join("one.json"));
    let rows = rows["validation"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    // Negative samples are left out by -z, and say so by their length.
    let lengths: Vec<usize> = rows
        .iter()
        .map(|row| row.as_array().unwrap().len())
        .collect();
    assert_eq!(lengths, [2, 2, 6]);
    let [morf, lerf, combined] = [3, 4, 5].map(|index| rows[2][index].as_f64().unwrap());
    assert!((combined - (lerf - morf) / 2.0).abs() < 1e-12);
    let curves = json(&folder.join("one.curves.json"));
    assert_eq!(curves["version"], 1);
    assert_eq!(curves["method"], "gradcam");
    let curve = &curves["datasets"]["validation"][0];
    assert_eq!(curve["sample"], rows[2][0]);
    assert_eq!(curve["class"], rows[2][2]);
    assert_eq!(curve["morf"][0], rows[2][3]);
    let removed = curve["morf-removed"][0].as_f64().unwrap() * 512.0 * 512.0;
    assert_eq!(removed, f64::round(0.3 * 512.0 * 512.0));
    assert!(curve["mean-spread"][2].as_f64().unwrap() > 0.0);
    assert!(folder.join("one.meta.json").exists() && folder.join("one.pdf").exists());
    let table = std::fs::read_to_string(folder.join("one.rst")).unwrap();
    assert!(table.contains("ROAD (avg)[mean]"));

    assert_eq!(
        run(&["-j", "two.json", "-P", "2", "--no-plot"])
            .status
            .code(),
        Some(0)
    );
    for ending in ["json", "curves.json", "rst"] {
        let read = |stem: &str| std::fs::read(folder.join(format!("{stem}.{ending}"))).unwrap();
        assert!(read("one") == read("two"), "{ending}");
    }
    assert!(!folder.join("two.pdf").exists());
}

#[test]
fn what_cannot_be_done_is_refused_before_anything_is_written() {
    let Some(reference) = reference() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (arguments, message) in [
        (&["--device=cuda:0", "-j", "x.json"][..], "--device cpu"),
        (
            &["-s", "gradcam", "-s", "hirescam", "-j", "x.json"],
            "--output-folder",
        ),
        (&["-S", "tset", "-j", "x.json"], "`tset`"),
        (&["-C", "1", "-j", "x.json"], "no class 1"),
        (&["-i", "nowhere", "-j", "x.json"], "`nowhere`"),
        (&["--score", "logit", "-j", "x.json"], "softmax"),
        (&["--noise=-1", "-j", "x.json"], "--noise -1"),
        (&["-e", "100", "-j", "x.json"], "100"),
    ] {
        let output = mednet(folder, &reference, arguments);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(message), "{stderr}");
    }
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
}
