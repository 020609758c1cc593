//! The file of ROAD curves, `STEM.curves.json`.
//!
//! ```text
//! {
//!   "format": "mednet-road-curves", "version": 1,
//!   "method": name or null, "mode": "default" or "mednet", "score": "sigmoid" or "softmax",
//!   "noise": standard deviation, "repeats": draws of the noise, "seed": number,
//!   "percentiles": [...], "percentile-is": "removed" or "kept",
//!   "datasets": {NAME: [{
//!     "sample": its name, "label": its label, "class": number of the network's output,
//!     "baseline": probability of the class for the whole image,
//!     "percentiles": [...],
//!     "morf": [...], "lerf": [...]                  change of the probability at each percentile
//!     "morf-removed": [...], "lerf-removed": [...]  share of the pixels removed, 0 to 1
//!     "morf-spread": [...], "lerf-spread": [...]    standard deviation over the draws of the noise
//!     "morf-tied": [...], "lerf-tied": [...]        share of the pixels tied where the removal ends
//!     "mean-spread": [MoRF, LeRF, combined]         standard deviations of the means
//!     "tied-mass": share of the pixels tied at any of the removals,
//!     "original-erases": whether the original's ranking removes all pixels at a percentile
//!   }, ...], ...}
//! }
//! ```
//!
//! Samples without scores are missing. Standard deviations are null for a single draw.

use mednet_base::json::Value;
use mednet_saliency::metric::road::{RoadPoint, RoadSettings};

use super::rows;
use crate::run::ClassScores;
use crate::scores::{ScoredDataSet, ScoredSample};

/// Version of the format.
const VERSION: i64 = 1;

/// The document for the maps of one source.
#[must_use]
pub fn of(
    method: Option<&str>,
    datasets: &[ScoredDataSet<ClassScores>],
    settings: &RoadSettings,
) -> Value {
    let samples = |dataset: &ScoredDataSet<ClassScores>| {
        let samples = dataset.samples.iter();
        let curves = samples.filter_map(|sample| curve(sample, settings));
        Value::Array(curves.collect())
    };
    [
        ("format", Value::from("mednet-road-curves")),
        ("version", VERSION.into()),
        ("method", method.into()),
        ("mode", settings.mode.to_string().into()),
        ("score", settings.probability.to_string().into()),
        ("noise", decimal(settings.noise).into()),
        ("repeats", settings.repeats.into()),
        ("seed", seed(settings.seed)),
        ("percentiles", percentiles(settings)),
        ("percentile-is", settings.percentile_is().into()),
        (
            "datasets",
            datasets
                .iter()
                .map(|dataset| (dataset.name.clone(), samples(dataset)))
                .collect(),
        ),
    ]
    .into_iter()
    .collect()
}

fn curve(sample: &ScoredSample<ClassScores>, settings: &RoadSettings) -> Option<Value> {
    let scores = sample.scores.as_ref()?;
    let road = &scores.road;
    let (most, least) = (&road.most_relevant_first, &road.least_relevant_first);
    let list = |points: &[RoadPoint], value: fn(&RoadPoint) -> f64| {
        Value::Array(points.iter().map(|point| number(value(point))).collect())
    };
    let entries = [
        ("sample", Value::from(sample.name.as_str())),
        ("label", rows::label(&sample.label)),
        ("class", scores.class.into()),
        ("baseline", road.baseline.into()),
        ("percentiles", percentiles(settings)),
        ("morf", list(most, |point| point.change)),
        ("lerf", list(least, |point| point.change)),
        ("morf-removed", list(most, |point| point.removed)),
        ("lerf-removed", list(least, |point| point.removed)),
        ("morf-spread", list(most, |point| point.spread)),
        ("lerf-spread", list(least, |point| point.spread)),
        ("morf-tied", list(most, |point| point.tied)),
        ("lerf-tied", list(least, |point| point.tied)),
        (
            "mean-spread",
            Value::Array(
                [road.morf.1, road.lerf.1, road.combined.1]
                    .map(number)
                    .to_vec(),
            ),
        ),
        ("tied-mass", road.tied_mass.into()),
        ("original-erases", road.original_erases.into()),
    ];
    Some(entries.into_iter().collect())
}

fn percentiles(settings: &RoadSettings) -> Value {
    let percentiles = settings.percentiles.iter();
    Value::Array(percentiles.map(|&p| Value::Integer(p.into())).collect())
}

fn seed(seed: u64) -> Value {
    i64::try_from(seed).map_or_else(|_| Value::Text(seed.to_string()), Value::Integer)
}

fn number(value: f64) -> Value {
    if value.is_nan() {
        Value::Null
    } else {
        value.into()
    }
}

/// The number that was typed, without the digits that single precision adds to it.
fn decimal(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}
