//! Max pooling, adaptive average pooling, and their gradients.

use std::ops::Range;

use crate::device::{Region, RegionMut};
use crate::geometry::Window;

/// The part of window `position` that lies on the plane.
pub(super) fn span(window: &Window, axis: usize, position: usize, extent: usize) -> Range<usize> {
    let start = position * window.stride[axis];
    let end = (start + window.kernel[axis]).saturating_sub(window.padding[axis]);
    start.saturating_sub(window.padding[axis])..end.min(extent)
}

/// Calls `visit(output index, rows, columns)` for every window.
fn for_each_window(
    window: &Window,
    [height, width]: [usize; 2],
    [rows, columns]: [usize; 2],
    mut visit: impl FnMut(usize, Range<usize>, Range<usize>),
) {
    for row in 0..rows {
        let across_rows = span(window, 0, row, height);
        for column in 0..columns {
            visit(
                row * columns + column,
                across_rows.clone(),
                span(window, 1, column, width),
            );
        }
    }
}

pub(super) fn max_pool(
    window: &Window,
    input: Region<'_, Vec<f32>>,
    output: RegionMut<'_, Vec<f32>>,
) {
    let size = [input.layout.height, input.layout.width];
    let output_size = [output.layout.height, output.layout.width];
    output.for_each_plane(|image, channel, values| {
        let input = input.plane(image, channel);
        let mut best = vec![0.0_f32; size[1]];
        for (row, values) in values.chunks_exact_mut(output_size[1].max(1)).enumerate() {
            // First down the columns, which is one pass over neighbours in memory.
            best.fill(f32::NEG_INFINITY);
            for from in span(window, 0, row, size[0]) {
                let line = &input[from * size[1]..(from + 1) * size[1]];
                for (best, &value) in best.iter_mut().zip(line) {
                    *best = larger(*best, value);
                }
            }
            match window.kernel[1] {
                2 => largest_across::<2>(window, &best, values),
                3 => largest_across::<3>(window, &best, values),
                _ => largest_at_borders(window, &best, values, 0..output_size[1]),
            }
        }
    });
}

/// The largest of each window of `WIDTH` columns of a row.
fn largest_across<const WIDTH: usize>(window: &Window, row: &[f32], values: &mut [f32]) {
    let (stride, padding) = (window.stride[1], window.padding[1]);
    // Those that lie within the row as a whole.
    let first = padding.div_ceil(stride).min(values.len());
    let end = (row.len() + padding + stride).saturating_sub(WIDTH) / stride;
    let end = end.clamp(first, values.len());
    for (column, value) in (first..end).zip(&mut values[first..end]) {
        let start = column * stride - padding;
        if let Some(window) = row[start..].first_chunk::<WIDTH>() {
            *value = window.iter().copied().fold(f32::NEG_INFINITY, larger);
        }
    }
    largest_at_borders(window, row, values, 0..first);
    largest_at_borders(window, row, values, end..values.len());
}

fn largest_at_borders(window: &Window, row: &[f32], values: &mut [f32], columns: Range<usize>) {
    for column in columns {
        let within = row[span(window, 1, column, row.len())].iter().copied();
        values[column] = within.fold(f32::NEG_INFINITY, larger);
    }
}

/// Not-a-number wins.
fn larger(best: f32, value: f32) -> f32 {
    if value > best || value.is_nan() {
        value
    } else {
        best
    }
}

pub(super) fn max_pool_gradient(
    window: &Window,
    input: Region<'_, Vec<f32>>,
    output_gradient: Region<'_, Vec<f32>>,
    input_gradient: RegionMut<'_, Vec<f32>>,
) {
    let size = [input.layout.height, input.layout.width];
    let output_size = [output_gradient.layout.height, output_gradient.layout.width];
    input_gradient.for_each_plane(|image, channel, values| {
        values.fill(0.0);
        let input = input.plane(image, channel);
        let gradient = output_gradient.plane(image, channel);
        for_each_window(window, size, output_size, |index, rows, columns| {
            let first = rows.start * size[1] + columns.start;
            let winner = match (rows.len(), columns.len()) {
                (2, 2) => first_largest::<2>(input, first, size[1]),
                (3, 3) => first_largest::<3>(input, first, size[1]),
                _ => {
                    let row =
                        |row: usize| row * size[1] + columns.start..row * size[1] + columns.end;
                    first_largest_of(input, first, rows.flat_map(row))
                }
            };
            values[winner] += gradient[index];
        });
    });
}

/// Position of the largest value of a window of `SIDE` by `SIDE`; of equal ones the first.
fn first_largest<const SIDE: usize>(input: &[f32], first: usize, width: usize) -> usize {
    let (mut winner, mut best) = (first, f32::NEG_INFINITY);
    for row in 0..SIDE {
        let start = first + row * width;
        let Some(values) = input[start..].first_chunk::<SIDE>() else {
            continue;
        };
        for (column, &value) in values.iter().enumerate() {
            let wins = value > best || value.is_nan();
            (winner, best) = if wins {
                (start + column, value)
            } else {
                (winner, best)
            };
        }
    }
    winner
}

fn first_largest_of(input: &[f32], first: usize, positions: impl Iterator<Item = usize>) -> usize {
    positions.fold(first, |winner, position| {
        if input[position] > input[winner] || input[position].is_nan() {
            position
        } else {
            winner
        }
    })
}

/// Rows (or columns) of window `position` of `count` over `extent`.
fn adaptive_span(position: usize, count: usize, extent: usize) -> Range<usize> {
    position * extent / count..((position + 1) * extent).div_ceil(count)
}

pub(super) fn adaptive_average_pool(input: Region<'_, Vec<f32>>, output: RegionMut<'_, Vec<f32>>) {
    let [height, width] = [input.layout.height, input.layout.width];
    let [rows, columns] = [output.layout.height, output.layout.width];
    output.for_each_plane(|image, channel, values| {
        let input = input.plane(image, channel);
        for (index, value) in values.iter_mut().enumerate() {
            let down = adaptive_span(index / columns, rows, height);
            let across = adaptive_span(index % columns, columns, width);
            let count = (down.len() * across.len()) as f64;
            // A mean over a whole plane has up to 10^5 terms: double precision.
            let sum: f64 = down
                .map(|row| {
                    let values = &input[row * width..][across.clone()];
                    values.iter().map(|&value| f64::from(value)).sum::<f64>()
                })
                .sum();
            *value = (sum / count) as f32;
        }
    });
}

pub(super) fn adaptive_average_pool_gradient(
    output_gradient: Region<'_, Vec<f32>>,
    input_gradient: RegionMut<'_, Vec<f32>>,
) {
    let [height, width] = [input_gradient.layout.height, input_gradient.layout.width];
    let [rows, columns] = [output_gradient.layout.height, output_gradient.layout.width];
    input_gradient.for_each_plane(|image, channel, values| {
        values.fill(0.0);
        for (index, &gradient) in output_gradient.plane(image, channel).iter().enumerate() {
            let down = adaptive_span(index / columns, rows, height);
            let across = adaptive_span(index % columns, columns, width);
            let share = gradient / (down.len() * across.len()) as f32;
            for row in down {
                for value in &mut values[row * width..][across.clone()] {
                    *value += share;
                }
            }
        }
    });
}
