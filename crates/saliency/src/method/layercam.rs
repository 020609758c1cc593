//! LayerCAM (Jiang et al. 2021, doi:10.1109/TIP.2021.3089943): each position of each channel
//! weighted by its own positive gradient, `sum_k max(G_k, 0) A_k`.

use mednet_network::graph::ShapeError;

use super::{Attribution, Method, sum_over_channels};
use crate::explanation::{Explanation, Needs};

pub(super) struct LayerCam;

impl Method for LayerCam {
    fn names(&self) -> &'static [&'static str] {
        &["layercam"]
    }

    fn description(&self) -> &'static str {
        "activations weighted by their positive gradient, position by position"
    }

    fn reference(&self) -> &'static str {
        "Jiang et al. 2021, doi:10.1109/TIP.2021.3089943"
    }

    fn needs(&self) -> Needs {
        Needs {
            gradient: true,
            ..Needs::default()
        }
    }

    fn attribution(&self, explanation: &dyn Explanation) -> Result<Attribution, ShapeError> {
        let map = sum_over_channels(explanation, |gradient, activation| {
            gradient.max(0.0) * activation
        });
        Ok(Attribution::Layer(map))
    }
}
