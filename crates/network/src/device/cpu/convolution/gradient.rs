//! The gradient of a convolution with respect to its input.
//!
//! It is a convolution of the output's gradient with the kernel turned round.

use super::pointwise::Pointwise;
use super::strided::StridedGradient;
use super::winograd::Winograd;
use super::{Algorithm, ConvolutionGeometry, Finish};
use crate::device::cpu::mask::Mask;
use crate::device::cpu::planes::{Planes, PlanesMut};
use crate::device::{Gate, GradientEpilogue, ReluMask};
use mednet_simd::InstructionSet;

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
    Strided(StridedGradient),
    Winograd(Winograd),
}

impl Gate<'_, Planes<'_>, Mask> {
    /// Takes a row of the gradient through: that of an image, a channel and a row of it.
    pub(in crate::device::cpu) fn pass_row(
        &self,
        [image, channel, row]: [usize; 3],
        gradient: &mut [f32],
    ) {
        let factor = self.factor.map_or(1.0, |factor| factor[channel]);
        let pass = |gradient: &mut f32, positive: bool| {
            *gradient = if positive { *gradient * factor } else { 0.0 };
        };
        match self.mask {
            ReluMask::Values { values, affine } => {
                let (scale, shift) = (affine.scale[channel], affine.shift[channel]);
                let first = (channel * values.shape().height + row) * gradient.len();
                let values = &values.image(image)[first..][..gradient.len()];
                for (gradient, &value) in gradient.iter_mut().zip(values) {
                    pass(gradient, value * scale + shift > 0.0);
                }
            }
            ReluMask::Bits(mask) => {
                let bits = mask.bits(image, mask.position(channel, row));
                for (at, gradient) in gradient.iter_mut().enumerate() {
                    pass(gradient, bits.is_set(at));
                }
            }
        }
    }
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
            Packed::Strided(StridedGradient::new(set, &geometry, turned))
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
        epilogue: GradientEpilogue<'_, Planes<'_>, Mask>,
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
            let factors = gate.factor.map_or(to.channels, <[f32]>::len);
            assert_eq!(factors, to.channels, "factors of the gate");
            match gate.mask {
                ReluMask::Values { values, affine } => {
                    let lengths = [affine.scale.len(), affine.shift.len()];
                    assert_eq!(lengths, [to.channels; 2], "channels of the gate");
                    let values = values.shape();
                    assert!(
                        [values.images, values.channels, values.height, values.width]
                            == [to.images, to.channels, to.height, to.width],
                        "gradient of {to:?} through a gate of {values:?}"
                    );
                }
                ReluMask::Bits(mask) => {
                    assert!(mask.fits(&to), "gradient of {to:?} through another mask");
                }
            }
        }
        let finish = Finish {
            bias: &[],
            relu: false,
            average_with: None,
            gate: epilogue.gate,
            accumulate: epilogue.accumulate,
        };
        match &self.packed {
            Packed::Pointwise(packed) => {
                let gradient = input_gradient.shared();
                packed.run(self.set, output_gradient, gradient, None, &finish);
            }
            Packed::Winograd(packed) => {
                let gradient = input_gradient.shared();
                packed.run(self.set, output_gradient, gradient, None, &finish);
            }
            Packed::Strided(packed) => {
                packed.run(self.set, output_gradient, input_gradient, &finish);
            }
        }
    }
}
