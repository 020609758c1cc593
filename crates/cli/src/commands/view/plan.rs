//! Which samples are shown, and where their pictures go.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use mednet_data::name::output_path;
use mednet_data::{DataModule, SampleLoader, SampleRecord};
use mednet_saliency::run::{SampleFailure, StoredMaps};

use crate::args::View;
use crate::exit::Refusal;

/// A sample to be shown.
pub(super) struct Job<'m> {
    pub(super) record: &'m SampleRecord,
    /// Its maps, below the folder of a method.
    pub(super) map: PathBuf,
    /// Its overlays, below the folder of a method.
    pub(super) picture: PathBuf,
}

/// The samples of one data set.
pub(super) struct Part<'m> {
    pub(super) dataset: &'m str,
    pub(super) jobs: Vec<Job<'m>>,
    /// Samples that cannot be shown, for their name alone.
    pub(super) failures: Vec<SampleFailure>,
}

/// All that is to be done.
pub(super) struct Plan<'m> {
    pub(super) parts: Vec<Part<'m>>,
    /// Samples that are left out because they belong to other classes.
    pub(super) other_labels: usize,
    /// Data sets that are left out.
    pub(super) skipped_datasets: Vec<String>,
}

impl<'m> Plan<'m> {
    /// The samples that the user asked for.
    pub(super) fn new(module: &'m DataModule, arguments: &View) -> Self {
        let inputs = &arguments.inputs;
        let mut owners: HashMap<PathBuf, &SampleRecord> = HashMap::new();
        let mut plan = Self {
            parts: Vec::new(),
            other_labels: 0,
            skipped_datasets: Vec::new(),
        };
        for dataset in &module.datasets {
            let only = inputs.only_dataset.as_deref();
            if only.is_some_and(|only| only != dataset.name) {
                plan.skipped_datasets.push(dataset.name.clone());
                continue;
            }
            let mut part = Part {
                dataset: &dataset.name,
                jobs: Vec::new(),
                failures: Vec::new(),
            };
            let limit = inputs.limit.unwrap_or(usize::MAX);
            for record in dataset.samples.iter().take(limit) {
                if !record.target.has_label(arguments.target_label) {
                    plan.other_labels += 1;
                    continue;
                }
                match job(record, &mut owners) {
                    Ok(job) => part.jobs.push(job),
                    Err(reason) => {
                        let failure = part.failure(&record.name, reason);
                        part.failures.push(failure);
                    }
                }
            }
            plan.parts.push(part);
        }
        plan
    }

    pub(super) fn jobs(&self) -> impl Iterator<Item = &Job<'m>> {
        self.parts.iter().flat_map(|part| &part.jobs)
    }

    /// Refuses to draw over the radiographs themselves, which are named as their overlays are
    /// where the output folder is the data directory.
    pub(super) fn spare_radiographs(
        &self,
        loader: &SampleLoader,
        output: impl Fn(&StoredMaps) -> PathBuf,
        maps: &[StoredMaps],
    ) -> Result<(), Refusal> {
        for job in self.jobs() {
            let Some(radiograph) = loader.path(job.record).ok().and_then(|path| real(&path)) else {
                continue;
            };
            for stored in maps {
                let picture = output(stored).join(&job.picture);
                if real(&picture).as_ref() == Some(&radiograph) {
                    return Err(Refusal::new(format!(
                        "the overlay `{}` would replace the radiograph itself; choose another \
                         --output-folder",
                        picture.display()
                    )));
                }
            }
        }
        Ok(())
    }
}

fn real(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok()
}

fn job<'m>(
    record: &'m SampleRecord,
    owners: &mut HashMap<PathBuf, &'m SampleRecord>,
) -> Result<Job<'m>, String> {
    let map = output_path(&record.name, "npy").map_err(|error| error.to_string())?;
    let picture = output_path(&record.name, "png").map_err(|error| error.to_string())?;
    match owners.get(&map) {
        Some(first) if first.name != record.name => Err(format!(
            "its map and its overlay would be those of `{}`: both are called `{}`",
            first.name,
            without_suffix(&map)
        )),
        _ => {
            owners.insert(map.clone(), record);
            Ok(Job {
                record,
                map,
                picture,
            })
        }
    }
}

fn without_suffix(path: &Path) -> String {
    format!("{}.*", path.with_extension("").display())
}

impl Part<'_> {
    pub(super) fn failure(&self, sample: &str, reason: String) -> SampleFailure {
        SampleFailure {
            dataset: self.dataset.to_owned(),
            sample: sample.to_owned(),
            reason,
        }
    }
}
