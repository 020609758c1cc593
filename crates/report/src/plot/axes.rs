//! A pair of axes: from values to points on the page, ticks, grid, labels and title.

use crate::drawing::{Anchor, Colour, Page, Stroke, font};

/// Size of tick labels and legends.
pub(super) const SMALL: f64 = 9.0;
/// Size of axis labels.
pub(super) const NORMAL: f64 = 10.0;
/// Size of titles.
pub(super) const LARGE: f64 = 12.0;

/// A range of values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Range {
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Range {
    /// The range of the finite values, widened by `margin` of itself on both sides.
    ///
    /// Equal values get a range round them, no value gives 0 to 1.
    pub(super) fn of(values: impl IntoIterator<Item = f64>, margin: f64) -> Self {
        // Beyond 1e300 the arithmetic of ticks could overflow.
        let finite = values.into_iter().filter(|value| value.is_finite());
        let finite = finite.map(|value| value.clamp(-1e300, 1e300));
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        if low > high {
            return Self {
                low: 0.0,
                high: 1.0,
            };
        }
        let magnitude = low.abs().max(high.abs());
        if high - low <= 1e-9 * magnitude {
            let room = if magnitude > 0.0 {
                0.1 * magnitude
            } else {
                0.5
            };
            return Self {
                low: low - room,
                high: high + room,
            };
        }
        let room = (high - low) * margin;
        Self {
            low: low - room,
            high: high + room,
        }
    }

    pub(super) fn including(self, value: f64) -> Self {
        Self {
            low: self.low.min(value),
            high: self.high.max(value),
        }
    }
}

/// Round numbers inside the range, at most about `most` of them, with their texts.
pub(super) fn ticks(range: Range, most: usize) -> Vec<(f64, String)> {
    let span = range.high - range.low;
    if !(span.is_finite() && span > 0.0) {
        return Vec::new();
    }
    let raw = span / most.max(1) as f64;
    let power = 10_f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= raw * (1.0 - 1e-9))
        .unwrap_or(10.0 * power);
    let first = (range.low / step - 1e-9).ceil();
    let last = (range.high / step + 1e-9).floor();
    if !(step > 0.0 && last - first < 1000.0) {
        return Vec::new();
    }
    let largest = range.low.abs().max(range.high.abs());
    let count = (last - first).max(-1.0) as i64 + 1;
    (0..count)
        .map(|index| (first + index as f64) * step)
        .map(|value| (value, tick_text(value, step, largest)))
        .collect()
}

fn tick_text(value: f64, step: f64, largest: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if !(1e-4..1e6).contains(&largest) {
        let text = format!("{value:.2e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let digits = digits.trim_end_matches('0').trim_end_matches('.');
        return format!("{digits}e{exponent}").replace('-', "−");
    }
    let decimals = (0..9)
        .find(|&decimals| {
            let scaled = step * 10_f64.powi(decimals);
            (scaled - scaled.round()).abs() < 1e-6 * scaled.max(1.0)
        })
        .unwrap_or(9);
    format!("{value:.0$}", decimals as usize).replace('-', "−")
}

/// Axes over a rectangle of the page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axes {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
    pub(super) x: Range,
    pub(super) y: Range,
}

impl Axes {
    /// Where a value lies; one beyond the range, as those are that [`Range::of`] cuts off, at its
    /// end: the rasteriser fails far off the page.
    pub(super) fn at_x(&self, value: f64) -> f64 {
        let value = value.clamp(self.x.low, self.x.high);
        let share = (value - self.x.low) / (self.x.high - self.x.low);
        self.left + share * (self.right - self.left)
    }

    /// As [`Self::at_x`].
    pub(super) fn at_y(&self, value: f64) -> f64 {
        let value = value.clamp(self.y.low, self.y.high);
        let share = (value - self.y.low) / (self.y.high - self.y.low);
        self.bottom - share * (self.bottom - self.top)
    }

    pub(super) fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (self.at_x(x), self.at_y(y))
    }

    /// As many ticks as have labels with room between them.
    pub(super) fn x_ticks(&self) -> Vec<(f64, String)> {
        let fits = |ticks: &Vec<(f64, String)>| {
            ticks.windows(2).all(|pair| {
                let half = |text: &str| font::width(text, SMALL) / 2.0;
                let distance = self.at_x(pair[1].0) - self.at_x(pair[0].0);
                distance >= half(&pair[0].1) + half(&pair[1].1) + SMALL
            })
        };
        let fewest = || ticks(self.x, 2);
        (3..=9)
            .rev()
            .map(|most| ticks(self.x, most))
            .find(fits)
            .unwrap_or_else(fewest)
    }

    pub(super) fn y_ticks(&self) -> Vec<(f64, String)> {
        ticks(
            self.y,
            (((self.bottom - self.top) / 23.0) as usize).clamp(2, 9),
        )
    }

    /// A dashed gray line at each tick.
    pub(super) fn grid(&self, page: &mut Page, along_x: bool, along_y: bool) {
        let stroke = Stroke::dashed(Colour::gray(128).with_alpha(0.3), 1.0, &[3.7, 1.6]);
        if along_x {
            for (value, _) in self.x_ticks() {
                let x = self.at_x(value);
                page.line(&[(x, self.top), (x, self.bottom)], stroke.clone());
            }
        }
        if along_y {
            for (value, _) in self.y_ticks() {
                let y = self.at_y(value);
                page.line(&[(self.left, y), (self.right, y)], stroke.clone());
            }
        }
    }

    pub(super) fn draw_x_ticks(&self, page: &mut Page) {
        for (value, text) in self.x_ticks() {
            let x = self.at_x(value);
            page.line(&[(x, self.bottom), (x, self.bottom + 3.5)], spine());
            page.text(&text, (x, self.bottom + 4.0 + SMALL), SMALL, Anchor::Middle);
        }
    }

    pub(super) fn draw_y_ticks(&self, page: &mut Page) {
        for (value, text) in self.y_ticks() {
            let y = self.at_y(value);
            page.line(&[(self.left - 3.5, y), (self.left, y)], spine());
            page.text(
                &text,
                (self.left - 6.0, y + 0.36 * SMALL),
                SMALL,
                Anchor::End,
            );
        }
    }

    /// Room that the labels of the y ticks take left of the axis.
    pub(super) fn y_tick_room(&self) -> f64 {
        let widths = self
            .y_ticks()
            .into_iter()
            .map(|(_, text)| font::width(&text, SMALL));
        widths.fold(0.0, f64::max) + 6.0
    }

    /// The left and the lower spine over their whole lengths.
    pub(super) fn spines(&self, page: &mut Page) {
        let corner = [
            (self.left, self.top),
            (self.left, self.bottom),
            (self.right, self.bottom),
        ];
        page.line(&corner, spine());
    }

    pub(super) fn x_label(&self, page: &mut Page, text: &str) {
        let middle = (self.left + self.right) / 2.0;
        let text = font::elide(text, NORMAL, self.right - self.left);
        let y = self.bottom + 8.0 + SMALL + 1.2 * NORMAL;
        page.text(&text, (middle, y), NORMAL, Anchor::Middle);
    }

    pub(super) fn y_label(&self, page: &mut Page, text: &str) {
        let middle = (self.top + self.bottom) / 2.0;
        let text = font::elide(text, NORMAL, self.bottom - self.top + 20.0);
        let x = self.left - self.y_tick_room() - 6.0;
        page.upward_text(&text, (x, middle), NORMAL, Anchor::Middle);
    }
}

pub(super) fn spine() -> Stroke {
    Stroke::solid(Colour::BLACK, 0.8)
}

/// A title over the whole page, in smaller type and with its middle left out where it is long.
pub(super) fn title(page: &mut Page, text: &str, y: f64) {
    let room = page.width - 24.0;
    let size = (LARGE * room / font::width(text, LARGE).max(1.0)).clamp(NORMAL, LARGE);
    let text = font::elide(text, size, room);
    page.text(&text, (page.width / 2.0, y), size, Anchor::Middle);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(low: f64, high: f64) -> Vec<String> {
        ticks(Range { low, high }, 6)
            .into_iter()
            .map(|(_, text)| text)
            .collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(texts(0.0, 1.0), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(texts(-0.11, 0.1), ["−0.10", "−0.05", "0", "0.05", "0.10"]);
        assert_eq!(texts(0.0, 2e-6), ["0", "5e−7", "1e−6", "1.5e−6", "2e−6"]);
        assert_eq!(
            texts(20.0, 80.0),
            ["20", "30", "40", "50", "60", "70", "80"]
        );
    }

    proptest! {
        #[test]
        fn ticks_stay_inside_and_are_few(
            values in prop::collection::vec(any::<f64>(), 0..20),
            most in 1_usize..12,
        ) {
            let range = Range::of(values, 0.05);
            let ticks = ticks(range, most);
            prop_assert!(ticks.len() <= most + 1);
            let room = (range.high - range.low) * 1e-6;
            for (value, _) in ticks {
                prop_assert!(value >= range.low - room && value <= range.high + room);
            }
        }
    }
}
