//! `mednet classify saliency completeness` as a user runs it, on pictures of a few pixels.

use crate::study::{Ran, Study};

fn completeness(study: &Study, more: &[&str]) -> Ran {
    let words = [
        "classify",
        "saliency",
        "completeness",
        "-vv",
        "pasa",
        "split.json",
    ];
    study.run(&[&words[..], &["--weight=pasa.safetensors"], more].concat())
}

/// Three samples, the last of which is positive.
fn study() -> Study {
    let study = Study::with_pictures(&["a.png", "b.png", "c.png", "d.png"]);
    let split =
        r#"{"train": [["d.png", 1]], "validation": [["a.png", 0], ["b.png", 0], ["c.png", 1]]}"#;
    study.write("split.json", split);
    study
}

#[test]
fn rows_curves_and_the_same_bytes_on_any_number_of_threads() {
    let study = study();
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
        completeness(&study, &[&one_of_each, more].concat())
    };
    run(&["--device=cpu", "--output-json=one.json", "-P", "1"]).ends_with(0);
    let rows = study.json("one.json");
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
    let curves = study.json("one.curves.json");
    assert_eq!(curves["version"], 1);
    assert_eq!(curves["method"], "gradcam");
    let curve = &curves["datasets"]["validation"][0];
    assert_eq!(curve["sample"], rows[2][0]);
    assert_eq!(curve["class"], rows[2][2]);
    assert_eq!(curve["morf"][0], rows[2][3]);
    let removed = curve["morf-removed"][0].as_f64().unwrap() * 512.0 * 512.0;
    assert_eq!(removed, f64::round(0.3 * 512.0 * 512.0));
    assert!(curve["mean-spread"][2].as_f64().unwrap() > 0.0);
    assert!(study.path("one.meta.json").exists() && study.path("one.pdf").exists());
    let table = std::fs::read_to_string(study.path("one.rst")).unwrap();
    assert!(table.contains("ROAD (avg)[mean]"));

    run(&["-j", "two.json", "-P", "2", "--no-plot"]).ends_with(0);
    for ending in ["json", "curves.json", "rst"] {
        let read = |stem: &str| study.read(&format!("{stem}.{ending}"));
        assert!(read("one") == read("two"), "{ending}");
    }
    assert!(!study.path("two.pdf").exists());
}

#[test]
fn what_cannot_be_done_is_refused_before_anything_is_written() {
    let study = study();
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
        completeness(&study, arguments).expect(2, &[message]);
    }
    assert_eq!(study.files("").len(), 4 + 2);
}
