//! The gradient of a convolution with respect to its input.
//!
//! It is a convolution of the output's gradient with the kernel turned round. With a stride, the
//! input's pixels fall into classes, each of which sees only every `stride`th tap; each class is a
//! convolution of stride 1 with those taps.

use super::implicit::{Implicit, Lattice};
use super::pointwise::Pointwise;
use super::winograd::Winograd;
use super::{Algorithm, ConvolutionGeometry, Finish, ScaleShift};
use crate::device::cpu::planes::{Planes, PlanesMut};
use crate::device::cpu::simd::InstructionSet;

/// The gradient of a convolution with respect to its input, weights packed.
#[derive(Debug, Clone)]
pub struct PackedConvolutionInputGradient {
    geometry: ConvolutionGeometry,
    set: InstructionSet,
    packed: Packed,
}

#[derive(Debug, Clone)]
enum Packed {
    Pointwise(Pointwise),
    Classes(Vec<Class>),
    Winograd(Winograd),
}

/// The input pixels `start`, `start + stride`, and so on.
#[derive(Debug, Clone)]
struct Class {
    start: [usize; 2],
    convolution: Implicit,
}

/// What is done with the gradient before it is written, in this order.
#[derive(Debug, Clone, Copy, Default)]
pub struct GradientEpilogue<'a> {
    /// Takes the gradient through a ReLU before the convolution too.
    pub gate: Option<Gate<'a>>,
    /// Adds to what the gradient holds in place of replacing it.
    pub accumulate: bool,
}

/// The gradient passes where `open.scale * values + open.shift` is positive.
#[derive(Debug, Clone, Copy)]
pub struct Gate<'a> {
    /// Values of the shape of the gradient.
    pub values: Planes<'a>,
    /// What the values go through before the ReLU.
    pub open: &'a ScaleShift,
    /// A factor for each channel of what passes: the scale of the normalisation before the ReLU.
    pub factor: Option<&'a [f32]>,
}

impl PackedConvolutionInputGradient {
    /// Packs the weights of the convolution, `[out_channels, in_channels / groups, kernel height,
    /// kernel width]`, for the fastest instruction set and the direct algorithm.
    ///
    /// # Panics
    /// Where the number of weights does not fit the geometry.
    #[must_use]
    pub fn new(geometry: ConvolutionGeometry, weight: &[f32]) -> Self {
        Self::new_for(InstructionSet::best(), Algorithm::Direct, geometry, weight)
    }

    /// As [`Self::new`], with the algorithm recommended for inputs of this height and width.
    ///
    /// # Panics
    /// Where the number of weights does not fit the geometry.
    #[must_use]
    pub fn for_input_size(
        geometry: ConvolutionGeometry,
        weight: &[f32],
        input: [usize; 2],
    ) -> Self {
        let turned = ConvolutionGeometry {
            in_channels: geometry.out_channels,
            out_channels: geometry.in_channels,
            ..geometry
        };
        let algorithm = Algorithm::recommended(&turned, input);
        Self::new_for(InstructionSet::best(), algorithm, geometry, weight)
    }

    /// As [`Self::new`], for a given instruction set and algorithm.
    ///
    /// # Panics
    /// Where the number of weights does not fit the geometry, or the algorithm does not support it.
    #[must_use]
    pub fn new_for(
        set: InstructionSet,
        algorithm: Algorithm,
        geometry: ConvolutionGeometry,
        weight: &[f32],
    ) -> Self {
        geometry.check(weight);
        assert!(
            algorithm.supports(&geometry),
            "{algorithm:?} cannot compute {geometry:?}"
        );
        let taps = geometry.kernel[0] * geometry.kernel[1];
        // Rows of the turned convolution are input channels, over all groups.
        let turned = |input: usize, output_in_group: usize, tap: usize| {
            let group = input / geometry.in_group();
            let output = group * geometry.out_group() + output_in_group;
            weight[(output * geometry.in_group() + input % geometry.in_group()) * taps + tap]
        };
        let packed = if algorithm == Algorithm::Winograd {
            Packed::Winograd(Winograd::new(
                set,
                [geometry.in_channels, geometry.out_channels],
                geometry.padding.map(|padding| 2 - padding.cast_signed()),
                |input, output, tap| turned(input, output, 8 - tap),
            ))
        } else if taps == 1
            && geometry.stride == [1; 2]
            && geometry.padding == [0; 2]
            && geometry.groups == 1
        {
            Packed::Pointwise(Pointwise::new(
                set,
                [geometry.in_channels, geometry.out_channels],
                |input, output| turned(input, output, 0),
            ))
        } else {
            let [down, across] = geometry.stride;
            let classes = (0..down * across)
                .map(|class| Class::new(set, &geometry, [class / across, class % across], turned));
            Packed::Classes(classes.collect())
        };
        Self {
            geometry,
            set,
            packed,
        }
    }

    /// Shape of the convolution, not of its gradient.
    #[must_use]
    pub fn geometry(&self) -> &ConvolutionGeometry {
        &self.geometry
    }

    /// Computes `[images, in_channels, ...]` from the gradient of the output, `[images,
    /// out_channels, ...]`, on the threads of the current rayon pool.
    ///
    /// # Panics
    /// Where the shapes do not fit the geometry.
    pub fn run(
        &self,
        output_gradient: Planes<'_>,
        input_gradient: &mut PlanesMut<'_>,
        epilogue: GradientEpilogue<'_>,
    ) {
        let (from, to) = (output_gradient.shape(), *input_gradient.shape());
        assert_eq!(from.channels, self.geometry.out_channels, "output channels");
        assert_eq!(to.channels, self.geometry.in_channels, "input channels");
        assert_eq!(from.images, to.images, "number of images");
        assert_eq!(
            self.geometry.output_size([to.height, to.width]),
            Some([from.height, from.width]),
            "output size of {:?} for {to:?}",
            self.geometry
        );
        if let Some(gate) = &epilogue.gate {
            let lengths = [
                gate.open.scale.len(),
                gate.open.shift.len(),
                gate.factor.map_or(to.channels, <[f32]>::len),
            ];
            assert_eq!(lengths, [to.channels; 3], "channels of the gate");
            let values = gate.values.shape();
            assert!(
                [values.images, values.channels, values.height, values.width]
                    == [to.images, to.channels, to.height, to.width],
                "gradient of {to:?} through a gate of {values:?}"
            );
        }
        let finish = Finish {
            bias: &[],
            relu: false,
            average_with: None,
            gate: epilogue.gate,
            accumulate: epilogue.accumulate,
        };
        let gradient = input_gradient.shared();
        match &self.packed {
            Packed::Pointwise(p) => p.run(self.set, output_gradient, gradient, None, &finish),
            Packed::Winograd(p) => p.run(self.set, output_gradient, gradient, None, &finish),
            Packed::Classes(classes) => {
                for class in classes {
                    let lattice = class.lattice(self.geometry.stride, [to.height, to.width]);
                    class.convolution.run(
                        self.set,
                        output_gradient,
                        gradient,
                        lattice,
                        None,
                        &finish,
                    );
                }
            }
        }
    }
}

impl Class {
    /// The pixels that, padding included, leave this remainder when divided by the stride.
    fn new(
        set: InstructionSet,
        geometry: &ConvolutionGeometry,
        remainder: [usize; 2],
        turned: impl Fn(usize, usize, usize) -> f32,
    ) -> Self {
        let ConvolutionGeometry {
            kernel,
            stride,
            padding,
            dilation,
            ..
        } = *geometry;
        let start = [0, 1].map(|axis| {
            (remainder[axis] + stride[axis] - padding[axis] % stride[axis]) % stride[axis]
        });
        let mut taps = Vec::new();
        let mut indices = Vec::new();
        for index in 0..kernel[0] * kernel[1] {
            let tap = [index / kernel[1], index % kernel[1]];
            if (0..2).all(|axis| tap[axis] * dilation[axis] % stride[axis] == remainder[axis]) {
                indices.push(index);
                taps.push([0, 1].map(|axis| {
                    let distance = (start[axis] + padding[axis]).cast_signed()
                        - (tap[axis] * dilation[axis]).cast_signed();
                    distance / stride[axis].cast_signed()
                }));
            }
        }
        let convolution = Implicit::new(
            set,
            [geometry.in_group(), geometry.out_group()],
            geometry.groups,
            [1; 2],
            &taps,
            |input, output, tap| turned(input, output, indices[tap]),
        );
        Self { start, convolution }
    }

    fn lattice(&self, stride: [usize; 2], size: [usize; 2]) -> Lattice {
        let count = |axis: usize| {
            size[axis]
                .saturating_sub(self.start[axis])
                .div_ceil(stride[axis])
        };
        Lattice {
            start: self.start,
            step: stride,
            size: [count(0), count(1)],
        }
    }
}
