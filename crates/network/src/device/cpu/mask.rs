//! ReLU masks: a bit for each value that says whether it is positive. The gradient of a ReLU needs
//! nothing else, and a mask takes a 32nd of the memory of the values.
#![allow(unsafe_code)]

use rayon::prelude::*;

use super::PARALLEL_THRESHOLD;
use super::planes::{Planes, Shape};
use mednet_simd::{InstructionSet, Kernel, LARGEST_LANES, Vector};

/// Bytes before the first image and after the last: the bits of a vector are read as a word of 32,
/// wherever the vector begins.
const MARGIN: usize = 4;
/// Values of one task; whole bytes of bits.
const PIECE: usize = 1 << 13;

/// A bit for each value of a stack of images `[images, channels, height, width]`: whether it is
/// positive (not-a-number is not).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    /// Each image begins with a byte of its own.
    bytes: Vec<u8>,
    images: usize,
    shape: [usize; 3],
}

impl Mask {
    /// The mask of these values, computed on the threads of the current rayon pool.
    #[must_use]
    pub fn new(values: Planes<'_>) -> Self {
        Self::new_for(InstructionSet::best(), values)
    }

    /// As [`Self::new`], for a given instruction set.
    #[must_use]
    pub fn new_for(set: InstructionSet, values: Planes<'_>) -> Self {
        let shape = *values.shape();
        let mut mask = Self {
            bytes: Vec::new(),
            images: shape.images,
            shape: [shape.channels, shape.height, shape.width],
        };
        let stride = mask.image_stride();
        mask.bytes = vec![0; shape.images * stride + 2 * MARGIN];
        for image in 0..shape.images {
            let values = values.image(image);
            let bytes = &mut mask.bytes[MARGIN + image * stride..][..stride];
            if values.len() < PARALLEL_THRESHOLD {
                set.run(Pack { values, bytes });
                continue;
            }
            let pieces = values
                .par_chunks(PIECE)
                .zip(bytes.par_chunks_mut(PIECE / 8));
            pieces.for_each(|(values, bytes)| set.run(Pack { values, bytes }));
        }
        mask
    }

    fn image_stride(&self) -> usize {
        self.shape.iter().product::<usize>().div_ceil(8)
    }

    /// Whether it is the mask of values of this shape.
    pub(crate) fn fits(&self, shape: &Shape) -> bool {
        self.images == shape.images && self.shape == [shape.channels, shape.height, shape.width]
    }

    /// Position of the first value of a row in its image.
    pub(crate) fn position(&self, channel: usize, row: usize) -> usize {
        let [_, height, width] = self.shape;
        (channel * height + row) * width
    }

    /// The bits of an image, from value `first` of it on.
    pub(crate) fn bits(&self, image: usize, first: usize) -> Bits<'_> {
        assert!(image < self.images && 8 * self.image_stride() >= first);
        Bits {
            mask: self,
            first: 8 * (MARGIN + image * self.image_stride()) + first,
        }
    }
}

/// A place in a mask.
#[derive(Clone, Copy)]
pub(crate) struct Bits<'a> {
    mask: &'a Mask,
    first: usize,
}

impl Bits<'_> {
    /// The bits of the values from `at` on, at least [`LARGEST_LANES`] of them, the lowest first.
    /// The bits beyond the image can have any value.
    ///
    /// # Safety
    /// One of the first [`LARGEST_LANES`] values from `at` on is a value of the image; `at` may be
    /// negative, wrapped.
    #[inline(always)]
    pub(crate) unsafe fn from(self, at: usize) -> u32 {
        const { assert!(LARGEST_LANES + 7 <= 32 && LARGEST_LANES <= 8 * MARGIN) };
        let position = self.first.wrapping_add(at);
        // SAFETY: no more than `LARGEST_LANES` values before the first of the image, no later than
        // the last: the word lies within the bytes and their margins.
        let word = unsafe {
            let bytes = self.mask.bytes.as_ptr().add(position / 8);
            u32::from_le(bytes.cast::<u32>().read_unaligned())
        };
        word >> (position % 8)
    }

    /// Whether a value of the image is positive.
    #[inline(always)]
    pub(crate) fn is_set(self, at: usize) -> bool {
        let position = self.first + at;
        self.mask.bytes[position / 8] >> (position % 8) & 1 == 1
    }
}

/// Packs bits.
struct Pack<'a> {
    values: &'a [f32],
    bytes: &'a mut [u8],
}

impl Kernel for Pack<'_> {
    type Output = ();

    #[inline(always)]
    fn call<V: Vector>(self, v: V) {
        let (words, rest) = self.values.as_chunks::<32>();
        let (bytes, last) = self.bytes.split_at_mut(4 * words.len());
        for (values, bytes) in words.iter().zip(bytes.as_chunks_mut::<4>().0) {
            let mut word = 0;
            for first in (0..values.len()).step_by(V::LANES) {
                // SAFETY: vectors of 4, 8 or 16 values divide the 32.
                let lanes = unsafe { v.load(values.as_ptr().add(first)) };
                word |= v.positive(lanes) << first;
            }
            *bytes = word.to_le_bytes();
        }
        for (position, &value) in rest.iter().enumerate() {
            last[position / 8] |= u8::from(value > 0.0) << (position % 8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_is_that_of_its_value() {
        // Miri finds fault with the pool of threads, which a large image needs.
        let large = if cfg!(miri) { 1 } else { 110 };
        for (images, channels, height, width) in
            [(1, 1, 1, 1), (2, 3, 5, 7), (3, 2, 4, 8), (1, 3, large, 101)]
        {
            let count = images * channels * height * width;
            let value = |i: usize| match i * 7 % 13 {
                0 => f32::NAN,
                1 => -0.0,
                2 => f32::INFINITY,
                3 => f32::MIN_POSITIVE,
                remainder => remainder as f32 - 8.0,
            };
            let values: Vec<f32> = (0..count).map(value).collect();
            let planes = Planes::dense(&values, [images, channels, height, width]);
            for set in InstructionSet::available() {
                let mask = Mask::new_for(set, planes);
                assert!(mask.fits(planes.shape()));
                for image in 0..images {
                    let values = planes.image(image);
                    // All of a small image, some of a large one.
                    for (at, &value) in values.iter().enumerate().step_by(1 + count / 400) {
                        let open = value > 0.0;
                        assert_eq!(mask.bits(image, 0).is_set(at), open, "{} {at}", set.name());
                        for lane in 0..LARGEST_LANES {
                            let first = at.wrapping_sub(lane);
                            // SAFETY: value `at` is one of the image.
                            let bits = unsafe { mask.bits(image, 0).from(first) };
                            assert_eq!(bits >> lane & 1 == 1, open, "{} {at} {lane}", set.name());
                        }
                    }
                }
            }
        }
    }
}
