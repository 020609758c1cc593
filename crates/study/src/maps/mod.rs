//! Maps to be scored or shown: where they come from, and how they are read.

mod source;
pub mod stored;

pub use source::{MapFolder, MapSource, ScoredMaps};
pub use stored::{StoredMaps, StoredMapsError};

use std::path::{Path, PathBuf};
use std::sync::Arc;

use mednet_base::error::chain;
use mednet_saliency::Map;
use mednet_saliency::metric::road::sigmoid;

use crate::event::{FailureKind, Fault};
use crate::npy;
use crate::provenance::MapSettings;
use crate::store::index::is_at_layer;
use crate::store::journal::JOURNALS;
use crate::store::{MANIFEST, MapEntry, MapStore, SampleFacts};

/// How many folders above the maps a manifest may be: that of the class and that of the method.
const MANIFEST_ABOVE: usize = 2;

/// What a manifest says about the maps of a folder.
#[derive(Debug, Clone)]
pub struct KnownMaps {
    store: Arc<MapStore>,
    /// Their folder below the one of the manifest, with `/` at its end unless it is empty.
    folder: String,
}

impl KnownMaps {
    /// The manifest that speaks of the maps in `folder`: there or a little above.
    ///
    /// # Errors
    /// Where there is one that cannot be read.
    pub fn of(folder: &Path) -> Result<Option<Self>, String> {
        let Ok(absolute) = folder.canonicalize() else {
            return Ok(None);
        };
        let has_manifest =
            |folder: &Path| folder.join(MANIFEST).is_file() || folder.join(JOURNALS).is_dir();
        let mut above = absolute.ancestors().take(MANIFEST_ABOVE + 1);
        let Some(owner) = above.find(|folder| has_manifest(folder)) else {
            return Ok(None);
        };
        let mut inside = String::new();
        for part in absolute.strip_prefix(owner).unwrap_or(Path::new("")) {
            inside.push_str(&part.to_string_lossy());
            inside.push('/');
        }
        let store = MapStore::read(owner).map_err(|error| chain(&error))?;
        Ok(Some(Self {
            store: Arc::new(store),
            folder: inside,
        }))
    }

    /// The method of the maps in this folder and below, if they are all of one.
    #[must_use]
    pub fn only_method(&self) -> Option<String> {
        let folders = self.store.index.settings_by_folder();
        let mut here = folders
            .iter()
            .filter(|(folder, _)| folder.starts_with(&self.folder));
        let (_, first) = here.next()?;
        let same = here.all(|(_, settings)| settings.method == first.method);
        same.then(|| first.method.clone())
    }

    /// The maps of a folder below.
    #[must_use]
    pub fn below(&self, folder: &str) -> Self {
        Self {
            store: Arc::clone(&self.store),
            folder: format!("{}{folder}/", self.folder),
        }
    }

    /// What is known about the map of a sample in this folder or, with `inside`, in one below.
    #[must_use]
    pub fn entry(&self, sample: &str, inside: &str) -> Option<KnownMap<'_>> {
        let index = &self.store.index;
        let entry = match inside {
            "" => index.map(sample, &self.folder)?,
            _ => index.map(sample, &format!("{}{inside}/", self.folder))?,
        };
        Some(KnownMap {
            entry,
            settings: index.settings_of(entry),
            facts: index.sample(entry.sample),
        })
    }
}

/// What is known about one map.
#[derive(Debug, Clone, Copy)]
pub struct KnownMap<'a> {
    /// The map.
    pub entry: &'a MapEntry,
    /// How it was made.
    pub settings: &'a MapSettings,
    /// Its sample.
    pub facts: &'a SampleFacts,
}

impl KnownMap<'_> {
    /// The network's score for the class that the map explains: the sigmoid of its logit, 0 to 1.
    #[must_use]
    pub fn score(&self) -> Option<f64> {
        let logit = f64::from(*self.facts.logits.get(usize::from(self.entry.class))?);
        Some(sigmoid(logit))
    }
}

/// Reads a map; one that is stored at the explained layer is enlarged.
fn read_map(path: &Path, known: Option<KnownMap<'_>>) -> Result<Map, npy::NpyError> {
    let map = npy::read(path)?;
    Ok(match known.filter(|known| is_at_layer(known.settings)) {
        // A map that is an image already was stored as one.
        Some(known) if [map.height, map.width] != size(known.facts) => {
            let [height, width] = size(known.facts);
            map.finish(height, width)
        }
        _ => map,
    })
}

fn size(facts: &SampleFacts) -> [usize; 2] {
    facts.size.map(|cells| cells as usize)
}

fn fault(error: &npy::NpyError) -> Fault {
    Fault::of(FailureKind::Map, error)
}

/// A map's file and what is known about it.
pub(crate) struct MapFile<'a> {
    pub(crate) path: PathBuf,
    pub(crate) known: Option<KnownMap<'a>>,
}

impl MapFile<'_> {
    pub(crate) fn read(&self) -> Result<Map, Fault> {
        read_map(&self.path, self.known).map_err(|error| fault(&error))
    }
}
