//! `mednet info`: what this program is and where it looks for things.

use mednet_data::{DataDirectories, Database};
use mednet_study::notes::processor;
use serde_json::json;

use crate::args::Info;
use crate::exit::{Outcome, Status};
use crate::printer::to_stdout;

/// Runs the command.
pub(crate) fn run(arguments: &Info) -> Outcome {
    let directories = DataDirectories::of_user()?;
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let platform = format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH);
    let configuration = directories.configuration_file();
    let folders: serde_json::Map<String, serde_json::Value> = Database::all()
        .iter()
        .filter_map(|database| {
            let (folder, _) = directories.setting(database)?;
            Some((
                database.slug.to_owned(),
                json!(folder.display().to_string()),
            ))
        })
        .collect();
    if arguments.json {
        to_stdout(&format!(
            "{:#}",
            json!({
                "version": env!("CARGO_PKG_VERSION"),
                "platform": platform,
                "devices": [processor()],
                "cores": threads,
                "configuration": configuration.display().to_string(),
                "configuration-exists": configuration.is_file(),
                "data-directories": folders,
            })
        ));
        return Ok(Status::Done);
    }
    let state = if configuration.is_file() {
        ""
    } else {
        " (not there)"
    };
    let mut text = format!(
        "mednet {}\nplatform: {platform}\ndevices: {}, {threads} cores\nconfiguration: {}{state}\n\
         data directories:\n",
        env!("CARGO_PKG_VERSION"),
        processor(),
        configuration.display()
    );
    for (name, folder) in &folders {
        text.push_str(&format!(
            "  {name}: {}\n",
            folder.as_str().unwrap_or_default()
        ));
    }
    if folders.is_empty() {
        text.push_str("  none is set\n");
    }
    to_stdout(&text);
    Ok(Status::Done)
}
