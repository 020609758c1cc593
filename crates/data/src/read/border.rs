//! Removal of black rows and columns.

use super::raster::{Raster, Samples};
use crate::annotation::BoundingBox;
use crate::size::ImageSize;

/// Which rows and columns of a picture are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    rows: Vec<bool>,
    columns: Vec<bool>,
}

impl Kept {
    /// The rows and columns that hold a value above 0 in any channel. Black rows and columns
    /// inside of the picture go too, not only those of its border.
    pub(super) fn of(raster: &Raster) -> Self {
        fn scan<T: Copy + Default + PartialEq>(
            values: &[T],
            size: ImageSize,
            channels: usize,
        ) -> Kept {
            let mut rows = vec![false; size.height];
            let mut columns = vec![false; size.width];
            for (row, kept) in values.chunks_exact(size.width * channels).zip(&mut rows) {
                for (pixel, column) in row.chunks_exact(channels).zip(&mut columns) {
                    if pixel.iter().any(|value| *value != T::default()) {
                        *column = true;
                        *kept = true;
                    }
                }
            }
            Kept { rows, columns }
        }
        match &raster.samples {
            Samples::Eight(values) => scan(values, raster.size, raster.channels),
            Samples::Sixteen(values) => scan(values, raster.size, raster.channels),
        }
    }

    /// Rows and columns that are kept.
    pub(super) fn size(&self) -> ImageSize {
        let count = |kept: &[bool]| kept.iter().filter(|kept| **kept).count();
        ImageSize::new(count(&self.rows), count(&self.columns))
    }

    /// The picture without the other rows and columns.
    pub(super) fn crop(&self, raster: Raster) -> Raster {
        fn pick<T: Copy>(values: &[T], kept: &Kept, channels: usize) -> Vec<T> {
            let width = kept.columns.len();
            let size = kept.size();
            let mut picked = Vec::with_capacity(size.height * size.width * channels);
            let kept_values = values
                .chunks_exact(width * channels)
                .zip(&kept.rows)
                .filter(|(_, kept)| **kept)
                .flat_map(|(row, _)| row.chunks_exact(channels).zip(&kept.columns))
                .filter(|(_, kept)| **kept)
                .flat_map(|(pixel, _)| pixel.iter().copied());
            picked.extend(kept_values);
            picked
        }
        let size = self.size();
        if size == raster.size {
            return raster;
        }
        let samples = match &raster.samples {
            Samples::Eight(values) => Samples::Eight(pick(values, self, raster.channels)),
            Samples::Sixteen(values) => Samples::Sixteen(pick(values, self, raster.channels)),
        };
        Raster {
            size,
            samples,
            ..raster
        }
    }

    /// The box in the cropped picture: each edge moves by the rows or columns removed before it.
    pub(super) fn move_box(&self, b: BoundingBox) -> BoundingBox {
        let before = |edge: i64, kept: &[bool]| {
            let edge = usize::try_from(edge.max(0))
                .unwrap_or(usize::MAX)
                .min(kept.len());
            let count = kept[..edge].iter().filter(|kept| **kept).count();
            i64::try_from(count).unwrap_or(i64::MAX)
        };
        BoundingBox {
            x1: before(b.x1, &self.columns),
            y1: before(b.y1, &self.rows),
            x2: before(b.x2, &self.columns),
            y2: before(b.y2, &self.rows),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removes_outer_and_inner_black_lines() {
        #[rustfmt::skip]
        let values = vec![
            0, 0, 0, 0,
            0, 5, 0, 6,
            0, 0, 0, 0,
            0, 7, 0, 0,
        ];
        let raster = Raster {
            channels: 1,
            size: ImageSize::new(4, 4),
            samples: Samples::Eight(values),
        };
        let kept = Kept::of(&raster);
        let cropped = kept.crop(raster);
        assert_eq!(cropped.size, ImageSize::new(2, 2));
        assert!(matches!(&cropped.samples, Samples::Eight(v) if *v == [5, 6, 7, 0]));
        let moved = kept.move_box(BoundingBox {
            x1: 1,
            y1: 1,
            x2: 4,
            y2: 4,
        });
        assert_eq!(
            moved,
            BoundingBox {
                x1: 0,
                y1: 0,
                x2: 2,
                y2: 2
            }
        );
        let outside = kept.move_box(BoundingBox {
            x1: -9,
            y1: 3,
            x2: 2,
            y2: i64::MAX,
        });
        assert_eq!(
            outside,
            BoundingBox {
                x1: 0,
                y1: 1,
                x2: 1,
                y2: 2
            }
        );
    }

    #[test]
    fn a_colour_pixel_is_black_only_in_all_channels() {
        let values = vec![0, 0, 0, 0, 0, 9];
        let raster = Raster {
            channels: 3,
            size: ImageSize::new(1, 2),
            samples: Samples::Eight(values),
        };
        let cropped = Kept::of(&raster).crop(raster);
        assert_eq!(cropped.size, ImageSize::new(1, 1));
        assert!(matches!(&cropped.samples, Samples::Eight(v) if *v == [0, 0, 9]));
    }
}
