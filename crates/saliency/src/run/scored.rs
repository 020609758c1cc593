//! Scores of the samples of a data set.

use mednet_data::Target;

/// A data set with a row for each sample, in the order of the split.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredDataSet<S> {
    /// Its name.
    pub name: String,
    /// Its rows. A run that was stopped has fewer than there are samples.
    pub samples: Vec<ScoredSample<S>>,
}

/// A row: a sample, and what its map scored if it was to be scored and could be.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredSample<S> {
    /// Its name.
    pub name: String,
    /// What the data set says about it.
    pub target: Target,
    /// The scores.
    pub scores: Option<S>,
}

impl<S> ScoredDataSet<S> {
    /// The scores of the samples that have any.
    pub fn scores(&self) -> impl Iterator<Item = &S> {
        self.samples
            .iter()
            .filter_map(|sample| sample.scores.as_ref())
    }
}
