//! Montgomery County: 138 radiographs of a tuberculosis control programme in Maryland (Jaeger et al. 2014, doi:10.3978/j.issn.2223-4292.2014.11.20).

use super::definition::{Database, Module, TargetCode, as_named, folds};
use crate::read::{Borders, Colour, RawRule};

/// Gray PNG files as stored, black borders removed; target 1 is tuberculosis.
pub(super) static MONTGOMERY: Database = Database {
    slug: "montgomery",
    title: "Montgomery County, tuberculosis (United States)",
    directory_keys: &["montgomery"],
    rule: RawRule {
        colour: Colour::AsStored,
        borders: Borders::Remove,
    },
    findings: &[],
    locate: as_named,
    archive: include_bytes!("../../splits/montgomery.json.gz"),
    modules,
};

fn modules() -> Vec<Module> {
    const TITLE: &str = "Montgomery County, tuberculosis (0: none, 1: active)";
    let default = Module::new("montgomery", "default", &format!("{TITLE}, default split"));
    let multiclass = Module {
        target: TargetCode::OneHot(2),
        ..Module::new(
            "montgomery-multiclass",
            "default",
            "Montgomery County, default split, targets as two classes ([1, 0]: none, [0, 1]: active)",
        )
    };
    std::iter::once(default)
        .chain(folds("montgomery", "", TITLE))
        .chain([multiclass])
        .collect()
}
