//! `mednet`: where a chest X-ray classifier looks, and whether that is to be believed.

mod args;
mod commands;
mod exit;
mod invocation;
mod map_sources;
mod network;
mod option_file;
mod printer;
mod progress;
mod resolve;
mod score_files;
mod settings;

use std::process::ExitCode;

fn main() -> ExitCode {
    mednet_base::panic::remember_instead_of_printing();
    let status = std::panic::catch_unwind(commands::run)
        .unwrap_or_else(|payload| exit::report_bug(&*payload));
    printer::status_of_stdout(status).into()
}
