//! HiResCAM (Draelos and Carin 2020, arXiv:2011.08891): gradient times activation at every
//! position, `sum_k G_k A_k`.

use mednet_network::graph::ShapeError;

use super::{Attribution, Method, sum_over_channels};
use crate::explanation::{Explanation, Needs};

pub(super) struct HiResCam;

impl Method for HiResCam {
    fn names(&self) -> &'static [&'static str] {
        &["hirescam"]
    }

    fn description(&self) -> &'static str {
        "gradient times activation at every position"
    }

    fn reference(&self) -> &'static str {
        "Draelos and Carin 2020, arXiv:2011.08891"
    }

    fn needs(&self) -> Needs {
        Needs {
            gradient: true,
            ..Needs::default()
        }
    }

    fn attribution(&self, explanation: &dyn Explanation) -> Result<Attribution, ShapeError> {
        let map = sum_over_channels(explanation, |gradient, activation| gradient * activation);
        Ok(Attribution::Layer(map))
    }
}
