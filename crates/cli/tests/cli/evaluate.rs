//! `mednet saliency evaluate`, run as a user runs it.

use std::path::PathBuf;

use crate::study::{Ran, Study};

/// Two samples with boxes, one without a finding.
const COMPLETENESS_A: &str = r#"{"test": [
    ["healthy.png", 0],
    ["one.png", 1, 0, -0.5, 0.25, 0.375],
    ["two.png", 1, 0, -0.25, 0.0, 0.125]
]}"#;
const INTERPRETABILITY_A: &str = r#"{"test": [
    ["healthy.png", 0],
    ["one.png", 1, 0.5, 0.75],
    ["two.png", 1, 0.25, 0.25]
]}"#;
/// In another order, padded as the original pads.
const COMPLETENESS_B: &str = r#"{"test": [
    [ "two.png"     , 1, 0, 0.0, 0.25 , 0.125  ],
    [ "one.png"     , 1, 0, 0.0, 0.125, 0.0625 ],
    [ "healthy.png" , 0                        ]
]}"#;
const INTERPRETABILITY_B: &str = r#"{"test": [
    ["one.png", 1, 0.25, 0.25],
    ["two.png", 1, 0.25, 0.5],
    ["healthy.png", 0]
]}"#;

struct Place {
    study: Study,
}

impl Place {
    fn new() -> Self {
        let place = Self {
            study: Study::new(),
        };
        place.put("a-c.json", COMPLETENESS_A);
        place.put("a-i.json", INTERPRETABILITY_A);
        place.put("b-c.json", COMPLETENESS_B);
        place.put("b-i.json", INTERPRETABILITY_B);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.study.path(name)
    }

    fn put(&self, name: &str, text: &str) {
        self.study.write(name, text);
    }

    fn read(&self, name: &str) -> String {
        String::from_utf8(self.study.read(name)).unwrap()
    }

    fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// Runs `mednet saliency evaluate` in the folder.
    fn evaluate(&self, arguments: &str) -> Ran {
        self.run(&format!("saliency evaluate {arguments}"))
    }

    fn run(&self, arguments: &str) -> Ran {
        let words: Vec<&str> = arguments.split_whitespace().collect();
        self.study.run(&words)
    }
}

fn stdout(ran: &Ran) -> String {
    ran.stdout.clone()
}

fn stderr(ran: &Ran) -> String {
    ran.stderr.clone()
}

#[track_caller]
fn assert_done(ran: &Ran) {
    ran.expect(0, &[]);
}

/// Exit code 2, nothing on stdout, and these words on stderr.
#[track_caller]
fn assert_refused(ran: &Ran, words: &[&str]) {
    ran.expect(2, words);
    assert_eq!(ran.stdout, "");
}

#[test]
fn the_hand_computed_table() {
    let place = Place::new();
    let output = place.evaluate(
        "-e b b-c.json b-i.json -e a a-c.json a-i.json --table-format csv --no-plot -o out",
    );
    assert_done(&output);
    let text = stdout(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].starts_with("algorithm,subset,samples,AOPC-Combined[mean],AOPC-Combined[std]")
    );
    // b: aopc 0.125, 0.0625; energy 0.25, 0.25; focus 0.5, 0.25; products 0.03125, 0.015625.
    // The spread of two values is their distance over the root of two.
    let root = 2.0_f64.sqrt();
    let expected: [[f64; 5]; 4] = [
        [0.09375, 0.0625 / root, 0.078125, 0.09375, 0.109375],
        [0.25, 0.0, 0.25, 0.25, 0.25],
        [0.375, 0.25 / root, 0.3125, 0.375, 0.4375],
        [
            0.0234375,
            0.015625 / root,
            0.01953125,
            0.0234375,
            0.02734375,
        ],
    ];
    assert_row(lines[1], &["b", "test", "2"], expected.as_flattened());
    // a: aopc 0.375, 0.125; energy 0.5, 0.25; focus 0.75, 0.25; products 0.1875, 0.03125.
    let expected: [[f64; 5]; 4] = [
        [0.25, 0.25 / root, 0.1875, 0.25, 0.3125],
        [0.375, 0.25 / root, 0.3125, 0.375, 0.4375],
        [0.5, 0.5 / root, 0.375, 0.5, 0.625],
        [0.109375, 0.15625 / root, 0.0703125, 0.109375, 0.1484375],
    ];
    assert_row(lines[2], &["a", "test", "2"], expected.as_flattened());
    assert_eq!(lines[3], "");
    assert_eq!(
        lines[4],
        "subset,score,A,B,samples,A - B[mean],A - B[2.5%],A - B[97.5%],p,p[Holm]"
    );
    // b - a: aopc 0 and -0.3125; one difference that is not zero has p = 1.
    assert_row(
        lines[5],
        &["test", "AOPC-Combined", "b", "a", "2"],
        &[-0.15625, -0.3125, 0.0, 1.0, 1.0],
    );
    // Focus 0.25 and -0.5: ranks 1 and 2 of unlike signs.
    assert_row(
        lines[7],
        &["test", "AvgSalFocus", "b", "a", "2"],
        &[-0.125, -0.5, 0.25, 1.0, 1.0],
    );
    assert_eq!(lines.len(), 9);
    assert!(!place.exists("out/saliency-evaluation.pdf"));
}

#[track_caller]
fn assert_row(line: &str, names: &[&str], numbers: &[f64]) {
    let cells: Vec<&str> = line.split(',').collect();
    assert_eq!(&cells[..names.len()], names);
    assert_eq!(cells.len(), names.len() + numbers.len(), "{line}");
    for (cell, number) in cells[names.len()..].iter().zip(numbers) {
        let found: f64 = cell.parse().unwrap();
        assert!(
            (found - number).abs() < 1e-15,
            "{cell} for {number} in {line}"
        );
    }
}

#[test]
fn files_of_results() {
    let place = Place::new();
    let command = "-e a a-c.json a-i.json -e b b-c.json b-i.json -o out/of/results";
    let first = place.run(&format!("classify saliency evaluate {command}"));
    assert_done(&first);
    let file = |ending: &str| format!("out/of/results/saliency-evaluation.{ending}");
    let texts = ["json", "comparisons.json", "rst"];
    let all = ["json", "comparisons.json", "rst", "meta.json", "pdf"];
    for ending in all {
        assert!(place.exists(&file(ending)), "{ending}");
        assert!(!place.exists(&file(&format!("{ending}~"))), "{ending}");
    }
    let kept = texts.map(|ending| place.read(&file(ending)));
    let pdf = std::fs::read(place.path(&file("pdf"))).unwrap();
    assert!(pdf.starts_with(b"%PDF-"));
    assert_eq!(stdout(&first), kept[2]);

    // The same results leave the older file alone; others keep it.
    assert_done(&place.evaluate(command));
    for ending in texts {
        assert!(!place.exists(&file(&format!("{ending}~"))), "{ending}");
    }
    assert_eq!(texts.map(|ending| place.read(&file(ending))), kept);
    assert!(std::fs::read(place.path(&file("pdf"))).unwrap() == pdf);

    let scores: serde_json::Value = serde_json::from_str(&kept[0]).unwrap();
    let aopc = &scores["a"]["test"]["aopc"];
    assert_eq!(aopc["mean"], 0.25);
    assert_eq!(aopc["quartiles"]["75"], 0.3125);
    assert_eq!(aopc["values"], serde_json::json!([0.375, 0.125]));
    let focus = &scores["b"]["test"]["focus"];
    assert_eq!(
        focus["decreasing_scores"],
        serde_json::json!([["two.png", 0.5], ["one.png", 0.25]])
    );
    let comparisons: serde_json::Value = serde_json::from_str(&kept[1]).unwrap();
    assert_eq!(comparisons["comparisons"].as_array().unwrap().len(), 4);
    assert_eq!(comparisons["comparisons"][1]["difference"], 0.125);
    let meta: serde_json::Value = serde_json::from_str(&place.read(&file("meta.json"))).unwrap();
    assert_eq!(meta["resamples"], 10_000);
    assert_eq!(meta["seed"], 42);
    assert_eq!(meta["entry"][1]["name"], "b");
    assert_done(&place.evaluate(&format!("{command} --seed 7 --resamples 100")));
    for ending in ["comparisons.json", "rst"] {
        assert!(place.exists(&file(&format!("{ending}~"))), "{ending}");
    }
    assert_eq!(place.read(&file("rst~")), kept[2]);
}

#[test]
fn controls_come_last_and_are_not_compared_with_each_other() {
    let place = Place::new();
    let output = place.evaluate(
        "-e control-random b-c.json b-i.json -e a a-c.json a-i.json \
         -e control-center b-c.json b-i.json --json -Q",
    );
    assert_done(&output);
    let document: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let names: Vec<&String> = document["scores"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["a", "control-random", "control-center"]);
    let comparisons = document["comparisons"]["comparisons"].as_array().unwrap();
    assert_eq!(comparisons.len(), 8);
    assert!(
        comparisons
            .iter()
            .all(|comparison| comparison["first"] == "a")
    );
    assert!(place.exists("results/saliency-evaluation.pdf"));
}

#[test]
fn every_table_format() {
    let place = Place::new();
    for (format, beginning) in [
        ("rst", "=="),
        ("github", "| algorithm"),
        ("latex", "\\begin{tabular}"),
        ("csv", "algorithm,"),
        ("json", "{"),
        ("plain", "algorithm"),
    ] {
        let output = place.evaluate(&format!(
            "-e a a-c.json a-i.json -e b b-c.json b-i.json --table-format {format} --no-plot"
        ));
        assert_done(&output);
        let text = stdout(&output);
        assert!(text.starts_with(beginning), "{format}: {text}");
        assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{format}");
        let told = text.contains("Wilcoxon") && text.contains("Holm's method");
        assert_eq!(told, !["csv", "json"].contains(&format), "{format}: {text}");
    }
    let output = place.evaluate("-e a a-c.json a-i.json --table-format json --no-plot");
    let document: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(document["scores"][0]["PropEng[mean]"], 0.375);
    let output = place.evaluate("-e a a-c.json a-i.json --table-format gihub");
    assert_refused(
        &output,
        &["unknown table format `gihub`", "did you mean `github`?"],
    );
}

#[test]
fn a_seed_makes_a_run_repeatable() {
    let place = Place::new();
    let run = |seed| {
        let output = place.evaluate(&format!(
            "-e a a-c.json a-i.json -e b b-c.json b-i.json --no-plot --json --resamples 101 \
             --seed {seed}"
        ));
        assert_done(&output);
        stdout(&output)
    };
    assert_eq!(run(3), run(3));
    assert!(run(3).contains("\"seed\": 3"));
}

#[test]
fn nothing_scored_is_a_row_without_numbers() {
    let place = Place::new();
    place.put(
        "c.json",
        r#"{"test": [["a.png", 0], ["b.png", 1, 0, NaN, NaN, NaN]]}"#,
    );
    place.put(
        "i.json",
        r#"{"test": [["a.png", 0], ["b.png", 1, 0.5, 0.5]], "train": []}"#,
    );
    let output = place.evaluate("-e a c.json i.json");
    assert_done(&output);
    let text = stdout(&output);
    let row: Vec<&str> = text.lines().nth(3).unwrap().split_whitespace().collect();
    assert_eq!(row[..3], ["a", "test", "0"]);
    assert!(row[3..].iter().all(|cell| *cell == "nan") && row.len() == 23);
    assert!(text.contains("nan: not defined"));
    assert!(!place.exists("results/saliency-evaluation.pdf"));
    let told = stderr(&output);
    assert!(
        told.contains("no finite number") && told.contains("`b.png`"),
        "{told}"
    );
    assert!(told.contains("no sample has both scores"), "{told}");
    assert!(told.contains("`train` is in `i.json` only"), "{told}");
}

#[test]
fn curves_beside_the_completeness_file_are_drawn() {
    let place = Place::new();
    let pages = || -> (usize, String) {
        let output = place.evaluate("-e a a-c.json a-i.json");
        assert_done(&output);
        let told = stderr(&output);
        let part = told
            .split(", ")
            .find(|part| part.contains("pages of plots"));
        let pages = part.and_then(|part| part.split(' ').next()?.parse().ok());
        (pages.unwrap_or_default(), told)
    };
    // 4 boxes, the scatter, 4 histograms.
    assert_eq!(pages().0, 9);
    let row = |sample: &str| {
        format!(
            r#"{{"sample": "{sample}", "label": 1, "class": 0, "baseline": 0.9,
                "morf": [-0.25, -0.5], "lerf": [0.0, -0.125], "morf-removed": [0.2, 0.8],
                "lerf-removed": [0.2, 0.8], "tied-mass": 0.0, "spread": {{}}}}"#
        )
    };
    let document = |rows: &str| {
        format!(
            r#"{{"version": 1, "score": "sigmoid", "percentiles": [20, 80],
                "datasets": {{"test": [{rows}]}}}}"#
        )
    };
    place.put(
        "a-c.curves.json",
        &document(&[row("one.png"), row("two.png")].join(",")),
    );
    let (with, told) = pages();
    assert_eq!(with, 10, "{told}");
    assert!(!told.contains("warning"), "{told}");
    place.put(
        "a-c.curves.json",
        &document(r#"{"sample": "one.png", "class": 0, "morf": [1]}"#),
    );
    let (without, told) = pages();
    assert_eq!(without, 9);
    assert!(told.contains("no ROAD curves are drawn"), "{told}");
    assert!(told.contains("expected 2 numbers under `morf`"), "{told}");
}

#[test]
fn a_configuration_file_can_name_the_entries() {
    let place = Place::new();
    place.put(
        "mednet.toml",
        r#"entry = [["a", "a-c.json", "a-i.json"], ["b", "b-c.json", "b-i.json"]]
           no_plot = true
           table_format = "csv""#,
    );
    let output = place.evaluate("");
    assert_done(&output);
    let text = stdout(&output);
    assert!(
        text.contains("\na,test,2,") && text.contains("\nb,test,2,"),
        "{text}"
    );
}

#[test]
fn methods_on_different_data_are_compared_on_what_they_share() {
    let place = Place::new();
    place.put(
        "c.json",
        r#"{"test": [["two.png", 1, 0, 0.0, 0.0, 0.0], ["new.png", 1, 0, 0.0, 0.0, 0.5]],
            "validation": [["v.png", 1, 0, 0.0, 0.0, 0.25]]}"#,
    );
    place.put(
        "i.json",
        r#"{"test": [["two.png", 1, 0.5, 0.5], ["new.png", 1, 0.5, 0.5]],
            "validation": [["v.png", 1, 0.5, 0.5]]}"#,
    );
    let output =
        place.evaluate("-e a a-c.json a-i.json -e c c.json i.json --table-format csv --no-plot");
    assert_done(&output);
    let text = stdout(&output);
    assert!(text.contains("\nc,validation,1,0.25,nan,"), "{text}");
    // 0.125 - 0.0 on `two.png`, the only sample of both; nobody else has `validation`.
    assert!(
        text.contains("\ntest,AOPC-Combined,a,c,1,0.125,nan,nan,1.0,1.0\n"),
        "{text}"
    );
    assert!(!text.contains("\nvalidation,"), "{text}");
    let told = stderr(&output);
    assert!(
        told.contains("`a` has 2 samples, `c` has 2; they are compared on the 1"),
        "{told}"
    );
}

#[test]
fn what_cannot_be_done_is_refused() {
    let place = Place::new();
    let entry = "-e a a-c.json a-i.json";
    assert_refused(&place.evaluate(""), &["--entry"]);
    assert_refused(&place.evaluate("-e a a-c.json"), &["3 values required"]);
    assert_refused(
        &place.evaluate(&format!("{entry} -e a b-c.json b-i.json")),
        &["two entries are named `a`"],
    );
    assert_refused(
        &place.evaluate(&format!("{entry} -S tests")),
        &["no file has a data set `tests`", "did you mean `test`?"],
    );
    assert_refused(
        &place.evaluate("-e a missing.json a-i.json"),
        &["cannot read `missing.json`"],
    );
    assert_refused(
        &place.evaluate("-e a a-i.json a-c.json"),
        &[
            "`a-i.json`, data set `test`, row 2 (sample `one.png`)",
            "found 4 entries, as interpret",
        ],
    );
    place.put("train.json", r#"{"train": []}"#);
    assert_refused(
        &place.evaluate("-e a a-c.json train.json"),
        &[
            "no data set is in both files",
            "`a-c.json` has `test`",
            "`train.json` has `train`",
        ],
    );
    place.put("broken.json", "{\"test\": [[\"a.png\", 1,,]]}");
    assert_refused(
        &place.evaluate("-e a broken.json a-i.json"),
        &["`broken.json` is no JSON: line 1, column 23"],
    );
    place.put(
        "text.json",
        r#"{"test": [["a.png", 1, 0, 0.5, 0.5, "high"]]}"#,
    );
    assert_refused(
        &place.evaluate("-e a text.json a-i.json"),
        &["row 1 (sample `a.png`): expected a number at place 6"],
    );
    place.put(
        "other.json",
        r#"{"test": [["one.png", 0, 0, 0.5, 0.5, 0.5]]}"#,
    );
    assert_refused(
        &place.evaluate("-e a other.json a-i.json"),
        &["sample `one.png` has label 0 for completeness, but 1"],
    );
    assert!(!place.exists("results"));
}

#[test]
fn files_of_the_original_are_read() {
    let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/original");
    let place = Place::new();
    let mut command = place.study.command();
    command.args(["saliency", "evaluate", "--json", "--no-plot"]);
    let methods = ["gradcam", "gradcam++", "eigencam"];
    for method in methods {
        let files = ["completeness.json", "interpretability.json"];
        let [completeness, interpretability] = files.map(|file| golden.join(method).join(file));
        command
            .args(["-e", method])
            .arg(completeness)
            .arg(interpretability);
    }
    let output = Ran::new(command.output().unwrap());
    assert_done(&output);
    // One sample has no spread: NaN, which is no JSON to the letter.
    let text = stdout(&output).replace("NaN", "null");
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let test = &document["scores"]["gradcam"]["test"];
    let found = test["aopc"]["values"][0].as_f64().unwrap();
    assert!((found - 0.3617246374487877).abs() < 1e-15);
    assert_eq!(
        test["aopc"]["decreasing_scores"][0][0],
        "imgs/tb/tb0009.png"
    );
    assert!(test["energy"]["stdev"].is_null());
    for method in methods {
        assert_eq!(
            document["scores"][method]["test"]["weighted"]["samples"], 1,
            "{method}"
        );
    }
}
