//! Every pair of methods, sample by sample.

use std::collections::HashMap;

use rayon::prelude::*;

use super::{Bootstrap, ReconciledSample, SCORES, Score, intervals_of_means};
use crate::statistics::{Interval, Wilcoxon, holm, mean, wilcoxon_signed_rank};

/// This many pairs are resampled together: enough to hide the cost of drawing, few enough that
/// there is work for all threads.
const TOGETHER: usize = 8;

/// A method that is compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contestant<'a> {
    /// Whether it is a control.
    pub is_control: bool,
    /// Its samples of one data set.
    pub samples: &'a [ReconciledSample],
}

/// How two methods differ in one score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// Index of the first method.
    pub first: usize,
    /// Index of the second.
    pub second: usize,
    /// Which score.
    pub score: Score,
    /// Number of samples that both methods have.
    pub samples: usize,
    /// Mean of first minus second over those samples; NaN where there is none.
    pub difference: f64,
    /// Its 95 % interval by BCa bootstrap over the samples.
    pub interval: Interval,
    /// The signed-rank test of the differences.
    pub test: Wilcoxon,
    /// The test's probability, Holm-corrected over the pairs of this score.
    pub corrected: f64,
}

/// Compares every pair of methods on one data set, in the order of scores, then pairs. Two
/// controls are not compared with each other: nobody asks, and it would cost the others power.
#[must_use]
pub fn compare(dataset: &str, methods: &[Contestant<'_>], bootstrap: Bootstrap) -> Vec<Comparison> {
    let pairs: Vec<(usize, usize)> = (0..methods.len())
        .flat_map(|first| (first + 1..methods.len()).map(move |second| (first, second)))
        .filter(|&(first, second)| !(methods[first].is_control && methods[second].is_control))
        .collect();
    let pairs: Vec<Pair> = pairs
        .into_iter()
        .map(|(first, second)| Pair::of(methods, first, second))
        .collect();
    // Draws depend on the number of samples only, and cost more than adding what was drawn: pairs
    // with equally many samples are resampled together, which changes no result.
    let groups: Vec<&[Pair]> = pairs
        .chunk_by(|a, b| a.samples == b.samples)
        .flat_map(|equal| equal.chunks(TOGETHER))
        .collect();
    let of_groups: Vec<Vec<Vec<Comparison>>> = groups
        .into_par_iter()
        .map(|group| compare_group(dataset, group, bootstrap))
        .collect();
    let of_pairs = of_groups.concat();
    let mut comparisons = Vec::new();
    for index in 0..SCORES.len() {
        let of_score = || of_pairs.iter().map(|pair| pair[index]);
        let p_values: Vec<f64> = of_score().map(|comparison| comparison.test.p).collect();
        let corrected = of_score().zip(holm(&p_values));
        comparisons.extend(corrected.map(|(comparison, corrected)| Comparison {
            corrected,
            ..comparison
        }));
    }
    comparisons
}

/// The differences of two methods.
struct Pair {
    first: usize,
    second: usize,
    samples: usize,
    /// One for each sample that both methods have, in a column for each score.
    differences: Vec<Vec<f64>>,
}

impl Pair {
    fn of(methods: &[Contestant<'_>], first: usize, second: usize) -> Self {
        let others = methods[second].samples.iter();
        let others: HashMap<&str, &ReconciledSample> = others
            .map(|sample| (sample.sample.as_str(), sample))
            .collect();
        let both: Vec<(&ReconciledSample, &ReconciledSample)> = methods[first]
            .samples
            .iter()
            .filter_map(|sample| Some((sample, *others.get(sample.sample.as_str())?)))
            .collect();
        let differences = |score: &Score| -> Vec<f64> {
            let pairs = both.iter();
            pairs
                .map(|(a, b)| a.score(*score) - b.score(*score))
                .collect()
        };
        Self {
            first,
            second,
            samples: both.len(),
            differences: SCORES.iter().map(differences).collect(),
        }
    }
}

/// For each of some pairs with equally many samples, a comparison for each score, not corrected
/// yet.
fn compare_group(dataset: &str, group: &[Pair], bootstrap: Bootstrap) -> Vec<Vec<Comparison>> {
    let columns: Vec<Vec<f64>> = group
        .iter()
        .flat_map(|pair| pair.differences.iter().cloned())
        .collect();
    let intervals = intervals_of_means(dataset, &columns, bootstrap);
    group
        .iter()
        .zip(intervals.chunks(SCORES.len()))
        .map(|(pair, intervals)| {
            let scores = SCORES.iter().zip(&pair.differences).zip(intervals);
            scores
                .map(|((score, column), interval)| Comparison {
                    first: pair.first,
                    second: pair.second,
                    score: *score,
                    samples: pair.samples,
                    difference: mean(column),
                    interval: *interval,
                    test: wilcoxon_signed_rank(column),
                    corrected: f64::NAN,
                })
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Completeness, Interpretability};
    use super::*;

    const BOOTSTRAP: Bootstrap = Bootstrap {
        seed: 42,
        resamples: 2000,
    };

    fn samples(energies: &[(usize, f64)]) -> Vec<ReconciledSample> {
        let sample = |(index, energy): &(usize, f64)| ReconciledSample {
            sample: format!("sample {index}"),
            completeness: Completeness {
                output: 0,
                combined: 0.5,
            },
            interpretability: Interpretability {
                energy: *energy,
                focus: 0.0,
            },
        };
        energies.iter().map(sample).collect()
    }

    #[test]
    fn pairs_by_name_and_leaves_controls_among_themselves_out() {
        let a = samples(&[(0, 0.5), (1, 0.75), (2, 0.25), (3, 1.0)]);
        let b = samples(&[(3, 0.5), (2, 0.5), (9, 0.0)]);
        let contestant = |is_control, samples| Contestant {
            is_control,
            samples,
        };
        let methods = [
            contestant(false, &a[..]),
            contestant(true, &b),
            contestant(true, &b),
        ];
        let comparisons = compare("test", &methods, BOOTSTRAP);
        let pairs: Vec<_> = comparisons.iter().map(|c| (c.first, c.second)).collect();
        assert_eq!(pairs, [(0, 1), (0, 2)].repeat(4));
        let energy = &comparisons[2];
        assert_eq!((energy.score, energy.samples), (Score::Energy, 2));
        // (0.25 - 0.5 + 1.0 - 0.5) / 2; signs of ranks 1 and 2 differ, so that p is 1.
        assert_eq!(
            (energy.difference, energy.test.p, energy.corrected),
            (0.125, 1.0, 1.0)
        );
        assert_eq!((energy.interval.low, energy.interval.high), (-0.25, 0.5));
        // Without any difference.
        assert_eq!(
            (comparisons[0].difference, comparisons[0].test.p),
            (0.0, 1.0)
        );
        assert_eq!(
            comparisons[0].interval,
            Interval {
                low: 0.0,
                high: 0.0
            }
        );
    }

    #[test]
    fn threads_do_not_matter() {
        let values = |step: usize| -> Vec<(usize, f64)> {
            (0..40)
                .map(|index| (index, (index * step % 17) as f64 / 17.0))
                .collect()
        };
        let all: Vec<Vec<ReconciledSample>> = [3, 5, 7, 11]
            .into_iter()
            .map(|step| samples(&values(step)))
            .collect();
        let methods: Vec<Contestant<'_>> = all
            .iter()
            .map(|samples| Contestant {
                is_control: false,
                samples,
            })
            .collect();
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            format!(
                "{:?}",
                pool.install(|| compare("test", &methods, BOOTSTRAP))
            )
        };
        assert_eq!(with(1), with(7));
    }
}
