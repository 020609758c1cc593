//! `mednet saliency interpretability` as a user runs it, on images of a few pixels.

use crate::study::Study;

/// Images of 8 x 4 pixels (width x height), one positive with a box, one without, one negative.
fn data() -> Study {
    let study = Study::new();
    for name in ["a.png", "b.png", "c.png"] {
        image::GrayImage::from_pixel(8, 4, image::Luma([9]))
            .save(study.path(name))
            .unwrap();
    }
    study.write(
        "split.json",
        r#"{"train": [["c.png", 0]],
        "test": [["a.png", 1, [[1, 0, 0, 2, 2], [1, 1, 1, 2, 2]]], ["b.png", 1], ["c.png", 0]]}"#,
    );
    study
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
    let study = data();
    let run = |more: &[&str]| study.run(&[&COMMAND, more].concat());

    // No maps yet: nothing can be done, and nothing is written.
    run(&["--output-json=out/scores.json"]).ends_with(2);
    assert!(!study.path("out").exists());

    // Two boxes of 2 x 2 share a pixel: 7 of 32.
    study.write_values("maps/a.npy", 4, 8, vec![0.5; 32]);
    let output = run(&["--output-json=out/scores.json"]);
    output.expect(0, &["W018", "`b.png`: it has no boxes"]);
    let scores = study.json("out/scores.json");
    assert_eq!(
        scores,
        serde_json::json!({
            "train": [["c.png", 0]],
            "test": [["a.png", 1, 7.0 / 32.0, 0.5], ["b.png", 1], ["c.png", 0]],
        })
    );
    let table = std::fs::read_to_string(study.path("out/scores.rst")).unwrap();
    assert_eq!(output.stdout, format!("{table}\n"));
    assert!(table.contains("train") && table.contains("nan") && table.contains("0.219"));
    assert!(study.path("out/scores.pdf").exists());

    // A damaged map costs its sample and no more; the older file is kept.
    study.write_values("maps/a.npy", 4, 8, vec![f32::NAN; 32]);
    run(&["--output-json=out/scores.json", "--no-plot"]).ends_with(1);
    assert_eq!(study.json("out/scores.json~"), scores);
    assert_eq!(
        study.json("out/scores.json")["test"][0],
        serde_json::json!(["a.png", 1])
    );
    let notes = study.json("out/scores.meta.json");
    let reason = notes["results"]["failures"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("NaN at row 0, column 0"), "{reason}");

    // A map of zeros scores zero; one of another shape is told.
    study.write_values("maps/a.npy", 4, 8, vec![0.0; 32]);
    run(&["--output-json=z.json"]).expect(0, &["W007", "the only map empty"]);
    assert_eq!(
        study.json("z.json")["test"][0],
        serde_json::json!(["a.png", 1, 0.0, 0.0])
    );
    study.write_values("maps/a.npy", 2, 8, vec![0.0; 16]);
    run(&["--output-json=z.json"]).expect(1, &["the map is 2 x 8"]);
}

#[test]
fn without_a_model_boxes_are_padded_and_resized_to_a_square_map() {
    let study = data();
    // 8 x 4 is padded by two rows above and below and doubled: the boxes, columns 0..2 of rows
    // 0..2 and columns 1..3 of rows 1..3, go to columns 0..4 of rows 4..8, and 2..6 of rows 6..10.
    let mut values = vec![0.0; 256];
    for row in 4..8 {
        values[row * 16..][..4].fill(1.0);
    }
    values[0] = 16.0;
    study.write_values("maps/a.npy", 16, 16, values);
    let words = [&COMMAND[..], &["-S", "test", "-o", "results"]].concat();
    study.run(&words).expect(0, &["W017", "no model is given"]);
    let row = &study.json("results/interpretability.json")["test"][0];
    assert_eq!(*row, serde_json::json!(["a.png", 1, 0.5, 16.0 / 28.0]));
}

#[test]
fn several_methods_have_folders_of_their_own() {
    let study = data();
    for method in ["gradcam", "hirescam"] {
        study.write_values(&format!("maps/{method}/a.npy"), 4, 8, vec![0.5; 32]);
    }
    let run = |more: &[&str]| Some(study.run(&[&COMMAND, more].concat()).status);
    assert_eq!(run(&["--output-json=x.json"]), Some(2));
    assert_eq!(
        run(&["-o", "results", "-s", "all", "-s", "control-uniform"]),
        Some(0)
    );
    let of = |method: &str| study.json(&format!("results/{method}/interpretability.json"));
    assert_eq!(of("gradcam"), of("hirescam"));
    // A constant is a constant.
    assert_eq!(of("gradcam"), of("control-uniform"));
    assert_eq!(run(&["-j", "one.json", "-s", "hirescam"]), Some(0));
    assert_eq!(study.json("one.json"), of("hirescam"));
    assert_eq!(run(&["-j", "x.json", "-s", "scorecam"]), Some(2));
    assert_eq!(run(&["-j", "x.json", "-S", "tset"]), Some(2));
    assert!(!study.path("x.json").exists());
    // Nothing is drawn for a label that nobody has, and nothing fails.
    assert_eq!(
        run(&["-j", "none.json", "-s", "hirescam", "-t", "5"]),
        Some(0)
    );
    assert!(study.path("none.rst").exists() && !study.path("none.pdf").exists());
}
