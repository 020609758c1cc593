//! Element-wise Grad-CAM (Pillai and Pirsiavash 2021, doi:10.1609/aaai.v35i3.16338): as HiResCAM,
//! but only what speaks for the class counts, `sum_k max(G_k A_k, 0)`.

use mednet_network::graph::ShapeError;

use super::{Attribution, Method, sum_over_channels};
use crate::explanation::{Explanation, Needs};

pub(super) struct GradCamElementWise;

impl Method for GradCamElementWise {
    fn names(&self) -> &'static [&'static str] {
        &["gradcamelementwise"]
    }

    fn description(&self) -> &'static str {
        "gradient times activation where that is positive"
    }

    fn reference(&self) -> &'static str {
        "Pillai and Pirsiavash 2021, doi:10.1609/aaai.v35i3.16338"
    }

    fn needs(&self) -> Needs {
        Needs {
            gradient: true,
            ..Needs::default()
        }
    }

    fn attribution(&self, explanation: &dyn Explanation) -> Result<Attribution, ShapeError> {
        let map = sum_over_channels(explanation, |gradient, activation| {
            (gradient * activation).max(0.0)
        });
        Ok(Attribution::Layer(map))
    }
}
