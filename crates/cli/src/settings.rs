//! Options from other places than the command line.
//!
//! Precedence: command line, environment (`MEDNET_OUTPUT_FOLDER` for `--output-folder`),
//! configuration files (`--config FILE`, `.toml` files among the positional arguments,
//! `mednet.toml` in the current folder), defaults. All options of all commands take part: what
//! the other places say is put behind what the user typed, and parsed with it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::exit::Refusal;

/// The file in the current folder whose options apply.
const PROJECT_FILE: &str = "mednet.toml";
/// Tables of the user's own configuration file, which are no options.
const NOT_OPTIONS: [&str; 3] = ["datadir", "cxr8", "nih_cxr14"];

/// The command line with the options of environment and configuration files put behind it.
///
/// # Errors
/// Where a configuration file cannot be read, or holds what is no option.
pub(crate) fn layered(
    command: &Command,
    typed: Vec<OsString>,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Vec<OsString>, Refusal> {
    // What is wrong with the command line is told when it is parsed for good.
    let Ok(matches) = command
        .clone()
        .ignore_errors(true)
        .try_get_matches_from(&typed)
    else {
        return Ok(typed);
    };
    let Some((leaf, leaf_matches)) = leaf(command, &matches) else {
        return Ok(typed);
    };
    let files = configuration_files(leaf, leaf_matches)?;
    let mut complete = typed;
    for argument in leaf.get_arguments().filter(|argument| is_option(argument)) {
        if is_typed(leaf_matches, argument) {
            continue;
        }
        let Some(long) = argument.get_long() else {
            continue;
        };
        let variable = format!("MEDNET_{}", long.replace('-', "_").to_uppercase());
        if let Some(value) = environment(&variable).filter(|value| !value.is_empty()) {
            let origin = format!("the environment variable {variable}");
            push_text(&mut complete, argument, long, &value, &origin)?;
            continue;
        }
        let key = long.replace('-', "_");
        let found = files
            .iter()
            .find_map(|(path, table)| Some((path, table.get(&key).or_else(|| table.get(long))?)));
        if let Some((path, value)) = found {
            push_value(&mut complete, argument, long, value, path)?;
        }
    }
    for (path, table) in &files {
        refuse_unknown(command, path, table)?;
    }
    Ok(complete)
}

/// The command that was asked for and what was typed behind it.
fn leaf<'c, 'm>(
    command: &'c Command,
    matches: &'m ArgMatches,
) -> Option<(&'c Command, &'m ArgMatches)> {
    match matches.subcommand() {
        None => (!command.has_subcommands()).then_some((command, matches)),
        Some((name, matches)) => leaf(command.find_subcommand(name)?, matches),
    }
}

fn is_option(argument: &Arg) -> bool {
    let about_the_program = [
        "help",
        "version",
        "verbose",
        "quiet",
        "config",
        "dump-config",
    ];
    !argument.is_positional()
        && argument
            .get_long()
            .is_some_and(|long| !about_the_program.contains(&long))
}

fn is_typed(matches: &ArgMatches, argument: &Arg) -> bool {
    let source = |id: &str| {
        matches
            .try_contains_id(id)
            .ok()
            .and_then(|_| matches.value_source(id))
    };
    let id = argument.get_id().as_str();
    let opposite = id
        .strip_prefix("no_")
        .map_or_else(|| format!("no_{id}"), str::to_owned);
    [id, &opposite]
        .into_iter()
        .any(|id| source(id) == Some(ValueSource::CommandLine))
}

fn configuration_files(
    leaf: &Command,
    matches: &ArgMatches,
) -> Result<Vec<(PathBuf, toml::Table)>, Refusal> {
    let mut paths: Vec<PathBuf> = Vec::new();
    let accepts = |id: &str| leaf.get_arguments().any(|argument| argument.get_id() == id);
    if accepts("config")
        && let Some(path) = matches.get_one::<PathBuf>("config")
    {
        paths.push(path.clone());
    }
    if accepts("configs") {
        // A later file overrides an earlier one.
        let configs = matches
            .get_many::<String>("configs")
            .unwrap_or_default()
            .rev();
        paths.extend(configs.filter(|config| is_toml(config)).map(PathBuf::from));
    }
    if Path::new(PROJECT_FILE).is_file() {
        paths.push(PathBuf::from(PROJECT_FILE));
    }
    paths
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).map_err(|error| {
                let path = path.display();
                Refusal::new(format!(
                    "cannot read the configuration file `{path}`: {error}"
                ))
            })?;
            let table = text.parse::<toml::Table>().map_err(|error| {
                Refusal::new(format!("`{}` is not valid TOML: {error}", path.display()))
            })?;
            Ok((path, table))
        })
        .collect()
}

/// Whether a positional argument is a configuration file.
pub(crate) fn is_toml(config: &str) -> bool {
    config.to_lowercase().ends_with(".toml")
}

fn is_flag(argument: &Arg) -> bool {
    matches!(argument.get_action(), ArgAction::SetTrue)
}

fn push_text(
    complete: &mut Vec<OsString>,
    argument: &Arg,
    long: &str,
    text: &str,
    origin: &str,
) -> Result<(), Refusal> {
    if !is_flag(argument) {
        complete.push(format!("--{long}={text}").into());
        return Ok(());
    }
    match text.to_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => complete.push(format!("--{long}").into()),
        "0" | "false" | "no" | "off" => {}
        _ => {
            let message = format!("`{text}` for --{long}, set by {origin}, is neither yes nor no");
            return Err(Refusal::new(message));
        }
    }
    Ok(())
}

fn push_value(
    complete: &mut Vec<OsString>,
    argument: &Arg,
    long: &str,
    value: &toml::Value,
    path: &Path,
) -> Result<(), Refusal> {
    let origin = format!("`{}`", path.display());
    match value {
        toml::Value::Array(values) => values
            .iter()
            .try_for_each(|value| push_value(complete, argument, long, value, path)),
        toml::Value::String(text) => push_text(complete, argument, long, text, &origin),
        toml::Value::Table(_) | toml::Value::Datetime(_) => Err(Refusal::new(format!(
            "the value of `{long}` in {origin} is no text and no number"
        ))),
        other => push_text(complete, argument, long, &other.to_string(), &origin),
    }
}

/// Misspelt options in a file are told, not ignored; those of other commands are none.
fn refuse_unknown(root: &Command, path: &Path, table: &toml::Table) -> Result<(), Refusal> {
    let mut known: Vec<String> = NOT_OPTIONS.map(str::to_owned).to_vec();
    let mut pending = vec![root];
    while let Some(command) = pending.pop() {
        let options = command
            .get_arguments()
            .filter(|argument| is_option(argument));
        known.extend(options.filter_map(Arg::get_long).map(str::to_owned));
        pending.extend(command.get_subcommands());
    }
    for key in table.keys() {
        let long = key.replace('_', "-");
        if !known.iter().any(|name| *name == long || name == key) {
            let hint = mednet_data::suggest::closest(&long, known.iter().map(String::as_str))
                .map_or_else(String::new, |closest| {
                    format!("; did you mean `{closest}`?")
                });
            let path = path.display();
            return Err(Refusal::new(format!(
                "`{path}`: there is no option `{key}`{hint}"
            )));
        }
    }
    Ok(())
}
