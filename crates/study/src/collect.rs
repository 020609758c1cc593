//! The parts of a run brought together, and how far they are.
//!
//! `collect` folds what the processes of a sharded run have noted, in the order of the samples: the
//! result is byte for byte that of one process. `status` reads the journals alone.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde_json::Value;
use thiserror::Error;

use crate::ending::Ended;
use crate::event::SampleFailure;
use crate::provenance::SettingsKey;
use crate::run::ClassScores;
use crate::run::completeness;
use crate::run::interpretability::{self, BoxScores};
use crate::scores::{JournalledSample, ScoreStore, ScoredDataSet, write_records};
use crate::store::journal::{self, FoundJournal, JournalState};
use crate::store::line::Line;
use crate::store::{LinesError, MapStore, StoreError, hash_of};

/// How long names of files may be seen late on a network file system.
const LATE: Duration = Duration::from_secs(5);

/// One part of a run, all of its journals taken together.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Part {
    /// Which part, from 1; nothing for a run that is not divided.
    pub shard: Option<u32>,
    /// How it ended, the last time; nothing while it works or where it was ended from outside.
    pub ended: Option<Ended>,
    /// Whether its process lives, or may live on another machine.
    pub alive: bool,
    /// On which machine.
    pub host: String,
    /// Samples that it is about.
    pub samples: usize,
    /// Samples of it that are finished.
    pub done: usize,
    /// Samples of it that failed.
    pub failed: usize,
    /// Samples a second, while it worked.
    pub rate: f64,
    /// When it last wrote, in seconds before now.
    pub idle_seconds: f64,
}

impl Part {
    /// Whether a process has tried all of its samples.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.ended.is_some_and(Ended::is_whole)
    }
}

/// A run, as its journals tell of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Status {
    /// The command.
    pub command: String,
    /// What its parts have in common.
    pub question: SettingsKey,
    /// In how many parts it is divided; nothing if it is not.
    pub shards: Option<u32>,
    /// The parts that have begun.
    pub parts: Vec<Part>,
    /// Parts that have not begun.
    pub missing: Vec<u32>,
    /// The first failures.
    pub failures: Vec<SampleFailure>,
    /// How the command was typed, for its first part.
    pub command_line: String,
}

impl Status {
    /// Parts that are not finished, nor at work.
    #[must_use]
    pub fn open(&self) -> Vec<u32> {
        let open = |part: &&Part| !part.alive && !part.is_whole();
        let parts = self.parts.iter().filter(open).filter_map(|part| part.shard);
        let mut open: Vec<u32> = parts.chain(self.missing.iter().copied()).collect();
        open.sort_unstable();
        open
    }

    /// Whether every part has tried all of its samples.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let ended = |part: &Part| part.is_whole() && !part.alive;
        self.missing.is_empty() && self.parts.iter().all(ended)
    }

    /// The command of one part, for a shell.
    #[must_use]
    pub fn command_of(&self, shard: u32) -> String {
        let Some(count) = self.shards else {
            return self.command_line.clone();
        };
        let words: Vec<&str> = self.command_line.split(' ').collect();
        let mut line = Vec::with_capacity(words.len());
        let mut is_shard = false;
        for word in words {
            if is_shard {
                line.push(format!("{shard}/{count}"));
            } else if word.starts_with("--shard=") {
                line.push(format!("--shard={shard}/{count}"));
            } else {
                line.push(word.to_owned());
            }
            is_shard = word == "--shard";
        }
        line.join(" ")
    }
}

/// How far the runs below a folder are.
///
/// # Errors
/// Where a journal cannot be read.
pub fn status(folder: &Path) -> Result<Vec<Status>, StoreError> {
    let mut journals = Vec::new();
    for path in journal::list(folder)? {
        let mut done: HashSet<(String, u32)> = HashSet::new();
        let mut failed: Vec<SampleFailure> = Vec::new();
        let found = journal::read(&path, |_, line| {
            match line {
                Line::Sample(sample) => {
                    done.insert((sample.dataset.into_owned(), sample.number));
                }
                Line::Failure(failure) => failed.push(SampleFailure {
                    dataset: failure.dataset,
                    sample: failure.sample,
                    kind: failure.kind,
                    reason: failure.reason,
                }),
                _ => {}
            }
            Ok(())
        });
        match found {
            // Folded meanwhile.
            Err(error) if error.is_missing() => {}
            Err(error) => return Err(error.into()),
            Ok(None) => {}
            Ok(Some(found)) => journals.push((found, done, failed)),
        }
    }
    let mut found: Vec<FoundJournal> = Vec::with_capacity(journals.len());
    let mut told = Vec::with_capacity(journals.len());
    for (journal, done, failed) in journals {
        found.push(journal);
        told.push((done, failed));
    }
    journal::settle(&mut found);
    let journals = found.into_iter().zip(told);
    let journals = journals
        .map(|(journal, (done, failed))| (journal, done, failed))
        .collect();
    Ok(statuses(journals))
}

type ReadJournal = (FoundJournal, HashSet<(String, u32)>, Vec<SampleFailure>);

fn statuses(journals: Vec<ReadJournal>) -> Vec<Status> {
    let mut runs: Vec<(SettingsKey, String, Vec<ReadJournal>)> = Vec::new();
    for journal in journals {
        let header = &journal.0.header;
        let known = runs.iter_mut().find(|(question, command, _)| {
            (*question, command) == (header.question, &header.command)
        });
        match known {
            Some((_, _, of)) => of.push(journal),
            None => runs.push((header.question, header.command.clone(), vec![journal])),
        }
    }
    runs.into_iter()
        .map(|(question, command, journals)| one_status(question, command, journals))
        .collect()
}

fn one_status(question: SettingsKey, command: String, mut journals: Vec<ReadJournal>) -> Status {
    journals.sort_by(|(a, ..), (b, ..)| a.header.began.cmp(&b.header.began));
    let shard_of = |found: &FoundJournal| {
        let shard = found.header.shard.as_ref()?;
        shard.parse::<crate::Shard>().ok()
    };
    let shards = journals
        .iter()
        .find_map(|(found, ..)| Some(shard_of(found)?.count()));
    let mut parts: BTreeMap<Option<u32>, Part> = BTreeMap::new();
    let mut all_done: HashMap<Option<u32>, HashSet<(String, u32)>> = HashMap::new();
    let mut failures = Vec::new();
    let command_line = journals[0].0.header.command_line.clone();
    for (found, done, failed) in journals {
        let shard = shard_of(&found).map(crate::Shard::index);
        let began = found.header.began.parse::<jiff::Timestamp>().ok();
        let began = began.and_then(|began| u64::try_from(began.as_millisecond()).ok());
        let began = began.map(|ms| SystemTime::UNIX_EPOCH + Duration::from_millis(ms));
        let worked = began.and_then(|began| found.grown.duration_since(began).ok());
        let worked = worked.map_or(0.0, |worked| worked.as_secs_f64());
        let newly = done.len();
        let so_far = all_done.entry(shard).or_default();
        so_far.extend(done);
        let end_samples = found
            .end
            .as_ref()
            .and_then(|end| end.results.get("samples")?.as_u64());
        let finished = match (found.header.command.as_str(), end_samples) {
            // Maps that were there already are in nobody's journal.
            ("generate", Some(samples)) => usize::try_from(samples).unwrap_or(so_far.len()),
            _ => so_far.len(),
        };
        let is_whole = found.end.as_ref().is_some_and(|end| end.ended.is_whole());
        let was_whole = parts.get(&shard).is_some_and(Part::is_whole);
        if is_whole || !was_whole {
            // What failed was tried again by a later process of the part.
            failures.retain(|(of, _): &(Option<u32>, SampleFailure)| *of != shard);
            failures.extend(failed.iter().cloned().map(|failure| (shard, failure)));
        }
        let part = Part {
            shard,
            ended: found.end.as_ref().map(|end| end.ended),
            alive: found.state == JournalState::Alive,
            host: found.header.process.host.clone(),
            samples: found.header.samples,
            done: finished
                .max(found.header.kept + newly)
                .min(found.header.samples),
            failed: failed.len(),
            rate: if worked > 0.0 {
                newly as f64 / worked
            } else {
                0.0
            },
            idle_seconds: found.grown.elapsed().map_or(0.0, |idle| idle.as_secs_f64()),
        };
        // The latest process of a part speaks for it, unless one has finished it before.
        let is_alive = part.alive || parts.get(&shard).is_some_and(|known| known.alive);
        if is_whole || !was_whole {
            parts.insert(shard, part);
        }
        if let Some(part) = parts.get_mut(&shard) {
            part.alive = is_alive;
        }
    }
    let missing = match shards {
        Some(count) => (1..=count)
            .filter(|index| !parts.contains_key(&Some(*index)))
            .collect(),
        None => Vec::new(),
    };
    Status {
        command,
        question,
        shards,
        parts: parts.into_values().collect(),
        missing,
        failures: failures.into_iter().map(|(_, failure)| failure).collect(),
        command_line,
    }
}

/// Why parts cannot be brought together.
#[derive(Debug, Error)]
pub enum CollectError {
    /// There is nothing that a run has left there.
    #[error(
        "`{0}` holds neither a manifest nor journals: name the output folder of generate, \
         completeness or interpretability"
    )]
    Nothing(PathBuf),
    /// A file cannot be read or written, or is contradictory.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<LinesError> for CollectError {
    fn from(error: LinesError) -> Self {
        Self::Store(error.into())
    }
}

/// What was collected of maps.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct CollectedMaps {
    /// Maps that are there, as their lines say.
    pub maps: usize,
    /// Samples that have any.
    pub samples: usize,
    /// Files that are missing, or not as long as their lines say.
    pub missing: Vec<String>,
    /// Files whose digest is not the one that their lines say, where that was asked for.
    pub damaged: Vec<String>,
    /// The run that was folded, if there was one.
    pub runs: Vec<Status>,
    /// Notes of its parts.
    #[serde(skip)]
    pub notes: Option<Value>,
}

impl CollectedMaps {
    /// Whether all parts have finished and nothing is missing, damaged or failed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let whole = |run: &Status| run.is_whole() && run.failures.is_empty();
        self.missing.is_empty() && self.damaged.is_empty() && self.runs.iter().all(whole)
    }
}

/// Folds the journals of a folder of maps into its manifest.
///
/// # Errors
/// Where the folder holds nothing that a run has left, something cannot be read or written, or two
/// processes tell different things of one map.
pub fn collect_maps(folder: &Path, verify: bool) -> Result<CollectedMaps, CollectError> {
    let store = MapStore::read(folder)?;
    if !store.is_known() {
        return Err(CollectError::Nothing(folder.to_owned()));
    }
    let runs: Vec<Status> = status(folder)?
        .into_iter()
        .filter(|run| run.command == "generate")
        .collect();
    let mut absent = absent(&store);
    if !absent.is_empty() {
        // Names that another machine has just given are seen late.
        std::thread::sleep(LATE);
        absent = self::absent(&store);
    }
    let damaged = match verify {
        true => damaged(&store),
        false => Vec::new(),
    };
    let samples: HashSet<u32> = store.index.maps().iter().map(|map| map.sample).collect();
    let collected = CollectedMaps {
        maps: store.index.maps().len() - absent.len(),
        samples: samples.len(),
        missing: absent,
        damaged,
        notes: notes(&store.journals),
        runs,
    };
    let alive = store
        .journals
        .iter()
        .any(|found| found.state == JournalState::Alive);
    // The parts of a run of which some are still to come keep their journals: they say what is done.
    let unfinished: Vec<SettingsKey> = collected
        .runs
        .iter()
        .filter(|run| run.shards.is_some() && !run.is_whole())
        .map(|run| run.question)
        .collect();
    if !alive && !store.journals.is_empty() {
        store.write_manifest(|found| unfinished.contains(&found.header.question))?;
    } else if !store.contradictions.is_empty() {
        return Err(StoreError::Contradictory {
            folder: folder.to_owned(),
            contradictions: store.contradictions,
        }
        .into());
    }
    Ok(collected)
}

/// Maps that are not there, or not as long as their lines say: folders are listed, since single
/// names may be remembered as missing by a network file system.
fn absent(store: &MapStore) -> Vec<String> {
    let mut lengths: HashMap<PathBuf, HashMap<std::ffi::OsString, u64>> = HashMap::new();
    let mut missing = Vec::new();
    for entry in store.index.maps() {
        let file = store.index.file(entry);
        let path = store.folder().join(&file);
        let folder = path.parent().unwrap_or(store.folder()).to_owned();
        let names = lengths.entry(folder).or_insert_with_key(|folder| {
            let entries = std::fs::read_dir(folder)
                .into_iter()
                .flatten()
                .filter_map(Result::ok);
            entries
                .filter_map(|entry| Some((entry.file_name(), entry.metadata().ok()?.len())))
                .collect()
        });
        let length = path.file_name().and_then(|name| names.get(name));
        if length != Some(&u64::from(entry.bytes)) {
            missing.push(file);
        }
    }
    missing
}

fn damaged(store: &MapStore) -> Vec<String> {
    let maps = store.index.maps().iter();
    let damaged = maps.filter(|entry| {
        let path = store.folder().join(store.index.file(entry));
        hash_of(&path).is_some_and(|found| found != entry.sha256)
    });
    damaged.map(|entry| store.index.file(entry)).collect()
}

/// The notes of the first part, with those facts of all parts that differ between them.
fn notes(journals: &[FoundJournal]) -> Option<Value> {
    let first = journals.first()?;
    let mut notes = first.header.notes.clone();
    let fields = notes.as_object_mut()?;
    let parts: Vec<Value> = journals.iter().map(part_notes).collect();
    let seconds = |found: &FoundJournal| found.end.as_ref().map_or(0.0, |end| end.seconds);
    let total: f64 = journals.iter().map(seconds).sum();
    fields.insert("duration-seconds".to_owned(), total.into());
    fields.insert("parts".to_owned(), Value::Array(parts));
    Some(notes)
}

fn part_notes(found: &FoundJournal) -> Value {
    let header = &found.header;
    serde_json::json!({
        "shard": header.shard,
        "hostname": header.process.host,
        "began": header.began,
        "package-version": header.program,
        "command-line": header.command_line,
        "ended": found.end.as_ref().map(|end| end.ended),
        "duration-seconds": found.end.as_ref().map(|end| end.seconds),
        "results": found.end.as_ref().map(|end| &end.results),
    })
}

/// What was collected of scores.
#[derive(Debug)]
pub struct CollectedScores<S> {
    /// The run.
    pub run: Status,
    /// Names of the sources of maps, in order.
    pub sources: Vec<String>,
    /// For each source its rows, where every part has tried all of its samples.
    pub scores: Option<Vec<Vec<ScoredDataSet<S>>>>,
    /// All failures.
    pub failures: Vec<SampleFailure>,
    /// Notes of the run.
    pub notes: Value,
    samples: Vec<JournalledSample<S>>,
    folder: PathBuf,
    journals: Vec<PathBuf>,
}

impl<S: serde::de::DeserializeOwned + Serialize + Clone> CollectedScores<S> {
    /// Removes the journals, and keeps the records for later runs where a file for them is named:
    /// to be called when the results are written.
    ///
    /// # Errors
    /// Where a file cannot be written or removed.
    pub fn keep_records(&self, records: Option<&Path>) -> Result<(), StoreError> {
        if let Some(records) = records {
            let (command, question) = (&self.run.command, Some(self.run.question));
            let store = ScoreStore::<S>::read(&self.folder, command, question, Some(records))?;
            write_records(records, command, &store.with(&self.samples))?;
        }
        Ok(journal::remove(&self.folder, &self.journals)?)
    }
}

/// The sharded runs of `completeness` below a folder.
///
/// # Errors
/// Where a journal cannot be read.
pub fn collect_completeness(
    folder: &Path,
) -> Result<Vec<CollectedScores<ClassScores>>, CollectError> {
    collect_scores(folder, completeness::COMMAND)
}

/// The sharded runs of `interpretability` below a folder.
///
/// # Errors
/// Where a journal cannot be read.
pub fn collect_interpretability(
    folder: &Path,
) -> Result<Vec<CollectedScores<BoxScores>>, CollectError> {
    collect_scores(folder, interpretability::COMMAND)
}

fn collect_scores<S: serde::de::DeserializeOwned + Serialize + Clone>(
    folder: &Path,
    command: &str,
) -> Result<Vec<CollectedScores<S>>, CollectError> {
    let mut collected = Vec::new();
    for run in status(folder)?
        .into_iter()
        .filter(|run| run.command == command)
    {
        // A run that is not divided writes its own results.
        if run.shards.is_none() {
            continue;
        }
        let store = ScoreStore::<S>::read(folder, command, Some(run.question), None)?;
        let of_run = |found: &&FoundJournal| found.header.shard.is_some();
        let journals: Vec<&FoundJournal> = store.journals.iter().filter(of_run).collect();
        let Some(first) = journals.first() else {
            continue;
        };
        let notes_of = first.header.notes.clone();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let names = |key: &str| -> Vec<String> {
            let list = notes_of.get(key).and_then(Value::as_array);
            list.into_iter().flatten().filter_map(text).collect()
        };
        let (sources, datasets) = (names("sources"), names("datasets"));
        // The last word on a sample counts.
        let mut latest: HashMap<(&str, u32), &JournalledSample<S>> = HashMap::new();
        for sample in &store.samples {
            latest.insert((sample.dataset.as_str(), sample.number), sample);
        }
        let mut samples: Vec<JournalledSample<S>> = latest.into_values().cloned().collect();
        samples.sort_by(|a, b| (a.number, &a.dataset).cmp(&(b.number, &b.dataset)));
        let failures = run.failures.clone();
        let scores = run
            .is_whole()
            .then(|| completeness::rows_of(&datasets, &samples, sources.len()));
        collected.push(CollectedScores {
            notes: notes(&store.journals).unwrap_or_default(),
            scores,
            sources,
            failures,
            samples,
            folder: folder.to_owned(),
            journals: journals.iter().map(|found| found.path.clone()).collect(),
            run,
        });
    }
    Ok(collected)
}
