//! NIH ChestX-ray14: 112 120 radiographs with findings mined from their reports (Wang et al. 2017, doi:10.1109/CVPR.2017.369).

use std::path::PathBuf;

use super::definition::{Database, FolderStructure, Module};
use crate::error::Error;
use crate::name;
use crate::read::{Borders, Colour, RawRule};

/// 8-bit gray, nothing removed; targets are one 0 or 1 for each of fourteen findings.
pub(super) static NIH_CXR14: Database = Database {
    slug: "nih_cxr14",
    title: "NIH ChestX-ray14, fourteen findings (United States)",
    directory_keys: &["cxr8", "nih_cxr14"],
    rule: RawRule {
        colour: Colour::Gray,
        borders: Borders::Keep,
    },
    findings: &FINDINGS,
    locate,
    archive: include_bytes!("../../splits/nih_cxr14.json.gz"),
    modules,
};

/// Cardiomegaly, emphysema, effusion, hernia, infiltration, mass, nodule, atelectasis,
/// pneumothorax, pleural thickening, pneumonia, fibrosis, edema, consolidation.
const FINDINGS: [&str; 14] = [
    "car", "emp", "eff", "her", "inf", "mas", "nod", "ate", "pnt", "plt", "pne", "fib", "ede",
    "con",
];

/// With the folder structure of the Idiap Research Institute, `images/00000001_000.png` is at
/// `images/00000/00000001_000.png`: a folder for each beginning of five characters.
fn locate(sample: &str, folders: FolderStructure) -> Result<PathBuf, Error> {
    let path = name::written_path(sample)?;
    if !folders.nih_by_five_characters {
        return Ok(path);
    }
    let file = path
        .file_name()
        .map(|file| file.to_string_lossy())
        .unwrap_or_default();
    let beginning: String = file.chars().take(5).collect();
    let folder = path.parent().map(PathBuf::from).unwrap_or_default();
    Ok(folder.join(beginning).join(&*file))
}

fn modules() -> Vec<Module> {
    vec![
        Module::new(
            "nih-cxr14",
            "default",
            "NIH ChestX-ray14, fourteen findings, default split",
        ),
        Module::new(
            "nih-cxr14-100",
            "first-100",
            "NIH ChestX-ray14, fourteen findings, the first 100 radiographs of each set",
        ),
    ]
}
