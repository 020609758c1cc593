//! How well the maps of a data module agree with its boxes.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::{Instant, UNIX_EPOCH};

use mednet_base::error::chain;
use mednet_base::file::FileError;
use mednet_base::panic::guard;
use mednet_data::read::Borders;
use mednet_data::{
    BoundingBox, BoxFaults, DataModule, ImageSize, SampleLoader, SampleRecord, Transform,
    TransformPipeline,
};
use mednet_saliency::Map;
use mednet_saliency::metric::{BoxMask, LOCALIZATION_METRICS, check_survey};
use rayon::ThreadPool;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::completeness::rows_of;
use super::pipeline::kind_of;
use super::{ImagesMissing, RunFacts};
use crate::diagnostic::{Diagnostic, Tally};
use crate::ending::Ended;
use crate::event::{Event, FailureKind, Fault, Observer, SampleFailure};
use crate::maps::ScoredMaps;
use crate::plan::{PlannedDataSet, PlannedSample, Selection, SelectionError};
use crate::provenance::{NUMERICS, SettingsKey};
use crate::scores::{
    JournalledSample, Label, Record, ScoreStore, ScoredDataSet, failure_line, sample_lines,
};
use crate::store::{EndLine, Journal, StoreError};

/// Name of the command in journals.
pub const COMMAND: &str = "interpretability";
/// Samples between two looks at whether the run should end.
const AT_ONCE: usize = 64;

/// What to score. Images are not decoded, except where black borders have to be found.
pub struct Interpretability<'a> {
    /// Knows where images are and, by its transforms, how boxes move; no transforms where there is
    /// no model.
    pub loader: &'a SampleLoader,
    /// Where maps come from.
    pub sources: Vec<ScoredMaps>,
    /// Samples with this label are scored.
    pub target_label: i64,
    /// Which samples take part.
    pub selection: Selection,
    /// Seed of the random control.
    pub seed: u64,
    /// Folder of the results; journals go below it.
    pub output: PathBuf,
}

/// The scores of one map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoxScores {
    /// In the order of [`LOCALIZATION_METRICS`].
    #[serde(with = "numbers")]
    pub scores: Vec<f64>,
    /// Whether the map is zero everywhere: its scores are 0.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub empty: bool,
    /// Whether the boxes were moved by a guess, for want of a model.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub guessed: bool,
}

/// Numbers, with nothing for NaN, which JSON does not have.
mod numbers {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        numbers: &[f64],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(numbers.iter().map(|n| n.is_finite().then_some(*n)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<f64>, D::Error> {
        let numbers = Vec::<Option<f64>>::deserialize(deserializer)?;
        Ok(numbers.into_iter().map(|n| n.unwrap_or(f64::NAN)).collect())
    }
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct InterpretabilitySummary {
    /// How it ended.
    pub ended: Ended,
    /// Samples that were scored, now or earlier.
    pub samples: usize,
    /// Samples of the label without boxes.
    pub without_boxes: usize,
    /// Samples whose boxes were padded and resized as the map's shape says, for want of a model.
    pub boxes_moved_without_a_model: usize,
    /// Data sets that were left out.
    pub skipped_datasets: Vec<String>,
    /// Maps that are zero everywhere, for each source that has any.
    pub empty_maps: BTreeMap<String, usize>,
    /// What a reader of the scores should know, by code.
    pub diagnostics: Tally,
    /// Samples that could not be scored.
    pub failures: Vec<SampleFailure>,
    /// What ended the run, where the output was lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<String>,
}

/// A run that came to its end: its scores, and the journals that it leaves behind.
pub struct Scored {
    /// What came of it.
    pub summary: InterpretabilitySummary,
    /// The rows for each source, where every sample was tried and this is no part of a run.
    pub scores: Option<Vec<Vec<ScoredDataSet<BoxScores>>>>,
    store: ScoreStore<BoxScores>,
    journal: PathBuf,
}

impl Scored {
    /// Removes the journals of this run: to be called when the results are written.
    ///
    /// # Errors
    /// Where one cannot be removed.
    pub fn remove_journals(&self) -> Result<(), FileError> {
        self.store.remove_journals(Some(&self.journal))
    }
}

/// A run that cannot begin.
#[derive(Debug, Error)]
pub enum InterpretabilityError {
    /// No data set takes part.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// None of the images is there.
    #[error(transparent)]
    ImagesMissing(#[from] ImagesMissing),
    /// Journals cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The output folder cannot be written to.
    #[error(transparent)]
    File(#[from] FileError),
}

/// What came of one sample.
enum Outcome {
    OtherLabel,
    NoBoxes,
    /// For each source.
    Scored {
        records: Vec<Record<BoxScores>>,
        diagnostics: Vec<Diagnostic>,
        faults: Vec<Fault>,
    },
}

type Kept<'s> = HashMap<(&'s str, &'s str, &'s str), &'s Record<BoxScores>>;

impl Interpretability<'_> {
    /// Scores the samples of `module`.
    ///
    /// # Errors
    /// Where the run cannot begin; what goes wrong later is in the summary.
    pub fn run(
        &self,
        module: &DataModule,
        pool: &ThreadPool,
        facts: &RunFacts,
        observer: &dyn Observer,
    ) -> Result<Scored, InterpretabilityError> {
        let started = Instant::now();
        let plan = self.selection.plan(module)?;
        let wanted =
            |sample: &&PlannedSample<'_>| sample.record.target.has_label(self.target_label);
        let samples = plan.datasets.iter().flat_map(|dataset| &dataset.samples);
        super::refuse_if_all_images_are_missing(
            self.loader,
            samples.filter(wanted).map(|sample| sample.record),
        )?;
        let store = ScoreStore::<BoxScores>::read(&self.output, COMMAND, None, None)?;
        std::fs::create_dir_all(&self.output)
            .map_err(|error| FileError::new("create", &self.output, error))?;
        let header = facts
            .header(
                COMMAND,
                self.question(self.selection.digest(module)?),
                self.selection.shard,
            )
            .about(plan.samples(), plan.samples() * self.sources.len());
        let journal = Journal::create(&self.output, self.selection.shard, &header)?;
        let mut run = Progress {
            sources: self
                .sources
                .iter()
                .map(|maps| maps.name().unwrap_or("").to_owned())
                .collect(),
            observer,
            journal,
            samples: Vec::with_capacity(plan.samples()),
            summary: InterpretabilitySummary {
                ended: Ended::Complete,
                samples: 0,
                without_boxes: 0,
                boxes_moved_without_a_model: 0,
                skipped_datasets: plan.skipped_datasets,
                empty_maps: BTreeMap::new(),
                diagnostics: Tally::default(),
                failures: Vec::new(),
                lost: None,
            },
        };
        let kept = store.records();
        let mut ended = None;
        for dataset in &plan.datasets {
            ended = self.dataset(dataset, pool, &kept, &mut run);
            if ended.is_some() {
                break;
            }
        }
        let Progress {
            mut summary,
            mut journal,
            samples,
            ..
        } = run;
        summary.ended = match (ended, summary.failures.is_empty()) {
            (Some(ended), _) => ended,
            (None, true) => Ended::Complete,
            (None, false) => Ended::SomeFailed,
        };
        let results = serde_json::to_value(&summary).unwrap_or_default();
        let seconds = started.elapsed().as_secs_f64();
        let end = EndLine {
            ended: summary.ended,
            seconds,
            results,
        };
        if let Err(error) = journal.end(end) {
            summary.lost.get_or_insert(chain(&error));
            summary.ended = Ended::OutputLost;
        }
        drop(kept);
        let whole = summary.ended.is_whole() && self.selection.shard.is_none();
        let names: Vec<String> = plan
            .datasets
            .iter()
            .map(|dataset| dataset.name.to_owned())
            .collect();
        Ok(Scored {
            scores: whole.then(|| rows_of(&names, &samples, self.sources.len())),
            summary,
            store,
            journal: journal.path().to_owned(),
        })
    }

    /// What all parts of this run have in common.
    fn question(&self, samples: SettingsKey) -> SettingsKey {
        let sources: Vec<(Option<&str>, String)> = self
            .sources
            .iter()
            .map(|maps| (maps.name(), maps.folder_name()))
            .collect();
        SettingsKey::of(&(
            NUMERICS,
            sources,
            samples,
            self.loader.transforms().to_string(),
            (self.target_label, self.seed),
        ))
    }

    fn dataset(
        &self,
        dataset: &PlannedDataSet<'_>,
        pool: &ThreadPool,
        kept: &Kept<'_>,
        run: &mut Progress<'_>,
    ) -> Option<Ended> {
        run.observer.event(Event::DataSet {
            name: dataset.name,
            samples: dataset.samples.len() + dataset.rejected.len(),
        });
        for failure in &dataset.rejected {
            let lines = failure_line(failure);
            run.fail(failure.clone());
            run.append(&lines);
            run.observer.event(Event::Sample {
                name: &failure.sample,
            });
        }
        for samples in dataset.samples.chunks(AT_ONCE) {
            let score = |sample: &PlannedSample<'_>| {
                let scored = guard(|| self.score(dataset.name, sample.record, kept));
                scored.unwrap_or_else(|said| Err(Fault::panicked("scoring it", &said)))
            };
            let outcomes: Vec<_> = pool.install(|| samples.par_iter().map(score).collect());
            let mut lines = String::new();
            for (sample, outcome) in samples.iter().zip(outcomes) {
                run.count(dataset.name, sample, outcome, &mut lines);
                run.observer.event(Event::Sample {
                    name: &sample.record.name,
                });
            }
            run.append(&lines);
            if run.summary.lost.is_some() {
                return Some(Ended::OutputLost);
            }
            if run.observer.interrupted() {
                return Some(Ended::Interrupted);
            }
        }
        None
    }

    fn score(
        &self,
        dataset: &str,
        record: &SampleRecord,
        kept: &Kept<'_>,
    ) -> Result<Outcome, Fault> {
        if !record.target.has_label(self.target_label) {
            return Ok(Outcome::OtherLabel);
        }
        let Some(boxes) = record.boxes.as_deref().filter(|boxes| !boxes.is_empty()) else {
            return Ok(Outcome::NoBoxes);
        };
        let (raw, boxes) = self
            .raw_boxes(record, boxes)
            .map_err(|error| Fault::of(kind_of(&error), &error))?;
        let transforms = self.loader.transforms();
        let mut diagnostics = box_diagnostics(&boxes, raw, transforms);
        let (mut records, mut faults) = (Vec::new(), Vec::new());
        for maps in &self.sources {
            let source = maps.name().unwrap_or("");
            match self.score_source(dataset, record, &boxes, raw, maps, kept, &mut diagnostics) {
                Ok(record) => records.push(record),
                Err(Fault { kind, reason }) => {
                    let of = match self.sources.len() {
                        1 => String::new(),
                        _ => format!("{source}: "),
                    };
                    faults.push(Fault::new(kind, format!("{of}{reason}")));
                    records.push(Record {
                        key: SettingsKey::of(&()),
                        scores: vec![None],
                    });
                }
            }
        }
        Ok(Outcome::Scored {
            records,
            diagnostics,
            faults,
        })
    }

    #[expect(clippy::too_many_arguments, reason = "all that a score depends on")]
    fn score_source(
        &self,
        dataset: &str,
        record: &SampleRecord,
        boxes: &[BoundingBox],
        raw: ImageSize,
        maps: &ScoredMaps,
        kept: &Kept<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Result<Record<BoxScores>, Fault> {
        let transforms = self.loader.transforms();
        let class = usize::try_from(self.target_label).ok();
        let file = match maps {
            ScoredMaps::Control(_) => None,
            ScoredMaps::Folder(folder) => Some(folder.any(&record.name, class)?),
        };
        let corners: Vec<[i64; 4]> = boxes.iter().map(|b| [b.x1, b.y1, b.x2, b.y2]).collect();
        let key = SettingsKey::of(&(
            NUMERICS,
            (transforms.to_string(), self.target_label, self.seed),
            (corners, raw.height, raw.width),
            file.as_ref().map(|file| stamp(&file.path)),
        ));
        let known = kept.get(&(dataset, record.name.as_str(), maps.name().unwrap_or("")));
        if let Some(known) = known
            && known.key == key
            && known.scores.iter().all(Option::is_some)
        {
            return Ok((*known).clone());
        }
        let map = match (maps, file) {
            (ScoredMaps::Control(control), _) => {
                let expected = transforms.geometry(raw).output;
                control.map(expected.height, expected.width, self.seed, &record.name)
            }
            (_, Some(file)) => file.read()?,
            (ScoredMaps::Folder(_), None) => {
                return Err(Fault::new(FailureKind::Map, "there is no map"));
            }
        };
        let (boxes, size, guessed) = self.move_boxes(boxes, raw, &map);
        let survey = map.survey();
        check_survey(&map, survey, size.height, size.width)
            .map_err(|error| Fault::of(FailureKind::Map, &error))?;
        if survey.smallest < 0.0 {
            diagnostics.push(Diagnostic::NegativeMap {
                smallest: survey.smallest,
            });
        }
        // Maps that are scaled by a maximum and a little more end below 1.
        if survey.largest > 1.0 + 1e-4 {
            diagnostics.push(Diagnostic::MapAboveOne {
                largest: survey.largest,
            });
        }
        if guessed {
            diagnostics.push(Diagnostic::BoxesMovedByGuess);
        }
        let mask = BoxMask::new(&boxes, size);
        // Adding zero turns -0 into 0, which is what a share of nothing is.
        let scores = LOCALIZATION_METRICS
            .iter()
            .map(|metric| metric.score(&map, &mask) + 0.0);
        Ok(Record {
            key,
            scores: vec![Some(BoxScores {
                scores: scores.collect(),
                empty: survey.is_empty(),
                guessed,
            })],
        })
    }

    /// The size of the image before the transforms, and the boxes on it.
    fn raw_boxes(
        &self,
        record: &SampleRecord,
        boxes: &[BoundingBox],
    ) -> Result<(ImageSize, Vec<BoundingBox>), mednet_data::Error> {
        match record.database.rule.borders {
            Borders::Keep => Ok((self.loader.raw_size(record)?, boxes.to_vec())),
            // Where rows or columns go, the boxes move with the image.
            Borders::Remove => {
                let loaded = self.loader.load_raw(record)?;
                Ok((loaded.raw_size, loaded.sample.boxes.unwrap_or_default()))
            }
        }
    }

    /// The boxes on the map, the size that the map must have, and whether that was guessed.
    fn move_boxes(
        &self,
        boxes: &[BoundingBox],
        raw: ImageSize,
        map: &Map,
    ) -> (Vec<BoundingBox>, ImageSize, bool) {
        let transforms = self.loader.transforms();
        let found = ImageSize::new(map.height, map.width);
        if transforms.transforms().is_empty() && found != raw && map.height == map.width {
            let guess = TransformPipeline::new(vec![
                Transform::SquareCenterPad,
                Transform::Resize { size: map.height },
            ]);
            return (guess.apply_to_boxes(boxes, raw), found, true);
        }
        let size = transforms.geometry(raw).output;
        (transforms.apply_to_boxes(boxes, raw), size, false)
    }
}

/// What is odd about the boxes of a picture.
fn box_diagnostics(
    boxes: &[BoundingBox],
    raw: ImageSize,
    transforms: &TransformPipeline,
) -> Vec<Diagnostic> {
    let BoxFaults {
        outside,
        clipped,
        vanished,
    } = transforms.box_faults(boxes, raw);
    let of = boxes.len();
    let mut diagnostics = Vec::new();
    if outside > 0 {
        diagnostics.push(Diagnostic::BoxesOutside { boxes: outside, of });
    }
    if clipped > 0 {
        diagnostics.push(Diagnostic::BoxesClipped { boxes: clipped, of });
    }
    if vanished > 0 {
        diagnostics.push(Diagnostic::BoxesVanished {
            boxes: vanished,
            of,
        });
    }
    diagnostics
}

/// Length and time of a file, which change when it is replaced. Reading it takes longer than
/// scoring it.
fn stamp(path: &Path) -> Option<(u64, u128)> {
    let about = std::fs::metadata(path).ok()?;
    let changed = super::changed(&about)?;
    let since = changed.duration_since(UNIX_EPOCH).ok()?;
    Some((about.len(), since.as_nanos()))
}

/// A run that is under way.
struct Progress<'o> {
    sources: Vec<String>,
    observer: &'o dyn Observer,
    journal: Journal,
    samples: Vec<JournalledSample<BoxScores>>,
    summary: InterpretabilitySummary,
}

impl Progress<'_> {
    fn append(&mut self, lines: &str) {
        if let Err(error) = self.journal.append(lines) {
            self.summary.lost.get_or_insert(chain(&error));
        }
    }

    fn fail(&mut self, failure: SampleFailure) {
        self.observer.event(Event::Failure(&failure));
        self.summary.failures.push(failure);
    }

    fn tell(&mut self, sample: &str, diagnostic: &Diagnostic) {
        self.observer
            .event(Event::Diagnostic { sample, diagnostic });
        self.summary.diagnostics.add(sample, diagnostic);
    }

    /// Counts what came of a sample.
    fn count(
        &mut self,
        dataset: &str,
        sample: &PlannedSample<'_>,
        outcome: Result<Outcome, Fault>,
        lines: &mut String,
    ) {
        let name = &sample.record.name;
        let (records, faults) = match outcome {
            Ok(Outcome::OtherLabel) => (Vec::new(), Vec::new()),
            Ok(Outcome::NoBoxes) => {
                self.tell(name, &Diagnostic::NoBoxes);
                self.summary.without_boxes += 1;
                (Vec::new(), Vec::new())
            }
            Ok(Outcome::Scored {
                records,
                diagnostics,
                faults,
            }) => {
                for diagnostic in &diagnostics {
                    self.tell(name, diagnostic);
                }
                self.summary.samples += usize::from(faults.is_empty());
                let mut guessed = false;
                for (source, record) in self.sources.iter().zip(&records) {
                    for scores in record.scores.iter().flatten() {
                        guessed |= scores.guessed;
                        if scores.empty {
                            *self.summary.empty_maps.entry(source.clone()).or_default() += 1;
                        }
                    }
                }
                self.summary.boxes_moved_without_a_model += usize::from(guessed);
                (records, faults)
            }
            Err(fault) => (Vec::new(), vec![fault]),
        };
        let sample = JournalledSample {
            number: sample.number,
            name: name.clone(),
            dataset: dataset.to_owned(),
            label: Label::from(&sample.record.target),
            sources: self.sources.iter().cloned().zip(records).collect(),
        };
        let sources: Vec<(&str, SettingsKey, &[Option<BoxScores>])> = sample
            .sources
            .iter()
            .map(|(source, record)| (source.as_str(), record.key, record.scores.as_slice()))
            .collect();
        let text = sample_lines(sample.number, name, dataset, &sample.label, &sources);
        lines.push_str(&text);
        self.samples.push(sample);
        for fault in faults {
            let failure = fault.at(dataset, name);
            lines.push_str(&failure_line(&failure));
            self.fail(failure);
        }
    }
}
