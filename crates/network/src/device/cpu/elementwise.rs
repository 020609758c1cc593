//! Operations that treat every value alike.

use crate::device::{Region, RegionMut, ScaleShift};

pub(super) fn affine(
    affine: &ScaleShift,
    input: Region<'_, Vec<f32>>,
    output: RegionMut<'_, Vec<f32>>,
) {
    output.for_each_plane(|image, channel, values| {
        let (scale, shift) = (affine.scale[channel], affine.shift[channel]);
        let floor = if affine.relu { 0.0 } else { f32::NEG_INFINITY };
        for (value, &input) in values.iter_mut().zip(input.plane(image, channel)) {
            *value = (scale * input + shift).max(floor);
        }
    });
}

pub(super) fn relu(input: Region<'_, Vec<f32>>, output: RegionMut<'_, Vec<f32>>) {
    output.for_each_plane(|image, channel, values| {
        for (value, &input) in values.iter_mut().zip(input.plane(image, channel)) {
            *value = input.max(0.0);
        }
    });
}

pub(super) fn relu_gradient(relu_output: Region<'_, Vec<f32>>, gradient: RegionMut<'_, Vec<f32>>) {
    gradient.for_each_plane(|image, channel, values| {
        for (value, &open) in values.iter_mut().zip(relu_output.plane(image, channel)) {
            *value = if open > 0.0 { *value } else { 0.0 };
        }
    });
}

pub(super) fn scale(factor: &[f32], values: RegionMut<'_, Vec<f32>>) {
    values.for_each_plane(|_, channel, values| {
        for value in values {
            *value *= factor[channel];
        }
    });
}

pub(super) fn sum(factor: f32, inputs: &[Region<'_, Vec<f32>>], output: RegionMut<'_, Vec<f32>>) {
    output.for_each_plane(|image, channel, values| {
        let (first, others) = inputs
            .split_first()
            .map_or((None, inputs), |(f, o)| (Some(f), o));
        match first {
            Some(first) => values.copy_from_slice(first.plane(image, channel)),
            None => values.fill(0.0),
        }
        for other in others {
            for (value, &other) in values.iter_mut().zip(other.plane(image, channel)) {
                *value += other;
            }
        }
        for value in values {
            *value *= factor;
        }
    });
}

pub(super) fn accumulate(input: Region<'_, Vec<f32>>, output: RegionMut<'_, Vec<f32>>) {
    output.for_each_plane(|image, channel, values| {
        for (value, &input) in values.iter_mut().zip(input.plane(image, channel)) {
            *value += input;
        }
    });
}

/// `factor * (x + other)`, in place.
pub(super) fn add_and_scale(
    factor: f32,
    other: Region<'_, Vec<f32>>,
    output: RegionMut<'_, Vec<f32>>,
) {
    output.for_each_plane(|image, channel, values| {
        for (value, &other) in values.iter_mut().zip(other.plane(image, channel)) {
            *value = factor * (*value + other);
        }
    });
}
