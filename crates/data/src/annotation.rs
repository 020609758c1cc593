//! What a radiologist marked in an image.

use crate::size::ImageSize;

/// An axis-aligned box in pixels of the image it belongs to.
///
/// Coordinates run right (`x`) and down (`y`) from the top left corner. The box is half-open: it
/// covers columns `x1..x2` and rows `y1..y2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BoundingBox {
    /// First column inside the box.
    pub x1: i64,
    /// First row inside the box.
    pub y1: i64,
    /// First column right of the box.
    pub x2: i64,
    /// First row below the box.
    pub y2: i64,
}

impl BoundingBox {
    /// The box with the top left corner (`x`, `y`) and the given extent.
    #[must_use]
    pub fn from_corner_and_size(x: i64, y: i64, width: i64, height: i64) -> Self {
        Self {
            x1: x,
            y1: y,
            x2: x.saturating_add(width),
            y2: y.saturating_add(height),
        }
    }

    /// The part of the box on a canvas of the given size; empty (`x1 == x2` or `y1 == y2`) where
    /// the box lies outside.
    #[must_use]
    pub fn clamped(self, canvas: ImageSize) -> Self {
        let width = i64::try_from(canvas.width).unwrap_or(i64::MAX);
        let height = i64::try_from(canvas.height).unwrap_or(i64::MAX);
        Self {
            x1: self.x1.clamp(0, width),
            y1: self.y1.clamp(0, height),
            x2: self.x2.clamp(0, width),
            y2: self.y2.clamp(0, height),
        }
    }

    /// Whether the box covers no pixel.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.x1 >= self.x2 || self.y1 >= self.y2
    }
}
