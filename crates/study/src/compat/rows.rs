//! Rows of scores: `{DATASET: [[NAME, LABEL], [NAME, LABEL, ...], ...]}`.

use mednet_base::json::Value;

use crate::run::ClassScores;
use crate::run::interpretability::BoxScores;
use crate::scores::{Label, ScoredDataSet};

/// The second entry of a row.
#[must_use]
pub fn label(label: &Label) -> Value {
    match label {
        Label::One(label) => Value::Integer(*label),
        Label::Several(labels) => Value::Array(
            labels
                .iter()
                .map(|&label| Value::Integer(label.into()))
                .collect(),
        ),
    }
}

/// `[NAME, LABEL, OUTPUT, MORF, LERF, COMBINED]`, or `[NAME, LABEL]` without scores.
#[must_use]
pub fn completeness_rows(datasets: &[ScoredDataSet<ClassScores>]) -> Value {
    rows(datasets, |scores| {
        let road = &scores.road;
        let columns = [road.morf.0, road.lerf.0, road.combined.0];
        let output = Value::from(scores.class);
        std::iter::once(output)
            .chain(columns.map(Value::from))
            .collect()
    })
}

/// `[NAME, LABEL, ENERGY, FOCUS]`, or `[NAME, LABEL]` without scores.
#[must_use]
pub fn interpretability_rows(datasets: &[ScoredDataSet<BoxScores>]) -> Value {
    rows(datasets, |scores| {
        scores.scores.iter().map(|&score| score.into()).collect()
    })
}

fn rows<S>(datasets: &[ScoredDataSet<S>], columns: impl Fn(&S) -> Vec<Value>) -> Value {
    let dataset = |dataset: &ScoredDataSet<S>| {
        let rows = dataset.samples.iter().map(|sample| {
            let mut row = vec![Value::from(sample.name.as_str()), label(&sample.label)];
            row.extend(sample.scores.iter().flat_map(&columns));
            Value::Array(row)
        });
        (dataset.name.clone(), Value::Array(rows.collect()))
    };
    datasets.iter().map(dataset).collect()
}
