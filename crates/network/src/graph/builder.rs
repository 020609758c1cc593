//! Writing a network down: one description gives both the list of its parameters and the graph.

use super::{BatchNorm, Convolution, Graph, Linear, Node, NodeId, Operation, Shape, ShapeError};
use crate::geometry::{ConvolutionGeometry, Window};

/// Where a [`GraphBuilder`] takes the values of parameters from.
pub trait Parameters {
    /// The values of the parameter `name`, row-major in the given shape.
    fn take(&mut self, name: &str, shape: &[usize]) -> Vec<f32>;
}

/// Collects names and shapes of the parameters of a network, in the order of its description. The
/// graph that is built from it has the right structure; its vectors are zeros, its larger parameters
/// are empty.
#[derive(Debug, Default)]
pub struct ParameterList(pub Vec<(String, Vec<usize>)>);

impl Parameters for ParameterList {
    fn take(&mut self, name: &str, shape: &[usize]) -> Vec<f32> {
        self.0.push((name.to_owned(), shape.to_vec()));
        match *shape {
            [length] => vec![0.0; length],
            _ => Vec::new(),
        }
    }
}

/// Adds nodes to a graph, asking for the parameters that each of them needs.
pub struct GraphBuilder<'p> {
    graph: Graph,
    shapes: Vec<Shape>,
    parameters: &'p mut dyn Parameters,
    error: Option<ShapeError>,
}

impl<'p> GraphBuilder<'p> {
    /// Starts a graph with its input.
    pub fn new(input_shape: Shape, parameters: &'p mut dyn Parameters) -> (Self, NodeId) {
        let input = Node {
            name: "input".to_owned(),
            operation: Operation::Input,
            inputs: Vec::new(),
        };
        let graph = Graph {
            nodes: vec![input],
            input_shape,
        };
        (
            Self {
                graph,
                shapes: vec![input_shape],
                parameters,
                error: None,
            },
            NodeId(0),
        )
    }

    /// The finished graph; its output is the node that was added last.
    ///
    /// # Errors
    /// Names the first node whose inputs do not fit it.
    pub fn finish(self) -> Result<Graph, ShapeError> {
        self.error.map_or(Ok(self.graph), Err)
    }

    /// Shape of a node's value for the nominal input.
    #[must_use]
    pub fn shape(&self, id: NodeId) -> Shape {
        self.shapes[id.0]
    }

    /// Adds any operation.
    pub fn add(&mut self, name: &str, operation: Operation, inputs: &[NodeId]) -> NodeId {
        let shapes: Vec<Shape> = inputs.iter().map(|&id| self.shape(id)).collect();
        let shape = operation.output_shape(&shapes).unwrap_or_else(|reason| {
            let node = name.to_owned();
            self.error.get_or_insert(ShapeError {
                node,
                inputs: shapes.clone(),
                reason,
            });
            [0, 0, 0]
        });
        self.shapes.push(shape);
        self.graph.nodes.push(Node {
            name: name.to_owned(),
            operation,
            inputs: inputs.to_vec(),
        });
        NodeId(self.graph.nodes.len() - 1)
    }

    /// Adds `(x - mean) / std`.
    pub fn normalize(&mut self, name: &str, input: NodeId, mean: &[f32], std: &[f32]) -> NodeId {
        let scale: Vec<f32> = std
            .iter()
            .map(|&std| (1.0 / f64::from(std)) as f32)
            .collect();
        let shift = mean
            .iter()
            .zip(std)
            .map(|(&mean, &std)| (-f64::from(mean) / f64::from(std)) as f32)
            .collect();
        self.add(name, Operation::Affine { scale, shift }, &[input])
    }

    /// Adds a convolution with a square kernel, parameters `NAME.weight` and, if asked for,
    /// `NAME.bias`.
    pub fn convolution(
        &mut self,
        name: &str,
        input: NodeId,
        out_channels: usize,
        window: Window,
        bias: bool,
    ) -> NodeId {
        let geometry = ConvolutionGeometry {
            in_channels: self.shape(input)[0],
            out_channels,
            kernel: window.kernel,
            stride: window.stride,
            padding: window.padding,
            dilation: [1, 1],
            groups: 1,
        };
        let [kernel_height, kernel_width] = window.kernel;
        let shape = [
            out_channels,
            geometry.in_channels,
            kernel_height,
            kernel_width,
        ];
        let weight = self.parameters.take(&format!("{name}.weight"), &shape);
        let bias = bias.then(|| {
            self.parameters
                .take(&format!("{name}.bias"), &[out_channels])
        });
        self.add(
            name,
            Operation::Convolution(Convolution {
                geometry,
                weight,
                bias,
            }),
            &[input],
        )
    }

    /// Adds a batch normalisation, parameters `NAME.weight`, `NAME.bias`, `NAME.running_mean` and
    /// `NAME.running_var`.
    pub fn batch_norm(&mut self, name: &str, input: NodeId) -> NodeId {
        let channels = [self.shape(input)[0]];
        let mut take = |what: &str| self.parameters.take(&format!("{name}.{what}"), &channels);
        let norm = BatchNorm {
            weight: take("weight"),
            bias: take("bias"),
            running_mean: take("running_mean"),
            running_variance: take("running_var"),
            epsilon: 1e-5,
        };
        self.add(name, Operation::BatchNorm(norm), &[input])
    }

    /// Adds `max(x, 0)`.
    pub fn relu(&mut self, name: &str, input: NodeId) -> NodeId {
        self.add(name, Operation::Relu, &[input])
    }

    /// Adds a flattening and a fully connected layer, parameters `NAME.weight` and `NAME.bias`.
    pub fn linear(&mut self, name: &str, input: NodeId, out_features: usize) -> NodeId {
        let in_features = self.shape(input)[0];
        let weight = self
            .parameters
            .take(&format!("{name}.weight"), &[out_features, in_features]);
        let bias = self
            .parameters
            .take(&format!("{name}.bias"), &[out_features]);
        let linear = Linear {
            in_features,
            out_features,
            weight,
            bias,
        };
        self.add(name, Operation::Linear(linear), &[input])
    }
}
