//! Both scores of each sample, brought together by the sample's name.

use std::collections::{HashMap, HashSet};

use super::Score;

/// What completeness says about a sample.
#[derive(Debug, Clone, PartialEq)]
pub struct CompletenessRow {
    /// Name of the sample.
    pub sample: String,
    /// Class of the sample; `None` where it has a label for each of several classes.
    pub label: Option<i64>,
    /// The scores; `None` where the sample was not scored.
    pub scores: Option<Completeness>,
}

/// The completeness of one map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Completeness {
    /// The output of the network that the map explains.
    pub output: i64,
    /// The combined ROAD score.
    pub combined: f64,
}

/// What interpretability says about a sample.
#[derive(Debug, Clone, PartialEq)]
pub struct InterpretabilityRow {
    /// Name of the sample.
    pub sample: String,
    /// Class of the sample; `None` where it has a label for each of several classes.
    pub label: Option<i64>,
    /// The scores; `None` where the sample was not scored.
    pub scores: Option<Interpretability>,
}

/// The interpretability of one map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interpretability {
    /// Proportional energy.
    pub energy: f64,
    /// Average saliency focus.
    pub focus: f64,
}

/// A sample with both.
#[derive(Debug, Clone, PartialEq)]
pub struct ReconciledSample {
    /// Name of the sample.
    pub sample: String,
    /// Its completeness.
    pub completeness: Completeness,
    /// Its interpretability.
    pub interpretability: Interpretability,
}

impl ReconciledSample {
    /// One of its scores.
    #[must_use]
    pub fn score(&self, score: Score) -> f64 {
        match score {
            Score::Aopc => self.completeness.combined,
            Score::Energy => self.interpretability.energy,
            Score::Focus => self.interpretability.focus,
            Score::Weighted => self.completeness.combined * self.interpretability.energy,
        }
    }
}

/// The samples of a data set that have both scores, and names of those left out with a reason.
/// Samples that either row says were not scored are left out silently: that is how samples
/// without a finding appear.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reconciled {
    /// In the order of completeness.
    pub samples: Vec<ReconciledSample>,
    /// Samples that only one of both knows.
    pub only_in_one: Vec<String>,
    /// Samples with a score that is no finite number.
    pub not_finite: Vec<String>,
    /// Samples with several rows of interpretability, of which the first with scores was used.
    pub repeated: Vec<String>,
}

/// Why rows cannot be brought together.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ReconcileError {
    /// The files are about different data.
    #[error(
        "sample `{sample}` has label {completeness} for completeness, but {interpretability} for \
         interpretability; both must come from the same data set"
    )]
    LabelsDiffer {
        /// Name of the sample.
        sample: String,
        /// Label in the completeness row.
        completeness: i64,
        /// Label in the interpretability row.
        interpretability: i64,
    },
}

/// Matches the rows of one data set by the names of samples.
///
/// A sample with several rows of completeness, one for each class, is judged by the row of the
/// output that is its label, else by its first.
///
/// # Errors
/// Where both disagree about a sample's label.
pub fn reconcile(
    completeness: &[CompletenessRow],
    interpretability: &[InterpretabilityRow],
) -> Result<Reconciled, ReconcileError> {
    let mut result = Reconciled::default();
    let mut localised: HashMap<&str, &InterpretabilityRow> = HashMap::new();
    let mut repeated = HashSet::new();
    for row in interpretability {
        let name = row.sample.as_str();
        match localised.get(name) {
            None => {
                localised.insert(name, row);
            }
            Some(first) => {
                if repeated.insert(name) {
                    result.repeated.push(row.sample.clone());
                }
                if first.scores.is_none() {
                    localised.insert(name, row);
                }
            }
        }
    }
    let mut order = Vec::new();
    let mut chosen: HashMap<&str, &CompletenessRow> = HashMap::new();
    for row in completeness {
        let name = row.sample.as_str();
        let is_label = |row: &CompletenessRow| {
            row.label.is_some() && row.scores.map(|s| s.output) == row.label
        };
        match chosen.get(name) {
            None => {
                order.push(name);
                chosen.insert(name, row);
            }
            Some(first) => {
                let better = is_label(row) && !is_label(first);
                if row.scores.is_some() && (first.scores.is_none() || better) {
                    chosen.insert(name, row);
                }
            }
        }
    }
    for name in order {
        let row = chosen[name];
        let Some(other) = localised.get(name) else {
            result.only_in_one.push(name.to_owned());
            continue;
        };
        if let (Some(ours), Some(theirs)) = (row.label, other.label)
            && ours != theirs
        {
            return Err(ReconcileError::LabelsDiffer {
                sample: name.to_owned(),
                completeness: ours,
                interpretability: theirs,
            });
        }
        let (Some(completeness), Some(interpretability)) = (row.scores, other.scores) else {
            continue;
        };
        let values = [
            completeness.combined,
            interpretability.energy,
            interpretability.focus,
        ];
        if !values.iter().all(|value| value.is_finite()) {
            result.not_finite.push(name.to_owned());
            continue;
        }
        result.samples.push(ReconciledSample {
            sample: name.to_owned(),
            completeness,
            interpretability,
        });
    }
    let mut told = HashSet::new();
    let missing = interpretability.iter().map(|row| row.sample.as_str());
    let missing = missing.filter(|name| !chosen.contains_key(name) && told.insert(*name));
    result.only_in_one.extend(missing.map(str::to_owned));
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(sample: &str, label: i64, scores: Option<(i64, f64)>) -> CompletenessRow {
        CompletenessRow {
            sample: sample.to_owned(),
            label: Some(label),
            scores: scores.map(|(output, combined)| Completeness { output, combined }),
        }
    }

    fn interpret(sample: &str, label: i64, scores: Option<(f64, f64)>) -> InterpretabilityRow {
        InterpretabilityRow {
            sample: sample.to_owned(),
            label: Some(label),
            scores: scores.map(|(energy, focus)| Interpretability { energy, focus }),
        }
    }

    #[test]
    fn keeps_what_has_both_in_the_order_of_completeness() {
        let completeness = [
            complete("z", 1, Some((0, 0.5))),
            complete("healthy", 0, Some((0, 0.1))),
            complete("a", 1, Some((0, -0.2))),
            complete("not run", 1, None),
            complete("alone", 1, Some((0, 0.3))),
            complete("broken", 1, Some((0, f64::NAN))),
        ];
        let interpretability = [
            interpret("a", 1, Some((0.25, 0.75))),
            interpret("healthy", 0, None),
            interpret("z", 1, Some((0.5, 1.0))),
            interpret("not run", 1, Some((0.1, 0.1))),
            interpret("broken", 1, Some((0.1, 0.1))),
            interpret("also alone", 0, None),
        ];
        let reconciled = reconcile(&completeness, &interpretability).unwrap();
        let names: Vec<&str> = reconciled
            .samples
            .iter()
            .map(|s| s.sample.as_str())
            .collect();
        assert_eq!(names, ["z", "a"]);
        let scores = super::super::SCORES.map(|score| reconciled.samples[1].score(score));
        assert_eq!(scores, [-0.2, 0.25, 0.75, -0.05]);
        assert_eq!(reconciled.only_in_one, ["alone", "also alone"]);
        assert_eq!(reconciled.not_finite, ["broken"]);
    }

    #[test]
    fn the_row_of_the_labels_class_is_used() {
        let rows = |label| {
            [
                complete("a", label, Some((0, 0.1))),
                complete("a", label, Some((1, 0.2))),
                complete("a", label, Some((2, 0.3))),
            ]
        };
        let used = |label| {
            let localised = [
                interpret("a", label, None),
                interpret("a", label, Some((1.0, 1.0))),
            ];
            let reconciled = reconcile(&rows(label), &localised).unwrap();
            assert_eq!(reconciled.repeated, ["a"]);
            reconciled.samples[0].completeness.output
        };
        assert_eq!([used(0), used(1), used(2), used(7)], [0, 1, 2, 0]);
    }

    #[test]
    fn different_labels_are_different_data() {
        let error = reconcile(&[complete("a", 1, None)], &[interpret("a", 0, None)]).unwrap_err();
        assert!(
            error.to_string().contains("sample `a` has label 1"),
            "{error}"
        );
    }
}
