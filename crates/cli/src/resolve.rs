//! From names to things: models, data sets, methods, devices, layers.

use std::path::Path;

use mednet_base::suggest;
use mednet_data::{DataDirectories, DataModule};
use mednet_network::arch::{ARCHITECTURES, Architecture};
use mednet_network::graph::{Graph, NodeId};
use mednet_saliency::{METHODS, Method, method};

use crate::args::Inputs;
use crate::exit::Refusal;

/// Networks that mednet trains and whose saliency is not computed, with the reason.
const OTHER_MODELS: &[(&str, &str)] = &[
    ("logistic-regression", "it takes no images"),
    ("mlp", "it takes no images"),
    ("cnn3d", "it takes volumes"),
    (
        "vit-small",
        "vision transformers have no convolutional layer to look at",
    ),
    (
        "vit-small-lora",
        "vision transformers have no convolutional layer to look at",
    ),
    (
        "vit-large",
        "vision transformers have no convolutional layer to look at",
    ),
    (
        "vit-large-lora",
        "vision transformers have no convolutional layer to look at",
    ),
    (
        "temporal-vitgru",
        "vision transformers have no convolutional layer to look at",
    ),
    ("unet", "it segments and gives no class a score"),
    ("lwnet", "it segments and gives no class a score"),
    ("hed", "it segments and gives no class a score"),
    ("driu", "it segments and gives no class a score"),
    ("m2unet", "it segments and gives no class a score"),
    (
        "faster-rcnn",
        "it detects objects and gives no image a score",
    ),
];

/// The model and the data set of a command line.
pub(crate) struct Resolved {
    /// The model, if one was named.
    pub(crate) architecture: Option<&'static Architecture>,
    /// The data set.
    pub(crate) module: DataModule,
}

impl Resolved {
    /// The split file; where the data set is no file, the path of none.
    pub(crate) fn split_file(&self) -> std::path::PathBuf {
        let is_file = self.module.folder.is_some();
        std::path::PathBuf::from(if is_file { &self.module.name } else { "" })
    }
}

/// Names of all models.
pub(crate) fn model_names() -> impl Iterator<Item = &'static str> {
    ARCHITECTURES
        .iter()
        .flat_map(|architecture| architecture.names)
        .copied()
}

/// Finds a model by its name.
pub(crate) fn model(name: &str) -> Result<&'static Architecture, Refusal> {
    if let Some(architecture) = Architecture::find(name) {
        return Ok(architecture);
    }
    if let Some((_, reason)) = OTHER_MODELS.iter().find(|(other, _)| *other == name) {
        let known = model_names().collect::<Vec<_>>().join(", ");
        return Err(Refusal::new(format!(
            "no saliency for the model `{name}`: {reason}; it is computed for {known}"
        )));
    }
    let known = model_names().collect::<Vec<_>>().join(", ");
    let hint = suggest::hint(name, model_names());
    Err(Refusal::new(format!(
        "unknown model `{name}`{hint}; models are {known}"
    )))
}

/// Sorts the positional arguments into a model and a data set.
pub(crate) fn inputs(inputs: &Inputs) -> Result<Resolved, Refusal> {
    let mut model_name = None;
    let mut module_name = None;
    for config in inputs.configs.iter().filter(|config| !is_toml(config)) {
        if config.to_lowercase().ends_with(".py") {
            return Err(python_file(config));
        }
        let is_model = Architecture::find(config).is_some()
            || OTHER_MODELS.iter().any(|(name, _)| name == config);
        let is_module = is_split_file(config) || DataModule::names().any(|name| name == config);
        let (slot, what) = match (is_model, is_module) {
            (true, _) => (&mut model_name, "model"),
            (false, true) => (&mut module_name, "data set"),
            (false, false) => return Err(unknown_config(config)),
        };
        if let Some(first) = slot.replace(config.clone()) {
            return Err(Refusal::new(format!(
                "two {what}s are given: `{first}` and `{config}`"
            )));
        }
    }
    let model_name = model_name.or_else(|| inputs.model.clone());
    let architecture = model_name.as_deref().map(model).transpose()?;
    let Some(module_name) = module_name.or_else(|| inputs.datamodule.clone()) else {
        return Err(Refusal::new(
            "no data set is given: name one (`mednet config list` shows them) or give the path of \
             a split file (.json, .json.gz, .json.bz2)",
        ));
    };
    let module = DataModule::resolve(&module_name, inputs.loader.as_deref())?;
    Ok(Resolved {
        architecture,
        module,
    })
}

/// The model, which this command cannot do without.
pub(crate) fn required_model(resolved: &Resolved) -> Result<&'static Architecture, Refusal> {
    resolved.architecture.ok_or_else(|| {
        let known = model_names().collect::<Vec<_>>().join(", ");
        Refusal::new(format!("no model is given; models are {known}"))
    })
}

/// Whether a positional argument is a configuration file.
pub(crate) fn is_toml(config: &str) -> bool {
    config.to_lowercase().ends_with(".toml")
}

fn is_split_file(config: &str) -> bool {
    let lower = config.to_lowercase();
    [".json", ".json.gz", ".json.bz2"]
        .iter()
        .any(|suffix| lower.ends_with(suffix))
        || Path::new(config).is_file()
}

fn unknown_config(config: &str) -> Refusal {
    let names = model_names().chain(DataModule::names());
    let hint = suggest::hint(config, names);
    Refusal::new(format!(
        "`{config}` is neither a model nor a data set nor a file{hint}; `mednet config list` shows \
         all names, and the path of a split file ends in .json, .json.gz or .json.bz2"
    ))
}

fn python_file(config: &str) -> Refusal {
    Refusal::new(format!(
        "`{config}` is a Python file, which is not executed; write its settings into a TOML file \
         and give that instead, such as:\n\n    model = \"pasa\"\n    datamodule = \
         \"path/to/split.json\"\n    weight = \"path/to/model.ckpt\"\n    output_folder = \
         \"path/to/output\"\n"
    ))
}

/// Where the images are, with `--datadir` first.
pub(crate) fn directories(datadir: Option<&Path>) -> Result<DataDirectories, Refusal> {
    let directories = DataDirectories::of_user()?;
    Ok(match datadir {
        Some(folder) => directories.with_explicit(folder),
        None => directories,
    })
}

/// The method that is meant where none is named.
pub(crate) const DEFAULT_METHOD: &str = "gradcam";
/// The methods of these names, each once, in the order in which they were named.
pub(crate) fn methods(names: &[String]) -> Result<Vec<&'static dyn Method>, Refusal> {
    let default = [DEFAULT_METHOD.to_owned()];
    let names = if names.is_empty() { &default } else { names };
    let mut methods: Vec<&'static dyn Method> = Vec::new();
    for name in names {
        let named: Vec<&'static dyn Method> = if name.eq_ignore_ascii_case("all") {
            METHODS.to_vec()
        } else {
            vec![method::find(name).ok_or_else(|| unknown_method(name))?]
        };
        for method in named {
            if !methods.iter().any(|known| known.names() == method.names()) {
                methods.push(method);
            }
        }
    }
    Ok(methods)
}

pub(crate) fn unknown_method(name: &str) -> Refusal {
    let known: Vec<&str> = METHODS
        .iter()
        .flat_map(|method| method.names())
        .copied()
        .collect();
    let hint = suggest::hint(&name.to_lowercase(), known.iter().copied());
    let known = known.join(", ");
    Refusal::new(format!(
        "unknown method `{name}`{hint}; methods are all, {known}"
    ))
}

/// Checks the name of a device. There is one kind in this version.
pub(crate) fn device(name: &str) -> Result<(), Refusal> {
    let kind = name.split(':').next().unwrap_or_default();
    match kind {
        "cpu" if name == "cpu" => Ok(()),
        "cuda" | "mps" => Err(Refusal::new(format!(
            "the device `{name}` cannot be used: this version computes on the processor only; use \
             --device cpu"
        ))),
        _ => {
            let hint = suggest::hint(kind, ["cpu", "cuda", "mps"]);
            Err(Refusal::new(format!(
                "unknown device `{name}`{hint}; use --device cpu"
            )))
        }
    }
}

/// The layer to look at.
pub(crate) fn layer(
    graph: &Graph,
    architecture: &Architecture,
    name: Option<&str>,
) -> Result<NodeId, Refusal> {
    let name = name.unwrap_or(architecture.default_layer);
    let Some(id) = graph.find(name) else {
        let hint = suggest::hint(name, graph.nodes().iter().map(|node| node.name.as_str()));
        return Err(Refusal::new(format!(
            "there is no layer `{name}` in {}{hint}; `mednet saliency layers {}` lists them",
            architecture.name(),
            architecture.name()
        )));
    };
    Ok(id)
}
