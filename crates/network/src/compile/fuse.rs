//! Fusion: one step computes a convolution together with the batch normalisation, ReLU and sum
//! behind it and the normalisation in front of it, as far as no other node reads the values in
//! between.

use super::{Action, Step};
use crate::geometry::Window;
use crate::graph::{Graph, NodeId, Operation};

/// The steps that compute the needed nodes, in order. Flattening and concatenation get no step
/// here: the placement decides whether their values must be copied.
pub(super) fn fuse(
    graph: &Graph,
    needed: &[NodeId],
    sources: &[NodeId],
    wanted: &[NodeId],
) -> Vec<Step> {
    let mut fusion = Fusion::new(graph, needed, wanted);
    let mut steps = Vec::new();
    for &id in needed {
        if sources.contains(&id) || fusion.absorbed[id.0] {
            continue;
        }
        fusion.step(id, &mut steps);
    }
    steps
}

struct Fusion<'g> {
    graph: &'g Graph,
    /// For every node, the only needed node that reads it, if there is just one and the value is
    /// not wanted itself.
    only_reader: Vec<Option<NodeId>>,
    /// Nodes that are part of an earlier step.
    absorbed: Vec<bool>,
    /// Normalisations that a convolution applies to its input.
    prologues: Vec<Option<(NodeId, bool)>>,
}

impl<'g> Fusion<'g> {
    fn new(graph: &'g Graph, needed: &[NodeId], wanted: &[NodeId]) -> Self {
        let count = graph.nodes().len();
        let mut readers: Vec<Vec<NodeId>> = vec![Vec::new(); count];
        for &id in needed {
            for input in &graph.node(id).inputs {
                readers[input.0].push(id);
            }
        }
        let only_reader = readers
            .iter()
            .enumerate()
            .map(|(index, readers)| match readers[..] {
                [reader] if !wanted.contains(&NodeId(index)) => Some(reader),
                _ => None,
            })
            .collect();
        Self {
            graph,
            only_reader,
            absorbed: vec![false; count],
            prologues: vec![None; count],
        }
    }

    fn operation(&self, id: NodeId) -> &'g Operation {
        &self.graph.node(id).operation
    }

    /// The only reader of `id`, if its operation is one that `accepts`; it counts as computed.
    fn absorb(&mut self, id: NodeId, accepts: impl Fn(&Operation) -> bool) -> Option<NodeId> {
        let reader = self.only_reader[id.0].filter(|&reader| accepts(self.operation(reader)))?;
        self.absorbed[reader.0] = true;
        Some(reader)
    }

    fn absorb_relu(&mut self, tail: &mut NodeId) -> bool {
        let relu = self.absorb(*tail, |operation| matches!(operation, Operation::Relu));
        *tail = relu.unwrap_or(*tail);
        relu.is_some()
    }

    /// Adds the steps that start with a node.
    fn step(&mut self, id: NodeId, steps: &mut Vec<Step>) {
        let inputs = self.graph.node(id).inputs.clone();
        let mut output = id;
        let action = match self.operation(id) {
            Operation::Input | Operation::Flatten | Operation::Concat => return,
            Operation::Convolution(_) => return self.convolution(id, steps),
            Operation::Affine { .. } | Operation::BatchNorm(_) => {
                let relu = self.absorb_relu(&mut output);
                let into_convolution = self.only_reader[output.0]
                    .filter(|&reader| matches!(self.operation(reader), Operation::Convolution(_)));
                if let Some(convolution) = into_convolution {
                    self.prologues[convolution.0] = Some((id, relu));
                    return;
                }
                Action::Affine { node: id, relu }
            }
            Operation::Linear(_) => Action::Linear {
                node: id,
                relu: self.absorb_relu(&mut output),
            },
            Operation::Relu => Action::Relu,
            Operation::MaxPool(window) => Action::MaxPool(*window),
            Operation::AveragePool(window) => Action::AveragePool {
                window: *window,
                prologue: None,
            },
            Operation::AdaptiveAveragePool { .. } => Action::AdaptiveAveragePool,
            Operation::Sum { scale } => Action::Sum { scale: *scale },
        };
        steps.push(Step {
            action,
            inputs,
            output,
        });
    }

    fn convolution(&mut self, id: NodeId, steps: &mut Vec<Step>) {
        let prologue = self.prologues[id.0];
        let first = prologue.map_or(id, |(norm, _)| norm);
        let mut inputs = vec![self.graph.node(first).inputs[0]];
        if let Some((pool, window)) = self.swapped(id) {
            // The pooled input lies in memory under the name of the convolution.
            let plain = Action::Convolution {
                node: id,
                norm: None,
                prologue: None,
                relu: false,
                sum: None,
            };
            for (action, inputs, output) in [
                (Action::AveragePool { window, prologue }, inputs, id),
                (plain, vec![id], pool),
            ] {
                steps.push(Step {
                    action,
                    inputs,
                    output,
                });
            }
            return;
        }
        let mut output = id;
        let norm = self.absorb(id, |operation| matches!(operation, Operation::BatchNorm(_)));
        output = norm.unwrap_or(output);
        let relu = self.absorb_relu(&mut output);
        let sum = self.absorb_sum(id, &mut output, &mut inputs);
        steps.push(Step {
            action: Action::Convolution {
                node: id,
                norm,
                prologue,
                relu,
                sum,
            },
            inputs,
            output,
        });
    }

    /// The average pool behind a convolution that is computed in front of it.
    fn swapped(&mut self, convolution: NodeId) -> Option<(NodeId, Window)> {
        let Operation::Convolution(parameters) = self.operation(convolution) else {
            return None;
        };
        let swaps = |operation: &Operation| match operation {
            Operation::AveragePool(window) => parameters.swaps_with(window),
            _ => false,
        };
        let pool = self.absorb(convolution, swaps)?;
        match self.operation(pool) {
            &Operation::AveragePool(window) => Some((pool, window)),
            _ => None,
        }
    }

    /// The factor of a sum of the convolution's result and a value that was computed before it.
    fn absorb_sum(
        &mut self,
        convolution: NodeId,
        tail: &mut NodeId,
        inputs: &mut Vec<NodeId>,
    ) -> Option<f32> {
        let sum = self.only_reader[tail.0]?;
        let &Operation::Sum { scale } = self.operation(sum) else {
            return None;
        };
        let other = match self.graph.node(sum).inputs[..] {
            [first, second] if first == *tail => second,
            [first, second] if second == *tail => first,
            _ => return None,
        };
        // Nodes are in execution order: a later node has no value yet when the convolution runs.
        if other >= convolution {
            return None;
        }
        self.absorbed[sum.0] = true;
        inputs.push(other);
        *tail = sum;
        Some(scale)
    }
}
