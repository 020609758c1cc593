//! Files whose names are written in another Unicode normalisation form than they were asked for.
//!
//! An `ü` is one character or two (`u` and a diaeresis). Systems copy names without changing them,
//! but macOS and some archivers change the form, so that a split written elsewhere names no file.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use unicode_normalization::UnicodeNormalization as _;

/// The names in folders that were looked at. Copies share what they know.
#[derive(Debug, Clone, Default)]
pub(crate) struct FolderListings {
    /// For each folder, its names that are not ASCII, by their composed form (NFC).
    known: Arc<Mutex<HashMap<PathBuf, HashMap<String, OsString>>>>,
}

impl FolderListings {
    /// The existing file below `root` whose path is `relative` but for the normalisation form of
    /// its components. A component that exists as it is written is preferred.
    ///
    /// A folder is listed once, and only where a name in it is not ASCII and not there.
    pub(crate) fn find(&self, root: &Path, relative: &Path) -> Option<PathBuf> {
        let mut path = root.to_owned();
        for component in relative.components() {
            let Component::Normal(name) = component else {
                return None;
            };
            let written = path.join(name);
            let name = name.to_str()?;
            path = match name.is_ascii() || written.exists() {
                true => written,
                false => path.join(self.other_form(&path, name)?),
            };
        }
        path.exists().then_some(path)
    }

    fn other_form(&self, folder: &Path, name: &str) -> Option<OsString> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let names = match known.get(folder) {
            Some(names) => names,
            None => known
                .entry(folder.to_owned())
                .or_insert_with(|| listing(folder)),
        };
        names.get(&composed(name)).cloned()
    }
}

/// What cannot be listed holds nothing.
fn listing(folder: &Path) -> HashMap<String, OsString> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names = HashMap::new();
    for name in entries.map(|entry| entry.file_name()) {
        if let Some(text) = name.to_str().filter(|text| !text.is_ascii()) {
            // Of several forms the first in the order of their bytes, wherever it is listed.
            let found = names.entry(composed(text)).or_insert_with(|| name.clone());
            if name < *found {
                *found = name;
            }
        }
    }
    names
}

fn composed(name: &str) -> String {
    name.nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_form_and_lists_a_folder_once() {
        let root = tempfile::tempdir().unwrap();
        let make = |path: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        };
        // Decomposed in a composed folder, composed in a decomposed one.
        make("Ro\u{308}ntgen/u\u{308}.png");
        make("R\u{f6}ntgen 2/u\u{308}.png");
        make("both/u\u{308}.png");
        make("both/\u{fc}.png");
        let listings = FolderListings::default();
        let find = |path: &str| {
            let found = listings.find(root.path(), Path::new(path))?;
            let relative = found.strip_prefix(root.path()).unwrap();
            Some(relative.to_str().unwrap().to_owned())
        };
        for folder in ["R\u{f6}ntgen", "Ro\u{308}ntgen"] {
            for name in ["\u{fc}.png", "u\u{308}.png"] {
                assert_eq!(
                    find(&format!("{folder}/{name}")).as_deref(),
                    Some("Ro\u{308}ntgen/u\u{308}.png")
                );
            }
        }
        assert_eq!(
            find("Ro\u{308}ntgen 2/\u{fc}.png").as_deref(),
            Some("R\u{f6}ntgen 2/u\u{308}.png")
        );
        for name in ["both/\u{fc}.png", "both/u\u{308}.png"] {
            assert_eq!(find(name).as_deref(), Some(name));
        }
        assert_eq!(find("both/\u{f6}.png"), None);
        assert_eq!(find("nowhere/\u{f6}.png"), None);
        assert_eq!(find("../\u{f6}.png"), None);
        // Known by now.
        make("both/o\u{308}.png");
        assert_eq!(find("both/\u{f6}.png"), None);
        let again = FolderListings::default();
        let path = Path::new("both/\u{f6}.png");
        assert!(again.find(root.path(), path).is_some());
        // No folder is listed for names of ASCII.
        let fresh = FolderListings::default();
        assert!(fresh.find(root.path(), Path::new("both/a.png")).is_none());
        assert!(fresh.known.lock().unwrap().is_empty());
    }
}
