//! What a database is, and the parts its file in this folder is written with.

use std::path::PathBuf;

use crate::error::Error;
use crate::name;
use crate::read::RawRule;

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
    pub(crate) locate: fn(&str, FolderStructure) -> Result<PathBuf, Error>,
    /// Its splits, as gzip JSON.
    pub(crate) archive: &'static [u8],
    /// Its data modules.
    pub(crate) modules: fn() -> Vec<Module>,
}

/// How the folders of the user's copies differ from those the databases were published with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct FolderStructure {
    /// NIH ChestX-ray14 lies in folders by the first five characters of the file name.
    pub(crate) nih_by_five_characters: bool,
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

/// How targets are handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TargetCode {
    /// As the split says.
    AsStored,
    /// The class index becomes one 0 or 1 for each of this many classes.
    OneHot(usize),
}

/// A data module of one database, as its file lists it.
pub(crate) struct Module {
    pub(super) name: String,
    pub(super) split: String,
    pub(super) description: String,
    pub(super) target: TargetCode,
}

impl Module {
    pub(super) fn new(name: &str, split: &str, description: &str) -> Self {
        Self {
            name: name.to_owned(),
            split: split.to_owned(),
            description: description.to_owned(),
            target: TargetCode::AsStored,
        }
    }
}

/// The ten folds `NAME-f0` to `NAME-f9` of the splits `SPLITfold-0` to `SPLITfold-9`.
pub(super) fn folds(name: &str, split: &str, description: &str) -> impl Iterator<Item = Module> {
    (0..10).map(move |fold| {
        Module::new(
            &format!("{name}-f{fold}"),
            &format!("{split}fold-{fold}"),
            &format!("{description}, fold {fold} of 10 (cross-validation)"),
        )
    })
}

/// The picture is where the sample's name says.
pub(super) fn as_named(sample: &str, _: FolderStructure) -> Result<PathBuf, Error> {
    name::written_path(sample)
}
