//! What a run tells: how it goes on, what came of it, and why it cannot begin.

use std::collections::BTreeMap;
use std::path::PathBuf;

use thiserror::Error;

use super::manifest::ManifestError;

/// Hears how a run goes on. Called from one thread at a time.
pub trait Observer: Sync {
    /// A data set begins, with that many samples to do.
    fn dataset(&self, name: &str, samples: usize);
    /// A sample is done, whatever came of it.
    fn sample(&self, name: &str);
    /// Something that the user should know about a sample.
    fn notice(&self, sample: &str, message: &str);
    /// A sample could not be done.
    fn failure(&self, failure: &SampleFailure);
    /// Whether the run should end after the sample it is at.
    fn interrupted(&self) -> bool;
}

/// A sample that could not be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleFailure {
    /// Its data set.
    pub dataset: String,
    /// Its name.
    pub sample: String,
    /// What went wrong, with all causes.
    pub reason: String,
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Summary {
    /// Maps that were computed and written.
    pub maps_written: usize,
    /// Maps that an earlier run had written.
    pub maps_kept: usize,
    /// Samples that were explained, now or earlier.
    pub samples: usize,
    /// Samples that were left out because they are negative.
    pub negative_samples: usize,
    /// Samples that could not be done.
    pub failures: Vec<SampleFailure>,
    /// Maps of each method that are zero everywhere: written now or found.
    pub dead_maps: BTreeMap<String, usize>,
    /// Samples about which something was noted, for each note.
    pub notices: BTreeMap<String, usize>,
    /// Data sets that were left out.
    pub skipped_datasets: Vec<String>,
    /// The run was stopped before its end.
    pub interrupted: bool,
}

/// What a run would find and do.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Preview {
    /// The data sets, each with the number of its samples to be explained.
    pub datasets: Vec<(String, usize)>,
    /// Maps that the run is about.
    pub maps: usize,
    /// Those of them that an earlier run of the same settings has written.
    pub maps_there: usize,
    /// Those of them that other settings made and that would be replaced.
    pub maps_replaced: usize,
    /// Samples that are left out because they are negative.
    pub negative_samples: usize,
    /// Samples that cannot be done, for their name alone.
    pub failures: Vec<SampleFailure>,
    /// Data sets that are left out.
    pub skipped_datasets: Vec<String>,
}

/// A run that cannot begin, or cannot go on.
#[derive(Debug, Error)]
pub enum GenerateError {
    /// The output folder cannot be written to.
    #[error("cannot write to the output folder `{path}`")]
    Output {
        /// The folder.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The manifest cannot be used.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The folder holds maps that were made otherwise.
    #[error(
        "`{path}` holds maps of {method} that were made with other settings: {differences}; choose \
         another output folder, or replace them with --overwrite"
    )]
    OtherSettings {
        /// The folder.
        path: PathBuf,
        /// The method whose maps these are.
        method: String,
        /// What differs.
        differences: String,
    },
    /// The folder holds maps about which nothing is known.
    #[error(
        "`{path}` exists and there is no manifest.jsonl that says how it was made; choose another \
         output folder, or replace it with --overwrite"
    )]
    UnknownOrigin {
        /// The first such file.
        path: PathBuf,
    },
    /// There is no data set of that name.
    #[error("there is no data set `{name}` in `{module}`; it has {known}")]
    UnknownDataset {
        /// What was asked for.
        name: String,
        /// The data module.
        module: String,
        /// What there is.
        known: String,
    },
    /// A class that the network does not have.
    #[error("the network has {outputs} output(s), there is no class {class} (the first is 0)")]
    UnknownClass {
        /// What was asked for.
        class: usize,
        /// What there is.
        outputs: usize,
    },
}
