//! `mednet saliency generate` as a user meets it: what is written, what is skipped, and what is
//! said about every kind of bad input. The data are tiny pictures and a pasa with drawn weights.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use image::{GrayImage, Luma};
use tempfile::TempDir;

/// A folder with pictures, a split and weights.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new(samples: &[&str]) -> Self {
        let bench = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for (index, name) in samples.iter().enumerate() {
            bench.picture(name, index as u32);
        }
        let rows: Vec<String> = samples
            .iter()
            .enumerate()
            .map(|(index, name)| format!("[{name:?}, {}]", index % 2))
            .collect();
        bench.write(
            "split.json",
            format!("{{\"test\": [{}]}}", rows.join(", ")).as_bytes(),
        );
        bench.weights("pasa.safetensors", 1);
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, contents: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    fn picture(&self, name: &str, seed: u32) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let shade = |x: u32, y: u32| ((x * (3 + seed) + y * 5 + x * y * seed / 7) % 251) as u8;
        GrayImage::from_fn(60, 50, |x, y| Luma([shade(x, y)]))
            .save(path)
            .unwrap();
    }

    /// A pasa with weights drawn from a generator, as `.safetensors`.
    fn weights(&self, name: &str, outputs: usize) {
        let pasa = mednet_network::arch::Architecture::find("pasa").unwrap();
        let mut header = serde_json::Map::new();
        let mut bytes: Vec<u8> = Vec::new();
        let mut state = 7_u64;
        let mut tensors = pasa.parameters(outputs);
        tensors.push(("normalizer.mean".to_owned(), vec![1]));
        tensors.push(("normalizer.std".to_owned(), vec![1]));
        for (name, shape) in tensors {
            let start = bytes.len();
            let fan_in: usize = shape[1..].iter().product::<usize>().max(1);
            for _ in 0..shape.iter().product() {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let unit = (state >> 40) as f32 / (1 << 23) as f32 - 1.0;
                let value = match name.as_str() {
                    "normalizer.mean" => 0.4,
                    "normalizer.std" => 0.25,
                    name if name.ends_with("running_var") => 1.0 + 0.5 * unit,
                    _ if shape.len() > 1 => unit * (6.0 / fan_in as f32).sqrt(),
                    name if name.contains("Norm") && name.ends_with("weight") => 1.0 + 0.5 * unit,
                    _ => 0.2 * unit,
                };
                bytes.extend(value.to_le_bytes());
            }
            header.insert(
                name,
                serde_json::json!({
                    "dtype": "F32", "shape": shape, "data_offsets": [start, bytes.len()]
                }),
            );
        }
        let header = serde_json::to_vec(&header).unwrap();
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend(header);
        file.extend(bytes);
        self.write(name, &file);
    }

    /// Runs `mednet saliency generate pasa split.json -w pasa.safetensors -o out` with more
    /// arguments, in the folder.
    fn generate(&self, more: &[&str]) -> Run {
        let mut arguments = vec!["saliency", "generate", "pasa", "split.json"];
        arguments.extend(["-w", "pasa.safetensors", "-o", "out"]);
        arguments.extend(more);
        self.mednet(&arguments)
    }

    fn mednet(&self, arguments: &[&str]) -> Run {
        let output = Command::new(env!("CARGO_BIN_EXE_mednet"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("HOME", self.folder.path())
            .output()
            .unwrap();
        Run(output)
    }

    /// All files below the output folder, relative to it, sorted.
    fn outputs(&self) -> Vec<String> {
        fn walk(folder: &Path, root: &Path, files: &mut Vec<String>) {
            for entry in fs::read_dir(folder)
                .into_iter()
                .flatten()
                .map(Result::unwrap)
            {
                let path = entry.path();
                if path.is_dir() {
                    walk(&path, root, files);
                } else {
                    let relative = path.strip_prefix(root).unwrap();
                    files.push(relative.to_string_lossy().replace('\\', "/"));
                }
            }
        }
        let mut files = Vec::new();
        walk(&self.path("out"), &self.path("out"), &mut files);
        files.sort();
        files
    }
}

struct Run(Output);

impl Run {
    fn code(&self) -> i32 {
        self.0.status.code().unwrap()
    }

    fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }

    fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }

    #[track_caller]
    fn expect(&self, code: i32, words: &[&str]) {
        let stderr = self.stderr();
        assert_eq!(self.code(), code, "{stderr}");
        for word in words {
            assert!(stderr.contains(word), "no `{word}` in: {stderr}");
        }
        assert!(
            !stderr.contains("panicked") && !stderr.contains("this is a bug"),
            "{stderr}"
        );
    }
}

#[test]
fn maps_metadata_and_manifest_are_written() {
    let bench = Bench::new(&["a/one.png", "a/zwei ü.png"]);
    let run = bench.generate(&[]);
    run.expect(0, &["2 maps of 2 samples in `out`"]);
    assert_eq!(run.stdout(), "");
    let expected = [
        "a/one.npy",
        "a/zwei ü.npy",
        "generation.meta.json",
        "manifest.jsonl",
    ];
    assert_eq!(bench.outputs(), expected);
    let map = fs::read(bench.path("out/a/one.npy")).unwrap();
    assert_eq!(map.len(), 128 + 4 * 512 * 512);
    let metadata = fs::read(bench.path("out/generation.meta.json")).unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&metadata).unwrap();
    assert_eq!(metadata["model-size"], 201_905);
    assert_eq!(metadata["saliency-map-algorithm"], "gradcam");
    assert_eq!(metadata["layer"], "fc14");
    assert_eq!(metadata["results"]["maps-written"], 2);
}

#[test]
fn what_is_there_is_kept_and_what_is_missing_is_made_again() {
    let bench = Bench::new(&["1.png", "2.png", "3.png"]);
    bench
        .generate(&["-s", "hirescam", "-s", "gradcam", "--limit", "2"])
        .expect(0, &["4 maps"]);
    let first = fs::read(bench.path("out/gradcam/1.npy")).unwrap();
    fs::remove_file(bench.path("out/hirescam/2.npy")).unwrap();
    let again = bench.generate(&["-s", "hirescam", "-s", "gradcam"]);
    again.expect(0, &["3 maps of 3 samples", "3 there already"]);
    assert_eq!(fs::read(bench.path("out/gradcam/1.npy")).unwrap(), first);
    assert!(!bench.outputs().iter().any(|file| file.contains("partial")));
}

#[test]
fn other_settings_stop_before_anything_is_replaced() {
    let bench = Bench::new(&["1.png"]);
    bench.generate(&[]).expect(0, &[]);
    let before = fs::read(bench.path("out/1.npy")).unwrap();
    let run = bench.generate(&["--layer", "fc13"]);
    run.expect(
        2,
        &[
            "other settings",
            "layer was `fc14` and is now `fc13`",
            "--overwrite",
        ],
    );
    bench
        .generate(&["-s", "hirescam"])
        .expect(2, &["method was `gradcam`"]);
    assert_eq!(fs::read(bench.path("out/1.npy")).unwrap(), before);
    bench
        .generate(&["-s", "hirescam", "--overwrite"])
        .expect(0, &["1 map of 1 sample"]);
    assert_ne!(fs::read(bench.path("out/1.npy")).unwrap(), before);
}

#[test]
fn files_of_unknown_origin_are_not_replaced() {
    let bench = Bench::new(&["1.png"]);
    bench.write("out/1.npy", b"somebody's");
    bench
        .generate(&[])
        .expect(2, &["1.npy", "no manifest.jsonl"]);
    assert_eq!(fs::read(bench.path("out/1.npy")).unwrap(), b"somebody's");
}

#[test]
fn several_outputs_have_folders() {
    let bench = Bench::new(&["1.png"]);
    bench.weights("pasa.safetensors", 3);
    bench
        .generate(&["-C", "all"])
        .expect(0, &["3 maps of 1 sample"]);
    bench.generate(&["-C", "highest"]).expect(0, &["1 map"]);
    bench.generate(&["-C", "2"]).expect(0, &["1 there already"]);
    bench
        .generate(&["-C", "3"])
        .expect(2, &["3 output(s)", "no class 3"]);
    let maps: Vec<String> = bench
        .outputs()
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
    let bench = Bench::new(&["1.png", "2.png"]);
    bench.generate(&[
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
        .map(|method| fs::read(bench.path(&format!("out/{method}/2.npy"))).unwrap())
        .collect();
    fs::remove_dir_all(bench.path("out")).unwrap();
    bench.generate(&[
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
        let again = fs::read(bench.path(&format!("out/{method}/2.npy"))).unwrap();
        assert!(again == once, "{method}");
    }
}

#[test]
fn bad_samples_are_reported_counted_and_skipped() {
    let bench = Bench::new(&["good.png"]);
    let good = fs::read(bench.path("good.png")).unwrap();
    bench.write("cut.png", &good[..good.len() / 2]);
    bench.write("text.png", b"not a picture");
    bench.picture("a.png", 3);
    bench.picture("a.jpg.png", 4);
    fs::rename(bench.path("a.jpg.png"), bench.path("a.jpeg")).unwrap();
    let outside = bench.path("absolute.png");
    bench.picture("absolute.png", 5);
    bench.write(
        "split.json",
        format!(
            r#"{{"test": [["good.png", 1], ["missing.png", 0], ["cut.png", 0], ["text.png", 1],
                ["../up.png", 1], [{:?}, 1], ["a.png", 0], ["a.jpeg", 0]]}}"#,
            outside.display().to_string()
        )
        .as_bytes(),
    );
    let run = bench.generate(&["--json"]);
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
    let summary: serde_json::Value = serde_json::from_str(&run.stdout()).unwrap();
    assert_eq!(summary["failures"].as_array().unwrap().len(), 6);
    assert_eq!(
        bench.outputs(),
        [
            "a.npy",
            "generation.meta.json",
            "good.npy",
            "manifest.jsonl"
        ]
    );
    assert!(!bench.path("absolute.npy").exists() && !bench.path("../up.npy").exists());
}

#[test]
fn names_are_checked_and_suggested() {
    let bench = Bench::new(&["1.png"]);
    let mednet = |arguments: &[&str]| bench.mednet(arguments);
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
    bench
        .generate(&["-s", "gradcan"])
        .expect(2, &["did you mean `gradcam`?"]);
    bench
        .generate(&["-S", "tset"])
        .expect(2, &["no data set `tset`", "`test`"]);
    bench
        .generate(&["--layer", "fc41"])
        .expect(2, &["no layer `fc41`", "did you mean"]);
    bench
        .generate(&["-x", "cuda:0"])
        .expect(2, &["--device cpu"]);
    bench
        .generate(&["-C", "best"])
        .expect(2, &["`best` is not a target class"]);
    bench.generate(&["-P", "-3"]).expect(2, &["--parallel -3"]);
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
    let bench = Bench::new(&["1.png"]);
    let with = |weight: &str| {
        bench.mednet(&[
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
    bench.write("empty.ckpt", b"");
    with("empty.ckpt").expect(2, &["empty"]);
    let good = fs::read(bench.path("pasa.safetensors")).unwrap();
    bench.write("cut.safetensors", &good[..good.len() - 100]);
    with("cut.safetensors").expect(2, &["cut.safetensors"]);
    bench.write(
        "evil.pth",
        b"\x80\x02cos\nsystem\nX\x0e\x00\x00\x00touch evidence\x85R.",
    );
    with("evil.pth").expect(2, &["os.system", "evil.pth"]);
    assert!(!bench.path("evidence").exists());
    fs::create_dir(bench.path("training")).unwrap();
    with("training").expect(2, &["training"]);
    let wrong = bench.mednet(&[
        "saliency",
        "generate",
        "densenet",
        "split.json",
        "-w",
        "pasa.safetensors",
    ]);
    wrong.expect(2, &["features.conv0.weight"]);
    assert!(
        !bench.path("out").exists(),
        "nothing is written before the weights are known"
    );
}

#[test]
fn an_output_folder_that_cannot_be_written_is_refused() {
    let bench = Bench::new(&["1.png"]);
    bench.write("out", b"a file");
    bench
        .generate(&[])
        .expect(2, &["cannot write to the output folder `out`"]);
}

#[test]
fn options_come_from_environment_and_files_too() {
    let bench = Bench::new(&["1.png"]);
    bench.write(
        "mednet.toml",
        b"weight = \"pasa.safetensors\"\noutput_folder = \"from-file\"\n",
    );
    let arguments = ["saliency", "generate", "pasa", "split.json"];
    bench.mednet(&arguments).expect(0, &["`from-file`"]);
    bench.write(
        "later.toml",
        b"saliency-map-algorithm = [\"gradcam\", \"hirescam\"]\n",
    );
    bench
        .mednet(&[&arguments[..], &["later.toml", "-o", "typed"]].concat())
        .expect(0, &["2 maps of 1 sample in `typed`"]);
    bench.write("mednet.toml", b"wieght = \"pasa.safetensors\"\n");
    bench
        .mednet(&arguments)
        .expect(2, &["no option `wieght`", "did you mean `weight`?"]);
}

#[test]
fn the_groups_and_prefixes_of_the_original_work() {
    let bench = Bench::new(&["1.png"]);
    let tail = [
        "-vv",
        "split.json",
        "pasa",
        "--weight=pasa.safetensors",
        "--output-folder=out",
    ];
    bench
        .mednet(&[&["classify", "saliency", "generate"][..], &tail].concat())
        .expect(0, &["info: pasa with 1 output"]);
    bench
        .mednet(&[&["cl", "sal", "gen"][..], &tail].concat())
        .expect(0, &["1 there already"]);
    assert_eq!(bench.mednet(&["-?"]).code(), 0);
    assert!(
        bench
            .mednet(&["saliency", "generate", "--help"])
            .stdout()
            .contains("Examples:")
    );
    assert_eq!(bench.mednet(&["version"]).stdout(), "0.1.0\n");
    let layers = bench.mednet(&["saliency", "layers", "pasa"]).stdout();
    assert!(
        layers
            .lines()
            .any(|line| line.contains("fc14") && line.contains("(default)"))
    );
    bench
        .mednet(&["config", "describe", "gradcan"])
        .expect(2, &["did you mean `gradcam`?"]);
    assert!(
        bench
            .mednet(&["config", "list"])
            .stdout()
            .contains("tbx11k-v1-f9")
    );
}

#[test]
fn the_database_is_checked() {
    let bench = Bench::new(&["1.png", "2.png"]);
    let run = bench.mednet(&["database", "check", "split.json"]);
    run.expect(0, &[]);
    assert_eq!(run.stdout(), "2 samples, 0 errors\n");
    fs::File::create(bench.path("2.png"))
        .unwrap()
        .write_all(b"x")
        .unwrap();
    let run = bench.mednet(&["database", "check", "split.json"]);
    run.expect(1, &["`2.png`"]);
}
