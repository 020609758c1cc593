//! The uniform control: one half everywhere, the mean of the random control. Its proportional
//! energy is the share of the image that the boxes cover.

use rand_chacha::ChaCha8Rng;

use super::Control;
use crate::map::Map;

pub(super) struct ControlUniform;

impl Control for ControlUniform {
    fn name(&self) -> &'static str {
        "control-uniform"
    }

    fn description(&self) -> &'static str {
        "a control: one half everywhere"
    }

    fn draw(&self, height: usize, width: usize, _: &mut ChaCha8Rng) -> Map {
        Map {
            height,
            width,
            values: vec![0.5; height * width],
        }
    }
}
