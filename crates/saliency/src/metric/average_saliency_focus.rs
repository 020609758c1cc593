//! Average saliency focus: the mean of a map inside the boxes.

use super::{BoxMask, LocalizationMetric, sum_inside};
use crate::map::Map;

pub(super) struct AverageSaliencyFocus;

impl LocalizationMetric for AverageSaliencyFocus {
    fn short_name(&self) -> &'static str {
        "AvgSalFocus"
    }

    fn name(&self) -> &'static str {
        "Average Saliency Focus"
    }

    fn description(&self) -> &'static str {
        "mean saliency inside the boxes"
    }

    fn reference(&self) -> &'static str {
        "mednet 1.0 (Idiap 2024)"
    }

    fn score(&self, map: &Map, mask: &BoxMask) -> f64 {
        average_saliency_focus(map, mask)
    }
}

/// `sum(map inside) / area of the boxes` of a map `[H, W]`: between 0 and 1 as the map's values.
/// 0 where no box covers a pixel. It grows with the scale of the map.
#[must_use]
pub fn average_saliency_focus(map: &Map, mask: &BoxMask) -> f64 {
    if mask.area() == 0 {
        0.0
    } else {
        sum_inside(map, mask) / mask.area() as f64
    }
}
