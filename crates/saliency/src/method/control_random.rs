//! The random control: every pixel uniform in `[0, 1)`, drawn for each sample.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::Control;
use crate::map::Map;

pub(super) struct ControlRandom;

impl Control for ControlRandom {
    fn name(&self) -> &'static str {
        "control-random"
    }

    fn description(&self) -> &'static str {
        "a control: every pixel by chance, from the seed"
    }

    fn uses_seed(&self) -> bool {
        true
    }

    fn draw(&self, height: usize, width: usize, random: &mut ChaCha8Rng) -> Map {
        let values = (0..height * width).map(|_| random.random()).collect();
        Map {
            height,
            width,
            values,
        }
    }
}
