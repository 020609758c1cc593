//! Extents of a convolution.

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
    /// Rows and columns of the output for an input of the given size, or `None` where the kernel
    /// does not fit into the padded input.
    #[must_use]
    pub fn output_size(&self, size: [usize; 2]) -> Option<[usize; 2]> {
        let along = |axis: usize| {
            let extent = self.dilation[axis] * (self.kernel[axis] - 1) + 1;
            let padded = size[axis] + 2 * self.padding[axis];
            Some(padded.checked_sub(extent)? / self.stride[axis] + 1)
        };
        Some([along(0)?, along(1)?])
    }
}
