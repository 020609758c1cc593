//! `mednet explain CODE`: what a diagnostic means, why it matters and what to do.

use mednet_base::suggest;
use mednet_study::diagnostic::{CATALOGUE, find};

use crate::exit::{Outcome, Refusal, Status};
use crate::printer::to_stdout;

/// Runs the command; without a code, lists all of them.
pub(crate) fn run(codes: &[String]) -> Outcome {
    if codes.is_empty() {
        let lines = CATALOGUE
            .iter()
            .map(|entry| format!("{}  {}\n", entry.code, entry.title));
        to_stdout(&lines.collect::<String>());
        return Ok(Status::Done);
    }
    let mut text = Vec::new();
    for code in codes {
        let Some(entry) = find(code) else {
            let hint = suggest::hint(code, CATALOGUE.iter().map(|entry| entry.code));
            return Err(Refusal::new(format!(
                "there is no diagnostic `{code}`{hint}; `mednet explain` lists all of them"
            )));
        };
        text.push(format!(
            "{}: {}\n\n{}\n\nWhy it matters: {}\n\nWhat to do: {}\n",
            entry.code, entry.title, entry.meaning, entry.reason, entry.remedy
        ));
    }
    to_stdout(&text.join("\n"));
    Ok(Status::Done)
}
