//! Shapes of values and how operations change them.

use thiserror::Error;

use super::Operation;

/// Extent of one sample's value: `[C, H, W]`; a flattened vector of `F` features is `[F, 1, 1]`.
pub type Shape = [usize; 3];

/// A node cannot take inputs of the given shapes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("layer `{node}` cannot take an input of shape {inputs:?}: {reason}")]
pub struct ShapeError {
    /// Name of the node.
    pub node: String,
    /// Shapes `[C, H, W]` of its inputs.
    pub inputs: Vec<Shape>,
    /// What does not fit.
    pub reason: String,
}

impl Operation {
    /// Shape of the result for inputs of these shapes, or what does not fit.
    pub(super) fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, String> {
        let &[first, ..] = inputs else {
            return Err("it has no input".to_owned());
        };
        let [channels, height, width] = first;
        let expect_channels = |expected: usize| {
            if channels == expected {
                Ok(())
            } else {
                Err(format!("expected {expected} channels"))
            }
        };
        match self {
            Self::Input | Self::Relu => Ok(first),
            Self::Affine { scale, .. } => expect_channels(scale.len()).map(|()| first),
            Self::BatchNorm(norm) => expect_channels(norm.weight.len()).map(|()| first),
            Self::Convolution(convolution) => {
                let geometry = &convolution.geometry;
                expect_channels(geometry.in_channels)?;
                let [height, width] = geometry
                    .output_size([height, width])
                    .ok_or("the kernel is larger than the padded image")?;
                Ok([geometry.out_channels, height, width])
            }
            Self::MaxPool(window) | Self::AveragePool(window) => {
                let [height, width] = window
                    .output_size([height, width])
                    .ok_or("the window is larger than the padded image")?;
                Ok([channels, height, width])
            }
            Self::AdaptiveAveragePool {
                height: rows,
                width: columns,
            } => {
                if height == 0 || width == 0 {
                    return Err("it is empty".to_owned());
                }
                Ok([channels, *rows, *columns])
            }
            Self::Concat => {
                if inputs.iter().any(|shape| shape[1..] != first[1..]) {
                    return Err("heights or widths differ".to_owned());
                }
                Ok([inputs.iter().map(|shape| shape[0]).sum(), height, width])
            }
            Self::Sum { .. } => {
                if inputs.iter().any(|shape| shape != &first) {
                    return Err("shapes differ".to_owned());
                }
                Ok(first)
            }
            Self::Flatten => Ok([channels * height * width, 1, 1]),
            Self::Linear(linear) => {
                if first != [linear.in_features, 1, 1] {
                    return Err(format!("expected {} features", linear.in_features));
                }
                Ok([linear.out_features, 1, 1])
            }
        }
    }
}
