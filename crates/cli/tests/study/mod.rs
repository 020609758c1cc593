//! A folder with phantoms and maps, and the program run in it.

#![allow(dead_code, reason = "every test file uses a part of it")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use mednet_saliency::Map;
use mednet_saliency::run::npy;
use tempfile::TempDir;

/// Side of pasa's input.
pub(crate) const SIDE: usize = 512;

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
    pub(crate) fn new(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub(crate) fn ends_with(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        self
    }

    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(self.stderr.contains(words), "no `{words}` in {self:#?}");
        self
    }
}

/// The reference data, if it is there.
#[allow(clippy::print_stderr, reason = "a skipped test says why")]
pub(crate) fn shared(inside: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared")
        .join(inside);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is missing", path.display());
    None
}
