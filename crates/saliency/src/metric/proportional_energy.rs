//! Proportional energy: the share of a map's sum that lies inside the boxes.

use super::{BoxMask, LocalizationMetric, sum, sum_inside};
use crate::map::Map;

pub(super) struct ProportionalEnergy;

impl LocalizationMetric for ProportionalEnergy {
    fn short_name(&self) -> &'static str {
        "PropEng"
    }

    fn name(&self) -> &'static str {
        "Proportional Energy"
    }

    fn description(&self) -> &'static str {
        "share of the saliency that lies inside the boxes"
    }

    fn reference(&self) -> &'static str {
        "Wang et al. 2020, Score-CAM (energy-based pointing game), arXiv:1910.01279"
    }

    fn score(&self, map: &Map, mask: &BoxMask) -> f64 {
        proportional_energy(map, mask)
    }
}

/// `sum(map inside) / sum(map)` of a map `[H, W]` with values of at least 0: between 0 and 1. 0 for
/// a map of zeros.
#[must_use]
pub fn proportional_energy(map: &Map, mask: &BoxMask) -> f64 {
    let total = sum(&map.values);
    if total == 0.0 {
        0.0
    } else {
        sum_inside(map, mask) / total
    }
}
