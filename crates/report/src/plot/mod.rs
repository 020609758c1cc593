//! Plots of scores, one page each: vector drawings that need nothing but their data.
//!
//! [`crate::drawing::pdf::write_pdf`] puts them into one file,
//! [`crate::drawing::raster::write_png`] turns one into pixels.

mod axes;
mod box_plot;
mod histogram;
mod palette;
mod road_curves;
mod scatter;

pub use box_plot::{BoxGroup, BoxPlot, box_plot};
pub use histogram::{
    Histogram, HistogramPlot, automatic_histogram, coloured_histogram_page, histogram_page,
};
pub use palette::{Marker, MethodStyle, method_styles};
pub use road_curves::{Band, RoadCurve, RoadMethod, RoadPlot, road_pages};
pub use scatter::{ScatterMethod, ScatterPlot, scatter_page};

/// Width of a page in points: 6.4 inches.
pub const PAGE_WIDTH: f64 = 460.8;
/// Height of a page in points: 4.8 inches.
pub const PAGE_HEIGHT: f64 = 345.6;

/// The value below which `share` (0 to 1) of the sorted values lie, by linear interpolation
/// (Hyndman and Fan 1996, doi:10.2307/2684934, definition 7; numpy's default).
///
/// NaN for no value.
#[must_use]
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let position = share.clamp(0.0, 1.0) * last as f64;
    let below = position.floor() as usize;
    let part = position - below as f64;
    let (low, high) = (sorted[below], sorted[(below + 1).min(last)]);
    // As numpy does, from the nearer end, so that equal values give exactly themselves.
    if part < 0.5 {
        low + (high - low) * part
    } else {
        high - (high - low) * (1.0 - part)
    }
}

/// The finite values in ascending order.
fn sorted_finite(values: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = values
        .iter()
        .copied()
        .filter(|value| value.is_finite())
        .collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
