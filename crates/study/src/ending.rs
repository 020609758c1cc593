//! How a run ends.

use serde::{Deserialize, Serialize};

/// How a run ends. Every command ends in one of these ways, and only the command line knows which
/// exit code that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// All that was asked for is there.
    Complete,
    /// All samples were tried; some failed.
    SomeFailed,
    /// The first sample that failed ended the run, as was asked for.
    FailFast,
    /// The user, or a scheduler, ended the run.
    Interrupted,
    /// Nothing more can be written.
    OutputLost,
}

impl Ended {
    /// Whether every sample was tried.
    #[must_use]
    pub fn is_whole(self) -> bool {
        matches!(self, Self::Complete | Self::SomeFailed)
    }
}
