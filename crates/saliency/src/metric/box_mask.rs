//! The pixels that any of the boxes of an image covers.

use std::ops::Range;

use mednet_data::{BoundingBox, ImageSize};

/// The union of half-open boxes on a canvas `[H, W]`: what two boxes cover counts once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoxMask {
    runs: Vec<Range<usize>>,
}

impl BoxMask {
    /// The union of the boxes, as far as they lie on the canvas.
    #[must_use]
    pub fn new(boxes: &[BoundingBox], canvas: ImageSize) -> Self {
        let boxes: Vec<[usize; 4]> = boxes
            .iter()
            .map(|part| part.clamped(canvas))
            .filter(|part| !part.is_empty())
            // Clamped: not negative, and not larger than the canvas.
            .map(|part| [part.x1, part.y1, part.x2, part.y2].map(|edge| edge as usize))
            .collect();
        let top = boxes.iter().map(|part| part[1]).min().unwrap_or(0);
        let bottom = boxes.iter().map(|part| part[3]).max().unwrap_or(0);
        let mut runs: Vec<Range<usize>> = Vec::new();
        for row in top..bottom {
            let across = boxes
                .iter()
                .filter(|part| (part[1]..part[3]).contains(&row));
            let mut in_row: Vec<[usize; 2]> = across.map(|part| [part[0], part[2]]).collect();
            in_row.sort_unstable();
            let mut end = 0;
            for [x1, x2] in in_row {
                let x1 = x1.max(end);
                if x1 < x2 {
                    runs.push(row * canvas.width + x1..row * canvas.width + x2);
                    end = x2;
                }
            }
        }
        Self { runs }
    }

    /// The pixels covered: ranges of positions `row * W + column`, in order, each within a row.
    #[must_use]
    pub fn runs(&self) -> &[Range<usize>] {
        &self.runs
    }

    /// Number of pixels covered.
    #[must_use]
    pub fn area(&self) -> usize {
        self.runs.iter().map(ExactSizeIterator::len).sum()
    }
}
