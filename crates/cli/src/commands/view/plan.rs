//! Which samples are shown, and where their pictures go.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use mednet_data::name::output_path;
use mednet_data::{DataModule, SampleLoader, SampleRecord};
use mednet_study::SampleFailure;
use mednet_study::event::{FailureKind, Fault};
use mednet_study::maps::StoredMaps;
use mednet_study::maps::stored::SampleMap;
use mednet_study::plan::SelectionError;

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
    pub(super) fn new(module: &'m DataModule, arguments: &View) -> Result<Self, SelectionError> {
        let selection = crate::commands::selection(&arguments.inputs, arguments.shard.shard);
        let selected = selection.plan(module)?;
        let mut owners: HashMap<PathBuf, &SampleRecord> = HashMap::new();
        let mut plan = Self {
            parts: Vec::new(),
            other_labels: 0,
            skipped_datasets: selected.skipped_datasets,
        };
        for dataset in selected.datasets {
            let mut part = Part {
                dataset: dataset.name,
                jobs: Vec::new(),
                failures: dataset.rejected,
            };
            for record in dataset.samples.iter().map(|sample| sample.record) {
                if !record.target.has_label(arguments.target_label) {
                    plan.other_labels += 1;
                    continue;
                }
                match job(record, &mut owners) {
                    Ok(job) => part.jobs.push(job),
                    Err(reason) => {
                        let fault = Fault::new(FailureKind::Name, reason);
                        part.failures.push(fault.at(dataset.name, &record.name));
                    }
                }
            }
            plan.parts.push(part);
        }
        Ok(plan)
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

impl Job<'_> {
    /// Its maps, below the folder of a method.
    pub(super) fn sample_map(&self) -> SampleMap<'_> {
        SampleMap {
            name: &self.record.name,
            path: &self.map,
        }
    }
}
