//! A method that is compared: its files and its scores.

use std::path::{Path, PathBuf};

use mednet_saliency::evaluation::{
    Bootstrap, CONTROL_PREFIX, CompletenessRow, Evaluated, InterpretabilityRow, Reconciled,
    ReconciledSample, evaluate, reconcile,
};
use serde_json::{Value, json};

use super::score_file::{self, Datasets};
use crate::exit::Refusal;
use crate::printer::Printer;
use mednet_base::text::plural;

/// A method.
pub(super) struct Entry {
    /// What it is called.
    pub(super) name: String,
    /// Whether it is a control.
    pub(super) is_control: bool,
    /// Where its completeness scores are.
    pub(super) completeness_path: PathBuf,
    /// Where its interpretability scores are.
    pub(super) interpretability_path: PathBuf,
    /// How many of its maps were made with other weights than those that scored them, as the notes
    /// beside the completeness scores say.
    pub(super) other_weights: usize,
    /// One for each data set, in the order of the completeness file.
    pub(super) parts: Vec<Part>,
    completeness: Datasets<CompletenessRow>,
    interpretability: Datasets<InterpretabilityRow>,
}

/// The scores of a method on one data set.
pub(super) struct Part {
    /// The data set.
    pub(super) dataset: String,
    /// The samples that have both scores.
    pub(super) samples: Vec<ReconciledSample>,
    /// What the samples amount to, for each score.
    pub(super) scores: Vec<Evaluated>,
    left_out: Value,
}

impl Entry {
    /// Reads both files.
    pub(super) fn read(
        name: &str,
        completeness: &Path,
        interpretability: &Path,
    ) -> Result<Self, Refusal> {
        Ok(Self {
            name: name.to_owned(),
            is_control: name.starts_with(CONTROL_PREFIX),
            completeness: score_file::completeness(completeness)?,
            interpretability: score_file::interpretability(interpretability)?,
            other_weights: other_weights(completeness),
            completeness_path: completeness.to_owned(),
            interpretability_path: interpretability.to_owned(),
            parts: Vec::new(),
        })
    }

    /// Names of the data sets of both files.
    pub(super) fn known_datasets(&self) -> impl Iterator<Item = &str> {
        let completeness = self.completeness.iter().map(|(name, _)| name.as_str());
        let interpretability = self.interpretability.iter().map(|(name, _)| name.as_str());
        completeness.chain(interpretability)
    }

    /// Brings both scores of every sample together and tells what was left out.
    pub(super) fn reconcile(
        &mut self,
        only: Option<&str>,
        bootstrap: Bootstrap,
        printer: &Printer,
    ) -> Result<(), Refusal> {
        let name = &self.name;
        let wanted = |dataset: &str| only.is_none_or(|only| only == dataset);
        for (dataset, rows) in &self.completeness {
            if !wanted(dataset) {
                printer.info(&format!(
                    "{name}: data set `{dataset}` left out by --only-dataset"
                ));
                continue;
            }
            let other = self
                .interpretability
                .iter()
                .find(|(name, _)| name == dataset);
            let Some((_, other)) = other else {
                only_in_one(name, dataset, &self.completeness_path, printer);
                continue;
            };
            let reconciled = reconcile(rows, other).map_err(|error| {
                let files = [&self.completeness_path, &self.interpretability_path];
                let [ours, theirs] = files.map(|path| path.display());
                Refusal::new(format!(
                    "{name}: `{ours}` and `{theirs}`, `{dataset}`: {error}"
                ))
            })?;
            tell(name, dataset, &reconciled, printer);
            self.parts.push(Part {
                dataset: dataset.clone(),
                scores: evaluate(dataset, &reconciled.samples, bootstrap),
                left_out: json!({
                    "only-in-one-file": reconciled.only_in_one,
                    "not-finite": reconciled.not_finite,
                    "repeated": reconciled.repeated,
                }),
                samples: reconciled.samples,
            });
        }
        for (dataset, _) in &self.interpretability {
            let known = self.completeness.iter().any(|(name, _)| name == dataset);
            if wanted(dataset) && !known {
                only_in_one(name, dataset, &self.interpretability_path, printer);
            }
        }
        if self.parts.is_empty() {
            let names = |datasets: Vec<String>| match datasets.is_empty() {
                true => "none".to_owned(),
                false => datasets.join(", "),
            };
            let ours = names(
                self.completeness
                    .iter()
                    .map(|(name, _)| format!("`{name}`"))
                    .collect(),
            );
            let theirs = names(
                self.interpretability
                    .iter()
                    .map(|(name, _)| format!("`{name}`"))
                    .collect(),
            );
            let asked = only.map_or_else(String::new, |only| {
                format!(", of which `{only}` is asked for")
            });
            return Err(Refusal::new(format!(
                "{name}: no data set is in both files: `{}` has {ours}, `{}` has {theirs}{asked}",
                self.completeness_path.display(),
                self.interpretability_path.display()
            )));
        }
        Ok(())
    }

    /// The scores on a data set.
    pub(super) fn part(&self, dataset: &str) -> Option<&Part> {
        self.parts.iter().find(|part| part.dataset == dataset)
    }

    /// The samples of a data set; none where the method lacks it.
    pub(super) fn samples(&self, dataset: &str) -> &[ReconciledSample] {
        self.part(dataset).map_or(&[], |part| &part.samples)
    }

    /// Names of samples left out, by data set and reason.
    pub(super) fn left_out(&self) -> Value {
        let parts = self.parts.iter();
        Value::Object(
            parts
                .map(|part| (part.dataset.clone(), part.left_out.clone()))
                .collect(),
        )
    }
}

/// Largest file of notes that is read.
const LARGEST_NOTES: u64 = 1 << 26;

fn other_weights(completeness: &Path) -> usize {
    let path = crate::score_files::beside(completeness, "meta.json");
    let bytes = mednet_base::file::read_limited(&path, LARGEST_NOTES).unwrap_or_default();
    let notes: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let count = notes.get("maps-of-other-weights").and_then(Value::as_u64);
    count
        .and_then(|count| usize::try_from(count).ok())
        .unwrap_or(0)
}

fn only_in_one(name: &str, dataset: &str, path: &Path, printer: &Printer) {
    let path = path.display();
    printer.warning(&format!(
        "{name}: data set `{dataset}` is in `{path}` only and is left out"
    ));
}

/// Tells what became of the samples.
fn tell(name: &str, dataset: &str, reconciled: &Reconciled, printer: &Printer) {
    let told = [
        (
            &reconciled.only_in_one,
            "in one of both files only, left out",
        ),
        (
            &reconciled.not_finite,
            "with a score that is no finite number, left out",
        ),
        (
            &reconciled.repeated,
            "with several interpretability rows, of which the first is used",
        ),
    ];
    for (samples, what) in told {
        if let Some(first) = samples.first() {
            let count = plural(samples.len(), "sample", "samples");
            let example = if samples.len() > 1 {
                "the first is"
            } else {
                "it is"
            };
            printer.warning(&format!(
                "{name}, data set `{dataset}`: {count} {what}; {example} `{first}`"
            ));
        }
    }
    if reconciled.samples.is_empty() {
        printer.warning(&format!(
            "{name}, data set `{dataset}`: no sample has both scores, so there is nothing to show"
        ));
    } else {
        let count = plural(reconciled.samples.len(), "sample has", "samples have");
        printer.info(&format!(
            "{name}, data set `{dataset}`: {count} both scores"
        ));
    }
}
