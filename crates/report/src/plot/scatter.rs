//! Localisation against faithfulness: proportional energy over the completeness score.

use mednet_base::statistics::mean_in_one_pass;

use super::PAGE_HEIGHT;
use super::axes::{Axes, Range, SMALL, title};
use super::palette::{MethodStyle, method_styles};
use crate::drawing::{Anchor, Colour, Page, Stroke, font};

/// The samples of one method.
#[derive(Debug, Clone, PartialEq)]
pub struct ScatterMethod {
    /// The method.
    pub name: String,
    /// Whether it is a control, which is drawn in gray.
    pub is_control: bool,
    /// (x, y) of each sample; those that are not finite are left out.
    pub points: Vec<(f64, f64)>,
}

/// What a scatter page shows.
#[derive(Debug, Clone, PartialEq)]
pub struct ScatterPlot {
    /// What it is about.
    pub title: String,
    /// Name of the score along x.
    pub x_label: String,
    /// Name of the score along y.
    pub y_label: String,
    /// The methods.
    pub methods: Vec<ScatterMethod>,
}

/// The page: a small point for each sample, a large outlined one for each method's mean.
///
/// `None` if there is no finite point.
#[must_use]
pub fn scatter_page(plot: &ScatterPlot) -> Option<Page> {
    let finite = |method: &ScatterMethod| -> Vec<(f64, f64)> {
        let points = method.points.iter().copied();
        points
            .filter(|(x, y)| x.is_finite() && y.is_finite())
            .collect()
    };
    let methods: Vec<Vec<(f64, f64)>> = plot.methods.iter().map(finite).collect();
    let all = || methods.iter().flatten();
    all().next()?;

    let entries = legend_entries(plot);
    let legend = Legend::new(&entries);
    let height = PAGE_HEIGHT.max(legend.height + 90.0);
    let mut axes = Axes {
        left: 60.0,
        top: 34.0,
        right: 60.0 + 330.0,
        bottom: height - 52.0,
        x: Range::of(all().map(|point| point.0), 0.05),
        y: Range::of(all().map(|point| point.1), 0.05),
    };
    axes.left = axes.y_tick_room() + 28.0;
    axes.right = axes.left + 330.0;
    let mut page = Page::new(axes.right + 16.0 + legend.width + 12.0, height);
    axes.grid(&mut page, true, true);
    let controls: Vec<bool> = plot
        .methods
        .iter()
        .map(|method| method.is_control)
        .collect();
    let styles = method_styles(&controls);
    let most = methods.iter().map(Vec::len).max().unwrap_or(0);
    let (radius, opacity) = if most > 500 { (1.4, 0.35) } else { (2.2, 0.55) };
    // Controls below the methods.
    let mut order: Vec<usize> = (0..methods.len()).collect();
    order.sort_by_key(|&index| !controls[index]);
    for &index in &order {
        for &(x, y) in &methods[index] {
            styles[index].point(&mut page, axes.at(x, y), radius, opacity, None);
        }
    }
    for &index in &order {
        if !methods[index].is_empty() {
            let [xs, ys]: [Vec<f64>; 2] = [
                methods[index].iter().map(|point| point.0).collect(),
                methods[index].iter().map(|point| point.1).collect(),
            ];
            let edge = Stroke::solid(Colour::BLACK, 0.9);
            let [x, y] = [xs, ys].map(|values| mean_in_one_pass(values.into_iter()));
            let place = axes.at(x, y);
            styles[index].point(&mut page, place, 4.6, 1.0, Some(edge));
        }
    }
    axes.spines(&mut page);
    axes.draw_x_ticks(&mut page);
    axes.draw_y_ticks(&mut page);
    axes.x_label(&mut page, &plot.x_label);
    axes.y_label(&mut page, &plot.y_label);
    title(&mut page, &plot.title, 20.0);
    let place = (axes.right + 16.0, axes.top + 4.0);
    legend.draw(&mut page, place, &styles, Sample::Point);
    let key = "large marker: mean";
    let below = (place.0, place.1 + legend.height + 10.0);
    page.coloured_text(key, below, 8.0, Anchor::Start, Colour::gray(80));
    Some(page)
}

fn legend_entries(plot: &ScatterPlot) -> Vec<String> {
    plot.methods
        .iter()
        .map(|method| method.name.clone())
        .collect()
}

/// What stands before a name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Sample {
    Point,
    Line,
}

/// The names of the methods, one below the other.
pub(super) struct Legend {
    names: Vec<String>,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Legend {
    const ROW: f64 = 14.0;
    const INDENT: f64 = 30.0;

    pub(super) fn new(names: &[String]) -> Self {
        let names: Vec<String> = names
            .iter()
            .map(|name| font::elide(name, SMALL, 130.0))
            .collect();
        let widest = names
            .iter()
            .map(|name| font::width(name, SMALL))
            .fold(60.0, f64::max);
        let height = Self::ROW * names.len() as f64;
        Self {
            names,
            width: widest + Self::INDENT,
            height,
        }
    }

    pub(super) fn draw(
        &self,
        page: &mut Page,
        (left, top): (f64, f64),
        styles: &[MethodStyle],
        sample: Sample,
    ) {
        for (index, (name, style)) in self.names.iter().zip(styles).enumerate() {
            let y = top + (index as f64 + 0.5) * Self::ROW;
            match sample {
                Sample::Point => style.point(page, (left + 11.0, y), 3.4, 1.0, None),
                Sample::Line => {
                    page.line(
                        &[(left, y), (left + Self::INDENT - 6.0, y)],
                        style.line(1.6),
                    );
                    style.point(page, (left + 12.0, y), 2.2, 1.0, None);
                }
            }
            page.text(
                name,
                (left + Self::INDENT, y + 0.36 * SMALL),
                SMALL,
                Anchor::Start,
            );
        }
    }
}
