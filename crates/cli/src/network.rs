//! Loading the network of a command line.

use std::path::PathBuf;
use std::sync::OnceLock;

use mednet_data::{Mode, TransformPipeline};
use mednet_network::arch::Architecture;
use mednet_network::checkpoint::resolve_weight;
use mednet_network::{LoadedNetwork, Normalization};

use crate::args::{Compat, Computing};
use crate::exit::Refusal;
use crate::printer::Printer;
use mednet_base::text::{listed, plural};

/// A loaded network and the file it came from.
pub(crate) struct Weights {
    /// The network.
    pub(crate) network: LoadedNetwork,
    /// The checkpoint file.
    pub(crate) path: PathBuf,
}

/// Whose numbers to produce.
pub(crate) fn mode(compat: Option<Compat>) -> Mode {
    match compat {
        Some(Compat::Mednet) => Mode::Mednet,
        None => Mode::Default,
    }
}

/// What is done to an image before it enters a network.
pub(crate) fn transforms(architecture: &Architecture) -> TransformPipeline {
    let [channels, size, _] = architecture.input_shape;
    if channels == 1 {
        TransformPipeline::gray_square(size)
    } else {
        TransformPipeline::rgb_square(size)
    }
}

/// Uses this many threads from now on.
pub(crate) fn use_threads(parallel: i64) -> Result<usize, Refusal> {
    let threads = match parallel {
        -1 | 0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        count => usize::try_from(count).map_err(|_| {
            Refusal::new(format!(
                "--parallel {count} makes no sense: give a number of threads, or -1 for all cores"
            ))
        })?,
    };
    // There is one pool in a program; a demonstration runs several commands.
    static POOL: OnceLock<usize> = OnceLock::new();
    if POOL.get() != Some(&threads) {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build_global()?;
        let _ = POOL.set(threads);
    }
    Ok(threads)
}

/// Loads the weights and says what is odd about them.
pub(crate) fn load(
    architecture: &Architecture,
    computing: &Computing,
    printer: &Printer,
) -> Result<Weights, Refusal> {
    let Some(weight) = &computing.weight else {
        return Err(Refusal::new(
            "no weights are given: --weight PATH, a checkpoint file (.ckpt, .pth, .pt, \
             .safetensors) or a training folder",
        ));
    };
    let path = resolve_weight(weight)?;
    let normalization = match &computing.normalize {
        Some(text) => text.parse()?,
        None => Normalization::Checkpoint,
    };
    let network = LoadedNetwork::open(architecture, &path, &normalization)?;
    printer.info(&format!(
        "weights: `{}`, {}",
        path.display(),
        network.format
    ));
    if !network.unused.is_empty() {
        printer.warning(&format!(
            "`{}` holds {} that {} has no use for: {}",
            path.display(),
            plural(network.unused.len(), "entry", "entries"),
            architecture.name(),
            listed(&network.unused, 5)
        ));
    }
    if network.normalizer.is_none() && computing.normalize.is_none() {
        printer.warning(&format!(
            "`{}` does not say how images are normalized: they are taken as they are; give \
             --normalize imagenet, MEAN,STD, or none to silence this",
            path.display()
        ));
    }
    Ok(Weights { network, path })
}
