//! Runs over all samples of a data module: reading, computing and writing side by side, what is
//! there already left out.

pub mod completeness;
mod explain;
pub mod generate;
pub mod interpretability;
mod pipeline;

mod road_record;

pub use pipeline::kind_of;
pub use road_record::ClassScores;

use std::path::PathBuf;
use std::time::SystemTime;

use mednet_data::{SampleLoader, SampleRecord};
use thiserror::Error;

use crate::provenance::SettingsKey;
use crate::shard::Shard;
use crate::store::{Header, Layout, Process};

/// What the journals of a run say about it and the run itself does not know.
#[derive(Debug, Clone, PartialEq)]
pub struct RunFacts {
    /// Version of the program.
    pub program: String,
    /// The command as it was typed, for a shell.
    pub command_line: String,
    /// All that the notes of the run say before it begins.
    pub notes: serde_json::Value,
}

impl RunFacts {
    fn header(&self, command: &str, question: SettingsKey, shard: Option<Shard>) -> Header {
        Header {
            version: crate::store::line::VERSION,
            command: command.to_owned(),
            question,
            shard: shard.map(|shard| shard.to_string()),
            process: Process::this(),
            began: jiff::Timestamp::now()
                .strftime("%Y-%m-%dT%H:%M:%S%.9fZ")
                .to_string(),
            program: self.program.clone(),
            samples: 0,
            kept: 0,
            results: 0,
            layout: None,
            overwrite: false,
            command_line: self.command_line.clone(),
            notes: self.notes.clone(),
        }
    }
}

impl Header {
    fn about(self, samples: usize, results: usize) -> Self {
        Self {
            samples,
            results,
            ..self
        }
    }

    fn in_folder(self, layout: Layout, overwrite: bool) -> Self {
        Self {
            layout: Some(layout),
            overwrite,
            ..self
        }
    }
}

/// None of the images is where it should be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "none of the {samples} images is in `{folder}` (the first would be `{example}`): is the folder \
     right? --datadir DIR sets it, or the table [datadir] of ~/.config/mednet.toml",
    folder = folder.display(),
    example = example.display()
)]
pub struct ImagesMissing {
    /// How many.
    pub samples: usize,
    /// The folder that was looked in.
    pub folder: PathBuf,
    /// One of the missing files.
    pub example: PathBuf,
}

/// So few images may be missing without anybody having named a wrong folder.
const FEW: usize = 2;

fn refuse_if_all_images_are_missing<'m>(
    loader: &SampleLoader,
    records: impl Iterator<Item = &'m SampleRecord>,
) -> Result<(), ImagesMissing> {
    let records: Vec<&SampleRecord> = records.collect();
    if records.len() < FEW {
        return Ok(());
    }
    match loader.all_missing(records.iter().copied()) {
        None => Ok(()),
        Some(missing) => Err(ImagesMissing {
            samples: missing.samples,
            folder: missing.folder,
            example: missing.example,
        }),
    }
}

/// When a file was last touched in any way: written, replaced, renamed.
#[cfg(unix)]
fn changed(about: &std::fs::Metadata) -> Option<SystemTime> {
    use std::os::unix::fs::MetadataExt;
    use std::time::Duration;
    let seconds = u64::try_from(about.ctime()).ok()?;
    let nanoseconds = u32::try_from(about.ctime_nsec()).ok()?;
    let changed = SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds);
    Some(changed.max(about.modified().ok()?))
}

#[cfg(not(unix))]
fn changed(about: &std::fs::Metadata) -> Option<SystemTime> {
    about.modified().ok()
}
