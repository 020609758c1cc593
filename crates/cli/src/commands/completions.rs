//! `mednet completions SHELL`: a script that completes command lines.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;
use crate::exit::Status;
use crate::printer::to_stdout;

/// Runs the command.
pub(crate) fn run(shell: Shell) -> Status {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "mednet", &mut script);
    to_stdout(&String::from_utf8_lossy(&script));
    Status::Done
}
