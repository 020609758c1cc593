//! TB-POC: 407 radiographs of people with HIV, from a study at the point of care in South Africa.

use super::definition::{Database, Module, as_named, folds};
use crate::read::{Borders, Colour, RawRule};

/// Gray JPEG files as stored, black borders removed; target 1 is tuberculosis.
pub(super) static TBPOC: Database = Database {
    slug: "tbpoc",
    title: "TB-POC, tuberculosis at the point of care (South Africa)",
    directory_keys: &["tbpoc"],
    rule: RawRule {
        colour: Colour::AsStored,
        borders: Borders::Remove,
    },
    findings: &[],
    locate: as_named,
    archive: include_bytes!("../../splits/tbpoc.json.gz"),
    modules,
};

fn modules() -> Vec<Module> {
    folds("tbpoc", "", "TB-POC, tuberculosis (0: none, 1: active)").collect()
}
