//! The pixels that any of the boxes of an image covers.

use mednet_data::{BoundingBox, ImageSize};

/// The union of half-open boxes on a canvas `[H, W]`: what two boxes cover counts once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoxMask {
    inside: Vec<bool>,
    area: usize,
}

impl BoxMask {
    /// The union of the boxes, as far as they lie on the canvas.
    #[must_use]
    pub fn new(boxes: &[BoundingBox], canvas: ImageSize) -> Self {
        let mut inside = vec![false; canvas.height * canvas.width];
        for part in boxes.iter().map(|part| part.clamped(canvas)) {
            if part.is_empty() {
                continue;
            }
            // Clamped: not negative, and not larger than the canvas.
            let [x1, y1, x2, y2] = [part.x1, part.y1, part.x2, part.y2].map(|edge| edge as usize);
            for row in y1..y2 {
                inside[row * canvas.width..][x1..x2].fill(true);
            }
        }
        let area = inside.iter().filter(|inside| **inside).count();
        Self { inside, area }
    }

    /// For each pixel, row by row, whether a box covers it.
    #[must_use]
    pub fn inside(&self) -> &[bool] {
        &self.inside
    }

    /// Number of pixels covered.
    #[must_use]
    pub fn area(&self) -> usize {
        self.area
    }
}
