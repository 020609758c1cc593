//! A dense array of `f32` in host memory.

/// A dense, row-major array of `f32`; activations have shape `[N, C, H, W]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: Vec<f32>,
}

impl Tensor {
    /// An array of the given shape that takes over `data`, or `None` if the number of values does
    /// not fit the shape.
    #[must_use]
    pub fn new(shape: impl Into<Vec<usize>>, data: Vec<f32>) -> Option<Self> {
        let shape = shape.into();
        (element_count(&shape)? == data.len()).then_some(Self { shape, data })
    }

    /// An array of zeros.
    #[must_use]
    pub fn zeros(shape: impl Into<Vec<usize>>) -> Self {
        let shape = shape.into();
        let data = vec![0.0; shape.iter().product()];
        Self { shape, data }
    }

    /// An array whose shape and values are known to belong together.
    pub(crate) fn from_parts(shape: impl Into<Vec<usize>>, data: Vec<f32>) -> Self {
        let shape = shape.into();
        debug_assert_eq!(element_count(&shape), Some(data.len()));
        Self { shape, data }
    }

    /// Number of images of a batch: the extent along the first axis.
    #[must_use]
    pub fn images(&self) -> usize {
        self.shape.first().copied().unwrap_or(1)
    }

    /// Shape `[C, H, W]` of one image of a batch; axes that are not there have an extent of 1.
    #[must_use]
    pub fn image_shape(&self) -> [usize; 3] {
        [1, 2, 3].map(|axis| self.shape.get(axis).copied().unwrap_or(1))
    }

    /// Extent along each axis.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// All values, row-major.
    #[must_use]
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// All values, row-major.
    pub fn data_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }

    /// Gives the values away.
    #[must_use]
    pub fn into_data(self) -> Vec<f32> {
        self.data
    }
}

/// Values of a batch `[N, C, H, W]` in host memory that belong to somebody else.
#[derive(Debug, Clone, Copy)]
pub struct TensorView<'v> {
    shape: [usize; 4],
    data: &'v [f32],
}

impl<'v> TensorView<'v> {
    /// A view whose shape and values are known to belong together.
    pub(crate) fn from_parts(shape: [usize; 4], data: &'v [f32]) -> Self {
        debug_assert_eq!(element_count(&shape), Some(data.len()));
        Self { shape, data }
    }

    /// Shape `[C, H, W]` of one image.
    #[must_use]
    pub fn image_shape(&self) -> [usize; 3] {
        let [_, channels, height, width] = self.shape;
        [channels, height, width]
    }

    /// All values, row-major.
    #[must_use]
    pub fn data(&self) -> &'v [f32] {
        self.data
    }

    /// A copy of its own.
    #[must_use]
    pub fn to_tensor(&self) -> Tensor {
        Tensor::from_parts(self.shape, self.data.to_vec())
    }
}

/// The number of values of an array of this shape, or `None` where it does not fit a `usize`.
#[must_use]
pub fn element_count(shape: &[usize]) -> Option<usize> {
    shape
        .iter()
        .try_fold(1usize, |count, &extent| count.checked_mul(extent))
}
