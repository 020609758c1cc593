//! Everything that can go wrong between the files on disk and a sample.

use std::path::PathBuf;

use crate::size::ImageSize;

/// An error of this crate: what was wrong, where, and what can be done about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No data module has this name.
    #[error(
        "unknown data set `{name}`{hint} (a path to a split file ends in .json, .json.gz or .json.bz2)"
    )]
    UnknownDataModule {
        /// What was asked for.
        name: String,
        /// The end of the message: a proposal, or nothing.
        hint: String,
    },

    /// The name is one of the original's, but its partition of the samples is not in this program.
    #[error(
        "data set `{name}` is known, but its split is not part of this program ({reason}); write it as a split file (.json) and give its path instead"
    )]
    NoSplit {
        /// What was asked for.
        name: String,
        /// Why it is not there.
        reason: &'static str,
    },

    /// No database has this name.
    #[error("unknown database `{name}`{hint}; expected one of {known}")]
    UnknownDatabase {
        /// What was asked for.
        name: String,
        /// The end of the message: a proposal, or nothing.
        hint: String,
        /// All names, for the message.
        known: String,
    },

    /// A file or folder could not be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },

    /// A file is larger than anything of its kind should be.
    #[error("`{}` is too large: more than {limit} bytes after decompression", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },

    /// A split file that is no JSON, or not of the shape of a split.
    #[error("`{}` is not a split file: {reason}; expected {{\"DATASET\": [[\"PATH\", TARGET], ...], ...}}", path.display())]
    SplitSyntax {
        /// The file.
        path: PathBuf,
        /// What was wrong and in which line and column.
        reason: String,
    },

    /// One sample of a split file is not what its database holds.
    #[error("`{}`, line {line}: sample {index} of data set `{dataset}` {reason}", path.display())]
    SplitSample {
        /// The file.
        path: PathBuf,
        /// Line in the (decompressed) file, from 1.
        line: usize,
        /// Data set the sample is in.
        dataset: String,
        /// Position in the data set, from 0.
        index: usize,
        /// What was wrong.
        reason: String,
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
    #[error("sample name `{name}` {reason}; names are paths relative to the data directory")]
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
        config.display()
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
    #[error("the folder `{}` of database `{database}`, set by {origin}, does not exist", path.display())]
    DataDirectoryMissing {
        /// The database.
        database: String,
        /// The folder.
        path: PathBuf,
        /// Who set it.
        origin: String,
    },

    /// A configuration file that is not as it should be.
    #[error("`{}`: {reason}", path.display())]
    Configuration {
        /// The file.
        path: PathBuf,
        /// What was wrong and where.
        reason: String,
    },

    /// A picture that could not be decoded.
    #[error("cannot decode `{}`: {reason}", path.display())]
    Undecodable {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        reason: String,
    },

    /// A picture larger than the limits on untrusted files.
    #[error("`{}` is too large: {size}, at most {limit} pixels are read", path.display())]
    ImageTooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        size: ImageSize,
        /// The largest number of pixels.
        limit: u64,
    },

    /// A picture without a pixel above 0, of which border removal leaves nothing.
    #[error("`{}` is black everywhere: nothing is left after the removal of black borders", path.display())]
    EntirelyBlack {
        /// The file.
        path: PathBuf,
    },
}
