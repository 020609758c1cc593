//! Extents of convolutions and pooling windows.
//!
//! The graph states them and the devices compute with them, so that they belong to neither.

/// Channels, kernel and windows of a two-dimensional convolution. Pairs are `[rows, columns]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConvolutionGeometry {
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Extent of the kernel.
    pub kernel: [usize; 2],
    /// Distance between windows.
    pub stride: [usize; 2],
    /// Zeros added on each side.
    pub padding: [usize; 2],
    /// Distance between the taps of the kernel.
    pub dilation: [usize; 2],
    /// Number of groups of channels that do not see each other.
    pub groups: usize,
}

impl ConvolutionGeometry {
    /// A square kernel without dilation or groups.
    #[must_use]
    pub fn square(
        in_channels: usize,
        out_channels: usize,
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> Self {
        Self {
            in_channels,
            out_channels,
            kernel: [kernel; 2],
            stride: [stride; 2],
            padding: [padding; 2],
            dilation: [1; 2],
            groups: 1,
        }
    }

    /// Height and width of the output for an input of this height and width, or `None` where the
    /// kernel is larger than the padded input.
    #[must_use]
    pub fn output_size(&self, input: [usize; 2]) -> Option<[usize; 2]> {
        let extent = |axis: usize| {
            let kernel = (self.kernel[axis].checked_sub(1)?) * self.dilation[axis] + 1;
            Some(
                (input[axis] + 2 * self.padding[axis]).checked_sub(kernel)? / self.stride[axis] + 1,
            )
        };
        Some([extent(0)?, extent(1)?])
    }

    /// Number of weights.
    #[must_use]
    pub fn weight_len(&self) -> usize {
        self.out_channels * (self.in_channels / self.groups) * self.kernel[0] * self.kernel[1]
    }

    /// Floating-point operations for one image with an output of this height and width.
    #[must_use]
    pub fn operations(&self, output: [usize; 2]) -> usize {
        2 * self.weight_len() * output[0] * output[1]
    }

    pub(crate) fn check(&self, weight: &[f32]) {
        let positive = [self.kernel, self.stride, self.dilation]
            .concat()
            .iter()
            .all(|&x| x > 0);
        assert!(positive && self.groups > 0, "an extent of 0 in {self:?}");
        assert!(
            self.in_channels.is_multiple_of(self.groups)
                && self.out_channels.is_multiple_of(self.groups),
            "channels do not divide into the groups of {self:?}"
        );
        assert_eq!(
            weight.len(),
            self.weight_len(),
            "number of weights of {self:?}"
        );
    }

    pub(crate) fn in_group(&self) -> usize {
        self.in_channels / self.groups
    }

    pub(crate) fn out_group(&self) -> usize {
        self.out_channels / self.groups
    }
}

/// A sliding window `[rows, columns]`; windows that would start beyond the padded plane are left
/// out (PyTorch's `ceil_mode=False`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Extent of the window.
    pub kernel: [usize; 2],
    /// Distance between windows.
    pub stride: [usize; 2],
    /// Rows and columns added on each side.
    pub padding: [usize; 2],
}

impl Window {
    /// A square window.
    #[must_use]
    pub fn square(kernel: usize, stride: usize, padding: usize) -> Self {
        Self {
            kernel: [kernel; 2],
            stride: [stride; 2],
            padding: [padding; 2],
        }
    }

    /// Rows and columns of the result for a plane of the given size, or `None` where no window
    /// fits.
    #[must_use]
    pub fn output_size(&self, size: [usize; 2]) -> Option<[usize; 2]> {
        let along = |axis: usize| {
            let padded = size[axis] + 2 * self.padding[axis];
            Some(padded.checked_sub(self.kernel[axis])? / self.stride[axis] + 1)
        };
        Some([along(0)?, along(1)?])
    }
}
