//! Saliency maps: a number for each pixel.

use mednet_network::Tensor;

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
        self.values.iter().all(|&value| value == 0.0)
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
        let mut map = self.resize(height, width);
        scale_to_unit(&mut map.values);
        map
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
        let (from, width) = (self.width, columns.len());
        // Each row of the layer is enlarged once, not for each row of the result.
        let mut wide = Vec::with_capacity(self.height * width);
        for row in self.values.chunks_exact(from.max(1)) {
            let value = |column: &Tap| column.mix(row[column.first], row[column.second]);
            wide.extend(columns.iter().map(value));
        }
        let mut values = Vec::with_capacity(rows.len() * width);
        for row in rows {
            let lower = &wide[row.first * width..][..width];
            let upper = &wide[row.second * width..][..width];
            let pairs = lower.iter().zip(upper);
            values.extend(pairs.map(|(&lower, &upper)| row.mix(lower, upper)));
        }
        Self {
            height: rows.len(),
            width,
            values,
        }
    }
}

/// Subtracts the minimum and divides by `1e-7` plus the maximum: values of `[0, 1]`; a constant
/// becomes zero.
pub fn scale_to_unit(values: &mut [f32]) {
    let [minimum, maximum] = extremes(values);
    let range = maximum - minimum;
    for value in values {
        *value = (*value - minimum) / (EPSILON + range);
    }
}

/// The smallest and the largest value, of which not-a-number is neither; infinite for none.
fn extremes(values: &[f32]) -> [f32; 2] {
    // Several at a time: each comparison would wait for the one before it.
    const PARTS: usize = 16;
    let mut smallest = [f32::INFINITY; PARTS];
    let mut largest = [f32::NEG_INFINITY; PARTS];
    for chunk in values.chunks(PARTS) {
        for ((smallest, largest), &value) in smallest.iter_mut().zip(&mut largest).zip(chunk) {
            *smallest = if value < *smallest { value } else { *smallest };
            *largest = if value > *largest { value } else { *largest };
        }
    }
    [
        smallest.into_iter().fold(f32::INFINITY, f32::min),
        largest.into_iter().fold(f32::NEG_INFINITY, f32::max),
    ]
}

/// Two neighbours and the share of the second.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tap {
    first: usize,
    second: usize,
    share: f32,
}

impl Tap {
    fn at(position: f64, extent: usize) -> Self {
        let position = position.clamp(0.0, (extent - 1) as f64);
        let first = position as usize;
        Self {
            first,
            second: (first + 1).min(extent - 1),
            share: (position - first as f64) as f32,
        }
    }

    fn mix(self, first: f32, second: f32) -> f32 {
        first * (1.0 - self.share) + second * self.share
    }
}

fn half_pixel_taps(from: usize, to: usize) -> Vec<Tap> {
    let ratio = from as f64 / to as f64;
    (0..to)
        .map(|position| Tap::at((position as f64 + 0.5) * ratio - 0.5, from))
        .collect()
}

/// Taps that put the first and last values onto the borders (PyTorch's `align_corners=True`).
pub(crate) fn aligned_taps(from: usize, to: usize) -> Vec<Tap> {
    let ratio = if to > 1 {
        (from - 1) as f64 / (to - 1) as f64
    } else {
        0.0
    };
    (0..to)
        .map(|position| Tap::at(position as f64 * ratio, from))
        .collect()
}

/// Enlarges one plane with taps made once for many.
pub(crate) fn interpolate_plane(
    plane: &[f32],
    [height, width]: [usize; 2],
    rows: &[Tap],
    columns: &[Tap],
) -> Vec<f32> {
    Map {
        height,
        width,
        values: plane.to_vec(),
    }
    .interpolate(rows, columns)
    .values
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
