//! FullGrad (Srinivas and Fleuret 2019, arXiv:1905.00780) in the form of pytorch-grad-cam: input
//! times gradient, and bias times gradient of every layer that adds one, each channel scaled to
//! `[0, 1]` and enlarged, all added up.
//!
//! The enlargement is linear, so that channels of one resolution are added before they are
//! enlarged.

use std::collections::BTreeMap;

use mednet_network::graph::{Graph, NodeId, Operation, ShapeError};
use rayon::prelude::*;

use super::{Attribution, Method};
use crate::explanation::{Explanation, Needs};
use crate::map::{EPSILON, Map, scale_to_unit};

/// The bit of an `f32` that holds its sign.
const SIGN: u32 = 1 << 31;
/// Pixels that are added up by one thread.
const PIXELS: usize = 1 << 12;

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

    fn attribution(&self, explanation: &dyn Explanation) -> Result<Attribution, ShapeError> {
        let graph = explanation.graph();
        let image = explanation.image();
        let [_, height, width] = image.image_shape();
        let mut sums: BTreeMap<(usize, usize), Vec<f64>> = BTreeMap::new();
        explanation.visit_gradients(&graph.bias_layers(), &mut |id, gradient| {
            let [_, rows, columns] = gradient.image_shape();
            let sum = sums
                .entry((rows, columns))
                .or_insert_with(|| vec![0.0; rows * columns]);
            match bias(graph, id) {
                Some(bias) => add_scaled_channels(sum, gradient.data(), &bias),
                None => {
                    let values = gradient.data().iter().zip(image.data());
                    let product: Vec<f32> = values.map(|(g, x)| g * x).collect();
                    let channels = product.len() / (rows * columns);
                    add_scaled_channels(sum, &product, &vec![1.0; channels]);
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
        Ok(Attribution::Image(map))
    }
}

/// What a layer adds to each channel; nothing for the image.
fn bias(graph: &Graph, id: NodeId) -> Option<Vec<f32>> {
    match &graph.node(id).operation {
        Operation::Convolution(convolution) => convolution.bias.clone(),
        Operation::BatchNorm(norm) => {
            #[expect(clippy::cast_possible_truncation, reason = "gradients are f32")]
            let single = |shift: &f64| *shift as f32;
            Some(norm.scale_and_shift().1.iter().map(single).collect())
        }
        _ => None,
    }
}

/// Adds up `|factor * value|` of all channels, each scaled to `[0, 1]`.
fn add_scaled_channels(sum: &mut [f64], values: &[f32], factors: &[f32]) {
    let plane = sum.len();
    let scales: Vec<[f32; 3]> = values
        .par_chunks_exact(plane)
        .zip(factors)
        .map(|(values, factor)| {
            // Without its sign, a number's bits are in the order of its size: integers are
            // compared faster.
            let magnitudes = || values.iter().map(|value| value.to_bits() & !SIGN);
            let smallest = magnitudes().min().map_or(0.0, f32::from_bits);
            let largest = magnitudes().max().map_or(0.0, f32::from_bits);
            let factor = factor.abs();
            let minimum = factor * smallest;
            [factor, minimum, factor * largest - minimum]
        })
        .collect();
    // Pixel by pixel, the channels are added in their order.
    sum.par_chunks_mut(PIXELS)
        .enumerate()
        .for_each(|(piece, sum)| {
            for (values, &[factor, minimum, range]) in values.chunks_exact(plane).zip(&scales) {
                let values = &values[piece * PIXELS..][..sum.len()];
                for (sum, value) in sum.iter_mut().zip(values) {
                    *sum += f64::from((factor * value.abs() - minimum) / (EPSILON + range));
                }
            }
        });
}
