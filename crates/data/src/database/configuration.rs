//! Named data modules: which splits of which databases.

use super::definition::{Database, TargetCode};

/// A named data module, before its split is decoded: cheap to list.
#[derive(Debug, Clone, PartialEq)]
pub struct Configuration {
    /// What the user types, such as `tbx11k-v1-healthy-vs-atb`.
    pub name: String,
    /// The database, such as `tbx11k`, or several joined by `_`.
    pub database: String,
    /// The split, such as `v1-healthy-vs-atb`; several joined by `+` where members differ.
    pub split: String,
    /// What it is, in one line.
    pub description: String,
    pub(crate) content: Content,
}

impl Configuration {
    /// Whether its split is part of this program.
    #[must_use]
    pub fn is_available(&self) -> bool {
        matches!(self.content, Content::Embedded { .. })
    }
}

/// Where the samples of a configuration come from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Content {
    /// Embedded splits, one database after the other.
    Embedded {
        members: Vec<(&'static Database, String)>,
        target: TargetCode,
    },
    /// The name is known, the split is not here.
    Missing { reason: &'static str },
}
