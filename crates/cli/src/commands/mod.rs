//! The commands, one file each.

mod collect;
mod completeness;
mod completions;
mod config;
mod database;
mod demo;
mod evaluate;
mod explain;
mod generate;
mod info;
mod interpretability;
mod layers;
mod man;
mod status;
mod view;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{ArgMatches, CommandFactory, FromArgMatches};
use mednet_base::text::{listed, plural};
use mednet_network::Engine;
use mednet_network::device::Device;
use mednet_study::{Diagnostic, Ended, Selection, Shard};

use crate::args::{ClassifyCommand, Cli, Command, Inputs, SaliencyCommand};
use crate::exit::{Outcome, Refusal, Status};
use crate::invocation::{Invocation, VERSION};
use crate::printer::{Printer, note_stdout, to_stdout};
use crate::{option_file, settings};

/// Reading is light beside computing: more readers than this are not needed.
const MOST_READERS: usize = 4;

/// Runs what the user typed.
pub(crate) fn run() -> Status {
    let typed: Vec<OsString> = std::env::args_os().collect();
    let mut command = Cli::command();
    command.build();
    let variable = |name: &str| std::env::var(name).ok();
    let layered = match settings::layered(&command, typed.clone(), variable) {
        Ok(layered) => layered,
        Err(refusal) => {
            Printer::new(0, false).error(&refusal.message);
            return Status::Refused;
        }
    };
    let parsed = Cli::command()
        .try_get_matches_from(layered.words)
        .and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, matches)));
    let (cli, matches) = match parsed {
        Ok(parsed) => parsed,
        // Help and version are no errors and go to stdout.
        Err(error) if error.use_stderr() => {
            let _ = error.print();
            return Status::Refused;
        }
        Err(help) => {
            note_stdout(help.print());
            return Status::Done;
        }
    };
    let printer = Printer::new(cli.common.verbose, cli.common.quiet);
    if let Some(project) = &layered.project {
        printer.diagnostic(project);
    }
    let invocation = Invocation::new(&command, &matches, typed, &printer);
    let outcome = match dump_config(&command, &matches, &printer) {
        Ok(false) => dispatch(cli.command, &invocation),
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

fn dispatch(command: Command, invocation: &Invocation<'_>) -> Outcome {
    let printer = invocation.printer;
    match command {
        Command::Classify {
            command: ClassifyCommand::Saliency { command },
        }
        | Command::Saliency { command } => match command {
            SaliencyCommand::Generate(arguments) => generate::run(&arguments, invocation),
            SaliencyCommand::View(arguments) => view::run(&arguments, invocation),
            SaliencyCommand::Layers(arguments) => layers::run(&arguments),
            SaliencyCommand::Evaluate(arguments) => evaluate::run(&arguments, invocation),
            SaliencyCommand::Interpretability(arguments) => {
                interpretability::run(&arguments, invocation)
            }
            SaliencyCommand::Completeness(arguments) => completeness::run(&arguments, invocation),
            SaliencyCommand::Collect(arguments) => collect::run(&arguments, printer),
            SaliencyCommand::Status(arguments) => status::run(&arguments),
        },
        Command::Config { command } => config::run(&command),
        Command::Database { command } => database::run(&command, printer),
        Command::Demo(arguments) => demo::run(&arguments, printer),
        Command::Explain { codes } => explain::run(&codes),
        Command::Completions { shell } => Ok(completions::run(shell)),
        Command::Man { folder } => man::run(folder.as_deref(), printer),
        Command::Info(arguments) => info::run(&arguments),
        Command::Version => {
            to_stdout(VERSION);
            Ok(Status::Done)
        }
    }
}

/// Which samples take part.
fn selection(inputs: &Inputs, shard: Option<Shard>) -> Selection {
    Selection {
        only_dataset: inputs.only_dataset.clone(),
        limit: inputs.limit,
        shard,
    }
}

/// Says so where an output folder is a link to another one.
fn tell_links(output: &Path, printer: &Printer) {
    if let Ok(target) = std::fs::read_link(output) {
        printer.diagnostic(&Diagnostic::LinkedFolder {
            link: output.display().to_string(),
            target: target.display().to_string(),
        });
    }
}

fn tell_skipped(datasets: &[String], printer: &Printer) {
    if !datasets.is_empty() {
        let skipped = listed(datasets, 10);
        printer.info(&format!("left out by --only-dataset: {skipped}"));
    }
}

/// Where all failures are listed: in the notes, or, for a part of a run, in its journal.
fn where_listed(shard: Option<Shard>, notes: &str) -> String {
    match shard {
        None => format!("`{notes}`"),
        Some(_) => "the journal of this shard".to_owned(),
    }
}

/// Names of the data sets that take part.
fn dataset_names(module: &mednet_data::DataModule, inputs: &Inputs) -> Vec<String> {
    let wanted = |name: &&str| {
        inputs
            .only_dataset
            .as_deref()
            .is_none_or(|only| only == *name)
    };
    let names = module.datasets.iter().map(|dataset| dataset.name.as_str());
    names.filter(wanted).map(str::to_owned).collect()
}

/// Says how the parts of a run are brought together.
fn tell_shard(shard: Option<Shard>, ended: Ended, output: &Path, printer: &Printer) {
    if let Some(shard) = shard.filter(|_| ended.is_whole()) {
        printer.summary(&format!(
            "shard {shard} is done; `mednet saliency collect {}` brings all of them together",
            crate::invocation::shell_quoted(&output.to_string_lossy())
        ));
    }
}

/// The end of the last line that a run says.
fn end_line(line: &mut String, failures: usize, ended: Ended, started: Instant) {
    if failures > 0 {
        let failed = plural(failures, "sample", "samples");
        line.push_str(&format!(", {failed} FAILED"));
    }
    line.push_str(&format!(", {:.1} s", started.elapsed().as_secs_f64()));
    match ended {
        Ended::Interrupted => {
            line.push_str("; interrupted: run the same command again to go on");
        }
        Ended::FailFast => line.push_str("; stopped at the first failure (--fail-fast)"),
        Ended::Complete | Ended::SomeFailed | Ended::OutputLost => {}
    }
}

/// Says why nothing more could be written, and what to do.
fn told_lost(lost: Option<&str>, printer: &Printer) {
    if let Some(reason) = lost {
        printer.error(&format!(
            "{reason}; the run was stopped. What was finished is kept: make room, or make the \
             folder writable, and run the same command again to go on"
        ));
    }
}

/// Refuses to write over what a run reads.
fn refuse_to_replace(inputs: &[&Path], outputs: &[&Path]) -> Result<(), Refusal> {
    let real = |path: &Path| path.canonicalize().ok();
    for output in outputs {
        let Some(target) = real(output) else { continue };
        if inputs
            .iter()
            .any(|input| real(input).as_ref() == Some(&target))
        {
            return Err(Refusal::new(format!(
                "`{}` is read by this command: give another file for the results",
                output.display()
            )));
        }
    }
    Ok(())
}

/// Memory that a run needs besides the values of the network, in megabytes.
const BASE_MEMORY: u64 = 64;
/// Memory that each thread needs for its images, in megabytes.
const MEMORY_A_THREAD: u64 = 64;

/// A program that gets no memory ends without a word: says so beforehand.
fn warn_of_little_memory<D: Device>(threads: usize, engine: &Engine<D>, printer: &Printer) {
    let Some(limit) = memory_limit() else { return };
    let weights = (engine.graph().parameter_count() * 4) as u64 >> 20;
    // Weights are packed once more, some of them twice.
    let need = BASE_MEMORY + 3 * weights + MEMORY_A_THREAD * threads as u64;
    let limit = limit >> 20;
    if limit < need {
        printer.diagnostic(&Diagnostic::LittleMemory { limit, need });
    }
}

/// Bytes of memory that this process may use, if that is limited.
#[cfg(unix)]
fn memory_limit() -> Option<u64> {
    use rustix::process::{Resource, getrlimit};
    getrlimit(Resource::As).current
}

#[cfg(not(unix))]
fn memory_limit() -> Option<u64> {
    None
}
