//! ROAD, "remove and debias": how much a class's probability changes when the pixels that a map
//! says matter most, or least, are removed.
//!
//! Rong, Leemann, Borisov, Kasneci and Kasneci, "A consistent and efficient evaluation strategy for
//! attribution methods" (2022, arXiv:2202.00449). Removed pixels become the weighted mean of their
//! neighbours plus a little noise ([`super::imputation`]), so that the network can see neither them
//! nor the shape of the hole.
//!
//! For each percentile, the most relevant pixels go first (MoRF) or the least relevant (LeRF). The
//! score of an image with removed pixels is the probability of the class less that of the whole
//! image: negative where the removal takes evidence away. MoRF and LeRF are means over the
//! percentiles, and `combined` is `(LeRF - MoRF) / 2`: higher is better, at most 1, and close to 0
//! for a map that knows nothing.

mod probability;
mod removal;
#[cfg(test)]
mod tests;

use std::sync::{Mutex, PoisonError};

use mednet_base::statistics::{mean_in_one_pass, standard_deviation_around};
use mednet_data::Mode;
use mednet_network::device::Device;
use mednet_network::graph::ShapeError;
use mednet_network::{Engine, Tensor};
use rand::Rng;
use rayon::prelude::*;
use thiserror::Error;

use super::check::{MapError, check};
use super::imputation::{ImputationError, ImputationSystem, add_noise};
use crate::map::Map;
use crate::random::{Purpose, generator};

pub use probability::{Probability, ProbabilityError, sigmoid};
pub use removal::{Removal, Removals, removals};

/// Names of the columns that ROAD gives: MoRF, LeRF, combined.
pub const ROAD_COLUMNS: [&str; 3] = ["ROAD (MoRF)", "ROAD (LeRF)", "ROAD (avg)"];

/// Pixels of the images that go through the network together: eight of 512 x 512.
const BATCH_PIXELS: usize = 8 * 512 * 512;

/// How maps are scored.
#[derive(Debug, Clone, PartialEq)]
pub struct RoadSettings {
    /// Percentiles, from 1 to 99: the share of pixels that is removed; in [`Mode::Mednet`] the
    /// share that is kept.
    pub percentiles: Vec<u8>,
    /// Standard deviation of the noise, in units of pixels of `[0, 1]`.
    pub noise: f32,
    /// Draws of the noise that are averaged, at least 1.
    pub repeats: usize,
    /// What a class's score is.
    pub probability: Probability,
    /// Which numbers to produce.
    pub mode: Mode,
    /// Seed of the noise and of the order of equal pixels.
    pub seed: u64,
}

impl RoadSettings {
    /// What a percentile means: the share of pixels that is `removed`, or `kept`.
    #[must_use]
    pub fn percentile_is(&self) -> &'static str {
        match self.mode {
            Mode::Default => "removed",
            Mode::Mednet => "kept",
        }
    }
}

/// What came of one removal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RoadPoint {
    /// Change of the probability, mean over the draws of the noise.
    pub change: f64,
    /// Its standard deviation over the draws; NaN for one draw.
    pub spread: f64,
    /// Share of the pixels that was removed.
    pub removed: f64,
    /// Share of the pixels with the very saliency at which the removal stopped, if only a part of
    /// them had to go.
    pub tied: f64,
}

/// The ROAD scores of one map of one class.
#[derive(Debug, Clone, PartialEq)]
pub struct RoadScores {
    /// Probability of the class for the whole image.
    pub baseline: f64,
    /// One for each percentile, most relevant pixels first.
    pub most_relevant_first: Vec<RoadPoint>,
    /// One for each percentile, least relevant pixels first.
    pub least_relevant_first: Vec<RoadPoint>,
    /// Mean change, most relevant pixels first; its standard deviation over the draws.
    pub morf: (f64, f64),
    /// Mean change, least relevant pixels first; its standard deviation over the draws.
    pub lerf: (f64, f64),
    /// `(LeRF - MoRF) / 2`; its standard deviation over the draws.
    pub combined: (f64, f64),
    /// Share of the pixels that are tied at any of the removals.
    pub tied_mass: f64,
    /// Whether the original's ranking removes the whole image at one of the percentiles.
    pub original_erases: bool,
    /// Removals at which no pixel was left here; the image was filled with zeros.
    pub erased: usize,
    /// Systems that the fall-back solver had to finish.
    pub fallbacks: usize,
}

/// A map that could not be scored.
#[derive(Debug, Error)]
pub enum RoadError {
    /// The map is none for this image.
    #[error(transparent)]
    Map(#[from] MapError),
    /// The image cannot be imputed.
    #[error("the image with removed pixels cannot be imputed")]
    Imputation(#[from] ImputationError),
    /// The network cannot take the image.
    #[error("the network cannot take the image with removed pixels")]
    Network(#[from] ShapeError),
    /// The network's answer is no number.
    #[error("the network's logit for the image with removed pixels is {logit}: check the weights")]
    NotFinite {
        /// What it answered.
        logit: f32,
    },
}

/// Scores maps of images of any size, keeping what can be used again.
pub struct Road<'e, D: Device> {
    engine: &'e Engine<D>,
    settings: RoadSettings,
    systems: Mutex<Vec<([usize; 2], ImputationSystem)>>,
}

/// An image with removed pixels.
struct Imputed {
    pixels: Vec<f32>,
    fallback: bool,
    erased: bool,
}

impl<'e, D: Device> Road<'e, D> {
    /// Scores with this network.
    #[must_use]
    pub fn new(engine: &'e Engine<D>, settings: RoadSettings) -> Self {
        Self {
            engine,
            settings,
            systems: Mutex::default(),
        }
    }

    /// How maps are scored.
    #[must_use]
    pub fn settings(&self) -> &RoadSettings {
        &self.settings
    }

    /// The scores of a `map` `[H, W]` for `class` of an `image` `[1, C, H, W]` as it enters the
    /// network, not normalized. `logits` are the network's for that image; `sample` is its name,
    /// from which random numbers are drawn.
    ///
    /// # Errors
    /// [`RoadError`].
    pub fn score(
        &self,
        sample: &str,
        image: &Tensor,
        logits: &[f32],
        class: usize,
        map: &Map,
    ) -> Result<RoadScores, RoadError> {
        let [_, height, width] = image.image_shape();
        check(map, height, width)?;
        let settings = &self.settings;
        let mut ties = generator(settings.seed, sample, class, Purpose::RoadTies);
        let removals = removals(map, &settings.percentiles, settings.mode, &mut ties);
        // Without noise, all draws are the same.
        let draws = if settings.noise == 0.0 {
            1
        } else {
            settings.repeats.max(1)
        };
        let baseline = settings.probability.of(logits, class);
        let all: Vec<&Removal> = removals.most.iter().chain(&removals.least).collect();
        // changes[system][draw]
        let mut changes = vec![Vec::with_capacity(draws); all.len()];
        let (mut erased, mut fallbacks) = (0, 0);
        let batch = (BATCH_PIXELS / (height * width).max(1)).max(1);
        for (first, part) in (0..all.len()).step_by(batch).zip(all.chunks(batch)) {
            let imputed = part
                .par_iter()
                .map(|removal| self.impute(image, &removal.unknown))
                .collect::<Result<Vec<_>, _>>()?;
            erased += imputed.iter().filter(|image| image.erased).count();
            fallbacks += imputed.iter().filter(|image| image.fallback).count();
            for draw in 0..draws {
                let batch = self.with_noise(sample, class, draw, first, part, &imputed, image)?;
                let logits = self.engine.forward(&batch)?;
                let outputs = logits.image_shape()[0];
                for (offset, logits) in logits.data().chunks_exact(outputs).enumerate() {
                    if let Some(&logit) = logits.iter().find(|logit| !logit.is_finite()) {
                        return Err(RoadError::NotFinite { logit });
                    }
                    let probability = settings.probability.of(logits, class);
                    changes[first + offset].push(probability - baseline);
                }
            }
        }
        let (most, least) = changes.split_at(removals.most.len());
        let mean_over_percentiles = |changes: &[Vec<f64>]| -> Vec<f64> {
            (0..draws)
                .map(|draw| mean_in_one_pass(changes.iter().map(|change| change[draw])))
                .collect()
        };
        let (morf, lerf) = (mean_over_percentiles(most), mean_over_percentiles(least));
        let combined: Vec<f64> = morf.iter().zip(&lerf).map(|(m, l)| (l - m) / 2.0).collect();
        Ok(RoadScores {
            baseline,
            most_relevant_first: points(&removals.most, most),
            least_relevant_first: points(&removals.least, least),
            morf: mean_and_deviation(&morf),
            lerf: mean_and_deviation(&lerf),
            combined: mean_and_deviation(&combined),
            tied_mass: removals.tied_mass,
            original_erases: removals.original_erases,
            erased,
            fallbacks,
        })
    }

    /// The image with these pixels imputed, without noise. Zeros where no pixel is known, which is
    /// what the original's solver gives.
    fn impute(&self, image: &Tensor, unknown: &[bool]) -> Result<Imputed, ImputationError> {
        let mut pixels = image.data().to_vec();
        if unknown.iter().all(|unknown| *unknown) {
            pixels.fill(0.0);
            return Ok(Imputed {
                pixels,
                fallback: false,
                erased: true,
            });
        }
        let [_, height, width] = image.image_shape();
        let kept = {
            // A panic loses the system in work and leaves the others whole.
            let mut systems = self.systems.lock().unwrap_or_else(PoisonError::into_inner);
            let position = systems
                .iter()
                .position(|(size, _)| *size == [height, width]);
            position.map(|position| systems.swap_remove(position).1)
        };
        let mut system = match kept {
            None => ImputationSystem::new(unknown, height, width)?,
            Some(mut system) => {
                system.set_mask(unknown)?;
                system
            }
        };
        let reports = system.solve_channels(&mut pixels)?;
        self.systems
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(([height, width], system));
        Ok(Imputed {
            pixels,
            fallback: reports.iter().any(|report| report.fallback),
            erased: false,
        })
    }

    /// A batch `[N, C, H, W]` of imputed images with one draw of the noise. Each draw depends on
    /// seed, sample, class, percentile and ranking alone.
    #[expect(clippy::too_many_arguments, reason = "all that a draw depends on")]
    fn with_noise(
        &self,
        sample: &str,
        class: usize,
        draw: usize,
        first: usize,
        removals: &[&Removal],
        imputed: &[Imputed],
        image: &Tensor,
    ) -> Result<Tensor, ImputationError> {
        let settings = &self.settings;
        let [channels, height, width] = image.image_shape();
        let values = channels * height * width;
        let mut batch = Tensor::zeros([imputed.len(), channels, height, width]);
        batch
            .data_mut()
            .par_chunks_exact_mut(values)
            .zip(imputed)
            .zip(removals)
            .enumerate()
            .try_for_each(|(offset, ((pixels, imputed), removal))| {
                pixels.copy_from_slice(&imputed.pixels);
                if settings.noise == 0.0 {
                    return Ok(());
                }
                let system = first + offset;
                let percentiles = settings.percentiles.len();
                let percentile = settings.percentiles[system % percentiles];
                let least_first = system >= percentiles;
                let mut random = generator(settings.seed, sample, class, Purpose::RoadNoise);
                random.set_stream(
                    (draw as u64) << 32 | u64::from(percentile) << 1 | u64::from(least_first),
                );
                add_noise(pixels, &removal.unknown, settings.noise, random.next_u64())
            })?;
        Ok(batch)
    }
}

fn points(removals: &[Removal], changes: &[Vec<f64>]) -> Vec<RoadPoint> {
    removals
        .iter()
        .zip(changes)
        .map(|(removal, changes)| {
            let (change, spread) = mean_and_deviation(changes);
            let pixels = removal.unknown.len() as f64;
            RoadPoint {
                change,
                spread,
                removed: removal.removed as f64 / pixels,
                tied: removal.tied as f64 / pixels,
            }
        })
        .collect()
}

/// Mean and standard deviation (n - 1; NaN for one value).
fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let mean = mean_in_one_pass(values.iter().copied());
    (mean, standard_deviation_around(mean, values))
}
