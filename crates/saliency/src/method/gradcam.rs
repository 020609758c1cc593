//! Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391): each channel counts as much as its gradient
//! does on average, `sum_k mean(G_k) A_k`.

use mednet_network::graph::ShapeError;

use super::{Attribution, Method, channels, sum};
use crate::explanation::{Explanation, Needs};
use crate::map::Map;

pub(super) struct GradCam;

impl Method for GradCam {
    fn names(&self) -> &'static [&'static str] {
        &["gradcam"]
    }

    fn description(&self) -> &'static str {
        "channels weighted by their mean gradient"
    }

    fn reference(&self) -> &'static str {
        "Selvaraju et al. 2017, arXiv:1610.02391"
    }

    fn needs(&self) -> Needs {
        Needs {
            gradient: true,
            ..Needs::default()
        }
    }

    fn attribution(&self, explanation: &dyn Explanation) -> Result<Attribution, ShapeError> {
        let weights: Vec<f64> = channels(explanation.gradient())
            .map(|gradient| sum(gradient.iter().copied()) / gradient.len() as f64)
            .collect();
        Ok(Attribution::Layer(Map::weighted_sum(
            explanation.activation(),
            &weights,
        )))
    }
}
