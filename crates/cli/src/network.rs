//! Loading the network of a command line.

use std::path::PathBuf;

use mednet_base::text::plural;
use mednet_data::{Mode, SampleLoader, TransformPipeline};
use mednet_network::arch::Architecture;
use mednet_network::checkpoint::resolve_weight;
use mednet_network::graph::NodeId;
use mednet_network::{LoadedNetwork, Normalization};
use mednet_study::notes::{ComputingNotes, ModelNotes};
use mednet_study::provenance::NetworkSettings;
use mednet_study::{Diagnostic, ThreadCount};
use rayon::ThreadPool;

use crate::args::{Compat, Computing, Question};
use crate::exit::Refusal;
use crate::printer::Printer;
use crate::resolve::{self, Resolved};

/// A loaded network, what runs need to know about it, and the threads that it runs on.
pub(crate) struct Network {
    /// The network.
    pub(crate) loaded: LoadedNetwork,
    /// The checkpoint file.
    pub(crate) weights: PathBuf,
    /// The explained layer.
    pub(crate) layer: NodeId,
    /// Its part in the values of maps and scores.
    pub(crate) settings: NetworkSettings,
    /// What was found out about it, for the notes.
    pub(crate) notes: ComputingNotes,
    /// The sizes of its parts, for the notes.
    pub(crate) model: ModelNotes,
    /// The threads.
    pub(crate) pool: ThreadPool,
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

/// Reads the samples of a data set for a network, or, without one, as they are stored.
pub(crate) fn loader(
    resolved: &Resolved,
    inputs: &crate::args::Inputs,
    mode: Mode,
) -> Result<SampleLoader, Refusal> {
    let transforms = resolved
        .architecture
        .map_or_else(TransformPipeline::default, transforms);
    let directories = resolve::directories(inputs.datadir.as_deref())?;
    let loader = SampleLoader::new(&resolved.module, &directories, transforms, mode)?;
    Ok(loader.with_max_pixels(inputs.max_pixels))
}

/// Loads the weights, starts the threads, and says what is odd about the weights.
pub(crate) fn load(
    architecture: &Architecture,
    computing: &Computing,
    question: &Question,
    printer: &Printer,
) -> Result<Network, Refusal> {
    let Some(weight) = &computing.weight else {
        return Err(Refusal::new(
            "no weights are given: --weight PATH, a checkpoint file (.ckpt, .pth, .pt, \
             .safetensors) or a training folder",
        ));
    };
    let threads = ThreadCount::new(computing.parallel)?;
    let pool = threads.pool()?;
    let path = resolve_weight(weight)?;
    let normalization = match &computing.normalize {
        Some(text) => text.parse()?,
        None => Normalization::Checkpoint,
    };
    let loaded = pool.install(|| LoadedNetwork::open(architecture, &path, &normalization))?;
    printer.info(&format!("weights: `{}`, {}", path.display(), loaded.format));
    for diagnostic in diagnostics(
        architecture,
        &loaded,
        &path.display().to_string(),
        computing,
    ) {
        printer.diagnostic(&diagnostic);
    }
    let layer = resolve::layer(&loaded.graph, architecture, question.layer.as_deref())?;
    let layer_name = loaded.graph.node(layer).name.clone();
    printer.info(&format!(
        "{} with {}, looking at `{layer_name}`, {} ({})",
        architecture.name(),
        plural(loaded.graph.output_count(), "output", "outputs"),
        plural(threads.count, "thread", "threads"),
        threads.chosen_by
    ));
    let normalizer = loaded.normalizer.as_ref().map_or_else(
        || "none".to_owned(),
        |normalizer| format!("mean {:?}, std {:?}", normalizer.mean, normalizer.std),
    );
    Ok(Network {
        settings: NetworkSettings {
            model: architecture.name().to_owned(),
            weights: loaded.sha256.clone(),
            normalizer: normalizer.clone(),
            preprocessing: transforms(architecture).to_string(),
            device: computing.device.clone(),
        },
        notes: ComputingNotes {
            weight_file: path.display().to_string(),
            weight_sha256: loaded.sha256.clone(),
            weight_format: loaded.format.clone(),
            weight_epoch: loaded.epoch,
            normalizer,
            layer: layer_name,
            threads: threads.count,
            threads_chosen_by: threads.chosen_by,
        },
        model: ModelNotes::new(architecture.name(), &loaded.graph),
        layer,
        loaded,
        weights: path,
        pool,
    })
}

/// What is odd about the weights.
fn diagnostics(
    architecture: &Architecture,
    loaded: &LoadedNetwork,
    file: &str,
    computing: &Computing,
) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    if !loaded.unused.is_empty() {
        diagnostics.push(Diagnostic::UnusedWeights {
            names: loaded.unused.clone(),
            model: architecture.name().to_owned(),
        });
    }
    if !loaded.left_aside.is_empty() {
        diagnostics.push(Diagnostic::WeightsLeftAside {
            names: loaded.left_aside.clone(),
        });
    }
    if !loaded.would_execute.is_empty() {
        diagnostics.push(Diagnostic::CallsInCheckpoint {
            file: file.to_owned(),
            calls: loaded.would_execute.clone(),
        });
    }
    if loaded.normalizer.is_none() && computing.normalize.is_none() {
        diagnostics.push(Diagnostic::UnknownNormalization {
            file: file.to_owned(),
        });
    }
    diagnostics
}
