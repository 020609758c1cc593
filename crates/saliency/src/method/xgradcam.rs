//! XGrad-CAM (Fu et al. 2020, arXiv:2008.02312): gradients weighted by each position's share of
//! the channel's activation, `w_k = sum(G_k A_k) / (sum(A_k) + 1e-7)`.
//!
//! The denominator has a sign: on layers without a ReLU a channel whose sum is close to zero gets
//! an enormous weight. That is the published formula.

use mednet_network::graph::ShapeError;

use super::{Attribution, Method, channels, sum};
use crate::explanation::{Explanation, Needs};
use crate::map::Map;

const EPSILON: f64 = 1e-7;

pub(super) struct XGradCam;

impl Method for XGradCam {
    fn names(&self) -> &'static [&'static str] {
        &["xgradcam"]
    }

    fn description(&self) -> &'static str {
        "channels weighted by their gradient where they are active"
    }

    fn reference(&self) -> &'static str {
        "Fu et al. 2020, arXiv:2008.02312"
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
                let products = gradient.iter().zip(activation);
                let weighted: f64 = products.map(|(&g, &a)| f64::from(g) * f64::from(a)).sum();
                weighted / (sum(activation.iter().copied()) + EPSILON)
            })
            .collect();
        Ok(Attribution::Layer(Map::weighted_sum(
            explanation.activation(),
            &weights,
        )))
    }
}
