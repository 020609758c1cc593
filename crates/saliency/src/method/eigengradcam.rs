//! Eigen-Grad-CAM: the first principal component of gradient times activation, which makes
//! Eigen-CAM depend on the class (Gildenblat and contributors 2021, pytorch-grad-cam).

use mednet_data::Mode;
use mednet_network::Tensor;
use mednet_network::graph::ShapeError;

use super::principal_component::{first_principal_component, note};
use super::{Attribution, Method};
use crate::explanation::{Explanation, Needs};

pub(super) struct EigenGradCam;

impl Method for EigenGradCam {
    fn names(&self) -> &'static [&'static str] {
        &["eigengradcam"]
    }

    fn description(&self) -> &'static str {
        "first principal component of gradient times activation"
    }

    fn reference(&self) -> &'static str {
        "Gildenblat and contributors 2021, pytorch-grad-cam"
    }

    fn needs(&self) -> Needs {
        Needs {
            gradient: true,
            ..Needs::default()
        }
    }

    fn note(&self, mode: Mode) -> Option<&'static str> {
        Some(note(mode))
    }

    fn attribution(&self, explanation: &dyn Explanation) -> Result<Attribution, ShapeError> {
        let mut product: Tensor = explanation.activation().clone();
        for (value, gradient) in product
            .data_mut()
            .iter_mut()
            .zip(explanation.gradient().data())
        {
            *value *= gradient;
        }
        Ok(Attribution::Layer(first_principal_component(
            &product,
            explanation.mode(),
        )))
    }
}
