//! Two-dimensional convolution: weights packed once, run on any number of images.
//!
//! As in the frameworks, "convolution" is a correlation: `output[o][y][x] = bias[o] + sum over
//! i, ky, kx of weight[o][i][ky][kx] * input[i][y * stride + ky * dilation - padding][...]`, where
//! the input is 0 outside of the image.

pub mod gradient;
mod implicit;
mod packing;
mod pointwise;
mod schedule;
mod strided;
mod winograd;

use std::ops::Range;

use super::mask::Mask;
use super::planes::{Planes, PlanesMut, SharedPlanes};
use super::target::{Affine, RowGate, RowMask, Target};
use crate::device::{Gate, ReluMask, ScaleShift};
use crate::geometry::ConvolutionGeometry;
use implicit::{Implicit, Lattice};
use mednet_simd::InstructionSet;
use pointwise::Pointwise;
use winograd::Winograd;

/// What the kernels do with the results before they write them, in this order.
#[derive(Debug, Clone, Copy, Default)]
pub struct FusedEpilogue<'a> {
    /// `max(0, y)`.
    pub relu: bool,
    /// `(y + other) / 2`, with `other` of the output's shape.
    pub average_with: Option<Planes<'a>>,
}

/// How a convolution is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// A product of matrices over all terms of the sum, in their order: 1 x 1 kernels read packed
    /// panels, larger ones shifted views of a packed tile of the image.
    Direct,
    /// Winograd's minimal filtering F(4 x 4, 3 x 3): 36 products in place of 144, for a somewhat
    /// larger error of rounding. Only for 3 x 3 kernels of stride 1 without dilation or groups.
    /// Lavin, Gray, "Fast algorithms for convolutional neural networks", CVPR 2016,
    /// arXiv:1509.09308.
    Winograd,
}

impl Algorithm {
    /// Whether it can compute such a convolution.
    #[must_use]
    pub fn supports(self, geometry: &ConvolutionGeometry) -> bool {
        match self {
            Self::Direct => true,
            Self::Winograd => {
                geometry.kernel == [3; 2]
                    && geometry.stride == [1; 2]
                    && geometry.dilation == [1; 2]
                    && geometry.groups == 1
            }
        }
    }

    /// What was measured to be faster for images with an output of this height and width.
    #[must_use]
    pub fn recommended(geometry: &ConvolutionGeometry, output: [usize; 2]) -> Self {
        if Self::Winograd.supports(geometry) && winograd::pays(geometry, output) {
            Self::Winograd
        } else {
            Self::Direct
        }
    }
}

/// A convolution with its weights packed for an instruction set.
#[derive(Debug, Clone)]
pub struct PackedConvolution {
    geometry: ConvolutionGeometry,
    set: InstructionSet,
    bias: Vec<f32>,
    packed: Packed,
}

#[derive(Debug, Clone)]
enum Packed {
    Pointwise(Pointwise),
    Implicit(Implicit),
    Winograd(Winograd),
}

impl PackedConvolution {
    /// Packs weights `[out_channels, in_channels / groups, kernel height, kernel width]` for the
    /// fastest instruction set and the direct algorithm.
    ///
    /// # Panics
    /// Where the number of weights or biases does not fit the geometry.
    #[must_use]
    pub fn new(geometry: ConvolutionGeometry, weight: &[f32], bias: Option<&[f32]>) -> Self {
        Self::new_for(
            InstructionSet::best(),
            Algorithm::Direct,
            geometry,
            weight,
            bias,
        )
    }

    /// As [`Self::new`], with the algorithm recommended for outputs of this height and width.
    ///
    /// # Panics
    /// Where the number of weights or biases does not fit the geometry.
    #[must_use]
    pub fn for_output_size(
        geometry: ConvolutionGeometry,
        weight: &[f32],
        bias: Option<&[f32]>,
        output: [usize; 2],
    ) -> Self {
        let algorithm = Algorithm::recommended(&geometry, output);
        Self::new_for(InstructionSet::best(), algorithm, geometry, weight, bias)
    }

    /// As [`Self::new`], for a given instruction set and algorithm.
    ///
    /// # Panics
    /// Where the number of weights or biases does not fit the geometry, or the algorithm does not
    /// support it.
    #[must_use]
    pub fn new_for(
        set: InstructionSet,
        algorithm: Algorithm,
        geometry: ConvolutionGeometry,
        weight: &[f32],
        bias: Option<&[f32]>,
    ) -> Self {
        geometry.check(weight);
        assert!(
            algorithm.supports(&geometry),
            "{algorithm:?} cannot compute {geometry:?}"
        );
        let bias = bias.map_or_else(Vec::new, <[f32]>::to_vec);
        assert!(
            bias.is_empty() || bias.len() == geometry.out_channels,
            "number of biases"
        );
        let packed = if algorithm == Algorithm::Winograd {
            Packed::Winograd(Winograd::new(
                set,
                [geometry.out_channels, geometry.in_channels],
                geometry.padding.map(usize::cast_signed),
                |o, i, tap| weight[(o * geometry.in_channels + i) * 9 + tap],
            ))
        } else if geometry.kernel == [1; 2]
            && geometry.stride == [1; 2]
            && geometry.padding == [0; 2]
            && geometry.groups == 1
        {
            Packed::Pointwise(Pointwise::new(
                set,
                [geometry.out_channels, geometry.in_channels],
                |o, i| weight[o * geometry.in_channels + i],
            ))
        } else {
            let [height, width] = geometry.kernel;
            let taps: Vec<[isize; 2]> = (0..height * width)
                .map(|tap| {
                    [0, 1].map(|axis| {
                        let index = if axis == 0 { tap / width } else { tap % width };
                        (index * geometry.dilation[axis]).cast_signed()
                            - geometry.padding[axis].cast_signed()
                    })
                })
                .collect();
            Packed::Implicit(Implicit::new(
                set,
                [geometry.out_group(), geometry.in_group()],
                geometry.groups,
                geometry.stride,
                &taps,
                |o, i, tap| weight[(o * geometry.in_group() + i) * height * width + tap],
            ))
        };
        Self {
            geometry,
            set,
            bias,
            packed,
        }
    }

    /// Shape of the convolution.
    #[must_use]
    pub fn geometry(&self) -> &ConvolutionGeometry {
        &self.geometry
    }

    /// Computes `[images, out_channels, ...]` from `[images, in_channels, ...]` on the threads of
    /// the current rayon pool.
    ///
    /// # Panics
    /// Where the shapes do not fit the geometry.
    pub fn run(
        &self,
        input: Planes<'_>,
        output: &mut PlanesMut<'_>,
        prologue: Option<&ScaleShift>,
        epilogue: FusedEpilogue<'_>,
    ) {
        let (from, to) = (input.shape(), output.shape());
        assert_eq!(from.channels, self.geometry.in_channels, "input channels");
        assert_eq!(to.channels, self.geometry.out_channels, "output channels");
        assert_eq!(from.images, to.images, "number of images");
        assert_eq!(
            self.geometry.output_size([from.height, from.width]),
            Some([to.height, to.width]),
            "output size of {:?} for {from:?}",
            self.geometry
        );
        if let Some(prologue) = prologue {
            assert_eq!(
                prologue.scale.len(),
                from.channels,
                "scales of the prologue"
            );
            assert_eq!(
                prologue.shift.len(),
                from.channels,
                "shifts of the prologue"
            );
        }
        if let Some(other) = epilogue.average_with {
            let other = other.shape();
            assert!(
                [other.images, other.channels, other.height, other.width]
                    == [to.images, to.channels, to.height, to.width],
                "averaging {to:?} with {other:?}"
            );
        }
        let lattice = Lattice::dense([to.height, to.width]);
        let finish = Finish {
            bias: &self.bias,
            relu: epilogue.relu,
            average_with: epilogue.average_with,
            gate: None,
            accumulate: false,
        };
        let output = output.shared();
        match &self.packed {
            Packed::Pointwise(p) => p.run(self.set, input, output, prologue, &finish),
            Packed::Implicit(p) => p.run(self.set, input, output, lattice, prologue, &finish),
            Packed::Winograd(p) => p.run(self.set, input, output, prologue, &finish),
        }
    }
}

/// What is done with the sums of a whole layer.
#[derive(Clone, Copy, Default)]
struct Finish<'a> {
    bias: &'a [f32],
    relu: bool,
    average_with: Option<Planes<'a>>,
    gate: Option<Gate<'a, Planes<'a>, Mask>>,
    accumulate: bool,
}

impl<'a> Finish<'a> {
    /// The part of it for some channels of an image.
    fn target(
        &self,
        output: SharedPlanes<'_>,
        image: usize,
        channels: Range<usize>,
        step: usize,
    ) -> Target<'a> {
        let plane = output.shape().plane_len();
        let first = channels.start;
        Target {
            output: output.channel(image, first),
            plane,
            step,
            bias: if self.bias.is_empty() {
                &[]
            } else {
                &self.bias[channels.clone()]
            },
            relu: self.relu,
            average_with: self
                .average_with
                .map(|o| o.image(image)[first * plane..].as_ptr()),
            gate: self.gate.map(|gate| RowGate {
                mask: match gate.mask {
                    ReluMask::Values { values, affine } => RowMask::Values(Affine {
                        values: values.image(image)[first * plane..].as_ptr(),
                        scale: &affine.scale[channels.clone()],
                        shift: &affine.shift[channels.clone()],
                    }),
                    ReluMask::Bits(mask) => RowMask::Bits(mask.bits(image, first * plane)),
                },
                factor: gate.factor.map_or(&[], |factor| &factor[channels.clone()]),
            }),
            accumulate: self.accumulate,
        }
    }
}
