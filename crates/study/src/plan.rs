//! What is to be done, before anything is read: which samples of which data sets, and which of
//! them by this process.

use mednet_base::suggest;
use mednet_data::{DataModule, DataSet, SampleRecord};
use thiserror::Error;

use crate::event::{FailureKind, Fault, SampleFailure};
use crate::provenance::SettingsKey;
use crate::scores::Label;
use crate::shard::Shard;

/// Which samples of a data module take part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Leaves out all data sets but this.
    pub only_dataset: Option<String>,
    /// At most that many samples of each data set.
    pub limit: Option<usize>,
    /// Leaves out all samples but those of one part of the run.
    pub shard: Option<Shard>,
}

/// No data set takes part.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no data set `{name}` in `{module}`{hint}; it has {known}")]
pub struct SelectionError {
    /// What was asked for.
    pub name: String,
    /// The data module.
    pub module: String,
    /// The end of the first part: a proposal, or nothing.
    pub hint: String,
    /// What there is.
    pub known: String,
}

/// A sample that takes part.
#[derive(Debug, Clone, Copy)]
pub struct PlannedSample<'m> {
    /// Its place in the data module, all data sets counted, from 0: the order of all results.
    pub number: u32,
    /// What is known about it.
    pub record: &'m SampleRecord,
}

/// A data set that takes part, and its samples that do.
#[derive(Debug)]
pub struct PlannedDataSet<'m> {
    /// Its name.
    pub name: &'m str,
    /// Its samples.
    pub samples: Vec<PlannedSample<'m>>,
    /// Samples that cannot take part, for their record alone.
    pub rejected: Vec<SampleFailure>,
}

/// The samples that take part.
#[derive(Debug)]
pub struct Plan<'m> {
    /// The data sets, in the order of the data module.
    pub datasets: Vec<PlannedDataSet<'m>>,
    /// Data sets that were left out.
    pub skipped_datasets: Vec<String>,
}

impl Selection {
    /// What stands for all samples that take part, whatever part of the run does them: names,
    /// places and labels.
    ///
    /// # Errors
    /// As [`Selection::plan`].
    pub fn digest(&self, module: &DataModule) -> Result<SettingsKey, SelectionError> {
        let whole = Self {
            shard: None,
            ..self.clone()
        };
        let plan = whole.plan(module)?;
        let mut samples = Vec::with_capacity(plan.samples());
        for dataset in &plan.datasets {
            for sample in &dataset.samples {
                let label = Label::from(&sample.record.target);
                samples.push((
                    dataset.name,
                    sample.number,
                    sample.record.name.as_str(),
                    label,
                ));
            }
        }
        let count = self.shard.map(Shard::count);
        Ok(SettingsKey::of(&(samples, count)))
    }

    /// The samples of `module` that take part. Nothing is read.
    ///
    /// # Errors
    /// Where there is no data set of the name that is asked for.
    pub fn plan<'m>(&self, module: &'m DataModule) -> Result<Plan<'m>, SelectionError> {
        let wanted = |dataset: &DataSet| {
            let only = self.only_dataset.as_deref();
            only.is_none_or(|only| only == dataset.name)
        };
        if let Some(name) = &self.only_dataset
            && !module.datasets.iter().any(wanted)
        {
            return Err(unknown(name, module));
        }
        let mut plan = Plan {
            datasets: Vec::new(),
            skipped_datasets: Vec::new(),
        };
        let (mut first, mut position) = (0, 0);
        for dataset in &module.datasets {
            let begin = first;
            first += dataset.samples.len();
            if !wanted(dataset) {
                plan.skipped_datasets.push(dataset.name.clone());
                continue;
            }
            let mut samples = Vec::new();
            let limit = self.limit.unwrap_or(usize::MAX);
            for (index, record) in dataset.samples.iter().take(limit).enumerate() {
                if self.shard.is_none_or(|shard| shard.has(position)) {
                    let number = u32::try_from(begin + index).unwrap_or(u32::MAX);
                    samples.push(PlannedSample { number, record });
                }
                position += 1;
            }
            // Records that cannot be used are told by one part of the run.
            let tells = self.shard.is_none_or(|shard| shard.index() == 1);
            plan.datasets.push(PlannedDataSet {
                name: &dataset.name,
                samples,
                rejected: if tells { rejected(dataset) } else { Vec::new() },
            });
        }
        Ok(plan)
    }
}

fn rejected(dataset: &DataSet) -> Vec<SampleFailure> {
    let failure = |record: &mednet_data::RejectedRecord| {
        let name = record.name.clone();
        let name = name.unwrap_or_else(|| format!("sample {} of the split", record.index));
        let reason = format!("its record in line {} {}", record.line, record.reason);
        Fault::new(FailureKind::Record, reason).at(&dataset.name, &name)
    };
    dataset.rejected.iter().map(failure).collect()
}

fn unknown(name: &str, module: &DataModule) -> SelectionError {
    let names = || module.datasets.iter().map(|dataset| dataset.name.as_str());
    let known: Vec<String> = names().map(|name| format!("`{name}`")).collect();
    SelectionError {
        name: name.to_owned(),
        module: module.name.clone(),
        hint: suggest::hint(name, names()),
        known: match known.is_empty() {
            true => "none".to_owned(),
            false => known.join(", "),
        },
    }
}

impl Plan<'_> {
    /// Samples that take part.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.datasets
            .iter()
            .map(|dataset| dataset.samples.len())
            .sum()
    }
}
