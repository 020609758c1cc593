//! The network architectures, one file each.
//!
//! To add one: write its file with a `pub(super) const` [`Architecture`] and add it to
//! [`ARCHITECTURES`].

mod alexnet;
mod densenet;
mod pasa;

use thiserror::Error;

use crate::checkpoint::Normalizer;
use crate::graph::{Graph, GraphBuilder, NodeId, ParameterList, Parameters, Shape, ShapeError};

/// Every architecture that the program knows.
pub const ARCHITECTURES: &[&Architecture] = &[
    &pasa::ARCHITECTURE,
    &densenet::ARCHITECTURE,
    &alexnet::ARCHITECTURE,
];

/// A family of networks that differ in their parameters and their number of outputs only.
#[derive(Debug)]
pub struct Architecture {
    /// What users call it, and its synonyms: the first is the canonical name.
    pub names: &'static [&'static str],
    /// One line for people.
    pub description: &'static str,
    /// Channels, rows and columns of the image that it takes.
    pub input_shape: Shape,
    /// The layer that saliency methods look at unless told otherwise.
    pub default_layer: &'static str,
    /// The parameter whose length is the number of outputs.
    pub final_bias: &'static str,
    /// Adds all nodes behind the (normalised) image.
    describe: fn(&mut GraphBuilder<'_>, NodeId, usize),
}

/// A network could not be put together.
#[derive(Debug, Error)]
pub enum ArchitectureError {
    /// The normaliser does not fit the image.
    #[error(
        "the normalizer has {mean} means and {std} standard deviations, expected one of each or \
         {channels} (a value for each channel of the image)"
    )]
    NormalizerChannels {
        /// Number of means.
        mean: usize,
        /// Number of standard deviations.
        std: usize,
        /// Channels of the image.
        channels: usize,
    },
    /// Layers do not fit together.
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

impl Architecture {
    /// Finds an architecture by any of its names.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        ARCHITECTURES
            .iter()
            .copied()
            .find(|architecture| architecture.names.contains(&name))
    }

    /// The canonical name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.names[0]
    }

    /// Names and shapes of all parameters of a network with that many outputs.
    #[must_use]
    pub fn parameters(&self, outputs: usize) -> Vec<(String, Vec<usize>)> {
        let mut list = ParameterList::default();
        // The descriptions are constant, so that they fit together or no test passes.
        let _ = self.build(outputs, &mut list, None);
        list.0
    }

    /// Puts the network together.
    ///
    /// # Errors
    /// Where the normaliser does not fit the image.
    pub fn build(
        &self,
        outputs: usize,
        parameters: &mut dyn Parameters,
        normalizer: Option<&Normalizer>,
    ) -> Result<Graph, ArchitectureError> {
        let (mut builder, mut value) = GraphBuilder::new(self.input_shape, parameters);
        if let Some(normalizer) = normalizer {
            let (mean, std) = for_channels(normalizer, self.input_shape[0])?;
            value = builder.normalize("normalizer", value, &mean, &std);
        }
        (self.describe)(&mut builder, value, outputs);
        Ok(builder.finish()?)
    }
}

/// Mean and standard deviation of each channel; one value stands for all channels.
fn for_channels(
    normalizer: &Normalizer,
    channels: usize,
) -> Result<(Vec<f32>, Vec<f32>), ArchitectureError> {
    let spread = |values: &[f32]| match values {
        [value] => Some(vec![*value; channels]),
        values if values.len() == channels => Some(values.to_vec()),
        _ => None,
    };
    match (spread(&normalizer.mean), spread(&normalizer.std)) {
        (Some(mean), Some(std)) => Ok((mean, std)),
        _ => Err(ArchitectureError::NormalizerChannels {
            mean: normalizer.mean.len(),
            std: normalizer.std.len(),
            channels,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imagenet() -> Normalizer {
        Normalizer {
            mean: vec![0.485, 0.456, 0.406],
            std: vec![0.229, 0.224, 0.225],
        }
    }

    struct Zeros;
    impl Parameters for Zeros {
        fn take(&mut self, _name: &str, shape: &[usize]) -> Vec<f32> {
            vec![0.0; shape.iter().product()]
        }
    }

    #[test]
    fn parameter_counts_are_those_of_the_literature() {
        for (name, outputs, expected) in [
            ("pasa", 1, 201_905),
            ("densenet", 1, 6_954_881),
            ("alexnet", 1, 42_320_705),
        ] {
            let graph = Architecture::find(name)
                .unwrap()
                .build(outputs, &mut Zeros, None)
                .unwrap();
            assert_eq!(graph.parameter_count(), expected, "{name}");
            assert_eq!(graph.output_count(), outputs);
        }
    }

    #[test]
    fn every_default_layer_exists_and_has_the_known_shape() {
        let expected = [
            ("pasa", [80, 7, 7]),
            ("densenet", [32, 16, 16]),
            ("alexnet", [256, 25, 25]),
        ];
        for (name, shape) in expected {
            let architecture = Architecture::find(name).unwrap();
            let graph = architecture.build(1, &mut Zeros, Some(&imagenet()));
            let graph = match architecture.input_shape[0] {
                1 => architecture.build(1, &mut Zeros, None).unwrap(),
                _ => graph.unwrap(),
            };
            let layer = graph.find(architecture.default_layer).unwrap();
            assert_eq!(
                graph.shapes(graph.input_shape()).unwrap()[layer.0],
                shape,
                "{name}"
            );
        }
    }

    #[test]
    fn a_normalizer_of_the_wrong_length_is_refused() {
        let pasa = Architecture::find("pasa").unwrap();
        let error = pasa.build(1, &mut Zeros, Some(&imagenet())).unwrap_err();
        assert!(
            error.to_string().contains("expected one of each or 1"),
            "{error}"
        );
    }
}
