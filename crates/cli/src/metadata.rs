//! What is needed to reproduce a run: the `.meta.json` beside its results.

use mednet_data::DataModule;
use mednet_network::arch::Architecture;
use mednet_network::graph::{Graph, Operation};
use serde_json::{Map, Value, json};

/// Entries in the order in which they are written.
pub(crate) type Metadata = Map<String, Value>;

/// What every command notes: time, program, machine, command line.
pub(crate) fn of_this_run() -> Metadata {
    let mut metadata = Map::new();
    let mut put = |name: &str, value: Value| metadata.insert(name.to_owned(), value);
    let now = jiff::Zoned::now();
    put(
        "datetime",
        json!(now.strftime("%Y-%m-%dT%H:%M:%S%.6f%:z").to_string()),
    );
    put("package-name", json!("mednet"));
    put("package-version", json!(env!("CARGO_PKG_VERSION")));
    put("implementation", json!("rust"));
    put("user", json!(whoami::username().ok()));
    let folder = std::env::current_dir()
        .map(|path| path.display().to_string())
        .ok();
    put("path", json!(folder));
    put("command-line", json!(command_line()));
    put("hostname", json!(whoami::hostname().ok()));
    put(
        "platform",
        json!(format!(
            "{}-{}",
            std::env::consts::OS,
            std::env::consts::ARCH
        )),
    );
    put("accelerators", json!([processor()]));
    metadata
}

/// The command line as a shell would take it again.
fn command_line() -> String {
    let words: Vec<String> = std::env::args_os()
        .map(|word| shell_quoted(&word.to_string_lossy()))
        .collect();
    words.join(" ")
}

/// A word as a shell would take it again.
pub(crate) fn shell_quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// The processor with the instructions that matter, such as `cpu (AVX512)`.
pub(crate) fn processor() -> String {
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

/// Notes a data set.
pub(crate) fn put_data(metadata: &mut Metadata, module: &DataModule) {
    metadata.insert("database-name".to_owned(), json!(module.database));
    metadata.insert("database-split".to_owned(), json!(module.split));
    metadata.insert("datamodule".to_owned(), json!(module.name));
}

/// Notes a network and the sizes of its parts.
pub(crate) fn put_model(metadata: &mut Metadata, architecture: &Architecture, graph: &Graph) {
    let with_parameters = graph
        .nodes()
        .iter()
        .filter(|n| n.operation.parameter_count() > 0);
    let summary: Vec<Value> = with_parameters
        .map(|node| {
            let kind = match node.operation {
                Operation::Convolution(_) => "Conv2d",
                Operation::BatchNorm(_) => "BatchNorm2d",
                Operation::Linear(_) => "Linear",
                _ => node.operation.kind(),
            };
            json!([node.name, kind, node.operation.parameter_count()])
        })
        .collect();
    metadata.insert("model".to_owned(), json!(architecture.name()));
    metadata.insert("model-summary".to_owned(), json!(summary));
    metadata.insert("model-size".to_owned(), json!(graph.parameter_count()));
}
