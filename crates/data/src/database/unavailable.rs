//! Data modules of the original whose splits are not part of this program.

use super::configuration::{Configuration, Content};

/// Name, database, split, what it is, why it is not here.
type Entry = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const ANGIOGRAPHY: &str = "eye angiographies, not chest radiographs";

const ENTRIES: [Entry; 8] = [
    (
        "angioreport-cnv",
        "angioreport",
        "cnv",
        "Angioreport, neovascularisation",
        ANGIOGRAPHY,
    ),
    (
        "angioreport-cnv-icga",
        "angioreport",
        "cnv",
        "Angioreport, neovascularisation, indocyanine green",
        ANGIOGRAPHY,
    ),
    (
        "angioreport-hyperftype",
        "angioreport",
        "hyperftype",
        "Angioreport, kinds of hyperfluorescence",
        ANGIOGRAPHY,
    ),
    (
        "angioreport-hyperftype-seq",
        "seq_angioreport",
        "temporal_hyperftype",
        "Angioreport, kinds of hyperfluorescence in sequences",
        ANGIOGRAPHY,
    ),
    (
        "angioreport-impression",
        "angioreport",
        "impression",
        "Angioreport, impressions",
        ANGIOGRAPHY,
    ),
    (
        "aptos3-hyperftype",
        "aptos3",
        "hyperftype",
        "APTOS 3, kinds of hyperfluorescence",
        ANGIOGRAPHY,
    ),
    (
        "nih-cxr14-cardiomegaly",
        "nih_cxr14",
        "cardiomegaly",
        "NIH ChestX-ray14, 40 radiographs with cardiomegaly",
        "the original has dropped it since its version 1.1",
    ),
    (
        "visceral",
        "visceral",
        "default",
        "VISCERAL, computed tomography",
        "volumes of computed tomography, not radiographs",
    ),
];

/// Every such name, so that asking for it is answered.
pub(super) fn configurations() -> impl Iterator<Item = Configuration> {
    ENTRIES.iter().map(
        |&(name, database, split, description, reason)| Configuration {
            name: name.to_owned(),
            database: database.to_owned(),
            split: split.to_owned(),
            description: format!("{description} (split not available)"),
            content: Content::Missing { reason },
        },
    )
}
