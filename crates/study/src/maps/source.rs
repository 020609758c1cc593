//! Where the maps to be scored come from.

use std::path::{Path, PathBuf};

use mednet_data::name::output_path;
use mednet_saliency::method::METHODS;
use mednet_saliency::{Control, Method, TargetClass};

use super::{KnownMaps, MapFile};
use crate::event::{FailureKind, Fault};
use crate::store::layout::HIGHEST;

/// Where the maps to be scored come from.
#[derive(Clone)]
pub enum MapSource {
    /// They are computed.
    Method(&'static dyn Method),
    /// They are there, or need no network.
    Scored(ScoredMaps),
}

/// Maps that can be had without a network.
#[derive(Clone)]
pub enum ScoredMaps {
    /// They know nothing of the network.
    Control(&'static dyn Control),
    /// They are read.
    Folder(MapFolder),
}

impl MapSource {
    /// The name of the method or control, if it is known.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Method(method) => Some(method.names()[0]),
            Self::Scored(maps) => maps.name(),
        }
    }
}

impl MapSource {
    /// The name of the folder that maps are read from, without what lies above it, which other
    /// machines may call otherwise; empty where they are computed.
    pub(crate) fn folder_name(&self) -> String {
        match self {
            Self::Method(_) => String::new(),
            Self::Scored(maps) => maps.folder_name(),
        }
    }
}

impl ScoredMaps {
    /// As [`MapSource::folder_name`].
    pub(crate) fn folder_name(&self) -> String {
        match self {
            Self::Control(_) => String::new(),
            Self::Folder(folder) => {
                let of_method = folder.method.as_deref();
                let mut names = folder.path.iter().rev();
                let mut name = names.next().unwrap_or_default();
                if of_method.is_some_and(|method| name == method) {
                    name = names.next().unwrap_or(name);
                }
                name.to_string_lossy().into_owned()
            }
        }
    }

    /// The name of the method or control, if it is known.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Control(control) => Some(control.name()),
            Self::Folder(folder) => folder.method.as_deref(),
        }
    }
}

/// Maps of one method in files, each below the name of its sample: `imgs/a.npy` for `imgs/a.png`.
#[derive(Debug, Clone)]
pub struct MapFolder {
    /// The method, if it is known.
    pub method: Option<String>,
    /// The folder.
    pub path: PathBuf,
    /// What a manifest says about the maps, if there is one.
    pub known: Option<KnownMaps>,
}

impl MapFolder {
    /// The maps in a folder: those of each method where it holds folders with the names of methods,
    /// as a run of several methods leaves them; else those in the folder itself.
    ///
    /// # Errors
    /// Where there is a manifest that cannot be read.
    pub fn find(path: &Path) -> Result<Vec<Self>, String> {
        let known = KnownMaps::of(path)?;
        let folders: Vec<Self> = METHODS
            .iter()
            .filter_map(|method| Self::below(path, known.as_ref(), method.names()[0]))
            .collect();
        Ok(match folders.is_empty() {
            true => vec![Self {
                method: known.as_ref().and_then(KnownMaps::only_method),
                path: path.to_owned(),
                known,
            }],
            false => folders,
        })
    }

    fn below(path: &Path, known: Option<&KnownMaps>, method: &str) -> Option<Self> {
        let path = path.join(method);
        path.is_dir().then(|| Self {
            method: Some(method.to_owned()),
            path,
            known: known.map(|known| known.below(method)),
        })
    }

    /// The file of a sample's map, whatever class it is for: that of the highest logit, or of
    /// `class`, where the folder holds maps for several.
    pub(crate) fn any(&self, sample: &str, class: Option<usize>) -> Result<MapFile<'_>, Fault> {
        let class = class.map(|class| class.to_string());
        self.first(sample, &[Some(HIGHEST.to_owned()), class])
    }

    /// The file of a sample's map for a class of a network with several outputs, or with one.
    pub(crate) fn of_class(
        &self,
        sample: &str,
        wanted: TargetClass,
        class: usize,
        outputs: usize,
    ) -> Result<MapFile<'_>, Fault> {
        if outputs == 1 {
            return self.first(sample, &[]);
        }
        let folder = match wanted {
            TargetClass::Highest => HIGHEST.to_owned(),
            TargetClass::All | TargetClass::Index(_) => class.to_string(),
        };
        if wanted == TargetClass::All {
            // Another class's map must not stand in.
            return self.file(sample, &folder);
        }
        self.first(sample, &[Some(folder)])
    }

    /// From the first of the folders below this one that exists, or else from this one.
    fn first(&self, sample: &str, folders: &[Option<String>]) -> Result<MapFile<'_>, Fault> {
        let folder = folders
            .iter()
            .flatten()
            .find(|name| self.path.join(name).is_dir());
        self.file(sample, folder.map_or("", String::as_str))
    }

    fn file(&self, sample: &str, folder: &str) -> Result<MapFile<'_>, Fault> {
        let name = output_path(sample, "npy").map_err(|e| Fault::of(FailureKind::Name, &e))?;
        let known = self
            .known
            .as_ref()
            .and_then(|known| known.entry(sample, folder));
        let path = match folder {
            "" => self.path.join(name),
            _ => self.path.join(folder).join(name),
        };
        Ok(MapFile { path, known })
    }
}
