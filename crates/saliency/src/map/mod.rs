//! Saliency maps: a number for each pixel.

mod extremes;
mod interpolation;
mod survey;

use mednet_network::Tensor;
use mednet_simd::InstructionSet;

pub(crate) use self::extremes::extremes;
use self::interpolation::{Tap, enlarge, half_pixel_taps};
pub(crate) use self::interpolation::{aligned_taps, interpolate_plane};
pub use self::survey::Survey;

/// A plane of values, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Map {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// `height * width` values.
    pub values: Vec<f32>,
}

/// Keeps a division by the maximum finite; grad-cam's value.
pub(crate) const EPSILON: f32 = 1e-7;

impl Map {
    /// A map of zeros.
    #[must_use]
    pub fn zeros(height: usize, width: usize) -> Self {
        Self {
            height,
            width,
            values: vec![0.0; height * width],
        }
    }

    /// Whether all values are zero: nothing in the image speaks for the class.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        // Zero has no bits but the sign; many values at a time.
        let bits = |values: &[f32]| {
            let bits = values.iter().map(|value| value.to_bits() << 1);
            bits.fold(0, |all, bits| all | bits)
        };
        self.values.chunks(256).all(|values| bits(values) == 0)
    }

    /// `sum_k weights[k] * activation[0, k]` for an activation `[1, K, h, w]`.
    #[must_use]
    pub fn weighted_sum(activation: &Tensor, weights: &[f64]) -> Self {
        let [_, height, width] = activation.image_shape();
        let plane = height * width;
        let mut sums = vec![0.0_f64; plane];
        for (&weight, channel) in weights.iter().zip(activation.data().chunks_exact(plane)) {
            for (sum, &value) in sums.iter_mut().zip(channel) {
                *sum += weight * f64::from(value);
            }
        }
        Self::from_sums(height, width, &sums)
    }

    /// A map from sums in double precision.
    pub(crate) fn from_sums(height: usize, width: usize, sums: &[f64]) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "maps are single precision")]
        let values = sums.iter().map(|&sum| sum as f32).collect();
        Self {
            height,
            width,
            values,
        }
    }

    /// What every class activation map goes through: negative values count as none, the rest is
    /// scaled to `[0, 1]` at the resolution of the layer, enlarged to the image and scaled again.
    #[must_use]
    pub fn finish(mut self, height: usize, width: usize) -> Self {
        for value in &mut self.values {
            *value = value.max(0.0);
        }
        scale_to_unit(&mut self.values);
        self.resize_to_unit(height, width)
    }

    /// [`Map::resize`], then [`scale_to_unit`]. The enlarged values are computed twice, which takes
    /// less time than to write them, read them again and write them again.
    fn resize_to_unit(mut self, height: usize, width: usize) -> Self {
        if (self.height, self.width) == (height, width) {
            scale_to_unit(&mut self.values);
            return self;
        }
        let rows = half_pixel_taps(self.height, height);
        let wide = self.widen(&half_pixel_taps(self.width, width));
        let values = enlarge(InstructionSet::best(), &wide, &rows, width);
        Self {
            height,
            width,
            values,
        }
    }

    /// Bilinear interpolation with half-pixel centres and repeated borders, without antialiasing
    /// (OpenCV's `INTER_LINEAR`).
    #[must_use]
    pub fn resize(self, height: usize, width: usize) -> Self {
        if (self.height, self.width) == (height, width) {
            return self;
        }
        let rows = half_pixel_taps(self.height, height);
        let columns = half_pixel_taps(self.width, width);
        self.interpolate(&rows, &columns)
    }

    /// The value at each output position from two neighbouring rows and columns.
    fn interpolate(&self, rows: &[Tap], columns: &[Tap]) -> Self {
        let width = columns.len();
        let wide = self.widen(columns);
        let mut values = vec![0.0; rows.len() * width];
        for (row, values) in rows.iter().zip(values.chunks_exact_mut(width)) {
            row.mix_rows(&wide, values);
        }
        Self {
            height: rows.len(),
            width,
            values,
        }
    }

    /// Each row enlarged, once for all rows of the result that need it.
    fn widen(&self, columns: &[Tap]) -> Vec<f32> {
        let mut wide = Vec::with_capacity(self.height * columns.len());
        for row in self.values.chunks_exact(self.width.max(1)) {
            let value = |column: &Tap| column.mix(row[column.first], row[column.second]);
            wide.extend(columns.iter().map(value));
        }
        wide
    }
}

/// Subtracts the minimum and divides by `1e-7` plus the maximum: values of `[0, 1]`; a constant
/// becomes zero.
pub fn scale_to_unit(values: &mut [f32]) {
    let [minimum, maximum] = extremes(values);
    let range = maximum - minimum;
    for value in values {
        *value = to_unit(*value, minimum, range);
    }
}

#[inline(always)]
fn to_unit(value: f32, minimum: f32, range: f32) -> f32 {
    (value - minimum) / (EPSILON + range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubling_a_row_keeps_half_pixel_centres() {
        let map = Map {
            height: 1,
            width: 2,
            values: vec![0.0, 1.0],
        };
        assert_eq!(map.resize(1, 4).values, [0.0, 0.25, 0.75, 1.0]);
    }

    #[test]
    fn aligned_corners_keep_the_ends() {
        let taps = aligned_taps(2, 5);
        let values = interpolate_plane(&[0.0, 1.0], [1, 2], &aligned_taps(1, 1), &taps);
        assert_eq!(values, [0.0, 0.25, 0.5, 0.75, 1.0]);
    }

    #[test]
    fn a_finished_map_is_resized_and_then_scaled() {
        for (height, width) in [(1, 1), (7, 7), (13, 31), (40, 65)] {
            let values = (0..35).map(|i| ((i * 37 % 23) as f32 - 6.0) / 3.0);
            let map = Map {
                height: 5,
                width: 7,
                values: values.collect(),
            };
            let mut unscaled = map.clone();
            unscaled
                .values
                .iter_mut()
                .for_each(|value| *value = value.max(0.0));
            scale_to_unit(&mut unscaled.values);
            let mut expected = unscaled.resize(height, width);
            scale_to_unit(&mut expected.values);
            assert_eq!(map.finish(height, width), expected);
        }
    }

    #[test]
    fn extremes_are_found_at_every_position_and_are_numbers() {
        for length in 1..40 {
            for position in 0..length {
                let mut values = vec![0.0; length];
                values[position] = -1.0;
                assert_eq!(
                    extremes(&values),
                    [-1.0, if length > 1 { 0.0 } else { -1.0 }]
                );
                values[position] = 2.0;
                assert_eq!(extremes(&values), [if length > 1 { 0.0 } else { 2.0 }, 2.0]);
            }
        }
        assert_eq!(extremes(&[f32::NAN, 1.0, 2.0]), [1.0, 2.0]);
    }

    #[test]
    fn a_map_that_is_nowhere_positive_is_dead() {
        let map = Map {
            height: 1,
            width: 3,
            values: vec![-1.0, -2.0, 0.0],
        };
        assert!(map.finish(4, 4).is_dead());
    }

    #[test]
    fn a_constant_map_is_dead_and_a_finished_one_spans_zero_to_one() {
        let constant = Map {
            height: 2,
            width: 2,
            values: vec![3.0; 4],
        };
        assert!(constant.finish(2, 2).is_dead());
        let map = Map {
            height: 2,
            width: 2,
            values: vec![-3.0, 1.0, 2.0, 5.0],
        }
        .finish(2, 2);
        assert_eq!(map.values[0], 0.0);
        assert!((map.values[3] - 1.0).abs() < 1e-6);
        assert!((map.values[2] - 0.4).abs() < 1e-6);
    }
}
