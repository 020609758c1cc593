//! From a graph to a list of steps: which nodes one step computes, and where their values lie.

mod fuse;
mod place;

use std::collections::HashMap;

use crate::geometry::Window;
use crate::graph::{Graph, NodeId, Shape, ShapeError};
use crate::keep::Keep;

/// What a device computes in one step.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    /// Convolution with what is fused into it.
    Convolution {
        /// The convolution.
        node: NodeId,
        /// A batch normalisation behind it, folded into its weights.
        norm: Option<NodeId>,
        /// A normalisation in front of it and whether a ReLU lies between.
        prologue: Option<(NodeId, bool)>,
        /// Whether a ReLU follows.
        relu: bool,
        /// The factor of a sum with the second input that follows.
        sum: Option<f32>,
    },
    /// Fully connected layer, with a ReLU or without.
    Linear {
        node: NodeId,
        relu: bool,
    },
    /// Scale and shift of a normalisation, with a ReLU or without.
    Affine {
        node: NodeId,
        relu: bool,
    },
    Relu,
    MaxPool(Window),
    /// Average pool, with a normalisation in front of it and perhaps a ReLU between.
    AveragePool {
        window: Window,
        prologue: Option<(NodeId, bool)>,
    },
    AdaptiveAveragePool,
    Sum {
        scale: f32,
    },
    /// Copies the inputs into these channels of a concatenation; the others lie there already.
    Join {
        first_channels: Vec<usize>,
    },
}

/// One step of a plan.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) action: Action,
    pub(crate) inputs: Vec<NodeId>,
    pub(crate) output: NodeId,
}

/// Where a value lies: in which slot, and how far into each image's part of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placement {
    pub(crate) slot: usize,
    pub(crate) offset: usize,
    pub(crate) image_stride: usize,
}

/// How to compute some values of a graph from others.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
    pub(crate) shapes: HashMap<NodeId, Shape>,
    /// Shapes of the values that lie in memory under the names of the nodes. They are those above,
    /// except that a convolution which has changed places with the average pool behind it stands
    /// for its pooled input.
    pub(crate) stored: HashMap<NodeId, Shape>,
    pub(crate) placements: HashMap<NodeId, Placement>,
    /// Values of one image that each slot must be able to hold.
    pub(crate) slot_sizes: Vec<usize>,
}

impl Plan {
    /// Plans the computation of what is to be kept from `sources`.
    ///
    /// # Errors
    /// Names the first node whose inputs do not fit it.
    ///
    /// # Panics
    /// If something wanted cannot be computed from the sources: a caller's mistake.
    pub(crate) fn new(
        graph: &Graph,
        sources: &[(NodeId, Shape)],
        keep: &Keep,
    ) -> Result<Self, ShapeError> {
        let wanted = keep.nodes();
        let needed = needed_nodes(graph, sources, &wanted);
        let mut shapes: HashMap<NodeId, Shape> = sources.iter().copied().collect();
        for &id in &needed {
            if shapes.contains_key(&id) {
                continue;
            }
            let shape = graph.shape_from(id, |input| shapes[&input])?;
            shapes.insert(id, shape);
        }
        let source_ids: Vec<NodeId> = sources.iter().map(|source| source.0).collect();
        let steps = fuse::fuse(graph, &needed, &source_ids, &wanted);
        let mut stored = shapes.clone();
        for step in &steps {
            if let Action::AveragePool { window, .. } = step.action {
                let [channels, height, width] = shapes[&step.inputs[0]];
                let size = window.output_size([height, width]);
                let [height, width] = size.unwrap_or_default();
                stored.insert(step.output, [channels, height, width]);
            }
        }
        let plan = place::place(graph, steps, stored, &source_ids, &keep.values);
        Ok(Self { shapes, ..plan })
    }
}

/// The nodes between sources and wanted values, both included, in execution order.
fn needed_nodes(graph: &Graph, sources: &[(NodeId, Shape)], wanted: &[NodeId]) -> Vec<NodeId> {
    let mut needed = vec![false; graph.nodes().len()];
    let mut pending = wanted.to_vec();
    while let Some(id) = pending.pop() {
        if std::mem::replace(&mut needed[id.0], true) || sources.iter().any(|s| s.0 == id) {
            continue;
        }
        let inputs = &graph.node(id).inputs;
        assert!(
            !inputs.is_empty(),
            "the input of the network is not among the sources"
        );
        pending.extend(inputs);
    }
    (0..needed.len())
        .filter(|&index| needed[index])
        .map(NodeId)
        .collect()
}
