//! The commands, one file each.

mod completeness;
mod completions;
mod config;
mod database;
mod demo;
mod evaluate;
mod generate;
mod info;
mod interpretability;
mod layers;
mod man;
mod view;

pub(crate) use completeness::percentile_is;

use std::path::PathBuf;

use clap::{ArgMatches, CommandFactory, FromArgMatches};

use crate::args::{ClassifyCommand, Cli, Command, SaliencyCommand};
use crate::exit::{Outcome, Refusal, Status};
use crate::printer::{Printer, to_stdout};
use crate::{option_file, settings};

/// Runs what the user typed.
pub(crate) fn run() -> Status {
    let typed: Vec<_> = std::env::args_os().collect();
    let mut command = Cli::command();
    command.build();
    let variable = |name: &str| std::env::var(name).ok();
    let arguments = match settings::layered(&command, typed, variable) {
        Ok(arguments) => arguments,
        Err(refusal) => {
            Printer::new(0, false).error(&refusal.message);
            return Status::Refused;
        }
    };
    let parsed = Cli::command()
        .try_get_matches_from(arguments)
        .and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, matches)));
    let (cli, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help and version are no errors and go to stdout; nobody to tell if that fails.
            let _ = error.print();
            return if error.use_stderr() {
                Status::Refused
            } else {
                Status::Done
            };
        }
    };
    let printer = Printer::new(cli.common.verbose, cli.common.quiet);
    let outcome = match dump_config(&command, &matches, &printer) {
        Ok(false) => dispatch(cli.command, &printer),
        Ok(true) => Ok(Status::Done),
        Err(refusal) => Err(refusal),
    };
    match outcome {
        Ok(status) => status,
        Err(refusal) => {
            printer.error(&refusal.message);
            Status::Refused
        }
    }
}

/// Writes the options of the command into a file, if that is asked for.
fn dump_config(
    command: &clap::Command,
    matches: &ArgMatches,
    printer: &Printer,
) -> Result<bool, Refusal> {
    let Some((leaf, matches)) = settings::leaf(command, matches) else {
        return Ok(false);
    };
    let Ok(Some(path)) = matches.try_get_one::<PathBuf>("dump_config") else {
        return Ok(false);
    };
    option_file::write(path, leaf, matches)?;
    if path.as_os_str() != "-" {
        printer.summary(&format!("options in `{}`", path.display()));
    }
    Ok(true)
}

fn dispatch(command: Command, printer: &Printer) -> Outcome {
    match command {
        Command::Classify {
            command: ClassifyCommand::Saliency { command },
        }
        | Command::Saliency { command } => match command {
            SaliencyCommand::Generate(arguments) => generate::run(&arguments, printer),
            SaliencyCommand::View(arguments) => view::run(&arguments, printer),
            SaliencyCommand::Layers(arguments) => layers::run(&arguments),
            SaliencyCommand::Evaluate(arguments) => evaluate::run(&arguments, printer),
            SaliencyCommand::Interpretability(arguments) => {
                interpretability::run(&arguments, printer)
            }
            SaliencyCommand::Completeness(arguments) => completeness::run(&arguments, printer),
        },
        Command::Config { command } => config::run(&command),
        Command::Database { command } => database::run(&command, printer),
        Command::Demo(arguments) => demo::run(&arguments, printer),
        Command::Completions { shell } => Ok(completions::run(shell)),
        Command::Man { folder } => man::run(folder.as_deref(), printer),
        Command::Info(arguments) => info::run(&arguments),
        Command::Version => {
            to_stdout(env!("CARGO_PKG_VERSION"));
            Ok(Status::Done)
        }
    }
}
