//! Parts of device memory that hold a value for a batch of images.

/// Where the value of one node lies in a buffer, for every image of a batch.
///
/// The `channels * height * width` values of an image are contiguous. Images are `image_stride`
/// values apart, so that some channels of a larger concatenation are a layout too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// First value of the first image.
    pub offset: usize,
    /// Number of images.
    pub images: usize,
    /// Distance between the first values of neighbouring images.
    pub image_stride: usize,
    /// Channels of an image.
    pub channels: usize,
    /// Rows of a channel.
    pub height: usize,
    /// Columns of a channel.
    pub width: usize,
}

impl Layout {
    /// Values of shape `[C, H, W]` for `images` images, without gaps.
    #[must_use]
    pub fn dense(images: usize, [channels, height, width]: [usize; 3]) -> Self {
        let image_stride = channels * height * width;
        Self {
            offset: 0,
            images,
            image_stride,
            channels,
            height,
            width,
        }
    }

    /// Number of values of one channel.
    #[must_use]
    pub fn plane(&self) -> usize {
        self.height * self.width
    }

    /// Number of values of one image.
    #[must_use]
    pub fn image(&self) -> usize {
        self.channels * self.plane()
    }

    /// Shape of one image's value.
    #[must_use]
    pub fn shape(&self) -> [usize; 3] {
        [self.channels, self.height, self.width]
    }

    /// The layout of some of the channels.
    #[must_use]
    pub fn channels(&self, first: usize, count: usize) -> Self {
        Self {
            offset: self.offset + first * self.plane(),
            channels: count,
            ..*self
        }
    }
}

/// A value to be read.
#[derive(Debug)]
pub struct Region<'b, B> {
    /// Memory of the device.
    pub buffer: &'b B,
    /// Where in it.
    pub layout: Layout,
}

// Not derived: a region is a reference and can be copied whatever the buffer is.
impl<B> Clone for Region<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<B> Copy for Region<'_, B> {}

/// A value to be written.
#[derive(Debug)]
pub struct RegionMut<'b, B> {
    /// Memory of the device.
    pub buffer: &'b mut B,
    /// Where in it.
    pub layout: Layout,
}
