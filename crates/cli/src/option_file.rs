//! The file that `--dump-config` writes: every option of a command, explained, in TOML.
//!
//! Options stand as `#name = value` with their default, to be uncommented; those that the user
//! has set stand uncommented. [`crate::settings`] reads it.

use std::path::Path;

use clap::builder::PossibleValue;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use mednet_base::file;

use crate::exit::Refusal;
use crate::printer::to_stdout;
use crate::settings;

/// Writes the file; `-` is stdout.
pub(crate) fn write(path: &Path, command: &Command, matches: &ArgMatches) -> Result<(), Refusal> {
    let text = text(command, matches);
    if path == Path::new("-") {
        to_stdout(&text);
        return Ok(());
    }
    Ok(file::write_with_backup(path, text.as_bytes())?)
}

fn text(command: &Command, matches: &ArgMatches) -> String {
    let name = command
        .get_bin_name()
        .unwrap_or(command.get_name())
        .to_owned();
    let mut text = format!(
        "# Options of `{name}`.\n\
         #\n\
         # Remove the `#` in front of an option to set it. As `mednet.toml` in the current folder,\n\
         # this file applies to all commands there; else give it by --config. What is typed, or set\n\
         # in the environment, wins. A table [{}] holds options of that command only.\n",
        command.get_name()
    );
    for argument in command
        .get_arguments()
        .filter(|arg| settings::is_option(arg))
    {
        let Some(long) = argument.get_long() else {
            continue;
        };
        // Opposites are one option.
        if opposite_of(command, long).is_some() {
            continue;
        }
        text.push('\n');
        for line in help(argument).lines() {
            text.push_str(&format!("# {line}\n"));
        }
        let set =
            value_set(argument, matches).or_else(|| Some(quoted(&settings::named(long, matches)?)));
        let mark = if set.is_some() { "" } else { "#" };
        let value = set.unwrap_or_else(|| default_value(command, argument, long));
        text.push_str(&format!("{mark}{} = {value}\n", long.replace('-', "_")));
    }
    text
}

/// `plot` for `no-plot`, if there is such an option.
fn opposite_of<'a>(command: &'a Command, long: &str) -> Option<&'a Arg> {
    let positive = long.strip_prefix("no-")?;
    option(command, positive)
}

fn option<'a>(command: &'a Command, long: &str) -> Option<&'a Arg> {
    command
        .get_arguments()
        .find(|argument| argument.get_long() == Some(long))
}

fn help(argument: &Arg) -> String {
    let help = argument.get_help().or_else(|| argument.get_long_help());
    let mut text = help.map(ToString::to_string).unwrap_or_default();
    let takes_value = argument.get_action().takes_values();
    let possible = argument.get_possible_values();
    if takes_value && !possible.is_empty() {
        let names: Vec<&str> = possible.iter().map(PossibleValue::get_name).collect();
        text.push_str(&format!("\nOne of: {}", names.join(", ")));
    }
    text
}

/// What the user typed, or another place said.
fn value_set(argument: &Arg, matches: &ArgMatches) -> Option<String> {
    let id = argument.get_id().as_str();
    let source = |id: &str| {
        let known = matches.try_contains_id(id).is_ok();
        known.then(|| matches.value_source(id)).flatten()
    };
    let opposite = format!("no_{id}");
    match argument.get_action() {
        ArgAction::SetTrue => [(id, true), (opposite.as_str(), false)]
            .into_iter()
            .find(|(id, _)| source(id) == Some(ValueSource::CommandLine))
            .map(|(_, value)| value.to_string()),
        ArgAction::Count => (source(id) == Some(ValueSource::CommandLine))
            .then(|| matches.get_count(id).to_string()),
        _ if source(id) == Some(ValueSource::CommandLine) => {
            let values = matches.get_raw(id)?;
            Some(toml_value(
                argument,
                values.map(|value| value.to_string_lossy().into_owned()),
            ))
        }
        _ => None,
    }
}

fn default_value(command: &Command, argument: &Arg, long: &str) -> String {
    match argument.get_action() {
        ArgAction::SetTrue => {
            let opposite = option(command, &format!("no-{long}")).map(help);
            // Where two flags are opposites, the help of one says which holds by default.
            let on = opposite.is_some() && settings::is_default(argument);
            on.to_string()
        }
        ArgAction::Count => "0".to_owned(),
        _ => {
            let values = argument.get_default_values().iter();
            toml_value(
                argument,
                values.map(|value| value.to_string_lossy().into_owned()),
            )
        }
    }
}

fn toml_value(argument: &Arg, values: impl Iterator<Item = String>) -> String {
    let values: Vec<String> = values.map(|value| number_or_text(&value)).collect();
    match argument.get_action() {
        ArgAction::Append => format!("[{}]", values.join(", ")),
        // An empty text is as good as none.
        _ => values
            .into_iter()
            .next_back()
            .unwrap_or_else(|| "\"\"".to_owned()),
    }
}

fn number_or_text(value: &str) -> String {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = value.strip_prefix('-').unwrap_or(value);
    let is_number = match unsigned.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(unsigned) && value.parse::<i64>().is_ok(),
    };
    // TOML knows no leading zeros.
    let leading_zero =
        unsigned.len() > 1 && unsigned.starts_with('0') && !unsigned.starts_with("0.");
    if is_number && !leading_zero {
        value.to_owned()
    } else {
        quoted(value)
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
