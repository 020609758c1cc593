//! A convolutional network as plain data: named nodes, each with an operation and its inputs.
//!
//! A graph has one input (node 0) and one output (the last node, the raw logits). Every value in
//! it has a [`Shape`] `[C, H, W]` per sample; a flattened vector of `F` features is `[F, 1, 1]`.
//! Nodes are in execution order: a node's inputs come before it.

mod builder;
mod operation;
mod shape;

pub use builder::{GraphBuilder, ParameterList, Parameters};
pub use operation::{BatchNorm, Convolution, Linear, Operation};
pub use shape::{Shape, ShapeError};

/// Position of a node in [`Graph::nodes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub usize);

/// One operation of a network.
#[derive(Debug, Clone)]
pub struct Node {
    /// The path of the module in PyTorch, such as
    /// `features.denseblock4.denselayer16.conv2`; functional operations are named after what
    /// they follow or join.
    pub name: String,
    /// What is computed.
    pub operation: Operation,
    /// From which values.
    pub inputs: Vec<NodeId>,
}

/// A network from its input image to its logits.
#[derive(Debug, Clone)]
pub struct Graph {
    nodes: Vec<Node>,
    input_shape: Shape,
}

impl Graph {
    /// All nodes in execution order.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// One node.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// The node that stands for the image.
    #[must_use]
    pub fn input(&self) -> NodeId {
        NodeId(0)
    }

    /// The node whose value is the logits.
    #[must_use]
    pub fn output(&self) -> NodeId {
        NodeId(self.nodes.len() - 1)
    }

    /// Shape of the image for which the network was designed.
    #[must_use]
    pub fn input_shape(&self) -> Shape {
        self.input_shape
    }

    /// Finds a node by its name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<NodeId> {
        self.nodes
            .iter()
            .position(|node| node.name == name)
            .map(NodeId)
    }

    /// Shape of every node's value for an image of shape `input`.
    ///
    /// # Errors
    /// Names the first node that cannot take such an input.
    pub fn shapes(&self, input: Shape) -> Result<Vec<Shape>, ShapeError> {
        let mut shapes: Vec<Shape> = Vec::with_capacity(self.nodes.len());
        for (index, node) in self.nodes.iter().enumerate() {
            shapes.push(match node.operation {
                Operation::Input => input,
                _ => self.shape_from(NodeId(index), |id| shapes[id.0])?,
            });
        }
        Ok(shapes)
    }

    /// Shape of one node's value, given those of its inputs.
    pub(crate) fn shape_from(
        &self,
        id: NodeId,
        shape_of: impl Fn(NodeId) -> Shape,
    ) -> Result<Shape, ShapeError> {
        let node = self.node(id);
        let inputs: Vec<Shape> = node.inputs.iter().map(|&input| shape_of(input)).collect();
        node.operation
            .output_shape(&inputs)
            .map_err(|reason| ShapeError {
                node: node.name.clone(),
                inputs,
                reason,
            })
    }

    /// Whether the value of each node depends on the value of `ancestor` (a node depends on
    /// itself).
    #[must_use]
    pub fn depends_on(&self, ancestor: NodeId) -> Vec<bool> {
        let mut depends = vec![false; self.nodes.len()];
        depends[ancestor.0] = true;
        for (index, node) in self.nodes.iter().enumerate().skip(ancestor.0 + 1) {
            depends[index] = node.inputs.iter().any(|id| depends[id.0]);
        }
        depends
    }

    /// The values that a run from `layer` to the logits needs besides the one of `layer`: those of
    /// parallel branches (a skip connection, the other parts of a concatenation).
    #[must_use]
    pub fn beside(&self, layer: NodeId) -> Vec<NodeId> {
        let depends = self.depends_on(layer);
        let mut needed = vec![false; self.nodes.len()];
        let mut pending = vec![self.output()];
        let mut beside = Vec::new();
        while let Some(id) = pending.pop() {
            if std::mem::replace(&mut needed[id.0], true) || id == layer {
                continue;
            }
            if depends[id.0] {
                pending.extend(&self.node(id).inputs);
            } else {
                beside.push(id);
            }
        }
        beside.sort_unstable();
        beside
    }

    /// The image and every layer that adds a bias: convolutions with one and batch normalisations.
    #[must_use]
    pub fn bias_layers(&self) -> Vec<NodeId> {
        let adds_bias = |operation: &Operation| match operation {
            Operation::Convolution(convolution) => convolution.bias.is_some(),
            Operation::Input | Operation::BatchNorm(_) => true,
            _ => false,
        };
        (0..self.nodes.len())
            .filter(|&index| adds_bias(&self.nodes[index].operation))
            .map(NodeId)
            .collect()
    }

    /// Number of channels of a node's value.
    #[must_use]
    pub fn channels(&self, id: NodeId) -> usize {
        self.shapes(self.input_shape)
            .map_or(0, |shapes| shapes[id.0][0])
    }

    /// Whether all readers of a node are ReLUs.
    #[must_use]
    pub fn is_rectified(&self, id: NodeId) -> bool {
        let mut readers = self
            .nodes
            .iter()
            .filter(|node| node.inputs.contains(&id))
            .peekable();
        readers.peek().is_some() && readers.all(|node| matches!(node.operation, Operation::Relu))
    }

    /// Number of parameters that training adjusts (weights and biases; not the running statistics
    /// of batch normalisation).
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        self.nodes
            .iter()
            .map(|node| node.operation.parameter_count())
            .sum()
    }

    /// Number of logits.
    #[must_use]
    pub fn output_count(&self) -> usize {
        match &self.nodes[self.output().0].operation {
            Operation::Linear(linear) => linear.out_features,
            _ => self
                .shapes(self.input_shape)
                .map_or(0, |shapes| shapes[self.output().0][0]),
        }
    }
}
