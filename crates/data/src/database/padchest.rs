//! PadChest: radiographs with findings of their reports (Bustos et al. 2020, doi:10.1016/j.media.2020.101797).

use super::definition::{Database, Module, as_named};
use crate::read::{Borders, Colour, RawRule};

/// Gray PNG files of 16 bits as stored, black borders removed; targets are one 0 or 1 for each of 193 or 14 findings, or tuberculosis alone.
pub(super) static PADCHEST: Database = Database {
    slug: "padchest",
    title: "PadChest, findings of 160 000 radiographs (Spain)",
    directory_keys: &["padchest"],
    rule: RawRule {
        colour: Colour::AsStored,
        borders: Borders::Remove,
    },
    findings: &[],
    locate: as_named,
    archive: include_bytes!("../../splits/padchest.json.gz"),
    modules,
};

fn modules() -> Vec<Module> {
    vec![
        Module::new(
            "padchest-idiap",
            "idiap",
            "PadChest, 193 findings, the selection of the Idiap Research Institute",
        ),
        Module::new(
            "padchest-no-tb-idiap",
            "no-tb-idiap",
            "PadChest, the 14 findings of NIH ChestX-ray14, without tuberculosis",
        ),
        Module::new(
            "padchest-tb-idiap",
            "tb-idiap",
            "PadChest, tuberculosis (0: none, 1: active)",
        ),
        Module::new(
            "padchest-cardiomegaly-idiap",
            "cardiomegaly-idiap",
            "PadChest, 40 radiographs with cardiomegaly, 14 findings",
        ),
    ]
}
