//! Scores of samples, kept as they come.
//!
//! While a run scores, each sample goes into its journal; a run that was ended from outside is gone
//! on with where it was. Scores are found again by everything that they depend on: settings, image,
//! map.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use mednet_base::file::{FileError, Output};
use mednet_data::Target;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::event::SampleFailure;
use crate::provenance::SettingsKey;
use crate::store::journal::{self, FoundJournal, JournalState, LinesError};
use crate::store::line::{self, FailureLine, Line, RecordsLine, SampleLine, ScoreLine, VERSION};
use crate::store::{Header, StoreError};

/// The class of a sample, or its classes where it has several or none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Label {
    /// Its only class.
    One(i64),
    /// A 0 or 1 for each class.
    Several(Vec<u8>),
}

impl From<&Target> for Label {
    fn from(target: &Target) -> Self {
        match (target, target.single_label()) {
            (_, Some(label)) => Self::One(label),
            (Target::Multiple(labels), None) => Self::Several(labels.clone()),
            (Target::Single(label), None) => Self::One(*label),
        }
    }
}

/// A data set with a row for each sample, in the order of the split.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredDataSet<S> {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub samples: Vec<ScoredSample<S>>,
}

/// A row: a sample, and what its map scored if it was to be scored and could be.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredSample<S> {
    /// Its name.
    pub name: String,
    /// What the data set says about it.
    pub label: Label,
    /// The scores.
    pub scores: Option<S>,
}

impl<S> ScoredDataSet<S> {
    /// The scores of the samples that have any.
    pub fn scores(&self) -> impl Iterator<Item = &S> {
        self.samples
            .iter()
            .filter_map(|sample| sample.scores.as_ref())
    }
}

/// The scores of one sample's maps of one source: one for each class that is explained, nothing
/// where that class could not be scored.
#[derive(Debug, Clone, PartialEq)]
pub struct Record<S> {
    /// What stands for all that they depend on.
    pub key: SettingsKey,
    /// The scores.
    pub scores: Vec<Option<S>>,
}

/// A sample as a journal of scores has it.
#[derive(Debug, Clone, PartialEq)]
pub struct JournalledSample<S> {
    /// Its place in the split.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// Its data set.
    pub dataset: String,
    /// Its class.
    pub label: Label,
    /// The scores for each source, in order.
    pub sources: Vec<(String, Record<S>)>,
}

/// The text of a sample and its scores in a journal.
pub(crate) fn sample_lines<S: Serialize>(
    number: u32,
    name: &str,
    dataset: &str,
    label: &Label,
    sources: &[(&str, SettingsKey, &[Option<S>])],
) -> String {
    let mut text = line::text(&Line::Sample(SampleLine {
        number,
        name: Cow::Borrowed(name),
        dataset: Cow::Borrowed(dataset),
        rule: Cow::Borrowed(""),
        label: serde_json::to_value(label).ok(),
        bytes: None,
        sha256: Cow::Borrowed(""),
        size: None,
        logits: Vec::new(),
    }));
    for (source, key, scores) in sources {
        text.push_str(&line::text(&Line::Score(ScoreLine {
            source: Cow::Borrowed(source),
            key: *key,
            scores: serde_json::to_value(scores).unwrap_or_default(),
        })));
    }
    text
}

pub(crate) fn failure_line(failure: &SampleFailure) -> String {
    line::text(&Line::Failure(FailureLine {
        dataset: failure.dataset.clone(),
        sample: failure.sample.clone(),
        kind: failure.kind,
        reason: failure.reason.clone(),
    }))
}

/// Scores that earlier runs of one command have left below an output folder.
#[derive(Debug)]
pub struct ScoreStore<S> {
    output: PathBuf,
    command: String,
    /// Samples in the order in which they were written; those that come later count.
    pub samples: Vec<JournalledSample<S>>,
    /// The journals that were found.
    pub journals: Vec<FoundJournal>,
}

impl<S: DeserializeOwned + Serialize> ScoreStore<S> {
    /// Reads the journals of a command below `output`, or only those of one question, and the
    /// records of an earlier run that came to its end, if there are any.
    ///
    /// # Errors
    /// Where a file cannot be read, or is damaged in its middle.
    pub fn read(
        output: &Path,
        command: &str,
        question: Option<SettingsKey>,
        records: Option<&Path>,
    ) -> Result<Self, StoreError> {
        let mut store = Self {
            output: output.to_owned(),
            command: command.to_owned(),
            samples: Vec::new(),
            journals: Vec::new(),
        };
        if let Some(records) = records.filter(|records| records.is_file()) {
            let samples = &mut store.samples;
            let read = journal::read_lines(records, |line| take(samples, line));
            match read {
                // Scores of another time are made again.
                Err(LinesError::Old { .. } | LinesError::New { .. }) => samples.clear(),
                other => other?,
            }
        }
        let wanted = |header: &Header| {
            header.command == command && question.is_none_or(|wanted| wanted == header.question)
        };
        let mut parts = Vec::new();
        for path in journal::list(output)? {
            let mut samples = Vec::new();
            let found = journal::read(&path, |header, line| match line {
                _ if !wanted(header) => Ok(()),
                line => take(&mut samples, line),
            });
            match found {
                // Another process has come to its end meanwhile: its results are whole.
                Err(error) if error.is_missing() => {}
                Err(error) => return Err(error.into()),
                Ok(Some(found)) if wanted(&found.header) => parts.push((found, samples)),
                Ok(_) => {}
            }
        }
        // What was scored later counts.
        parts.sort_by(|(a, _), (b, _)| a.header.began.cmp(&b.header.began));
        for (found, samples) in parts {
            store.samples.extend(samples);
            store.journals.push(found);
        }
        journal::settle(&mut store.journals);
        Ok(store)
    }

    /// The last record of each sample and source.
    #[must_use]
    pub fn records(&self) -> HashMap<(&str, &str, &str), &Record<S>> {
        let mut records = HashMap::new();
        for sample in &self.samples {
            for (source, record) in &sample.sources {
                let key = (
                    sample.dataset.as_str(),
                    sample.name.as_str(),
                    source.as_str(),
                );
                records.insert(key, record);
            }
        }
        records
    }

    /// Removes the journals of runs that are over, `own` among them, and what they left unfinished.
    /// The parts of a sharded run are brought together first.
    ///
    /// # Errors
    /// Where a journal cannot be removed.
    pub fn remove_journals(&self, own: Option<&Path>) -> Result<(), FileError> {
        let is_over = |found: &&FoundJournal| {
            found.state != JournalState::Alive && found.header.shard.is_none()
        };
        let over = self.journals.iter().filter(is_over);
        let runs: Vec<&str> = over.clone().filter_map(FoundJournal::dead_run).collect();
        // Each source of maps has a folder.
        journal::remove_unfinished(&self.output, &runs, 1);
        let mut paths: Vec<PathBuf> = over.map(|found| found.path.clone()).collect();
        paths.extend(own.map(Path::to_owned));
        journal::remove(&self.output, &paths)
    }

    /// The records of earlier runs with those of this one in their place, in the order of the
    /// split.
    #[must_use]
    pub fn with(&self, newer: &[JournalledSample<S>]) -> Vec<JournalledSample<S>>
    where
        S: Clone,
    {
        let mut merged: Vec<JournalledSample<S>> = Vec::new();
        let mut places: HashMap<(&str, &str), usize> = HashMap::new();
        for sample in self.samples.iter().chain(newer) {
            let key = (sample.dataset.as_str(), sample.name.as_str());
            let Some(&place) = places.get(&key) else {
                places.insert(key, merged.len());
                merged.push(sample.clone());
                continue;
            };
            let known = &mut merged[place];
            (known.number, known.label) = (sample.number, sample.label.clone());
            for (source, record) in &sample.sources {
                match known.sources.iter_mut().find(|(name, _)| name == source) {
                    Some((_, older)) => *older = record.clone(),
                    None => known.sources.push((source.clone(), record.clone())),
                }
            }
        }
        for sample in &mut merged {
            sample.sources.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        merged
            .sort_by(|a, b| (a.number, &a.dataset, &a.name).cmp(&(b.number, &b.dataset, &b.name)));
        merged
    }

    /// The command whose scores these are.
    #[must_use]
    pub fn command(&self) -> &str {
        &self.command
    }
}

fn take<S: DeserializeOwned>(
    samples: &mut Vec<JournalledSample<S>>,
    line: Line<'_>,
) -> Result<(), String> {
    match line {
        Line::Sample(sample) => {
            let label = sample.label.ok_or("a sample has no label")?;
            samples.push(JournalledSample {
                number: sample.number,
                name: sample.name.into_owned(),
                dataset: sample.dataset.into_owned(),
                label: serde_json::from_value(label).map_err(|error| error.to_string())?,
                sources: Vec::new(),
            });
            Ok(())
        }
        Line::Score(score) => {
            let sample = samples
                .last_mut()
                .ok_or("a score comes before its sample")?;
            let scores = serde_json::from_value(score.scores).map_err(|error| error.to_string())?;
            let record = Record {
                key: score.key,
                scores,
            };
            sample.sources.push((score.source.into_owned(), record));
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Writes records that later runs begin with, in the order of the split.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_records<S: Serialize>(
    path: &Path,
    command: &str,
    samples: &[JournalledSample<S>],
) -> Result<(), FileError> {
    let failed = |source| FileError::new("write", path, source);
    let mut output = Output::create(path)?;
    let mut write = |text: &str| std::io::Write::write_all(&mut output, text.as_bytes());
    write(&line::text(&Line::Records(RecordsLine {
        version: VERSION,
        command: command.to_owned(),
    })))
    .map_err(failed)?;
    for sample in samples {
        let sources: Vec<(&str, SettingsKey, &[Option<S>])> = sample
            .sources
            .iter()
            .map(|(source, record)| (source.as_str(), record.key, record.scores.as_slice()))
            .collect();
        let text = sample_lines(
            sample.number,
            &sample.name,
            &sample.dataset,
            &sample.label,
            &sources,
        );
        write(&text).map_err(failed)?;
    }
    output.finish()
}
