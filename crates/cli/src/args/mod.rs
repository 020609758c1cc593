//! What the user can type. No logic: help, completions and the manual come from here.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};
use mednet_study::Shard;

mod demo;
mod evaluate;
mod scores;
mod view;

pub(crate) use demo::Demo;
pub(crate) use evaluate::Evaluate;
pub(crate) use scores::{Completeness, Interpretability, ScoreOutput};
pub(crate) use view::View;

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
                  could be done as asked or written, 70 a bug, 130 interrupted."
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
    /// Explain a diagnostic by its code, such as W004; without a code, list all of them.
    Explain {
        /// Codes.
        codes: Vec<String>,
    },
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
    /// Bring the parts of a run together (--shard), and check that none is missing.
    ///
    /// Names the output folders of `generate`, `completeness` or `interpretability`. What comes out
    /// is byte for byte what one process would have written. Exit codes: 0 all is there, 1 something
    /// is missing or has failed, 2 the parts contradict each other.
    Collect(Collect),
    /// Show how far the parts of a run are.
    Status(RunStatus),
}

/// Which runs to bring together.
#[derive(Debug, Args)]
pub(crate) struct Collect {
    /// Output folders.
    #[arg(required = true, value_name = "DIR")]
    pub(crate) folders: Vec<PathBuf>,
    /// Compare every map with its digest.
    #[arg(long)]
    pub(crate) verify: bool,
    /// Print a summary as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which runs to look at.
#[derive(Debug, Args)]
pub(crate) struct RunStatus {
    /// Output folders.
    #[arg(required = true, value_name = "DIR")]
    pub(crate) folders: Vec<PathBuf>,
    /// Look again every few seconds, until all parts have ended.
    #[arg(long)]
    pub(crate) watch: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
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
    /// Read no picture with more pixels than this, after padding to a square.
    #[arg(long, value_name = "N", default_value_t = mednet_data::DEFAULT_MAX_PIXELS)]
    pub(crate) max_pixels: u64,
}

/// Which part of a run.
#[derive(Debug, Args)]
pub(crate) struct ShardOption {
    /// Do the I-th of N parts of the run only, on this machine or another one; `mednet saliency
    /// collect` brings all of them together.
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Shard>,
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
      --layer features.norm5 --compat mednet

  The third of sixteen parts, each on a machine of its own, then all together:
    mednet saliency generate densenet split.json -w model.ckpt -s all -o maps --shard 3/16
    mednet saliency collect maps")]
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
    /// At which resolution maps are stored: enlarged to the image, or as they are at the layer, a
    /// thousandth of the size, to be enlarged by this program when it reads them.
    #[arg(long, default_value = "image", value_name = "image|layer")]
    pub(crate) store: String,
    /// Replace maps that were made with other settings.
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Compare every map and image that is there with its digest, and make again what differs.
    #[arg(long)]
    pub(crate) verify: bool,
    #[command(flatten)]
    pub(crate) shard: ShardOption,
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
