//! Score-CAM (Wang et al. 2020, arXiv:1910.01279): channels weighted by the logit that is left
//! when only what they show of the image is kept. No gradients.
//!
//! Each channel is enlarged to the image (bilinear, corners aligned), scaled to `[0, 1]` and
//! multiplied with the image; the softmax of the logits over the channels is their weight.

use mednet_network::Tensor;
use mednet_network::graph::ShapeError;
use rayon::prelude::*;

use super::{Attribution, Method, channels};
use crate::explanation::{Explanation, Needs};
use crate::map::{Map, aligned_taps, extremes, interpolate_plane};

const EPSILON: f32 = 1e-8;
/// Values of masked images that are computed together: bounds the memory.
const BATCH_VALUES: usize = 1 << 20;

pub(super) struct ScoreCam;

impl Method for ScoreCam {
    fn names(&self) -> &'static [&'static str] {
        &["scorecam"]
    }

    fn description(&self) -> &'static str {
        "channels weighted by the logit of the image masked with them"
    }

    fn reference(&self) -> &'static str {
        "Wang et al. 2020, arXiv:1910.01279"
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn attribution(&self, explanation: &dyn Explanation) -> Result<Attribution, ShapeError> {
        let image = explanation.image();
        let [image_channels, height, width] = image.image_shape();
        let [_, layer_height, layer_width] = explanation.activation().image_shape();
        let rows = aligned_taps(layer_height, height);
        let columns = aligned_taps(layer_width, width);
        let planes: Vec<&[f32]> = channels(explanation.activation()).collect();
        let mut logits = Vec::with_capacity(planes.len());
        let batch = (BATCH_VALUES / image.data().len().max(1)).max(rayon::current_num_threads());
        for batch in planes.chunks(batch) {
            let mut masked = Tensor::zeros([batch.len(), image_channels, height, width]);
            masked
                .data_mut()
                .par_chunks_mut(image_channels * height * width)
                .zip(batch)
                .for_each(|(masked, plane)| {
                    let size = [layer_height, layer_width];
                    let mask = unit_mask(interpolate_plane(plane, size, &rows, &columns));
                    let image = image.data().chunks_exact(mask.len());
                    for (masked, image) in masked.chunks_exact_mut(mask.len()).zip(image) {
                        for ((masked, &image), &mask) in masked.iter_mut().zip(image).zip(&mask) {
                            *masked = image * mask;
                        }
                    }
                });
            logits.extend(explanation.logits_of_images(&masked)?);
        }
        let map = Map::weighted_sum(explanation.activation(), &softmax(&logits));
        Ok(Attribution::Layer(map))
    }
}

/// `(x - min) / (max - min + 1e-8)`.
fn unit_mask(mut values: Vec<f32>) -> Vec<f32> {
    let [minimum, maximum] = extremes(&values);
    for value in &mut values {
        *value = (*value - minimum) / (maximum - minimum + EPSILON);
    }
    values
}

fn softmax(logits: &[f32]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = logits
        .iter()
        .map(|&logit| (f64::from(logit) - f64::from(largest)).exp())
        .collect();
    let total: f64 = powers.iter().sum();
    powers.iter().map(|power| power / total).collect()
}
