//! How the program ends.

use std::process::ExitCode;

use crate::printer;

/// The documented exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// All done.
    Done,
    /// Finished, but some samples failed; they are listed.
    SomeFailed,
    /// Nothing could be done as asked.
    Refused,
    /// A bug of this program.
    Bug,
    /// Stopped by the user.
    Interrupted,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(match status {
            Status::Done => 0,
            Status::SomeFailed => 1,
            Status::Refused => 2,
            Status::Bug => 70,
            Status::Interrupted => 130,
        })
    }
}

/// Whatever cannot be done as asked: what was wrong, with all causes.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// What was wrong.
    pub(crate) message: String,
}

impl Refusal {
    /// A refusal with these words.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}

/// Every error is told with all its causes.
impl<E: std::error::Error> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self {
            message: mednet_base::error::chain(&error),
        }
    }
}

/// What a command gives back.
pub(crate) type Outcome = Result<Status, Refusal>;

/// A panic is a bug of ours: says so, without a backtrace.
pub(crate) fn report_bugs() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(String::new, |place| {
            format!(" ({}:{})", place.file(), place.line())
        });
        let payload = info.payload();
        let what = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        printer::to_stderr(&format!(
            "error: this is a bug of mednet, not of yours: {what}{place}\n\
             Please report it with the command line and the version ({}).",
            env!("CARGO_PKG_VERSION")
        ));
    }));
}
