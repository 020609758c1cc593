//! Journals: what one process has finished, line by line, while it works.
//!
//! `OUTPUT/journal/COMMAND-SHARD.HOST.RANDOM.jsonl` is made by one process, which alone writes to
//! it; any number of processes on any number of machines have one each. Nothing is locked and
//! nothing is appended to by two, which network file systems do not support. A line that a crash
//! cut off is ignored.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use mednet_base::file::{self, FileError};

use super::line::{self, EndLine, Header, Line, MapLine, VERSION};
use super::process::Liveness;
use crate::shard::Shard;

/// Folder of the journals below an output folder.
pub const JOURNALS: &str = "journal";
/// A journal of another machine that has not grown for so long is taken for abandoned.
const ABANDONED: Duration = Duration::from_secs(3600);
/// Longest line that is read.
const LONGEST_LINE: u64 = 1 << 28;

/// The journal that this process writes.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    /// Bytes of whole lines.
    length: u64,
}

impl Journal {
    /// Starts a journal below `output`, which must be there.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn create(output: &Path, shard: Option<Shard>, header: &Header) -> Result<Self, FileError> {
        let folder = output.join(JOURNALS);
        fs::create_dir_all(&folder).map_err(|e| FileError::new("create", &folder, e))?;
        let part = shard.map_or_else(|| "all".to_owned(), Shard::file_part);
        let host: String = header
            .process
            .host
            .chars()
            .map(file_letter)
            .take(64)
            .collect();
        let name = format!("{}-{part}.{host}.{}.jsonl", header.command, unique());
        let path = folder.join(name);
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let file = file.map_err(|e| FileError::new("create", &path, e))?;
        let written = path.clone();
        let mut journal = Self {
            path,
            file,
            length: 0,
        };
        let first = line::text(&Line::Journal(Box::new(header.clone())));
        match journal.append(&first) {
            Ok(()) => Ok(journal),
            Err(error) => {
                // What went wrong first is the error to report.
                let _ = fs::remove_file(written);
                Err(error)
            }
        }
    }

    /// Adds whole lines by one write.
    ///
    /// # Errors
    /// Where they cannot be written, or where the journal, and with it the output folder, was
    /// removed.
    pub fn append(&mut self, lines: &str) -> Result<(), FileError> {
        let failed = |source| FileError::new("write", &self.path, source);
        if let Err(error) = self.file.write_all(lines.as_bytes()) {
            // Half a line must not stand in front of those that may follow.
            let _ = self.file.set_len(self.length);
            let _ = io::Seek::seek(&mut self.file, io::SeekFrom::Start(self.length));
            return Err(failed(error));
        }
        self.length += lines.len() as u64;
        match is_removed(&self.file).map_err(failed)? {
            true => Err(failed(io::Error::new(
                io::ErrorKind::NotFound,
                "it was removed during the run",
            ))),
            false => Ok(()),
        }
    }

    /// Adds the last line and sees to it that all is on the disk.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn end(&mut self, end: EndLine) -> Result<(), FileError> {
        self.append(&line::text(&Line::End(end)))?;
        let synced = self.file.sync_all();
        synced.map_err(|source| FileError::new("write", &self.path, source))
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The number of this process, and which of its journals: a demonstration runs several commands.
fn unique() -> String {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    match number {
        0 => file::run_id().to_owned(),
        _ => format!("{}-{number}", file::run_id()),
    }
}

fn file_letter(letter: char) -> char {
    match letter.is_ascii_alphanumeric() || letter == '-' {
        true => letter,
        false => '_',
    }
}

#[cfg(unix)]
fn is_removed(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    Ok(file.metadata()?.nlink() == 0)
}

#[cfg(not(unix))]
fn is_removed(_file: &File) -> io::Result<bool> {
    Ok(false)
}

/// Who may still write to a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalState {
    /// Its run ended by itself.
    Ended,
    /// Its process lives, or may live on another machine.
    Alive,
    /// Its process was ended from outside.
    Dead,
}

/// A journal as it was found.
#[derive(Debug)]
pub struct FoundJournal {
    /// Its file.
    pub path: PathBuf,
    /// Its first line.
    pub header: Header,
    /// Who may still write to it.
    pub state: JournalState,
    /// When it last grew.
    pub grown: std::time::SystemTime,
    /// Its last line, if the run ended by itself.
    pub end: Option<EndLine>,
}

impl FoundJournal {
    /// The number of the process in its name.
    #[must_use]
    pub fn run_id(&self) -> Option<&str> {
        let name = self.path.file_name()?.to_str()?;
        let unique = name.strip_suffix(".jsonl")?.rsplit('.').next()?;
        Some(unique.split('-').next().unwrap_or(unique))
    }
}

impl FoundJournal {
    /// The number of the process in its name, where that process is gone: what it left unfinished
    /// is nobody's.
    #[must_use]
    pub fn dead_run(&self) -> Option<&str> {
        let gone =
            self.state == JournalState::Dead || self.header.process.liveness() == Liveness::Dead;
        self.run_id().filter(|_| gone)
    }
}

/// A process on another machine, of which nothing is known, is over where a later one has finished
/// the same part of the same run: that is what a scheduler does after a machine was lost.
pub(crate) fn settle(journals: &mut [FoundJournal]) {
    let is_whole =
        |found: &&FoundJournal| found.end.as_ref().is_some_and(|end| end.ended.is_whole());
    let whole: Vec<Header> = journals
        .iter()
        .filter(is_whole)
        .map(|found| found.header.clone())
        .collect();
    for found in journals
        .iter_mut()
        .filter(|found| found.state == JournalState::Alive)
    {
        let header = &found.header;
        let is_replaced = whole.iter().any(|later| {
            later.question == header.question
                && later.shard == header.shard
                && later.command == header.command
                && later.began > header.began
        });
        if is_replaced && header.process.liveness() == Liveness::Elsewhere {
            found.state = JournalState::Dead;
        }
    }
}

/// A file of lines that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LinesError {
    /// It cannot be read.
    #[error("cannot read `{path}`")]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A line is not what this program writes.
    #[error("line {line} of `{path}` is damaged: {reason}; remove the file to start afresh")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// An older program wrote it.
    #[error(
        "`{path}` was written by an older version of mednet, which noted less about how maps were \
         made"
    )]
    Old {
        /// The file.
        path: PathBuf,
    },
    /// A newer program wrote it.
    #[error(
        "`{path}` was written by a newer version of mednet (format {version}, known is {VERSION})"
    )]
    New {
        /// The file.
        path: PathBuf,
        /// Version of its format.
        version: u32,
    },
}

impl LinesError {
    /// Whether the file is not there.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        // A network file system calls a file that another machine has replaced stale.
        use io::ErrorKind::{NotFound, StaleNetworkFileHandle};
        matches!(self, Self::File { source, .. }
            if matches!(source.kind(), NotFound | StaleNetworkFileHandle))
    }
}

/// Reads a file line by line in little memory; what follows the last line feed was cut off by a
/// crash and is left out.
pub(crate) fn read_lines(
    path: &Path,
    mut take: impl FnMut(Line<'_>) -> Result<(), String>,
) -> Result<(), LinesError> {
    let unreadable = |source| LinesError::File {
        path: path.to_owned(),
        source,
    };
    let file = file::open_regular(path).map_err(unreadable)?;
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        let read = io::Read::take(&mut reader, LONGEST_LINE).read_until(b'\n', &mut bytes);
        read.map_err(unreadable)?;
        if bytes.pop() != Some(b'\n') {
            break;
        }
        if bytes.is_empty() {
            continue;
        }
        let damaged = |reason: String| LinesError::Damaged {
            path: path.to_owned(),
            line: number,
            reason,
        };
        let parsed = match MapLine::in_written_form(&bytes) {
            Some(map) => Ok(Line::Map(map)),
            None => serde_json::from_slice(&bytes),
        };
        let line: Line<'_> = match parsed {
            Ok(line) => line,
            Err(_) if number == 1 && is_old(&bytes) => {
                return Err(LinesError::Old {
                    path: path.to_owned(),
                });
            }
            Err(error) => {
                return Err(match newer_version(&bytes) {
                    Some(version) if number == 1 => LinesError::New {
                        path: path.to_owned(),
                        version,
                    },
                    _ => damaged(error.to_string()),
                });
            }
        };
        let version = match &line {
            Line::Manifest(manifest) => Some(manifest.version),
            Line::Records(records) => Some(records.version),
            Line::Journal(header) => Some(header.version),
            _ if number == 1 => {
                return Err(damaged("there is no first line with a version".to_owned()));
            }
            _ => None,
        };
        if let Some(version) = version.filter(|&version| version > VERSION) {
            let path = path.to_owned();
            return Err(LinesError::New { path, version });
        }
        take(line).map_err(damaged)?;
    }
    Ok(())
}

/// Whether a first line is of the time before files had versions.
fn is_old(line: &[u8]) -> bool {
    let value = serde_json::from_slice::<serde_json::Value>(line);
    value.is_ok_and(|value| {
        let settings = value.get("settings").and_then(|of| of.get("settings"));
        settings.is_some() || value.get("map").is_some_and(|map| map.get("key").is_some())
    })
}

fn newer_version(line: &[u8]) -> Option<u32> {
    let value = serde_json::from_slice::<serde_json::Value>(line).ok()?;
    let first = value.as_object()?.values().next()?;
    let version = u32::try_from(first.get("version")?.as_u64()?).ok()?;
    (version > VERSION).then_some(version)
}

/// The files of the journals below an output folder, in the order of their names.
///
/// # Errors
/// Where the folder is there and cannot be listed.
pub fn list(output: &Path) -> Result<Vec<PathBuf>, FileError> {
    let folder = output.join(JOURNALS);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(|error| FileError::new("read", &folder, error))?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry
            .map_err(|error| FileError::new("read", &folder, error))?
            .path();
        if path.extension().is_some_and(|ending| ending == "jsonl") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Reads a journal; every line but the first and the last goes to `take`. Nothing where the file
/// has no whole first line: its process had only just begun.
pub(crate) fn read(
    path: &Path,
    mut take: impl FnMut(&Header, Line<'_>) -> Result<(), String>,
) -> Result<Option<FoundJournal>, LinesError> {
    let mut header: Option<Header> = None;
    let mut end = None;
    read_lines(path, |line| {
        match (line, &header) {
            (Line::Journal(first), None) => header = Some(*first),
            (Line::End(last), _) => end = Some(last),
            (line, Some(header)) => take(header, line)?,
            (_, None) => return Err("a journal begins with who wrote it".to_owned()),
        }
        Ok(())
    })?;
    let grown = fs::metadata(path).and_then(|about| about.modified());
    let grown = grown.map_err(|source| LinesError::File {
        path: path.to_owned(),
        source,
    })?;
    Ok(header.map(|header| FoundJournal {
        path: path.to_owned(),
        state: state(&header, grown, end.is_some()),
        header,
        grown,
        end,
    }))
}

fn state(header: &Header, grown: std::time::SystemTime, ended: bool) -> JournalState {
    let abandoned = grown.elapsed().is_ok_and(|age| age > ABANDONED);
    match header.process.liveness() {
        _ if ended => JournalState::Ended,
        Liveness::Alive => JournalState::Alive,
        Liveness::Dead => JournalState::Dead,
        Liveness::Elsewhere if abandoned => JournalState::Dead,
        Liveness::Elsewhere => JournalState::Alive,
    }
}

/// Removes journals, and their folder once it is empty. What is gone already was removed by
/// another process that did the same.
///
/// # Errors
/// Where one cannot be removed.
pub(crate) fn remove(output: &Path, paths: &[PathBuf]) -> Result<(), FileError> {
    for path in paths {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(FileError::new("remove", path, error));
            }
            _ => {}
        }
    }
    // It stays where others still write to it.
    let _ = fs::remove_dir(output.join(JOURNALS));
    Ok(())
}

/// Whether a journal is of a command that scores, or of a process that had not even begun it.
pub(crate) fn is_of_scores(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    !name.starts_with("generate-") || fs::metadata(path).is_ok_and(|about| about.len() == 0)
}

/// Removes files that runs which were ended from outside had not finished, in `folder` and those
/// below it down to a depth. Those of runs that may still live stay.
pub(crate) fn remove_unfinished(folder: &Path, runs: &[&str], depth: usize) {
    if runs.is_empty() {
        return;
    }
    let mut pending = vec![(folder.to_owned(), depth)];
    while let Some((folder, depth)) = pending.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.filter_map(Result::ok) {
            // Links are not followed: what lies behind them is not ours.
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            if kind.is_dir() {
                if depth > 0 {
                    pending.push((entry.path(), depth - 1));
                }
            } else if let Some(name) = entry.file_name().to_str()
                && let Some(rest) = name.strip_prefix(file::TEMPORARY)
                && runs.iter().any(|run| rest.starts_with(*run))
            {
                // Whoever removed it first is as good.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}
