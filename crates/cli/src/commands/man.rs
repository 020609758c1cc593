//! `mednet man [FOLDER]`: the manual pages, made from the help texts.

use std::path::Path;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use mednet_base::file;

use crate::args::Cli;
use crate::exit::{Outcome, Refusal, Status};
use crate::printer::{Printer, to_stdout};
use mednet_base::text::plural;

/// Runs the command.
pub(crate) fn run(folder: Option<&Path>, printer: &Printer) -> Outcome {
    let mut command = Cli::command();
    command.build();
    let Some(folder) = folder else {
        to_stdout(&String::from_utf8_lossy(&page(&Man::new(command))?));
        return Ok(Status::Done);
    };
    let mut pending = vec![command];
    let mut written = 0;
    while let Some(command) = pending.pop() {
        pending.extend(command.get_subcommands().map(Command::clone));
        let man = Man::new(command);
        file::write(&folder.join(man.get_filename()), &page(&man)?)?;
        written += 1;
    }
    printer.summary(&format!(
        "{} in `{}`; `man -l {}` shows the first",
        plural(written, "page", "pages"),
        folder.display(),
        folder.join("mednet.1").display()
    ));
    Ok(Status::Done)
}

fn page(man: &Man) -> Result<Vec<u8>, Refusal> {
    let mut page = Vec::new();
    man.render(&mut page)?;
    Ok(page)
}
