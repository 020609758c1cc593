//! A split file of the user's own: pictures as they are stored.

use super::definition::{Database, as_named};
use crate::read::{Borders, Colour, RawRule};

/// Pictures as stored, nothing removed, boxes honoured. Not in the list of databases: its data
/// directory is the folder of the split file, or what the user gives explicitly.
pub(crate) static PLAIN: Database = Database {
    slug: "plain",
    title: "split file, pictures as stored",
    directory_keys: &[],
    rule: RawRule {
        colour: Colour::AsStored,
        borders: Borders::Keep,
    },
    findings: &[],
    locate: as_named,
    archive: &[],
    modules: Vec::new,
};
