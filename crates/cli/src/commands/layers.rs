//! `mednet saliency layers MODEL`: the layers that methods can look at.

use mednet_network::arch::{Architecture, ArchitectureError};
use mednet_network::graph::{Graph, NodeId, Operation, ParameterList};
use serde_json::json;

use crate::args::Layers;
use crate::exit::{Outcome, Status};
use crate::printer::to_stdout;
use crate::resolve;

/// Runs the command.
pub(crate) fn run(arguments: &Layers) -> Outcome {
    let architecture = resolve::model(&arguments.model)?;
    let graph = skeleton(architecture)?;
    let shapes = graph.shapes(graph.input_shape())?;
    let rows: Vec<(&str, &str, String, bool)> = graph
        .nodes()
        .iter()
        .enumerate()
        .filter(|(index, node)| {
            arguments.all || is_candidate(&node.operation, shapes[*index], NodeId(*index))
        })
        .map(|(index, node)| {
            let [channels, height, width] = shapes[index];
            let shape = format!("{channels} x {height} x {width}");
            let default = node.name == architecture.default_layer;
            (node.name.as_str(), node.operation.kind(), shape, default)
        })
        .collect();
    if arguments.json {
        let rows: Vec<_> = rows
            .iter()
            .map(|(name, kind, shape, default)| {
                json!({"name": name, "kind": kind, "shape": shape, "default": default})
            })
            .collect();
        to_stdout(&format!("{:#}", json!(rows)));
        return Ok(Status::Done);
    }
    let width = |column: fn(&(&str, &str, String, bool)) -> usize| {
        rows.iter().map(column).max().unwrap_or(0)
    };
    let (name_width, kind_width) = (width(|row| row.0.len()), width(|row| row.1.len()));
    let mut text = String::new();
    for (name, kind, shape, default) in &rows {
        let mark = if *default { "  (default)" } else { "" };
        text.push_str(&format!(
            "{name:name_width$}  {kind:kind_width$}  {shape}{mark}\n"
        ));
    }
    to_stdout(&text);
    Ok(Status::Done)
}

/// The network without its weights.
fn skeleton(architecture: &Architecture) -> Result<Graph, ArchitectureError> {
    architecture.build(1, &mut ParameterList::default(), None)
}

/// Layers with an extent: what has been averaged over the image says nothing about places.
fn is_candidate(operation: &Operation, [_, height, width]: [usize; 3], id: NodeId) -> bool {
    let kind = matches!(
        operation,
        Operation::Convolution(_)
            | Operation::BatchNorm(_)
            | Operation::Relu
            | Operation::Sum { .. }
            | Operation::MaxPool(_)
            | Operation::AveragePool(_)
    );
    kind && id.0 > 0 && height * width > 1
}
