//! The smallest and the largest of many values.

use std::array;

/// The smallest and the largest value, of which not-a-number is neither; infinite for none.
pub(crate) fn extremes(values: &[f32]) -> [f32; 2] {
    let mut extremes = Extremes::default();
    extremes.add(values);
    extremes.get()
}

/// [`extremes`] of values that come piece by piece.
pub(super) struct Extremes {
    // Several at a time: each comparison would wait for the one before it.
    smallest: [f32; 16],
    largest: [f32; 16],
}

impl Default for Extremes {
    fn default() -> Self {
        Self {
            smallest: [f32::INFINITY; 16],
            largest: [f32::NEG_INFINITY; 16],
        }
    }
}

impl Extremes {
    // By itself: within a loop that does more, the compiler keeps the lanes in memory.
    #[inline(never)]
    pub(super) fn add(&mut self, values: &[f32]) {
        let (mut smallest, mut largest) = (self.smallest, self.largest);
        let (chunks, rest) = values.as_chunks::<16>();
        for chunk in chunks {
            smallest = array::from_fn(|lane| Self::smaller(smallest[lane], chunk[lane]));
            largest = array::from_fn(|lane| Self::larger(largest[lane], chunk[lane]));
        }
        for &value in rest {
            smallest[0] = Self::smaller(smallest[0], value);
            largest[0] = Self::larger(largest[0], value);
        }
        *self = Self { smallest, largest };
    }

    #[inline(always)]
    fn smaller(known: f32, value: f32) -> f32 {
        if value < known { value } else { known }
    }

    #[inline(always)]
    fn larger(known: f32, value: f32) -> f32 {
        if value > known { value } else { known }
    }

    pub(super) fn get(&self) -> [f32; 2] {
        [
            self.smallest.into_iter().fold(f32::INFINITY, f32::min),
            self.largest.into_iter().fold(f32::NEG_INFINITY, f32::max),
        ]
    }
}
