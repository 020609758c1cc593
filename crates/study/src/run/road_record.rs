//! The ROAD scores of one map as a journal keeps them: all digits, and nothing where there is no
//! number.

use mednet_saliency::metric::road::{RoadPoint, RoadScores, RoadSettings};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The scores of one map, and the class it is for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "RoadRecord", into = "RoadRecord")]
pub struct ClassScores {
    /// Number of the network's output.
    pub class: usize,
    /// Whether the map is zero everywhere.
    pub empty: bool,
    /// The scores.
    pub road: RoadScores,
}

/// A number, or nothing for NaN, which JSON does not have.
type Number = Option<f64>;

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RoadRecord {
    class: usize,
    empty: bool,
    baseline: Number,
    /// Change, spread, share removed, share tied.
    morf_points: Vec<[Number; 4]>,
    lerf_points: Vec<[Number; 4]>,
    /// Mean, spread.
    morf: [Number; 2],
    lerf: [Number; 2],
    combined: [Number; 2],
    tied_mass: Number,
    original_erases: bool,
    erased: usize,
    fallbacks: usize,
}

fn put(value: f64) -> Number {
    value.is_finite().then_some(value)
}

fn get(number: Number) -> f64 {
    number.unwrap_or(f64::NAN)
}

impl From<ClassScores> for RoadRecord {
    fn from(scores: ClassScores) -> Self {
        let road = scores.road;
        let points = |points: &[RoadPoint]| {
            let point = |p: &RoadPoint| [p.change, p.spread, p.removed, p.tied].map(put);
            points.iter().map(point).collect()
        };
        let pair = |(mean, spread): (f64, f64)| [put(mean), put(spread)];
        Self {
            class: scores.class,
            empty: scores.empty,
            baseline: put(road.baseline),
            morf_points: points(&road.most_relevant_first),
            lerf_points: points(&road.least_relevant_first),
            morf: pair(road.morf),
            lerf: pair(road.lerf),
            combined: pair(road.combined),
            tied_mass: put(road.tied_mass),
            original_erases: road.original_erases,
            erased: road.erased,
            fallbacks: road.fallbacks,
        }
    }
}

impl From<RoadRecord> for ClassScores {
    fn from(record: RoadRecord) -> Self {
        let points = |points: Vec<[Number; 4]>| {
            let point = |numbers: [Number; 4]| {
                let [change, spread, removed, tied] = numbers.map(get);
                RoadPoint {
                    change,
                    spread,
                    removed,
                    tied,
                }
            };
            points.into_iter().map(point).collect()
        };
        let pair = |[mean, spread]: [Number; 2]| (get(mean), get(spread));
        Self {
            class: record.class,
            empty: record.empty,
            road: RoadScores {
                baseline: get(record.baseline),
                most_relevant_first: points(record.morf_points),
                least_relevant_first: points(record.lerf_points),
                morf: pair(record.morf),
                lerf: pair(record.lerf),
                combined: pair(record.combined),
                tied_mass: get(record.tied_mass),
                original_erases: record.original_erases,
                erased: record.erased,
                fallbacks: record.fallbacks,
            },
        }
    }
}

/// Settings of ROAD for provenance.
pub(crate) fn road_settings(settings: &RoadSettings) -> Value {
    json!({
        "percentiles": settings.percentiles,
        "noise": settings.noise,
        "repeats": settings.repeats,
        "score": settings.probability.to_string(),
        "mode": settings.mode.to_string(),
        "seed": settings.seed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_bit_comes_back(values in proptest::collection::vec(proptest::num::f64::NORMAL, 10), spread in proptest::bool::ANY) {
            let spread = if spread { values[0] } else { f64::NAN };
            let point = RoadPoint { change: values[1], spread, removed: values[2], tied: values[3] };
            let scores = ClassScores {
                class: 3,
                empty: true,
                road: RoadScores {
                    baseline: values[4],
                    most_relevant_first: vec![point; 2],
                    least_relevant_first: vec![point],
                    morf: (values[5], spread),
                    lerf: (values[6], spread),
                    combined: (values[7], spread),
                    tied_mass: values[8],
                    original_erases: true,
                    erased: 1,
                    fallbacks: 2,
                },
            };
            let text = serde_json::to_string(&scores).unwrap();
            let read: ClassScores = serde_json::from_str(&text).unwrap();
            // NaN is unlike itself, but not its text.
            prop_assert_eq!(format!("{read:?}"), format!("{scores:?}"));
        }
    }
}
