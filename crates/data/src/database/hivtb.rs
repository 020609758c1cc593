//! HIV-TB: 243 radiographs of people with HIV, from a study of algorithms for tuberculosis in South Africa.

use super::definition::{Database, Module, as_named, folds};
use crate::read::{Borders, Colour, RawRule};

/// 8-bit gray, black borders removed; `.BMP` files; target 1 is tuberculosis.
pub(super) static HIVTB: Database = Database {
    slug: "hivtb",
    title: "HIV-TB, tuberculosis in people with HIV (South Africa)",
    directory_keys: &["hivtb"],
    rule: RawRule {
        colour: Colour::Gray,
        borders: Borders::Remove,
    },
    findings: &[],
    locate: as_named,
    archive: include_bytes!("../../splits/hivtb.json.gz"),
    modules,
};

fn modules() -> Vec<Module> {
    folds("hivtb", "", "HIV-TB, tuberculosis (0: none, 1: active)").collect()
}
