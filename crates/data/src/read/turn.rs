//! Turning and mirroring by the orientation tag of TIFF and EXIF.

use super::raster::{Raster, Samples};
use crate::size::ImageSize;

/// The size of a picture after it was turned: orientations from 5 on exchange the sides.
pub(super) fn turned_size(size: ImageSize, orientation: u8) -> ImageSize {
    match orientation {
        5..=8 => ImageSize::new(size.width, size.height),
        _ => size,
    }
}

/// The picture as it should be looked at, by its orientation from 1 (as stored) to 8.
pub(super) fn turned(raster: Raster, orientation: u8) -> Raster {
    if !(2..=8).contains(&orientation) {
        return raster;
    }
    let Raster {
        channels,
        size,
        samples,
    } = raster;
    Raster {
        channels,
        size: turned_size(size, orientation),
        samples: match samples {
            Samples::Eight(values) => Samples::Eight(moved(&values, size, channels, orientation)),
            Samples::Sixteen(values) => {
                Samples::Sixteen(moved(&values, size, channels, orientation))
            }
        },
    }
}

fn moved<T: Copy>(values: &[T], stored: ImageSize, channels: usize, orientation: u8) -> Vec<T> {
    let size = turned_size(stored, orientation);
    let (bottom, right) = (stored.height - 1, stored.width - 1);
    let mut result = Vec::with_capacity(values.len());
    for y in 0..size.height {
        for x in 0..size.width {
            // Row and column in the stored picture.
            let (row, column) = match orientation {
                2 => (y, right - x),
                3 => (bottom - y, right - x),
                4 => (bottom - y, x),
                5 => (x, y),
                6 => (bottom - x, y),
                7 => (bottom - x, right - y),
                8 => (x, right - y),
                _ => (y, x),
            };
            let start = (row * stored.width + column) * channels;
            result.extend_from_slice(&values[start..start + channels]);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `0 1 2` above `3 4 5`, turned by hand.
    #[test]
    fn all_orientations_by_hand() {
        #[rustfmt::skip]
        let expected: [(u8, usize, [u8; 6]); 8] = [
            (1, 3, [0, 1, 2,  3, 4, 5]),
            (2, 3, [2, 1, 0,  5, 4, 3]),
            (3, 3, [5, 4, 3,  2, 1, 0]),
            (4, 3, [3, 4, 5,  0, 1, 2]),
            (5, 2, [0, 3,  1, 4,  2, 5]),
            (6, 2, [3, 0,  4, 1,  5, 2]),
            (7, 2, [5, 2,  4, 1,  3, 0]),
            (8, 2, [2, 5,  1, 4,  0, 3]),
        ];
        for (orientation, width, values) in expected {
            let picture = turned(
                Raster {
                    channels: 1,
                    size: ImageSize::new(2, 3),
                    samples: Samples::Eight(vec![0, 1, 2, 3, 4, 5]),
                },
                orientation,
            );
            assert_eq!(picture.size.width, width, "{orientation}");
            assert_eq!(
                picture.samples,
                Samples::Eight(values.to_vec()),
                "{orientation}"
            );
        }
    }
}
