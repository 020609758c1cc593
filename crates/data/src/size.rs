//! Extent of a picture.

/// Extent of a picture in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ImageSize {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl ImageSize {
    /// The size with this many rows and columns.
    #[must_use]
    pub fn new(height: usize, width: usize) -> Self {
        Self { height, width }
    }

    /// Rows times columns.
    #[must_use]
    pub fn pixels(self) -> u64 {
        (self.height as u64).saturating_mul(self.width as u64)
    }
}

impl std::fmt::Display for ImageSize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} x {} (height x width)", self.height, self.width)
    }
}
