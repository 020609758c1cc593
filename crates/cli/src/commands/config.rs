//! `mednet config`: the names of models, data sets and methods.

use mednet_data::DataModule;
use mednet_network::arch::{ARCHITECTURES, Architecture};
use mednet_saliency::{CONTROLS, METHODS, method};
use serde_json::json;

use crate::args::ConfigCommand;
use crate::exit::{Outcome, Refusal, Status};
use crate::printer::to_stdout;
use crate::resolve;

/// Runs the command.
pub(crate) fn run(command: &ConfigCommand) -> Outcome {
    match command {
        ConfigCommand::List(arguments) if arguments.json => to_stdout(&list_json()),
        ConfigCommand::List(_) => to_stdout(&list()),
        ConfigCommand::Describe { names } => to_stdout(&describe(names)?),
    }
    Ok(Status::Done)
}

fn list() -> String {
    let mut text = String::from("models:\n");
    for architecture in ARCHITECTURES {
        for name in architecture.names {
            text.push_str(&format!("  {name:24} {}\n", architecture.description));
        }
    }
    text.push_str("\nmethods:\n");
    for method in METHODS {
        let names = method.names().join(", ");
        text.push_str(&format!("  {names:24} {}\n", method.description()));
    }
    text.push_str("\ncontrols:\n");
    for control in CONTROLS {
        text.push_str(&format!(
            "  {:24} {}\n",
            control.name(),
            control.description()
        ));
    }
    text.push_str("\ndata sets:\n");
    for configuration in DataModule::configurations() {
        let missing = if configuration.is_available() {
            ""
        } else {
            " (no split here)"
        };
        let (name, description) = (&configuration.name, &configuration.description);
        text.push_str(&format!("  {name:44} {description}{missing}\n"));
    }
    text
}

fn list_json() -> String {
    let models: Vec<_> = ARCHITECTURES
        .iter()
        .map(|architecture| {
            json!({"names": architecture.names, "description": architecture.description})
        })
        .collect();
    let methods: Vec<_> = METHODS
        .iter()
        .map(|method| {
            json!({
                "names": method.names(),
                "description": method.description(),
                "reference": method.reference(),
            })
        })
        .collect();
    let controls: Vec<_> = CONTROLS
        .iter()
        .map(|control| json!({"name": control.name(), "description": control.description()}))
        .collect();
    let data: Vec<_> = DataModule::configurations()
        .iter()
        .map(|configuration| {
            json!({
                "name": configuration.name,
                "database": configuration.database,
                "split": configuration.split,
                "description": configuration.description,
                "available": configuration.is_available(),
            })
        })
        .collect();
    format!(
        "{:#}",
        json!({"models": models, "methods": methods, "controls": controls, "data": data})
    )
}

fn describe(names: &[String]) -> Result<String, Refusal> {
    let mut text = String::new();
    for name in names {
        if let Some(architecture) = Architecture::find(name) {
            let [channels, height, width] = architecture.input_shape;
            text.push_str(&format!(
                "{name}: a model\n  {}\n  input: {channels} x {height} x {width}\n  default layer: \
                 {}\n",
                architecture.description, architecture.default_layer
            ));
        } else if let Some(method) = method::find(name) {
            text.push_str(&format!(
                "{name}: a saliency method\n  {}\n  {}\n",
                method.description(),
                method.reference()
            ));
        } else if let Some(control) = method::find_control(name) {
            let description = control.description();
            text.push_str(&format!("{name}: a control map\n  {description}\n"));
        } else if DataModule::names().any(|known| known == name) {
            text.push_str(&describe_data(name)?);
        } else {
            let methods = METHODS.iter().flat_map(|method| method.names()).copied();
            let known = resolve::model_names()
                .chain(methods)
                .chain(DataModule::names());
            let hint = mednet_base::suggest::hint(name, known);
            return Err(Refusal::new(format!("nothing is called `{name}`{hint}")));
        }
    }
    Ok(text)
}

fn describe_data(name: &str) -> Result<String, Refusal> {
    let module = DataModule::named(name)?;
    let mut text = format!(
        "{name}: a data set\n  {}\n  database: {}, split: {}\n",
        module.description, module.database, module.split
    );
    for dataset in &module.datasets {
        let boxed = dataset
            .samples
            .iter()
            .filter(|sample| sample.boxes.is_some())
            .count();
        text.push_str(&format!(
            "  {}: {} samples",
            dataset.name,
            dataset.samples.len()
        ));
        if boxed > 0 {
            text.push_str(&format!(", {boxed} of them with boxes"));
        }
        text.push('\n');
    }
    Ok(text)
}
