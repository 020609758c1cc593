//! The histogram of one score over one data set, in the original's style.

use mednet_base::statistics::quantile;

use super::axes::{Axes, LARGE, NORMAL, Range, SMALL, spine};
use super::{PAGE_HEIGHT, PAGE_WIDTH, sorted_finite};
use crate::drawing::{Anchor, Colour, Page, Stroke, font};

/// matplotlib's first colour.
const BLUE: Colour = Colour::opaque([0x1f, 0x77, 0xb4]);

/// Counts over equal bins, scaled so that the bars' areas add up to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// The bins' edges, one more than there are bins.
    pub edges: Vec<f64>,
    /// Height of each bar.
    pub density: Vec<f64>,
}

/// The histogram that `numpy.histogram(values, bins="auto", density=True)` gives (numpy 2.4):
/// bins as wide as the smaller of Sturges' width, range / (log2 n + 1), and Freedman and Diaconis'
/// (1981, doi:10.1007/BF01025868), 2 IQR / n^(1/3), the latter at least half of range / sqrt n.
///
/// Values that are not finite are left out; `None` if there is no other.
#[must_use]
pub fn automatic_histogram(values: &[f64]) -> Option<Histogram> {
    let sorted = sorted_finite(values);
    let (least, most) = (*sorted.first()?, *sorted.last()?);
    let n = sorted.len() as f64;
    let range = most - least;
    if !range.is_finite() {
        return None;
    }
    let spread = quantile(&sorted, 0.75) - quantile(&sorted, 0.25);
    let diaconis = (2.0 * spread * n.powf(-1.0 / 3.0)).max(range / n.sqrt() / 2.0);
    let width = diaconis.min(range / (n.log2() + 1.0));
    let (low, high) = if range == 0.0 {
        (least - 0.5, most + 0.5)
    } else {
        (least, most)
    };
    let bins = if width > 0.0 {
        ((high - low) / width).ceil().max(1.0) as usize
    } else {
        1
    };
    let step = (high - low) / bins as f64;
    let mut edges: Vec<f64> = (0..=bins).map(|index| low + step * index as f64).collect();
    edges[bins] = high;
    if edges.windows(2).any(|pair| pair[0] >= pair[1]) {
        return None;
    }
    let mut counts = vec![0_usize; bins];
    for &value in &sorted {
        let guess = ((value - low) / (high - low) * bins as f64) as usize;
        let mut bin = guess.min(bins - 1);
        // The division may land one bin off; the edges decide. The last bin holds its upper edge.
        if value < edges[bin] {
            bin -= 1;
        } else if bin + 1 < bins && value >= edges[bin + 1] {
            bin += 1;
        }
        counts[bin] += 1;
    }
    let bars = counts.iter().zip(edges.windows(2));
    let density = bars
        .map(|(&count, edge)| count as f64 / (edge[1] - edge[0]) / n)
        .collect();
    Some(Histogram { edges, density })
}

/// What a histogram page shows.
#[derive(Debug, Clone, PartialEq)]
pub struct HistogramPlot {
    /// The method, where several are compared.
    pub method: Option<String>,
    /// Name of the score.
    pub metric: String,
    /// Name of the data set.
    pub dataset: String,
    /// One value for each sample; those that are not finite are left out.
    pub values: Vec<f64>,
}

/// The page: bars, and lines at the quartiles (green) and the median (red).
///
/// `None` if there is no finite value.
#[must_use]
pub fn histogram_page(plot: &HistogramPlot) -> Option<Page> {
    coloured_histogram_page(plot, BLUE)
}

/// The same page with bars of another colour, such as gray for a control.
#[must_use]
pub fn coloured_histogram_page(plot: &HistogramPlot, colour: Colour) -> Option<Page> {
    let histogram = automatic_histogram(&plot.values)?;
    let sorted = sorted_finite(&plot.values);
    let highest = histogram.density.iter().copied().fold(0.0, f64::max);
    let (first, last) = (
        histogram.edges[0],
        histogram.edges[histogram.edges.len() - 1],
    );
    let mut axes = Axes {
        left: 0.125 * PAGE_WIDTH,
        right: 0.9 * PAGE_WIDTH,
        top: 0.12 * PAGE_HEIGHT,
        bottom: 0.89 * PAGE_HEIGHT,
        x: Range::of([first, last], 0.05),
        y: Range {
            low: 0.0,
            high: highest * 1.05,
        },
    };
    axes.bottom = PAGE_HEIGHT - 16.0 - SMALL - 1.6 * NORMAL;
    axes.left = axes.left.max(axes.y_tick_room() + 1.6 * NORMAL + 6.0);

    let mut page = Page::new(PAGE_WIDTH, PAGE_HEIGHT);
    for (bar, edge) in histogram.density.iter().zip(histogram.edges.windows(2)) {
        if *bar > 0.0 {
            let (left, top) = axes.at(edge[0], *bar);
            let (right, bottom) = axes.at(edge[1], 0.0);
            page.rectangle(
                [left, top, right - left, bottom - top],
                colour.with_alpha(0.7),
                None,
            );
        }
    }
    axes.grid(&mut page, true, true);
    let line = |page: &mut Page, share: f64, stroke: Stroke| {
        let x = axes.at_x(quantile(&sorted, share));
        page.line(&[(x, axes.top), (x, axes.bottom)], stroke);
    };
    let green = Colour::opaque([0, 128, 0]).with_alpha(0.5);
    line(&mut page, 0.25, Stroke::dashed(green, 1.5, &[5.5, 2.4]));
    line(&mut page, 0.75, Stroke::dashed(green, 1.5, &[5.5, 2.4]));
    line(
        &mut page,
        0.5,
        Stroke::solid(Colour::opaque([255, 0, 0]).with_alpha(0.5), 1.5),
    );

    page.line(
        &[axes.at(axes.x.low, 0.0), (axes.left, axes.at_y(highest))],
        spine(),
    );
    page.line(
        &[
            (axes.at_x(first), axes.bottom),
            (axes.at_x(last), axes.bottom),
        ],
        spine(),
    );
    axes.draw_x_ticks(&mut page);
    axes.draw_y_ticks(&mut page);
    axes.x_label(&mut page, &plot.metric);
    axes.y_label(&mut page, "Frequency");
    draw_title(&mut page, plot, (axes.left + axes.right) / 2.0);
    Some(page)
}

fn draw_title(page: &mut Page, plot: &HistogramPlot, middle: f64) {
    let room = 2.0 * middle.min(PAGE_WIDTH - middle) - 8.0;
    let title = format!("{} Frequency Histogram (@ {})", plot.metric, plot.dataset);
    let fitting = LARGE * room / font::width(&title, LARGE).max(1.0);
    let size = fitting.clamp(NORMAL, LARGE);
    let title = font::elide(&title, size, room);
    match &plot.method {
        Some(method) => {
            let method = font::elide(method, NORMAL, room);
            page.text(&title, (middle, 18.0), size, Anchor::Middle);
            page.text(&method, (middle, 33.0), NORMAL, Anchor::Middle);
        }
        None => page.text(
            &title,
            (middle, 0.12 * PAGE_HEIGHT - 8.0),
            size,
            Anchor::Middle,
        ),
    }
}
