//! Scores of a saliency map, one file each.
//!
//! A [`LocalizationMetric`] compares a map with what radiologists marked, and needs nothing else.
//! To add one: write its file with a unit struct and add it to [`LOCALIZATION_METRICS`]. ROAD
//! ([`road`]) asks the network itself.

mod average_saliency_focus;
pub mod box_mask;
mod check;
pub mod imputation;
mod proportional_energy;
pub mod road;

pub use average_saliency_focus::average_saliency_focus;
pub use box_mask::BoxMask;
pub use check::{MapError, check, check_survey};
pub use proportional_energy::proportional_energy;

use crate::map::Map;

/// How well a map agrees with the boxes of an image.
pub trait LocalizationMetric: Sync {
    /// Its name in tables.
    fn short_name(&self) -> &'static str;
    /// Its name in plots.
    fn name(&self) -> &'static str;
    /// One line for people.
    fn description(&self) -> &'static str;
    /// Author, year and where to find the paper.
    fn reference(&self) -> &'static str;
    /// The score of a map, `[H, W]` as the mask.
    fn score(&self, map: &Map, mask: &BoxMask) -> f64;
}

/// All of them, in the order of the columns of a table.
pub const LOCALIZATION_METRICS: &[&dyn LocalizationMetric] = &[
    &proportional_energy::ProportionalEnergy,
    &average_saliency_focus::AverageSaliencyFocus,
];

/// Sum of the map where the mask is set, in double precision.
fn sum_inside(map: &Map, mask: &BoxMask) -> f64 {
    let runs = mask.runs().iter();
    runs.map(|run| sum(&map.values[run.clone()])).sum()
}

/// Sum in double precision, in several parts: each addition would wait for the one before it.
fn sum(values: &[f32]) -> f64 {
    const PARTS: usize = 16;
    let mut parts = [0.0_f64; PARTS];
    let chunks = values.chunks_exact(PARTS);
    let rest: f64 = chunks.remainder().iter().copied().map(f64::from).sum();
    for chunk in chunks {
        for (part, &value) in parts.iter_mut().zip(chunk) {
            *part += f64::from(value);
        }
    }
    parts.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests;
