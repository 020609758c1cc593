//! Shenzhen Hospital: 662 radiographs (Jaeger et al. 2014, doi:10.3978/j.issn.2223-4292.2014.11.20).

use super::definition::{Database, Module, as_named, folds};
use crate::read::{Borders, Colour, RawRule};

/// 8-bit gray, black borders removed; PNG files; target 1 is tuberculosis.
pub(super) static SHENZHEN: Database = Database {
    slug: "shenzhen",
    title: "Shenzhen Hospital, tuberculosis (China)",
    directory_keys: &["shenzhen"],
    rule: RawRule {
        colour: Colour::Gray,
        borders: Borders::Remove,
    },
    findings: &[],
    locate: as_named,
    archive: include_bytes!("../../splits/shenzhen.json.gz"),
    modules,
};

fn modules() -> Vec<Module> {
    const TITLE: &str = "Shenzhen Hospital, tuberculosis (0: none, 1: active)";
    let default = Module::new("shenzhen", "default", &format!("{TITLE}, default split"));
    let all = Module::new(
        "shenzhen-alltest",
        "alltest",
        &format!("{TITLE}, all in one test set"),
    );
    std::iter::once(default)
        .chain(folds("shenzhen", "", TITLE))
        .chain([all])
        .collect()
}
