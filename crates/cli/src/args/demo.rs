//! What can be typed behind `demo`.

use std::path::PathBuf;

use clap::Args;

/// Try everything on drawn chest phantoms: needs no file and no network connection.
///
/// The phantoms are drawings, not pictures of patients, and the network, which was trained to find
/// the lesions planted in them, knows nothing about patients.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Where everything goes.
    #[arg(value_name = "OUT", default_value = "mednet-demo")]
    pub(crate) output_folder: PathBuf,
    /// Only write phantoms, as a data set with a split file, into this folder.
    #[arg(long, value_name = "DIR", conflicts_with = "output_folder")]
    pub(crate) export: Option<PathBuf>,
    /// Seed of the phantoms.
    #[arg(long, default_value_t = 42, value_name = "N")]
    pub(crate) seed: u64,
    /// Number of phantoms; every other one has lesions.
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) count: u32,
    /// Number of threads; -1 or 0: one for each core.
    #[arg(short = 'P', long, default_value_t = -1, allow_negative_numbers = true, value_name = "N")]
    pub(crate) parallel: i64,
}
