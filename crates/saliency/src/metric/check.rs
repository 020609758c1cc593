//! Whether a map can be scored at all.

use thiserror::Error;

use crate::map::{Map, Survey};

/// Why a map cannot be scored.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum MapError {
    /// A map of another image, model or size.
    #[error(
        "the map is {found_height} x {found_width} (height x width), expected {height} x {width}; \
         was it made for another model or image size?"
    )]
    Shape {
        /// Rows of the map.
        found_height: usize,
        /// Columns of the map.
        found_width: usize,
        /// Rows expected.
        height: usize,
        /// Columns expected.
        width: usize,
    },
    /// A value is NaN or infinite.
    #[error("the map holds {value} at row {row}, column {column}, expected finite numbers")]
    NotFinite {
        /// The value.
        value: f32,
        /// Row of the first such value, from 0.
        row: usize,
        /// Column of the first such value, from 0.
        column: usize,
    },
}

/// Checks that a map has this size and finite values only.
///
/// # Errors
/// [`MapError`].
pub fn check(map: &Map, height: usize, width: usize) -> Result<(), MapError> {
    check_survey(map, map.survey(), height, width)
}

/// As [`check`], for a map whose values were looked at already.
///
/// # Errors
/// [`MapError`].
pub fn check_survey(
    map: &Map,
    survey: Survey,
    height: usize,
    width: usize,
) -> Result<(), MapError> {
    if (map.height, map.width) != (height, width) {
        return Err(MapError::Shape {
            found_height: map.height,
            found_width: map.width,
            height,
            width,
        });
    }
    let first = || map.values.iter().position(|value| !value.is_finite());
    match (!survey.finite).then(first).flatten() {
        None => Ok(()),
        Some(position) => Err(MapError::NotFinite {
            value: map.values[position],
            row: position / width,
            column: position % width,
        }),
    }
}
