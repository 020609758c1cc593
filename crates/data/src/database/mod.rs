//! The databases: where each one's pictures are, how they are read and how it is partitioned.
//!
//! A database is one file of this folder and one line in `DATABASES`; a set of several databases
//! is one line in `concatenation.rs`. Nothing else knows the list.

mod concatenation;
mod configuration;
mod definition;
mod hivtb;
mod indian;
mod montgomery;
mod nih_cxr14;
mod padchest;
mod plain;
mod shenzhen;
mod tbpoc;
mod tbx11k;
mod unavailable;

use std::sync::LazyLock;

use mednet_base::suggest;

use crate::error::Error;

pub use configuration::Configuration;
pub use definition::Database;

pub(crate) use configuration::Content;
pub(crate) use definition::{FolderStructure, TargetCode};
pub(crate) use plain::PLAIN;

/// All databases with embedded splits.
static DATABASES: [&Database; 8] = [
    &hivtb::HIVTB,
    &indian::INDIAN,
    &montgomery::MONTGOMERY,
    &nih_cxr14::NIH_CXR14,
    &padchest::PADCHEST,
    &shenzhen::SHENZHEN,
    &tbpoc::TBPOC,
    &tbx11k::TBX11K,
];

impl Database {
    /// All databases, in order.
    #[must_use]
    pub fn all() -> &'static [&'static Database] {
        &DATABASES
    }

    /// The database of this slug.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownDatabase`] with a proposal and the list.
    pub fn named(slug: &str) -> Result<&'static Self, Error> {
        let known = || DATABASES.iter().map(|database| database.slug);
        DATABASES
            .iter()
            .copied()
            .find(|database| database.slug == slug)
            .ok_or_else(|| Error::UnknownDatabase {
                name: slug.to_owned(),
                hint: suggest::hint(slug, known()),
                known: known().collect::<Vec<_>>().join(", "),
            })
    }
}

/// All named data modules, sorted by database and in the order of each database's own list.
pub(crate) fn configurations() -> &'static [Configuration] {
    static ALL: LazyLock<Vec<Configuration>> = LazyLock::new(|| {
        let single = DATABASES.iter().flat_map(|database| {
            (database.modules)()
                .into_iter()
                .map(|module| Configuration {
                    name: module.name,
                    database: database.slug.to_owned(),
                    split: module.split.clone(),
                    description: module.description,
                    content: Content::Embedded {
                        members: vec![(*database, module.split)],
                        target: module.target,
                    },
                })
        });
        single
            .chain(concatenation::configurations())
            .chain(unavailable::configurations())
            .collect()
    });
    &ALL
}
