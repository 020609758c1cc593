//! Whether the images of a data module are where they should be, before any is opened.
//!
//! A wrong data directory would else be told once for each of thousands of samples.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::datamodule::DataModule;
use crate::load::SampleLoader;
use crate::record::SampleRecord;

/// How many images are not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Samples that were looked for.
    pub looked: usize,
    /// Samples whose image is not there.
    pub missing: usize,
    /// Where the first of these should be.
    pub example: Option<PathBuf>,
    /// The data directory of the first of these, or else of the first sample; empty where there
    /// are no samples.
    pub folder: PathBuf,
}

/// That not one image is there, which a wrong data directory explains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllMissing {
    /// The data directory of the first sample.
    pub folder: PathBuf,
    /// Where the first image should be.
    pub example: PathBuf,
    /// Samples that were looked for.
    pub samples: usize,
}

impl SampleLoader {
    /// Looks for the images of a module, of each data set the first `limit_per_dataset` (`None`:
    /// all). No image is opened. Samples whose names are unsafe are not looked for: they fail by
    /// themselves.
    #[must_use]
    pub fn missing(&self, module: &DataModule, limit_per_dataset: Option<usize>) -> Missing {
        let records = module.datasets.iter().flat_map(|dataset| {
            let limit = limit_per_dataset.unwrap_or(usize::MAX);
            dataset.samples.iter().take(limit)
        });
        let mut search = Search::new(self);
        let mut found = Missing {
            looked: 0,
            missing: 0,
            example: None,
            folder: PathBuf::new(),
        };
        for record in records {
            let Some(place) = search.look(record) else {
                continue;
            };
            found.looked += 1;
            let first = found.looked == 1;
            let first_missing = !place.is_there && found.missing == 0;
            if first || first_missing {
                found.folder = place.folder;
            }
            if first_missing {
                found.example = Some(place.path);
            }
            found.missing += usize::from(!place.is_there);
        }
        found
    }

    /// Looks for images until one is there: `None` then, or where there are no samples.
    #[must_use]
    pub fn all_missing<'a>(
        &self,
        records: impl IntoIterator<Item = &'a SampleRecord>,
    ) -> Option<AllMissing> {
        let mut search = Search::new(self);
        let mut found: Option<AllMissing> = None;
        for place in records.into_iter().filter_map(|record| search.look(record)) {
            if place.is_there {
                return None;
            }
            match &mut found {
                Some(found) => found.samples += 1,
                None => {
                    found = Some(AllMissing {
                        folder: place.folder,
                        example: place.path,
                        samples: 1,
                    });
                }
            }
        }
        found
    }
}

/// Looks for images; what folders there are is asked once.
struct Search<'a> {
    loader: &'a SampleLoader,
    folders: HashMap<PathBuf, bool>,
}

/// Where an image should be.
struct Place {
    folder: PathBuf,
    path: PathBuf,
    is_there: bool,
}

impl<'a> Search<'a> {
    fn new(loader: &'a SampleLoader) -> Self {
        Self {
            loader,
            folders: HashMap::new(),
        }
    }

    fn look(&mut self, record: &SampleRecord) -> Option<Place> {
        let folder = self.loader.root(record).ok()?;
        let path = self.loader.written_path(record).ok()?;
        let is_there = self.may_hold(path.parent()) && path.exists()
            || self
                .loader
                .other_path(record)
                .is_ok_and(|other| other.is_some());
        Some(Place {
            folder,
            path,
            is_there,
        })
    }

    fn may_hold(&mut self, folder: Option<&Path>) -> bool {
        let Some(folder) = folder else {
            return true;
        };
        if let Some(known) = self.folders.get(folder) {
            return *known;
        }
        let is_there = folder.is_dir();
        self.folders.insert(folder.to_owned(), is_there);
        is_there
    }
}
