//! Writing maps behind the computation, so that nothing is claimed that is not on the disk.
//!
//! Two threads: the first writes each map under a temporary name, the second sees to it that the
//! bytes of several maps are on the disk, then gives them their names, then adds their lines to the
//! journal, and only then says that they are finished.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};

use mednet_base::file::{self, FileError};
use mednet_saliency::Map;
use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempPath};

use super::index::{FinishedMap, SampleFacts};
use super::journal::Journal;
use super::line::{self, FailureLine, Line};
use crate::event::{FailureKind, Fault};
use crate::npy;
use crate::provenance::SettingsKey;

/// Samples that wait to be written: more would only fill the memory while the disk is slow.
const WRITE_BEHIND: usize = 1;
/// Samples that are written and wait for the disk: as many maps may be lost by a power cut.
const SYNC_BEHIND: usize = 64;

/// A map on its way to the disk.
pub(crate) struct ComputedMap {
    /// Path below the output folder, with `/`.
    pub(crate) file: String,
    pub(crate) key: SettingsKey,
    /// What to call it in counts: the position of its method.
    pub(crate) method: usize,
    pub(crate) class: u16,
    pub(crate) empty: bool,
    pub(crate) map: Map,
}

/// What was computed of a sample.
pub(crate) struct ComputedSample {
    /// Position of the sample among those of the run.
    pub(crate) position: usize,
    pub(crate) facts: Option<SampleFacts>,
    pub(crate) maps: Vec<ComputedMap>,
    /// What went wrong before anything was written.
    pub(crate) fault: Option<Fault>,
    pub(crate) dataset: String,
    pub(crate) name: String,
}

/// What came of a sample that was handed to the writer.
pub(crate) enum Written {
    /// Its maps are on the disk and in the journal.
    Sample {
        position: usize,
        /// For each map that was written, its method and whether it is empty.
        maps: Vec<(usize, bool)>,
        fault: Option<Fault>,
    },
    /// Nothing more can be written.
    Lost(FileError),
}

/// The threads that write.
pub(crate) struct Writer<'scope> {
    samples: SyncSender<ComputedSample>,
    written: Receiver<Written>,
    threads: [ScopedJoinHandle<'scope, ()>; 2],
}

impl<'scope> Writer<'scope> {
    /// Starts writing below `output`, a line for each map going to the journal.
    pub(crate) fn start<'env: 'scope>(
        scope: &'scope Scope<'scope, 'env>,
        output: &'env Path,
        journal: &'env mut Journal,
    ) -> Self {
        let (samples, computed) = sync_channel::<ComputedSample>(WRITE_BEHIND);
        let (pending, unsynced) = sync_channel::<PendingSample>(SYNC_BEHIND);
        let (done, written) = channel::<Written>();
        let lost = done.clone();
        let write = move || {
            let mut folders = Folders::new(output);
            for sample in computed {
                match sample.write(&mut folders) {
                    // Whoever listens has gone only where nothing more can be written.
                    Ok(sample) => {
                        if pending.send(sample).is_err() {
                            break;
                        }
                    }
                    Err(error) => {
                        let _ = lost.send(Written::Lost(error));
                        break;
                    }
                }
            }
        };
        let commit = move || commit(&unsynced, journal, &done);
        Self {
            samples,
            written,
            threads: [scope.spawn(write), scope.spawn(commit)],
        }
    }

    /// Hands over a sample; whether anybody takes it.
    pub(crate) fn write(&self, sample: ComputedSample) -> bool {
        self.samples.send(sample).is_ok()
    }

    /// What came of samples since the last question, without waiting.
    pub(crate) fn news(&self) -> impl Iterator<Item = Written> + '_ {
        self.written.try_iter()
    }

    /// Waits until everything is on the disk; what came of the last samples. A panic of a thread
    /// goes on here.
    pub(crate) fn finish(self) -> Vec<Written> {
        let Self {
            samples,
            written,
            threads,
        } = self;
        drop(samples);
        let last: Vec<Written> = written.iter().collect();
        for thread in threads {
            if let Err(payload) = thread.join() {
                std::panic::resume_unwind(payload);
            }
        }
        last
    }
}

/// A sample whose maps are written under temporary names.
struct PendingSample {
    position: usize,
    lines: String,
    maps: Vec<PendingMap>,
    fault: Option<Fault>,
    dataset: String,
    name: String,
}

struct PendingMap {
    /// Not open: a run of many methods would have more open files than a process may.
    temporary: TempPath,
    length: u64,
    path: PathBuf,
    method: usize,
    empty: bool,
    line: String,
}

impl ComputedSample {
    fn write(self, folders: &mut Folders<'_>) -> Result<PendingSample, FileError> {
        let mut pending = PendingSample {
            position: self.position,
            lines: self.facts.map_or_else(String::new, |facts| facts.to_line()),
            maps: Vec::with_capacity(self.maps.len()),
            fault: self.fault,
            dataset: self.dataset,
            name: self.name,
        };
        for map in self.maps {
            match map.write(folders) {
                Ok(map) => pending.maps.push(map),
                Err(error) if is_of_one_sample(&error.source) => {
                    let fault = Fault::of(FailureKind::Output, &error);
                    pending.fault.get_or_insert(fault);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(pending)
    }
}

/// Whether a failure to write lies with the name of one sample, not with the disk.
fn is_of_one_sample(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidFilename, InvalidInput, IsADirectory, NotADirectory};
    matches!(
        error.kind(),
        InvalidFilename | InvalidInput | IsADirectory | NotADirectory
    )
}

impl ComputedMap {
    fn write(self, folders: &mut Folders<'_>) -> Result<PendingMap, FileError> {
        let (header, values) = (npy::header(&self.map), npy::values(&self.map));
        let path = folders.output.join(&self.file);
        let failed = |source| FileError::new("write", &path, source);
        let mut temporary = folders.temporary(&path).map_err(failed)?;
        let mut write = |part: &[u8]| temporary.write_all(part);
        write(&header)
            .and_then(|()| write(&values))
            .map_err(failed)?;
        let hash = Sha256::new().chain_update(&header).chain_update(&values);
        let finished = FinishedMap {
            class: self.class,
            empty: self.empty,
            bytes: (header.len() + values.len()) as u64,
            sha256: hash.finalize().into(),
        };
        Ok(PendingMap {
            line: finished.to_line(&self.file, self.key),
            temporary: temporary.into_temp_path(),
            length: finished.bytes,
            path,
            method: self.method,
            empty: self.empty,
        })
    }
}

/// The folders below the output folder, which are made as they are needed; the output folder
/// itself is not: where that is gone, somebody has removed it.
struct Folders<'a> {
    output: &'a Path,
}

impl<'a> Folders<'a> {
    fn new(output: &'a Path) -> Self {
        Self { output }
    }

    /// A temporary file in the folder of `path`.
    fn temporary(&mut self, path: &Path) -> io::Result<NamedTempFile> {
        let folder = path.parent().unwrap_or(self.output);
        match file::temporary_in(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => return other,
        }
        if !self.output.is_dir() {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "the output folder was removed during the run",
            ));
        }
        fs::create_dir_all(folder)?;
        file::temporary_in(folder)
    }
}

/// Brings samples to the disk, several at once.
fn commit(pending: &Receiver<PendingSample>, journal: &mut Journal, done: &Sender<Written>) {
    while let Ok(first) = pending.recv() {
        let samples: Vec<PendingSample> = std::iter::once(first)
            .chain(pending.try_iter())
            .take(SYNC_BEHIND)
            .collect();
        if let Err(error) = commit_all(samples, journal, done) {
            let _ = done.send(Written::Lost(error));
            break;
        }
    }
}

fn commit_all(
    samples: Vec<PendingSample>,
    journal: &mut Journal,
    done: &Sender<Written>,
) -> Result<(), FileError> {
    for map in samples.iter().flat_map(|sample| &sample.maps) {
        let synced = sync(&map.temporary);
        synced.map_err(|source| FileError::new("write", &map.path, source))?;
    }
    let mut lines = String::new();
    let mut finished = Vec::with_capacity(samples.len());
    for mut sample in samples {
        let mut maps = Vec::with_capacity(sample.maps.len());
        let mut texts = String::new();
        for map in sample.maps {
            match file::rename(map.temporary, map.length, &map.path) {
                Ok(()) => {
                    texts.push_str(&map.line);
                    maps.push((map.method, map.empty));
                }
                Err(source) if is_of_one_sample(&source) => {
                    let error = FileError::new("replace", &map.path, source);
                    let fault = Fault::of(FailureKind::Output, &error);
                    sample.fault.get_or_insert(fault);
                }
                Err(source) => return Err(FileError::new("replace", &map.path, source)),
            }
        }
        if !texts.is_empty() {
            lines.push_str(&sample.lines);
            lines.push_str(&texts);
        }
        if let Some(fault) = &sample.fault {
            lines.push_str(&line::text(&Line::Failure(FailureLine {
                dataset: sample.dataset,
                sample: sample.name,
                kind: fault.kind,
                reason: fault.reason.clone(),
            })));
        }
        finished.push(Written::Sample {
            position: sample.position,
            maps,
            fault: sample.fault,
        });
    }
    journal.append(&lines)?;
    for written in finished {
        let _ = done.send(written);
    }
    Ok(())
}

fn sync(path: &Path) -> io::Result<()> {
    match File::open(path)?.sync_data() {
        // Some file systems cannot, such as those that are mounted through FUSE.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        other => other,
    }
}
