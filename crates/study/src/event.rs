//! What happens during a run, for whoever wants to show it.

use crate::diagnostic::Diagnostic;

/// Something that happened during a run.
#[derive(Debug)]
pub enum Event<'a> {
    /// A data set begins.
    DataSet {
        /// Its name.
        name: &'a str,
        /// Samples of it that take part.
        samples: usize,
    },
    /// A sample is finished, whatever came of it.
    Sample {
        /// Its name.
        name: &'a str,
    },
    /// Something that a reader of the results should know about a sample.
    Diagnostic {
        /// The sample.
        sample: &'a str,
        /// What it is.
        diagnostic: &'a Diagnostic,
    },
    /// A sample could not be done.
    Failure(&'a SampleFailure),
}

/// Hears how a run goes on. Called from one thread at a time.
pub trait Observer: Sync {
    /// Something happened.
    fn event(&self, event: Event<'_>);
    /// Whether the run should end after the samples that are under way.
    fn interrupted(&self) -> bool;
}

/// Hears nothing and never ends a run.
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _event: Event<'_>) {}

    fn interrupted(&self) -> bool {
        false
    }
}

/// What kept a sample from being done. Failures of one kind are told together.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// Its record in the split cannot be used.
    Record,
    /// Its name leads elsewhere, or to the file of another sample.
    Name,
    /// Its image is not there.
    ImageMissing,
    /// Its image cannot be read or decoded.
    Image,
    /// Its image is too large.
    TooLarge,
    /// Its map is not there, or cannot be read.
    Map,
    /// A method or metric cannot be computed on it.
    Computation,
    /// A fault of this program or of a library.
    Fault,
    /// Its result cannot be written.
    Output,
}

impl FailureKind {
    /// In words, for `4 more samples failed: ...`.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Record => "records that cannot be used",
            Self::Name => "names that cannot be used",
            Self::ImageMissing => "images that are not there",
            Self::Image => "images that cannot be read",
            Self::TooLarge => "images that are too large",
            Self::Map => "maps that cannot be read",
            Self::Computation => "results that cannot be computed",
            Self::Fault => "faults of the program",
            Self::Output => "results that cannot be written",
        }
    }
}

/// A sample that could not be done.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SampleFailure {
    /// Its data set.
    pub dataset: String,
    /// Its name.
    pub sample: String,
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// What went wrong, with all causes.
    pub reason: String,
}

/// What went wrong with a sample, before it is known which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// What went wrong, with all causes.
    pub reason: String,
}

impl Fault {
    /// A fault of one kind.
    pub fn new(kind: FailureKind, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { kind, reason }
    }

    /// An error with all its causes.
    #[must_use]
    pub fn of(kind: FailureKind, error: &dyn std::error::Error) -> Self {
        Self::new(kind, mednet_base::error::chain(error))
    }

    /// A panic that was caught.
    #[must_use]
    pub fn panicked(what: &str, said: &str) -> Self {
        Self::new(
            FailureKind::Fault,
            format!(
                "{what} failed: {said}; this is a fault of mednet or of a library that it uses, please report it"
            ),
        )
    }

    /// The failure of a sample.
    #[must_use]
    pub fn at(self, dataset: &str, sample: &str) -> SampleFailure {
        SampleFailure {
            dataset: dataset.to_owned(),
            sample: sample.to_owned(),
            kind: self.kind,
            reason: self.reason,
        }
    }
}
