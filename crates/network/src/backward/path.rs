//! The path of a gradient through the graph, and what the forward run must keep for it.

use crate::graph::{Graph, NodeId, Operation};
use crate::keep::Keep;

impl Graph {
    /// What a forward run must keep so that [`Engine::backward`](crate::Engine::backward) can
    /// follow the gradient from the logits to these layers: the masks of the ReLUs, and the inputs
    /// of the max pools.
    #[must_use]
    pub fn needed_for_gradient(&self, to: &[NodeId]) -> Keep {
        let on_path = self.between(to);
        let mut needed = Keep::default();
        for (index, node) in self.nodes().iter().enumerate() {
            let id = NodeId(index);
            let passes = on_path[index] && node.inputs.iter().any(|input| on_path[input.0]);
            match node.operation {
                Operation::Relu if passes => {
                    let prologue = self.prologue_of_relu(id).filter(|_| !to.contains(&id));
                    match prologue {
                        // The convolution computes the normalisation and the ReLU while it reads
                        // its input, so that the ReLU's result is never written. The input of the
                        // normalisation gives the same mask.
                        Some(norm) => needed.values.push(self.node(norm).inputs[0]),
                        None => needed.masks.push(id),
                    }
                }
                Operation::MaxPool(_) if passes => needed.values.push(node.inputs[0]),
                _ => {}
            }
        }
        Keep::default().and(&needed)
    }

    /// The normalisation in front of a ReLU, if a convolution applies both to its input while it
    /// reads it.
    fn prologue_of_relu(&self, relu: NodeId) -> Option<NodeId> {
        let norm = self.node(relu).inputs[0];
        let input = *self.node(norm).inputs.first()?;
        let is = |id: NodeId, expected: fn(&Operation) -> bool| expected(&self.node(id).operation);
        let is_convolution = |o: &Operation| matches!(o, Operation::Convolution(_));
        let is_norm =
            |o: &Operation| matches!(o, Operation::BatchNorm(_) | Operation::Affine { .. });
        let taken_along = is(input, is_convolution) && self.only_reader(input) == Some(norm);
        let prologue = is(norm, is_norm)
            && !taken_along
            && self.only_reader(norm) == Some(relu)
            && is(self.only_reader(relu)?, is_convolution);
        prologue.then_some(norm)
    }

    fn only_reader(&self, id: NodeId) -> Option<NodeId> {
        let mut readers = (id.0 + 1..self.nodes().len())
            .map(NodeId)
            .filter(|&reader| self.node(reader).inputs.contains(&id));
        let reader = readers.next()?;
        readers.next().is_none().then_some(reader)
    }

    /// Whether each node lies on a path from one of `layers` to the logits.
    pub(super) fn between(&self, layers: &[NodeId]) -> Vec<bool> {
        let mut below = vec![false; self.nodes().len()];
        for (index, node) in self.nodes().iter().enumerate() {
            below[index] =
                layers.contains(&NodeId(index)) || node.inputs.iter().any(|input| below[input.0]);
        }
        let mut above = vec![false; self.nodes().len()];
        above[self.output().0] = true;
        for index in (0..above.len()).rev().filter(|&index| below[index]) {
            if above[index] {
                for input in &self.nodes()[index].inputs {
                    above[input.0] = true;
                }
            }
        }
        below
            .iter()
            .zip(above)
            .map(|(&below, above)| below && above)
            .collect()
    }
}
