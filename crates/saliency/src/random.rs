//! Random numbers that depend on the seed and on what they are for, and on nothing else: not on
//! threads, batches, or which samples were done before.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest, Sha256};

/// What random numbers are for. Each purpose has a stream of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The weights of RandomCAM.
    RandomCam,
    /// The resamples of a bootstrap; the sample is then the name of the data set.
    Bootstrap,
    /// The values of the random control map.
    ControlRandom,
    /// The order of pixels with the same saliency, for ROAD.
    RoadTies,
    /// The noise on imputed pixels, for ROAD.
    RoadNoise,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::RandomCam => "randomcam",
            Self::Bootstrap => "bootstrap",
            Self::ControlRandom => "control-random",
            Self::RoadTies => "road-ties",
            Self::RoadNoise => "road-noise",
        }
    }
}

/// The generator for one sample, class and purpose.
#[must_use]
pub fn generator(seed: u64, sample: &str, class: usize, purpose: Purpose) -> ChaCha8Rng {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update((class as u64).to_le_bytes());
    hash.update(purpose.name().as_bytes());
    // Last, as it is the only part of any length besides the purpose, which ends with a zero.
    hash.update([0]);
    hash.update(sample.as_bytes());
    ChaCha8Rng::from_seed(hash.finalize().into())
}
