//! HiResCAM (Draelos and Carin 2020, arXiv:2011.08891): gradient times activation at every
//! position, `sum_k G_k A_k`.

use mednet_network::graph::ShapeError;

use super::{Method, finish, sum_over_channels};
use crate::explanation::{Explanation, Needs};
use crate::map::Map;

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

    fn map(&self, explanation: &dyn Explanation) -> Result<Map, ShapeError> {
        let map = sum_over_channels(explanation, |gradient, activation| gradient * activation);
        Ok(finish(map, explanation))
    }
}
