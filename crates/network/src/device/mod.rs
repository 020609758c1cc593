//! Devices: what a machine must be able to do so that a network can run on it.
//!
//! [`Device`] is the list of primitives; running a graph forwards and backwards is written once
//! above it. All primitives take whole batches: shapes are `[N, C, H, W]`.

pub mod cpu;
mod region;

pub use cpu::Cpu;
pub use region::{Layout, Region, RegionMut};

use crate::geometry::{ConvolutionGeometry, Window};

/// `scale[c] x + shift[c]` for each channel, then perhaps `max(., 0)`.
#[derive(Debug, Clone, PartialEq)]
pub struct ScaleShift {
    /// Factor for each channel.
    pub scale: Vec<f32>,
    /// Summand for each channel.
    pub shift: Vec<f32>,
    /// Whether negative results become zero.
    pub relu: bool,
}

/// What a device does with the result of a convolution before it writes it, in this order.
#[derive(Debug)]
pub struct Epilogue<'b, B> {
    /// Negative values become zero.
    pub relu: bool,
    /// The result becomes `factor * (result + other)`.
    pub sum: Option<(Region<'b, B>, f32)>,
}

/// What a device does with the gradient of a convolution or of an average pool before it writes it,
/// in this order. `V` is a value to read and `M` a ReLU mask, as the device or its kernels have
/// them.
#[derive(Debug)]
pub struct GradientEpilogue<'b, V, M> {
    /// Takes the gradient through a ReLU in front of it.
    pub gate: Option<Gate<'b, V, M>>,
    /// Adds to what the gradient holds in place of replacing it.
    pub accumulate: bool,
}

/// A ReLU that a gradient goes through.
#[derive(Debug)]
pub struct Gate<'b, V, M> {
    /// Where the gradient passes.
    pub mask: ReluMask<'b, V, M>,
    /// A factor for each channel of what passes: the scale of the normalisation before the ReLU.
    pub factor: Option<&'b [f32]>,
}

/// Where a gradient passes a ReLU.
#[derive(Debug)]
pub enum ReluMask<'b, V, M> {
    /// Where `affine.scale * values + affine.shift` is positive.
    Values {
        /// Values of the shape of the gradient.
        values: V,
        /// What the values go through before the ReLU.
        affine: &'b ScaleShift,
    },
    /// Where the ReLU's result is known to be positive.
    Bits(&'b M),
}

impl<V, M> Default for GradientEpilogue<'_, V, M> {
    fn default() -> Self {
        Self {
            gate: None,
            accumulate: false,
        }
    }
}

// Not derived: a mask is only referred to and can be copied whatever it is.
impl<V: Copy, M> Clone for GradientEpilogue<'_, V, M> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<V: Copy, M> Copy for GradientEpilogue<'_, V, M> {}
impl<V: Copy, M> Clone for Gate<'_, V, M> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<V: Copy, M> Copy for Gate<'_, V, M> {}
impl<V: Copy, M> Clone for ReluMask<'_, V, M> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<V: Copy, M> Copy for ReluMask<'_, V, M> {}

impl<'b, V: Copy, M> GradientEpilogue<'b, V, M> {
    /// The same, with another view of the values.
    #[must_use]
    pub fn with_values<W>(&self, view: impl Fn(V) -> W) -> GradientEpilogue<'b, W, M> {
        let gate = self.gate.map(|Gate { mask, factor }| Gate {
            mask: match mask {
                ReluMask::Values { values, affine } => ReluMask::Values {
                    values: view(values),
                    affine,
                },
                ReluMask::Bits(mask) => ReluMask::Bits(mask),
            },
            factor,
        });
        GradientEpilogue {
            gate,
            accumulate: self.accumulate,
        }
    }
}

/// The primitives of a machine that can run networks.
///
/// Weights are prepared once, while other threads may wait for them: the primitives that prepare
/// them must not wait for tasks of the current rayon pool. After a panic in a primitive, whatever
/// it was to write is not read by anybody, and its memory is used again.
///
/// Inputs and outputs never overlap. Gradients are those of a scalar with respect to the input of
/// the primitive, given the gradient with respect to its output; they replace what `input_gradient`
/// held, unless said otherwise.
pub trait Device: Send + Sync + Sized + 'static {
    /// Memory of the device, counted in `f32`.
    type Buffer: Send + Sync;
    /// A bit for each value of a region.
    type Mask: Send + Sync;
    /// Weights of a convolution, packed for the device.
    type Convolution: Send + Sync;
    /// Weights of a convolution, packed for the gradient of its input.
    type ConvolutionGradient: Send + Sync;
    /// Weights of a fully connected layer.
    type Linear: Send + Sync;

    /// What people call it, such as `cpu`.
    fn name(&self) -> String;

    /// Memory for that many values, with any content.
    fn allocate(&self, length: usize) -> Self::Buffer;
    /// Number of values that a buffer holds.
    fn length(&self, buffer: &Self::Buffer) -> usize;
    /// Copies values of the host, without gaps, to the device.
    fn upload(&self, values: &[f32], output: RegionMut<'_, Self::Buffer>);
    /// Copies values to the host, without gaps; `values` has their number.
    fn download(&self, input: Region<'_, Self::Buffer>, values: &mut [f32]);
    /// The values where they lie, if that is in host memory and without gaps.
    fn host<'b>(&self, input: Region<'b, Self::Buffer>) -> Option<&'b [f32]>;
    /// Copies a value; an input of one image is repeated for all images of the output.
    fn copy(&self, input: Region<'_, Self::Buffer>, output: RegionMut<'_, Self::Buffer>);

    /// Packs the weights `[O, I / groups, KH, KW]` and biases `[O]` of a convolution, for results
    /// of this many rows and columns.
    fn prepare_convolution(
        &self,
        geometry: &ConvolutionGeometry,
        weight: &[f32],
        bias: Option<&[f32]>,
        output_size: [usize; 2],
    ) -> Self::Convolution;
    /// Convolution. The prologue applies to the input but not to the zeros that pad it.
    fn convolution(
        &self,
        convolution: &Self::Convolution,
        prologue: Option<&ScaleShift>,
        input: Region<'_, Self::Buffer>,
        output: RegionMut<'_, Self::Buffer>,
        epilogue: &Epilogue<'_, Self::Buffer>,
    );
    /// Packs the weights of a convolution for [`Device::convolution_gradient`], for inputs of this
    /// many rows and columns.
    fn prepare_convolution_gradient(
        &self,
        geometry: &ConvolutionGeometry,
        weight: &[f32],
        input_size: [usize; 2],
    ) -> Self::ConvolutionGradient;
    /// Gradient of a convolution with respect to its input.
    fn convolution_gradient(
        &self,
        convolution: &Self::ConvolutionGradient,
        output_gradient: Region<'_, Self::Buffer>,
        input_gradient: RegionMut<'_, Self::Buffer>,
        epilogue: &GradientEpilogue<'_, Region<'_, Self::Buffer>, Self::Mask>,
    );

    /// Packs the weights `[O, I]` and biases `[O]` of a fully connected layer.
    fn prepare_linear(&self, outputs: usize, weight: &[f32], bias: &[f32]) -> Self::Linear;
    /// Fully connected layer, with a ReLU or without.
    fn linear(
        &self,
        linear: &Self::Linear,
        relu: bool,
        input: Region<'_, Self::Buffer>,
        output: RegionMut<'_, Self::Buffer>,
    );
    /// Gradient of a fully connected layer.
    fn linear_gradient(
        &self,
        linear: &Self::Linear,
        output_gradient: Region<'_, Self::Buffer>,
        input_gradient: RegionMut<'_, Self::Buffer>,
    );

    /// Scales and shifts each channel.
    fn affine(
        &self,
        affine: &ScaleShift,
        input: Region<'_, Self::Buffer>,
        output: RegionMut<'_, Self::Buffer>,
    );
    /// `max(x, 0)`.
    fn relu(&self, input: Region<'_, Self::Buffer>, output: RegionMut<'_, Self::Buffer>);
    /// The ReLU mask of values: where they are positive. Not-a-number is not positive.
    fn positive(&self, values: Region<'_, Self::Buffer>) -> Self::Mask;
    /// Keeps the gradient within the mask of the ReLU; the rest becomes zero.
    fn relu_gradient(&self, mask: &Self::Mask, gradient: RegionMut<'_, Self::Buffer>);
    /// Multiplies each channel by its factor.
    fn scale(&self, factor: &[f32], values: RegionMut<'_, Self::Buffer>);
    /// Sets all values to zero.
    fn clear(&self, values: RegionMut<'_, Self::Buffer>);
    /// `factor * (x_1 + x_2 + ...)`.
    fn sum(
        &self,
        factor: f32,
        inputs: &[Region<'_, Self::Buffer>],
        output: RegionMut<'_, Self::Buffer>,
    );
    /// Adds a value to another.
    fn accumulate(&self, input: Region<'_, Self::Buffer>, output: RegionMut<'_, Self::Buffer>);

    /// Maximum of each window.
    fn max_pool(
        &self,
        window: &Window,
        input: Region<'_, Self::Buffer>,
        output: RegionMut<'_, Self::Buffer>,
    );
    /// Hands each gradient to the first maximum of its window.
    fn max_pool_gradient(
        &self,
        window: &Window,
        input: Region<'_, Self::Buffer>,
        output_gradient: Region<'_, Self::Buffer>,
        input_gradient: RegionMut<'_, Self::Buffer>,
    );
    /// Average of each window, padding counted. The prologue applies to the input but not to the
    /// zeros that pad it.
    fn average_pool(
        &self,
        window: &Window,
        prologue: Option<&ScaleShift>,
        input: Region<'_, Self::Buffer>,
        output: RegionMut<'_, Self::Buffer>,
    );
    /// Spreads the gradient of each average over its window.
    fn average_pool_gradient(
        &self,
        window: &Window,
        output_gradient: Region<'_, Self::Buffer>,
        input_gradient: RegionMut<'_, Self::Buffer>,
        epilogue: &GradientEpilogue<'_, Region<'_, Self::Buffer>, Self::Mask>,
    );
    /// Averages over a grid of windows that covers the plane; window `i` of `n` over `extent` rows
    /// is rows `floor(i extent / n)` to `ceil((i + 1) extent / n)`.
    fn adaptive_average_pool(
        &self,
        input: Region<'_, Self::Buffer>,
        output: RegionMut<'_, Self::Buffer>,
    );
    /// Spreads the gradient of each average over its window.
    fn adaptive_average_pool_gradient(
        &self,
        output_gradient: Region<'_, Self::Buffer>,
        input_gradient: RegionMut<'_, Self::Buffer>,
    );
}
