//! One radiograph with what is known about it.

use crate::annotation::BoundingBox;
use crate::size::ImageSize;

/// A picture as the networks see it: shape `[C, H, W]`, row-major, values in `[0, 1]`.
///
/// The transforms neither round nor clamp, so that an antialiased resize may leave the range by
/// rounding errors of `f32`.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// Number of channels: 1 (gray) or 3 (red, green, blue).
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// `channels * height * width` values.
    pub pixels: Vec<f32>,
}

impl Image {
    /// Rows and columns.
    #[must_use]
    pub fn size(&self) -> ImageSize {
        ImageSize::new(self.height, self.width)
    }

    /// The values of one channel, shape `[H, W]`.
    ///
    /// # Panics
    ///
    /// If `channel` is not below `channels`, or `pixels` is shorter than the shape says.
    #[must_use]
    pub fn channel(&self, channel: usize) -> &[f32] {
        let plane = self.height * self.width;
        &self.pixels[channel * plane..(channel + 1) * plane]
    }
}

/// What the data set says about a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// One number: 0 or 1 of a binary task, or the index of a class.
    Single(i64),
    /// One 0 or 1 for each of several classes.
    Multiple(Vec<u8>),
}

impl Target {
    /// Whether the sample belongs to `label`: the number itself, or, for several classes, the
    /// class with that index is set.
    #[must_use]
    pub fn has_label(&self, label: i64) -> bool {
        match self {
            Self::Single(value) => *value == label,
            Self::Multiple(values) => usize::try_from(label)
                .ok()
                .and_then(|index| values.get(index))
                .is_some_and(|&value| value == 1),
        }
    }

    /// The class of the sample where there is exactly one: the number itself, or the index of the
    /// only class that is set (one-hot).
    #[must_use]
    pub fn single_label(&self) -> Option<i64> {
        match self {
            Self::Single(value) => Some(*value),
            Self::Multiple(values) => {
                let mut set = values.iter().enumerate().filter(|(_, value)| **value == 1);
                match (set.next(), set.next()) {
                    (Some((index, _)), None) => i64::try_from(index).ok(),
                    _ => None,
                }
            }
        }
    }
}

/// A radiograph, its name, its target and the boxes drawn on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Path relative to the data directory, as the split file writes it.
    pub name: String,
    /// What the data set says about it.
    pub target: Target,
    /// The picture.
    pub image: Image,
    /// Boxes in pixels of `image`; `None` where the data set holds none for this sample.
    pub boxes: Option<Vec<BoundingBox>>,
}
