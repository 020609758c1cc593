//! What can be wrong with a checkpoint.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use mednet_base::text::escaped_line;

/// How many keys an error names before it says "and N more".
const KEYS_SHOWN: usize = 10;

/// Why a checkpoint could not be used. Every message names the file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// There is nothing at this path.
    #[error("there is no checkpoint `{}`; check the path given as weights", path.display())]
    NotFound {
        /// The path asked for.
        path: PathBuf,
    },
    /// The operating system could not read the file.
    #[error("cannot read `{}`: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file is something else than a checkpoint, or a kind of checkpoint that is not read.
    #[error("`{}` is {found}, not a checkpoint that can be read; {advice}", path.display())]
    NotACheckpoint {
        /// The file.
        path: PathBuf,
        /// What its content looks like.
        found: String,
        /// What to do.
        advice: String,
    },
    /// The file starts as a checkpoint but does not hold together.
    #[error(
        "`{}` is damaged or cut off ({reason}); copy or download it again", path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What did not hold together.
        reason: String,
    },
    /// The pickle inside asks for a function to be called that can run programs or code.
    #[error(
        "`{}` tries to run code when Python opens it (it calls `{function}`); it was not opened and \
         nothing was run; use it only if you trust its author, who can save the plain state dict \
         as .safetensors", path.display()
    )]
    RunsCode {
        /// The file.
        path: PathBuf,
        /// Full name of the function, such as `os.system`.
        function: String,
    },
    /// Part of the file goes beyond what a checkpoint of a network can sensibly need.
    #[error(
        "`{}` goes beyond a limit that protects against malicious files: {reason}; if it is \
         genuine, save the plain state dict as .safetensors", path.display()
    )]
    BeyondLimit {
        /// The file.
        path: PathBuf,
        /// Found versus allowed.
        reason: String,
    },
    /// The file could be read but holds no dictionary from names to tensors.
    #[error(
        "`{}` holds no state dict: {found}; expected tensors at the top, or under `state_dict`, \
         `model_state_dict` or `model`; save it with torch.save(network.state_dict(), ...)",
        path.display()
    )]
    NoStateDict {
        /// The file.
        path: PathBuf,
        /// What it holds instead.
        found: String,
    },
    /// The file names a normalizer whose values cannot be used.
    #[error(
        "the normalizer in `{}` cannot be used: {reason}; expected one finite mean and one positive \
         standard deviation per channel", path.display()
    )]
    BadNormalizer {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Weights of the network are not in the file.
    #[error(
        "`{}` lacks {} of the network's {expected} weights: {}{}; give the checkpoint of the chosen \
         model, or the model of this checkpoint",
        path.display(), missing.len(), listed(missing), note(hint)
    )]
    MissingKeys {
        /// The file.
        path: PathBuf,
        /// Names of the weights that are not there.
        missing: Vec<String>,
        /// How many weights the network has.
        expected: usize,
        /// Which network the file seems to hold, or why a weight was passed over.
        hint: Option<String>,
    },
    /// Weights in the file have another shape than those of the network.
    #[error(
        "`{}` has weights of another shape than the network: {}{}; give the checkpoint of the \
         chosen model with the same number of outputs",
        path.display(),
        listed(&misshapen.iter().map(ToString::to_string).collect::<Vec<_>>()), note(hint)
    )]
    MisshapenKeys {
        /// The file.
        path: PathBuf,
        /// The weights concerned.
        misshapen: Vec<Misshapen>,
        /// Which network the file seems to hold.
        hint: Option<String>,
    },
    /// A training folder holds no checkpoint under a name that training writes.
    #[error(
        "the folder `{}` holds no checkpoint under a name that training writes; looked for {}; \
         found {}; give the checkpoint file itself",
        path.display(), joined(looked_for),
        if found.is_empty() { "no .ckpt file".to_owned() } else { listed(found) }
    )]
    NoCheckpointInFolder {
        /// The folder.
        path: PathBuf,
        /// Name patterns, in order of preference.
        looked_for: Vec<String>,
        /// Names of files that could have been meant.
        found: Vec<String>,
    },
    /// `train.meta.json` beside the checkpoints cannot be used.
    #[error(
        "`{}` does not say which checkpoint is the best: {reason}; give the checkpoint file itself",
        path.display()
    )]
    BadTrainMeta {
        /// The `train.meta.json`.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// A weight whose shape in the file is not the network's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misshapen {
    /// Name of the weight in the network.
    pub key: String,
    /// Shape in the network.
    pub expected: Vec<usize>,
    /// Shape in the file.
    pub found: Vec<usize>,
}

impl std::fmt::Display for Misshapen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} (expected {:?}, found {:?})",
            shorten(&self.key),
            self.expected,
            self.found
        )
    }
}

/// At most ten names, then how many are left out.
pub(super) fn listed(names: &[String]) -> String {
    let mut text = names
        .iter()
        .take(KEYS_SHOWN)
        .map(|n| shorten(n))
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > KEYS_SHOWN {
        let _ = write!(text, " and {} more", names.len() - KEYS_SHOWN);
    }
    text
}

/// A name from an untrusted file, fit for a message: short, and without characters that would write
/// to a terminal.
pub(super) fn shorten(name: &str) -> String {
    const LONGEST: usize = 120;
    let mut characters = name.chars();
    let mut text: String = characters.by_ref().take(LONGEST).collect();
    if characters.next().is_some() {
        text.push('…');
    }
    escaped_line(&text).into_owned()
}

/// All of the names, in order of preference.
fn joined(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| shorten(name)).collect();
    names.join(", then ")
}

fn note(hint: &Option<String>) -> String {
    hint.as_ref()
        .map(|hint| format!(" ({hint})"))
        .unwrap_or_default()
}

/// What went wrong inside a file; becomes a [`CheckpointError`] once the path is known.
#[derive(Debug)]
pub(super) enum Fault {
    Io(io::Error),
    Damaged(String),
    RunsCode(String),
    BeyondLimit(String),
    NotACheckpoint { found: String, advice: String },
    NoStateDict(String),
    BadNormalizer(String),
}

impl Fault {
    pub(super) fn damaged(reason: impl Into<String>) -> Self {
        Self::Damaged(reason.into())
    }

    pub(super) fn not_a_checkpoint(found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::NotACheckpoint {
            found: found.into(),
            advice: advice.into(),
        }
    }

    pub(super) fn at(self, path: &Path) -> CheckpointError {
        let path = path.to_owned();
        match self {
            Self::Io(source) => CheckpointError::Unreadable { path, source },
            Self::Damaged(reason) => CheckpointError::Damaged { path, reason },
            Self::RunsCode(function) => CheckpointError::RunsCode { path, function },
            Self::BeyondLimit(reason) => CheckpointError::BeyondLimit { path, reason },
            Self::NotACheckpoint { found, advice } => CheckpointError::NotACheckpoint {
                path,
                found,
                advice,
            },
            Self::NoStateDict(found) => CheckpointError::NoStateDict { path, found },
            Self::BadNormalizer(reason) => CheckpointError::BadNormalizer { path, reason },
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            Self::damaged("it ends too early")
        } else {
            Self::Io(error)
        }
    }
}

/// Why the operating system could not open a file.
pub(super) fn unreadable(path: &Path, source: io::Error) -> CheckpointError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound => CheckpointError::NotFound { path },
        _ => CheckpointError::Unreadable { path, source },
    }
}

/// A pickle that breaks the rules of its format.
pub(super) fn malformed(what: &str) -> Fault {
    Fault::damaged(format!("a malformed pickle: {what}"))
}

/// A pickle with more of something than a checkpoint can need.
pub(super) fn too_many(what: &str, limit: usize) -> Fault {
    Fault::BeyondLimit(format!("a pickle with more than {limit} {what}"))
}
