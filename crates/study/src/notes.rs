//! The notes of a run, `*.meta.json`: what is needed to do it again.
//!
//! Names and order of the entries that the original program writes are its own.

use std::path::Path;

use mednet_base::file::{self, FileError};
use mednet_data::DataModule;
use mednet_network::graph::{Graph, Operation};
use serde::Serialize;
use serde_json::{Map, Value};

/// The program, the machine and the command.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct MachineNotes {
    /// When the run began, RFC 3339 with microseconds.
    pub datetime: String,
    /// Name of the program.
    pub package_name: String,
    /// Its version.
    pub package_version: String,
    /// Which of the programs of this name.
    pub implementation: String,
    /// Revision of the numerics.
    pub numerics: u32,
    /// Who ran it.
    pub user: Option<String>,
    /// In which folder.
    pub path: Option<String>,
    /// The command as a shell would take it again.
    pub command_line: String,
    /// On which machine.
    pub hostname: Option<String>,
    /// Operating system and processor family.
    pub platform: String,
    /// What computes, with the instructions that matter.
    pub accelerators: Vec<String>,
}

impl MachineNotes {
    /// Of this process, for a command as it was typed.
    #[must_use]
    pub fn of_this_run(program: &str, command_line: String) -> Self {
        let now = jiff::Zoned::now();
        let folder = std::env::current_dir();
        Self {
            datetime: now.strftime("%Y-%m-%dT%H:%M:%S%.6f%:z").to_string(),
            package_name: "mednet".to_owned(),
            package_version: program.to_owned(),
            implementation: "rust".to_owned(),
            numerics: crate::provenance::NUMERICS,
            user: whoami::username().ok(),
            path: folder.ok().map(|path| path.display().to_string()),
            command_line,
            hostname: whoami::hostname().ok(),
            platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
            accelerators: vec![processor()],
        }
    }
}

/// The processor with the instructions that matter, such as `cpu (AVX512)`.
#[must_use]
pub fn processor() -> String {
    #[cfg(target_arch = "x86_64")]
    let instructions = if is_x86_feature_detected!("avx512f") {
        "AVX512"
    } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        "AVX2"
    } else {
        "SSE2"
    };
    #[cfg(target_arch = "aarch64")]
    let instructions = "NEON";
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let instructions = "portable";
    format!("cpu ({instructions})")
}

/// The data set.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct DataNotes {
    /// The database.
    pub database_name: String,
    /// The split.
    pub database_split: String,
    /// What the user named.
    pub datamodule: String,
}

impl From<&DataModule> for DataNotes {
    fn from(module: &DataModule) -> Self {
        Self {
            database_name: module.database.clone(),
            database_split: module.split.clone(),
            datamodule: module.name.clone(),
        }
    }
}

/// The network and the sizes of its parts.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ModelNotes {
    /// Its name.
    pub model: String,
    /// Name, kind and number of parameters of each part that has any.
    pub model_summary: Vec<(String, String, usize)>,
    /// Number of all parameters.
    pub model_size: usize,
}

impl ModelNotes {
    /// Of a network.
    #[must_use]
    pub fn new(model: &str, graph: &Graph) -> Self {
        let kind = |operation: &Operation| match operation {
            Operation::Convolution(_) => "Conv2d".to_owned(),
            Operation::BatchNorm(_) => "BatchNorm2d".to_owned(),
            Operation::Linear(_) => "Linear".to_owned(),
            other => other.kind().to_owned(),
        };
        let nodes = graph.nodes().iter();
        let with_parameters = nodes.filter(|node| node.operation.parameter_count() > 0);
        Self {
            model: model.to_owned(),
            model_summary: with_parameters
                .map(|node| {
                    let count = node.operation.parameter_count();
                    (node.name.clone(), kind(&node.operation), count)
                })
                .collect(),
            model_size: graph.parameter_count(),
        }
    }
}

/// What was found out about the weights, the explained layer and the threads.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ComputingNotes {
    /// The checkpoint that was read.
    pub weight_file: String,
    /// Its SHA-256.
    pub weight_sha256: String,
    /// Its format.
    pub weight_format: String,
    /// The epoch that it is of.
    pub weight_epoch: Option<i64>,
    /// Mean and standard deviation of the channels, or `none`.
    pub normalizer: String,
    /// The explained layer.
    pub layer: String,
    /// Number of threads.
    pub threads: usize,
    /// Who chose it.
    pub threads_chosen_by: String,
}

/// All notes of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct RunNotes {
    /// The program, the machine and the command.
    #[serde(flatten)]
    pub machine: MachineNotes,
    /// The data set.
    #[serde(flatten)]
    pub data: Option<DataNotes>,
    /// The network.
    #[serde(flatten)]
    pub model: Option<ModelNotes>,
    /// The options as they were typed, or as files and the environment set them.
    #[serde(flatten)]
    pub options: Map<String, Value>,
    /// What was found out before the run.
    #[serde(flatten)]
    pub computing: Option<ComputingNotes>,
    /// What only this command notes.
    #[serde(flatten)]
    pub more: Map<String, Value>,
    /// How long the run took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<f64>,
    /// What came of it.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub results: Value,
}

impl RunNotes {
    /// Notes of a command and its options.
    #[must_use]
    pub fn new(machine: MachineNotes, options: Map<String, Value>) -> Self {
        Self {
            machine,
            data: None,
            model: None,
            options,
            computing: None,
            more: Map::new(),
            duration_seconds: None,
            results: Value::Null,
        }
    }

    /// Notes something that only this command notes, in place of an option of that name.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        let value = serde_json::to_value(value).unwrap_or_default();
        match self.options.get_mut(name) {
            Some(option) => *option = value,
            None => {
                self.more.insert(name.to_owned(), value);
            }
        }
        self
    }

    /// The notes as one value.
    #[must_use]
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Writes the notes.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        write(path, &self.to_value())
    }
}

/// Writes notes.
///
/// # Errors
/// Where the file cannot be written.
pub fn write(path: &Path, notes: &Value) -> Result<(), FileError> {
    let mut text = format!("{notes:#}");
    text.push('\n');
    file::write(path, text.as_bytes())
}
