//! Average pooling and its gradient.

use std::ops::Range;

use super::mask::Mask;
use super::planes::Planes;
use super::pool::span;
use crate::device::{GradientEpilogue, Region, RegionMut, ScaleShift};
use crate::geometry::Window;

pub(super) fn average_pool(
    window: &Window,
    prologue: Option<&ScaleShift>,
    input: Region<'_, Vec<f32>>,
    output: RegionMut<'_, Vec<f32>>,
) {
    let [height, width] = [input.layout.height, input.layout.width];
    let columns = output.layout.width;
    let share = share(window);
    output.for_each_plane(|image, channel, values| {
        let input = input.plane(image, channel);
        let mut sums = vec![0.0_f32; width];
        for (row, values) in values.chunks_exact_mut(columns.max(1)).enumerate() {
            // First down the columns, which is one pass over neighbours in memory.
            sums.fill(0.0);
            for from in span(window, 0, row, height) {
                add_line(
                    &mut sums,
                    &input[from * width..][..width],
                    prologue,
                    channel,
                );
            }
            if is_pairs(window) {
                for (value, pair) in values.iter_mut().zip(sums.as_chunks::<2>().0) {
                    *value = (pair[0] + pair[1]) * share;
                }
            } else {
                for (column, value) in values.iter_mut().enumerate() {
                    *value = sums[span(window, 1, column, width)].iter().sum::<f32>() * share;
                }
            }
        }
    });
}

/// Adds a row of the input, after the prologue.
fn add_line(sums: &mut [f32], line: &[f32], prologue: Option<&ScaleShift>, channel: usize) {
    let pairs = sums.iter_mut().zip(line);
    match prologue {
        None => pairs.for_each(|(sum, &x)| *sum += x),
        Some(ScaleShift { scale, shift, relu }) => {
            let (scale, shift) = (scale[channel], shift[channel]);
            if *relu {
                // Not-a-number stays what it is.
                let relu = |x: f32| if x < 0.0 { 0.0 } else { x };
                pairs.for_each(|(sum, &x)| *sum += relu(scale * x + shift));
            } else {
                pairs.for_each(|(sum, &x)| *sum += scale * x + shift);
            }
        }
    }
}

pub(super) fn average_pool_gradient(
    window: &Window,
    output_gradient: Region<'_, Vec<f32>>,
    input_gradient: RegionMut<'_, Vec<f32>>,
    epilogue: &GradientEpilogue<'_, Planes<'_>, Mask>,
) {
    let width = input_gradient.layout.width;
    let [rows, columns] = [output_gradient.layout.height, output_gradient.layout.width];
    input_gradient.for_each_plane(|image, channel, values| {
        let gradient = output_gradient.plane(image, channel);
        let mut line = vec![0.0_f32; width];
        for (row, values) in values.chunks_exact_mut(width.max(1)).enumerate() {
            line.fill(0.0);
            for from in windows_over(window, row, rows) {
                spread(window, &gradient[from * columns..][..columns], &mut line);
            }
            if let Some(gate) = &epilogue.gate {
                gate.pass_row([image, channel, row], &mut line);
            }
            if epilogue.accumulate {
                for (value, &line) in values.iter_mut().zip(&line) {
                    *value += line;
                }
            } else {
                values.copy_from_slice(&line);
            }
        }
    });
}

/// The rows of windows, of `rows` in all, that see a row of the input.
fn windows_over(window: &Window, row: usize, rows: usize) -> Range<usize> {
    let (kernel, stride) = (window.kernel[0], window.stride[0]);
    let row = row + window.padding[0];
    let first = (row + 1).saturating_sub(kernel).div_ceil(stride);
    first.min(rows)..(row / stride + 1).min(rows)
}

/// Adds to each pixel of a row its share of the gradients of a row of windows.
fn spread(window: &Window, gradient: &[f32], line: &mut [f32]) {
    let share = share(window);
    if is_pairs(window) {
        for (pair, &gradient) in line.as_chunks_mut::<2>().0.iter_mut().zip(gradient) {
            *pair = [pair[0] + gradient * share, pair[1] + gradient * share];
        }
    } else {
        for (column, &gradient) in gradient.iter().enumerate() {
            let across = span(window, 1, column, line.len());
            for value in &mut line[across] {
                *value += gradient * share;
            }
        }
    }
}

/// Whether each pixel of a row belongs to one window, and each window has two.
fn is_pairs(window: &Window) -> bool {
    (window.kernel[1], window.stride[1], window.padding[1]) == (2, 2, 0)
}

/// The weight of each pixel in the average of its window.
fn share(window: &Window) -> f32 {
    1.0 / (window.kernel[0] * window.kernel[1]) as f32
}
