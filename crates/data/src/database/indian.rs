//! Indian collection, DatasetA: 156 radiographs of a tuberculosis institute in New Delhi.

use super::definition::{Database, Module, as_named, folds};
use crate::read::{Borders, Colour, RawRule};

/// 8-bit gray, black borders removed; JPEG files; target 1 is tuberculosis.
pub(super) static INDIAN: Database = Database {
    slug: "indian",
    title: "Indian collection (DatasetA), tuberculosis (New Delhi)",
    directory_keys: &["indian"],
    rule: RawRule {
        colour: Colour::Gray,
        borders: Borders::Remove,
    },
    findings: &[],
    locate: as_named,
    archive: include_bytes!("../../splits/indian.json.gz"),
    modules,
};

fn modules() -> Vec<Module> {
    const TITLE: &str = "Indian collection, tuberculosis (0: none, 1: active)";
    let default = Module::new("indian", "default", &format!("{TITLE}, default split"));
    std::iter::once(default)
        .chain(folds("indian", "", TITLE))
        .collect()
}
