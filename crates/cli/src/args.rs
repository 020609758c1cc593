//! What the user can type. No logic: help, completions and the manual come from here.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};

const HELP: &str = "Print help";
/// Heading, in the help, of what most commands have.
const GENERAL: &str = "General options";

/// Where a chest X-ray classifier looks, and whether that is to be believed.
///
/// Makes saliency maps of the networks and data sets of mednet, shows them, and measures how
/// faithful they are.
#[derive(Debug, Parser)]
#[command(
    name = "mednet",
    version,
    infer_subcommands = true,
    disable_help_flag = true,
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100,
    after_help = "Exit codes: 0 all done, 1 some samples failed (they are listed), 2 nothing \
                  could be done as asked, 70 a bug, 130 interrupted."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// Say more: -v notices, -vv what is being done, -vvv everything.
    #[arg(short, long, action = ArgAction::Count, global = true, help_heading = GENERAL)]
    pub(crate) verbose: u8,
    /// Say nothing but errors and warnings: no progress, no summary.
    #[arg(long, global = true, help_heading = GENERAL)]
    pub(crate) quiet: bool,
    #[arg(short = 'h', short_alias = '?', long, action = ArgAction::Help, global = true, help = HELP, help_heading = GENERAL)]
    help: Option<bool>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Commands on classifiers.
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Classify {
        #[command(subcommand)]
        command: ClassifyCommand,
    },
    /// Saliency maps: make them, look at them, measure them.
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Saliency {
        #[command(subcommand)]
        command: SaliencyCommand,
    },
    /// The names of models, data sets, methods and layers.
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// The databases and where their images are.
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Database {
        #[command(subcommand)]
        command: DatabaseCommand,
    },
    /// Try everything on drawn chest phantoms: needs no file and no network connection.
    Demo(Demo),
    /// What this program is and where it looks for things.
    Info(Info),
    /// Print a script that completes command lines in a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write those of all commands.
    Man {
        /// Write a page for each command into this folder.
        folder: Option<PathBuf>,
    },
    /// Print the version.
    Version,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ClassifyCommand {
    /// Saliency maps: make them, look at them, measure them.
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Saliency {
        #[command(subcommand)]
        command: SaliencyCommand,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SaliencyCommand {
    /// Make saliency maps of all samples of a data set.
    Generate(Box<Generate>),
    /// Lay saliency maps over the radiographs they explain.
    View(Box<View>),
    /// List the layers of a model that methods can look at.
    Layers(Layers),
    /// Compare methods by the completeness and interpretability of their maps.
    ///
    /// Scores of the same sample are brought together by its name; samples that lack either are left
    /// out. The scores are AOPC-Combined (the combined ROAD score), proportional energy, average
    /// saliency focus, and ROAD-weighted proportional energy, the product of the first two.
    ///
    /// Every pair of methods is compared sample by sample: mean difference with a 95 % BCa bootstrap
    /// interval, and the Wilcoxon signed-rank test, Holm-corrected over the pairs of each data set and
    /// score.
    Evaluate(Evaluate),
    /// Measure how well maps agree with the boxes that radiologists drew.
    Interpretability(Box<Interpretability>),
    /// Measure how much a class's probability changes when pixels are removed in the order of
    /// their saliency (ROAD).
    Completeness(Box<Completeness>),
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// List all names.
    List(ConfigList),
    /// Say what names stand for.
    Describe {
        /// Names of models, data sets or methods.
        #[arg(required = true)]
        names: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ConfigList {
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DatabaseCommand {
    /// List the databases with their folders.
    List(DatabaseList),
    /// Read the samples of a data set and count what is wrong with them.
    Check(DatabaseCheck),
}

#[derive(Debug, Args)]
pub(crate) struct DatabaseList {
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DatabaseCheck {
    /// A data set by name, or a split file (.json, .json.gz, .json.bz2).
    pub(crate) datamodule: String,
    /// Read at most this many samples of each data set.
    #[arg(short, long, visible_alias = "limit", value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// The folder of the images.
    #[arg(long, value_name = "DIR")]
    pub(crate) datadir: Option<PathBuf>,
    /// Read the images of a split file by the rule of this database.
    #[arg(long, value_name = "DATABASE")]
    pub(crate) loader: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Info {
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Layers {
    /// The model.
    pub(crate) model: String,
    /// List every node of the network, not only layers that make sense for saliency.
    #[arg(long)]
    pub(crate) all: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options in files.
#[derive(Debug, Args)]
pub(crate) struct OptionFiles {
    /// Read options from this TOML file; `mednet.toml` in the current folder is always read. What
    /// is typed, or set in the environment (MEDNET_OUTPUT_FOLDER for --output-folder), wins.
    #[arg(long, value_name = "FILE", help_heading = GENERAL)]
    config: Option<PathBuf>,
    /// Write a TOML file with all options of this command, explained, and end (`-`: to stdout).
    #[arg(short = 'H', long, value_name = "FILE", help_heading = GENERAL)]
    dump_config: Option<PathBuf>,
}

/// A model, a data set, and how both are read.
#[derive(Debug, Args)]
pub(crate) struct Inputs {
    #[command(flatten)]
    option_files: OptionFiles,
    /// MODEL and DATAMODULE, in any order: a model by name, a data set by name or as a split file
    /// (.json, .json.gz, .json.bz2), options as a .toml file.
    #[arg(value_name = "CONFIG")]
    pub(crate) configs: Vec<String>,
    /// The model, by name.
    #[arg(short, long)]
    pub(crate) model: Option<String>,
    /// The data set, by name or as a split file.
    #[arg(short, long)]
    pub(crate) datamodule: Option<String>,
    /// The folder of the images; the default is what ~/.config/mednet.toml says, or the folder of
    /// the split file.
    #[arg(long, value_name = "DIR")]
    pub(crate) datadir: Option<PathBuf>,
    /// Read the images of a split file by the rule of this database.
    #[arg(long, value_name = "DATABASE")]
    pub(crate) loader: Option<String>,
    /// Use this data set (such as `test`) only.
    #[arg(short = 'S', long, value_name = "NAME")]
    pub(crate) only_dataset: Option<String>,
    /// Use at most this many samples of each data set.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
}

/// Where and how a network runs.
#[derive(Debug, Args)]
pub(crate) struct Computing {
    /// The trained weights: a checkpoint (.ckpt, .pth, .pt, .safetensors) or a training folder.
    #[arg(short, long, value_name = "PATH")]
    pub(crate) weight: Option<PathBuf>,
    /// How images are normalized if the checkpoint does not say: imagenet, none, or MEAN,STD.
    #[arg(long, value_name = "HOW")]
    pub(crate) normalize: Option<String>,
    /// Where to compute.
    #[arg(short = 'x', long, default_value = "cpu")]
    pub(crate) device: String,
    /// Number of threads; -1 or 0: one for each core.
    #[arg(short = 'P', long, default_value_t = -1, allow_negative_numbers = true, value_name = "N")]
    pub(crate) parallel: i64,
    /// Read all samples before the first is computed.
    #[arg(long, overrides_with = "no_cache_samples")]
    pub(crate) cache_samples: bool,
    /// Read samples while others are computed [the default].
    #[arg(long)]
    no_cache_samples: bool,
    /// Seed of everything random.
    #[arg(long, default_value_t = 42)]
    pub(crate) seed: u64,
    /// Whose numbers to produce: sound ones by default, those of the original program, defects
    /// included, with `mednet`.
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) compat: Option<Compat>,
}

/// A program whose numbers can be reproduced.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Compat {
    /// The original, mednet 2.1.
    Mednet,
}

/// Which question a map answers.
#[derive(Debug, Args)]
pub(crate) struct Question {
    /// The method, repeatable; `all` for every method [default: gradcam].
    #[arg(short, long = "saliency-map-algorithm", value_name = "NAME")]
    pub(crate) saliency_map_algorithm: Vec<String>,
    /// Explain the class with the highest logit, all classes, or one by its number.
    #[arg(
        short = 'C',
        long,
        default_value = "highest",
        value_name = "highest|all|INDEX"
    )]
    pub(crate) target_class: String,
    /// The layer to look at; see `mednet saliency layers`.
    #[arg(long, value_name = "NAME")]
    pub(crate) layer: Option<String>,
    /// Leave out samples of class 0 (networks with one output only).
    #[arg(short = 'z', long, overrides_with = "no_positive_only")]
    pub(crate) positive_only: bool,
    /// Do not leave any sample out [the default].
    #[arg(short = 'Z', long)]
    no_positive_only: bool,
}

/// Make saliency maps of all samples of a data set.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  The maps of a pasa network for a named data set, by Grad-CAM:
    mednet saliency generate pasa tbx11k-v1-healthy-vs-atb -w model.ckpt -o maps

  All methods at once for one's own images, listed in split.json beside them:
    mednet saliency generate densenet split.json -w training/ -s all -o maps

  One data set, one layer, the original program's numbers:
    mednet saliency generate densenet split.json -w model.ckpt -S test \\
      --layer features.norm5 --compat mednet")]
pub(crate) struct Generate {
    #[command(flatten)]
    pub(crate) inputs: Inputs,
    #[command(flatten)]
    pub(crate) computing: Computing,
    #[command(flatten)]
    pub(crate) question: Question,
    /// Where the maps go.
    #[arg(short, long, default_value = "saliency-maps", value_name = "DIR")]
    pub(crate) output_folder: PathBuf,
    /// Replace maps that were made with other settings.
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Stop at the first sample that fails.
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// Say what would be done, and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print a summary as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

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
    /// Say what would be done, and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print a summary as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

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
}

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

/// A number from 0 to 1.
fn share(text: &str) -> Result<f32, String> {
    match text.trim().parse::<f32>() {
        Ok(value) if (0.0..=1.0).contains(&value) => Ok(value),
        _ => Err("expected a number from 0 to 1".to_owned()),
    }
}
