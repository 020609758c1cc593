//! Ablation-CAM (Ramaswamy and Desai 2020, doi:10.1109/WACV45572.2020.9093360): channels weighted
//! by how much the logit drops when they are silenced. No gradients.

use mednet_data::Mode;
use mednet_network::Tensor;
use mednet_network::graph::{Graph, NodeId, Operation, ShapeError};

use super::{Attribution, Method};
use crate::explanation::{Explanation, Needs};
use crate::map::Map;

/// Far below (or above) every activation: what it switches off stays off.
const FAR: f32 = 1e7;
/// Channels that the original ablates together.
const ORIGINAL_BATCH: usize = 32;
/// Values of altered activations that are held at once.
const BATCH_VALUES: usize = 1 << 23;

pub(super) struct AblationCam;

impl Method for AblationCam {
    fn names(&self) -> &'static [&'static str] {
        &["ablationcam"]
    }

    fn description(&self) -> &'static str {
        "channels weighted by the drop of the logit without them"
    }

    fn reference(&self) -> &'static str {
        "Ramaswamy and Desai 2020, doi:10.1109/WACV45572.2020.9093360"
    }

    fn needs(&self) -> Needs {
        Needs {
            suffix: true,
            ..Needs::default()
        }
    }

    fn attribution(&self, explanation: &dyn Explanation) -> Result<Attribution, ShapeError> {
        let activation = explanation.activation();
        let [count, height, width] = activation.image_shape();
        let plane = height * width;
        let silenced = silenced_values(explanation);
        let batch = (BATCH_VALUES / activation.data().len().max(1)).clamp(1, count + 1);
        // The last row is the whole activation: drops are small differences of logits, which must
        // come from the same sums, or rounding shows.
        let mut logits = Vec::with_capacity(count + 1);
        for first in (0..=count).step_by(batch) {
            let rows = first..(first + batch).min(count + 1);
            let mut altered = activation.data().repeat(rows.len());
            for (row, channel) in rows
                .clone()
                .enumerate()
                .filter(|(_, channel)| *channel < count)
            {
                let start = (row * count + channel) * plane;
                altered[start..start + plane].fill(silenced[channel]);
            }
            let altered = Tensor::new([rows.len(), count, height, width], altered)
                .unwrap_or_else(|| unreachable!("copies of an activation have its shape"));
            logits.extend(explanation.logits_of_activations(&altered)?);
        }
        let logit = f64::from(logits[count]);
        // The original divides by the logit, which turns all weights around where it is negative.
        let unit = if explanation.mode() == Mode::Mednet {
            logit
        } else {
            1.0
        };
        let weights: Vec<f64> = logits[..count]
            .iter()
            .map(|&ablated| (logit - f64::from(ablated)) / unit)
            .collect();
        Ok(Attribution::Layer(Map::weighted_sum(activation, &weights)))
    }
}

/// The value that silences each channel.
///
/// The original's value is 0 where no activation is negative. Otherwise it lies far below all
/// activations, and farther for each further channel of a batch, because the original computes the
/// minimum again after each channel. A batch normalisation with a negative scale behind the layer
/// turns such a value into an enormous activation; here the sign of that scale decides.
fn silenced_values(explanation: &dyn Explanation) -> Vec<f32> {
    let count = explanation.activation().image_shape()[0];
    match explanation.mode() {
        Mode::Mednet => {
            let values = explanation.activation().data();
            let minimum = values.iter().copied().fold(f32::INFINITY, f32::min);
            if minimum == 0.0 {
                return vec![0.0; count];
            }
            let mut value = minimum;
            let batches = (0..count).map(|channel| {
                value = if channel % ORIGINAL_BATCH == 0 {
                    minimum
                } else {
                    value
                } - FAR;
                value
            });
            batches.collect()
        }
        Mode::Default => {
            let mut signs = vec![Sign::None; count];
            note_signs(explanation.graph(), explanation.layer(), 0, &mut signs);
            signs.iter().map(|sign| sign.silencing_value()).collect()
        }
    }
}

/// The sign of the scales of all rectified batch normalisations that read a channel.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Sign {
    None,
    Positive,
    Negative,
    /// No single value switches the channel off everywhere.
    Mixed,
}

impl Sign {
    fn and(self, scale: f64) -> Self {
        let sign = if scale > 0.0 {
            Self::Positive
        } else {
            Self::Negative
        };
        match self {
            _ if scale == 0.0 => self,
            Self::None => sign,
            known if known == sign => sign,
            _ => Self::Mixed,
        }
    }

    fn silencing_value(self) -> f32 {
        match self {
            Self::Positive => -FAR,
            Self::Negative => FAR,
            Self::None | Self::Mixed => 0.0,
        }
    }
}

/// Notes the signs of the batch normalisations that read the layer, directly or through
/// concatenations. The channels `first..` of `id` are those of the layer.
fn note_signs(graph: &Graph, id: NodeId, first: usize, signs: &mut [Sign]) {
    for (index, reader) in graph.nodes().iter().enumerate().skip(id.0 + 1) {
        let reader_id = NodeId(index);
        let Some(position) = reader.inputs.iter().position(|&input| input == id) else {
            continue;
        };
        match &reader.operation {
            Operation::Concat => {
                let before: usize = reader.inputs[..position]
                    .iter()
                    .map(|&input| graph.channels(input))
                    .sum();
                note_signs(graph, reader_id, first + before, signs);
            }
            Operation::BatchNorm(norm) if graph.is_rectified(reader_id) => {
                let (scales, _) = norm.scale_and_shift();
                for (sign, &scale) in signs.iter_mut().zip(&scales[first..]) {
                    *sign = sign.and(scale);
                }
            }
            _ => {}
        }
    }
}
