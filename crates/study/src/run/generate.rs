//! Saliency maps of all samples of a data module.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Instant, SystemTime};

use mednet_base::error::chain;
use mednet_base::file::FileError;
use mednet_base::panic::guard;
use mednet_data::name::output_path;
use mednet_data::{DataModule, Loaded, SampleLoader, SampleRecord, Target};
use mednet_network::device::Device;
use mednet_saliency::{Attribution, Map, Method, Needs, Settings, TargetClass};
use rayon::ThreadPool;
use rayon::prelude::*;
use serde::Serialize;
use thiserror::Error;

use super::RunFacts;
use super::explain;
use super::pipeline::{in_order, read_ahead};
use crate::diagnostic::{Diagnostic, Tally};
use crate::ending::Ended;
use crate::event::{Event, FailureKind, Fault, Observer, SampleFailure};
use crate::plan::{PlannedSample, Selection, SelectionError};
use crate::provenance::{MapSettings, NUMERICS, NetworkSettings, SettingsKey};
use crate::scores::failure_line;
use crate::store::index::file_of;
use crate::store::line::{self, Line, SettingsLine};
use crate::store::writer::{ComputedMap, ComputedSample, Writer, Written};
use crate::store::{
    EndLine, Header, Journal, Layout, MANIFEST, MapStore, SampleFacts, Storage, StoreError, hash_of,
};

/// What to compute and where to put it.
pub struct Generation<'a, D: Device> {
    /// The network, the layer, the mode and the seed.
    pub settings: &'a Settings<'a, D>,
    /// What the network's part in the values of a map is.
    pub network: NetworkSettings,
    /// The methods.
    pub methods: Vec<&'static dyn Method>,
    /// Which logits are explained.
    pub target_class: TargetClass,
    /// Leaves out samples of class 0; for networks with one output.
    pub positive_only: bool,
    /// Which samples take part.
    pub selection: Selection,
    /// At which resolution maps are stored.
    pub store: Storage,
    /// Read all samples before the first is explained.
    pub cache_samples: bool,
    /// Threads that read samples.
    pub readers: usize,
    /// Replaces what other settings made.
    pub overwrite: bool,
    /// Stops at the first sample that fails.
    pub fail_fast: bool,
    /// Computes the digest of each map and image that is there, and makes it again where it is not
    /// the one that is remembered.
    pub verify: bool,
    /// Output folder.
    pub output: PathBuf,
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct GenerationSummary {
    /// How it ended.
    pub ended: Ended,
    /// Samples whose maps are all there, made now or earlier.
    pub samples: usize,
    /// Maps that were computed and written.
    pub maps_written: usize,
    /// Maps that an earlier run had written.
    pub maps_kept: usize,
    /// Maps of each method that are empty: written now or found.
    pub empty_maps: BTreeMap<String, usize>,
    /// Samples that were left out because they are negative.
    pub negative_samples_left_out: usize,
    /// Data sets that were left out.
    pub skipped_datasets: Vec<String>,
    /// What a reader of the maps should know, by code.
    pub diagnostics: Tally,
    /// Samples that could not be done.
    pub failures: Vec<SampleFailure>,
    /// What ended the run, where the output was lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<String>,
    /// Whether anything was written at all.
    #[serde(skip)]
    pub did_something: bool,
}

/// What a run would find and do.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GenerationPreview {
    /// The data sets, each with the number of its samples to be explained.
    pub datasets: Vec<(String, usize)>,
    /// Maps that the run is about.
    pub maps: usize,
    /// Those of them that an earlier run of the same settings has written.
    pub maps_there: usize,
    /// Those of them that other settings made and that would be replaced.
    pub maps_replaced: usize,
    /// Samples that are left out because they are negative.
    pub negative_samples: usize,
    /// Samples that cannot be done, for their name alone.
    pub failures: Vec<SampleFailure>,
    /// Data sets that are left out.
    pub skipped_datasets: Vec<String>,
}

/// A run that cannot begin.
#[derive(Debug, Error)]
pub enum GenerationError {
    /// The output folder cannot be written to.
    #[error(transparent)]
    File(#[from] FileError),
    /// What is known about the output folder cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The output folder is something else.
    #[error("cannot write to the output folder `{path}`: it is no folder")]
    NoFolder {
        /// What is there.
        path: PathBuf,
    },
    /// An older program made the maps.
    #[error(
        "`{path}` holds maps of an older version of mednet, which noted less about how they were \
         made; choose another output folder, or replace them with --overwrite"
    )]
    OldMaps {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds maps that were made otherwise.
    #[error(
        "`{path}` holds maps of {method} that were made with other settings: {differences}; choose \
         another output folder, or replace them with --overwrite"
    )]
    OtherSettings {
        /// The folder.
        path: PathBuf,
        /// The method whose maps these are.
        method: String,
        /// What differs.
        differences: String,
    },
    /// The folder is that of one other method.
    #[error(
        "`{path}` holds maps of {method}, which lie in the folder itself; give another output \
         folder for {wanted}, or all methods in one run, which gives each a folder of its own"
    )]
    OtherMethod {
        /// The folder.
        path: PathBuf,
        /// The method whose maps are there.
        method: String,
        /// The method that is asked for.
        wanted: String,
    },
    /// The folder holds maps about which nothing is known.
    #[error(
        "`{path}` exists and there is no manifest.jsonl that says how it was made; choose another \
         output folder, or replace it with --overwrite"
    )]
    UnknownOrigin {
        /// The first such file.
        path: PathBuf,
    },
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
    /// None of the images is there.
    #[error(transparent)]
    ImagesMissing(#[from] super::ImagesMissing),
}

/// A folder for the maps of one method and class.
struct Place {
    /// Position of the method.
    method: usize,
    /// Below the output folder, with `/` at its end unless it is empty.
    folder: String,
    key: SettingsKey,
}

/// The samples of one data set that are to be done.
struct Part<'m> {
    dataset: &'m str,
    jobs: Vec<PlannedSample<'m>>,
    /// Samples that cannot be done, for their record or name alone.
    failures: Vec<SampleFailure>,
}

/// A sample of which something is left to do.
struct Job<'m> {
    sample: PlannedSample<'m>,
    /// Which of its maps are there already; none where all are to be made.
    there: Option<Box<[bool]>>,
}

/// What is known of a sample before the run.
struct Known {
    /// For each place, whether its map is there, and whether it is empty.
    maps: Box<[Option<bool>]>,
}

impl<D: Device> Generation<'_, D> {
    /// Explains the samples of `module` and writes their maps.
    ///
    /// # Errors
    /// Where the run cannot begin, before anything is written; what goes wrong later is in the
    /// summary.
    pub fn run(
        &self,
        module: &DataModule,
        loader: &SampleLoader,
        pool: &ThreadPool,
        facts: &RunFacts,
        observer: &dyn Observer,
    ) -> Result<GenerationSummary, GenerationError> {
        let started = Instant::now();
        self.check_class()?;
        let (parts, mut summary) = self.plan(module)?;
        let store = self.read_store()?;
        let layout = self.layout(&store);
        let places = self.places(layout);
        if !self.overwrite {
            self.check_origin(&store, &places, &parts)?;
        }
        let known: Vec<Vec<Known>> = parts
            .iter()
            .map(|part| pool.install(|| self.known(&store, &places, loader, &part.jobs)))
            .collect();
        let open = |known: &Known| known.maps.iter().any(Option::is_none);
        let all_there = !known.iter().flatten().any(open);
        if all_there && store.journals.is_empty() && self.selection.shard.is_none() {
            // Nothing to do, and nothing to be tidied: a folder that cannot be written to will do.
            for (part, known) in parts.iter().zip(&known) {
                self.dataset_begins(part, observer, &mut summary);
                self.leave_out_finished(part, known, &places, observer, &mut summary);
            }
            return Ok(self.finished(summary, Ended::Complete, false));
        }
        super::refuse_if_all_images_are_missing(
            loader,
            parts.iter().zip(&known).flat_map(|(part, known)| {
                let jobs = part.jobs.iter().zip(known);
                jobs.filter(move |(_, known)| open(known))
                    .map(|(job, _)| job.record)
            }),
        )?;
        std::fs::create_dir_all(&self.output)
            .map_err(|error| FileError::new("create", &self.output, error))?;
        store.remove_unfinished();
        let samples = parts.iter().map(|part| part.jobs.len()).sum::<usize>();
        let header = facts
            .header(
                "generate",
                self.question(self.selection.digest(module)?),
                self.selection.shard,
            )
            .about(samples, samples * places.len())
            .in_folder(layout, self.overwrite);
        let kept = known.iter().flatten().filter(|known| !open(known)).count();
        let header = Header { kept, ..header };
        let is_old = store.is_old;
        // Whatever was known is read: its memory is needed no more.
        drop(store);
        let mut journal = Journal::create(&self.output, self.selection.shard, &header)?;
        if is_old {
            // Its maps are replaced, and it says nothing of those that are not.
            let path = self.output.join(MANIFEST);
            match std::fs::remove_file(&path) {
                // Another part of the run was faster.
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(FileError::new("remove", &path, error).into());
                }
                _ => {}
            }
        }
        let mut lines = String::new();
        for method in &self.methods {
            let of = self.map_settings(*method);
            let key = of.key();
            lines.push_str(&line::text(&Line::Settings(SettingsLine { key, of })));
        }
        for failure in parts.iter().flat_map(|part| &part.failures) {
            lines.push_str(&failure_line(failure));
        }
        journal.append(&lines)?;
        let mut ended = None;
        for (part, known) in parts.iter().zip(&known) {
            self.dataset_begins(part, observer, &mut summary);
            let open = self.leave_out_finished(part, known, &places, observer, &mut summary);
            ended = self.dataset(
                part,
                &open,
                loader,
                pool,
                &places,
                &mut journal,
                observer,
                &mut summary,
            );
            if ended.is_some() {
                break;
            }
        }
        let ended = match (ended, summary.failures.is_empty()) {
            (Some(ended), _) => ended,
            (None, true) => Ended::Complete,
            (None, false) => Ended::SomeFailed,
        };
        let mut summary = self.finished(summary, ended, true);
        let seconds = started.elapsed().as_secs_f64();
        let results = serde_json::to_value(&summary).unwrap_or_default();
        let end = journal.end(EndLine {
            ended,
            seconds,
            results,
        });
        // The parts of a run are folded together, when all have ended.
        let folded = end
            .map_err(StoreError::from)
            .and_then(|()| match self.selection.shard {
                Some(_) => Ok(false),
                None => MapStore::fold(&self.output, journal.path()),
            });
        if let Err(error) = folded {
            if matches!(error, StoreError::Contradictory { .. }) {
                return Err(error.into());
            }
            summary.lost.get_or_insert(chain(&error));
            summary.ended = Ended::OutputLost;
        }
        Ok(summary)
    }

    /// What [`Generation::run`] would find and do; nothing is written.
    ///
    /// # Errors
    /// Where the run could not begin.
    pub fn preview(
        &self,
        module: &DataModule,
        loader: &SampleLoader,
        pool: &ThreadPool,
    ) -> Result<GenerationPreview, GenerationError> {
        self.check_class()?;
        let (parts, summary) = self.plan(module)?;
        let store = self.read_store()?;
        let places = self.places(self.layout(&store));
        if !self.overwrite {
            self.check_origin(&store, &places, &parts)?;
        }
        let mut preview = GenerationPreview {
            negative_samples: summary.negative_samples_left_out,
            skipped_datasets: summary.skipped_datasets,
            ..GenerationPreview::default()
        };
        for part in &parts {
            preview.failures.extend(part.failures.iter().cloned());
            preview
                .datasets
                .push((part.dataset.to_owned(), part.jobs.len()));
            let known = pool.install(|| self.known(&store, &places, loader, &part.jobs));
            for (job, known) in part.jobs.iter().zip(known) {
                for (place, map) in places.iter().zip(known.maps) {
                    preview.maps += 1;
                    let file = file_of(&place.folder, &job.record.name).unwrap_or_default();
                    if map.is_some() {
                        preview.maps_there += 1;
                    } else if self.output.join(file).is_file() {
                        preview.maps_replaced += 1;
                    }
                }
            }
        }
        Ok(preview)
    }

    fn outputs(&self) -> usize {
        self.settings.engine.graph().output_count()
    }

    fn check_class(&self) -> Result<(), GenerationError> {
        match self.target_class {
            TargetClass::Index(class) if class >= self.outputs() => {
                Err(GenerationError::UnknownClass {
                    class,
                    outputs: self.outputs(),
                })
            }
            _ => Ok(()),
        }
    }

    fn read_store(&self) -> Result<MapStore, GenerationError> {
        if self.output.exists() && !self.output.is_dir() {
            return Err(GenerationError::NoFolder {
                path: self.output.clone(),
            });
        }
        let read = match self.overwrite {
            true => MapStore::read_or_disregard_old(&self.output),
            false => MapStore::read(&self.output),
        };
        read.map_err(|error| match error {
            StoreError::Lines(crate::store::LinesError::Old { .. }) => GenerationError::OldMaps {
                path: self.output.clone(),
            },
            other => other.into(),
        })
    }

    /// What all parts of this run have in common.
    fn question(&self, samples: SettingsKey) -> SettingsKey {
        let methods = self.methods.iter();
        let keys: Vec<SettingsKey> = methods
            .map(|method| self.map_settings(*method).key())
            .collect();
        SettingsKey::of(&(
            keys,
            samples,
            self.target_class.to_string(),
            self.positive_only,
        ))
    }

    /// Everything that the maps of a method depend on besides the image.
    pub fn map_settings(&self, method: &dyn Method) -> MapSettings {
        let layer = self.settings.engine.graph().node(self.settings.layer);
        let target = match self.target_class {
            _ if self.outputs() == 1 => None,
            TargetClass::Highest => Some("highest"),
            TargetClass::All | TargetClass::Index(_) => Some("class"),
        };
        MapSettings {
            numerics: NUMERICS,
            network: self.network.clone(),
            method: method.names()[0].to_owned(),
            layer: method.uses_layer().then(|| layer.name.clone()),
            target: target.map(str::to_owned),
            seed: method.uses_seed().then_some(self.settings.seed),
            mode: self.settings.mode.to_string(),
            store: self.store,
        }
    }

    /// The samples of each data set that are to be done; those that cannot are failures already.
    fn plan<'m>(
        &self,
        module: &'m DataModule,
    ) -> Result<(Vec<Part<'m>>, GenerationSummary), GenerationError> {
        // Names that collide are found among the samples of all parts of the run.
        let whole = Selection {
            shard: None,
            ..self.selection.clone()
        };
        let plan = whole.plan(module)?;
        let shard = self.selection.shard;
        let mut position = 0;
        let mut summary = GenerationSummary {
            ended: Ended::Complete,
            samples: 0,
            maps_written: 0,
            maps_kept: 0,
            empty_maps: BTreeMap::new(),
            negative_samples_left_out: 0,
            skipped_datasets: plan.skipped_datasets,
            diagnostics: Tally::default(),
            failures: Vec::new(),
            lost: None,
            did_something: false,
        };
        let mut owners: HashMap<PathBuf, &SampleRecord> = HashMap::new();
        let mut parts = Vec::new();
        for dataset in plan.datasets {
            let mut part = Part {
                dataset: dataset.name,
                jobs: Vec::new(),
                failures: match shard {
                    Some(shard) if shard.index() > 1 => Vec::new(),
                    _ => dataset.rejected,
                },
            };
            for sample in dataset.samples {
                let record = sample.record;
                let is_here = shard.is_none_or(|shard| shard.has(position));
                position += 1;
                if self.positive_only && self.outputs() == 1 && record.target == Target::Single(0) {
                    summary.negative_samples_left_out += usize::from(is_here);
                    continue;
                }
                let path = match output_path(&record.name, "npy") {
                    Ok(path) => path,
                    Err(error) => {
                        let fault = Fault::of(FailureKind::Name, &error);
                        part.failures
                            .extend(is_here.then(|| fault.at(dataset.name, &record.name)));
                        continue;
                    }
                };
                match owners.get(&path) {
                    Some(first) if first.name != record.name => {
                        let reason = format!(
                            "its map would overwrite that of `{}`: both are `{}`",
                            first.name,
                            path.display()
                        );
                        let fault = Fault::new(FailureKind::Name, reason);
                        part.failures
                            .extend(is_here.then(|| fault.at(dataset.name, &record.name)));
                    }
                    // A sample of several data sets has one map.
                    Some(_) => {}
                    None => {
                        owners.insert(path, record);
                        part.jobs.extend(is_here.then_some(sample));
                    }
                }
            }
            parts.push(part);
        }
        Ok((parts, summary))
    }

    fn layout(&self, store: &MapStore) -> Layout {
        let wanted = Layout::for_methods(self.methods.len());
        match store.layout() {
            // Several methods cannot share a folder.
            Some(Layout::OneMethod) if self.overwrite => wanted,
            Some(layout) => layout,
            None => wanted,
        }
    }

    /// The folders that maps of this run go to.
    fn places(&self, layout: Layout) -> Vec<Place> {
        let classes = match self.target_class {
            TargetClass::Highest => 0..1,
            TargetClass::Index(class) => class..class + 1,
            TargetClass::All => 0..self.outputs(),
        };
        let mut places = Vec::new();
        for (position, method) in self.methods.iter().enumerate() {
            let key = self.map_settings(*method).key();
            for class in classes.clone() {
                let name = method.names()[0];
                places.push(Place {
                    method: position,
                    folder: layout.folder(name, self.target_class, class, self.outputs()),
                    key,
                });
            }
        }
        places
    }

    /// The place of a map.
    fn place_of(&self, method: usize, class: usize) -> usize {
        match self.target_class {
            TargetClass::All => method * self.outputs() + class,
            TargetClass::Highest | TargetClass::Index(_) => method,
        }
    }

    /// Nothing may be mixed with, or replace, maps that were made otherwise.
    fn check_origin(
        &self,
        store: &MapStore,
        places: &[Place],
        parts: &[Part<'_>],
    ) -> Result<(), GenerationError> {
        let known = store.index.settings_by_folder();
        for place in places {
            let here = || known.iter().filter(|(folder, _)| *folder == place.folder);
            let foreign = here().find(|(_, settings)| settings.key() != place.key);
            if let Some((_, theirs)) = foreign {
                let ours = self.map_settings(self.methods[place.method]);
                let path = self.output.join(&place.folder);
                if theirs.method != ours.method && store.layout() == Some(Layout::OneMethod) {
                    return Err(GenerationError::OtherMethod {
                        path,
                        method: theirs.method.clone(),
                        wanted: ours.method,
                    });
                }
                return Err(GenerationError::OtherSettings {
                    path,
                    method: theirs.method.clone(),
                    differences: ours.differences(theirs).join(", "),
                });
            }
        }
        // Several methods cannot share a folder that is of one.
        if store.layout() == Some(Layout::OneMethod) && self.methods.len() > 1 {
            let theirs = known
                .first()
                .map_or("one method", |(_, of)| of.method.as_str());
            return Err(GenerationError::OtherMethod {
                path: self.output.clone(),
                method: theirs.to_owned(),
                wanted: "several methods".to_owned(),
            });
        }
        if store.is_known() || !self.output.exists() {
            return Ok(());
        }
        let jobs = || parts.iter().flat_map(|part| &part.jobs);
        for place in places {
            let files = jobs().filter_map(|job| file_of(&place.folder, &job.record.name));
            let mut paths = files.map(|file| self.output.join(file));
            if let Some(path) = paths.find(|path| path.exists()) {
                return Err(GenerationError::UnknownOrigin { path });
            }
        }
        Ok(())
    }

    /// Which maps of these samples are there already.
    fn known(
        &self,
        store: &MapStore,
        places: &[Place],
        loader: &SampleLoader,
        jobs: &[PlannedSample<'_>],
    ) -> Vec<Known> {
        let nothing = || Known {
            maps: vec![None; places.len()].into(),
        };
        if store.index.is_empty() {
            return jobs.iter().map(|_| nothing()).collect();
        }
        let known = |job: &PlannedSample<'_>| {
            let name = &job.record.name;
            let Some(position) = store.index.find_sample(name) else {
                return nothing();
            };
            let mut maps = nothing().maps;
            let mut oldest: Option<SystemTime> = None;
            for (place, map) in places.iter().zip(&mut maps) {
                let Some(entry) = store.index.map(name, &place.folder) else {
                    continue;
                };
                if store.index.key_of(entry) != place.key {
                    continue;
                }
                let path = self.output.join(store.index.file(entry));
                let Ok(about) = std::fs::metadata(&path) else {
                    continue;
                };
                let written = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                if !about.is_file() || about.len() != u64::from(entry.bytes) {
                    continue;
                }
                // What was written after it was noted is not what was noted.
                let suspect = written > store.known_since || self.verify;
                if suspect && hash_of(&path) != Some(entry.sha256) {
                    continue;
                }
                oldest = Some(oldest.map_or(written, |oldest| oldest.min(written)));
                *map = Some(entry.empty);
            }
            let facts = store.index.sample(position);
            match oldest {
                Some(oldest) if self.is_same_picture(loader, job.record, facts, oldest) => {
                    Known { maps }
                }
                _ => nothing(),
            }
        };
        jobs.par_iter().map(known).collect()
    }

    /// Whether the image of a sample is still the one that maps were made of, the oldest of them
    /// then. One that was not touched since is not read.
    fn is_same_picture(
        &self,
        loader: &SampleLoader,
        record: &SampleRecord,
        facts: &SampleFacts,
        oldest: SystemTime,
    ) -> bool {
        if *facts.rule != *record.database.slug {
            return false;
        }
        let Ok(path) = loader.path(record) else {
            return true;
        };
        let Ok(about) = std::fs::metadata(&path) else {
            // Its maps are all that is left of it.
            return true;
        };
        if about.len() != facts.bytes {
            return false;
        }
        let untouched = super::changed(&about).is_some_and(|changed| changed < oldest);
        if untouched && !self.verify {
            return true;
        }
        hash_of(&path) == Some(facts.sha256)
    }

    fn dataset_begins(
        &self,
        part: &Part<'_>,
        observer: &dyn Observer,
        summary: &mut GenerationSummary,
    ) {
        observer.event(Event::DataSet {
            name: part.dataset,
            samples: part.jobs.len() + part.failures.len(),
        });
        for failure in &part.failures {
            fail(failure.clone(), observer, summary);
            observer.event(Event::Sample {
                name: &failure.sample,
            });
        }
    }

    /// Counts the samples of which nothing is left to do, and gives the others.
    fn leave_out_finished<'m>(
        &self,
        part: &Part<'m>,
        known: &[Known],
        places: &[Place],
        observer: &dyn Observer,
        summary: &mut GenerationSummary,
    ) -> Vec<Job<'m>> {
        let mut open = Vec::new();
        for (job, known) in part.jobs.iter().zip(known) {
            for (place, map) in places.iter().zip(&known.maps) {
                if let Some(empty) = map {
                    summary.maps_kept += 1;
                    self.count_empty(place.method, *empty, summary);
                }
            }
            if known.maps.iter().all(Option::is_some) {
                summary.samples += 1;
                observer.event(Event::Sample {
                    name: &job.record.name,
                });
            } else {
                let there = known.maps.iter().any(Option::is_some);
                let there = there.then(|| known.maps.iter().map(Option::is_some).collect());
                open.push(Job {
                    sample: *job,
                    there,
                });
            }
        }
        open
    }

    fn count_empty(&self, method: usize, empty: bool, summary: &mut GenerationSummary) {
        if empty {
            let name = self.methods[method].names()[0].to_owned();
            *summary.empty_maps.entry(name).or_default() += 1;
        }
    }

    /// Computes and writes the maps of one data set; how the run ends, if it does here.
    #[expect(clippy::too_many_arguments, reason = "all that a data set needs")]
    fn dataset(
        &self,
        part: &Part<'_>,
        open: &[Job<'_>],
        loader: &SampleLoader,
        pool: &ThreadPool,
        places: &[Place],
        journal: &mut Journal,
        observer: &dyn Observer,
        summary: &mut GenerationSummary,
    ) -> Option<Ended> {
        if open.is_empty() {
            return None;
        }
        let records: Vec<&SampleRecord> = open.iter().map(|job| job.sample.record).collect();
        let mut ended = None;
        std::thread::scope(|scope| {
            let writer = Writer::start(scope, &self.output, journal);
            let samples = read_ahead(scope, loader, &records, self.readers, self.cache_samples);
            let items = (0..open.len()).zip(samples);
            let work = |(position, loaded)| {
                self.explain(part.dataset, position, &open[position], loaded, places)
            };
            let at_once = explain::at_once(pool, self.settings, self.needs());
            in_order(pool, items, at_once, work, |computed| {
                let Computed {
                    sample,
                    diagnostics,
                } = computed;
                for diagnostic in diagnostics {
                    let sample = sample.name.as_str();
                    observer.event(Event::Diagnostic {
                        sample,
                        diagnostic: &diagnostic,
                    });
                    summary.diagnostics.add(sample, &diagnostic);
                }
                let taken = writer.write(sample);
                for news in writer.news() {
                    self.hear(news, part, open, observer, summary, &mut ended);
                }
                if !taken {
                    return ControlFlow::Break(());
                }
                if ended.is_none() && observer.interrupted() {
                    ended = Some(Ended::Interrupted);
                }
                match ended {
                    Some(_) => ControlFlow::Break(()),
                    None => ControlFlow::Continue(()),
                }
            });
            for news in writer.finish() {
                self.hear(news, part, open, observer, summary, &mut ended);
            }
        });
        ended
    }

    /// Counts what came of writing.
    fn hear(
        &self,
        news: Written,
        part: &Part<'_>,
        open: &[Job<'_>],
        observer: &dyn Observer,
        summary: &mut GenerationSummary,
        ended: &mut Option<Ended>,
    ) {
        match news {
            Written::Sample {
                position,
                maps,
                fault,
            } => {
                let name = &open[position].sample.record.name;
                summary.maps_written += maps.len();
                for (method, empty) in maps {
                    self.count_empty(method, empty, summary);
                }
                match fault {
                    None => summary.samples += 1,
                    Some(fault) => {
                        fail(fault.at(part.dataset, name), observer, summary);
                        if self.fail_fast && ended.is_none() {
                            *ended = Some(Ended::FailFast);
                        }
                    }
                }
                observer.event(Event::Sample { name });
            }
            Written::Lost(error) => {
                summary.lost.get_or_insert(chain(&error));
                *ended = Some(Ended::OutputLost);
            }
        }
    }

    fn needs(&self) -> Needs {
        let all = self.methods.iter().map(|method| method.needs());
        all.fold(Needs::default(), Needs::and)
    }

    /// Computes the maps of one sample.
    fn explain(
        &self,
        dataset: &str,
        position: usize,
        job: &Job<'_>,
        loaded: Result<Loaded, Fault>,
        places: &[Place],
    ) -> Computed {
        let record = job.sample.record;
        let mut computed = Computed {
            diagnostics: Vec::new(),
            sample: ComputedSample {
                position,
                facts: None,
                maps: Vec::new(),
                fault: None,
                dataset: dataset.to_owned(),
                name: record.name.clone(),
            },
        };
        let added = loaded.and_then(|loaded| {
            let notices = loaded.notices.iter().copied();
            computed.diagnostics.extend(notices.map(Diagnostic::from));
            // Maps that were made before a fault are kept.
            let add = || self.add_maps(dataset, job, loaded, places, &mut computed.sample);
            guard(add).unwrap_or_else(|said| Err(Fault::panicked("explaining it", &said)))
        });
        if let Err(fault) = added {
            computed.sample.fault.get_or_insert(fault);
        }
        computed
    }

    fn add_maps(
        &self,
        dataset: &str,
        job: &Job<'_>,
        loaded: Loaded,
        places: &[Place],
        computed: &mut ComputedSample,
    ) -> Result<(), Fault> {
        let record = job.sample.record;
        let name = &record.name;
        let file = loaded.file;
        let image = explain::image(loaded)?;
        let [_, height, width] = image.image_shape();
        let explained = explain::explain(self.settings, name, &image, self.needs())?;
        let cells = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        computed.facts = Some(SampleFacts {
            number: job.sample.number,
            name: name.as_str().into(),
            dataset: dataset.into(),
            rule: record.database.slug.into(),
            bytes: file.bytes,
            sha256: file.sha256,
            size: [cells(height), cells(width)],
            logits: explained.logits().into(),
        });
        for class in self.target_class.classes(explained.logits()) {
            let question = explained.explain(class);
            for (position, method) in self.methods.iter().enumerate() {
                let place = self.place_of(position, class);
                if job.there.as_ref().is_some_and(|there| there[place]) {
                    continue;
                }
                let place = &places[place];
                // One method that fails leaves the others their maps.
                let attribution = match guard(|| method.attribution(&question)) {
                    Ok(Ok(attribution)) => attribution,
                    Ok(Err(error)) => {
                        let fault = Fault::of(FailureKind::Computation, &error);
                        computed.fault.get_or_insert(of_method(*method, &fault));
                        continue;
                    }
                    Err(said) => {
                        let fault = Fault::panicked("it", &said);
                        computed.fault.get_or_insert(of_method(*method, &fault));
                        continue;
                    }
                };
                let (map, empty) = self.stored(attribution, height, width);
                let file = file_of(&place.folder, name);
                computed.maps.push(ComputedMap {
                    file: file
                        .ok_or_else(|| Fault::new(FailureKind::Name, "its name leads elsewhere"))?,
                    key: place.key,
                    method: position,
                    class: u16::try_from(class).unwrap_or(u16::MAX),
                    empty,
                    map,
                });
            }
        }
        Ok(())
    }

    /// The map as it is stored, and whether the map that it stands for is empty.
    fn stored(&self, attribution: Attribution, height: usize, width: usize) -> (Map, bool) {
        match (self.store, attribution) {
            (Storage::Layer, Attribution::Layer(map)) => {
                let empty = map.clone().finish(height, width).is_dead();
                (map, empty)
            }
            (_, attribution) => {
                let map = attribution.into_map(height, width);
                let empty = map.is_dead();
                (map, empty)
            }
        }
    }

    fn finished(
        &self,
        mut summary: GenerationSummary,
        ended: Ended,
        did_something: bool,
    ) -> GenerationSummary {
        summary.ended = match (ended, summary.failures.is_empty()) {
            (Ended::Complete, false) => Ended::SomeFailed,
            _ => ended,
        };
        summary.did_something = did_something;
        let maps = (summary.maps_written + summary.maps_kept) / self.methods.len().max(1);
        for diagnostic in empty_maps(&summary.empty_maps, maps) {
            summary.diagnostics.add("", &diagnostic);
        }
        summary
    }
}

impl GenerationSummary {
    /// What is to be said about empty maps, of a run of this many methods.
    #[must_use]
    pub fn empty_map_diagnostics(&self, methods: usize) -> Vec<Diagnostic> {
        let maps = (self.maps_written + self.maps_kept) / methods.max(1);
        empty_maps(&self.empty_maps, maps)
    }
}

/// What is to be said about empty maps, where each method has `of` maps.
#[must_use]
pub fn empty_maps(counts: &BTreeMap<String, usize>, of: usize) -> Vec<Diagnostic> {
    let (all, some): (Vec<_>, Vec<_>) = counts
        .iter()
        .map(|(name, count)| (name.clone(), *count))
        .partition(|(_, count)| *count >= of);
    let all = all
        .into_iter()
        .map(|(method, maps)| Diagnostic::AllMapsEmpty { method, maps });
    let some = (!some.is_empty()).then_some(Diagnostic::EmptyMaps { methods: some, of });
    all.chain(some).collect()
}

/// What came of a sample before its maps are written.
struct Computed {
    diagnostics: Vec<Diagnostic>,
    sample: ComputedSample,
}

fn of_method(method: &dyn Method, fault: &Fault) -> Fault {
    Fault::new(
        fault.kind,
        format!("{}: {}", method.names()[0], fault.reason),
    )
}

fn fail(failure: SampleFailure, observer: &dyn Observer, summary: &mut GenerationSummary) {
    observer.event(Event::Failure(&failure));
    summary.failures.push(failure);
}
