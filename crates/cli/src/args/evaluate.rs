//! What can be typed behind `evaluate`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, Args};

/// Compare methods by the completeness and interpretability of their maps.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  Two methods:
    mednet saliency evaluate -e gradcam gradcam/completeness.json gradcam/interpretability.json \\
      -e gradcam++ gradcam++/completeness.json gradcam++/interpretability.json

  A method beside a control, as a table for a paper:
    mednet saliency evaluate --table-format latex -e gradcam c.json i.json \\
      -e control-random random/completeness.json random/interpretability.json")]
pub(crate) struct Evaluate {
    /// A method: its name, its completeness scores (.json), its interpretability scores (.json);
    /// required, repeatable. Names that begin with `control-` are controls: shown last, and in
    /// gray.
    #[arg(
        short,
        long,
        num_args = 3,
        action = ArgAction::Append,
        value_names = ["NAME", "COMPLETENESS", "INTERPRETABILITY"],
    )]
    pub(crate) entry: Vec<OsString>,
    /// Where tables, scores and plots go.
    #[arg(short, long, default_value = "results", value_name = "DIR")]
    pub(crate) output_folder: PathBuf,
    /// Use this data set (such as `test`) only.
    #[arg(short = 'S', long, value_name = "NAME")]
    pub(crate) only_dataset: Option<String>,
    /// How tables are printed: rst, github, latex, csv, json or plain.
    #[arg(long, default_value = "rst", value_name = "FORMAT")]
    pub(crate) table_format: String,
    /// Make a PDF of plots [the default].
    #[arg(short = 'Q', long, overrides_with = "no_plot")]
    plot: bool,
    /// Make no plots.
    #[arg(long, overrides_with = "plot")]
    pub(crate) no_plot: bool,
    /// Seed of the resamples.
    #[arg(long, default_value_t = 42)]
    pub(crate) seed: u64,
    /// Number of resamples behind each interval.
    #[arg(
        long,
        default_value_t = 10_000,
        value_parser = clap::value_parser!(u64).range(100..=1_000_000),
        value_name = "N"
    )]
    pub(crate) resamples: u64,
    /// Print all results as JSON instead of the tables.
    #[arg(long)]
    pub(crate) json: bool,
}
