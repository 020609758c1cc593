//! Which data sets and samples of a data module take part in a run.

use mednet_data::{DataModule, DataSet, SampleRecord};
use thiserror::Error;

/// No data set takes part.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no data set `{name}` in `{module}`; it has {known}")]
pub struct SelectionError {
    /// What was asked for.
    pub name: String,
    /// The data module.
    pub module: String,
    /// What there is.
    pub known: String,
}

/// A data set that takes part, and its samples that do.
pub(super) struct Selected<'m> {
    pub(super) name: &'m str,
    pub(super) records: Vec<&'m SampleRecord>,
}

/// The data sets that take part, and the names of those left out.
pub(super) fn select<'m>(
    module: &'m DataModule,
    only_dataset: Option<&str>,
    limit: Option<usize>,
) -> Result<(Vec<Selected<'m>>, Vec<String>), SelectionError> {
    let wanted = |dataset: &&DataSet| only_dataset.is_none_or(|only| only == dataset.name);
    let (wanted, left_out): (Vec<&DataSet>, Vec<&DataSet>) =
        module.datasets.iter().partition(wanted);
    if let (Some(name), true) = (only_dataset, wanted.is_empty()) {
        let names = module.datasets.iter();
        let names: Vec<String> = names.map(|dataset| format!("`{}`", dataset.name)).collect();
        return Err(SelectionError {
            name: name.to_owned(),
            module: module.name.clone(),
            known: if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            },
        });
    }
    let selected = wanted.into_iter().map(|dataset| {
        let records = dataset.samples.iter().take(limit.unwrap_or(usize::MAX));
        Selected {
            name: &dataset.name,
            records: records.collect(),
        }
    });
    Ok((
        selected.collect(),
        left_out
            .into_iter()
            .map(|dataset| dataset.name.clone())
            .collect(),
    ))
}
