//! Options from other places than the command line.
//!
//! Precedence: command line, environment (`MEDNET_OUTPUT_FOLDER` for `--output-folder`),
//! configuration files (`--config FILE`, `.toml` files among the positional arguments,
//! `mednet.toml` in the current folder), defaults. All options of all commands take part: what
//! the other places say is put behind what the user typed, and parsed with it.
//!
//! In a file, a table named after a command (`[view]`) holds options of that command only; they
//! win over those outside of tables.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use mednet_data::DataDirectories;

use crate::exit::Refusal;
use crate::resolve;
use mednet_base::file;
use mednet_base::suggest;
use mednet_study::Diagnostic;

/// The file in the current folder whose options apply.
const PROJECT_FILE: &str = "mednet.toml";
/// Larger files hold no options.
const LARGEST_FILE: u64 = 1 << 20;
/// What the help of a flag says if it is the one of two opposites that holds by default.
pub(crate) const DEFAULT_MARK: &str = "[the default";
/// Tables of the user's own configuration file, which are no options and are not read elsewhere.
const NOT_OPTIONS: [&str; 3] = ["datadir", "cxr8", "nih_cxr14"];

/// The command line with the options of environment and configuration files put behind it.
pub(crate) struct Layered {
    /// All words.
    pub(crate) words: Vec<OsString>,
    /// What the file of the current folder sets, which nobody has typed.
    pub(crate) project: Option<Diagnostic>,
}

/// Puts the options of environment and configuration files behind the command line.
///
/// # Errors
/// Where a configuration file cannot be read, or holds what is no option.
pub(crate) fn layered(
    command: &Command,
    typed: Vec<OsString>,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Layered, Refusal> {
    let unchanged = |words| Layered {
        words,
        project: None,
    };
    // What is wrong with the command line is told when it is parsed for good.
    let Ok(matches) = command
        .clone()
        .ignore_errors(true)
        .try_get_matches_from(&typed)
    else {
        return Ok(unchanged(typed));
    };
    let Some((leaf, leaf_matches)) = leaf(command, &matches) else {
        return Ok(unchanged(typed));
    };
    let files = configuration_files(leaf, leaf_matches)?;
    let mut typed = typed;
    // Behind `--` there are no options.
    let end = typed.iter().position(|word| word == "--");
    let operands = typed.split_off(end.unwrap_or(typed.len()));
    let mut complete = typed;
    let mut from_project = Vec::new();
    for argument in leaf.get_arguments().filter(|argument| is_option(argument)) {
        if is_typed(leaf_matches, argument) {
            continue;
        }
        let Some(long) = argument.get_long() else {
            continue;
        };
        let variable = format!("MEDNET_{}", long.replace('-', "_").to_uppercase());
        let option = ToPush {
            argument,
            long,
            has_opposite: leaf
                .get_arguments()
                .any(|other| other.get_long() == Some(&format!("no-{long}"))),
        };
        if let Some(value) = environment(&variable) {
            let origin = format!("the environment variable {variable}");
            option.push_text(&mut complete, &value, &origin)?;
            if !value.is_empty() {
                continue;
            }
        }
        let key = long.replace('-', "_");
        let found = files.iter().find_map(|(path, table)| {
            let own = table.get(leaf.get_name()).and_then(toml::Value::as_table);
            let value = own
                .into_iter()
                .chain([table])
                .find_map(|table| table.get(&key).or_else(|| table.get(long)))
                .filter(|value| !(value.is_table() && is_users_table(long)))?;
            Some((path, value))
        });
        if let Some((path, value)) = found {
            option.push_value(&mut complete, value, path)?;
            if path == Path::new(PROJECT_FILE) {
                from_project.push(long.to_owned());
            }
        }
    }
    for (path, table) in &files {
        refuse_unknown(command, path, table)?;
    }
    complete.extend(operands);
    let project = (!from_project.is_empty()).then(|| Diagnostic::OptionFile {
        file: PROJECT_FILE.to_owned(),
        options: from_project,
    });
    Ok(Layered {
        words: complete,
        project,
    })
}

/// The command that was asked for and what was typed behind it.
pub(crate) fn leaf<'c, 'm>(
    command: &'c Command,
    matches: &'m ArgMatches,
) -> Option<(&'c Command, &'m ArgMatches)> {
    match matches.subcommand() {
        None => (!command.has_subcommands()).then_some((command, matches)),
        Some((name, matches)) => leaf(command.find_subcommand(name)?, matches),
    }
}

/// Whether a file or the environment can set it.
pub(crate) fn is_option(argument: &Arg) -> bool {
    let about_the_program = ["help", "version", "config", "dump-config"];
    !argument.is_positional()
        && argument
            .get_long()
            .is_some_and(|long| !about_the_program.contains(&long))
}

/// Whether a flag is the one of two opposites that holds by default.
pub(crate) fn is_default(argument: &Arg) -> bool {
    let help = argument.get_help().or_else(|| argument.get_long_help());
    help.is_some_and(|help| help.to_string().contains(DEFAULT_MARK))
}

/// The model or the data set among the positional arguments.
pub(crate) fn named(long: &str, matches: &ArgMatches) -> Option<String> {
    if !matches!(long, "model" | "datamodule") || matches.try_contains_id("configs").is_err() {
        return None;
    }
    let configs = matches.get_many::<String>("configs")?;
    let of_this_kind = |config: &&String| {
        let is_model = resolve::model_names().any(|name| name == config.as_str());
        !resolve::is_toml(config) && is_model == (long == "model")
    };
    configs.rev().find(of_this_kind).cloned()
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
        paths.extend(
            configs
                .filter(|config| resolve::is_toml(config))
                .map(PathBuf::from),
        );
    }
    if Path::new(PROJECT_FILE).exists() {
        paths.push(PathBuf::from(PROJECT_FILE));
    }
    paths
        .into_iter()
        .map(|path| {
            let unreadable = |reason: String| {
                let path = path.display();
                Refusal::new(format!(
                    "cannot read the configuration file `{path}`: {reason}"
                ))
            };
            let bytes = file::read_limited(&path, LARGEST_FILE);
            let bytes = bytes.map_err(|error| unreadable(error.to_string()))?;
            let text = String::from_utf8(bytes).map_err(|error| unreadable(error.to_string()))?;
            let table = text.parse::<toml::Table>().map_err(|error| {
                Refusal::new(format!("`{}` is not valid TOML: {error}", path.display()))
            })?;
            Ok((path, table))
        })
        .collect()
}

/// An option of which another place says something.
struct ToPush<'a> {
    argument: &'a Arg,
    long: &'a str,
    /// Whether there is `--no-NAME`.
    has_opposite: bool,
}

impl ToPush<'_> {
    /// An empty text leaves the option as it is.
    fn push_text(
        &self,
        complete: &mut Vec<OsString>,
        text: &str,
        origin: &str,
    ) -> Result<(), Refusal> {
        let long = self.long;
        if text.is_empty() {
            return Ok(());
        }
        let wrong = |expected: &str| {
            let message = format!("`{text}` for --{long}, set by {origin}, is {expected}");
            Err(Refusal::new(message))
        };
        match self.argument.get_action() {
            ArgAction::SetTrue => match text.to_lowercase().as_str() {
                "1" | "true" | "yes" | "on" => complete.push(format!("--{long}").into()),
                "0" | "false" | "no" | "off" if self.has_opposite => {
                    complete.push(format!("--no-{long}").into());
                }
                "0" | "false" | "no" | "off" => {}
                _ => return wrong("neither yes nor no"),
            },
            ArgAction::Count => match text.parse::<u8>() {
                Ok(count) => complete.extend((0..count).map(|_| format!("--{long}").into())),
                Err(_) => return wrong("no number from 0 to 255"),
            },
            _ => complete.push(format!("--{long}={text}").into()),
        }
        Ok(())
    }

    fn push_value(
        &self,
        complete: &mut Vec<OsString>,
        value: &toml::Value,
        path: &Path,
    ) -> Result<(), Refusal> {
        let origin = format!("`{}`", path.display());
        match value {
            // One occurrence of an option that takes several values, such as --entry.
            toml::Value::Array(values)
                if takes_several(self.argument) && !values.iter().any(toml::Value::is_array) =>
            {
                complete.push(format!("--{}", self.long).into());
                complete.extend(values.iter().map(|value| match value {
                    toml::Value::String(text) => text.into(),
                    other => other.to_string().into(),
                }));
                Ok(())
            }
            toml::Value::Array(values) => values
                .iter()
                .try_for_each(|value| self.push_value(complete, value, path)),
            toml::Value::String(text) => self.push_text(complete, text, &origin),
            toml::Value::Table(_) | toml::Value::Datetime(_) => Err(Refusal::new(format!(
                "the value of `{}` in {origin} is no text and no number",
                self.long
            ))),
            other => self.push_text(complete, &other.to_string(), &origin),
        }
    }
}

fn takes_several(argument: &Arg) -> bool {
    argument
        .get_num_args()
        .is_some_and(|range| range.min_values() > 1)
}

/// Misspelt options in a file are told, not ignored; those of other commands are none.
fn refuse_unknown(root: &Command, path: &Path, table: &toml::Table) -> Result<(), Refusal> {
    let mut options: Vec<String> = Vec::new();
    let mut commands: Vec<&Command> = Vec::new();
    let mut pending = vec![root];
    while let Some(command) = pending.pop() {
        options.extend(options_of(command));
        if !command.has_subcommands() {
            commands.push(command);
        }
        pending.extend(command.get_subcommands());
    }
    for (key, value) in table {
        if value.is_table() && is_users_table(key) {
            refuse_elsewhere(key, path)?;
            continue;
        }
        let command = commands.iter().find(|command| command.get_name() == key);
        match (command, value.as_table()) {
            (Some(command), Some(table)) => {
                let options: Vec<String> = options_of(command).collect();
                for key in table.keys() {
                    refuse_unless_known(key, &options, path)?;
                }
            }
            (None, Some(_)) => {
                let names = commands.iter().map(|command| command.get_name());
                let names = names.chain(NOT_OPTIONS);
                let hint = suggest::hint(key, names);
                let path = path.display();
                return Err(Refusal::new(format!(
                    "`{path}`: there is no command `{key}`, of which [{key}] could hold \
                     options{hint}"
                )));
            }
            (_, None) => refuse_unless_known(key, &options, path)?,
        }
    }
    Ok(())
}

fn is_users_table(key: &str) -> bool {
    NOT_OPTIONS.contains(&key)
}

/// Folders of databases are the user's, not a project's: nobody shall believe them to be set here.
fn refuse_elsewhere(key: &str, path: &Path) -> Result<(), Refusal> {
    let directories = DataDirectories::of_user()?;
    let users = directories.configuration_file();
    if let (Ok(users), Ok(path)) = (users.canonicalize(), path.canonicalize())
        && users == path
    {
        return Ok(());
    }
    let path = path.display();
    let users = users.display();
    Err(Refusal::new(format!(
        "`{path}`: the table [{key}] is read from `{users}` only; for a project, set `datadir = \
         \"FOLDER\"`"
    )))
}

/// Long names of all options of a command that a file can set.
fn options_of(command: &Command) -> impl Iterator<Item = String> {
    let options = command.get_arguments().filter(|arg| is_option(arg));
    options.filter_map(Arg::get_long).map(str::to_owned)
}

fn refuse_unless_known(key: &str, options: &[String], path: &Path) -> Result<(), Refusal> {
    let long = key.replace('_', "-");
    if options.contains(&long) {
        return Ok(());
    }
    let hint = suggest::hint(&long, options.iter().map(String::as_str));
    let path = path.display();
    Err(Refusal::new(format!(
        "`{path}`: there is no option `{key}`{hint}"
    )))
}
