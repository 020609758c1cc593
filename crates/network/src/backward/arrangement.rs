//! Where gradients lie in memory.
//!
//! As forwards, the parts of a concatenation lie side by side, so that what several
//! concatenations send to the same value is added up in place; and what changes every value by
//! itself (ReLU, normalisation, flattening, sum) changes the gradient in place.

use std::collections::HashMap;

use crate::geometry::Window;
use crate::graph::{Graph, NodeId, Operation, Shape};

/// The gradient of a node: within the memory of the root, `offset` values into each image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) root: NodeId,
    pub(super) offset: usize,
}

/// How the gradient is computed on its path from the logits to some layers.
pub(super) struct Arrangement<'g> {
    graph: &'g Graph,
    to: &'g [NodeId],
    /// Whether each node lies on a path from one of the layers to the logits.
    pub(super) on_path: Vec<bool>,
    /// For each node, the node on the path that reads it, if there is just one.
    only_reader: Vec<Option<NodeId>>,
    places: Vec<Option<Place>>,
    /// For each root, the node in its memory that is visited last.
    last: HashMap<NodeId, NodeId>,
}

impl<'g> Arrangement<'g> {
    pub(super) fn new(graph: &'g Graph, to: &'g [NodeId], size: impl Fn(NodeId) -> Shape) -> Self {
        let on_path = graph.between(to);
        let mut readers: Vec<Vec<NodeId>> = vec![Vec::new(); on_path.len()];
        for (index, node) in graph.nodes().iter().enumerate() {
            for input in node.inputs.iter().filter(|_| on_path[index]) {
                readers[input.0].push(NodeId(index));
            }
        }
        let only = |readers: &Vec<NodeId>| match readers[..] {
            [reader] => Some(reader),
            _ => None,
        };
        let mut arrangement = Self {
            graph,
            to,
            only_reader: readers.iter().map(only).collect(),
            places: vec![None; on_path.len()],
            on_path,
            last: HashMap::new(),
        };
        arrangement.lay_out(&|id| size(id).iter().product());
        arrangement
    }

    pub(super) fn place(&self, id: NodeId) -> Option<Place> {
        self.places[id.0]
    }

    /// The root whose memory is free once this node has been visited, if this is the last node in
    /// it.
    pub(super) fn is_last(&self, id: NodeId) -> Option<NodeId> {
        let root = self.places[id.0]?.root;
        (self.last.get(&root) == Some(&id)).then_some(root)
    }

    /// The only reader of a node, if the node's gradient is not asked for.
    fn hidden_behind(&self, id: NodeId) -> Option<NodeId> {
        self.only_reader[id.0].filter(|_| !self.to.contains(&id))
    }

    fn operation(&self, id: NodeId) -> &'g Operation {
        &self.graph.node(id).operation
    }

    /// The batch normalisation behind a convolution whose scale is folded into the weights of the
    /// convolution's gradient.
    pub(super) fn folded_norm(&self, convolution: NodeId) -> Option<NodeId> {
        self.hidden_behind(convolution)
            .filter(|&reader| matches!(self.operation(reader), Operation::BatchNorm(_)))
    }

    /// Whether the scale of a normalisation is folded into the convolution in front of it.
    pub(super) fn is_folded(&self, norm: NodeId) -> bool {
        let input = self.graph.node(norm).inputs[0];
        matches!(self.operation(input), Operation::Convolution(_))
            && self.folded_norm(input) == Some(norm)
    }

    /// The ReLU in front of a convolution whose mask the convolution's gradient applies.
    pub(super) fn gate(&self, convolution: NodeId) -> Option<NodeId> {
        let input = self.graph.node(convolution).inputs[0];
        let alone = self.hidden_behind(input) == Some(convolution);
        (alone && matches!(self.operation(input), Operation::Relu)).then_some(input)
    }

    /// The normalisation in front of such a ReLU, if the convolution's gradient applies its scale
    /// too.
    pub(super) fn norm_before(&self, gate: NodeId) -> Option<NodeId> {
        let input = self.graph.node(gate).inputs[0];
        let is_norm = matches!(
            self.operation(input),
            Operation::BatchNorm(_) | Operation::Affine { .. }
        );
        let passes = is_norm && self.hidden_behind(input) == Some(gate) && !self.is_folded(input);
        passes.then_some(input)
    }

    /// The average pool behind a convolution that changes places with it: the gradient goes through
    /// the convolution first, on fewer pixels, and is spread over the windows afterwards. The
    /// memory of the convolution's gradient then holds that of the pooled input.
    pub(super) fn swapped(&self, convolution: NodeId) -> Option<(NodeId, Window)> {
        let reader = self.hidden_behind(convolution)?;
        match (self.operation(convolution), self.operation(reader)) {
            (Operation::Convolution(parameters), Operation::AveragePool(window)) => {
                parameters.swaps_with(window).then_some((reader, *window))
            }
            _ => None,
        }
    }

    fn lay_out(&mut self, size: &impl Fn(NodeId) -> usize) {
        let mut claimed = vec![false; self.places.len()];
        for index in (0..self.places.len()).rev() {
            let id = NodeId(index);
            if !self.on_path[index] {
                continue;
            }
            // The gradient of a concatenation that is asked for must stay as it is, and its parts
            // may get more from their other readers.
            let joins = matches!(self.operation(id), Operation::Concat) && !self.to.contains(&id);
            if self.places[index].is_none() {
                let upon_parts = joins.then(|| self.upon_parts(id, size)).flatten();
                let place = upon_parts.or_else(|| self.upon_reader(id, &mut claimed));
                let own = Place {
                    root: id,
                    offset: 0,
                };
                self.places[index] = Some(place.unwrap_or(own));
            }
            if let Some(place) = self.places[index] {
                self.last.insert(place.root, id);
                if joins {
                    self.place_parts(id, place, size);
                }
            }
        }
    }

    /// The place of a concatenation whose parts already lie side by side.
    fn upon_parts(&self, concat: NodeId, size: &impl Fn(NodeId) -> usize) -> Option<Place> {
        let inputs = &self.graph.node(concat).inputs;
        let first = self.places[inputs.first()?.0]?;
        let mut next = first;
        for &input in inputs {
            if self.places[input.0] != Some(next) {
                return None;
            }
            next.offset += size(input);
        }
        Some(first)
    }

    /// The place of the only reader, if that changes the gradient in place.
    fn upon_reader(&self, id: NodeId, claimed: &mut [bool]) -> Option<Place> {
        let reader = self.only_reader[id.0]?;
        let in_place = match self.operation(reader) {
            Operation::Relu
            | Operation::Affine { .. }
            | Operation::BatchNorm(_)
            | Operation::Flatten => true,
            // The other inputs get copies.
            Operation::Sum { .. } => !std::mem::replace(&mut claimed[reader.0], true),
            _ => false,
        };
        self.places[reader.0].filter(|_| in_place)
    }

    fn place_parts(&mut self, concat: NodeId, place: Place, size: &impl Fn(NodeId) -> usize) {
        let inputs = &self.graph.node(concat).inputs;
        let mut next = place;
        for &input in inputs {
            let once = inputs.iter().filter(|&&other| other == input).count() == 1;
            if once && self.places[input.0].is_none() {
                self.places[input.0] = Some(next);
            }
            next.offset += size(input);
        }
    }
}
