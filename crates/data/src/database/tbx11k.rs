//! TBX11K: radiographs with boxes around tuberculosis (Liu et al. 2020, doi:10.1109/CVPR42600.2020.00272).

use super::definition::{Database, Module, as_named, folds};
use crate::read::{Borders, Colour, RawRule};

/// PNG files as stored (RGB, 512 x 512), nothing removed; target 1 is active tuberculosis.
pub(super) static TBX11K: Database = Database {
    slug: "tbx11k",
    title: "TBX11K, tuberculosis with boxes (China)",
    directory_keys: &["tbx11k"],
    rule: RawRule {
        colour: Colour::AsStored,
        borders: Borders::Keep,
    },
    findings: &[],
    locate: as_named,
    archive: include_bytes!("../../splits/tbx11k.json.gz"),
    modules,
};

fn modules() -> Vec<Module> {
    const HEALTHY: &str = "TBX11K, active tuberculosis (1) or healthy (0), with boxes";
    const OTHERS: &str =
        "TBX11K, active tuberculosis (1) or healthy, sick or latent (0), with boxes";
    let healthy = Module::new(
        "tbx11k-v1-healthy-vs-atb",
        "v1-healthy-vs-atb",
        &format!("{HEALTHY}, default split"),
    );
    let others = Module::new(
        "tbx11k-v2-others-vs-atb",
        "v2-others-vs-atb",
        &format!("{OTHERS}, default split"),
    );
    std::iter::once(healthy)
        .chain(folds("tbx11k-v1", "v1-", HEALTHY))
        .chain([others])
        .chain(folds("tbx11k-v2", "v2-", OTHERS))
        .collect()
}
