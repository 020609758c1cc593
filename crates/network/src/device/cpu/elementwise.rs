//! Operations on each value by itself.
#![allow(unsafe_code)]

use super::mask::{Bits, Mask};
use crate::device::{Region, RegionMut, ScaleShift};
use mednet_simd::{InstructionSet, Kernel, Vector, first_lanes};

pub(super) fn affine(
    affine: &ScaleShift,
    input: Region<'_, Vec<f32>>,
    output: RegionMut<'_, Vec<f32>>,
) {
    output.for_each_plane(|image, channel, values| {
        let (scale, shift) = (affine.scale[channel], affine.shift[channel]);
        let floor = if affine.relu { 0.0 } else { f32::NEG_INFINITY };
        for (value, &input) in values.iter_mut().zip(input.plane(image, channel)) {
            *value = at_least(floor, scale * input + shift);
        }
    });
}

/// Not-a-number stays what it is.
fn at_least(floor: f32, value: f32) -> f32 {
    if value < floor { floor } else { value }
}

pub(super) fn relu(input: Region<'_, Vec<f32>>, output: RegionMut<'_, Vec<f32>>) {
    output.for_each_plane(|image, channel, values| {
        for (value, &input) in values.iter_mut().zip(input.plane(image, channel)) {
            *value = at_least(0.0, input);
        }
    });
}

pub(super) fn relu_gradient(open: &Mask, gradient: RegionMut<'_, Vec<f32>>) {
    gradient.for_each_plane(|image, channel, values| {
        let bits = open.bits(image, channel * values.len());
        InstructionSet::best().run(KeepOpen { values, bits });
    });
}

/// Clears the values whose bit is not set.
struct KeepOpen<'a> {
    values: &'a mut [f32],
    bits: Bits<'a>,
}

impl Kernel for KeepOpen<'_> {
    type Output = ();

    #[inline(always)]
    fn call<V: Vector>(self, v: V) {
        for at in (0..self.values.len()).step_by(V::LANES) {
            let lanes = first_lanes(V::LANES.min(self.values.len() - at));
            // SAFETY: the lanes of the mask are values of the plane; the first of them is one of
            // the image that the bits are those of.
            unsafe {
                let values = self.values.as_mut_ptr().add(at);
                let open = v.keep(v.load_masked(values, lanes), self.bits.from(at));
                v.store_masked(values, open, lanes);
            }
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Layout;

    #[test]
    fn not_a_number_passes_a_relu() {
        let input = vec![f32::NAN, -1.0, 2.0];
        let layout = Layout::dense(1, [1, 1, 3]);
        let region = Region {
            buffer: &input,
            layout,
        };
        let affine_relu = ScaleShift {
            scale: vec![1.0],
            shift: vec![0.0],
            relu: true,
        };
        let mut outputs = [vec![0.0; 3], vec![0.0; 3]];
        let [first, second] = &mut outputs;
        relu(
            region,
            RegionMut {
                buffer: first,
                layout,
            },
        );
        affine(
            &affine_relu,
            region,
            RegionMut {
                buffer: second,
                layout,
            },
        );
        for output in outputs {
            assert!(output[0].is_nan());
            assert_eq!(output[1..], [0.0, 2.0]);
        }
    }
}
