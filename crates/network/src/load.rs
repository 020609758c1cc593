//! A trained network: an architecture with the weights of a checkpoint.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use thiserror::Error;

use crate::arch::{Architecture, ArchitectureError};
use crate::checkpoint::{Checkpoint, CheckpointError, Normalizer};
use crate::graph::{Graph, Parameters};
use crate::tensor::Tensor;

/// Where the normalisation of the image comes from.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Normalization {
    /// From the checkpoint; none, if it holds none.
    #[default]
    Checkpoint,
    /// None, whatever the checkpoint says.
    None,
    /// These values, whatever the checkpoint says.
    Given(Normalizer),
}

/// Not a normalisation.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{0}` is not a normalization: expected `imagenet`, `none`, or `MEAN,STD` with a positive \
     standard deviation, such as `0.5,0.25`"
)]
pub struct NormalizationError(pub String);

impl FromStr for Normalization {
    type Err = NormalizationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || NormalizationError(text.to_owned());
        match text.to_lowercase().as_str() {
            "none" => Ok(Self::None),
            "imagenet" => Ok(Self::Given(Normalizer {
                mean: vec![0.485, 0.456, 0.406],
                std: vec![0.229, 0.224, 0.225],
            })),
            values => {
                let (mean, std) = values.split_once(',').ok_or_else(error)?;
                let mean: f32 = mean.trim().parse().map_err(|_| error())?;
                let std: f32 = std.trim().parse().map_err(|_| error())?;
                if !mean.is_finite() || !std.is_finite() || std <= 0.0 {
                    return Err(error());
                }
                Ok(Self::Given(Normalizer {
                    mean: vec![mean],
                    std: vec![std],
                }))
            }
        }
    }
}

/// A network with its weights, and where they came from.
#[derive(Debug)]
pub struct LoadedNetwork {
    /// The network.
    pub graph: Graph,
    /// The normalisation that is its first layer.
    pub normalizer: Option<Normalizer>,
    /// SHA-256 of the checkpoint file.
    pub sha256: String,
    /// What kind of file it is.
    pub format: String,
    /// Epoch after which it was written, if it says.
    pub epoch: Option<i64>,
    /// Names in the file that the network has no use for.
    pub unused: Vec<String>,
    /// Functions that Python would call when it opens the file and that do more than describe data,
    /// fit for a message; nothing was executed. See [`Checkpoint::would_execute`].
    pub would_execute: Vec<String>,
    /// Entries of the file that hold weights of the same network and were not taken, such as their
    /// moving averages in `state_dict_ema`, fit for a message. See [`Checkpoint::left_aside`].
    pub left_aside: Vec<String>,
}

/// A network could not be loaded.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The file cannot be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Its normalizer does not fit.
    #[error(transparent)]
    Architecture(#[from] ArchitectureError),
}

impl LoadedNetwork {
    /// Reads a checkpoint file and puts the network together. The number of outputs is the
    /// checkpoint's.
    ///
    /// # Errors
    /// Where the file cannot be used, or lacks weights of this architecture.
    pub fn open(
        architecture: &Architecture,
        path: &Path,
        normalization: &Normalization,
    ) -> Result<Self, LoadError> {
        let checkpoint = Checkpoint::open(path)?;
        let outputs = checkpoint
            .output_count(architecture.final_bias)
            .unwrap_or(1);
        let matched = checkpoint.match_keys(&architecture.parameters(outputs))?;
        let normalizer = match normalization {
            Normalization::Checkpoint => checkpoint.normalizer.clone(),
            Normalization::None => None,
            Normalization::Given(normalizer) => Some(normalizer.clone()),
        };
        let mut parameters = MatchedParameters(&matched.tensors);
        let graph = architecture.build(outputs, &mut parameters, normalizer.as_ref())?;
        Ok(Self {
            graph,
            normalizer,
            unused: matched.unused,
            sha256: checkpoint.sha256,
            format: checkpoint.format,
            epoch: checkpoint.epoch,
            would_execute: checkpoint.would_execute,
            left_aside: checkpoint.left_aside,
        })
    }
}

/// The weights of a checkpoint that has every weight of the network.
struct MatchedParameters<'m>(&'m BTreeMap<String, &'m Tensor>);

impl Parameters for MatchedParameters<'_> {
    fn take(&mut self, name: &str, _shape: &[usize]) -> Vec<f32> {
        self.0[name].data().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalizations_are_parsed_or_explained() {
        assert_eq!("none".parse(), Ok(Normalization::None));
        let given = Normalizer {
            mean: vec![0.5],
            std: vec![0.25],
        };
        assert_eq!("0.5, 0.25".parse(), Ok(Normalization::Given(given)));
        for wrong in ["", "0.5", "0.5,0", "a,b", "nan,1"] {
            assert!(wrong.parse::<Normalization>().is_err(), "{wrong}");
        }
    }
}
