//! Where the maps to be scored come from.

use std::path::{Path, PathBuf};

use mednet_data::name::output_path;

use super::npy;
use crate::map::Map;
use crate::method::{Control, METHODS, Method};
use crate::target::TargetClass;
use mednet_base::error::chain;

/// Folder of the maps for the class with the highest logit.
const HIGHEST: &str = "highest-output";

/// Where the maps to be scored come from.
#[derive(Clone)]
pub enum MapSource {
    /// They are computed.
    Method(&'static dyn Method),
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
            Self::Control(control) => Some(control.name()),
            Self::Folder(folder) => folder.method.as_deref(),
        }
    }
}

/// Maps of one method in files, each below the name of its sample: `imgs/a.npy` for `imgs/a.png`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapFolder {
    /// The method, if it is known.
    pub method: Option<String>,
    /// The folder.
    pub path: PathBuf,
}

impl MapFolder {
    /// The maps in a folder: those of each method where it holds folders with the names of methods,
    /// as a run of several methods leaves them; else those in the folder itself.
    #[must_use]
    pub fn find(path: &Path) -> Vec<Self> {
        let folders: Vec<Self> = METHODS
            .iter()
            .filter_map(|method| Self::of_method(path, method.names()[0]))
            .collect();
        if folders.is_empty() {
            vec![Self {
                method: None,
                path: path.to_owned(),
            }]
        } else {
            folders
        }
    }

    /// The folder of one method below `path`, if there is one.
    #[must_use]
    pub fn of_method(path: &Path, method: &str) -> Option<Self> {
        let path = path.join(method);
        path.is_dir().then(|| Self {
            method: Some(method.to_owned()),
            path,
        })
    }

    /// The map of a sample, whatever class it is for: that of the highest logit, or of `class`,
    /// where the folder holds maps for several.
    pub(super) fn read_any(&self, sample: &str, class: Option<usize>) -> Result<Map, String> {
        let class = class.map(|class| class.to_string());
        self.read_first(sample, &[Some(HIGHEST.to_owned()), class])
    }

    /// The map of a sample for a class of a network with several outputs, or with one.
    pub(super) fn read_class(
        &self,
        sample: &str,
        wanted: TargetClass,
        class: usize,
        outputs: usize,
    ) -> Result<Map, String> {
        if outputs == 1 {
            return self.read_first(sample, &[]);
        }
        let folder = match wanted {
            TargetClass::Highest => HIGHEST.to_owned(),
            TargetClass::All | TargetClass::Index(_) => class.to_string(),
        };
        if wanted == TargetClass::All {
            // Another class's map must not stand in.
            return self.read(sample, &self.path.join(folder));
        }
        self.read_first(sample, &[Some(folder)])
    }

    /// From the first of the folders below this one that exists, or else from this one.
    fn read_first(&self, sample: &str, folders: &[Option<String>]) -> Result<Map, String> {
        let folders = folders.iter().flatten().map(|name| self.path.join(name));
        let folder = folders.into_iter().find(|folder| folder.is_dir());
        self.read(sample, &folder.unwrap_or_else(|| self.path.clone()))
    }

    fn read(&self, sample: &str, folder: &Path) -> Result<Map, String> {
        let path = output_path(sample, "npy").map_err(|error| chain(&error))?;
        npy::read(&folder.join(path)).map_err(|error| chain(&error))
    }
}
