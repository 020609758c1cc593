//! How complete the maps of a data set are: ROAD of every sample.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use mednet_data::{DataModule, Loaded, SampleLoader, SampleRecord, Target};
use mednet_network::device::Device;
use thiserror::Error;

use super::explain;
use super::map_folder::MapSource;
use super::outcome::{Observer, SampleFailure};
use super::pipeline::{in_order, read_ahead};
use super::scored::{ScoredDataSet, ScoredSample};
use super::selection::{Selected, SelectionError, select};
use crate::explanation::{Needs, Settings};
use crate::metric::road::{Road, RoadScores};
use crate::target::TargetClass;
use mednet_base::error::chain;

/// What to score.
pub struct Completion<'a, D: Device> {
    /// The network, the layer, the mode and the seed.
    pub settings: &'a Settings<'a, D>,
    /// Scores maps.
    pub road: &'a Road<'a, D>,
    /// Where maps come from: scores of one image for each.
    pub sources: Vec<MapSource>,
    /// Which logits are explained.
    pub target_class: TargetClass,
    /// Leaves out samples of class 0; for networks with one output.
    pub positive_only: bool,
    /// Leaves out all data sets but this.
    pub only_dataset: Option<String>,
    /// At most that many samples of each data set.
    pub limit: Option<usize>,
    /// Read all samples before the first is scored.
    pub cache_samples: bool,
    /// Threads that read samples.
    pub readers: usize,
    /// Stops at the first sample that fails.
    pub fail_fast: bool,
}

/// The scores of one map, and the class it is for.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassScores {
    /// Number of the network's output.
    pub class: usize,
    /// Whether the map is zero everywhere.
    pub dead: bool,
    /// The scores.
    pub road: RoadScores,
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CompletionSummary {
    /// For each source its rows: a sample has several where all classes are scored.
    pub sources: Vec<Vec<ScoredDataSet<ClassScores>>>,
    /// Samples that were scored.
    pub samples: usize,
    /// Samples that could not be scored.
    pub failures: Vec<SampleFailure>,
    /// Samples about which something was noted, for each note.
    pub notices: BTreeMap<String, usize>,
    /// Data sets that were left out.
    pub skipped_datasets: Vec<String>,
    /// The run was stopped before its end.
    pub interrupted: bool,
}

/// A run that cannot begin.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CompletionError {
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
}

type Rows = Vec<ScoredSample<ClassScores>>;

impl<D: Device> Completion<'_, D> {
    /// Scores the samples of `module`.
    ///
    /// # Errors
    /// Where the run cannot begin; what goes wrong with a sample is in the summary, and nothing
    /// that was computed is lost.
    pub fn run(
        &self,
        module: &DataModule,
        loader: &SampleLoader,
        observer: &dyn Observer,
    ) -> Result<CompletionSummary, CompletionError> {
        if let TargetClass::Index(class) = self.target_class
            && class >= self.outputs()
        {
            return Err(CompletionError::UnknownClass {
                class,
                outputs: self.outputs(),
            });
        }
        let (datasets, skipped_datasets) =
            select(module, self.only_dataset.as_deref(), self.limit)?;
        let mut summary = CompletionSummary {
            sources: vec![Vec::new(); self.sources.len()],
            skipped_datasets,
            ..CompletionSummary::default()
        };
        for dataset in datasets {
            let rows = self.dataset(&dataset, loader, observer, &mut summary);
            for (source, samples) in summary.sources.iter_mut().zip(rows) {
                source.push(ScoredDataSet {
                    name: dataset.name.to_owned(),
                    samples,
                });
            }
            if summary.interrupted {
                break;
            }
        }
        Ok(summary)
    }

    fn outputs(&self) -> usize {
        self.settings.engine.graph().output_count()
    }

    fn is_left_out(&self, record: &SampleRecord) -> bool {
        self.positive_only && self.outputs() == 1 && record.target == Target::Single(0)
    }

    /// The rows of one data set, for each source.
    fn dataset(
        &self,
        dataset: &Selected<'_>,
        loader: &SampleLoader,
        observer: &dyn Observer,
        summary: &mut CompletionSummary,
    ) -> Vec<Rows> {
        observer.dataset(dataset.name, dataset.records.len());
        let mut rows: Vec<Rows> = vec![Vec::new(); self.sources.len()];
        // What is left out is not even read.
        let records = dataset.records.iter().copied();
        let open: Vec<&SampleRecord> = records.filter(|record| !self.is_left_out(record)).collect();
        std::thread::scope(|scope| {
            let mut samples = read_ahead(scope, loader, &open, self.readers, self.cache_samples);
            // What is left out has no sample.
            let mut read = || samples.next();
            let items =
                dataset
                    .records
                    .iter()
                    .map_while(|&record| match self.is_left_out(record) {
                        true => Some((record, None)),
                        false => read().map(|loaded| (record, Some(loaded))),
                    });
            let score =
                |record, loaded: Option<_>| loaded.map(|loaded| self.sample(record, loaded));
            let work = |(record, loaded)| (record, score(record, loaded));
            let at_once = explain::at_once(self.settings, self.needs());
            in_order(items, at_once, work, |(record, scored)| {
                let failed = match scored {
                    None => {
                        rows.iter_mut()
                            .for_each(|rows| rows.push(row(record, None)));
                        false
                    }
                    Some(scored) => summary.add(dataset.name, record, scored, observer, &mut rows),
                };
                observer.sample(&record.name);
                summary.interrupted |= observer.interrupted() || (failed && self.fail_fast);
                match summary.interrupted {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            });
        });
        rows
    }

    /// The scores of one sample for each source and class.
    fn sample(&self, record: &SampleRecord, loaded: Result<Loaded, mednet_data::Error>) -> Scored {
        let mut scored = Scored {
            notices: Vec::new(),
            scores: vec![Vec::new(); self.sources.len()],
            failures: Vec::new(),
        };
        if let Err(reason) = self.score(record, loaded, &mut scored) {
            scored.scores.iter_mut().for_each(|rows| rows.push(None));
            scored.failures.push(reason);
        }
        scored
    }

    /// Adds the scores of one sample; what stands in the way of all of them.
    fn score(
        &self,
        record: &SampleRecord,
        loaded: Result<Loaded, mednet_data::Error>,
        scored: &mut Scored,
    ) -> Result<(), String> {
        let loaded = loaded.map_err(|error| chain(&error))?;
        let notices = loaded.notices.iter();
        scored.notices.extend(notices.map(ToString::to_string));
        let image = explain::image(loaded)?;
        let explained = explain::explain(self.settings, &record.name, &image, self.needs())?;
        for class in self.target_class.classes(explained.logits()) {
            let question = explained.explain(class);
            for (source, rows) in self.sources.iter().zip(&mut scored.scores) {
                let [_, height, width] = image.image_shape();
                let map = match source {
                    MapSource::Method(method) => {
                        method.map(&question).map_err(|error| chain(&error))
                    }
                    MapSource::Control(control) => {
                        Ok(control.map(height, width, self.settings.seed, &record.name))
                    }
                    MapSource::Folder(folder) => {
                        let outputs = self.outputs();
                        folder.read_class(&record.name, self.target_class, class, outputs)
                    }
                };
                let scores = map.and_then(|map| {
                    let logits = explained.logits();
                    let road = self
                        .road
                        .score(&record.name, &image, logits, class, &map)
                        .map_err(|error| chain(&error))?;
                    let dead = map.is_dead();
                    Ok(ClassScores { class, dead, road })
                });
                match scores {
                    Ok(scores) => rows.push(Some(scores)),
                    Err(reason) => {
                        let of = source.name().map_or_else(String::new, |n| format!("{n}: "));
                        scored.failures.push(format!("{of}{reason}"));
                        rows.push(None);
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
                MapSource::Control(_) | MapSource::Folder(_) => needs,
            })
    }
}

/// What came of one sample.
struct Scored {
    notices: Vec<String>,
    /// For each source, one for each class; none where something went wrong.
    scores: Vec<Vec<Option<ClassScores>>>,
    failures: Vec<String>,
}

impl CompletionSummary {
    /// Adds what came of a sample to the rows of each source; whether something went wrong.
    fn add(
        &mut self,
        dataset: &str,
        record: &SampleRecord,
        scored: Scored,
        observer: &dyn Observer,
        rows: &mut [Rows],
    ) -> bool {
        for notice in scored.notices {
            observer.notice(&record.name, &notice);
            *self.notices.entry(notice).or_default() += 1;
        }
        for (rows, scores) in rows.iter_mut().zip(scored.scores) {
            rows.extend(scores.into_iter().map(|scores| row(record, scores)));
        }
        let failed = !scored.failures.is_empty();
        self.samples += usize::from(!failed);
        for reason in scored.failures {
            let failure = SampleFailure {
                dataset: dataset.to_owned(),
                sample: record.name.clone(),
                reason,
            };
            observer.failure(&failure);
            self.failures.push(failure);
        }
        failed
    }
}

fn row(record: &SampleRecord, scores: Option<ClassScores>) -> ScoredSample<ClassScores> {
    ScoredSample {
        name: record.name.clone(),
        target: record.target.clone(),
        scores,
    }
}
