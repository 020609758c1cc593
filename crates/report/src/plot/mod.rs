//! Plots of scores, one page each: vector drawings that need nothing but their data.
//!
//! [`crate::drawing::pdf::write_pdf`] puts them into one file,
//! [`crate::drawing::raster::render`] turns one into pixels.

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
