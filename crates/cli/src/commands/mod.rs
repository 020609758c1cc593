//! The commands, one file each.

mod completeness;
mod config;
mod database;
mod evaluate;
mod generate;
mod info;
mod interpretability;
mod layers;

pub(crate) use completeness::percentile_is;

use clap::{CommandFactory, FromArgMatches};

use crate::args::{ClassifyCommand, Cli, Command, SaliencyCommand};
use crate::exit::{Outcome, Status};
use crate::printer::{Printer, to_stdout};
use crate::settings;

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
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
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
    match dispatch(cli.command, &printer) {
        Ok(status) => status,
        Err(refusal) => {
            printer.error(&refusal.message);
            Status::Refused
        }
    }
}

fn dispatch(command: Command, printer: &Printer) -> Outcome {
    match command {
        Command::Classify {
            command: ClassifyCommand::Saliency { command },
        }
        | Command::Saliency { command } => match command {
            SaliencyCommand::Generate(arguments) => generate::run(&arguments, printer),
            SaliencyCommand::Layers(arguments) => layers::run(&arguments),
            SaliencyCommand::Evaluate(arguments) => evaluate::run(&arguments, printer),
            SaliencyCommand::Interpretability(arguments) => {
                interpretability::run(&arguments, printer)
            }
            SaliencyCommand::Completeness(arguments) => completeness::run(&arguments, printer),
        },
        Command::Config { command } => config::run(&command),
        Command::Database { command } => database::run(&command, printer),
        Command::Info(arguments) => info::run(&arguments),
        Command::Version => {
            to_stdout(env!("CARGO_PKG_VERSION"));
            Ok(Status::Done)
        }
    }
}
