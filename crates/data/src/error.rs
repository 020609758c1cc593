//! Everything that can go wrong between the files on disk and a sample.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use mednet_base::text::{escaped, escaped_line};

use crate::size::ImageSize;

/// A path for a message: file names may hold what moves the cursor of a terminal.
pub(crate) fn shown(path: &Path) -> String {
    escaped_line(&path.to_string_lossy()).into_owned()
}

/// A name for a message, in one line and without control characters.
pub(crate) fn named(name: &str) -> Cow<'_, str> {
    escaped_line(name)
}

/// An error of this crate: what was wrong, where, and what can be done about it.
///
/// The messages hold no control character but line feeds, whatever the names they are about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No data module has this name.
    #[error(
        "unknown data set `{}`{hint} (a path to a split file ends in .json, .json.gz or .json.bz2)",
        named(name)
    )]
    UnknownDataModule {
        /// What was asked for.
        name: String,
        /// The end of the message: a proposal, or nothing.
        hint: String,
    },

    /// The name is one of the original's, but its partition of the samples is not in this program.
    #[error(
        "data set `{}` is known, but its split is not part of this program ({reason}); write it as a split file (.json) and give its path instead",
        named(name)
    )]
    NoSplit {
        /// What was asked for.
        name: String,
        /// Why it is not there.
        reason: &'static str,
    },

    /// No database has this name.
    #[error("unknown database `{}`{hint}; expected one of {known}", named(name))]
    UnknownDatabase {
        /// What was asked for.
        name: String,
        /// The end of the message: a proposal, or nothing.
        hint: String,
        /// All names, for the message.
        known: String,
    },

    /// A file or folder could not be read.
    #[error("cannot read `{}`", shown(path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },

    /// A file is larger than anything of its kind should be.
    #[error(
        "`{}` is too large: more than {limit} bytes after decompression",
        shown(path)
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },

    /// A split file that is no JSON, or not of the shape of a split.
    #[error(
        "`{}` is not a split file: {}; expected {{\"DATASET\": [[\"PATH\", TARGET], ...], ...}}",
        shown(path),
        named(reason)
    )]
    SplitSyntax {
        /// The file.
        path: PathBuf,
        /// What was wrong and in which line and column.
        reason: String,
    },

    /// A split file with samples of which each has a mistake.
    #[error("`{}` holds no usable sample:{}", shown(path), reasons_of(reasons, *samples))]
    NoUsableSample {
        /// The file.
        path: PathBuf,
        /// How many there are.
        samples: usize,
        /// Where the first few are and what is wrong with each.
        reasons: Vec<String>,
    },

    /// A split file with more samples or boxes than are kept in memory.
    #[error(
        "`{}` has more than {limit} {what}, the most that are read from one file: divide it",
        shown(path)
    )]
    SplitTooLong {
        /// The file.
        path: PathBuf,
        /// `samples` or `boxes`.
        what: &'static str,
        /// The most.
        limit: usize,
    },

    /// A split of this program's own that cannot be decoded: a mistake of ours.
    #[error("the embedded split `{split}` of database `{database}` is damaged: {reason}")]
    EmbeddedSplit {
        /// The database.
        database: &'static str,
        /// The split.
        split: String,
        /// What was wrong.
        reason: String,
    },

    /// A sample name that leads out of its folder.
    #[error(
        "sample name `{}` {reason}; names are paths relative to the data directory",
        named(name)
    )]
    UnsafeName {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },

    /// Nobody said where the images of a database are.
    #[error(
        "the folder of database `{database}` is not known; set it by --datadir DIR, or by the \
         environment variable {variable}, or in `{}`:\n\n    [datadir]\n    {key} = \"/path/to/{database}\"\n",
        shown(config)
    )]
    NoDataDirectory {
        /// The database.
        database: String,
        /// Key of the table `[datadir]`.
        key: &'static str,
        /// Environment variable that would set it.
        variable: String,
        /// The configuration file that is read.
        config: PathBuf,
    },

    /// A data directory that is not there.
    #[error(
        "the folder `{}` of database `{database}`, set by {}, does not exist",
        shown(path),
        named(origin)
    )]
    DataDirectoryMissing {
        /// The database.
        database: String,
        /// The folder.
        path: PathBuf,
        /// Who set it.
        origin: String,
    },

    /// A configuration file that is not as it should be.
    #[error("`{}`: {}", shown(path), escaped(reason))]
    Configuration {
        /// The file.
        path: PathBuf,
        /// What was wrong and where.
        reason: String,
    },

    /// A picture that could not be decoded.
    #[error("cannot decode `{}`: {}", shown(path), named(reason))]
    Undecodable {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        reason: String,
    },

    /// A picture on which the decoder panicked: a fault of ours or of a library.
    #[error(
        "`{}`: the decoder failed on it ({}): convert the file, for instance to PNG",
        shown(path),
        named(what)
    )]
    DecoderFault {
        /// The file.
        path: PathBuf,
        /// What the panic said.
        what: String,
    },

    /// A picture that has too many pixels, as it is stored or after a step of the transforms.
    #[error("`{}` is too large: {}", shown(path), too_large(*stored, transformed.as_ref(), *limit))]
    ImageTooLarge {
        /// The file.
        path: PathBuf,
        /// The size of the stored picture, after the removal of black borders.
        stored: ImageSize,
        /// Where the stored picture is small enough: the step that makes it too large, in words,
        /// and the size after it.
        transformed: Option<(String, ImageSize)>,
        /// The largest number of pixels.
        limit: u64,
    },

    /// An image file with more bytes than a picture of the allowed size can need.
    #[error(
        "`{}` is too large: more than {limit} bytes, which no picture of {max_pixels} pixels needs; --max-pixels allows more",
        shown(path)
    )]
    ImageFileTooLarge {
        /// The file.
        path: PathBuf,
        /// The largest number of bytes.
        limit: u64,
        /// The largest number of pixels.
        max_pixels: u64,
    },

    /// A picture without a pixel above 0, of which border removal leaves nothing.
    #[error(
        "`{}` is black everywhere: nothing is left after the removal of black borders",
        shown(path)
    )]
    EntirelyBlack {
        /// The file.
        path: PathBuf,
    },
}

/// A line for each reason, and how many more there are.
fn reasons_of(reasons: &[String], samples: usize) -> String {
    let mut text = String::new();
    for reason in reasons {
        text.push_str("\n    ");
        text.push_str(&named(reason));
    }
    match samples.saturating_sub(reasons.len()) {
        0 => text,
        more => format!("{text}\n    and {more} more"),
    }
}

fn too_large(stored: ImageSize, transformed: Option<&(String, ImageSize)>, limit: u64) -> String {
    let (found, pixels) = match transformed {
        None => (format!("{stored}, which are"), stored.pixels()),
        Some((step, size)) => (
            format!("{stored}, and {size} after {step}, which are"),
            size.pixels(),
        ),
    };
    format!("{found} {pixels} pixels; at most {limit} are read, unless --max-pixels allows more")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_writes_to_the_terminal() {
        let hostile = "a\x1b[2J\r\u{202e}\n.png";
        let path = PathBuf::from(hostile);
        let name = hostile.to_owned();
        let reason = hostile.to_owned();
        let errors = [
            Error::UnknownDataModule {
                name: name.clone(),
                hint: String::new(),
            },
            Error::NoSplit {
                name: name.clone(),
                reason: "",
            },
            Error::UnknownDatabase {
                name: name.clone(),
                hint: String::new(),
                known: String::new(),
            },
            Error::Unreadable {
                path: path.clone(),
                source: std::io::Error::other(""),
            },
            Error::TooLarge {
                path: path.clone(),
                limit: 1,
            },
            Error::SplitSyntax {
                path: path.clone(),
                reason: reason.clone(),
            },
            Error::SplitTooLong {
                path: path.clone(),
                what: "samples",
                limit: 1,
            },
            Error::UnsafeName {
                name: name.clone(),
                reason: "",
            },
            Error::DataDirectoryMissing {
                database: "plain".to_owned(),
                path: path.clone(),
                origin: name.clone(),
            },
            Error::Undecodable {
                path: path.clone(),
                reason: reason.clone(),
            },
            Error::ImageTooLarge {
                path: path.clone(),
                stored: ImageSize::new(1, 1),
                transformed: None,
                limit: 0,
            },
            Error::ImageFileTooLarge {
                path: path.clone(),
                limit: 0,
                max_pixels: 0,
            },
            Error::DecoderFault {
                path: path.clone(),
                what: reason.clone(),
            },
            Error::EntirelyBlack { path: path.clone() },
        ];
        for error in errors {
            let text = error.to_string();
            assert!(text.contains("a\\x1b[2J\\r\\u{202e}\\n.png"), "{text}");
            assert!(!text.chars().any(char::is_control), "{text:?}");
        }
        // These may have several lines.
        let errors = [
            Error::NoUsableSample {
                path: path.clone(),
                samples: 7,
                reasons: vec![reason.clone()],
            },
            Error::Configuration {
                path: path.clone(),
                reason,
            },
            Error::NoDataDirectory {
                database: "plain".to_owned(),
                key: "plain",
                variable: String::new(),
                config: path,
            },
        ];
        for error in errors {
            let text = error.to_string();
            assert!(text.contains("a\\x1b[2J\\r\\u{202e}"), "{text}");
            assert!(
                !text.chars().any(|c| c.is_control() && c != '\n'),
                "{text:?}"
            );
        }
    }
}
