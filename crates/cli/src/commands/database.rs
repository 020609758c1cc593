//! `mednet database`: the databases and what is wrong with their images.

use mednet_data::{DataDirectories, DataModule, Database, Mode, SampleLoader, TransformPipeline};
use serde_json::json;

use crate::args::{DatabaseCheck, DatabaseCommand};
use crate::exit::{Outcome, Refusal, Status};
use crate::printer::{Printer, to_stdout};
use crate::resolve;
use mednet_base::text::plural;

/// Runs the command.
pub(crate) fn run(command: &DatabaseCommand, printer: &Printer) -> Outcome {
    match command {
        DatabaseCommand::List(arguments) => list(arguments.json),
        DatabaseCommand::Check(arguments) => check(arguments, printer),
    }
}

fn list(as_json: bool) -> Outcome {
    let directories = DataDirectories::of_user()?;
    let setting = |database: &Database| {
        let (folder, _) = directories.setting(database)?;
        Some((folder.display().to_string(), folder.is_dir()))
    };
    if as_json {
        let rows: Vec<_> = Database::all()
            .iter()
            .map(|database| {
                let setting = setting(database);
                json!({
                    "name": database.slug,
                    "title": database.title,
                    "folder": setting.as_ref().map(|setting| &setting.0),
                    "exists": setting.as_ref().is_some_and(|setting| setting.1),
                })
            })
            .collect();
        to_stdout(&format!("{:#}", json!(rows)));
        return Ok(Status::Done);
    }
    let mut text = String::new();
    for database in Database::all() {
        let folder = match setting(database) {
            None => "NOT installed".to_owned(),
            Some((folder, true)) => folder,
            Some((folder, false)) => format!("NOT installed: `{folder}` does not exist"),
        };
        text.push_str(&format!("{:12} {folder}\n", database.slug));
    }
    text.push_str(&format!(
        "\nFolders are set in `{}`, by MEDNET_DATADIR_NAME in the environment, or by --datadir.\n",
        directories.configuration_file().display()
    ));
    to_stdout(&text);
    Ok(Status::Done)
}

fn check(arguments: &DatabaseCheck, printer: &Printer) -> Outcome {
    let module = DataModule::resolve(&arguments.datamodule, arguments.loader.as_deref())?;
    let directories = resolve::directories(arguments.datadir.as_deref())?;
    let as_stored = TransformPipeline::new(Vec::new());
    let loader = SampleLoader::new(&module, &directories, as_stored, Mode::Default)?;
    let (mut samples, mut errors) = (0, 0);
    for checked in loader.check(&module, arguments.limit) {
        samples += 1;
        let name = &checked.record.name;
        match checked.result {
            Ok(notices) => {
                for notice in notices {
                    printer.notice(&format!("`{name}`: {notice}"));
                }
            }
            Err(error) => {
                errors += 1;
                let message = Refusal::from(error).message;
                printer.error(&format!("`{name}` of `{}`: {message}", checked.dataset));
            }
        }
    }
    let errors_found = plural(errors, "error", "errors");
    to_stdout(&format!(
        "{}, {errors_found}",
        plural(samples, "sample", "samples")
    ));
    Ok(if errors == 0 {
        Status::Done
    } else {
        Status::SomeFailed
    })
}
