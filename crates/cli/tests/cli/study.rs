//! A folder with phantoms and maps, and the program run in it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use image::{GrayImage, Luma};
use mednet_saliency::Map;
use mednet_study::npy;
use tempfile::TempDir;

/// Side of pasa's input.
pub(crate) const SIDE: usize = 512;

/// What makes the maps of a split, in a folder with both.
pub(crate) const GENERATE: [&str; 8] = [
    "saliency",
    "generate",
    "pasa",
    "split.json",
    "-w",
    "pasa.safetensors",
    "-o",
    "out",
];

pub(crate) struct Study {
    folder: TempDir,
}

impl Study {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A folder with four phantoms in `data`: `h0001`, `l0001`, `h0002`, `l0002`.
    pub(crate) fn with_phantoms() -> Self {
        let study = Self::new();
        mednet_phantom::export(&study.path("data"), 42, 4).unwrap();
        study
    }

    /// A folder with pictures of 60 x 50 pixels, a split of all of them and a pasa with drawn
    /// weights.
    pub(crate) fn with_pictures(samples: &[&str]) -> Self {
        let study = Self::new();
        for (index, name) in samples.iter().enumerate() {
            study.write_picture(name, index as u32);
        }
        study.write_split(samples);
        study.write_weights("pasa.safetensors", 1);
        study
    }

    /// A split in which every second sample is positive and has a box.
    pub(crate) fn write_split(&self, samples: &[&str]) {
        let row = |(index, name): (usize, &&str)| {
            let name = serde_json::json!(name);
            match index % 2 {
                0 => format!("[{name}, 0]"),
                _ => format!("[{name}, 1, [[1, 5, 5, 20, 20]]]"),
            }
        };
        let rows: Vec<String> = samples.iter().enumerate().map(row).collect();
        self.write("split.json", format!("{{\"test\": [{}]}}", rows.join(", ")));
    }

    pub(crate) fn write_picture(&self, name: &str, seed: u32) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let shade = |x: u32, y: u32| ((x * (3 + seed) + y * 5 + x * y * seed / 7) % 251) as u8;
        GrayImage::from_fn(60, 50, |x, y| Luma([shade(x, y)]))
            .save(path)
            .unwrap();
    }

    /// A pasa with weights drawn from a generator, as `.safetensors`.
    pub(crate) fn write_weights(&self, name: &str, outputs: usize) {
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

    /// Runs `mednet saliency generate pasa split.json -w pasa.safetensors -o out` with more words.
    pub(crate) fn generate(&self, more: &[&str]) -> Ran {
        self.run(&[&GENERATE, more].concat())
    }

    /// Starts the program and goes on.
    pub(crate) fn start(&self, words: &[&str]) -> Child {
        let mut command = self.command();
        command
            .args(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    pub(crate) fn read(&self, inside: &str) -> Vec<u8> {
        std::fs::read(self.path(inside)).unwrap()
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside)
    }

    pub(crate) fn write(&self, inside: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(inside);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// A map whose values rise from left to right.
    pub(crate) fn write_map(&self, inside: &str) {
        let values = (0..SIDE * SIDE)
            .map(|index| (index % SIDE) as f32 / (SIDE - 1) as f32)
            .collect();
        self.write_values(inside, SIDE, SIDE, values);
    }

    pub(crate) fn write_values(&self, inside: &str, height: usize, width: usize, values: Vec<f32>) {
        let map = Map {
            height,
            width,
            values,
        };
        self.write(inside, npy::to_bytes(&map));
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mednet"));
        command.current_dir(self.folder.path());
        // Nothing of the user's own.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("MEDNET_") {
                command.env_remove(name);
            }
        }
        command
            .env("COLUMNS", "100")
            .env("HOME", self.folder.path())
            .env("XDG_CONFIG_HOME", self.folder.path());
        command
    }

    /// Runs `mednet` with these words.
    pub(crate) fn run(&self, words: &[&str]) -> Ran {
        Ran::new(self.command().args(words).output().unwrap())
    }

    /// All files below a folder, sorted, with `/`.
    pub(crate) fn files(&self, inside: &str) -> Vec<String> {
        let root = self.path(inside);
        let mut files = Vec::new();
        let mut pending = vec![root.clone()];
        while let Some(folder) = pending.pop() {
            let Ok(entries) = std::fs::read_dir(folder) else {
                continue;
            };
            for entry in entries {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    pending.push(path);
                } else {
                    let inside = path.strip_prefix(&root).unwrap();
                    files.push(inside.to_str().unwrap().replace('\\', "/"));
                }
            }
        }
        files.sort();
        files
    }

    pub(crate) fn json(&self, inside: &str) -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(self.path(inside)).unwrap()).unwrap()
    }

    pub(crate) fn picture(&self, inside: &str) -> image::RgbImage {
        image::open(self.path(inside)).unwrap().to_rgb8()
    }
}

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    #[allow(clippy::needless_pass_by_value, reason = "what ran is done with")]
    pub(crate) fn new(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    pub(crate) fn ends_with(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        self
    }

    /// This exit code, these words on stderr, and no panic.
    #[track_caller]
    pub(crate) fn expect(&self, status: i32, words: &[&str]) {
        assert_eq!(self.status, status, "{self:#?}");
        for word in words {
            assert!(self.stderr.contains(word), "no `{word}` in {self:#?}");
        }
        let panicked = ["panicked", "this is a bug"]
            .iter()
            .any(|word| self.stderr.contains(word));
        assert!(!panicked, "{self:#?}");
    }

    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(self.stderr.contains(words), "no `{words}` in {self:#?}");
        self
    }
}

/// The reference data; where they are expected, their absence is a failure.
#[allow(clippy::print_stderr, reason = "a skipped test says why")]
pub(crate) fn shared(inside: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared")
        .join(inside);
    if path.exists() {
        return Some(path);
    }
    let expected = std::env::var_os("MEDNET_REQUIRE_REFERENCE").is_some();
    assert!(!expected, "{} is missing", path.display());
    eprintln!("skipped: {} is missing", path.display());
    None
}
