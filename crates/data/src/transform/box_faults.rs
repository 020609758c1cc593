//! Boxes that do not fit the picture they are said to be drawn on.

use std::ops::AddAssign;

use super::TransformPipeline;
use crate::annotation::BoundingBox;
use crate::size::ImageSize;

/// How many boxes do not fit their picture, each counted once. Many of them mean that the boxes are
/// those of another picture, mostly of the same one at another size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct BoxFaults {
    /// No pixel of the picture is inside.
    pub outside: usize,
    /// Some pixels of the picture are inside, and part of the box is beside the picture.
    pub clipped: usize,
    /// Nothing is left after the transforms, though the box touches the picture; or its width or
    /// height is 0 from the start.
    pub vanished: usize,
}

impl BoxFaults {
    /// Whether all boxes fit.
    #[must_use]
    pub fn is_none(self) -> bool {
        self == Self::default()
    }
}

impl AddAssign for BoxFaults {
    fn add_assign(&mut self, other: Self) {
        self.outside += other.outside;
        self.clipped += other.clipped;
        self.vanished += other.vanished;
    }
}

impl TransformPipeline {
    /// Counts the boxes that do not fit a stored picture of this size, or of which these
    /// transforms leave nothing.
    #[must_use]
    pub fn box_faults(&self, boxes: &[BoundingBox], stored: ImageSize) -> BoxFaults {
        let mut faults = BoxFaults::default();
        let transformed = self.apply_to_boxes(boxes, stored);
        for (before, after) in boxes.iter().zip(transformed) {
            let visible = before.clamped(stored);
            if before.is_empty() {
                faults.vanished += 1;
            } else if visible.is_empty() {
                faults.outside += 1;
            } else if after.is_empty() {
                faults.vanished += 1;
            } else if visible != *before {
                faults.clipped += 1;
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Transform;
    use super::*;

    fn faults(outside: usize, clipped: usize, vanished: usize) -> BoxFaults {
        BoxFaults {
            outside,
            clipped,
            vanished,
        }
    }

    #[test]
    fn by_hand() {
        let stored = ImageSize::new(20, 10);
        let network = TransformPipeline::gray_square(5);
        let of = |x, y, width, height| {
            let one = BoundingBox::from_corner_and_size(x, y, width, height);
            network.box_faults(&[one], stored)
        };
        let fits = faults(0, 0, 0);
        // The whole picture; its last pixel would vanish in one of 5 x 5.
        assert_eq!(of(0, 0, 10, 20), fits);
        assert_eq!(of(9, 19, 1, 1), faults(0, 0, 1));
        assert_eq!(of(6, 12, 4, 8), fits);
        // Columns 13 to 15 of 20 become 3.25 to 3.75 of 5: less than one.
        assert_eq!(of(8, 16, 2, 4), faults(0, 0, 1));
        // Beside it on every side; on the right there is padding later.
        assert_eq!(of(10, 0, 3, 3), faults(1, 0, 0));
        assert_eq!(of(-3, 0, 3, 3), faults(1, 0, 0));
        assert_eq!(of(0, 20, 3, 3), faults(1, 0, 0));
        assert_eq!(of(0, -3, 3, 3), faults(1, 0, 0));
        assert_eq!(of(512, 700, 100, 100), faults(1, 0, 0));
        // Over the edge.
        assert_eq!(of(4, 4, 8, 8), faults(0, 1, 0));
        assert_eq!(of(-4, 4, 8, 8), faults(0, 1, 0));
        assert_eq!(of(-100, -100, 1000, 1000), faults(0, 1, 0));
        // Without any pixel, wherever they are.
        assert_eq!(of(4, 4, 0, 8), faults(0, 0, 1));
        assert_eq!(of(400, 4, 8, 0), faults(0, 0, 1));
        assert!(network.box_faults(&[], stored).is_none());
        let mut sum = faults(1, 2, 3);
        sum += faults(10, 20, 30);
        assert_eq!(sum, faults(11, 22, 33));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn as_counted_pixel_by_pixel(
            height in 1_i64..12, width in 1_i64..12,
            x in -15_i64..15, y in -15_i64..15, w in 0_i64..20, h in 0_i64..20,
            size in 1_usize..16,
        ) {
            let stored = ImageSize::new(height as usize, width as usize);
            let one = BoundingBox::from_corner_and_size(x, y, w, h);
            let inside = (y..y + h)
                .flat_map(|row| (x..x + w).map(move |column| (row, column)))
                .filter(|(row, column)| (0..height).contains(row) && (0..width).contains(column))
                .count() as i64;
            let expected = match (w * h, inside) {
                (0, _) => faults(0, 0, 1),
                (_, 0) => faults(1, 0, 0),
                (all, inside) if all > inside => faults(0, 1, 0),
                _ => faults(0, 0, 0),
            };
            let as_stored = TransformPipeline::default();
            prop_assert_eq!(as_stored.box_faults(&[one], stored), expected);
            // Enlarging leaves something of every box that touches the picture.
            let enlarged = TransformPipeline::new(vec![
                Transform::SquareCenterPad,
                Transform::Resize { size: size + 11 },
            ]);
            prop_assert_eq!(enlarged.box_faults(&[one], stored), expected);
            // Making it smaller leaves something or nothing, and moves no other box.
            let network = TransformPipeline::gray_square(size);
            let found = network.box_faults(&[one], stored);
            let after = network.apply_to_boxes(&[one], stored)[0];
            if after.is_empty() && inside > 0 {
                prop_assert_eq!(found, faults(0, 0, 1));
            } else {
                prop_assert_eq!(found, expected);
            }
        }
    }
}
