//! Named data modules, split files, data directories and the way to samples.

use std::path::Path;

use mednet_data::{
    AllMissing, BoundingBox, DataDirectories, DataModule, Database, Error, FileFacts, Missing,
    Mode, SampleLoader, Target, TransformPipeline,
};
use proptest::prelude::*;

#[allow(clippy::print_stdout)]
fn shared(path: &str) -> Option<std::path::PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared")
        .join(path);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: `{}` is not there", path.display());
    None
}

fn counts(module: &DataModule) -> String {
    let counts: Vec<_> = module
        .datasets
        .iter()
        .map(|d| format!("{}={}", d.name, d.samples.len()))
        .collect();
    counts.join(", ")
}

#[test]
fn names_are_unique_and_described() {
    let names: Vec<_> = DataModule::names().collect();
    let unique: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!(names.len(), unique.len());
    assert_eq!(names.len(), 135);
    for configuration in DataModule::configurations() {
        assert!(!configuration.description.is_empty());
        assert!(!configuration.description.contains('\n'));
    }
    assert_eq!(
        DataModule::configurations()
            .iter()
            .filter(|c| !c.is_available())
            .count(),
        8
    );
}

#[test]
fn every_name_has_the_documented_samples() {
    let Some(path) = shared("docs/datamodules.tsv") else {
        return;
    };
    let table = std::fs::read_to_string(path).unwrap();
    let mut seen = 0;
    for line in table
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let columns: Vec<_> = line.split('\t').collect();
        let [name, versions, database, files, expected, boxes] = columns[..] else {
            panic!("{line}");
        };
        if name == "nih-cxr14" && versions == "1.0.0-1.0.1" {
            continue; // An older content under the same name.
        }
        seen += 1;
        let configuration = DataModule::configurations()
            .iter()
            .find(|c| c.name == name)
            .expect(name);
        assert_eq!(configuration.database, database, "{name}");
        if !configuration.is_available() {
            let error = DataModule::named(name).unwrap_err();
            assert!(matches!(error, Error::NoSplit { .. }), "{name}: {error}");
            assert!(error.to_string().contains(name));
            continue;
        }
        let module = DataModule::named(name).unwrap();
        assert_eq!(counts(&module), expected, "{name}");
        assert_eq!(module.output_clashes().unwrap(), [], "{name}");
        let mut splits: Vec<_> = files
            .split(" + ")
            .map(|file| mednet_data::split::split_name(Path::new(file)))
            .collect();
        splits.dedup();
        assert_eq!(module.split, splits.join("+"), "{name}");
        if let Some(count) = boxes.strip_prefix("yes (") {
            let count: usize = count.split(' ').next().unwrap().parse().unwrap();
            assert_eq!(boxed(&module), count, "{name}");
        } else if name.contains("tbx11k") {
            // The original drops them.
            let expected = if name.contains("-v1") { 630 } else { 769 };
            assert_eq!(boxed(&module), expected, "{name}");
        } else {
            assert_eq!(boxed(&module), 0, "{name}");
        }
    }
    assert_eq!(seen, 135);
}

fn boxed(module: &DataModule) -> usize {
    module
        .datasets
        .iter()
        .flat_map(|d| &d.samples)
        .filter(|s| s.boxes.is_some())
        .count()
}

/// Needs nothing beside the program: the facts that matter most, by hand.
#[test]
fn stock_splits_hold_what_they_should() {
    let module = DataModule::named("tbx11k-v1-healthy-vs-atb").unwrap();
    assert_eq!(counts(&module), "train=2767, validation=706, test=957");
    assert_eq!(
        (module.database.as_str(), module.split.as_str()),
        ("tbx11k", "v1-healthy-vs-atb")
    );
    let per_set: Vec<(usize, usize)> = module
        .datasets
        .iter()
        .map(|dataset| {
            let boxes: Vec<_> = dataset
                .samples
                .iter()
                .filter_map(|s| s.boxes.as_ref())
                .collect();
            (boxes.len(), boxes.iter().map(|b| b.len()).sum())
        })
        .collect();
    assert_eq!(per_set, [(377, 562), (96, 136), (157, 240)]);

    let four = DataModule::named("montgomery-shenzhen-indian-tbx11k-v2-f9").unwrap();
    assert_eq!(counts(&four), "train=6692, validation=1703, test=930");
    assert_eq!(four.split, "fold-9+v2-fold-9");
    let order: Vec<_> = four.datasets[0]
        .samples
        .iter()
        .map(|s| s.database.slug)
        .collect();
    let mut distinct = order.clone();
    distinct.dedup();
    assert_eq!(distinct, ["montgomery", "shenzhen", "indian", "tbx11k"]);

    let module = DataModule::named("montgomery-multiclass").unwrap();
    let plain = DataModule::named("montgomery").unwrap();
    for (classes, single) in module.datasets[0]
        .samples
        .iter()
        .zip(&plain.datasets[0].samples)
    {
        let expected = if single.target == Target::Single(1) {
            vec![0, 1]
        } else {
            vec![1, 0]
        };
        assert_eq!(classes.target, Target::Multiple(expected));
    }

    let nih = DataModule::named("nih-cxr14-100").unwrap();
    let sample = &nih.datasets[0].samples[1];
    assert_eq!(sample.name, "images/00000001_001.png");
    // car emp her
    let expected = vec![1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(sample.target, Target::Multiple(expected));
    assert!(sample.target.has_label(3) && !sample.target.has_label(2));

    let tuberculosis = DataModule::named("padchest-tb-idiap").unwrap();
    assert!(
        tuberculosis
            .datasets
            .iter()
            .flat_map(|d| &d.samples)
            .all(|s| { matches!(s.target, Target::Single(0 | 1)) })
    );
    let heart = DataModule::named("padchest-cardiomegaly-idiap").unwrap();
    assert!(matches!(&heart.datasets[0].samples[0].target, Target::Multiple(t) if t.len() == 14));
}

#[test]
fn unknown_names_come_with_a_proposal() {
    let error = DataModule::named("tbx11k-v1-healthy-vs-tb")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("did you mean `tbx11k-v1-healthy-vs-atb`?"),
        "{error}"
    );
    let error = DataModule::resolve("nothing-like-it", None)
        .unwrap_err()
        .to_string();
    assert!(error.contains("unknown data set `nothing-like-it`") && !error.contains("mean"));
    let error = Database::named("montgomry").unwrap_err().to_string();
    assert!(
        error.contains("did you mean `montgomery`?") && error.contains("tbx11k"),
        "{error}"
    );
}

fn write(folder: &Path, name: &str, text: &str) -> std::path::PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn split_files_keep_their_order_in_every_compression() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"{"zeta": [["b ü/1.png", 1, [[1, 3, 4, 10, 20], [0, -1, 0, 2, 2]]], ["a.png", 0]],
        "alpha": [["c.jpg", 1.0, null], ["d.png", [0, 1, 1]], ["e.png", [1]], ["f.png", 1, []]],
        "empty": []}"#;
    let plain = write(folder.path(), "my.split.json", text);
    let module = DataModule::from_file(&plain, None).unwrap();
    assert_eq!(counts(&module), "zeta=2, alpha=4, empty=0");
    assert_eq!(module.split, "my.split");
    assert_eq!(module.folder.as_deref(), Some(folder.path()));
    let first = &module.datasets[0].samples[0];
    assert_eq!(first.name, "b ü/1.png");
    let expected = [
        BoundingBox {
            x1: 3,
            y1: 4,
            x2: 13,
            y2: 24,
        },
        BoundingBox {
            x1: -1,
            y1: 0,
            x2: 1,
            y2: 2,
        },
    ];
    assert_eq!(first.boxes.as_deref(), Some(expected.as_slice()));
    let targets: Vec<_> = module.datasets[1]
        .samples
        .iter()
        .map(|s| s.target.clone())
        .collect();
    let expected = [
        Target::Single(1),
        Target::Multiple(vec![0, 1, 1]),
        Target::Single(1),
        Target::Single(1),
    ];
    assert_eq!(targets, expected);
    assert_eq!(module.datasets[1].samples[3].boxes, Some(vec![]));

    for suffix in ["json.gz", "json.bz2"] {
        use std::io::Write as _;
        let path = folder.path().join(format!("my.split.{suffix}"));
        let file = std::fs::File::create(&path).unwrap();
        if suffix == "json.gz" {
            let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
            encoder.write_all(text.as_bytes()).unwrap();
            encoder.finish().unwrap();
        } else {
            let mut encoder = bzip2::write::BzEncoder::new(file, bzip2::Compression::fast());
            encoder.write_all(text.as_bytes()).unwrap();
            encoder.finish().unwrap();
        }
        let compressed = DataModule::resolve(path.to_str().unwrap(), None).unwrap();
        assert_eq!(compressed.datasets, module.datasets);
        assert_eq!(compressed.split, module.split);
        // Cut off in the middle.
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        let error = DataModule::from_file(&path, None).unwrap_err().to_string();
        assert!(error.contains("my.split"), "{error}");
    }
}

#[test]
fn names_that_lead_elsewhere_spoil_their_own_sample_only() {
    let folder = tempfile::tempdir().unwrap();
    let text = "{\"a\": [[\"/etc/x.png\", 1], [\"../x.png\", 1], [\"a/../../x.png\", 0]]}";
    let path = write(folder.path(), "split.json", text);
    let module = DataModule::from_file(&path, None).unwrap();
    let directories = DataDirectories::default();
    let as_stored = TransformPipeline::new(Vec::new());
    let loader = SampleLoader::new(&module, &directories, as_stored, Mode::Default).unwrap();
    for record in &module.datasets[0].samples {
        let error = loader.load(record).unwrap_err();
        assert!(matches!(error, Error::UnsafeName { .. }), "{error}");
    }
}

#[test]
fn names_of_windows_and_of_other_unicode_forms_are_found() {
    let folder = tempfile::tempdir().unwrap();
    save_gray(&folder.path().join("images/a.png"), 3, 2);
    // Decomposed, as macOS writes it, while the split has it composed; and the other way round.
    save_gray(&folder.path().join("Ro\u{308}ntgen/u\u{308} 1.png"), 4, 2);
    save_gray(&folder.path().join("b/\u{fc}.png"), 5, 2);
    let text = r#"{"a": [["images\\a.png", 1], ["R\u00f6ntgen/\u00fc 1.png", 1],
        ["R\u00f6ntgen\\\u00fc 1.png", 0], ["b/u\u0308.png", 0], ["images\\b.png", 0],
        ["b/\u00e4.png", 1], ["images\\..\\..\\a.png", 1]]}"#;
    let path = write(folder.path(), "split.json", text);
    let module = DataModule::from_file(&path, None).unwrap();
    let directories = DataDirectories::default();
    let as_stored = TransformPipeline::new(Vec::new());
    let loader = SampleLoader::new(&module, &directories, as_stored, Mode::Default).unwrap();
    let samples = &module.datasets[0].samples;
    for (record, width) in samples.iter().zip([3, 4, 4, 5]) {
        let loaded = loader.load(record).unwrap();
        assert_eq!(loaded.sample.image.width, width, "{}", record.name);
        assert_eq!(loaded.sample.name, record.name);
        assert_eq!(loader.raw_size(record).unwrap().width, width);
        assert_eq!(loader.file_facts(record).unwrap(), loaded.file);
        assert!(loader.path(record).unwrap().is_file(), "{}", record.name);
    }
    // Errors name the file as the split does.
    for record in &samples[4..6] {
        let error = loader.load(record).unwrap_err();
        assert!(matches!(error, Error::Unreadable { .. }), "{error}");
        assert_eq!(
            loader.path(record).unwrap(),
            folder.path().join(&record.name)
        );
    }
    let error = loader.load(&samples[6]).unwrap_err();
    assert!(matches!(error, Error::UnsafeName { .. }), "{error}");

    // A file whose name has a backslash is meant before any other.
    #[cfg(unix)]
    {
        save_gray(&folder.path().join("images\\a.png"), 9, 2);
        let loaded = loader.load(&samples[0]).unwrap();
        assert_eq!(loaded.sample.image.width, 9);
    }
}

#[test]
fn files_that_are_no_splits_are_refused_with_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let deep = format!("{{\"a\": [{}", "[".repeat(100_000));
    for (text, expected) in [
        ("", "line 1: it is empty"),
        (
            " \n",
            "line 2: expected an object of data sets, found the end",
        ),
        ("[]", "line 1: expected an object of data sets, found `[`"),
        ("{}", "line 1: it holds no data set"),
        (
            "{a: []}",
            "expected the name of a data set in quotes, found `a`",
        ),
        (
            "{\"a\" []}",
            "expected `:` behind the name of a data set, found `[`",
        ),
        ("{\"a\": 3}", "line 1: expected a list of samples"),
        ("{\"a\": [[\"x.png\", 1]], \"a\": []}", "`a` is there twice"),
        (
            "{\"a\":\n[\n[\"x.png\", 1]\n",
            "line 4: expected `,` or `]` behind a sample, found the end",
        ),
        (
            "{\"a\": [[\"x.png\", 1] [\"y.png\", 1]]}",
            "behind a sample, found `[`",
        ),
        (
            "{\"a\": [[\"x.png\", 1],\n]}",
            "line 2: expected a value, found `]`",
        ),
        (
            "{\"a\":\n[[\"x.png\",\n1}]}",
            "line 3: `}` closes nothing of what begins in line 2",
        ),
        (
            "{\"a\": [[\"x.png\", 1",
            "line 1: the file ends within what begins in line 1",
        ),
        ("{\"a\": [[\"x.png, 1]]}", "the file ends within a text"),
        (
            "{\"a\": [[\"x.png\", 1]]",
            "expected `,` or `}` behind a data set",
        ),
        (
            "{\"a\": [[\"x.png\", 1]]} x",
            "expected the end of the file, found `x`",
        ),
        (
            "{\"a\": []}\u{fc}",
            "expected the end of the file, found the byte 0xc3",
        ),
        (&deep, "nest deeper"),
    ] {
        let path = write(folder.path(), "bad.json", text);
        let error = DataModule::from_file(&path, None).unwrap_err();
        let message = error.to_string();
        assert!(
            matches!(error, Error::SplitSyntax { .. })
                && message.contains(expected)
                && message.contains("bad.json"),
            "{text:?}: {message}"
        );
    }
    let path = folder.path().join("bad.json");
    std::fs::write(&path, b"\xff\xfe{\0").unwrap();
    let error = DataModule::from_file(&path, None).unwrap_err().to_string();
    assert!(error.contains("UTF-16"), "{error}");
    let error = DataModule::resolve("there-is-no-such.json", None).unwrap_err();
    assert!(matches!(error, Error::Unreadable { .. }));
}

#[test]
fn a_mistake_costs_its_own_sample_and_says_what_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let deep = format!("[\"x.png\", {}1{}]", "[".repeat(400), "]".repeat(400));
    let long = format!("[\"x.png\", 1, \"{}\"]", "x".repeat(1 << 20));
    let expected_target =
        "expected a whole number (0 or 1, or the index of a class) or a list of 0 and 1";
    let of_x = |reason: &str| format!("sample 2 (`x.png`) {reason}");
    let named = |reason: &str| of_x(&format!("has {reason}"));
    let with = |target: &str| named(&format!("{target} as its target, {expected_target}"));
    for (sample, expected) in [
        (
            "[\"x.png\"]",
            of_x("has no target: expected [\"PATH\", TARGET, ...]"),
        ),
        ("[\"x.png\", 0.7]", with("0.7")),
        ("[\"x.png\", NaN]", with("NaN")),
        ("[\"x.png\", null]", with("null")),
        ("[\"x.png\", \"one\"]", with("the text \"one\"")),
        ("[\"x.png\", {\"a\": 1}]", with("the object {\"a\": 1}")),
        ("[\"x.png\", true]", named("true as its target, write 1")),
        ("[\"x.png\", false]", named("false as its target, write 0")),
        (
            "[\"x.png\", \"1\"]",
            named("the text \"1\" as its target, write 1 without quotes"),
        ),
        (
            "[\"x.png\", -1]",
            named("the target -1, expected 0 or more"),
        ),
        (
            "[\"x.png\", [0, 2]]",
            named("2 among its targets, expected 0 or 1 for each class"),
        ),
        ("[\"x.png\", []]", named("an empty target")),
        (
            "[\"x.png\", 1, [1, 2, 3, 4, 5]]",
            named("[1, 2, 3, 4, 5] where a list of boxes is expected, write [[1, 2, 3, 4, 5]]"),
        ),
        (
            "[\"x.png\", 1, [1, 2]]",
            named(
                "[1, 2] where a list of boxes is expected, which are [[kind, x, y, width, height], ...]",
            ),
        ),
        (
            "[\"x.png\", 1, [[1, 2, 3, 4]]]",
            named(
                "[1, 2, 3, 4] as its box 1, which are 4, expected five: integers [kind, x, y, width, height]",
            ),
        ),
        (
            "[\"x.png\", 1, [[1, 2, 3, 4, 5], [1, 10.5, 3, 4, 5]]]",
            named(
                "[1, 10.5, 3, 4, 5] as its box 2: its x is 10.5, expected a whole number of pixels: round it",
            ),
        ),
        (
            "[\"x.png\", 1, [[1, NaN, NaN, NaN, NaN]]]",
            named(
                "[1, NaN, NaN, NaN, NaN] as its box 1: its x is NaN, expected a number: leave out a box that is not there",
            ),
        ),
        (
            "[\"x.png\", 1, [[1, 2, 3, -4, 5]]]",
            named("[1, 2, 3, -4, 5] as its box 1: its width is -4, expected 0 or more"),
        ),
        (
            "[\"x.png\", 1, [[1, 2, 3, 4, 1e12]]]",
            named(
                "[1, 2, 3, 4, 1000000000000.0] as its box 1: its height is 1000000000000.0, beyond any picture",
            ),
        ),
        (
            "[\"x.png\", 1, [[1, 2, \"3\", 4, 5]]]",
            named(
                "[1, 2, \"3\", 4, 5] as its box 1: its y is the text \"3\", expected a whole number",
            ),
        ),
        (
            "[\"x.png\", 0.7, [[1, 2]]]",
            format!(
                "{}; and has [1, 2] as its box 1, which are 2, expected five: integers [kind, x, y, width, height]",
                with("0.7")
            ),
        ),
        (
            "{\"path\": 1}",
            "sample 2 is the object {\"path\": 1}, expected an array [\"PATH\", TARGET, ...]"
                .to_owned(),
        ),
        (
            "[1, \"x.png\"]",
            "sample 2 starts with 1, expected a path in quotes, and then a target".to_owned(),
        ),
        (
            "[]",
            "sample 2 starts with nothing, expected a path in quotes, and then a target".to_owned(),
        ),
        (
            "[\"x.png\", 1,]",
            "sample 2 cannot be read (expected a value, found `]`)".to_owned(),
        ),
        (
            "[\"x.png\", 01]",
            "sample 2 cannot be read (expected a value, found `01`)".to_owned(),
        ),
        (
            &deep,
            "sample 2 cannot be read (lists and objects nest deeper than 64)".to_owned(),
        ),
        (
            &long,
            "sample 2 has more than 1048576 bytes, expected [\"PATH\", TARGET, ...]".to_owned(),
        ),
    ] {
        let text = format!("{{\"a\": [[\"y.png\", 1],\n{sample},\n[\"z.png\", 0]]}}");
        let path = write(folder.path(), "s.json", &text);
        let module = DataModule::from_file(&path, None).unwrap();
        let dataset = &module.datasets[0];
        let names: Vec<_> = dataset.samples.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names, ["y.png", "z.png"], "{sample}");
        let [rejected] = &dataset.rejected[..] else {
            panic!("{sample}: {:?}", dataset.rejected);
        };
        assert_eq!((rejected.index, rejected.line), (1, 2), "{sample}");
        assert_eq!(rejected.to_string(), format!("line 2: {expected}"));
    }
    // What is no text.
    let path = folder.path().join("s.json");
    std::fs::write(&path, b"{\"a\": [[\"\xff.png\", 1], [\"y.png\", 1]]}").unwrap();
    let module = DataModule::from_file(&path, None).unwrap();
    assert_eq!(module.datasets[0].samples.len(), 1);
    assert_eq!(
        module.datasets[0].rejected[0].to_string(),
        "line 1: sample 1 is no text in UTF-8"
    );
    let nih = r#"{"a": [["x.png", ["car", "hes"], 30, "M"], ["y.png", ["car"], NaN, "F"]]}"#;
    let path = write(folder.path(), "nih.json", nih);
    let module = DataModule::from_file(&path, Some("nih_cxr14")).unwrap();
    assert_eq!(module.datasets[0].samples.len(), 1);
    let reason = &module.datasets[0].rejected[0].reason;
    assert!(
        reason.starts_with("has the finding `hes`, expected car"),
        "{reason}"
    );
}

#[test]
fn a_file_without_any_usable_sample_is_an_error_with_the_first_reasons() {
    let folder = tempfile::tempdir().unwrap();
    let bad: Vec<String> = (0..7)
        .map(|index| format!("[\"{index}\\u001b.png\", 0.5]"))
        .collect();
    let text = format!(
        "{{\"tr\\u0007ain\": [], \"test\": [\n{}]}}",
        bad.join(",\n")
    );
    let path = write(folder.path(), "s.json", &text);
    let error = DataModule::from_file(&path, None).unwrap_err();
    let Error::NoUsableSample {
        samples: 7,
        reasons,
        ..
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!(reasons.len(), 5);
    let lines: Vec<String> = error.to_string().lines().map(ToOwned::to_owned).collect();
    assert_eq!(lines.len(), 7);
    assert_eq!(
        lines[0],
        format!("`{}` holds no usable sample:", path.display())
    );
    let start = "    data set `test`, line 3: sample 2 (`1\\x1b.png`) has 0.5 as its target";
    assert!(lines[2].starts_with(start), "{}", lines[2]);
    assert_eq!(lines[6], "    and 2 more");
    // Without any sample there is nothing wrong.
    let path = write(folder.path(), "s.json", "{\"test\": []}");
    assert!(DataModule::from_file(&path, None).is_ok());
}

#[test]
fn splits_with_too_much_in_them_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let samples = vec!["[\"a\",1]"; 1_000_001].join(",");
    let path = write(folder.path(), "s.json", &format!("{{\"a\": [{samples}]}}"));
    let error = DataModule::from_file(&path, None).unwrap_err().to_string();
    assert!(error.contains("more than 1000000 samples"), "{error}");
    let boxes = vec!["[1,0,0,9,9]"; 10_000].join(",");
    let samples = vec![format!("[\"a\",1,[{boxes}]]"); 101].join(",");
    let path = write(folder.path(), "s.json", &format!("{{\"a\": [{samples}]}}"));
    let error = DataModule::from_file(&path, None).unwrap_err().to_string();
    assert!(
        error.contains("more than 1000000 boxes") && error.contains("s.json"),
        "{error}"
    );
}

#[test]
fn clashes_of_output_names_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"{"train": [["d/a.png", 0], ["d/b.png", 1]],
        "test": [["d/a.jpg", 0], ["d/b.png", 1], ["./d/b.png", 1]]}"#;
    let module = DataModule::from_file(&write(folder.path(), "s.json", text), None).unwrap();
    let clashes = module.output_clashes().unwrap();
    assert_eq!(clashes.len(), 1);
    assert_eq!(clashes[0].first, ("train".to_owned(), "d/a.png".to_owned()));
    assert_eq!(clashes[0].second, ("test".to_owned(), "d/a.jpg".to_owned()));
    assert_eq!(clashes[0].output, Path::new("d/a"));
    let hostile = mednet_data::OutputClash {
        first: ("a\x07".to_owned(), "b\r".to_owned()),
        second: ("c\n".to_owned(), "d\t".to_owned()),
        output: "e\x1b".into(),
    };
    assert_eq!(
        hostile.to_string(),
        "`b\\r` of data set `a\\x07` and `d\\t` of data set `c\\n` would both be written to `e\\x1b.*`"
    );
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

#[test]
fn data_directories_come_from_file_environment_and_argument() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["file", "home/nih", "env", "explicit"] {
        std::fs::create_dir_all(folder.path().join(name)).unwrap();
    }
    let at = |name: &str| folder.path().join(name);
    let home = at("home").display().to_string();
    let text = format!(
        "[datadir]\ntbx11k = {:?}\nshenzhen = {:?}\nnih_cxr14 = \"~/nih\"\ndrive = 3\n\
         [cxr8]\nidiap_folder_structure = true\n",
        at("file"),
        at("missing"),
    );
    let file = write(folder.path(), "mednet.toml", &text);
    let database = |slug| Database::named(slug).unwrap();

    let settings = DataDirectories::from_parts(&file, &variables(&[("HOME", &home)])).unwrap();
    assert_eq!(settings.of(database("tbx11k")).unwrap(), at("file"));
    assert_eq!(settings.of(database("nih_cxr14")).unwrap(), at("home/nih"));
    assert!(settings.idiap_folder_structure);
    let error = settings.of(database("shenzhen")).unwrap_err().to_string();
    assert!(
        error.contains("does not exist") && error.contains("mednet.toml"),
        "{error}"
    );
    let error = settings.of(database("montgomery")).unwrap_err().to_string();
    for part in [
        "--datadir",
        "MEDNET_DATADIR_MONTGOMERY",
        "mednet.toml",
        "[datadir]\n",
        "montgomery = ",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }

    let env = at("env").display().to_string();
    let environment = variables(&[
        ("MEDNET_DATADIR_TBX11K", &env),
        ("MEDNET_DATADIR_CXR8", &env),
    ]);
    let settings = DataDirectories::from_parts(&file, &environment).unwrap();
    assert_eq!(settings.of(database("tbx11k")).unwrap(), at("env"));
    assert_eq!(settings.of(database("nih_cxr14")).unwrap(), at("env"));
    let settings = settings.with_explicit(at("explicit"));
    assert_eq!(settings.of(database("tbx11k")).unwrap(), at("explicit"));

    let none = DataDirectories::from_parts(&at("none.toml"), &[]).unwrap();
    assert!(none.of(database("tbx11k")).is_err());
    for (text, expected) in [
        ("[datadir\n", "line 1"),
        ("datadir = 3\n", "must be a table"),
        ("[datadir]\ntbx11k = 3\n", "`datadir.tbx11k`"),
        ("[cxr8]\nidiap_folder_structure = 1\n", "true or false"),
    ] {
        let file = write(folder.path(), "bad.toml", text);
        let error = DataDirectories::from_parts(&file, &[])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(expected) && error.contains("bad.toml"),
            "{error}"
        );
    }
}

fn save_gray(path: &Path, width: u32, height: u32) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let picture = image::GrayImage::from_fn(width, height, |x, y| image::Luma([(x + y) as u8 + 1]));
    picture.save(path).unwrap();
}

#[test]
fn samples_of_a_split_file_are_loaded_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    save_gray(&folder.path().join("ü b/eins.png"), 40, 20);
    let text = r#"{"test": [["ü b/eins.png", 1, [[1, 10, 5, 20, 10]]], ["zwei.png", 0]]}"#;
    let split = write(folder.path(), "s.json", text);
    let module = DataModule::from_file(&split, None).unwrap();
    // Settings for databases do not concern it.
    let settings = DataDirectories::default();
    let loader = SampleLoader::new(
        &module,
        &settings,
        TransformPipeline::gray_square(80),
        Mode::Default,
    )
    .unwrap();
    let record = &module.datasets[0].samples[0];
    let loaded = loader.load(record).unwrap();
    assert_eq!((loaded.raw_size.height, loaded.raw_size.width), (20, 40));
    assert_eq!(loader.raw_size(record).unwrap(), loaded.raw_size);
    let bytes = std::fs::read(folder.path().join("ü b/eins.png")).unwrap();
    assert_eq!(loaded.file, FileFacts::of(&bytes));
    assert_eq!(loader.file_facts(record).unwrap(), loaded.file);
    assert_eq!(loader.load_raw(record).unwrap().file, loaded.file);
    let missing = loader
        .file_facts(&module.datasets[0].samples[1])
        .unwrap_err();
    assert!(matches!(missing, Error::Unreadable { .. }), "{missing}");
    assert_eq!(
        (loaded.sample.image.height, loaded.sample.image.width),
        (80, 80)
    );
    let expected = BoundingBox {
        x1: 20,
        y1: 30,
        x2: 60,
        y2: 50,
    };
    assert_eq!(loaded.sample.boxes, Some(vec![expected]));
    let boxes = loader
        .transforms()
        .apply_to_boxes(record.boxes.as_ref().unwrap(), loaded.raw_size);
    assert_eq!(boxes, [expected]);

    let results: Vec<_> = loader.check(&module, None).collect();
    assert_eq!(results.len(), 2);
    assert!(results[0].result.is_ok());
    let error = results[1].result.as_ref().unwrap_err().to_string();
    assert!(error.contains("zwei.png"), "{error}");
    assert_eq!(loader.check(&module, Some(1)).count(), 1);

    // Elsewhere, if the user says so; and by another database's rule.
    let elsewhere = settings.clone().with_explicit(folder.path().join("ü b"));
    let moved = write(folder.path(), "t.json", r#"{"test": [["eins.png", 1]]}"#);
    let module = DataModule::from_file(&moved, Some("shenzhen")).unwrap();
    let loader = SampleLoader::new(
        &module,
        &elsewhere,
        TransformPipeline::default(),
        Mode::Default,
    )
    .unwrap();
    assert!(loader.load(&module.datasets[0].samples[0]).is_ok());
}

#[test]
fn missing_images_are_counted_without_opening_any() {
    let folder = tempfile::tempdir().unwrap();
    save_gray(&folder.path().join("imgs/b.png"), 2, 2);
    save_gray(&folder.path().join("imgs/u\u{308}.png"), 2, 2);
    let text = r#"{"train": [["imgs/a.png", 1], ["imgs/b.png", 0], ["imgs\\b.png", 0],
        ["imgs/\u00fc.png", 0], ["../x.png", 0]],
        "test": [["other/a.png", 0], ["other/b.png", 1], ["imgs/b.png", 1]], "empty": []}"#;
    let module = DataModule::from_file(&write(folder.path(), "s.json", text), None).unwrap();
    let of = |directories: &DataDirectories| {
        let pipeline = TransformPipeline::default();
        SampleLoader::new(&module, directories, pipeline, Mode::Default).unwrap()
    };
    let loader = of(&DataDirectories::default());
    let missing = |looked, missing, example: Option<&str>| Missing {
        looked,
        missing,
        example: example.map(|example| folder.path().join(example)),
        folder: folder.path().to_owned(),
    };
    assert_eq!(
        loader.missing(&module, None),
        missing(7, 3, Some("imgs/a.png"))
    );
    assert_eq!(
        loader.missing(&module, Some(1)),
        missing(2, 2, Some("imgs/a.png"))
    );
    assert_eq!(loader.missing(&module, Some(0)).looked, 0);
    let all: Vec<_> = module.datasets.iter().flat_map(|d| &d.samples).collect();
    assert_eq!(loader.all_missing(all.iter().copied()), None);
    assert_eq!(loader.all_missing([]), None);
    // A name that is refused is not missing.
    assert_eq!(loader.all_missing([all[4]]), None);
    let first_of_test = [all[5], all[4], all[6]];
    let expected = AllMissing {
        folder: folder.path().to_owned(),
        example: folder.path().join("other/a.png"),
        samples: 2,
    };
    assert_eq!(loader.all_missing(first_of_test), Some(expected));
    // It looks no further than the first image that is there.
    let mut looked = 0;
    let counted = all.iter().copied().inspect(|_| looked += 1);
    assert_eq!(loader.all_missing(counted), None);
    assert_eq!(looked, 2);

    let elsewhere = tempfile::tempdir().unwrap();
    let loader = of(&DataDirectories::default().with_explicit(elsewhere.path()));
    let found = loader.all_missing(all.iter().copied()).unwrap();
    assert_eq!(
        (found.samples, found.folder.as_path()),
        (7, elsewhere.path())
    );
    assert_eq!(found.example, elsewhere.path().join("imgs/a.png"));
}

#[test]
fn nih_folders_of_five_characters() {
    let folder = tempfile::tempdir().unwrap();
    save_gray(&folder.path().join("images/00000/00000001_000.png"), 4, 4);
    let file = write(
        folder.path(),
        "mednet.toml",
        "[cxr8]\nidiap_folder_structure = true\n",
    );
    let settings = DataDirectories::from_parts(&file, &[])
        .unwrap()
        .with_explicit(folder.path());
    let module = DataModule::named("nih-cxr14-100").unwrap();
    let loader = SampleLoader::new(
        &module,
        &settings,
        TransformPipeline::default(),
        Mode::Default,
    )
    .unwrap();
    let record = &module.datasets[0].samples[0];
    assert_eq!(record.name, "images/00000001_000.png");
    assert!(loader.load(record).is_ok());
}

fn arbitrary_name() -> impl Strategy<Value = String> {
    proptest::collection::vec("[a-zA-Z0-9äé _-]{1,12}", 1..4).prop_map(|parts| parts.join("/"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn split_files_survive_a_round_trip(
        sets in proptest::collection::vec(
            proptest::collection::vec(
                (arbitrary_name(), 0_i64..5, proptest::option::of(proptest::collection::vec(
                    (0_i64..2, -50_i64..900, -50_i64..900, 0_i64..900, 0_i64..900), 0..4))),
                0..5),
            1..5),
    ) {
        let mut document = serde_json::Map::new();
        for (index, samples) in sets.iter().enumerate() {
            let samples: Vec<_> = samples.iter().map(|(name, target, boxes)| match boxes {
                None => serde_json::json!([name, target]),
                Some(boxes) => serde_json::json!([name, target, boxes]),
            }).collect();
            document.insert(format!("set {}", 9 - index), samples.into());
        }
        let folder = tempfile::tempdir().unwrap();
        let text = serde_json::to_string_pretty(&document).unwrap();
        let module = DataModule::from_file(&write(folder.path(), "s.json", &text), None).unwrap();
        prop_assert_eq!(module.datasets.len(), sets.len());
        for (index, (dataset, expected)) in module.datasets.iter().zip(&sets).enumerate() {
            prop_assert_eq!(&dataset.name, &format!("set {}", 9 - index));
            prop_assert_eq!(dataset.samples.len(), expected.len());
            for (sample, (name, target, boxes)) in dataset.samples.iter().zip(expected) {
                prop_assert_eq!(&sample.name, name);
                prop_assert_eq!(&sample.target, &Target::Single(*target));
                let boxes = boxes.as_ref().map(|boxes| {
                    boxes.iter().map(|(_, x, y, w, h)| {
                        BoundingBox { x1: *x, y1: *y, x2: x + w, y2: y + h }
                    }).collect::<Vec<_>>()
                });
                prop_assert_eq!(&sample.boxes, &boxes);
            }
        }
    }

    #[test]
    fn garbage_never_panics(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        text in "[\\[\\]{}\",:a0-9.\\- ]{0,200}",
        start in prop_oneof![Just(&b"BZh9"[..]), Just(&[0x1f, 0x8b, 8, 0][..]), Just(&b"{\"a\":["[..])],
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.json");
        for content in [bytes.clone(), text.into_bytes(), [start, &bytes].concat()] {
            std::fs::write(&path, content).unwrap();
            let _ = DataModule::from_file(&path, None);
            let _ = DataModule::from_file(&path, Some("nih_cxr14"));
            let _ = DataDirectories::from_parts(&path, &[]);
        }
    }
}
