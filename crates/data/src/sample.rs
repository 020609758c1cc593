//! One radiograph with what is known about it.

use crate::BoundingBox;

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

/// What the data set says about a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// One number: 0 or 1 of a binary task, or the index of a class.
    Single(i64),
    /// One 0 or 1 for each of several classes.
    Multiple(Vec<u8>),
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
