//! `mednet saliency view`, as users run it.

use crate::study::{SIDE, Study, shared};

/// Phantoms with maps of one method for both positive ones.
fn with_maps() -> Study {
    let study = Study::with_phantoms();
    study.write_map("maps/imgs/lesion/l0001.npy");
    study.write_map("maps/imgs/lesion/l0002.npy");
    study
}

const VIEW: [&str; 4] = ["saliency", "view", "pasa", "data/split.json"];

fn view<'a>(options: &[&'a str]) -> Vec<&'a str> {
    [&VIEW, options].concat()
}

#[test]
fn samples_of_the_label_are_shown_and_no_others() {
    let study = with_maps();
    let words = [
        "classify",
        "saliency",
        "view",
        "-vv",
        "pasa",
        "data/split.json",
        "--input-folder=maps/",
        "--output-folder=a/b/out",
    ];
    study
        .run(&words)
        .ends_with(0)
        .says("2 overlays of 2 samples");
    assert_eq!(
        study.files("a/b/out"),
        [
            "imgs/lesion/l0001.png",
            "imgs/lesion/l0002.png",
            "view.meta.json"
        ]
    );
    let overlay = study.picture("a/b/out/imgs/lesion/l0001.png");
    let radiograph = study.picture("data/imgs/lesion/l0001.png");
    assert_eq!(overlay.dimensions(), radiograph.dimensions());
    // A fifth of the width lies below the threshold.
    let columns = [0, 101, 103, 511];
    let same = columns.map(|x| overlay.get_pixel(x, 256) == radiograph.get_pixel(x, 256));
    assert_eq!(same, [true, true, false, false]);

    let meta = study.json("a/b/out/view.meta.json");
    assert_eq!(meta["threshold"], 0.2);
    assert_eq!(meta["input-folder"], "maps/");
    assert_eq!(meta["database-split"], "split");
    assert_eq!(meta["mode"], "default");
    assert_eq!(meta["results"]["samples-of-other-labels"], 2);

    let none = study.run(&view(&["-i", "maps", "-T", "7"]));
    none.ends_with(2).says("label 7");
}

#[test]
fn what_is_wrong_with_one_map_does_not_stop_the_others() {
    let study = Study::new();
    mednet_phantom::export(&study.path("data"), 42, 10).unwrap();
    study.write_map("maps/imgs/lesion/l0001.npy");
    let mut values = vec![0.5; SIDE * SIDE];
    values[700] = f32::NAN;
    study.write_values("maps/imgs/lesion/l0002.npy", SIDE, SIDE, values);
    study.write_values("maps/imgs/lesion/l0003.npy", 2, 3, vec![0.5; 6]);
    study.write("maps/imgs/lesion/l0004.npy", "no map at all");
    study.write_values(
        "maps/imgs/healthy/h0001.npy",
        SIDE,
        SIDE,
        vec![0.0; SIDE * SIDE],
    );
    let words = view(&["-i", "maps", "-o", "out", "--montage", "m.png", "--json"]);
    let ran = study.run(&words).ends_with(1);
    let ran = ran
        .says("`imgs/lesion/l0002.png`: `maps/imgs/lesion/l0002.npy`: ")
        .says("row 1, column 188")
        .says("2 x 3 (rows x columns)")
        .says("l0004.npy")
        .says("l0005.npy")
        .says("4 samples FAILED");
    let summary: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(summary["samples"], 1);
    assert_eq!(summary["overlays-written"], 1);
    assert_eq!(summary["failures"].as_array().unwrap().len(), 4);
    assert_eq!(
        study.files("out"),
        ["imgs/lesion/l0001.png", "view.meta.json"]
    );
    assert!(study.path("m.png").is_file());

    let words = view(&["-v", "-i", "maps", "-T", "0", "--limit", "1", "-o", "zero"]);
    let ran = study.run(&words).ends_with(0);
    ran.says("warning[W007]: maps: the only map empty");
    let overlay = study.picture("zero/imgs/healthy/h0001.png");
    assert_eq!(overlay, study.picture("data/imgs/healthy/h0001.png"));
}

#[test]
fn several_methods_get_a_folder_each_and_share_a_sheet() {
    let study = Study::with_phantoms();
    for method in ["gradcam", "gradcam++", "scorecam"] {
        study.write_map(&format!("maps/{method}/imgs/lesion/l0001.npy"));
        study.write_map(&format!("maps/{method}/imgs/lesion/l0002.npy"));
    }
    let words = view(&["-i", "maps", "-o", "out", "-G", "--montage", "sheet.pdf"]);
    study
        .run(&words)
        .ends_with(0)
        .says("6 overlays of 2 samples");
    let files = study.files("out");
    assert_eq!(files.len(), 7, "{files:?}");
    assert!(files.contains(&"gradcam++/imgs/lesion/l0002.png".to_owned()));
    assert!(
        std::fs::read(study.path("sheet.pdf"))
            .unwrap()
            .starts_with(b"%PDF-")
    );

    let words = view(&[
        "-i",
        "maps",
        "-o",
        "some",
        "-s",
        "scorecam",
        "--montage",
        "m.png",
    ]);
    study.run(&words).ends_with(0);
    assert_eq!(study.files("some").len(), 3);
    let sheet = study.picture("m.png");
    assert!(
        sheet.width() > 700 && sheet.height() > 500,
        "{:?}",
        sheet.dimensions()
    );

    let words = view(&["-i", "maps/gradcam", "-i", "maps/scorecam", "-o", "two"]);
    study.run(&words).ends_with(0);
    assert!(study.path("two/scorecam/imgs/lesion/l0001.png").is_file());
    let words = view(&["-i", "maps", "-s", "layercam"]);
    study.run(&words).ends_with(2).says("no maps of layercam");
}

#[test]
fn options_change_the_picture() {
    let study = with_maps();
    let picture = |name: &str, options: &[&str]| {
        let words = [&view(&["-i", "maps", "--limit", "2", "-o", name]), options].concat();
        study.run(&words).ends_with(0);
        assert_eq!(study.files(name).len(), 2);
        study.picture(&format!("{name}/imgs/lesion/l0001.png"))
    };
    let plain = picture("plain", &[]);
    let pictures = [
        picture("colour", &["--colormap", "viridis"]),
        picture("alpha", &["--alpha", "0.9"]),
        picture("threshold", &["-t", "0.6"]),
        picture("contour", &["--contour"]),
        picture("boxes", &["-G"]),
        picture("compat", &["--compat", "mednet"]),
    ];
    for (index, picture) in pictures.iter().enumerate() {
        assert_ne!(*picture, plain, "{index}");
    }
    assert_eq!(picture("opposite", &["-G", "-g", "-P", "1"]), plain);
}

#[test]
fn any_name_and_no_boxes_will_do() {
    let study = Study::with_phantoms();
    let picture = std::fs::read(study.path("data/imgs/lesion/l0001.png")).unwrap();
    let names = [
        "Röntgen aufnahmen/ü 1 (a).png",
        "x/no suffix",
        "日本/.hidden.png",
    ];
    for name in names {
        study.write(&format!("data/{name}"), &picture);
    }
    let samples = names.map(|name| serde_json::json!([name, 1]));
    let split = serde_json::json!({"tout le monde": samples});
    study.write("data/my split.json", split.to_string());
    for map in [
        "Röntgen aufnahmen/ü 1 (a).npy",
        "x/no suffix.npy",
        "日本/.hidden.npy",
    ] {
        study.write_map(&format!("my maps/{map}"));
    }
    let words = ["saliency", "view", "pasa", "data/my split.json", "-G"];
    let more = [
        "-i",
        "my maps",
        "-o",
        "ö ut",
        "--montage",
        "ö ut/é.png",
        "-S",
        "tout le monde",
    ];
    study.run(&[&words[..], &more].concat()).ends_with(0);
    assert_eq!(
        study.files("ö ut"),
        [
            "Röntgen aufnahmen/ü 1 (a).png",
            "view.meta.json",
            "x/no suffix.png",
            "é.png",
            "日本/.hidden.png"
        ]
    );
}

#[test]
fn names_never_lead_elsewhere_or_to_one_file() {
    let study = with_maps();
    let split = |samples: serde_json::Value| {
        study.write(
            "data/evil.json",
            serde_json::json!({"test": samples}).to_string(),
        );
        study.run(&[
            "saliency",
            "view",
            "pasa",
            "data/evil.json",
            "-i",
            "maps",
            "-o",
            "e",
        ])
    };
    let ran = split(serde_json::json!([["../evil.png", 1]]));
    ran.ends_with(2).says("`..`");
    let picture = std::fs::read(study.path("data/imgs/lesion/l0001.png")).unwrap();
    study.write("data/a.png", &picture);
    study.write_map("maps/a.npy");
    let ran = split(serde_json::json!([["a.png", 1], ["a.jpg", 1]]));
    let ran = ran.ends_with(1);
    ran.says("both are called `a.*`")
        .says("1 overlay of 1 sample");
    assert_eq!(study.files("e"), ["a.png", "view.meta.json"]);
}

#[test]
fn radiographs_are_never_replaced() {
    let study = with_maps();
    let before = std::fs::read(study.path("data/imgs/lesion/l0001.png")).unwrap();
    let words = view(&["-i", "maps", "-o", "data"]);
    study
        .run(&words)
        .ends_with(2)
        .says("would replace the radiograph itself");
    let after = std::fs::read(study.path("data/imgs/lesion/l0001.png")).unwrap();
    assert!(before == after && !study.path("data/view.meta.json").exists());
}

#[test]
fn what_cannot_be_done_is_told_before_anything_is_written() {
    let study = with_maps();
    study.write_map("classes/highest-output/imgs/lesion/l0001.npy");
    study.write_map("classes/1/imgs/lesion/l0001.npy");
    for (options, message) in [
        (&["-t", "1.5"][..], "expected a number from 0 to 1"),
        (&["--alpha", "nan"], "expected a number from 0 to 1"),
        (&["--colormap", "virdis"], "did you mean `viridis`?"),
        (&["-S", "tset"], "did you mean `test`?"),
        (&["-s", "gradcm"], "did you mean `gradcam`?"),
        (&["-i", "map"], "did you mean `maps`?"),
        (&["-i", "classes"], "`classes/highest-output`, `classes/1`"),
        (&["-i", "data"], "none of the 2 samples has a map in `data`"),
        (&["--montage", "sheet.gif"], "end it in .png or .pdf"),
        (&["-i", "maps", "-i", "data/../maps"], "named twice"),
        (&["--colourmap", "jet"], "--colormap"),
    ] {
        let folder = ["-i", "maps"];
        let with_folder = if options.contains(&"-i") {
            &[][..]
        } else {
            &folder
        };
        let words = [&view(options), with_folder, &["-o", "out"]].concat();
        study.run(&words).ends_with(2).says(message);
        assert!(!study.path("out").exists(), "{options:?}");
    }
    let ran = study.run(&["saliency", "view", "paza", "data/split.json"]);
    ran.ends_with(2).says("did you mean `pasa`?");
    let ran = study.run(&["saliency", "veiw"]);
    ran.ends_with(2).says("'view'");
}

#[test]
fn a_dry_run_writes_nothing() {
    let study = with_maps();
    study.write("out/imgs/lesion/l0002.png", "an older overlay");
    let before = study.files("");
    let words = view(&["-i", "maps", "-o", "out", "--montage", "m.png", "--dry-run"]);
    let ran = study.run(&words).ends_with(0);
    let expected = "2 overlays drawn, 1 of them there already and replaced";
    assert!(ran.stdout.contains(expected), "{ran:#?}");
    assert_eq!(study.files(""), before);
}

#[test]
fn compat_overlays_equal_the_originals_byte_for_byte() {
    let Some(reference) = shared("reference") else {
        return;
    };
    let study = Study::new();
    let golden = reference.join("golden/pasa/gradcam");
    let split = reference.join("tbx11k/split.json");
    let split_text = std::fs::read_to_string(&split).unwrap();
    let split_json: serde_json::Value = serde_json::from_str(&split_text).unwrap();
    let mut samples = split_json
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(name, samples)| {
            let samples = samples.as_array().unwrap().iter();
            samples.map(move |sample| (name.clone(), sample.clone()))
        });
    let (dataset, sample) = samples
        .find(|(_, sample)| sample[0] == "imgs/tb/tb0009.png")
        .unwrap();
    let one = serde_json::json!({dataset: [sample]});
    study.write("one.json", one.to_string());
    let map = std::fs::read(golden.join("tb0009.npy")).unwrap();
    study.write("maps/imgs/tb/tb0009.npy", map);
    let datadir = reference.join("tbx11k").display().to_string();
    for (picture, options) in [
        ("view-tb0009.png", &["-t", "0.2", "-G"][..]),
        ("view-nogt-tb0009.png", &["-t", "0"]),
    ] {
        let words = [
            "saliency", "view", "pasa", "one.json", "-i", "maps", "-o", "out",
        ];
        let more = ["--datadir", &datadir, "--compat", "mednet"];
        study
            .run(&[&words[..], &more, options].concat())
            .ends_with(0);
        let theirs = image::open(golden.join(picture)).unwrap().to_rgb8();
        assert_eq!(study.picture("out/imgs/tb/tb0009.png"), theirs, "{picture}");
    }
}
