//! Bilinear interpolation.

use mednet_simd::multiversion;

use super::extremes::Extremes;
use super::{Map, to_unit};

/// Two neighbours and the share of the second.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tap {
    pub(super) first: usize,
    pub(super) second: usize,
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

    #[inline(always)]
    pub(super) fn mix(self, first: f32, second: f32) -> f32 {
        first * (1.0 - self.share) + second * self.share
    }

    /// Its two rows of `width` values.
    #[inline(always)]
    fn neighbours(self, rows: &[f32], width: usize) -> [&[f32]; 2] {
        [self.first, self.second].map(|row| &rows[row * width..][..width])
    }

    /// Writes the mixture of two rows of as many values.
    #[inline(always)]
    pub(super) fn mix_rows(self, rows: &[f32], mixture: &mut [f32]) {
        let [first, second] = self.neighbours(rows, mixture.len());
        for ((value, &first), &second) in mixture.iter_mut().zip(first).zip(second) {
            *value = self.mix(first, second);
        }
    }
}

/// Taps of pixels whose centres lie half a pixel within them (OpenCV's `INTER_LINEAR`).
pub(super) fn half_pixel_taps(from: usize, to: usize) -> Vec<Tap> {
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

#[inline(always)]
fn enlarge_body<const FMA: bool>(wide: &[f32], rows: &[Tap], width: usize) -> Vec<f32> {
    let mut line = vec![0.0; width];
    let mut extremes = Extremes::default();
    for row in rows {
        row.mix_rows(wide, &mut line);
        extremes.add(&line);
    }
    let [minimum, maximum] = extremes.get();
    let range = maximum - minimum;
    let mut values = Vec::with_capacity(rows.len() * width);
    for row in rows {
        let [first, second] = row.neighbours(wide, width);
        let pairs = first.iter().zip(second);
        values
            .extend(pairs.map(|(&first, &second)| to_unit(row.mix(first, second), minimum, range)));
    }
    values
}
multiversion! {
    /// From rows as wide as the result to the result, scaled to `[0, 1]`.
    pub(super) fn enlarge(wide: &[f32], rows: &[Tap], width: usize) -> Vec<f32> = enlarge_body
}
