//! Views of stacks of images in memory.

/// A stack of images, each `[channels, height, width]` and contiguous.
///
/// Successive images lie `image_stride` values apart, so that the first or middle channels of
/// images with more channels (the buffer of a concatenation) are a view too.
#[derive(Debug, Clone, Copy)]
pub struct Planes<'a> {
    data: &'a [f32],
    shape: Shape,
}

/// As [`Planes`], to be written to.
#[derive(Debug)]
pub struct PlanesMut<'a> {
    data: &'a mut [f32],
    shape: Shape,
}

/// How a stack of images lies in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Number of images.
    pub images: usize,
    /// Distance between the first values of two successive images.
    pub image_stride: usize,
    /// Channels of an image.
    pub channels: usize,
    /// Rows of a channel.
    pub height: usize,
    /// Values of a row.
    pub width: usize,
}

impl Shape {
    /// Values of an image.
    #[must_use]
    pub fn image_len(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Values of a channel.
    #[must_use]
    pub fn plane_len(&self) -> usize {
        self.height * self.width
    }

    /// Values from the first of the first image to the last of the last one.
    fn len(&self) -> usize {
        if self.images == 0 {
            0
        } else {
            (self.images - 1) * self.image_stride + self.image_len()
        }
    }

    fn check(&self, available: usize) {
        assert!(
            self.images <= 1 || self.image_stride >= self.image_len(),
            "images of {} values lie only {} apart",
            self.image_len(),
            self.image_stride
        );
        assert!(
            self.len() <= available,
            "{available} values are fewer than the {} of {self:?}",
            self.len()
        );
    }
}

impl<'a> Planes<'a> {
    /// A view of `data`, which begins with the first image.
    ///
    /// # Panics
    /// Where `data` is shorter than the images, or the images would overlap.
    #[must_use]
    pub fn new(data: &'a [f32], shape: Shape) -> Self {
        shape.check(data.len());
        Self { data, shape }
    }

    /// Images that follow one another without a gap.
    ///
    /// # Panics
    /// Where `data` is shorter than the images.
    #[must_use]
    pub fn dense(data: &'a [f32], [images, channels, height, width]: [usize; 4]) -> Self {
        let image_stride = channels * height * width;
        Self::new(
            data,
            Shape {
                images,
                image_stride,
                channels,
                height,
                width,
            },
        )
    }

    /// Extents and strides.
    #[must_use]
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The values of an image, `[channels, height, width]`.
    #[must_use]
    pub fn image(&self, index: usize) -> &'a [f32] {
        let start = index * self.shape.image_stride;
        &self.data[start..start + self.shape.image_len()]
    }
}

impl<'a> PlanesMut<'a> {
    /// A view of `data`, which begins with the first image.
    ///
    /// # Panics
    /// Where `data` is shorter than the images, or the images would overlap.
    #[must_use]
    pub fn new(data: &'a mut [f32], shape: Shape) -> Self {
        shape.check(data.len());
        Self { data, shape }
    }

    /// Images that follow one another without a gap.
    ///
    /// # Panics
    /// Where `data` is shorter than the images.
    #[must_use]
    pub fn dense(data: &'a mut [f32], [images, channels, height, width]: [usize; 4]) -> Self {
        let image_stride = channels * height * width;
        Self::new(
            data,
            Shape {
                images,
                image_stride,
                channels,
                height,
                width,
            },
        )
    }

    /// Extents and strides.
    #[must_use]
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The values of an image, `[channels, height, width]`.
    pub fn image_mut(&mut self, index: usize) -> &mut [f32] {
        let start = index * self.shape.image_stride;
        &mut self.data[start..start + self.shape.image_len()]
    }

    /// The same values, to be read.
    #[must_use]
    pub fn as_planes(&self) -> Planes<'_> {
        Planes {
            data: self.data,
            shape: self.shape,
        }
    }

    /// The values as tasks on several threads may write them.
    pub(crate) fn shared(&mut self) -> SharedPlanes<'_> {
        SharedPlanes {
            data: self.data.as_mut_ptr(),
            shape: self.shape,
            lifetime: std::marker::PhantomData,
        }
    }
}

/// Output that several threads write to at once, each its own values.
#[derive(Clone, Copy)]
pub(crate) struct SharedPlanes<'a> {
    data: *mut f32,
    shape: Shape,
    lifetime: std::marker::PhantomData<&'a mut [f32]>,
}

impl SharedPlanes<'_> {
    /// Where a channel of an image begins. Whoever writes there vouches that no other task
    /// touches the same values.
    pub(crate) fn channel(&self, image: usize, channel: usize) -> *mut f32 {
        assert!(image < self.shape.images && channel < self.shape.channels);
        let shape = &self.shape;
        self.data
            .wrapping_add(image * shape.image_stride + channel * shape.plane_len())
    }

    /// Extents and strides.
    pub(crate) fn shape(&self) -> &Shape {
        &self.shape
    }
}

#[allow(unsafe_code)]
// SAFETY: it is an exclusive borrow of plain numbers, handed out in parts; see `channel`.
unsafe impl Send for SharedPlanes<'_> {}
#[allow(unsafe_code)]
// SAFETY: as above; the pointer is used only in unsafe blocks that state who writes what.
unsafe impl Sync for SharedPlanes<'_> {}
