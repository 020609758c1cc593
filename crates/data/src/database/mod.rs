//! The databases: where each one's pictures are, how they are read and how it is partitioned.
//!
//! A database is one file of this folder and one line in `DATABASES`; a set of several databases
//! is one line in `concatenation.rs`. Nothing else knows the list.

mod concatenation;
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

use std::path::PathBuf;
use std::sync::LazyLock;

use crate::datamodule::{Configuration, Content, DataSet, TargetCode};
use crate::directory::DataDirectories;
use crate::read::RawRule;
use crate::{Error, name, split};
use mednet_base::suggest;

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

/// A collection of radiographs with a rule how its files are read.
pub struct Database {
    /// Short name, in the language of configuration files.
    pub slug: &'static str,
    /// What it is, in one line.
    pub title: &'static str,
    /// Keys of the table `[datadir]` that name its folder; the first that is set counts.
    pub directory_keys: &'static [&'static str],
    /// How its files become pictures.
    pub rule: RawRule,
    /// Names of the findings its targets may list, in the order of the classes; empty where
    /// targets are numbers.
    pub findings: &'static [&'static str],
    /// Where the picture of a sample is, relative to the data directory.
    pub(crate) locate: fn(&str, &DataDirectories) -> Result<PathBuf, Error>,
    /// Its splits, as gzip JSON.
    pub(crate) archive: &'static [u8],
    /// Its data modules.
    pub(crate) modules: fn() -> Vec<Module>,
}

/// A data module of one database, as its file lists it.
pub(crate) struct Module {
    name: String,
    split: String,
    description: String,
    target: TargetCode,
}

impl Module {
    fn new(name: &str, split: &str, description: &str) -> Self {
        Self {
            name: name.to_owned(),
            split: split.to_owned(),
            description: description.to_owned(),
            target: TargetCode::AsStored,
        }
    }
}

/// The ten folds `NAME-f0` to `NAME-f9` of the splits `SPLITfold-0` to `SPLITfold-9`.
fn folds(name: &str, split: &str, description: &str) -> impl Iterator<Item = Module> {
    (0..10).map(move |fold| {
        Module::new(
            &format!("{name}-f{fold}"),
            &format!("{split}fold-{fold}"),
            &format!("{description}, fold {fold} of 10 (cross-validation)"),
        )
    })
}

/// The picture is where the sample's name says.
fn as_named(sample: &str, _: &DataDirectories) -> Result<PathBuf, Error> {
    name::relative_path(sample)
}

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

    /// The data sets of one of its splits.
    pub(crate) fn read_split(&'static self, split: &str) -> Result<Vec<DataSet>, Error> {
        split::read_embedded(self.archive, split, self)
    }
}

/// A database is its slug.
impl PartialEq for Database {
    fn eq(&self, other: &Self) -> bool {
        self.slug == other.slug
    }
}

impl Eq for Database {}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Database").field(&self.slug).finish()
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
