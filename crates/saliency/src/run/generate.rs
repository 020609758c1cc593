//! Saliency maps of all samples of a data module.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;

use mednet_base::{error::chain, hex};
use mednet_data::name::output_path;
use mednet_data::{DataModule, Loaded, SampleLoader, SampleRecord, Target};
use mednet_network::device::Device;
use sha2::{Digest, Sha256};

use super::manifest::{Entry, Manifest, Provenance};
use super::outcome::{GenerateError, Observer, Preview, SampleFailure, Summary};
use super::pipeline::{in_order, read_ahead};
use super::{atomic, explain, npy};
use crate::explanation::{Needs, Settings};
use crate::map::Map;
use crate::method::Method;
use crate::target::TargetClass;

/// Maps that wait to be written: more would only fill the memory while the disk is slow.
const WRITE_BEHIND: usize = 1;

/// What to compute and where to put it.
pub struct Generation<'a, D: Device> {
    /// The network, the layer, the mode and the seed.
    pub settings: &'a Settings<'a, D>,
    /// The methods, each with everything its maps depend on.
    pub methods: Vec<(&'static dyn Method, Provenance)>,
    /// Which logits are explained.
    pub target_class: TargetClass,
    /// Leaves out samples of class 0; for networks with one output.
    pub positive_only: bool,
    /// Leaves out all data sets but this.
    pub only_dataset: Option<String>,
    /// At most that many samples of each data set.
    pub limit: Option<usize>,
    /// Read all samples before the first is explained.
    pub cache_samples: bool,
    /// Threads that read samples.
    pub readers: usize,
    /// Replaces what other settings made.
    pub overwrite: bool,
    /// Stops at the first sample that fails.
    pub fail_fast: bool,
    /// Output folder.
    pub output: PathBuf,
}

impl<D: Device> Generation<'_, D> {
    /// Explains the samples of `module` and writes their maps.
    ///
    /// # Errors
    /// Where the run cannot begin; what goes wrong with a sample is in the summary.
    pub fn run(
        &self,
        module: &DataModule,
        loader: &SampleLoader,
        observer: &dyn Observer,
    ) -> Result<Summary, GenerateError> {
        self.check_class()?;
        let mut summary = Summary::default();
        let work = self.plan(module, &mut summary)?;
        let output_error = |source| GenerateError::Output {
            path: self.output.clone(),
            source,
        };
        std::fs::create_dir_all(&self.output).map_err(output_error)?;
        let mut manifest = Manifest::open(&self.output)?;
        if !self.overwrite {
            self.check_origin(&manifest, &work)?;
        }
        for (_, provenance) in &self.methods {
            manifest.add_settings(provenance)?;
        }
        for part in work {
            self.dataset(&part, loader, &mut manifest, observer, &mut summary);
            if summary.interrupted {
                break;
            }
        }
        Ok(summary)
    }

    /// What [`Generation::run`] would find and do; nothing is written.
    ///
    /// # Errors
    /// Where the run could not begin.
    pub fn preview(&self, module: &DataModule) -> Result<Preview, GenerateError> {
        self.check_class()?;
        let mut summary = Summary::default();
        let work = self.plan(module, &mut summary)?;
        let manifest = Manifest::read(&self.output)?;
        if !self.overwrite {
            self.check_origin(&manifest, &work)?;
        }
        let mut preview = Preview {
            negative_samples: summary.negative_samples,
            skipped_datasets: summary.skipped_datasets,
            ..Preview::default()
        };
        for part in &work {
            preview.failures.extend(part.failures.iter().cloned());
            preview
                .datasets
                .push((part.dataset.to_owned(), part.jobs.len()));
            for job in &part.jobs {
                for (method, provenance) in &self.methods {
                    for folder in self.folders(*method) {
                        let file = file_name(&folder, &job.path);
                        preview.maps += 1;
                        let finished =
                            self.finished(&manifest, &file, provenance, &job.record.name);
                        if finished.is_some() {
                            preview.maps_there += 1;
                        } else if self.output.join(&file).is_file() {
                            preview.maps_replaced += 1;
                        }
                    }
                }
            }
        }
        Ok(preview)
    }

    fn outputs(&self) -> usize {
        self.settings.engine.graph().output_count()
    }

    fn check_class(&self) -> Result<(), GenerateError> {
        match self.target_class {
            TargetClass::Index(class) if class >= self.outputs() => {
                Err(GenerateError::UnknownClass {
                    class,
                    outputs: self.outputs(),
                })
            }
            _ => Ok(()),
        }
    }

    /// The samples of each data set that are to be done; those that cannot are failures already.
    fn plan<'m>(
        &self,
        module: &'m DataModule,
        summary: &mut Summary,
    ) -> Result<Vec<Part<'m>>, GenerateError> {
        let wanted = |name: &str| self.only_dataset.as_deref().is_none_or(|only| only == name);
        if !module.datasets.iter().any(|dataset| wanted(&dataset.name)) {
            let names: Vec<String> = module
                .datasets
                .iter()
                .map(|dataset| format!("`{}`", dataset.name))
                .collect();
            return Err(GenerateError::UnknownDataset {
                name: self.only_dataset.clone().unwrap_or_default(),
                module: module.name.clone(),
                known: if names.is_empty() {
                    "none".to_owned()
                } else {
                    names.join(", ")
                },
            });
        }
        let mut owners: HashMap<PathBuf, &SampleRecord> = HashMap::new();
        let mut parts = Vec::new();
        for dataset in &module.datasets {
            if !wanted(&dataset.name) {
                summary.skipped_datasets.push(dataset.name.clone());
                continue;
            }
            let mut part = Part {
                dataset: &dataset.name,
                jobs: Vec::new(),
                failures: Vec::new(),
            };
            for record in dataset
                .samples
                .iter()
                .take(self.limit.unwrap_or(usize::MAX))
            {
                if self.positive_only && self.outputs() == 1 && record.target == Target::Single(0) {
                    summary.negative_samples += 1;
                    continue;
                }
                let failure = |reason: String| SampleFailure {
                    dataset: dataset.name.clone(),
                    sample: record.name.clone(),
                    reason,
                };
                match output_path(&record.name, "npy") {
                    Err(error) => part.failures.push(failure(chain(&error))),
                    Ok(path) => match owners.get(&path) {
                        Some(first) if first.name != record.name => {
                            part.failures.push(failure(format!(
                                "its map would overwrite that of `{}`: both are `{}`",
                                first.name,
                                path.display()
                            )));
                        }
                        _ => {
                            owners.insert(path.clone(), record);
                            part.jobs.push(Job { record, path });
                        }
                    },
                }
            }
            parts.push(part);
        }
        Ok(parts)
    }

    /// Folder of the maps of a method and class, below the output folder, with `/`.
    fn folder(&self, method: &dyn Method, class: usize) -> String {
        let mut folder = String::new();
        if self.methods.len() > 1 {
            folder.push_str(method.names()[0]);
            folder.push('/');
        }
        if self.outputs() > 1 {
            match self.target_class {
                TargetClass::Highest => folder.push_str("highest-output/"),
                TargetClass::All | TargetClass::Index(_) => folder.push_str(&format!("{class}/")),
            }
        }
        folder
    }

    /// The folders of a method that this run may write to.
    fn folders(&self, method: &dyn Method) -> Vec<String> {
        match self.target_class {
            TargetClass::Highest => vec![self.folder(method, 0)],
            TargetClass::Index(class) => vec![self.folder(method, class)],
            TargetClass::All => (0..self.outputs())
                .map(|k| self.folder(method, k))
                .collect(),
        }
    }

    /// Nothing may be mixed with, or replace, maps that were made otherwise.
    fn check_origin(&self, manifest: &Manifest, work: &[Part<'_>]) -> Result<(), GenerateError> {
        for (method, provenance) in &self.methods {
            let key = provenance.key();
            for folder in self.folders(*method) {
                // The smallest name, so that the message does not depend on the order of a table.
                let foreign = manifest
                    .entries()
                    .filter(|entry| entry.key != key && entry.file.starts_with(&folder))
                    .min_by(|left, right| left.file.cmp(&right.file));
                if let Some(entry) = foreign {
                    let unknown = Provenance::default();
                    let theirs = manifest.settings(&entry.key).unwrap_or(&unknown);
                    return Err(GenerateError::OtherSettings {
                        path: self.output.join(&folder),
                        method: entry.method.clone(),
                        differences: provenance.differences(theirs).join(", "),
                    });
                }
                if manifest.existed() {
                    continue;
                }
                let jobs = work.iter().flat_map(|part| &part.jobs);
                let mut paths = jobs.map(|job| self.output.join(&folder).join(&job.path));
                if let Some(path) = paths.find(|path| path.exists()) {
                    return Err(GenerateError::UnknownOrigin { path });
                }
            }
        }
        Ok(())
    }

    /// The entry of a map that is there already.
    fn finished<'m>(
        &self,
        manifest: &'m Manifest,
        file: &str,
        provenance: &Provenance,
        sample: &str,
    ) -> Option<&'m Entry> {
        manifest
            .entry(file)
            .filter(|entry| entry.key == provenance.key() && entry.sample == sample)
            .filter(|entry| self.output.join(&entry.file).is_file())
    }

    /// Counts the samples of which nothing is left to do; the others, with the files of theirs
    /// that are there already.
    fn leave_out_finished<'p, 'm>(
        &self,
        part: &'p Part<'m>,
        manifest: &Manifest,
        observer: &dyn Observer,
        summary: &mut Summary,
    ) -> (Vec<&'p Job<'m>>, HashSet<String>) {
        let mut open = Vec::new();
        let mut there = HashSet::new();
        for job in &part.jobs {
            let mut missing = false;
            for (method, provenance) in &self.methods {
                for folder in self.folders(*method) {
                    let file = file_name(&folder, &job.path);
                    match self.finished(manifest, &file, provenance, &job.record.name) {
                        None => missing = true,
                        Some(entry) => {
                            summary.maps_kept += 1;
                            if entry.dead {
                                *summary.dead_maps.entry(entry.method.clone()).or_default() += 1;
                            }
                            there.insert(file);
                        }
                    }
                }
            }
            if missing {
                open.push(job);
            } else {
                summary.samples += 1;
                observer.sample(&job.record.name);
            }
        }
        (open, there)
    }

    fn dataset(
        &self,
        part: &Part<'_>,
        loader: &SampleLoader,
        manifest: &mut Manifest,
        observer: &dyn Observer,
        summary: &mut Summary,
    ) {
        observer.dataset(part.dataset, part.jobs.len() + part.failures.len());
        for failure in &part.failures {
            fail(failure.clone(), observer, summary);
            observer.sample(&failure.sample);
        }
        // What is there already is not even read.
        let (open, there) = self.leave_out_finished(part, manifest, observer, summary);
        let records: Vec<&SampleRecord> = open.iter().map(|job| job.record).collect();
        let written = std::thread::scope(|scope| {
            let (sender, receiver) = sync_channel::<FinishedMap>(WRITE_BEHIND);
            let output = &self.output;
            let writer = scope.spawn(move || -> Vec<Written> {
                receiver
                    .into_iter()
                    .map(|map| map.write(output, manifest))
                    .collect()
            });
            let readers = self.readers;
            let samples = read_ahead(scope, loader, &records, readers, self.cache_samples);
            let items = open.iter().copied().zip(samples);
            let work = |(job, loaded)| (job, self.explain(job, loaded, &there));
            let at_once = explain::at_once(self.settings, self.needs());
            in_order(items, at_once, work, |(job, explained)| {
                let name = &job.record.name;
                for notice in explained.notices {
                    observer.notice(name, &notice);
                    *summary.notices.entry(notice).or_default() += 1;
                }
                for map in explained.maps {
                    // The writer lives until all senders are gone.
                    let _ = sender.send(map);
                }
                match explained.outcome {
                    Ok(()) => summary.samples += 1,
                    Err(reason) => fail(part.failure(name, reason), observer, summary),
                }
                observer.sample(name);
                summary.interrupted |= observer.interrupted();
                summary.interrupted |= self.fail_fast && !summary.failures.is_empty();
                match summary.interrupted {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            });
            drop(sender);
            writer.join().unwrap_or_default()
        });
        let mut unwritten: Option<String> = None;
        for Written {
            sample,
            method,
            outcome,
        } in written
        {
            match outcome {
                Ok(dead) => {
                    summary.maps_written += 1;
                    if dead {
                        *summary.dead_maps.entry(method).or_default() += 1;
                    }
                }
                // One report a sample is enough.
                Err(reason) if unwritten.as_ref() != Some(&sample) => {
                    summary.samples -= 1;
                    fail(part.failure(&sample, reason), observer, summary);
                    unwritten = Some(sample);
                }
                Err(_) => {}
            }
        }
    }

    fn needs(&self) -> Needs {
        let all = self.methods.iter().map(|(method, _)| method.needs());
        all.fold(Needs::default(), Needs::and)
    }

    /// Computes the maps of one sample.
    fn explain(
        &self,
        job: &Job<'_>,
        loaded: Result<Loaded, mednet_data::Error>,
        there: &HashSet<String>,
    ) -> Explained {
        let (mut notices, mut maps) = (Vec::new(), Vec::new());
        let outcome = match loaded {
            Ok(loaded) => {
                notices.extend(loaded.notices.iter().map(ToString::to_string));
                self.add_maps(job, loaded, there, &mut maps)
            }
            Err(error) => Err(chain(&error)),
        };
        Explained {
            notices,
            maps,
            outcome,
        }
    }

    fn add_maps(
        &self,
        job: &Job<'_>,
        loaded: Loaded,
        there: &HashSet<String>,
        maps: &mut Vec<FinishedMap>,
    ) -> Result<(), String> {
        let name = &job.record.name;
        let image = explain::image(loaded)?;
        let explained = explain::explain(self.settings, name, &image, self.needs())?;
        for class in self.target_class.classes(explained.logits()) {
            let question = explained.explain(class);
            for (method, provenance) in &self.methods {
                let file = file_name(&self.folder(*method, class), &job.path);
                if there.contains(&file) {
                    continue;
                }
                let map = method.map(&question).map_err(|error| chain(&error))?;
                let entry = Entry {
                    sample: name.clone(),
                    method: method.names()[0].to_owned(),
                    class,
                    file,
                    sha256: String::new(),
                    key: provenance.key(),
                    dead: map.is_dead(),
                    logits: explained.logits().to_vec(),
                };
                maps.push(FinishedMap { map, entry });
            }
        }
        Ok(())
    }
}

/// What came of a sample before its maps are written.
struct Explained {
    notices: Vec<String>,
    /// Those that were made, also where another one failed.
    maps: Vec<FinishedMap>,
    outcome: Result<(), String>,
}

/// The samples of one data set that are to be done.
struct Part<'m> {
    dataset: &'m str,
    jobs: Vec<Job<'m>>,
    /// Samples that cannot be done, for their name alone.
    failures: Vec<SampleFailure>,
}

impl Part<'_> {
    fn failure(&self, sample: &str, reason: String) -> SampleFailure {
        let dataset = self.dataset.to_owned();
        SampleFailure {
            dataset,
            sample: sample.to_owned(),
            reason,
        }
    }
}

/// A sample and where its maps go, relative to the folder of method and class.
struct Job<'m> {
    record: &'m SampleRecord,
    path: PathBuf,
}

/// A map on its way to the disk.
struct FinishedMap {
    map: Map,
    entry: Entry,
}

/// What came of it: whether the map is zero everywhere.
struct Written {
    sample: String,
    method: String,
    outcome: Result<bool, String>,
}

impl FinishedMap {
    fn write(self, output: &Path, manifest: &mut Manifest) -> Written {
        let Self { map, mut entry } = self;
        let (header, values) = (npy::header(&map), npy::values(&map));
        let hash = Sha256::new().chain_update(&header).chain_update(&values);
        entry.sha256 = hex::encode(&hash.finalize());
        let path = output.join(&entry.file);
        let (sample, method, dead) = (entry.sample.clone(), entry.method.clone(), entry.dead);
        let outcome = atomic::write_parts(&path, &[&header, &values])
            .map_err(|error| format!("cannot write `{}`: {error}", path.display()))
            .and_then(|()| manifest.add(entry).map_err(|error| chain(&error)))
            .map(|()| dead);
        Written {
            sample,
            method,
            outcome,
        }
    }
}

/// The name of a file below the output folder, with `/` on every system.
fn file_name(folder: &str, path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    format!("{folder}{}", parts.join("/"))
}

fn fail(failure: SampleFailure, observer: &dyn Observer, summary: &mut Summary) {
    observer.failure(&failure);
    summary.failures.push(failure);
}
