//! What can be typed behind `view`.

use std::path::PathBuf;

use clap::Args;

use super::{Compat, Inputs, ShardOption};

/// Lay saliency maps over the radiographs they explain.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  Maps over the radiographs of class 1, with the boxes of the data set:
    mednet saliency view pasa tbx11k-v1-healthy-vs-atb -i saliency-maps -G

  One sheet to compare the methods of `generate -s all` on the first samples:
    mednet saliency view pasa split.json -i maps --limit 10 --montage montage.png

  Outlines instead of colours, for a paper:
    mednet saliency view pasa split.json -i maps/gradcam --contour -t 0.5")]
pub(crate) struct View {
    #[command(flatten)]
    pub(crate) inputs: Inputs,
    /// The folder of the maps, repeatable: that of one method, or the output folder of a run of
    /// several methods, each of which then gets a folder of its own.
    #[arg(
        short,
        long,
        default_value = "saliency-maps",
        value_name = "DIR",
        num_args = 1
    )]
    pub(crate) input_folder: Vec<PathBuf>,
    /// Where the overlays go.
    #[arg(short, long, default_value = "visualizations", value_name = "DIR")]
    pub(crate) output_folder: PathBuf,
    /// Of a run of several methods, show these only; repeatable.
    #[arg(short, long = "saliency-map-algorithm", value_name = "NAME")]
    pub(crate) saliency_map_algorithm: Vec<String>,
    /// Draw the boxes of the data set.
    #[arg(short = 'G', long, overrides_with = "no_show_groundtruth")]
    pub(crate) show_groundtruth: bool,
    /// Draw no boxes, not in the montage either [the default; the montage has them].
    #[arg(short = 'g', long)]
    pub(crate) no_show_groundtruth: bool,
    /// Show nothing where a map is below this share of its maximum, 0 to 1.
    #[arg(short, long, default_value_t = 0.2, value_name = "SHARE", value_parser = share)]
    pub(crate) threshold: f32,
    /// Show samples of this class only.
    #[arg(
        short = 'T',
        long,
        default_value_t = 1,
        allow_negative_numbers = true,
        value_name = "CLASS"
    )]
    pub(crate) target_label: i64,
    /// Colours of the maps: a colour map of matplotlib, such as viridis, magma, turbo or gray_r.
    #[arg(long, default_value = "plasma", value_name = "NAME")]
    pub(crate) colormap: String,
    /// Weight of the colours over the radiograph, 0 to 1.
    #[arg(long, default_value_t = 0.5, value_name = "SHARE", value_parser = share)]
    pub(crate) alpha: f32,
    /// Draw an outline at the threshold instead of colours.
    #[arg(long)]
    pub(crate) contour: bool,
    /// Also write one sheet of all samples and methods: a PDF, or a PNG for each page.
    #[arg(long, value_name = "FILE.png|pdf")]
    pub(crate) montage: Option<PathBuf>,
    /// Whose rounding to use: round by default; truncate twice, as the original program does,
    /// with `mednet`.
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) compat: Option<Compat>,
    /// Number of threads; -1 or 0: one for each core.
    #[arg(short = 'P', long, default_value_t = -1, allow_negative_numbers = true, value_name = "N")]
    pub(crate) parallel: i64,
    #[command(flatten)]
    pub(crate) shard: ShardOption,
    /// Say what would be done, and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print a summary as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A number from 0 to 1.
fn share(text: &str) -> Result<f32, String> {
    match text.trim().parse::<f32>() {
        Ok(value) if (0.0..=1.0).contains(&value) => Ok(value),
        _ => Err("expected a number from 0 to 1".to_owned()),
    }
}
