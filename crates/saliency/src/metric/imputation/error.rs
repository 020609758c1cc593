//! What can be wrong with a request.

/// Largest side of an image. Beyond it, 32-bit floats are not known to be enough.
pub(super) const LARGEST_SIDE: usize = 1 << 15;

/// What is wrong with the request, or with the mask.
#[derive(Debug, thiserror::Error, Clone, PartialEq)]
#[non_exhaustive]
pub enum ImputationError {
    /// A side of the image is zero or too long.
    #[error(
        "an image of {height} x {width} pixels cannot be imputed: each side must have between 1 and {LARGEST_SIDE} pixels"
    )]
    WrongSize {
        /// Rows of the image.
        height: usize,
        /// Columns of the image.
        width: usize,
    },
    /// A mask, channel or image does not fit the system.
    #[error(
        "the {what} has {found} values, expected {expected} (or, for an image, a multiple of that)"
    )]
    WrongLength {
        /// What has the wrong length.
        what: &'static str,
        /// Values of one channel.
        expected: usize,
        /// Values given.
        found: usize,
    },
    /// Every pixel is unknown: there is nothing to impute from, and the caller decides what the
    /// image becomes.
    #[error("no pixel is known, so that there is nothing to impute the {pixels} others from")]
    NoKnownPixel {
        /// Pixels of the image.
        pixels: usize,
    },
    /// A known pixel is NaN or infinite.
    #[error("the known pixel at row {row}, column {column} is {found}, expected a finite number")]
    NonFinitePixel {
        /// Row, from 0.
        row: usize,
        /// Column, from 0.
        column: usize,
        /// Its value.
        found: f32,
    },
    /// Even the fall-back left a residual that is too large.
    #[error("the imputation did not converge: residual {residual} after the fall-back")]
    NotConverged {
        /// Largest residual over the diagonal, in the image's units.
        residual: f64,
    },
    /// The standard deviation of the noise is not a number of at least 0.
    #[error(
        "the standard deviation of the noise is {found}, expected a finite number of at least 0"
    )]
    InvalidDeviation {
        /// The value given.
        found: f32,
    },
}
