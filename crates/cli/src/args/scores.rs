//! What can be typed behind `interpretability` and `completeness`.

use std::path::PathBuf;

use clap::Args;

use super::{Computing, Inputs, Question, ShardOption};

/// Where scores and their pages go.
#[derive(Debug, Args)]
pub(crate) struct ScoreOutput {
    /// The file of the scores; notes, table, curves and plots go beside it under the same name.
    #[arg(short = 'j', long, value_name = "FILE")]
    pub(crate) output_json: Option<PathBuf>,
    /// The folder of the scores, unless --output-json names a file; with several methods, each has
    /// a folder of its own in it.
    #[arg(short, long, default_value = "results", value_name = "DIR")]
    pub(crate) output_folder: PathBuf,
}

/// Measure how well maps agree with the boxes that radiologists drew.
///
/// Proportional energy: the share of the saliency inside the boxes. Average saliency focus: the
/// mean saliency inside the boxes. Images are not decoded, and the model, which is optional, only
/// says how boxes move: no weights are needed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  The maps of one method:
    mednet saliency interpretability pasa split.json -i maps --output-json scores.json

  All methods of a run of several, and the controls:
    mednet saliency interpretability pasa split.json -i maps -o results \\
      -s all -s control-random -s control-center -s control-uniform")]
pub(crate) struct Interpretability {
    #[command(flatten)]
    pub(crate) inputs: Inputs,
    /// The maps: the output folder of `generate`, or any folder of .npy files with the names of the
    /// samples.
    #[arg(short, long, default_value = "saliency-maps", value_name = "DIR")]
    pub(crate) input_folder: PathBuf,
    /// The method or control, repeatable: `all` for every method that the folder holds;
    /// control-random, control-center and control-uniform need no files [default: what the folder
    /// holds].
    #[arg(short, long = "saliency-map-algorithm", value_name = "NAME")]
    pub(crate) saliency_map_algorithm: Vec<String>,
    /// Score the samples of this class.
    #[arg(
        short,
        long,
        default_value_t = 1,
        allow_negative_numbers = true,
        value_name = "LABEL"
    )]
    pub(crate) target_label: i64,
    #[command(flatten)]
    pub(crate) output: ScoreOutput,
    /// Draw histograms [the default].
    #[arg(short = 'P', short_alias = 'Q', long, overrides_with = "no_plot")]
    plot: bool,
    /// Draw nothing.
    #[arg(long)]
    pub(crate) no_plot: bool,
    /// Seed of the random control.
    #[arg(long, default_value_t = 42)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) shard: ShardOption,
}

/// Measure how much a class's probability changes when pixels are removed in the order of their
/// saliency (ROAD).
///
/// After Rong et al. 2022 (arXiv:2202.00449): the most salient pixels first (MoRF, which should
/// hurt) and the least salient first (LeRF, which should not), each filled in from its neighbours
/// with a little noise. The curves go into STEM.curves.json.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  Grad-CAM of a pasa network:
    mednet saliency completeness pasa tbx11k-v1-healthy-vs-atb -w model.ckpt \\
      --output-json scores.json

  All methods and the controls, averaged over ten draws of the noise:
    mednet saliency completeness densenet split.json -w training/ -s all \\
      -s control-random -s control-center -s control-uniform --repeats 10 -o results

  Maps that are there already:
    mednet saliency completeness pasa split.json -w model.ckpt -i maps -o results")]
pub(crate) struct Completeness {
    #[command(flatten)]
    pub(crate) inputs: Inputs,
    #[command(flatten)]
    pub(crate) computing: Computing,
    #[command(flatten)]
    pub(crate) question: Question,
    /// Score maps that are there already: the output folder of `generate`, or any folder of .npy
    /// files with the names of the samples.
    #[arg(short, long, value_name = "DIR")]
    pub(crate) input_folder: Option<PathBuf>,
    /// The percentage of the pixels that is removed, repeatable (with --compat mednet, that is
    /// kept).
    #[arg(
        short = 'e',
        long,
        default_values_t = [20, 40, 60, 80],
        value_parser = clap::value_parser!(u8).range(1..=99),
        value_name = "INT"
    )]
    pub(crate) percentile: Vec<u8>,
    /// Standard deviation of the noise on filled-in pixels, of which black is 0 and white is 1.
    #[arg(long, default_value_t = 0.01, value_name = "STD")]
    pub(crate) noise: f32,
    /// Draws of the noise that are averaged.
    #[arg(
        long,
        default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..=1000),
        value_name = "N"
    )]
    pub(crate) repeats: u32,
    /// What the score of a class is: sigmoid, or softmax for classes that exclude each other.
    #[arg(long, default_value = "sigmoid", value_name = "sigmoid|softmax")]
    pub(crate) score: String,
    #[command(flatten)]
    pub(crate) output: ScoreOutput,
    /// Draw histograms [the default].
    #[arg(short = 'Q', long, overrides_with = "no_plot")]
    plot: bool,
    /// Draw nothing.
    #[arg(long)]
    pub(crate) no_plot: bool,
    /// Stop at the first sample that fails.
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// Score maps that were made with other weights all the same.
    #[arg(long)]
    pub(crate) allow_other_weights: bool,
    #[command(flatten)]
    pub(crate) shard: ShardOption,
}
