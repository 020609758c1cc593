//! Box plots that compare the methods on one score of one data set.

use mednet_base::statistics::{mean_in_one_pass, quantile};

use super::axes::{Axes, NORMAL, Range, SMALL, title};
use super::palette::{MethodStyle, method_styles};
use super::{PAGE_HEIGHT, PAGE_WIDTH, sorted_finite};
use crate::drawing::{Anchor, Colour, Page, Stroke, font};

/// Up to this many values, each is shown.
const FEW: usize = 60;

/// The values of one method.
#[derive(Debug, Clone, PartialEq)]
pub struct BoxGroup {
    /// The method.
    pub name: String,
    /// Whether it is a control, which is drawn in gray.
    pub is_control: bool,
    /// One value for each sample; those that are not finite are left out.
    pub values: Vec<f64>,
}

/// What a page of box plots shows.
#[derive(Debug, Clone, PartialEq)]
pub struct BoxPlot {
    /// What it is about, for instance `Completeness of the maps (test)`.
    pub title: String,
    /// Name of the score.
    pub score: String,
    /// The methods, from top to bottom.
    pub groups: Vec<BoxGroup>,
}

/// The page: a box from the first to the third quartile for each method, with a line at the
/// median, whiskers to the last value within 1.5 box lengths (Tukey 1977), a white diamond at the
/// mean, and the values themselves where they are few.
///
/// `None` if no method has a finite value.
#[must_use]
pub fn box_plot(plot: &BoxPlot) -> Option<Page> {
    let groups: Vec<Vec<f64>> = plot
        .groups
        .iter()
        .map(|group| sorted_finite(&group.values))
        .collect();
    if groups.iter().all(Vec::is_empty) {
        return None;
    }
    let row = (250.0 / groups.len() as f64).clamp(18.0, 44.0);
    let top = 34.0;
    let bottom = (top + row * groups.len() as f64).max(PAGE_HEIGHT - 68.0);
    let row = (bottom - top) / groups.len() as f64;
    let mut page = Page::new(PAGE_WIDTH, bottom + 68.0);

    let names: Vec<String> = plot
        .groups
        .iter()
        .map(|group| font::elide(&group.name, NORMAL, 150.0))
        .collect();
    let room = names
        .iter()
        .map(|name| font::width(name, NORMAL))
        .fold(0.0, f64::max);
    let counts: Vec<String> = groups
        .iter()
        .map(|values| format!("n = {}", values.len()))
        .collect();
    let count_room = counts
        .iter()
        .map(|text| font::width(text, SMALL))
        .fold(0.0, f64::max);
    let axes = Axes {
        left: 14.0 + room + 6.0,
        right: PAGE_WIDTH - 12.0 - count_room - 6.0,
        top,
        bottom,
        x: Range::of(groups.iter().flatten().copied(), 0.05),
        y: Range {
            low: 0.0,
            high: 1.0,
        },
    };
    axes.grid(&mut page, true, false);
    if axes.x.low < 0.0 && axes.x.high > 0.0 {
        let zero = axes.at_x(0.0);
        page.line(
            &[(zero, top), (zero, bottom)],
            Stroke::solid(Colour::gray(120), 0.6),
        );
    }
    let controls: Vec<bool> = plot.groups.iter().map(|group| group.is_control).collect();
    for (index, style) in method_styles(&controls).iter().enumerate() {
        let y = top + (index as f64 + 0.5) * row;
        page.text(
            &names[index],
            (axes.left - 6.0, y + 0.36 * NORMAL),
            NORMAL,
            Anchor::End,
        );
        let right = PAGE_WIDTH - 12.0;
        let gray = Colour::gray(80);
        page.coloured_text(
            &counts[index],
            (right, y + 0.36 * SMALL),
            SMALL,
            Anchor::End,
            gray,
        );
        if !groups[index].is_empty() {
            draw_group(
                &mut page,
                &axes,
                style,
                &groups[index],
                y,
                0.3 * row.min(36.0),
            );
        }
    }
    axes.spines(&mut page);
    axes.draw_x_ticks(&mut page);
    axes.x_label(&mut page, &plot.score);
    title(&mut page, &plot.title, 20.0);
    let key =
        "box: quartiles and median; diamond: mean; whiskers: last value within 1.5 box lengths";
    let place = (PAGE_WIDTH / 2.0, page.height - 10.0);
    page.coloured_text(key, place, 8.0, Anchor::Middle, Colour::gray(80));
    Some(page)
}

fn draw_group(
    page: &mut Page,
    axes: &Axes,
    style: &MethodStyle,
    sorted: &[f64],
    y: f64,
    half: f64,
) {
    let [first, median, third] = [0.25, 0.5, 0.75].map(|share| quantile(sorted, share));
    let reach = 1.5 * (third - first);
    let inside = |value: &&f64| **value >= first - reach && **value <= third + reach;
    let low = sorted
        .iter()
        .find(inside)
        .copied()
        .unwrap_or(first)
        .min(first);
    let high = sorted
        .iter()
        .rev()
        .find(inside)
        .copied()
        .unwrap_or(third)
        .max(third);
    let line = Stroke::solid(style.colour, 1.1);

    if sorted.len() > 1 {
        let [left, right] = [axes.at_x(first), axes.at_x(third)];
        for (end, from) in [(low, left), (high, right)] {
            let x = axes.at_x(end);
            page.line(&[(from, y), (x, y)], line.clone());
            page.line(&[(x, y - 0.5 * half), (x, y + 0.5 * half)], line.clone());
        }
        let frame = [left, y - half, right - left, 2.0 * half];
        page.rectangle(frame, Colour::WHITE, None);
        page.rectangle(frame, style.colour.with_alpha(0.25), line);
        let x = axes.at_x(median);
        page.line(
            &[(x, y - half), (x, y + half)],
            Stroke::solid(style.colour, 2.2),
        );
    }
    let few = sorted.len() <= FEW;
    for (index, value) in sorted.iter().enumerate() {
        let outside = *value < low || *value > high;
        if few || outside {
            let shift = if few {
                (scatter(index) - 0.5) * 1.3 * half
            } else {
                0.0
            };
            let colour = Colour::gray(40).with_alpha(0.55);
            page.circle((axes.at_x(*value), y + shift), 1.5, colour, None);
        }
    }
    let (x, size) = (
        axes.at_x(mean_in_one_pass(sorted.iter().copied())),
        0.8 * half.min(5.0),
    );
    let corners = [(x, y - size), (x + size, y), (x, y + size), (x - size, y)];
    // A single value has no box whose colour would tell the method.
    let fill = if sorted.len() > 1 {
        Colour::WHITE
    } else {
        style.colour
    };
    page.polygon(&corners, fill, Stroke::solid(Colour::BLACK, 0.9));
}

/// Evenly spread numbers between 0 and 1 without a generator: van der Corput's sequence.
fn scatter(index: usize) -> f64 {
    let (mut rest, mut part, mut sum) = (index + 1, 0.5, 0.0);
    while rest > 0 {
        sum += part * (rest % 2) as f64;
        rest /= 2;
        part /= 2.0;
    }
    sum
}
