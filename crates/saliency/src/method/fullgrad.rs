//! FullGrad (Srinivas and Fleuret 2019, arXiv:1905.00780) in the form of pytorch-grad-cam: input
//! times gradient, and bias times gradient of every layer that adds one, each channel scaled to
//! `[0, 1]` and enlarged, all added up.
//!
//! The enlargement is linear, so that channels of one resolution are added before they are
//! enlarged.

use std::collections::BTreeMap;

use mednet_network::graph::{Graph, NodeId, Operation, ShapeError};

use super::{Method, channels};
use crate::explanation::{Explanation, Needs};
use crate::map::{Map, scale_to_unit};

pub(super) struct FullGrad;

impl Method for FullGrad {
    fn names(&self) -> &'static [&'static str] {
        &["fullgrad"]
    }

    fn description(&self) -> &'static str {
        "input and biases times their gradients, over all layers"
    }

    fn reference(&self) -> &'static str {
        "Srinivas and Fleuret 2019, arXiv:1905.00780"
    }

    fn needs(&self) -> Needs {
        Needs {
            bias_gradients: true,
            ..Needs::default()
        }
    }

    fn uses_layer(&self) -> bool {
        false
    }

    fn map(&self, explanation: &dyn Explanation) -> Result<Map, ShapeError> {
        let graph = explanation.graph();
        let image = explanation.image();
        let [_, height, width] = image.image_shape();
        let mut sums: BTreeMap<(usize, usize), Vec<f64>> = BTreeMap::new();
        explanation.visit_gradients(&graph.bias_layers(), &mut |id, gradient| {
            let [_, rows, columns] = gradient.image_shape();
            let sum = sums
                .entry((rows, columns))
                .or_insert_with(|| vec![0.0; rows * columns]);
            let factors = Factors::of(graph, id);
            for (channel, gradient) in channels(&gradient).enumerate() {
                let mut product: Vec<f32> = match &factors {
                    Factors::Image => {
                        let image = image.data()[channel * rows * columns..].iter();
                        gradient
                            .iter()
                            .zip(image)
                            .map(|(g, x)| (g * x).abs())
                            .collect()
                    }
                    Factors::Bias(bias) => {
                        gradient.iter().map(|g| (g * bias[channel]).abs()).collect()
                    }
                };
                scale_to_unit(&mut product);
                for (sum, &value) in sum.iter_mut().zip(&product) {
                    *sum += f64::from(value);
                }
            }
        });
        let mut total = vec![0.0_f64; height * width];
        for ((rows, columns), sum) in sums {
            let enlarged = Map::from_sums(rows, columns, &sum).resize(height, width);
            for (total, &value) in total.iter_mut().zip(&enlarged.values) {
                *total += f64::from(value);
            }
        }
        let mut map = Map::from_sums(height, width, &total);
        scale_to_unit(&mut map.values);
        Ok(map)
    }
}

/// What the gradient of a layer is multiplied with.
enum Factors {
    Image,
    /// One value for each channel.
    Bias(Vec<f32>),
}

impl Factors {
    fn of(graph: &Graph, id: NodeId) -> Self {
        match &graph.node(id).operation {
            Operation::Convolution(convolution) => {
                Self::Bias(convolution.bias.clone().unwrap_or_default())
            }
            Operation::BatchNorm(norm) => {
                #[expect(clippy::cast_possible_truncation, reason = "gradients are f32")]
                let bias = norm
                    .scale_and_shift()
                    .1
                    .iter()
                    .map(|&shift| shift as f32)
                    .collect();
                Self::Bias(bias)
            }
            _ => Self::Image,
        }
    }
}
