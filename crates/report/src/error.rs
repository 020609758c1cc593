//! What can go wrong when something is drawn or written.

use std::path::PathBuf;

use mednet_base::file::FileError;

/// Why a picture, table or file could not be made.
///
/// The messages are fragments: the caller adds which sample or data set they are about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No colour map has this name.
    #[error("unknown colour map `{name}`{hint}; there are: {known}")]
    UnknownColormap {
        /// What was asked for.
        name: String,
        /// The end of the message: a proposal, or nothing.
        hint: String,
        /// All names, separated by commas.
        known: String,
    },
    /// No table format has this name.
    #[error("unknown table format `{name}`{hint}; there are: {known}")]
    UnknownTableFormat {
        /// What was asked for.
        name: String,
        /// The end of the message: a proposal, or nothing.
        hint: String,
        /// All names, separated by commas.
        known: String,
    },
    /// The number of values does not fit the stated shape, or the shape is empty.
    #[error(
        "the {what} has {values} values, which does not fit its shape {channels} x {height} x {width} \
         (1 or 3 channels, at least one row and one column)"
    )]
    Shape {
        /// `image` or `saliency map`.
        what: &'static str,
        /// Number of values found.
        values: usize,
        /// Channels stated.
        channels: usize,
        /// Rows stated.
        height: usize,
        /// Columns stated.
        width: usize,
    },
    /// Image and map differ in height or width.
    #[error(
        "the saliency map is {map_height} x {map_width} (rows x columns), but the image is \
         {image_height} x {image_width}; was the map made with another model or image size?"
    )]
    SizesDiffer {
        /// Rows of the map.
        map_height: usize,
        /// Columns of the map.
        map_width: usize,
        /// Rows of the image.
        image_height: usize,
        /// Columns of the image.
        image_width: usize,
    },
    /// A value is NaN or infinite.
    #[error(
        "the {what} holds {value} at row {row}, column {column}, where a finite number is expected"
    )]
    NotFinite {
        /// `image` or `saliency map`.
        what: &'static str,
        /// NaN, inf or -inf.
        value: f32,
        /// Row of the first such value.
        row: usize,
        /// Column of the first such value.
        column: usize,
    },
    /// The original refuses maps above 1.
    #[error(
        "the saliency map reaches {maximum}, but compat mode expects values up to 1; scale the map, or leave compat mode"
    )]
    MapAboveOne {
        /// The largest value found.
        maximum: f32,
    },
    /// An option lies outside its range.
    #[error("{option} is {value}, expected {expected}")]
    Option {
        /// Name of the option.
        option: &'static str,
        /// What was given.
        value: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// A montage or plot was given parts that do not fit together.
    #[error("{what}: expected {expected}, found {found}")]
    Mismatch {
        /// Which parts.
        what: String,
        /// How many were expected.
        expected: usize,
        /// How many were found.
        found: usize,
    },
    /// The output name has an ending that no writer knows.
    #[error("cannot tell from the name `{}` what to write; end it in .png or .pdf", path.display())]
    UnknownEnding {
        /// The output asked for.
        path: PathBuf,
    },
    /// A picture is too large to be drawn or encoded.
    #[error(
        "a picture of {width} x {height} pixels cannot be drawn; ask for fewer columns or a lower resolution"
    )]
    TooLarge {
        /// Columns asked for.
        width: u64,
        /// Rows asked for.
        height: u64,
    },
    /// The encoder refused a picture.
    #[error("a picture could not be encoded: {reason}")]
    Encoding {
        /// What the encoder said.
        reason: String,
    },
    /// A file or folder could not be written.
    #[error(transparent)]
    File(#[from] FileError),
}
