//! LayerCAM (Jiang et al. 2021, doi:10.1109/TIP.2021.3089943): each position of each channel
//! weighted by its own positive gradient, `sum_k max(G_k, 0) A_k`.

use mednet_network::graph::ShapeError;

use super::{Method, finish, sum_over_channels};
use crate::explanation::{Explanation, Needs};
use crate::map::Map;

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

    fn map(&self, explanation: &dyn Explanation) -> Result<Map, ShapeError> {
        let map = sum_over_channels(explanation, |gradient, activation| {
            gradient.max(0.0) * activation
        });
        Ok(finish(map, explanation))
    }
}
