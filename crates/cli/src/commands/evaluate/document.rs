//! The results as JSON.

use mednet_base::json::Value;
use mednet_saliency::evaluation::{Evaluated, ReconciledSample};
use mednet_saliency::statistics::{Interval, WilcoxonMethod};

use super::Evaluation;

/// What a reader of the numbers must know.
pub(super) const NOTES: [&str; 6] = [
    "aopc: combined ROAD score, (LeRF - MoRF) / 2",
    "energy: proportional energy; focus: average saliency focus",
    "weighted: aopc times energy, for each sample",
    "stdev: with n - 1; quartiles: by linear interpolation",
    "intervals: 95 %, BCa bootstrap of the mean over the samples (Efron 1987)",
    "p: two-sided Wilcoxon signed-rank test, zeros left out; p-holm: Holm's correction over the pairs of a data set and score",
];

/// Methods, data sets, scores: as the original lays them out, with intervals.
pub(super) fn scores(evaluation: &Evaluation) -> Value {
    let entries = evaluation.entries.iter().map(|entry| {
        let parts = entry.parts.iter().map(|part| {
            let scores = part.scores.iter();
            let scores = scores
                .map(|evaluated| (evaluated.score.key(), one_score(evaluated, &part.samples)));
            (part.dataset.as_str(), scores.collect::<Value>())
        });
        (entry.name.as_str(), parts.collect::<Value>())
    });
    entries.collect()
}

fn one_score(evaluated: &Evaluated, samples: &[ReconciledSample]) -> Value {
    let summary = &evaluated.summary;
    let score = |sample: &ReconciledSample| sample.score(evaluated.score);
    let mut decreasing: Vec<(&str, f64)> = samples
        .iter()
        .map(|sample| (sample.sample.as_str(), score(sample)))
        .collect();
    // Stable: equal values keep the order of the file.
    decreasing.sort_by(|a, b| b.1.total_cmp(&a.1));
    let decreasing = decreasing.into_iter();
    let decreasing = decreasing.map(|(name, value)| Value::Array(vec![name.into(), value.into()]));
    let [first, median, third] = summary.quartiles;
    let quartiles = [("25", first), ("50", median), ("75", third)];
    [
        ("samples", summary.samples.into()),
        ("mean", summary.mean.into()),
        ("mean-interval", interval(evaluated.interval)),
        ("stdev", summary.standard_deviation.into()),
        ("quartiles", quartiles.into_iter().collect()),
        (
            "values",
            samples.iter().map(score).collect::<Vec<f64>>().into(),
        ),
        ("decreasing_scores", Value::Array(decreasing.collect())),
    ]
    .into_iter()
    .collect()
}

/// How each pair of methods differs.
pub(super) fn comparisons(evaluation: &Evaluation) -> Value {
    let mut rows = Vec::new();
    for (dataset, comparisons) in evaluation.datasets.iter().zip(&evaluation.comparisons) {
        for comparison in comparisons {
            let name = |index: usize| evaluation.entries[index].name.as_str();
            let method = match comparison.test.method {
                WilcoxonMethod::Exact => "exact",
                WilcoxonMethod::Normal => "normal approximation",
            };
            let row: Value = [
                ("dataset", dataset.as_str().into()),
                ("score", comparison.score.key().into()),
                ("first", name(comparison.first).into()),
                ("second", name(comparison.second).into()),
                ("samples", comparison.samples.into()),
                ("difference", comparison.difference.into()),
                ("interval", interval(comparison.interval)),
                ("statistic", comparison.test.statistic.into()),
                ("distribution", method.into()),
                ("p", comparison.test.p.into()),
                ("p-holm", comparison.corrected.into()),
            ]
            .into_iter()
            .collect();
            rows.push(row);
        }
    }
    let bootstrap = evaluation.bootstrap;
    let seed = i64::try_from(bootstrap.seed)
        .map_or_else(|_| bootstrap.seed.to_string().into(), Value::Integer);
    [
        (
            "test",
            "Wilcoxon signed-rank, two-sided, zeros left out".into(),
        ),
        (
            "correction",
            "Holm, over the pairs of each data set and score".into(),
        ),
        (
            "interval",
            "95 %, BCa bootstrap of the mean difference over the samples".into(),
        ),
        ("resamples", bootstrap.resamples.into()),
        ("seed", seed),
        ("comparisons", Value::Array(rows)),
    ]
    .into_iter()
    .collect()
}

/// Both in one document.
pub(super) fn both(scores: Value, comparisons: Value) -> Value {
    [("scores", scores), ("comparisons", comparisons)]
        .into_iter()
        .collect()
}

fn interval(interval: Interval) -> Value {
    vec![interval.low, interval.high].into()
}

/// Three decimals, or two figures and an exponent where those would show nothing.
pub(super) fn short_probability(p: f64) -> String {
    if p.is_nan() {
        return "nan".to_owned();
    }
    if p == 0.0 || p >= 0.001 {
        return format!("{p:.3}");
    }
    format!("{p:.1e}")
}
