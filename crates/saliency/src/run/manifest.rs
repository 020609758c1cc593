//! What has been computed already, and how: `manifest.jsonl` in the output folder.
//!
//! A line of JSON for each finished map: sample, method, class, file, the SHA-256 of its bytes and
//! the key of the settings it was made with; and a line for each key that says what it stands
//! for. Lines are only ever added; the last one for a file counts. A line that an interrupted run
//! left unfinished is ignored.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use mednet_base::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// Name of the file in the output folder.
pub const MANIFEST: &str = "manifest.jsonl";

/// Everything that a map's values depend on besides the image, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Provenance(pub BTreeMap<String, String>);

impl Provenance {
    /// Sets one entry.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Display) -> Self {
        self.0.insert(name.to_owned(), value.to_string());
        self
    }

    /// A short name of these settings: the beginning of their SHA-256.
    #[must_use]
    pub fn key(&self) -> String {
        let mut hash = Sha256::new();
        for (name, value) in &self.0 {
            hash.update(format!("{}:{name}={}:{value}\n", name.len(), value.len()));
        }
        hex::encode(&hash.finalize()[..8])
    }

    /// What differs from other settings: `name: theirs -> ours`.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let missing = String::from("not set");
        let names: std::collections::BTreeSet<&String> =
            self.0.keys().chain(other.0.keys()).collect();
        names
            .into_iter()
            .filter_map(|name| {
                let ours = self.0.get(name).unwrap_or(&missing);
                let theirs = other.0.get(name).unwrap_or(&missing);
                (ours != theirs).then(|| format!("{name} was `{theirs}` and is now `{ours}`"))
            })
            .collect()
    }
}

/// A finished map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Name of the sample.
    pub sample: String,
    /// Name of the method.
    pub method: String,
    /// The class whose logit it explains.
    pub class: usize,
    /// Path below the output folder, with `/`.
    pub file: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Key of the settings.
    pub key: String,
    /// Whether nothing in the image speaks for the class.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dead: bool,
    /// The logits of the sample.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logits: Vec<f32>,
}

/// A line of the file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    Settings { key: String, settings: Provenance },
    Map(Entry),
}

/// The manifest cannot be used.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// The file cannot be read or written.
    #[error("cannot use `{path}`")]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A line is not what this program writes.
    #[error("line {line} of `{path}` is damaged: {reason}; remove the file to start afresh")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}

/// What is known about an output folder, and the open file that more is added to.
#[derive(Debug)]
pub struct Manifest {
    path: PathBuf,
    /// `None`: nothing can be added.
    file: Option<File>,
    existed: bool,
    entries: HashMap<String, Entry>,
    settings: HashMap<String, Provenance>,
}

impl Manifest {
    /// Opens or starts the manifest of an output folder.
    ///
    /// # Errors
    /// Where the file cannot be read or written, or is damaged in its middle.
    pub fn open(folder: &Path) -> Result<Self, ManifestError> {
        let path = folder.join(MANIFEST);
        let error = |source| ManifestError::File {
            path: path.clone(),
            source,
        };
        let existed = path.exists();
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .write(true)
            .truncate(false)
            .open(&path)
            .map_err(error)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(error)?;
        let whole = whole_lines(&bytes).len();
        file.set_len(whole as u64).map_err(error)?;
        file.seek(SeekFrom::End(0)).map_err(error)?;
        Self::parse(path, &bytes, Some(file), existed)
    }

    /// What is known about a folder, without changing anything there; nothing can be added to it.
    ///
    /// # Errors
    /// Where there is a manifest that cannot be read, or is damaged in its middle.
    pub fn read(folder: &Path) -> Result<Self, ManifestError> {
        let path = folder.join(MANIFEST);
        match std::fs::read(&path) {
            Ok(bytes) => Self::parse(path, &bytes, None, true),
            Err(source) if source.kind() == io::ErrorKind::NotFound => {
                Self::parse(path, &[], None, false)
            }
            Err(source) => Err(ManifestError::File { path, source }),
        }
    }

    fn parse(
        path: PathBuf,
        bytes: &[u8],
        file: Option<File>,
        existed: bool,
    ) -> Result<Self, ManifestError> {
        let mut manifest = Self {
            path,
            file,
            existed,
            entries: HashMap::new(),
            settings: HashMap::new(),
        };
        let lines = whole_lines(bytes).split(|&byte| byte == b'\n');
        for (index, line) in lines.enumerate() {
            if line.is_empty() {
                continue;
            }
            match serde_json::from_slice(line) {
                Ok(Line::Map(entry)) => {
                    manifest.entries.insert(entry.file.clone(), entry);
                }
                Ok(Line::Settings { key, settings }) => {
                    manifest.settings.insert(key, settings);
                }
                Err(error) => {
                    let reason = error.to_string();
                    return Err(ManifestError::Damaged {
                        path: manifest.path,
                        line: index + 1,
                        reason,
                    });
                }
            }
        }
        Ok(manifest)
    }

    /// Whether an earlier run left a manifest in the folder.
    #[must_use]
    pub fn existed(&self) -> bool {
        self.existed
    }

    /// What is known about a file.
    #[must_use]
    pub fn entry(&self, file: &str) -> Option<&Entry> {
        self.entries.get(file)
    }

    /// All finished maps, in no order.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// What a key stands for.
    #[must_use]
    pub fn settings(&self, key: &str) -> Option<&Provenance> {
        self.settings.get(key)
    }

    /// Notes the settings of a run, once.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn add_settings(&mut self, settings: &Provenance) -> Result<(), ManifestError> {
        let key = settings.key();
        if self.settings.contains_key(&key) {
            return Ok(());
        }
        self.append(&Line::Settings {
            key: key.clone(),
            settings: settings.clone(),
        })?;
        self.settings.insert(key, settings.clone());
        Ok(())
    }

    /// Notes a finished map.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn add(&mut self, entry: Entry) -> Result<(), ManifestError> {
        self.append(&Line::Map(entry.clone()))?;
        self.entries.insert(entry.file.clone(), entry);
        Ok(())
    }

    fn append(&mut self, line: &Line) -> Result<(), ManifestError> {
        let error = |source| ManifestError::File {
            path: self.path.clone(),
            source,
        };
        let mut text = serde_json::to_string(line).map_err(|e| error(io::Error::other(e)))?;
        text.push('\n');
        let Some(file) = &mut self.file else {
            return Err(error(io::Error::other("it was opened to be read only")));
        };
        // One write, so that a line is whole or cut off at its end.
        file.write_all(text.as_bytes()).map_err(error)
    }
}

/// Without the half line that an interrupted run may have left.
fn whole_lines(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|&byte| byte == b'\n');
    &bytes[..end.map_or(0, |last| last + 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(file: &str, key: &str) -> Entry {
        Entry {
            sample: file.replace("npy", "png"),
            method: "gradcam".to_owned(),
            class: 0,
            file: file.to_owned(),
            sha256: "00".to_owned(),
            key: key.to_owned(),
            dead: false,
            logits: vec![0.25],
        }
    }

    #[test]
    fn what_was_added_is_found_again_and_half_a_line_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Provenance::default()
            .with("weights", "abc")
            .with("layer", "fc14");
        let mut manifest = Manifest::open(folder.path()).unwrap();
        assert!(!manifest.existed());
        let nowhere = Manifest::read(&folder.path().join("nowhere")).unwrap();
        assert!(!nowhere.existed());
        manifest.add_settings(&settings).unwrap();
        manifest.add(entry("ä b/1.npy", &settings.key())).unwrap();
        manifest.add(entry("2.npy", &settings.key())).unwrap();
        drop(manifest);
        let path = folder.path().join(MANIFEST);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.truncate(bytes.len() - 5);
        std::fs::write(&path, &bytes).unwrap();
        let known = Manifest::read(folder.path()).unwrap();
        assert!(known.existed() && known.entry("ä b/1.npy").is_some());
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
        let mut manifest = Manifest::open(folder.path()).unwrap();
        assert!(manifest.existed());
        assert_eq!(manifest.entry("ä b/1.npy").unwrap().key, settings.key());
        assert_eq!(manifest.entry("2.npy"), None);
        assert_eq!(manifest.settings(&settings.key()), Some(&settings));
        manifest.add(entry("2.npy", "other")).unwrap();
        drop(manifest);
        assert_eq!(Manifest::open(folder.path()).unwrap().entries().count(), 2);
    }

    #[test]
    fn a_damaged_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(MANIFEST), "{\"map\":1}\n").unwrap();
        let error = Manifest::open(folder.path()).unwrap_err().to_string();
        assert!(error.starts_with("line 1 of "), "{error}");
    }

    #[test]
    fn differences_are_named() {
        let before = Provenance::default().with("layer", "fc14").with("seed", 42);
        let after = Provenance::default().with("layer", "fc13").with("seed", 42);
        assert_ne!(before.key(), after.key());
        assert_eq!(
            after.differences(&before),
            ["layer was `fc14` and is now `fc13`"]
        );
    }
}
