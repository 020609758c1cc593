//! A square field of X-ray attenuation and the soft shapes that are drawn into it.

use crate::random::Stream;

/// Width and height of a phantom in pixels.
pub const SIDE_LENGTH: usize = 512;

/// A quarter of a circle: rises from 0 at `t = 0`, steeply at first, to 1 at `t = 1`.
///
/// It is how the thickness of a round body grows inwards from its outline.
pub(crate) fn round(t: f32) -> f32 {
    if t <= 0.0 {
        0.0
    } else if t >= 1.0 {
        1.0
    } else {
        (t * (2.0 - t)).sqrt()
    }
}

/// A smooth step (cubic): 0 up to `t = 0`, 1 from `t = 1`.
pub(crate) fn smooth(t: f32) -> f32 {
    let t = t.clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// A point of a drawn line: where, how far the line reaches to either side, and its strength.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Knot {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) radius: f32,
    pub(crate) weight: f32,
}

/// How strongly a line attenuates at a distance from its axis, the radius being 1.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Profile {
    /// A solid round body: dense in the middle, thin at the edge.
    Solid,
    /// No visible edge.
    Soft,
    /// A bone: spongy inside, a dense cortex at the edge.
    Cortical,
    /// Flat with a sharp edge, as lead letters are.
    Flat,
}

impl Profile {
    fn at(self, distance: f32) -> f32 {
        let square = distance * distance;
        match self {
            Self::Solid => (1.0 - square).sqrt(),
            Self::Soft => (1.0 - square) * (1.0 - square),
            Self::Cortical => {
                let fourth = square * square;
                (0.62 + 0.38 * fourth) * smooth((1.0 - distance) * 4.0)
            }
            Self::Flat => smooth((1.0 - distance) * 3.0),
        }
    }
}

/// `SIDE_LENGTH` x `SIDE_LENGTH` values, row by row.
#[derive(Debug, Clone)]
pub(crate) struct Canvas {
    pub(crate) values: Vec<f32>,
}

impl Canvas {
    /// Zero everywhere.
    pub(crate) fn new() -> Self {
        Self {
            values: vec![0.0; SIDE_LENGTH * SIDE_LENGTH],
        }
    }

    /// A canvas filled pixel by pixel; `value` is given the pixel's column and row.
    pub(crate) fn filled(value: impl Fn(f32, f32) -> f32) -> Self {
        let mut canvas = Self::new();
        for (row, line) in canvas.values.chunks_exact_mut(SIDE_LENGTH).enumerate() {
            for (column, pixel) in line.iter_mut().enumerate() {
                *pixel = value(column as f32, row as f32);
            }
        }
        canvas
    }

    /// The value at the pixel nearest to (`x`, `y`); 0 outside.
    pub(crate) fn at(&self, x: f32, y: f32) -> f32 {
        let last = (SIDE_LENGTH - 1) as f32;
        if !(0.0..=last).contains(&x) || !(0.0..=last).contains(&y) {
            return 0.0;
        }
        self.values[(y + 0.5) as usize * SIDE_LENGTH + (x + 0.5) as usize]
    }

    /// Columns (or rows) from `low` to `high`, cut to the canvas.
    fn span(low: f32, high: f32) -> std::ops::Range<usize> {
        let limit = |value: f32| value.clamp(0.0, SIDE_LENGTH as f32) as usize;
        limit(low)..limit(high + 1.0)
    }

    /// Adds `amplitude` x what `shape` says of each pixel of the rectangle around (`x`, `y`).
    ///
    /// `shape` is given the offsets of the pixel from the centre.
    pub(crate) fn add(
        &mut self,
        (x, y): (f32, f32),
        (reach_x, reach_y): (f32, f32),
        amplitude: f32,
        shape: impl Fn(f32, f32) -> f32,
    ) {
        for row in Self::span(y - reach_y, y + reach_y) {
            for column in Self::span(x - reach_x, x + reach_x) {
                let value = shape(column as f32 - x, row as f32 - y);
                self.values[row * SIDE_LENGTH + column] += amplitude * value;
            }
        }
    }

    /// Adds an ellipse with half axes `radii`, parallel to the image's sides.
    pub(crate) fn add_ellipse(
        &mut self,
        centre: (f32, f32),
        radii: (f32, f32),
        amplitude: f32,
        profile: Profile,
    ) {
        self.add(centre, radii, amplitude, |dx, dy| {
            let (u, v) = (dx / radii.0, dy / radii.1);
            let square = u * u + v * v;
            if square >= 1.0 {
                0.0
            } else {
                profile.at(square.sqrt())
            }
        });
    }

    /// Adds a line through `knots`. Where it meets itself it is not added twice.
    pub(crate) fn add_line(&mut self, knots: &[Knot], amplitude: f32, profile: Profile) {
        self.line(knots, profile, |pixel, value| pixel + amplitude * value);
    }

    /// Draws a line through `knots` that covers what is weaker and leaves what is stronger.
    pub(crate) fn lighten_line(&mut self, knots: &[Knot], amplitude: f32, profile: Profile) {
        self.line(knots, profile, |pixel, value| pixel.max(amplitude * value));
    }

    fn line(&mut self, knots: &[Knot], profile: Profile, join: impl Fn(f32, f32) -> f32) {
        let bound = |key: fn(&Knot) -> f32, pick: fn(f32, f32) -> f32, start: f32| {
            knots.iter().map(key).fold(start, pick)
        };
        let columns = Self::span(
            bound(|k| k.x - k.radius, f32::min, f32::MAX),
            bound(|k| k.x + k.radius, f32::max, f32::MIN),
        );
        let rows = Self::span(
            bound(|k| k.y - k.radius, f32::min, f32::MAX),
            bound(|k| k.y + k.radius, f32::max, f32::MIN),
        );
        if columns.is_empty() || rows.is_empty() {
            return;
        }
        let width = columns.len();
        let mut strongest = vec![0.0f32; width * rows.len()];
        for pair in knots.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            let (dx, dy) = (to.x - from.x, to.y - from.y);
            let length_square = (dx * dx + dy * dy).max(1e-6);
            let reach = from.radius.max(to.radius);
            let part = Self::span(from.y.min(to.y) - reach, from.y.max(to.y) + reach);
            let across = Self::span(from.x.min(to.x) - reach, from.x.max(to.x) + reach);
            for row in part {
                for column in across.clone() {
                    let (px, py) = (column as f32 - from.x, row as f32 - from.y);
                    let t = ((px * dx + py * dy) / length_square).clamp(0.0, 1.0);
                    let (ex, ey) = (px - t * dx, py - t * dy);
                    let radius = from.radius + t * (to.radius - from.radius);
                    let square = (ex * ex + ey * ey) / (radius * radius);
                    if square < 1.0 {
                        let weight = from.weight + t * (to.weight - from.weight);
                        let slot =
                            &mut strongest[(row - rows.start) * width + (column - columns.start)];
                        *slot = slot.max(weight * profile.at(square.sqrt()));
                    }
                }
            }
        }
        for (line, row) in strongest.chunks_exact(width).zip(rows) {
            let start = row * SIDE_LENGTH + columns.start;
            for (pixel, value) in self.values[start..start + width].iter_mut().zip(line) {
                *pixel = join(*pixel, *value);
            }
        }
    }

    /// Smooth noise: random values at the corners of a grid of `cell` pixels, joined smoothly.
    /// Mean 0, at most 1 in size.
    pub(crate) fn clouds(random: &mut Stream, cell: usize) -> Self {
        let corners = SIDE_LENGTH / cell + 2;
        let grid: Vec<f32> = (0..corners * corners)
            .map(|_| random.range(-1.0, 1.0))
            .collect();
        let weights: Vec<f32> = (0..cell).map(|i| smooth(i as f32 / cell as f32)).collect();
        let mut canvas = Self::new();
        for (row, line) in canvas.values.chunks_exact_mut(SIDE_LENGTH).enumerate() {
            let down = weights[row % cell];
            let upper = &grid[(row / cell) * corners..][..corners];
            let lower = &grid[(row / cell + 1) * corners..][..corners];
            for (column, pixel) in line.iter_mut().enumerate() {
                let (i, right) = (column / cell, weights[column % cell]);
                let left_value = upper[i] + down * (lower[i] - upper[i]);
                let right_value = upper[i + 1] + down * (lower[i + 1] - upper[i + 1]);
                *pixel = left_value + right * (right_value - left_value);
            }
        }
        canvas
    }

    /// Blurs by the binomial kernel (1, 2, 1) / 4 along rows and columns: the spread of a scanner.
    pub(crate) fn blur(&mut self) {
        let n = SIDE_LENGTH;
        let mut rows = vec![0.0; n * n];
        for (to, from) in rows.chunks_exact_mut(n).zip(self.values.chunks_exact(n)) {
            for i in 0..n {
                let (left, right) = (from[i.saturating_sub(1)], from[(i + 1).min(n - 1)]);
                to[i] = 0.25 * left + 0.5 * from[i] + 0.25 * right;
            }
        }
        for row in 0..n {
            let (above, below) = (row.saturating_sub(1), (row + 1).min(n - 1));
            for i in 0..n {
                self.values[row * n + i] = 0.25 * rows[above * n + i]
                    + 0.5 * rows[row * n + i]
                    + 0.25 * rows[below * n + i];
            }
        }
    }
}
