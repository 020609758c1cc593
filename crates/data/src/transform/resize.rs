//! Bilinear resampling, antialiased when shrinking.
//!
//! The separable triangle filter of the Python Imaging Library (Pillow) on `float32`, which
//! torchvision's `Resize(antialias=True)` applies too: half-pixel centres, and a filter as wide as
//! the scale factor when shrinking; plain bilinear interpolation when enlarging. Columns first,
//! then rows. Nothing is rounded or clamped.

use crate::annotation::BoundingBox;
use crate::sample::Image;
use crate::size::ImageSize;

/// The shorter side becomes `size`; the longer keeps the proportions, rounded down.
pub(super) fn output_size(input: ImageSize, size: usize) -> ImageSize {
    let scale_longer = |longer: usize, shorter: usize| {
        let wide = longer as u128 * size as u128 / (shorter.max(1) as u128);
        usize::try_from(wide).unwrap_or(usize::MAX)
    };
    if input.height <= input.width {
        ImageSize::new(size, scale_longer(input.width, input.height))
    } else {
        ImageSize::new(scale_longer(input.height, input.width), size)
    }
}

/// `[C, H, W]` to the [`output_size`]. The picture is untouched if it has that size already.
pub(super) fn apply(image: Image, size: usize) -> Image {
    let output = output_size(image.size(), size);
    if image.size() == output || image.pixels.is_empty() {
        return image;
    }
    let columns = Filter::new(image.width, output.width);
    let rows = Filter::new(image.height, output.height);
    let mut pixels = Vec::with_capacity(image.channels * output.height * output.width);
    let mut narrowed = vec![0.0_f32; image.height * output.width];
    for channel in 0..image.channels {
        for (source, target) in image
            .channel(channel)
            .chunks_exact(image.width)
            .zip(narrowed.chunks_exact_mut(output.width))
        {
            for (value, tap) in target.iter_mut().zip(&columns.taps) {
                *value = weighted_sum(tap.weights(&columns), &source[tap.first..]);
            }
        }
        for tap in &rows.taps {
            let start = pixels.len();
            pixels.resize(start + output.width, 0.0_f32);
            let target = &mut pixels[start..];
            for (weight, source) in tap
                .weights(&rows)
                .iter()
                .zip(narrowed[tap.first * output.width..].chunks_exact(output.width))
            {
                for (value, pixel) in target.iter_mut().zip(source) {
                    *value += weight * pixel;
                }
            }
        }
    }
    Image {
        channels: image.channels,
        height: output.height,
        width: output.width,
        pixels,
    }
}

fn weighted_sum(weights: &[f32], pixels: &[f32]) -> f32 {
    weights
        .iter()
        .zip(pixels)
        .fold(0.0, |sum, (weight, pixel)| sum + weight * pixel)
}

/// The weights of one output column or row.
struct Tap {
    /// First input column or row with a weight.
    first: usize,
    /// Where its weights start and end in [`Filter::weights`].
    start: usize,
    end: usize,
}

impl Tap {
    fn weights<'a>(&self, filter: &'a Filter) -> &'a [f32] {
        &filter.weights[self.start..self.end]
    }
}

/// The weights of one direction.
struct Filter {
    taps: Vec<Tap>,
    weights: Vec<f32>,
}

impl Filter {
    /// Weights that take `input` pixels to `output` pixels.
    ///
    /// Rounded to `f32` where torchvision rounds: weights computed in `f64` are closer to the
    /// exact filter, but agree with fewer of its pixels to the last bit.
    fn new(input: usize, output: usize) -> Self {
        let scale = input as f32 / output as f32;
        let support = scale.max(1.0);
        let inverse = f64::from(1.0 / support);
        let mut taps = Vec::with_capacity(output);
        let mut weights: Vec<f32> = Vec::new();
        for position in 0..output {
            let center = (f64::from(scale) * (position as f64 + 0.5)) as f32;
            // Truncation towards zero is meant: both ends are clipped at the picture's border.
            let first = (f64::from(center - support) + 0.5).max(0.0) as usize;
            let first = first.min(input - 1);
            let end = (f64::from(center + support) + 0.5) as usize;
            let end = end.clamp(first + 1, input);
            let start = weights.len();
            weights.extend((first..end).map(|pixel| {
                let distance = (f64::from(pixel as f32 - center) + 0.5) * inverse;
                (1.0 - (distance as f32).abs()).max(0.0)
            }));
            let total: f32 = weights[start..].iter().sum();
            for weight in &mut weights[start..] {
                *weight /= total;
            }
            taps.push(Tap {
                first,
                start,
                end: weights.len(),
            });
        }
        Self { taps, weights }
    }
}

/// The box on the resized canvas: multiplied in `f32` as torchvision does it, truncated.
pub(super) fn scale_box(b: BoundingBox, input: ImageSize, size: usize) -> BoundingBox {
    let output = output_size(input, size);
    if output == input {
        return b.clamped(output);
    }
    let scale = |value: i64, from: usize, to: usize| {
        let ratio = (to as f64 / from.max(1) as f64) as f32;
        (value as f32 * ratio) as i64
    };
    BoundingBox {
        x1: scale(b.x1, input.width, output.width),
        y1: scale(b.y1, input.height, output.height),
        x2: scale(b.x2, input.width, output.width),
        y2: scale(b.y2, input.height, output.height),
    }
    .clamped(output)
}
