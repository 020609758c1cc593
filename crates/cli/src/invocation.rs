//! A command as it was called: its options as they were typed, for the notes of a run.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command};
use mednet_study::RunFacts;
use mednet_study::notes::{MachineNotes, RunNotes};
use serde_json::{Map, Value, json};

use crate::printer::Printer;
use crate::settings;

/// Version of this program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A command as it was called.
pub(crate) struct Invocation<'p> {
    /// Where messages go.
    pub(crate) printer: &'p Printer,
    /// All options by their long name, as typed or as files and the environment set them.
    pub(crate) options: Map<String, Value>,
    /// The command as a shell would take it again.
    pub(crate) command_line: String,
}

impl<'p> Invocation<'p> {
    /// Of the words that were parsed into `matches`.
    pub(crate) fn new(
        command: &Command,
        matches: &ArgMatches,
        words: impl IntoIterator<Item = OsString>,
        printer: &'p Printer,
    ) -> Self {
        let options = match settings::leaf(command, matches) {
            Some((leaf, matches)) => options(leaf, matches),
            None => Map::new(),
        };
        let words: Vec<String> = words
            .into_iter()
            .map(|word| shell_quoted(&word.to_string_lossy()))
            .collect();
        Self {
            printer,
            options,
            command_line: words.join(" "),
        }
    }

    /// Notes of this command.
    pub(crate) fn notes(&self) -> RunNotes {
        let machine = MachineNotes::of_this_run(VERSION, self.command_line.clone());
        RunNotes::new(machine, self.options.clone())
    }

    /// What the journals of a run say about it.
    pub(crate) fn facts(&self, notes: &RunNotes) -> RunFacts {
        RunFacts {
            program: VERSION.to_owned(),
            command_line: self.command_line.clone(),
            notes: notes.to_value(),
        }
    }
}

/// All options of a command that change what it does, in the order of its help.
fn options(command: &Command, matches: &ArgMatches) -> Map<String, Value> {
    let about_the_terminal = ["verbose", "quiet", "json", "dry-run"];
    let mut options = Map::new();
    for argument in command
        .get_arguments()
        .filter(|argument| settings::is_option(argument))
    {
        let Some(long) = argument.get_long() else {
            continue;
        };
        if about_the_terminal.contains(&long) {
            continue;
        }
        // Of two opposites, one is noted.
        if let Some(positive) = long.strip_prefix("no-")
            && command
                .get_arguments()
                .any(|other| other.get_long() == Some(positive))
        {
            continue;
        }
        options.insert(long.to_owned(), value(command, argument, long, matches));
    }
    options
}

fn value(command: &Command, argument: &Arg, long: &str, matches: &ArgMatches) -> Value {
    let id = argument.get_id().as_str();
    match argument.get_action() {
        ArgAction::SetTrue => {
            let opposite = format!("no_{id}");
            let has = |id: &str| matches.try_get_one::<bool>(id).ok().flatten() == Some(&true);
            let known = command
                .get_arguments()
                .any(|other| other.get_id() == opposite.as_str());
            // What holds by default is the one whose help says so.
            let default = known && settings::is_default(argument);
            json!(has(id) || (default && !has(&opposite)))
        }
        ArgAction::Count => json!(matches.get_count(id)),
        action => {
            let values = typed::<String>(matches, id)
                .or_else(|| typed::<u64>(matches, id))
                .or_else(|| typed::<i64>(matches, id))
                .or_else(|| typed::<usize>(matches, id))
                .or_else(|| typed::<u32>(matches, id))
                .or_else(|| typed::<u8>(matches, id))
                .or_else(|| floats(matches, id))
                .or_else(|| paths(matches, id))
                .or_else(|| raw(matches, id))
                .unwrap_or_default();
            // The model and the data set may be named without an option.
            match (&values[..], action, named(long, matches)) {
                ([], _, Some(name)) => json!(name),
                ([], ArgAction::Append, _) => json!([]),
                ([], ..) => Value::Null,
                ([only], ArgAction::Append, _)
                    if argument
                        .get_num_args()
                        .is_none_or(|range| range.max_values() <= 1)
                        && long == "input-folder" =>
                {
                    only.clone()
                }
                (_, ArgAction::Append, _) => Value::Array(values),
                ([.., last], ..) => last.clone(),
            }
        }
    }
}

fn typed<T: Clone + Send + Sync + serde::Serialize + 'static>(
    matches: &ArgMatches,
    id: &str,
) -> Option<Vec<Value>> {
    let values = matches.try_get_many::<T>(id).ok()??;
    Some(values.map(|value| json!(value)).collect())
}

/// The number that was typed, without the digits that single precision adds to it.
fn floats(matches: &ArgMatches, id: &str) -> Option<Vec<Value>> {
    let values = matches.try_get_many::<f32>(id).ok()??;
    let short = |value: &f32| value.to_string().parse().unwrap_or(f64::from(*value));
    Some(values.map(|value| json!(short(value))).collect())
}

fn paths(matches: &ArgMatches, id: &str) -> Option<Vec<Value>> {
    let values = matches.try_get_many::<PathBuf>(id).ok()??;
    Some(
        values
            .map(|path| json!(path.display().to_string()))
            .collect(),
    )
}

/// Values of other types, such as the names of an enumeration.
fn raw(matches: &ArgMatches, id: &str) -> Option<Vec<Value>> {
    let values = matches.get_raw(id)?;
    Some(values.map(|value| json!(value.to_string_lossy())).collect())
}

fn named(long: &str, matches: &ArgMatches) -> Option<String> {
    settings::named(long, matches)
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
