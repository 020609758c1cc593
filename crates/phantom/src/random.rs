//! The random numbers behind a phantom: integers of ChaCha8 (Bernstein 2008, "ChaCha, a variant of
//! Salsa20"), turned into floats by exact arithmetic only, so that every platform draws the same.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a stream is used for. Every purpose has a stream of its own, so that the anatomy of a
/// phantom does not depend on how many numbers its lesions took.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    Anatomy = 1,
    Vessels = 2,
    Lesions = 3,
    Distractors = 4,
    Film = 5,
}

/// A stream of random numbers.
pub(crate) struct Stream {
    generator: ChaCha8Rng,
}

impl Stream {
    /// The stream of phantom `index` of the data set `seed` for one purpose.
    pub(crate) fn new(seed: u64, index: usize, purpose: Purpose) -> Self {
        // The key is laid out by hand: `seed_from_u64` may change between versions of the crate.
        let mut key = *b"........mednet chest phantom v1.";
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[31] = purpose as u8;
        let mut generator = ChaCha8Rng::from_seed(key);
        generator.set_stream(index as u64);
        Self { generator }
    }

    /// Uniform in `[0, 1)`, in steps of 2^-24.
    pub(crate) fn unit(&mut self) -> f32 {
        (self.generator.next_u32() >> 8) as f32 / 16_777_216.0
    }

    /// Uniform in `[low, high)`.
    pub(crate) fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Symmetric around 0 in `(-spread, spread)`, the middle being more likely than the ends.
    pub(crate) fn around(&mut self, spread: f32) -> f32 {
        spread * (self.unit() - self.unit())
    }

    /// One of `0..count`.
    pub(crate) fn below(&mut self, count: u32) -> u32 {
        // Multiply and shift; the bias of at most count / 2^32 is of no consequence here.
        ((u64::from(self.generator.next_u32()) * u64::from(count)) >> 32) as u32
    }

    /// True with probability `probability`.
    pub(crate) fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// Nearly normal with mean 0 and variance 1: the sum of four random bytes (Irwin-Hall).
    pub(crate) fn bell(&mut self) -> f32 {
        let sum: u32 = self
            .generator
            .next_u32()
            .to_le_bytes()
            .into_iter()
            .map(u32::from)
            .sum();
        // Four bytes: mean 510, variance 4 (256^2 - 1) / 12 = 21845.
        (sum as f32 - 510.0) / 147.8
    }
}
