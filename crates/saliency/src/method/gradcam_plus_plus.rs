//! Grad-CAM++ (Chattopadhay et al. 2018, arXiv:1710.11063) with the logit itself in place of its
//! exponential, as is usual: `w_k = sum(max(G_k, 0) a_k)` with
//! `a_k = G_k^2 / (2 G_k^2 + sum(A_k) G_k^3 + 1e-6)` where `G_k` is not zero.

use mednet_network::graph::ShapeError;

use super::{Attribution, Method, channels, sum};
use crate::explanation::{Explanation, Needs};
use crate::map::Map;

const EPSILON: f64 = 1e-6;

pub(super) struct GradCamPlusPlus;

impl Method for GradCamPlusPlus {
    fn names(&self) -> &'static [&'static str] {
        &["gradcam++", "gradcamplusplus"]
    }

    fn description(&self) -> &'static str {
        "channels weighted by positive gradients, corrected for the extent of what they show"
    }

    fn reference(&self) -> &'static str {
        "Chattopadhay et al. 2018, arXiv:1710.11063"
    }

    fn needs(&self) -> Needs {
        Needs {
            gradient: true,
            ..Needs::default()
        }
    }

    fn attribution(&self, explanation: &dyn Explanation) -> Result<Attribution, ShapeError> {
        let weights: Vec<f64> = channels(explanation.gradient())
            .zip(channels(explanation.activation()))
            .map(|(gradient, activation)| {
                let total = sum(activation.iter().copied());
                // A gradient of zero or less adds nothing.
                let positive = gradient.iter().map(|&g| f64::from(g)).filter(|&g| g > 0.0);
                positive
                    .map(|g| g * g * g / (2.0 * g * g + total * g * g * g + EPSILON))
                    .sum()
            })
            .collect();
        Ok(Attribution::Layer(Map::weighted_sum(
            explanation.activation(),
            &weights,
        )))
    }
}
