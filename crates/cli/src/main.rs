//! `mednet`: where a chest X-ray classifier looks, and whether that is to be believed.

mod args;
mod commands;
mod exit;
mod map_sources;
mod metadata;
mod network;
mod option_file;
mod printer;
mod progress;
mod resolve;
mod road_curves;
mod score_files;
mod settings;

use std::process::ExitCode;

fn main() -> ExitCode {
    exit::report_bugs();
    match std::panic::catch_unwind(commands::run) {
        Ok(status) => status.into(),
        Err(_) => exit::Status::Bug.into(),
    }
}
