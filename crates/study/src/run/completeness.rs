//! How complete the maps of a data module are: ROAD of every sample.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use mednet_base::error::chain;
use mednet_base::file::FileError;
use mednet_base::panic::guard;
use mednet_data::{DataModule, Loaded, SampleLoader, SampleRecord, Target};
use mednet_network::device::Device;
use mednet_saliency::metric::road::{Probability, Road};
use mednet_saliency::{Needs, Settings, TargetClass};
use rayon::ThreadPool;
use rayon::prelude::*;
use serde::Serialize;
use thiserror::Error;

use super::explain;
use super::pipeline::{in_order, read_ahead};
use super::road_record::{ClassScores, road_settings};
use super::{ImagesMissing, RunFacts};
use crate::diagnostic::{Diagnostic, Tally};
use crate::ending::Ended;
use crate::event::{Event, FailureKind, Fault, Observer, SampleFailure};
use crate::maps::{MapSource, ScoredMaps};
use crate::plan::{Plan, PlannedSample, Selection, SelectionError};
use crate::provenance::{MapSettings, NUMERICS, NetworkSettings, SettingsKey};
use crate::scores::{
    JournalledSample, Label, Record, ScoreStore, ScoredDataSet, ScoredSample, failure_line,
    sample_lines, write_records,
};
use crate::store::{EndLine, Journal, Storage, StoreError, hash_of};

/// Name of the command in journals.
pub const COMMAND: &str = "completeness";
/// A logit whose sigmoid is 1 or 0 to eight digits.
const SATURATED: f32 = 20.0;

/// What to score.
pub struct Completeness<'a, D: Device> {
    /// The network, the layer, the mode and the seed.
    pub settings: &'a Settings<'a, D>,
    /// What the network's part in the values of a score is.
    pub network: NetworkSettings,
    /// Scores maps.
    pub road: &'a Road<'a, D>,
    /// Where maps come from: scores of one image for each.
    pub sources: Vec<MapSource>,
    /// Which logits are explained.
    pub target_class: TargetClass,
    /// Leaves out samples of class 0; for networks with one output.
    pub positive_only: bool,
    /// Which samples take part.
    pub selection: Selection,
    /// Read all samples before the first is scored.
    pub cache_samples: bool,
    /// Threads that read samples.
    pub readers: usize,
    /// Stops at the first sample that fails.
    pub fail_fast: bool,
    /// Scores maps of other weights too.
    pub allow_other_weights: bool,
    /// Folder of the results; journals go below it.
    pub output: PathBuf,
    /// What earlier runs that came to their end have scored; also written there.
    pub records: PathBuf,
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct CompletenessSummary {
    /// How it ended.
    pub ended: Ended,
    /// Samples that were scored, now or earlier.
    pub samples: usize,
    /// Those of them that an earlier run had scored.
    pub samples_kept: usize,
    /// Samples that were left out because they are negative.
    pub negative_samples_left_out: usize,
    /// Data sets that were left out.
    pub skipped_datasets: Vec<String>,
    /// What a reader of the scores should know, by code.
    pub diagnostics: Tally,
    /// Maps of other weights for each source that has any.
    pub other_weights: Vec<(String, usize)>,
    /// Samples that could not be scored.
    pub failures: Vec<SampleFailure>,
    /// What ended the run, where the output was lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<String>,
}

/// The scores of all samples, for each source of maps.
pub type SourceScores = Vec<Vec<ScoredDataSet<ClassScores>>>;

/// A run that came to its end: its scores, and what it leaves behind.
pub struct Scored {
    /// What came of it.
    pub summary: CompletenessSummary,
    /// The rows for each source, where every sample was tried and this is no part of a run.
    pub scores: Option<SourceScores>,
    /// What is kept for later runs.
    samples: Vec<JournalledSample<ClassScores>>,
    store: ScoreStore<ClassScores>,
    journal: Option<PathBuf>,
    records: PathBuf,
}

impl Scored {
    /// Keeps the records of this run for later ones, and removes its journals: to be called when
    /// the results are written.
    ///
    /// # Errors
    /// Where a file cannot be written or removed.
    pub fn keep_records(&self) -> Result<(), FileError> {
        write_records(&self.records, COMMAND, &self.store.with(&self.samples))?;
        self.store.remove_journals(self.journal.as_deref())
    }
}

/// A run that cannot begin.
#[derive(Debug, Error)]
pub enum CompletenessError {
    /// No data set takes part.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// A class that the network does not have.
    #[error("the network has {outputs} output(s), there is no class {class} (the first is 0)")]
    UnknownClass {
        /// What was asked for.
        class: usize,
        /// What there is.
        outputs: usize,
    },
    /// Maps that were made with other weights.
    #[error(
        "{} with other weights than those given ({}): their scores would say how well they explain \
         another network; give the weights that made them, or score them all the same with \
         --allow-other-weights",
        of_other_weights(sources),
        by_source(sources)
    )]
    OtherWeights {
        /// For each source that has any, how many.
        sources: Vec<(String, usize)>,
    },
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

fn of_other_weights(sources: &[(String, usize)]) -> String {
    let maps: usize = sources.iter().map(|(_, count)| count).sum();
    mednet_base::text::plural(maps, "map was made", "maps were made")
}

fn by_source(sources: &[(String, usize)]) -> String {
    let named = sources
        .iter()
        .map(|(name, count)| format!("{name} {count}"));
    named.collect::<Vec<_>>().join(", ")
}

/// What the scores of one source depend on besides sample and map.
#[derive(Serialize)]
struct ScoreSettings {
    numerics: u32,
    network: NetworkSettings,
    road: serde_json::Value,
    target: String,
    source: SourceSettings,
}

#[derive(Serialize)]
enum SourceSettings {
    Method(Box<MapSettings>),
    Control(String, u64),
    Folder,
}

impl<D: Device> Completeness<'_, D> {
    /// Scores the samples of `module`.
    ///
    /// # Errors
    /// Where the run cannot begin; what goes wrong later is in the summary, and nothing that was
    /// computed is lost.
    pub fn run(
        &self,
        module: &DataModule,
        loader: &SampleLoader,
        pool: &ThreadPool,
        facts: &RunFacts,
        observer: &dyn Observer,
    ) -> Result<Scored, CompletenessError> {
        let started = Instant::now();
        self.check_class()?;
        let plan = self.selection.plan(module)?;
        let other_weights = self.other_weights(&plan);
        if !other_weights.is_empty() && !self.allow_other_weights {
            return Err(CompletenessError::OtherWeights {
                sources: other_weights,
            });
        }
        let store = ScoreStore::read(&self.output, COMMAND, None, Some(&self.records))?;
        let keys: Vec<SettingsKey> = self.sources.iter().map(|of| self.key(of)).collect();
        let kept = pool.install(|| self.kept(&store, &plan, &keys, loader));
        let is_open = |sample: &PlannedSample<'_>| {
            !self.is_left_out(sample.record) && !kept.contains_key(&sample.number)
        };
        let all = || plan.datasets.iter().flat_map(|dataset| &dataset.samples);
        super::refuse_if_all_images_are_missing(
            loader,
            all()
                .filter(|sample| is_open(sample))
                .map(|sample| sample.record),
        )?;
        let mut run = Progress {
            observer,
            summary: CompletenessSummary {
                ended: Ended::Complete,
                samples: 0,
                samples_kept: 0,
                negative_samples_left_out: 0,
                skipped_datasets: plan.skipped_datasets.clone(),
                diagnostics: Tally::default(),
                other_weights: other_weights.clone(),
                failures: Vec::new(),
                lost: None,
            },
            journal: None,
            samples: Vec::new(),
            names: self
                .sources
                .iter()
                .map(|source| source.name().unwrap_or("").to_owned())
                .collect(),
        };
        if !other_weights.is_empty() {
            run.tell(
                "",
                &Diagnostic::OtherWeights {
                    sources: other_weights,
                },
            );
        }
        // Where all is there, the results are written again from what is kept.
        let mut ended = None;
        if self.selection.shard.is_some() || all().any(is_open) {
            std::fs::create_dir_all(&self.output)
                .map_err(|error| FileError::new("create", &self.output, error))?;
            let header = facts
                .header(
                    COMMAND,
                    self.question(&keys, self.selection.digest(module)?),
                    self.selection.shard,
                )
                .about(plan.samples(), plan.samples() * self.sources.len());
            run.journal = Some(Journal::create(
                &self.output,
                self.selection.shard,
                &header,
            )?);
        }
        for dataset in &plan.datasets {
            observer.event(Event::DataSet {
                name: dataset.name,
                samples: dataset.samples.len() + dataset.rejected.len(),
            });
            for failure in &dataset.rejected {
                run.fail(failure.clone());
                observer.event(Event::Sample {
                    name: &failure.sample,
                });
            }
            ended = self.dataset(
                dataset.name,
                &dataset.samples,
                loader,
                pool,
                &kept,
                &keys,
                &mut run,
            );
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
        if let Some(journal) = &mut journal {
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
        }
        let whole = summary.ended.is_whole() && self.selection.shard.is_none();
        Ok(Scored {
            scores: whole.then(|| rows(&plan, &samples, self.sources.len())),
            summary,
            samples,
            store,
            journal: journal.map(|journal| journal.path().to_owned()),
            records: self.records.clone(),
        })
    }

    fn outputs(&self) -> usize {
        self.settings.engine.graph().output_count()
    }

    fn check_class(&self) -> Result<(), CompletenessError> {
        match self.target_class {
            TargetClass::Index(class) if class >= self.outputs() => {
                Err(CompletenessError::UnknownClass {
                    class,
                    outputs: self.outputs(),
                })
            }
            _ => Ok(()),
        }
    }

    fn is_left_out(&self, record: &SampleRecord) -> bool {
        self.positive_only && self.outputs() == 1 && record.target == Target::Single(0)
    }

    /// How many maps of each source the manifests say were made with other weights.
    fn other_weights(&self, plan: &Plan<'_>) -> Vec<(String, usize)> {
        let samples = || plan.datasets.iter().flat_map(|dataset| &dataset.samples);
        let mut counts = Vec::new();
        for source in &self.sources {
            let MapSource::Scored(ScoredMaps::Folder(folder)) = source else {
                continue;
            };
            let classes = match self.target_class {
                TargetClass::All => 0..self.outputs(),
                TargetClass::Highest => 0..1,
                TargetClass::Index(class) => class..class + 1,
            };
            let mut count = 0;
            for sample in samples().filter(|sample| !self.is_left_out(sample.record)) {
                for class in classes.clone() {
                    let name = &sample.record.name;
                    let map = folder.of_class(name, self.target_class, class, self.outputs());
                    let known = map
                        .ok()
                        .and_then(|map| map.known.map(|known| known.settings));
                    let differs = |of: &MapSettings| of.network.weights != self.network.weights;
                    count += usize::from(known.is_some_and(differs));
                }
            }
            if count > 0 {
                counts.push((source.name().unwrap_or("the maps").to_owned(), count));
            }
        }
        counts
    }

    /// What stands for all that the scores of a source depend on besides sample and map.
    fn key(&self, source: &MapSource) -> SettingsKey {
        let settings = self.settings;
        let layer = settings.engine.graph().node(settings.layer);
        SettingsKey::of(&ScoreSettings {
            numerics: NUMERICS,
            network: self.network.clone(),
            road: road_settings(self.road.settings()),
            target: self.target_class.to_string(),
            source: match source {
                MapSource::Method(method) => SourceSettings::Method(Box::new(MapSettings {
                    numerics: NUMERICS,
                    network: self.network.clone(),
                    method: method.names()[0].to_owned(),
                    layer: method.uses_layer().then(|| layer.name.clone()),
                    target: None,
                    seed: method.uses_seed().then_some(settings.seed),
                    mode: settings.mode.to_string(),
                    store: Storage::Image,
                })),
                MapSource::Scored(ScoredMaps::Control(control)) => {
                    let seed = if control.uses_seed() {
                        settings.seed
                    } else {
                        0
                    };
                    SourceSettings::Control(control.name().to_owned(), seed)
                }
                MapSource::Scored(ScoredMaps::Folder(_)) => SourceSettings::Folder,
            },
        })
    }

    /// What all parts of this run have in common.
    fn question(&self, keys: &[SettingsKey], samples: SettingsKey) -> SettingsKey {
        let name = self
            .records
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        let folders: Vec<String> = self.sources.iter().map(MapSource::folder_name).collect();
        SettingsKey::of(&(keys, samples, name, folders, self.positive_only))
    }

    /// The key of a sample's scores: settings, image and, where maps are read, map.
    fn record_key(
        &self,
        source: &MapSource,
        settings: SettingsKey,
        name: &str,
        image: &[u8; 32],
    ) -> Option<SettingsKey> {
        let mut maps = Vec::new();
        if let MapSource::Scored(ScoredMaps::Folder(folder)) = source {
            let classes = match self.target_class {
                TargetClass::All => 0..self.outputs(),
                // The folder of the highest does not depend on which class that is.
                TargetClass::Highest => 0..1,
                TargetClass::Index(class) => class..class + 1,
            };
            for class in classes {
                let map = folder.of_class(name, self.target_class, class, self.outputs());
                maps.push(hash_of(&map.ok()?.path));
            }
        }
        Some(SettingsKey::of(&(settings, name, image, maps)))
    }

    /// Scores of earlier runs that still hold, by the number of their sample: all sources or none.
    fn kept(
        &self,
        store: &ScoreStore<ClassScores>,
        plan: &Plan<'_>,
        keys: &[SettingsKey],
        loader: &SampleLoader,
    ) -> HashMap<u32, Vec<Record<ClassScores>>> {
        let records = store.records();
        if records.is_empty() {
            return HashMap::new();
        }
        let samples: Vec<(&str, &PlannedSample<'_>)> = plan
            .datasets
            .iter()
            .flat_map(|dataset| dataset.samples.iter().map(|sample| (dataset.name, sample)))
            .collect();
        let kept = |(dataset, sample): &(&str, &PlannedSample<'_>)| {
            if self.is_left_out(sample.record) {
                return None;
            }
            let name = sample.record.name.as_str();
            let mut found = Vec::with_capacity(self.sources.len());
            let mut image = None;
            for (source, settings) in self.sources.iter().zip(keys) {
                let record = *records.get(&(*dataset, name, source.name().unwrap_or("")))?;
                // Of a sample that failed, nothing is kept.
                if record.scores.iter().any(Option::is_none) {
                    return None;
                }
                if image.is_none() {
                    image = Some(loader.file_facts(sample.record).ok()?.sha256);
                }
                let key = self.record_key(source, *settings, name, &image?)?;
                (record.key == key).then(|| found.push(record.clone()))?;
            }
            Some((sample.number, found))
        };
        samples.par_iter().filter_map(kept).collect()
    }

    /// Scores one data set; how the run ends, if it does here.
    #[expect(clippy::too_many_arguments, reason = "all that a data set needs")]
    fn dataset(
        &self,
        dataset: &str,
        samples: &[PlannedSample<'_>],
        loader: &SampleLoader,
        pool: &ThreadPool,
        kept: &HashMap<u32, Vec<Record<ClassScores>>>,
        keys: &[SettingsKey],
        run: &mut Progress<'_>,
    ) -> Option<Ended> {
        let is_open = |sample: &PlannedSample<'_>| {
            !self.is_left_out(sample.record) && !kept.contains_key(&sample.number)
        };
        let open: Vec<&SampleRecord> = samples
            .iter()
            .filter(|sample| is_open(sample))
            .map(|sample| sample.record)
            .collect();
        let mut ended = None;
        std::thread::scope(|scope| {
            let mut loaded = read_ahead(scope, loader, &open, self.readers, self.cache_samples);
            // What is left out, or is kept, is not even read.
            let mut read = || loaded.next();
            let items = samples.iter().map_while(|sample| match is_open(sample) {
                false => Some((sample, None)),
                true => read().map(|loaded| (sample, Some(loaded))),
            });
            let work = |(sample, loaded): (_, Option<_>)| {
                let sample: &PlannedSample<'_> = sample;
                (
                    sample,
                    loaded.map(|loaded| self.sample(sample.record, loaded, keys)),
                )
            };
            let at_once = explain::at_once(pool, self.settings, self.needs());
            in_order(pool, items, at_once, work, |(sample, scored)| {
                let name = &sample.record.name;
                let failed = match scored {
                    Some(scored) => run.add(dataset, sample, scored),
                    None => {
                        run.keep(dataset, sample, kept.get(&sample.number));
                        false
                    }
                };
                run.observer.event(Event::Sample { name });
                if run.summary.lost.is_some() {
                    ended = Some(Ended::OutputLost);
                } else if failed && self.fail_fast {
                    ended.get_or_insert(Ended::FailFast);
                } else if run.observer.interrupted() {
                    ended.get_or_insert(Ended::Interrupted);
                }
                match ended {
                    Some(_) => ControlFlow::Break(()),
                    None => ControlFlow::Continue(()),
                }
            });
        });
        ended
    }

    /// The scores of one sample for each source and class.
    fn sample(
        &self,
        record: &SampleRecord,
        loaded: Result<Loaded, Fault>,
        keys: &[SettingsKey],
    ) -> ScoredSampleResult {
        let mut scored = ScoredSampleResult {
            diagnostics: Vec::new(),
            records: Vec::new(),
            faults: Vec::new(),
        };
        let mut scores = vec![Vec::new(); self.sources.len()];
        let image = loaded.as_ref().map_or([0; 32], |loaded| loaded.file.sha256);
        let add = || self.score(record, loaded, &mut scores, &mut scored);
        let added = guard(add).unwrap_or_else(|said| Err(Fault::panicked("scoring it", &said)));
        if let Err(fault) = added {
            scores.iter_mut().for_each(|scores| scores.push(None));
            scored.faults.push(fault);
        }
        let sources = self.sources.iter().zip(keys).zip(scores);
        scored.records = sources
            .map(|((source, settings), scores)| Record {
                key: self
                    .record_key(source, *settings, &record.name, &image)
                    .unwrap_or(*settings),
                scores,
            })
            .collect();
        scored
    }

    /// Adds the scores of one sample; what stands in the way of all of them.
    fn score(
        &self,
        record: &SampleRecord,
        loaded: Result<Loaded, Fault>,
        scores: &mut [Vec<Option<ClassScores>>],
        scored: &mut ScoredSampleResult,
    ) -> Result<(), Fault> {
        let loaded = loaded?;
        let notices = loaded.notices.iter().copied();
        scored.diagnostics.extend(notices.map(Diagnostic::from));
        let image = explain::image(loaded)?;
        let explained = explain::explain(self.settings, &record.name, &image, self.needs())?;
        for class in self.target_class.classes(explained.logits()) {
            let logit = explained.logits()[class];
            if logit.abs() > SATURATED && self.road.settings().probability == Probability::Sigmoid {
                scored
                    .diagnostics
                    .push(Diagnostic::SaturatedScore { logit });
            }
            let question = explained.explain(class);
            for (source, scores) in self.sources.iter().zip(scores.iter_mut()) {
                let [_, height, width] = image.image_shape();
                let map = || match source {
                    MapSource::Method(method) => method
                        .map(&question)
                        .map_err(|error| Fault::of(FailureKind::Computation, &error)),
                    MapSource::Scored(ScoredMaps::Control(control)) => {
                        Ok(control.map(height, width, self.settings.seed, &record.name))
                    }
                    MapSource::Scored(ScoredMaps::Folder(folder)) => folder
                        .of_class(&record.name, self.target_class, class, self.outputs())?
                        .read(),
                };
                let score = || {
                    let map = map()?;
                    let survey = map.survey();
                    let logits = explained.logits();
                    let road = self.road.score(&record.name, &image, logits, class, &map);
                    let road = road.map_err(|e| Fault::of(FailureKind::Computation, &e))?;
                    Ok((
                        survey,
                        ClassScores {
                            class,
                            empty: survey.is_empty(),
                            road,
                        },
                    ))
                };
                // One source that fails leaves the others their scores.
                match guard(score).unwrap_or_else(|said| Err(Fault::panicked("scoring it", &said)))
                {
                    Ok((survey, score)) => {
                        if survey.smallest < 0.0 {
                            let smallest = survey.smallest;
                            scored
                                .diagnostics
                                .push(Diagnostic::NegativeMap { smallest });
                        }
                        scores.push(Some(score));
                    }
                    Err(Fault { kind, reason }) => {
                        let of = source.name().map_or_else(String::new, |n| format!("{n}: "));
                        scored
                            .faults
                            .push(Fault::new(kind, format!("{of}{reason}")));
                        scores.push(None);
                    }
                }
            }
        }
        Ok(())
    }

    fn needs(&self) -> Needs {
        self.sources
            .iter()
            .fold(Needs::default(), |needs, source| match source {
                MapSource::Method(method) => needs.and(method.needs()),
                MapSource::Scored(_) => needs,
            })
    }
}

/// What came of one sample.
struct ScoredSampleResult {
    diagnostics: Vec<Diagnostic>,
    /// One for each source.
    records: Vec<Record<ClassScores>>,
    faults: Vec<Fault>,
}

/// A run that is under way.
struct Progress<'o> {
    observer: &'o dyn Observer,
    summary: CompletenessSummary,
    journal: Option<Journal>,
    samples: Vec<JournalledSample<ClassScores>>,
    /// Names of the sources.
    names: Vec<String>,
}

impl Progress<'_> {
    fn tell(&mut self, sample: &str, diagnostic: &Diagnostic) {
        self.observer
            .event(Event::Diagnostic { sample, diagnostic });
        self.summary.diagnostics.add(sample, diagnostic);
    }

    fn fail(&mut self, failure: SampleFailure) {
        self.append(&failure_line(&failure));
        self.observer.event(Event::Failure(&failure));
        self.summary.failures.push(failure);
    }

    fn append(&mut self, lines: &str) {
        if let Some(journal) = &mut self.journal
            && let Err(error) = journal.append(lines)
        {
            self.summary.lost.get_or_insert(chain(&error));
        }
    }

    /// Adds what came of a sample; whether something went wrong.
    fn add(
        &mut self,
        dataset: &str,
        sample: &PlannedSample<'_>,
        scored: ScoredSampleResult,
    ) -> bool {
        let name = &sample.record.name;
        for diagnostic in &scored.diagnostics {
            self.tell(name, diagnostic);
        }
        let failed = !scored.faults.is_empty();
        self.summary.samples += usize::from(!failed);
        self.push(dataset, sample, scored.records);
        for fault in scored.faults {
            self.fail(fault.at(dataset, name));
        }
        failed
    }

    /// Adds a sample that is left out, or whose scores are kept.
    fn keep(
        &mut self,
        dataset: &str,
        sample: &PlannedSample<'_>,
        kept: Option<&Vec<Record<ClassScores>>>,
    ) {
        match kept {
            Some(records) => {
                self.summary.samples += 1;
                self.summary.samples_kept += 1;
                self.push(dataset, sample, records.clone());
            }
            None => {
                self.summary.negative_samples_left_out += 1;
                self.push(dataset, sample, Vec::new());
            }
        }
    }

    fn push(
        &mut self,
        dataset: &str,
        sample: &PlannedSample<'_>,
        records: Vec<Record<ClassScores>>,
    ) {
        let journalled = JournalledSample {
            number: sample.number,
            name: sample.record.name.clone(),
            dataset: dataset.to_owned(),
            label: Label::from(&sample.record.target),
            sources: self.names.iter().cloned().zip(records).collect(),
        };
        let lines = journalled.lines();
        self.append(&lines);
        self.samples.push(journalled);
    }
}

impl JournalledSample<ClassScores> {
    fn lines(&self) -> String {
        let sources: Vec<(&str, SettingsKey, &[Option<ClassScores>])> = self
            .sources
            .iter()
            .map(|(source, record)| (source.as_str(), record.key, record.scores.as_slice()))
            .collect();
        sample_lines(
            self.number,
            &self.name,
            &self.dataset,
            &self.label,
            &sources,
        )
    }
}

/// The rows of each source: a sample has several where all classes are scored.
fn rows(
    plan: &Plan<'_>,
    samples: &[JournalledSample<ClassScores>],
    sources: usize,
) -> SourceScores {
    let names: Vec<String> = plan
        .datasets
        .iter()
        .map(|dataset| dataset.name.to_owned())
        .collect();
    rows_of(&names, samples, sources)
}

/// The rows of each source, of the samples of journals.
pub(crate) fn rows_of<S: Clone>(
    datasets: &[String],
    samples: &[JournalledSample<S>],
    sources: usize,
) -> Vec<Vec<ScoredDataSet<S>>> {
    let empty = |name: &String| ScoredDataSet {
        name: name.clone(),
        samples: Vec::new(),
    };
    let mut rows: Vec<Vec<ScoredDataSet<S>>> = (0..sources)
        .map(|_| datasets.iter().map(empty).collect())
        .collect();
    for sample in samples {
        let Some(position) = datasets.iter().position(|name| *name == sample.dataset) else {
            continue;
        };
        for (source, rows) in rows.iter_mut().enumerate() {
            let row = |scores| ScoredSample {
                name: sample.name.clone(),
                label: sample.label.clone(),
                scores,
            };
            let rows = &mut rows[position].samples;
            match sample.sources.get(source) {
                Some((_, record)) => rows.extend(record.scores.iter().cloned().map(row)),
                None => rows.push(row(None)),
            }
        }
    }
    rows
}

/// The file of records beside a file of scores.
#[must_use]
pub fn records_path(scores: &Path) -> PathBuf {
    let name = scores.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.strip_suffix(".json").unwrap_or(&name);
    scores.with_file_name(format!("{stem}.records.jsonl"))
}
