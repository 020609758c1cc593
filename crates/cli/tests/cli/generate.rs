//! `mednet saliency generate` as a user meets it: what is written, what is skipped, and what is
//! said about every kind of bad input. The data are tiny pictures and a pasa with drawn weights.

use std::fs;
use std::io::Write;

use crate::study::Study;

#[test]
fn maps_metadata_and_manifest_are_written() {
    let study = Study::with_pictures(&["a/one.png", "a/zwei ü.png"]);
    let run = study.generate(&[]);
    run.expect(0, &["2 maps of 2 samples in `out`"]);
    assert_eq!(run.stdout, "");
    let expected = [
        "a/one.npy",
        "a/zwei ü.npy",
        "generation.meta.json",
        "manifest.jsonl",
    ];
    assert_eq!(study.files("out"), expected);
    let map = fs::read(study.path("out/a/one.npy")).unwrap();
    assert_eq!(map.len(), 128 + 4 * 512 * 512);
    let metadata = fs::read(study.path("out/generation.meta.json")).unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&metadata).unwrap();
    assert_eq!(metadata["model-size"], 201_905);
    assert_eq!(metadata["saliency-map-algorithm"], "gradcam");
    assert_eq!(metadata["layer"], "fc14");
    assert_eq!(metadata["results"]["maps-written"], 2);
}

#[test]
fn what_is_there_is_kept_and_what_is_missing_is_made_again() {
    let study = Study::with_pictures(&["1.png", "2.png", "3.png"]);
    study
        .generate(&["-s", "hirescam", "-s", "gradcam", "--limit", "2"])
        .expect(0, &["4 maps"]);
    let first = fs::read(study.path("out/gradcam/1.npy")).unwrap();
    fs::remove_file(study.path("out/hirescam/2.npy")).unwrap();
    let again = study.generate(&["-s", "hirescam", "-s", "gradcam"]);
    again.expect(0, &["3 maps of 3 samples", "3 there already"]);
    assert_eq!(fs::read(study.path("out/gradcam/1.npy")).unwrap(), first);
    assert!(
        !study
            .files("out")
            .iter()
            .any(|file| file.contains("partial"))
    );
}

#[test]
fn other_settings_stop_before_anything_is_replaced() {
    let study = Study::with_pictures(&["1.png"]);
    study.generate(&[]).expect(0, &[]);
    let before = fs::read(study.path("out/1.npy")).unwrap();
    let run = study.generate(&["--layer", "fc13"]);
    run.expect(
        2,
        &[
            "other settings",
            "layer was `fc14` and is now `fc13`",
            "--overwrite",
        ],
    );
    study.generate(&["-s", "hirescam"]).expect(
        2,
        &["holds maps of gradcam, which lie in the folder itself"],
    );
    assert_eq!(fs::read(study.path("out/1.npy")).unwrap(), before);
    study
        .generate(&["-s", "hirescam", "--overwrite"])
        .expect(0, &["1 map of 1 sample"]);
    assert_ne!(fs::read(study.path("out/1.npy")).unwrap(), before);
}

#[test]
fn files_of_unknown_origin_are_not_replaced() {
    let study = Study::with_pictures(&["1.png"]);
    study.write("out/1.npy", b"somebody's");
    study
        .generate(&[])
        .expect(2, &["1.npy", "no manifest.jsonl"]);
    assert_eq!(fs::read(study.path("out/1.npy")).unwrap(), b"somebody's");
}

#[test]
fn several_outputs_have_folders() {
    let study = Study::with_pictures(&["1.png"]);
    study.write_weights("pasa.safetensors", 3);
    study
        .generate(&["-C", "all"])
        .expect(0, &["3 maps of 1 sample"]);
    study.generate(&["-C", "highest"]).expect(0, &["1 map"]);
    study.generate(&["-C", "2"]).expect(0, &["1 there already"]);
    study
        .generate(&["-C", "3"])
        .expect(2, &["3 output(s)", "no class 3"]);
    let maps: Vec<String> = study
        .files("out")
        .into_iter()
        .filter(|file| file.ends_with("npy"))
        .collect();
    assert_eq!(
        maps,
        ["0/1.npy", "1/1.npy", "2/1.npy", "highest-output/1.npy"]
    );
}

#[test]
fn threads_do_not_change_a_bit() {
    let study = Study::with_pictures(&["1.png", "2.png"]);
    study.generate(&[
        "-s",
        "gradcam",
        "-s",
        "scorecam",
        "-s",
        "randomcam",
        "-P",
        "1",
    ]);
    let once: Vec<Vec<u8>> = ["gradcam", "scorecam", "randomcam"]
        .iter()
        .map(|method| fs::read(study.path(&format!("out/{method}/2.npy"))).unwrap())
        .collect();
    fs::remove_dir_all(study.path("out")).unwrap();
    study.generate(&[
        "-s",
        "scorecam",
        "-s",
        "randomcam",
        "-s",
        "gradcam",
        "-P",
        "3",
    ]);
    for (method, once) in ["gradcam", "scorecam", "randomcam"].iter().zip(once) {
        let again = fs::read(study.path(&format!("out/{method}/2.npy"))).unwrap();
        assert!(again == once, "{method}");
    }
}

#[test]
fn bad_samples_are_reported_counted_and_skipped() {
    let study = Study::with_pictures(&["good.png"]);
    let good = fs::read(study.path("good.png")).unwrap();
    study.write("cut.png", &good[..good.len() / 2]);
    study.write("text.png", b"not a picture");
    study.write_picture("a.png", 3);
    study.write_picture("a.jpg.png", 4);
    fs::rename(study.path("a.jpg.png"), study.path("a.jpeg")).unwrap();
    let outside = study.path("absolute.png");
    study.write_picture("absolute.png", 5);
    study.write(
        "split.json",
        format!(
            r#"{{"test": [["good.png", 1], ["missing.png", 0], ["cut.png", 0], ["text.png", 1],
                ["../up.png", 1], [{:?}, 1], ["a.png", 0], ["a.jpeg", 0]]}}"#,
            outside.display().to_string()
        )
        .as_bytes(),
    );
    let run = study.generate(&["--json"]);
    run.expect(
        1,
        &[
            "`missing.png`",
            "`cut.png`",
            "`text.png`",
            "`../up.png`",
            "absolute",
            "overwrite that of `a.png`",
        ],
    );
    run.expect(1, &["2 maps of 2 samples in `out`, 6 samples FAILED"]);
    let summary: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(summary["failures"].as_array().unwrap().len(), 6);
    assert_eq!(
        study.files("out"),
        [
            "a.npy",
            "generation.meta.json",
            "good.npy",
            "manifest.jsonl"
        ]
    );
    assert!(!study.path("absolute.npy").exists() && !study.path("../up.npy").exists());
}

#[test]
fn names_are_checked_and_suggested() {
    let study = Study::with_pictures(&["1.png"]);
    let mednet = |arguments: &[&str]| study.run(arguments);
    let base = ["saliency", "generate", "-w", "pasa.safetensors"];
    let with = |more: &[&str]| mednet(&[&base[..], more].concat());
    with(&["pasta", "split.json"]).expect(2, &["`pasta`", "did you mean `pasa`?"]);
    with(&["pasa", "tbx11k-v1-healthy-vs-atp"]).expect(2, &["tbx11k-v1-healthy-vs-atb"]);
    with(&["pasa", "nosuch.json"]).expect(2, &["nosuch.json"]);
    with(&["vit-small", "split.json"]).expect(2, &["no saliency for the model `vit-small`"]);
    with(&["pasa"]).expect(2, &["no data set is given"]);
    with(&["split.json"]).expect(2, &["no model is given"]);
    with(&["pasa", "densenet", "split.json"]).expect(2, &["two models are given"]);
    with(&["pasa", "config.py"]).expect(2, &["Python file", "model = \"pasa\""]);
    with(&["pasa", "visceral"]).expect(2, &["visceral"]);
    study
        .generate(&["-s", "gradcan"])
        .expect(2, &["did you mean `gradcam`?"]);
    study
        .generate(&["-S", "tset"])
        .expect(2, &["no data set `tset`", "`test`"]);
    study
        .generate(&["--layer", "fc41"])
        .expect(2, &["no layer `fc41`", "did you mean"]);
    study
        .generate(&["-x", "cuda:0"])
        .expect(2, &["--device cpu"]);
    study
        .generate(&["-C", "best"])
        .expect(2, &["`best` is not a target class"]);
    study.generate(&["-P", "-3"]).expect(2, &["--parallel -3"]);
    let no_weight = mednet(&["saliency", "generate", "pasa", "split.json"]);
    no_weight.expect(2, &["--weight PATH"]);
    mednet(&[
        "saliency",
        "generate",
        "pasa",
        "montgomery",
        "-w",
        "pasa.safetensors",
    ])
    .expect(2, &["--datadir", "MEDNET_DATADIR_MONTGOMERY", "[datadir]"]);
}

#[test]
fn bad_weights_are_explained() {
    let study = Study::with_pictures(&["1.png"]);
    let with = |weight: &str| {
        study.run(&[
            "saliency",
            "generate",
            "pasa",
            "split.json",
            "-o",
            "out",
            "-w",
            weight,
        ])
    };
    with("nowhere.ckpt").expect(2, &["nowhere.ckpt"]);
    study.write("empty.ckpt", b"");
    with("empty.ckpt").expect(2, &["empty"]);
    let good = fs::read(study.path("pasa.safetensors")).unwrap();
    study.write("cut.safetensors", &good[..good.len() - 100]);
    with("cut.safetensors").expect(2, &["cut.safetensors"]);
    study.write(
        "evil.pth",
        b"\x80\x02cos\nsystem\nX\x0e\x00\x00\x00touch evidence\x85R.",
    );
    with("evil.pth").expect(2, &["os.system", "evil.pth"]);
    assert!(!study.path("evidence").exists());
    fs::create_dir(study.path("training")).unwrap();
    with("training").expect(2, &["training"]);
    let wrong = study.run(&[
        "saliency",
        "generate",
        "densenet",
        "split.json",
        "-w",
        "pasa.safetensors",
    ]);
    wrong.expect(2, &["features.conv0.weight"]);
    assert!(
        !study.path("out").exists(),
        "nothing is written before the weights are known"
    );
}

#[test]
fn an_output_folder_that_cannot_be_written_is_refused() {
    let study = Study::with_pictures(&["1.png"]);
    study.write("out", b"a file");
    study
        .generate(&[])
        .expect(2, &["cannot write to the output folder `out`"]);
}

#[test]
fn options_come_from_environment_and_files_too() {
    let study = Study::with_pictures(&["1.png"]);
    study.write(
        "mednet.toml",
        b"weight = \"pasa.safetensors\"\noutput_folder = \"from-file\"\n",
    );
    let arguments = ["saliency", "generate", "pasa", "split.json"];
    study.run(&arguments).expect(0, &["`from-file`"]);
    study.write(
        "later.toml",
        b"saliency-map-algorithm = [\"gradcam\", \"hirescam\"]\n",
    );
    study
        .run(&[&arguments[..], &["later.toml", "-o", "typed"]].concat())
        .expect(0, &["2 maps of 1 sample in `typed`"]);
    study.write("mednet.toml", b"wieght = \"pasa.safetensors\"\n");
    study
        .run(&arguments)
        .expect(2, &["no option `wieght`", "did you mean `weight`?"]);
}

#[test]
fn the_groups_and_prefixes_of_the_original_work() {
    let study = Study::with_pictures(&["1.png"]);
    let tail = [
        "-vv",
        "split.json",
        "pasa",
        "--weight=pasa.safetensors",
        "--output-folder=out",
    ];
    study
        .run(&[&["classify", "saliency", "generate"][..], &tail].concat())
        .expect(0, &["info: pasa with 1 output"]);
    study
        .run(&[&["cl", "sal", "gen"][..], &tail].concat())
        .expect(0, &["1 there already"]);
    assert_eq!(study.run(&["-?"]).status, 0);
    assert!(
        study
            .run(&["saliency", "generate", "--help"])
            .stdout
            .contains("Examples:")
    );
    assert_eq!(study.run(&["version"]).stdout, "0.1.0\n");
    let layers = study.run(&["saliency", "layers", "pasa"]).stdout;
    assert!(
        layers
            .lines()
            .any(|line| line.contains("fc14") && line.contains("(default)"))
    );
    study
        .run(&["config", "describe", "gradcan"])
        .expect(2, &["did you mean `gradcam`?"]);
    assert!(
        study
            .run(&["config", "list"])
            .stdout
            .contains("tbx11k-v1-f9")
    );
}

#[test]
fn the_database_is_checked() {
    let study = Study::with_pictures(&["1.png", "2.png"]);
    let run = study.run(&["database", "check", "split.json"]);
    run.expect(0, &[]);
    assert_eq!(run.stdout, "2 samples, 0 errors\n");
    fs::File::create(study.path("2.png"))
        .unwrap()
        .write_all(b"x")
        .unwrap();
    let run = study.run(&["database", "check", "split.json"]);
    run.expect(1, &["`2.png`"]);
}
