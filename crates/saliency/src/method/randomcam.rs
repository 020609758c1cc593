//! RandomCAM: channels weighted by chance, uniformly from `[-1, 1]`. A control: a method that is
//! no better than this says nothing about the class.

use mednet_network::graph::ShapeError;
use rand::RngExt;

use super::{Attribution, Method};
use crate::explanation::{Explanation, Needs};
use crate::map::Map;
use crate::random::Purpose;

pub(super) struct RandomCam;

impl Method for RandomCam {
    fn names(&self) -> &'static [&'static str] {
        &["randomcam"]
    }

    fn description(&self) -> &'static str {
        "channels weighted by chance: a control"
    }

    fn reference(&self) -> &'static str {
        "a control of pytorch-grad-cam (Gildenblat 2021), seeded here"
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn uses_seed(&self) -> bool {
        true
    }

    fn attribution(&self, explanation: &dyn Explanation) -> Result<Attribution, ShapeError> {
        let mut random = explanation.random(Purpose::RandomCam);
        let count = explanation.activation().image_shape()[0];
        let weights: Vec<f64> = (0..count)
            .map(|_| random.random_range(-1.0..=1.0))
            .collect();
        Ok(Attribution::Layer(Map::weighted_sum(
            explanation.activation(),
            &weights,
        )))
    }
}
