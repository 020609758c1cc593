//! `mednet saliency interpretability` as a user runs it, on images of a few pixels.

use std::path::Path;
use std::process::{Command, Output};

/// Images of 8 x 4 pixels (width x height), one positive with a box, one without, one negative.
fn data(folder: &Path) {
    for name in ["a.png", "b.png", "c.png"] {
        image::GrayImage::from_pixel(8, 4, image::Luma([9]))
            .save(folder.join(name))
            .unwrap();
    }
    let split = r#"{"train": [["c.png", 0]],
        "test": [["a.png", 1, [[1, 0, 0, 2, 2], [1, 1, 1, 2, 2]]], ["b.png", 1], ["c.png", 0]]}"#;
    std::fs::write(folder.join("split.json"), split).unwrap();
}

/// A map as numpy writes it.
fn save_map(path: &Path, height: usize, width: usize, values: &[f32]) {
    let mut header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({height}, {width}), }}");
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn mednet(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mednet"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap()
}

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

const COMMAND: [&str; 5] = [
    "saliency",
    "interpretability",
    "-vv",
    "split.json",
    "--input-folder=maps",
];

#[test]
fn scores_files_and_exit_codes() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    data(folder);
    let run = |more: &[&str]| mednet(folder, &[&COMMAND, more].concat());

    // No maps yet: nothing can be done, and nothing is written.
    let output = run(&["--output-json=out/scores.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!folder.join("out").exists());

    // Two boxes of 2 x 2 share a pixel: 7 of 32.
    save_map(&folder.join("maps/a.npy"), 4, 8, &[0.5; 32]);
    let output = run(&["--output-json=out/scores.json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let scores = json(&folder.join("out/scores.json"));
    assert_eq!(
        scores,
        serde_json::json!({
            "train": [["c.png", 0]],
            "test": [["a.png", 1, 7.0 / 32.0, 0.5], ["b.png", 1], ["c.png", 0]],
        })
    );
    let table = std::fs::read_to_string(folder.join("out/scores.rst")).unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        format!("{table}\n")
    );
    assert!(table.contains("train") && table.contains("nan") && table.contains("0.219"));
    assert!(folder.join("out/scores.pdf").exists());
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains("1 sample of label 1 without boxes"),
        "{stderr}"
    );

    // A damaged map costs its sample and no more; the older file is kept.
    save_map(&folder.join("maps/a.npy"), 4, 8, &[f32::NAN; 32]);
    let output = run(&["--output-json=out/scores.json", "--no-plot"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(json(&folder.join("out/scores.json~")), scores);
    assert_eq!(
        json(&folder.join("out/scores.json"))["test"][0],
        serde_json::json!(["a.png", 1])
    );
    let notes = json(&folder.join("out/scores.meta.json"));
    let reason = notes["results"]["failures"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("NaN at row 0, column 0"), "{reason}");

    // A map of zeros scores zero; one of another shape is told.
    save_map(&folder.join("maps/a.npy"), 4, 8, &[0.0; 32]);
    assert_eq!(run(&["--output-json=z.json"]).status.code(), Some(0));
    assert_eq!(
        json(&folder.join("z.json"))["test"][0],
        serde_json::json!(["a.png", 1, 0.0, 0.0])
    );
    save_map(&folder.join("maps/a.npy"), 2, 8, &[0.0; 16]);
    let output = run(&["--output-json=z.json"]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("the map is 2 x 8"), "{stderr}");
}

#[test]
fn without_a_model_boxes_are_padded_and_resized_to_a_square_map() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    data(folder);
    // 8 x 4 is padded by two rows above and below and doubled: the boxes, columns 0..2 of rows
    // 0..2 and columns 1..3 of rows 1..3, go to columns 0..4 of rows 4..8, and 2..6 of rows 6..10.
    let mut values = vec![0.0; 256];
    for row in 4..8 {
        values[row * 16..][..4].fill(1.0);
    }
    values[0] = 16.0;
    save_map(&folder.join("maps/a.npy"), 16, 16, &values);
    let output = mednet(
        folder,
        &[&COMMAND[..], &["-S", "test", "-o", "results"]].concat(),
    );
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let row = &json(&folder.join("results/interpretability.json"))["test"][0];
    assert_eq!(*row, serde_json::json!(["a.png", 1, 0.5, 16.0 / 28.0]));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("no model is given"), "{stderr}");
}

#[test]
fn several_methods_have_folders_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    data(folder);
    for method in ["gradcam", "hirescam"] {
        save_map(
            &folder.join("maps").join(method).join("a.npy"),
            4,
            8,
            &[0.5; 32],
        );
    }
    let run = |more: &[&str]| {
        let output = mednet(folder, &[&COMMAND, more].concat());
        output.status.code()
    };
    assert_eq!(run(&["--output-json=x.json"]), Some(2));
    assert_eq!(
        run(&["-o", "results", "-s", "all", "-s", "control-uniform"]),
        Some(0)
    );
    let results = folder.join("results");
    let of = |method: &str| json(&results.join(method).join("interpretability.json"));
    assert_eq!(of("gradcam"), of("hirescam"));
    // A constant is a constant.
    assert_eq!(of("gradcam"), of("control-uniform"));
    assert_eq!(run(&["-j", "one.json", "-s", "hirescam"]), Some(0));
    assert_eq!(json(&folder.join("one.json")), of("hirescam"));
    assert_eq!(run(&["-j", "x.json", "-s", "scorecam"]), Some(2));
    assert_eq!(run(&["-j", "x.json", "-S", "tset"]), Some(2));
    assert!(!folder.join("x.json").exists());
    // Nothing is drawn for a label that nobody has, and nothing fails.
    assert_eq!(
        run(&["-j", "none.json", "-s", "hirescam", "-t", "5"]),
        Some(0)
    );
    assert!(folder.join("none.rst").exists() && !folder.join("none.pdf").exists());
}
