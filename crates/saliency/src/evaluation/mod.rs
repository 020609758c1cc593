//! Comparing methods: completeness and interpretability of the same samples, side by side.
//!
//! [`reconcile`] brings both scores of each sample together, [`evaluate`] summarises them for
//! each method and data set, and [`compare`] tests every pair of methods on the samples that both
//! have.

mod compare;
mod reconcile;
mod score;

pub use compare::{Comparison, Contestant, compare};
pub use reconcile::{
    Completeness, CompletenessRow, Interpretability, InterpretabilityRow, ReconcileError,
    Reconciled, ReconciledSample, reconcile,
};
pub use score::{SCORES, Score};

use crate::random::{Purpose, generator};
use crate::statistics::{Interval, Summary, interval_of_mean, resampled_means};

/// Names of methods that are controls begin so.
pub const CONTROL_PREFIX: &str = "control-";

/// How the bootstrap is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bootstrap {
    /// Seed of the resamples; equal seeds give equal intervals.
    pub seed: u64,
    /// Number of resamples.
    pub resamples: usize,
}

/// One score of one method on one data set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evaluated {
    /// Which score.
    pub score: Score,
    /// Mean, spread, quartiles.
    pub summary: Summary,
    /// 95 % interval of the mean by BCa bootstrap over the samples.
    pub interval: Interval,
}

/// All scores of one method on one data set, in the order of [`SCORES`].
#[must_use]
pub fn evaluate(
    dataset: &str,
    samples: &[ReconciledSample],
    bootstrap: Bootstrap,
) -> Vec<Evaluated> {
    let columns: Vec<Vec<f64>> = SCORES
        .iter()
        .map(|score| samples.iter().map(|sample| sample.score(*score)).collect())
        .collect();
    let intervals = intervals_of_means(dataset, &columns, bootstrap);
    let scores = SCORES.iter().zip(columns).zip(intervals);
    scores
        .map(|((score, column), interval)| Evaluated {
            score: *score,
            summary: Summary::of(&column),
            interval,
        })
        .collect()
}

/// The 95 % interval of the mean of each column, over the same resamples of the rows.
///
/// The draws depend on the seed, the name of the data set and the number of rows only, so that
/// methods that were run on the same samples are compared on the same resamples.
#[must_use]
pub fn intervals_of_means(
    dataset: &str,
    columns: &[Vec<f64>],
    bootstrap: Bootstrap,
) -> Vec<Interval> {
    let mut generator = generator(bootstrap.seed, dataset, 0, Purpose::Bootstrap);
    let means = resampled_means(columns, bootstrap.resamples, &mut generator);
    let columns = columns.iter().zip(means);
    columns
        .map(|(values, resampled)| interval_of_mean(values, resampled))
        .collect()
}
