//! ROAD curves (Rong et al. 2022, arXiv:2202.00449): how the score changes as more and more
//! pixels are removed, the most (MoRF) or the least salient (LeRF) first.

use super::PAGE_HEIGHT;
use super::axes::{Axes, NORMAL, Range, SMALL, title};
use super::palette::{MethodStyle, method_styles};
use super::scatter::{Legend, Sample};
use crate::drawing::{Anchor, Colour, Page, Stroke, font};

/// With more methods than this, the page that shows all draws no bands.
const MOST_BANDS: usize = 5;

/// What the bands are.
const BAND: &str = "band: 95 % interval";

/// Panels side by side, and below each other, on the pages that show one method a panel.
const COLUMNS: usize = 3;
const ROWS: usize = 3;

/// A mean with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// Mean over the samples.
    pub mean: f64,
    /// Lower end of the 95 % interval; NaN if there is none.
    pub low: f64,
    /// Upper end of the 95 % interval; NaN if there is none.
    pub high: f64,
}

/// One curve.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RoadCurve {
    /// Shares of the pixels removed, in percent, ascending.
    pub removed: Vec<f64>,
    /// Change of the score, one for each share.
    pub change: Vec<Band>,
}

/// The curves of one method.
#[derive(Debug, Clone, PartialEq)]
pub struct RoadMethod {
    /// The method.
    pub name: String,
    /// Whether it is a control, which is drawn in gray.
    pub is_control: bool,
    /// The most salient pixels go first.
    pub most_relevant_first: RoadCurve,
    /// The least salient pixels go first.
    pub least_relevant_first: RoadCurve,
}

/// What the pages of ROAD curves show.
#[derive(Debug, Clone, PartialEq)]
pub struct RoadPlot {
    /// What they are about.
    pub title: String,
    /// Name of the change along y.
    pub y_label: String,
    /// The methods.
    pub methods: Vec<RoadMethod>,
}

/// The pages: first all methods, MoRF left and LeRF right; then, if there is more than one
/// method, a panel for each, with both curves, their bands, and the controls in gray.
///
/// None if there is no finite value.
#[must_use]
pub fn road_pages(plot: &RoadPlot) -> Vec<Page> {
    let values = || plot.methods.iter().flat_map(values_of);
    if !values().any(|(_, value)| value.is_finite()) {
        return Vec::new();
    }
    let x = Range {
        low: 0.0,
        high: 100.0,
    };
    let y = Range::of(values().map(|(_, value)| value), 0.06).including(0.0);
    let controls: Vec<bool> = plot
        .methods
        .iter()
        .map(|method| method.is_control)
        .collect();
    let styles = method_styles(&controls);
    let mut pages = vec![overview(plot, &styles, x, y)];
    if plot.methods.len() > 1 {
        let shown: Vec<usize> = (0..plot.methods.len())
            .filter(|&index| values_of(&plot.methods[index]).any(|(_, value)| value.is_finite()))
            .collect();
        let chunks = shown.len().div_ceil(COLUMNS * ROWS).max(1);
        for part in shown.chunks(shown.len().div_ceil(chunks).max(1)) {
            pages.push(panels(plot, &styles, part, x, y));
        }
    }
    pages
}

/// (share removed, value) of all means and ends of intervals.
fn values_of(method: &RoadMethod) -> impl Iterator<Item = (f64, f64)> {
    let curves = [&method.most_relevant_first, &method.least_relevant_first];
    curves.into_iter().flat_map(|curve| {
        let points = curve.removed.iter().zip(&curve.change);
        points.flat_map(|(&removed, band)| {
            [band.mean, band.low, band.high].map(|value| (removed, value))
        })
    })
}

fn overview(plot: &RoadPlot, styles: &[MethodStyle], x: Range, y: Range) -> Page {
    let names: Vec<String> = plot
        .methods
        .iter()
        .map(|method| method.name.clone())
        .collect();
    let legend = Legend::new(&names);
    let height = PAGE_HEIGHT.max(legend.height + 100.0);
    let (top, bottom) = (52.0, height - 52.0);
    let mut left = Axes {
        left: 60.0,
        right: 300.0,
        top,
        bottom,
        x,
        y,
    };
    left.left = left.y_tick_room() + 28.0;
    left.right = left.left + 235.0;
    let right = Axes {
        left: left.right + 22.0,
        right: left.right + 22.0 + 235.0,
        ..left
    };
    let mut page = Page::new(right.right + 16.0 + legend.width + 12.0, height);

    let bands = plot
        .methods
        .iter()
        .filter(|method| !method.is_control)
        .count()
        <= MOST_BANDS;
    let methods = || plot.methods.iter();
    let most: Vec<&RoadCurve> = methods()
        .map(|method| &method.most_relevant_first)
        .collect();
    let least: Vec<&RoadCurve> = methods()
        .map(|method| &method.least_relevant_first)
        .collect();
    for (axes, heading, curves) in [
        (&left, "most relevant first (MoRF)", &most),
        (&right, "least relevant first (LeRF)", &least),
    ] {
        frame(&mut page, axes);
        for (index, style) in styles.iter().enumerate() {
            if bands && !plot.methods[index].is_control {
                draw_band(&mut page, axes, style.colour, curves[index]);
            }
        }
        for (index, style) in styles.iter().enumerate() {
            draw_curve(&mut page, axes, curves[index], style.line(1.6), Some(style));
        }
        axes.spines(&mut page);
        axes.draw_x_ticks(&mut page);
        axes.x_label(&mut page, "pixels removed (%)");
        let middle = (axes.left + axes.right) / 2.0;
        page.text(heading, (middle, top - 8.0), NORMAL, Anchor::Middle);
    }
    left.draw_y_ticks(&mut page);
    left.y_label(&mut page, &plot.y_label);
    title(&mut page, &plot.title, 20.0);
    let place = (right.right + 16.0, top);
    legend.draw(&mut page, place, styles, Sample::Line);
    if bands && has_bands(plot) {
        let below = (place.0, place.1 + legend.height + 12.0);
        page.coloured_text(BAND, below, 8.0, Anchor::Start, Colour::gray(80));
    }
    page
}

fn panels(plot: &RoadPlot, styles: &[MethodStyle], part: &[usize], x: Range, y: Range) -> Page {
    let rows = part.len().div_ceil(COLUMNS);
    let columns = part.len().min(COLUMNS);
    let (width, height) = (180.0, 118.0);
    let probe = Axes {
        left: 60.0,
        right: 60.0 + width,
        top: 0.0,
        bottom: height,
        x,
        y,
    };
    let left = probe.y_tick_room() + 30.0;
    let top = 64.0;
    let (step_x, step_y) = (width + 18.0, height + 40.0);
    let page_width = left + columns as f64 * step_x + 6.0;
    let mut page = Page::new(
        page_width.max(PAGE_HEIGHT),
        top + rows as f64 * step_y + 18.0,
    );
    title(&mut page, &plot.title, 20.0);
    key(&mut page, 38.0, plot);
    for (place, &index) in part.iter().enumerate() {
        let (row, column) = (place / COLUMNS, place % COLUMNS);
        let from = left + column as f64 * step_x;
        let above = top + row as f64 * step_y;
        let axes = Axes {
            left: from,
            right: from + width,
            top: above,
            bottom: above + height,
            x,
            y,
        };
        frame(&mut page, &axes);
        for other in plot.methods.iter().filter(|method| method.is_control) {
            let gray = Colour::gray(150);
            let solid = Stroke::solid(gray, 0.9);
            let dashed = Stroke::dashed(gray, 0.9, &[3.0, 2.0]);
            draw_curve(&mut page, &axes, &other.most_relevant_first, solid, None);
            draw_curve(&mut page, &axes, &other.least_relevant_first, dashed, None);
        }
        let method = &plot.methods[index];
        let colour = if method.is_control {
            Colour::BLACK
        } else {
            styles[index].colour
        };
        let curves = [&method.most_relevant_first, &method.least_relevant_first];
        for curve in curves {
            draw_band(&mut page, &axes, colour, curve);
        }
        let lines = [
            Stroke::solid(colour, 1.6),
            Stroke::dashed(colour, 1.6, &[5.0, 2.0]),
        ];
        for (curve, line) in curves.into_iter().zip(lines) {
            draw_curve(&mut page, &axes, curve, line, None);
        }
        axes.spines(&mut page);
        axes.draw_x_ticks(&mut page);
        if column == 0 {
            axes.draw_y_ticks(&mut page);
        }
        let name = font::elide(&method.name, NORMAL, width);
        let middle = (axes.left + axes.right) / 2.0;
        page.text(&name, (middle, above - 5.0), NORMAL, Anchor::Middle);
        // Below the last panel of each column.
        if place + COLUMNS >= part.len() {
            axes.x_label(&mut page, "pixels removed (%)");
        }
    }
    let middle = top + (rows as f64 * step_y - 40.0) / 2.0;
    // In smaller type rather than cut where there is one row of panels only.
    let room = 2.0 * (page.height - middle).min(middle) - 8.0;
    let size = (NORMAL * room / font::width(&plot.y_label, NORMAL).max(1.0)).clamp(7.0, NORMAL);
    let label = font::elide(&plot.y_label, size, room);
    page.upward_text(&label, (14.0 + 0.2 * NORMAL, middle), size, Anchor::Middle);
    page
}

/// Explains the lines of the panels.
fn key(page: &mut Page, y: f64, plot: &RoadPlot) {
    let mut entries = vec![
        ("MoRF", Stroke::solid(Colour::BLACK, 1.6)),
        ("LeRF", Stroke::dashed(Colour::BLACK, 1.6, &[5.0, 2.0])),
    ];
    if plot.methods.iter().any(|method| method.is_control) {
        entries.push(("controls", Stroke::solid(Colour::gray(150), 0.9)));
    }
    let note = if has_bands(plot) { BAND } else { "" };
    let widths = entries
        .iter()
        .map(|(name, _)| font::width(name, SMALL) + 38.0);
    let total = widths.sum::<f64>() + font::width(note, SMALL);
    let mut x = (page.width - total) / 2.0;
    for (name, stroke) in entries {
        page.line(
            &[(x, y - 0.36 * SMALL), (x + 20.0, y - 0.36 * SMALL)],
            stroke,
        );
        page.text(name, (x + 24.0, y), SMALL, Anchor::Start);
        x += font::width(name, SMALL) + 38.0;
    }
    if !note.is_empty() {
        page.text(note, (x, y), SMALL, Anchor::Start);
    }
}

/// Whether any point of any curve has an interval.
fn has_bands(plot: &RoadPlot) -> bool {
    let curves = plot.methods.iter();
    let mut curves =
        curves.flat_map(|method| [&method.most_relevant_first, &method.least_relevant_first]);
    curves.any(|curve| {
        let mut bands = curve.change.iter();
        bands.any(|band| band.low.is_finite() && band.high.is_finite())
    })
}

fn frame(page: &mut Page, axes: &Axes) {
    axes.grid(page, false, true);
    let zero = axes.at_y(0.0);
    page.line(
        &[(axes.left, zero), (axes.right, zero)],
        Stroke::solid(Colour::gray(120), 0.6),
    );
}

fn draw_band(page: &mut Page, axes: &Axes, colour: Colour, curve: &RoadCurve) {
    let points: Vec<(f64, &Band)> = curve
        .removed
        .iter()
        .copied()
        .zip(&curve.change)
        .filter(|(removed, band)| {
            [*removed, band.low, band.high]
                .iter()
                .all(|v| v.is_finite())
        })
        .collect();
    let fill = colour.with_alpha(0.16);
    match points.as_slice() {
        [] => {}
        [(removed, band)] => {
            let stroke = Stroke::solid(colour, 1.0);
            page.line(
                &[axes.at(*removed, band.low), axes.at(*removed, band.high)],
                stroke,
            );
        }
        _ => {
            let below = points
                .iter()
                .map(|(removed, band)| axes.at(*removed, band.low));
            let above = points
                .iter()
                .rev()
                .map(|(removed, band)| axes.at(*removed, band.high));
            page.polygon(&below.chain(above).collect::<Vec<_>>(), fill, None);
        }
    }
}

fn draw_curve(
    page: &mut Page,
    axes: &Axes,
    curve: &RoadCurve,
    stroke: Stroke,
    style: Option<&MethodStyle>,
) {
    let finite = |(removed, band): &(&f64, &Band)| removed.is_finite() && band.mean.is_finite();
    let points: Vec<(f64, f64)> = curve
        .removed
        .iter()
        .zip(&curve.change)
        .filter(finite)
        .map(|(&removed, band)| axes.at(removed, band.mean))
        .collect();
    let colour = stroke.colour;
    if points.len() > 1 {
        page.line(&points, stroke);
    }
    for &point in &points {
        match style {
            Some(style) => style.point(page, point, 2.2, 1.0, None),
            None if points.len() == 1 => page.circle(point, 2.2, colour, None),
            None => {}
        }
    }
}
