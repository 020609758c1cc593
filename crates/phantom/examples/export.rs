//! Writes a data set of phantoms: `export DIR SEED COUNT`.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, seed, count] = arguments.as_slice() else {
        return usage();
    };
    let (Ok(seed), Ok(count)) = (seed.parse(), count.parse()) else {
        return usage();
    };
    match mednet_phantom::export(Path::new(folder), seed, count) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string()),
    }
}

fn usage() -> ExitCode {
    fail("usage: export DIR SEED COUNT")
}

#[allow(clippy::print_stderr)]
fn fail(message: &str) -> ExitCode {
    eprintln!("{message}");
    ExitCode::FAILURE
}
