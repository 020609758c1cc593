//! How the program ends.

use std::process::ExitCode;

use mednet_study::Ended;

use crate::printer;

/// The documented exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// All done.
    Done,
    /// Finished, but some samples failed; they are listed.
    SomeFailed,
    /// Nothing could be done as asked, or nothing more could be written.
    Refused,
    /// A bug of this program.
    Bug,
    /// Stopped by the user or a scheduler.
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

/// The only place where the end of a run becomes an exit code.
impl From<Ended> for Status {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Complete => Self::Done,
            Ended::SomeFailed | Ended::FailFast => Self::SomeFailed,
            Ended::Interrupted => Self::Interrupted,
            Ended::OutputLost => Self::Refused,
        }
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

/// A panic that nobody has caught is a bug of ours: says so, without a backtrace.
pub(crate) fn report_bug(payload: &(dyn std::any::Any + Send)) -> Status {
    printer::to_stderr(&format!(
        "error: this is a bug of mednet, not of yours: {}\n\
         Please report it with the command line and the version ({}).",
        mednet_base::panic::describe(payload),
        env!("CARGO_PKG_VERSION")
    ));
    Status::Bug
}
