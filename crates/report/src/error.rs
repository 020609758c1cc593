//! What can go wrong when something is drawn or written.

use std::path::PathBuf;

/// Why a picture, table or file could not be made.
///
/// The messages are fragments: the caller adds which sample or data set they are about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No colour map has this name.
    #[error("unknown colour map `{name}`{}; there are: {known}", did_you_mean(suggestion.as_deref()))]
    UnknownColormap {
        /// What was asked for.
        name: String,
        /// The nearest known name.
        suggestion: Option<String>,
        /// All names, separated by commas.
        known: String,
    },
    /// No table format has this name.
    #[error("unknown table format `{name}`{}; there are: {known}", did_you_mean(suggestion.as_deref()))]
    UnknownTableFormat {
        /// What was asked for.
        name: String,
        /// The nearest known name.
        suggestion: Option<String>,
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
    #[error("cannot {action} `{}`: {source}", path.display())]
    File {
        /// `create`, `write`, `back up` or `replace`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion
        .map(|name| format!(", did you mean `{name}`?"))
        .unwrap_or_default()
}

/// The known name that needs the fewest letters changed, if it is at most a third of them.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let name: Vec<char> = name.to_lowercase().chars().take(64).collect();
    known
        .map(|candidate| (edit_distance(&name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate.to_owned())
}

/// Levenshtein's distance between two words, without regard to case.
fn edit_distance(left: &[char], right: &str) -> usize {
    let right: Vec<char> = right.to_lowercase().chars().collect();
    let mut previous: Vec<usize> = (0..=right.len()).collect();
    for (row, letter) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, other) in right.iter().enumerate() {
            let replaced = previous[column] + usize::from(letter != other);
            current.push(
                replaced
                    .min(previous[column + 1] + 1)
                    .min(current[column] + 1),
            );
        }
        previous = current;
    }
    previous[right.len()]
}
