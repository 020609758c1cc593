//! Maps that are on disk: which methods an input folder holds, under which names, and what the
//! manifest knows about them.
//!
//! A folder given by the user is either that of one method, with the maps of the samples right
//! below it, or that of a run of several methods, with a folder for each of them. Folders of
//! single classes (`highest-output`, `0`, `1`) are never guessed: maps of different classes
//! answer different questions.

use std::fs;
use std::path::{Path, PathBuf};

use mednet_saliency::{Map, method};
use thiserror::Error;

use super::{KnownMap, KnownMaps, read_map};
use crate::npy::NpyError;
use crate::store::layout::HIGHEST;

/// Folders named in a message at most.
const MOST_NAMED: usize = 4;
/// The maps of one method (and one class) on disk.
#[derive(Debug, Clone)]
pub struct StoredMaps {
    /// What to call them: the name of the method, or of the folder where that is ambiguous. Fit to
    /// be the name of a folder.
    pub name: String,
    /// The folder that holds them.
    pub folder: PathBuf,
    known: Option<KnownMaps>,
}

/// What was found in the folders that the user named.
#[derive(Debug, Clone)]
pub struct Found {
    /// The maps of each method, in order.
    pub maps: Vec<StoredMaps>,
    /// Whether results go to a folder for each method.
    pub several: bool,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// No maps where the user said they are.
#[derive(Debug, Error)]
pub enum StoredMapsError {
    /// There is no such folder.
    #[error("there is no input folder `{folder}`{hint}")]
    NoFolder {
        /// What the user named.
        folder: PathBuf,
        /// A folder beside it with a similar name.
        hint: String,
    },
    /// There are maps, but in folders of single classes.
    #[error(
        "the maps in `{folder}` are in a folder for each class; say which to use: {}",
        list(choices)
    )]
    ByClass {
        /// What the user named.
        folder: PathBuf,
        /// Folders with maps.
        choices: Vec<PathBuf>,
    },
    /// None of the samples has a map.
    #[error(
        "none of the {samples} samples has a map in `{folder}`: there is no `{example}`, for \
         instance; give the folder that was the output folder of `generate`"
    )]
    NoMaps {
        /// What the user named.
        folder: PathBuf,
        /// Number of samples.
        samples: usize,
        /// One of the missing files.
        example: PathBuf,
    },
    /// The folder holds no maps of a method that was asked for.
    #[error("there are no maps of {method} in `{folder}`; it has {known}")]
    NoMethod {
        /// What the user named.
        folder: PathBuf,
        /// The method asked for.
        method: String,
        /// The methods that are there.
        known: String,
    },
    /// A folder was named twice.
    #[error("the input folder `{folder}` is named twice")]
    Twice {
        /// The folder.
        folder: PathBuf,
    },
}

fn list(folders: &[PathBuf]) -> String {
    let shown = folders.iter().take(MOST_NAMED);
    let shown: Vec<String> = shown.map(|path| format!("`{}`", path.display())).collect();
    let more = folders.len().saturating_sub(MOST_NAMED);
    match more {
        0 => shown.join(", "),
        _ => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A sample and its map.
#[derive(Debug, Clone)]
pub struct SampleMap<'a> {
    /// Name of the sample.
    pub name: &'a str,
    /// The `.npy` file, below the folder of a method.
    pub path: &'a Path,
}

/// Finds the maps of `samples` in the folders that the user named; of runs of several methods only those of `wanted`, unless it is empty.
///
/// # Errors
/// Where a folder is missing, or holds no map of any sample.
pub fn find(
    folders: &[PathBuf],
    samples: &[SampleMap<'_>],
    wanted: &[&str],
) -> Result<Found, StoredMapsError> {
    let mut found = Found {
        maps: Vec::new(),
        several: false,
        warnings: Vec::new(),
    };
    for folder in folders {
        add_folder(&mut found, folder, samples, wanted)?;
    }
    found.several |= found.maps.len() > 1;
    make_names_unique(&mut found.maps)?;
    Ok(found)
}

fn add_folder(
    found: &mut Found,
    folder: &Path,
    samples: &[SampleMap<'_>],
    wanted: &[&str],
) -> Result<(), StoredMapsError> {
    if !folder.is_dir() {
        return Err(StoredMapsError::NoFolder {
            folder: folder.to_owned(),
            hint: similar_folder(folder),
        });
    }
    let holds_maps = |folder: &Path| samples.iter().any(|map| folder.join(map.path).is_file());
    let by_method: Vec<(&str, PathBuf)> = method_folders(folder)
        .into_iter()
        .filter(|(_, folder)| holds_maps(folder))
        .collect();
    if holds_maps(folder) {
        if !by_method.is_empty() {
            let names: Vec<&str> = by_method.iter().map(|(name, _)| *name).collect();
            found.warnings.push(format!(
                "`{}` itself holds maps, which are used; those in its folders {} are not: name \
                 these folders to use them",
                folder.display(),
                names.join(", ")
            ));
        }
        let known = known_about(folder, &mut found.warnings);
        let name = samples
            .iter()
            .find_map(|sample| {
                Some(
                    known
                        .as_ref()?
                        .entry(sample.name, "")?
                        .settings
                        .method
                        .clone(),
                )
            })
            .unwrap_or_else(|| last_parts(folder, 1));
        found.maps.push(StoredMaps {
            name,
            folder: folder.to_owned(),
            known,
        });
        return Ok(());
    }
    if by_method.is_empty() {
        let choices: Vec<PathBuf> = std::iter::once(folder.to_owned())
            .chain(method_folders(folder).into_iter().map(|(_, path)| path))
            .flat_map(|folder| class_folders(&folder))
            .filter(|folder| holds_maps(folder))
            .collect();
        return Err(match samples.first() {
            _ if !choices.is_empty() => StoredMapsError::ByClass {
                folder: folder.to_owned(),
                choices,
            },
            first => StoredMapsError::NoMaps {
                folder: folder.to_owned(),
                samples: samples.len(),
                example: folder.join(first.map_or(Path::new("*.npy"), |map| map.path)),
            },
        });
    }
    for method in wanted {
        if !by_method.iter().any(|(name, _)| name == method) {
            let known: Vec<&str> = by_method.iter().map(|(name, _)| *name).collect();
            return Err(StoredMapsError::NoMethod {
                folder: folder.to_owned(),
                method: (*method).to_owned(),
                known: known.join(", "),
            });
        }
    }
    found.several = true;
    let order: Vec<&str> = match wanted {
        [] => by_method.iter().map(|(name, _)| *name).collect(),
        wanted => wanted.to_vec(),
    };
    // A manifest of a million lines is read once.
    let known = known_about(folder, &mut found.warnings);
    for wanted in order {
        for (name, folder) in by_method.iter().filter(|(name, _)| *name == wanted) {
            found.maps.push(StoredMaps {
                name: (*name).to_owned(),
                known: known.as_ref().map(|known| {
                    let on_disk = folder.file_name().unwrap_or_default();
                    known.below(&on_disk.to_string_lossy())
                }),
                folder: folder.clone(),
            });
        }
    }
    found.warnings.dedup();
    Ok(())
}

/// The folders of methods, by canonical name, in the order of the names.
fn method_folders(folder: &Path) -> Vec<(&'static str, PathBuf)> {
    let mut folders: Vec<(&str, PathBuf)> = subfolders(folder)
        .into_iter()
        .filter_map(|(name, path)| Some((method::find(&name)?.names()[0], path)))
        .collect();
    folders.sort();
    folders
}

/// The folders of classes, in order.
fn class_folders(folder: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<(Option<u32>, PathBuf)> = subfolders(folder)
        .into_iter()
        .filter(|(name, _)| name == HIGHEST || name.parse::<u32>().is_ok())
        .map(|(name, path)| (name.parse().ok(), path))
        .collect();
    folders.sort();
    folders.into_iter().map(|(_, path)| path).collect()
}

fn subfolders(folder: &Path) -> Vec<(String, PathBuf)> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let folders = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_dir());
    folders
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())))
        .collect()
}

fn similar_folder(folder: &Path) -> String {
    let parent = match folder.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let names: Vec<String> = subfolders(parent)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    let name = last_parts(folder, 1);
    mednet_base::suggest::closest(&name, names.iter().map(String::as_str)).map_or_else(
        String::new,
        |name| {
            let similar = folder.with_file_name(name);
            format!("; did you mean `{}`?", similar.display())
        },
    )
}

/// What a manifest says about the maps in `folder`.
fn known_about(folder: &Path, warnings: &mut Vec<String>) -> Option<KnownMaps> {
    KnownMaps::of(folder).unwrap_or_else(|reason| {
        warnings.push(format!("no scores are known: {reason}"));
        None
    })
}

impl StoredMaps {
    /// Reads the map of a sample, by its path below the folder.
    ///
    /// # Errors
    /// As [`crate::npy::read`].
    pub fn read(&self, map: &SampleMap<'_>) -> Result<Map, NpyError> {
        read_map(&self.folder.join(map.path), self.entry(map))
    }

    /// What the manifest says about a map.
    #[must_use]
    pub fn entry(&self, map: &SampleMap<'_>) -> Option<KnownMap<'_>> {
        self.known.as_ref()?.entry(map.name, "")
    }

    /// The network's score for the class that a map explains, where it is known: the sigmoid of
    /// its logit, 0 to 1.
    #[must_use]
    pub fn score(&self, map: &SampleMap<'_>) -> Option<f64> {
        self.entry(map)?.score()
    }
}

/// The last parts of a path, the innermost last, joined by `-`.
fn last_parts(folder: &Path, count: usize) -> String {
    let absolute = folder
        .canonicalize()
        .unwrap_or_else(|_| folder.to_path_buf());
    let parts: Vec<String> = absolute
        .components()
        .filter_map(|part| match part {
            std::path::Component::Normal(part) => Some(part.to_string_lossy().into_owned()),
            _ => None,
        })
        .collect();
    match parts.is_empty() {
        true => "maps".to_owned(),
        false => parts[parts.len().saturating_sub(count)..].join("-"),
    }
}

/// Maps of the same name are called by their folders, as far up as is needed to tell them apart.
fn make_names_unique(maps: &mut [StoredMaps]) -> Result<(), StoredMapsError> {
    const DEEPEST: usize = 64;
    for depth in 1..=DEEPEST {
        let names: Vec<String> = maps.iter().map(|maps| maps.name.clone()).collect();
        let mut unique = true;
        for (index, stored) in maps.iter_mut().enumerate() {
            let same = names.iter().filter(|name| **name == names[index]).count();
            if same > 1 {
                unique = false;
                stored.name = last_parts(&stored.folder, depth);
            }
        }
        if unique {
            return Ok(());
        }
    }
    let named_again = |(index, stored): (usize, &StoredMaps)| {
        let earlier = maps[..index].iter().any(|other| other.name == stored.name);
        earlier.then(|| stored.folder.clone())
    };
    let folder = maps.iter().enumerate().find_map(named_again);
    let folder = folder.unwrap_or_default();
    Err(StoredMapsError::Twice { folder })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"").unwrap();
    }

    fn sample(path: &str) -> SampleMap<'_> {
        SampleMap {
            name: path,
            path: Path::new(path),
        }
    }

    fn names(found: &Found) -> Vec<&str> {
        found.maps.iter().map(|maps| maps.name.as_str()).collect()
    }

    #[test]
    fn a_folder_is_of_one_method_or_of_several() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let samples = [sample("imgs/a b.npy"), sample("imgs/ü.npy")];
        touch(&root.join("one/imgs/ü.npy"));
        touch(&root.join("all/hirescam/imgs/ü.npy"));
        touch(&root.join("all/gradcam++/imgs/ü.npy"));
        touch(&root.join("all/gradcam/other.npy"));
        touch(&root.join("all/figures/imgs/ü.npy"));

        let one = find(&[root.join("one/")], &samples, &[]).unwrap();
        assert_eq!((names(&one), one.several), (vec!["one"], false));
        let all = find(&[root.join("all")], &samples, &[]).unwrap();
        assert_eq!(
            (names(&all), all.several),
            (vec!["gradcam++", "hirescam"], true)
        );
        let chosen = find(&[root.join("all")], &samples, &["hirescam"]).unwrap();
        assert_eq!((names(&chosen), chosen.several), (vec!["hirescam"], true));
        let error = find(&[root.join("all")], &samples, &["layercam"]).unwrap_err();
        assert!(matches!(error, StoredMapsError::NoMethod { .. }), "{error}");
        let both = find(&[root.join("one"), root.join("all")], &samples, &[]).unwrap();
        assert_eq!(names(&both), ["one", "gradcam++", "hirescam"]);

        touch(&root.join("all/imgs/ü.npy"));
        let mixed = find(&[root.join("all")], &samples, &[]).unwrap();
        assert_eq!((names(&mixed), mixed.warnings.len()), (vec!["all"], 1));
    }

    #[test]
    fn equal_names_are_told_apart_by_their_folders() {
        let root = tempfile::tempdir().unwrap();
        let samples = [sample("a.npy")];
        let folders = ["x/maps", "y/maps", "z"].map(|name| root.path().join(name));
        for folder in &folders {
            touch(&folder.join("a.npy"));
        }
        let found = find(&folders, &samples, &[]).unwrap();
        assert_eq!(names(&found), ["x-maps", "y-maps", "z"]);
        let twice = [folders[2].clone(), root.path().join("y/../z")];
        let error = find(&twice, &samples, &[]).unwrap_err();
        assert!(matches!(error, StoredMapsError::Twice { .. }), "{error}");
    }

    #[test]
    fn what_is_not_there_is_said_helpfully() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let samples = [sample("a.npy")];
        touch(&root.join("maps/highest-output/a.npy"));
        touch(&root.join("maps/1/a.npy"));
        let message = |folder: &str| {
            let error = find(&[root.join(folder)], &samples, &[]).unwrap_err();
            error.to_string()
        };
        assert!(message("map").ends_with("maps`?"), "{}", message("map"));
        let by_class = message("maps");
        assert!(
            by_class.contains("highest-output") && by_class.contains("maps/1`"),
            "{by_class}"
        );
        assert!(message("").contains("none of the 1 samples"));
    }
}
