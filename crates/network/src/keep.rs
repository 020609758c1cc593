//! What a run must keep.

use crate::graph::NodeId;

/// Nodes whose values a run keeps, and nodes of which it keeps only the ReLU mask: a bit for each
/// value that says whether it is positive.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Keep {
    pub(crate) values: Vec<NodeId>,
    pub(crate) masks: Vec<NodeId>,
}

impl Keep {
    /// Keeps these values.
    #[must_use]
    pub fn values(ids: impl IntoIterator<Item = NodeId>) -> Self {
        Self::default().and(&Self {
            values: ids.into_iter().collect(),
            masks: Vec::new(),
        })
    }

    /// Keeps what either asks for.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        let Self { values, masks } = &mut self;
        for (own, others) in [(values, &other.values), (masks, &other.masks)] {
            own.extend(others);
            own.sort_unstable();
            own.dedup();
        }
        self
    }

    /// All nodes that must be computed.
    pub(crate) fn nodes(&self) -> Vec<NodeId> {
        self.values.iter().chain(&self.masks).copied().collect()
    }
}
