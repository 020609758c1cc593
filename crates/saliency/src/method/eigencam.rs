//! Eigen-CAM (Muhammad and Yeasin 2020, arXiv:2008.00299): the first principal component of the
//! activations. It does not depend on the class.

use mednet_data::Mode;
use mednet_network::graph::ShapeError;

use super::principal_component::{first_principal_component, note};
use super::{Attribution, Method};
use crate::explanation::{Explanation, Needs};

pub(super) struct EigenCam;

impl Method for EigenCam {
    fn names(&self) -> &'static [&'static str] {
        &["eigencam"]
    }

    fn description(&self) -> &'static str {
        "first principal component of the activations, whatever the class"
    }

    fn reference(&self) -> &'static str {
        "Muhammad and Yeasin 2020, arXiv:2008.00299"
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn note(&self, mode: Mode) -> Option<&'static str> {
        Some(note(mode))
    }

    fn attribution(&self, explanation: &dyn Explanation) -> Result<Attribution, ShapeError> {
        let activation = explanation.activation();
        let map = first_principal_component(activation, explanation.mode());
        Ok(Attribution::Layer(map))
    }
}
