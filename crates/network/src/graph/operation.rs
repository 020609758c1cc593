//! The operations that a node can have, with their parameters.

use crate::geometry::{ConvolutionGeometry, Window};

/// What a node computes. Shapes are per sample, `[C, H, W]`.
#[derive(Debug, Clone)]
pub enum Operation {
    /// The image.
    Input,
    /// `y = scale[c] x + shift[c]`: the normalisation of the image, `scale = 1 / std`,
    /// `shift = -mean / std`.
    Affine {
        /// Factor for each channel.
        scale: Vec<f32>,
        /// Summand for each channel.
        shift: Vec<f32>,
    },
    /// Two-dimensional convolution.
    Convolution(Convolution),
    /// Batch normalisation with the running statistics (Ioffe and Szegedy 2015,
    /// arXiv:1502.03167).
    BatchNorm(BatchNorm),
    /// `max(x, 0)`.
    Relu,
    /// Maximum of a window; padding never wins.
    MaxPool(Window),
    /// Average of a window; padding counts as zeros.
    AveragePool(Window),
    /// Average over each of a grid of `height` by `width` windows that covers the plane.
    AdaptiveAveragePool {
        /// Rows of the result.
        height: usize,
        /// Columns of the result.
        width: usize,
    },
    /// Concatenates the channels of its inputs in order.
    Concat,
    /// `scale * (x_1 + x_2 + ...)`.
    Sum {
        /// Factor of the sum: 1 for a residual connection, 0.5 for the mean of two branches.
        scale: f32,
    },
    /// `[C, H, W]` to `[C H W, 1, 1]`.
    Flatten,
    /// Fully connected layer on a flattened value.
    Linear(Linear),
}

/// Parameters of a convolution.
#[derive(Debug, Clone)]
pub struct Convolution {
    /// Channels, kernel, stride, padding, dilation and groups.
    pub geometry: ConvolutionGeometry,
    /// `[out_channels, in_channels / groups, kernel height, kernel width]`.
    pub weight: Vec<f32>,
    /// `[out_channels]`.
    pub bias: Option<Vec<f32>>,
}

/// Parameters of a batch normalisation over `C` channels.
#[derive(Debug, Clone)]
pub struct BatchNorm {
    /// `gamma`, `[C]`.
    pub weight: Vec<f32>,
    /// `beta`, `[C]`.
    pub bias: Vec<f32>,
    /// `[C]`.
    pub running_mean: Vec<f32>,
    /// `[C]`.
    pub running_variance: Vec<f32>,
    /// Added to the variance.
    pub epsilon: f64,
}

impl BatchNorm {
    /// The factor and the summand of each channel, in double precision:
    /// `gamma / sqrt(var + eps)` and `beta - mean * gamma / sqrt(var + eps)`.
    #[must_use]
    pub fn scale_and_shift(&self) -> (Vec<f64>, Vec<f64>) {
        let scale: Vec<f64> = self
            .weight
            .iter()
            .zip(&self.running_variance)
            .map(|(&weight, &variance)| {
                f64::from(weight) / (f64::from(variance) + self.epsilon).sqrt()
            })
            .collect();
        let shift = scale
            .iter()
            .zip(&self.bias)
            .zip(&self.running_mean)
            .map(|((&scale, &bias), &mean)| f64::from(bias) - f64::from(mean) * scale)
            .collect();
        (scale, shift)
    }
}

/// Parameters of a fully connected layer.
#[derive(Debug, Clone)]
pub struct Linear {
    /// Length of the input.
    pub in_features: usize,
    /// Length of the output.
    pub out_features: usize,
    /// `[out_features, in_features]`.
    pub weight: Vec<f32>,
    /// `[out_features]`.
    pub bias: Vec<f32>,
}

impl Convolution {
    /// Whether an average pool behind it gives the same as one in front of it, and is cheaper
    /// there: so it is for a kernel of one tap, which then sees fewer pixels.
    pub(crate) fn swaps_with(&self, averages: &Window) -> bool {
        let geometry = &self.geometry;
        let one_tap =
            (geometry.kernel, geometry.stride, geometry.padding) == ([1; 2], [1; 2], [0; 2]);
        one_tap && averages.padding == [0; 2] && averages.stride != [1; 2]
    }
}

impl Operation {
    /// A short name for people.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Affine { .. } => "affine",
            Self::Convolution(_) => "convolution",
            Self::BatchNorm(_) => "batch norm",
            Self::Relu => "relu",
            Self::MaxPool(_) => "max pool",
            Self::AveragePool(_) => "average pool",
            Self::AdaptiveAveragePool { .. } => "adaptive average pool",
            Self::Concat => "concat",
            Self::Sum { .. } => "sum",
            Self::Flatten => "flatten",
            Self::Linear(_) => "linear",
        }
    }

    /// Number of trained parameters.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        match self {
            Self::Convolution(convolution) => {
                convolution.weight.len() + convolution.bias.as_ref().map_or(0, Vec::len)
            }
            Self::BatchNorm(norm) => norm.weight.len() + norm.bias.len(),
            Self::Linear(linear) => linear.weight.len() + linear.bias.len(),
            _ => 0,
        }
    }
}
