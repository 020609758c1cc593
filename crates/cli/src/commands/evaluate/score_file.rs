//! Reading the files that completeness and interpretability write.

use std::path::Path;

use mednet_base::json::Value;
use mednet_saliency::evaluation::{
    Completeness, CompletenessRow, Interpretability, InterpretabilityRow,
};

use crate::exit::Refusal;

/// Rows by data set, in the order of the file.
pub(super) type Datasets<R> = Vec<(String, Vec<R>)>;

/// Larger files hold no scores of samples.
const LARGEST: u64 = 1 << 30;

/// Reads a JSON document.
pub(super) fn read(path: &Path) -> Result<Value, Refusal> {
    let failed =
        |reason: String| Refusal::new(format!("cannot read `{}`: {reason}", path.display()));
    let bytes = mednet_base::file::read_limited(path, LARGEST);
    let bytes = bytes.map_err(|error| failed(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|error| failed(error.to_string()))?;
    Value::parse(&text)
        .map_err(|error| Refusal::new(format!("`{}` is no JSON: {error}", path.display())))
}

/// Reads a file of completeness scores.
pub(super) fn completeness(path: &Path) -> Result<Datasets<CompletenessRow>, Refusal> {
    let kind = Kind {
        name: "completeness",
        other: "interpretability",
        entries: 6,
        others: 4,
        layout: "[NAME, LABEL, OUTPUT, MORF, LERF, COMBINED]",
    };
    rows(path, &kind, |sample, label, rest| {
        let scores = match rest {
            [output, _, _, combined] => Some(Completeness {
                output: whole(output).ok_or("an output number at place 3")?,
                combined: number(combined).ok_or("a number at place 6")?,
            }),
            _ => None,
        };
        Ok(CompletenessRow {
            sample,
            label,
            scores,
        })
    })
}

/// Reads a file of interpretability scores.
pub(super) fn interpretability(path: &Path) -> Result<Datasets<InterpretabilityRow>, Refusal> {
    let kind = Kind {
        name: "interpretability",
        other: "completeness",
        entries: 4,
        others: 6,
        layout: "[NAME, LABEL, ENERGY, FOCUS]",
    };
    rows(path, &kind, |sample, label, rest| {
        let scores = match rest {
            [energy, focus] => Some(Interpretability {
                energy: number(energy).ok_or("a number at place 3")?,
                focus: number(focus).ok_or("a number at place 4")?,
            }),
            _ => None,
        };
        Ok(InterpretabilityRow {
            sample,
            label,
            scores,
        })
    })
}

/// How the rows of a file look.
struct Kind {
    name: &'static str,
    other: &'static str,
    /// Entries of a row with scores; a row without has two.
    entries: usize,
    /// Those of the other kind.
    others: usize,
    layout: &'static str,
}

/// Reads all rows; `build` makes one of a name, a label and what follows, or says what it expected.
fn rows<R>(
    path: &Path,
    kind: &Kind,
    build: impl Fn(String, Option<i64>, &[Value]) -> Result<R, &'static str>,
) -> Result<Datasets<R>, Refusal> {
    let file = path.display();
    let refuse = |what: &str, expected: &str, found: &str| {
        Refusal::new(format!(
            "`{file}`{what}: expected {expected}, found {found}"
        ))
    };
    let document = read(path)?;
    let Value::Object(datasets) = &document else {
        let expected = format!("{} scores, {{DATASET: [rows]}}", kind.name);
        return Err(refuse("", &expected, &shown(&document)));
    };
    let mut result: Datasets<R> = Vec::with_capacity(datasets.len());
    for (dataset, values) in datasets {
        let place = format!(", data set `{dataset}`");
        let Value::Array(values) = values else {
            return Err(refuse(&place, "a list of rows", &shown(values)));
        };
        if result.iter().any(|(name, _)| name == dataset) {
            return Err(refuse(&place, "each data set once", "it twice"));
        }
        let mut rows = Vec::with_capacity(values.len());
        for (index, row) in values.iter().enumerate() {
            let mut place = format!(", data set `{dataset}`, row {}", index + 1);
            let layout = format!("[NAME, LABEL] or {}", kind.layout);
            let Value::Array(entries) = row else {
                return Err(refuse(&place, &layout, &shown(row)));
            };
            let [Value::Text(sample), label, rest @ ..] = entries.as_slice() else {
                return Err(refuse(&place, &layout, &shown(row)));
            };
            place.push_str(&format!(" (sample `{sample}`)"));
            if ![2, kind.entries].contains(&entries.len()) {
                let mut found = format!("{} entries", entries.len());
                if entries.len() == kind.others {
                    found.push_str(&format!(
                        ", as {} has; each entry takes NAME, then completeness, then \
                         interpretability",
                        kind.other
                    ));
                }
                return Err(refuse(&place, &layout, &found));
            }
            let label = class(label)
                .ok_or_else(|| refuse(&place, "a class number as label", &shown(label)))?;
            let row = build(sample.clone(), label, rest)
                .map_err(|expected| refuse(&place, expected, &shown(row)))?;
            rows.push(row);
        }
        result.push((dataset.clone(), rows));
    }
    Ok(result)
}

/// A class, or nothing for a list of labels; outer `None` if it is neither.
fn class(value: &Value) -> Option<Option<i64>> {
    match value {
        Value::Array(labels) => match labels.as_slice() {
            [only] => class(only),
            labels => labels
                .iter()
                .all(|label| whole(label).is_some())
                .then_some(None),
        },
        value => whole(value).map(Some),
    }
}

/// A whole number, also one written with a point.
pub(super) fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(value) => Some(*value),
        Value::Float(value) if value.fract() == 0.0 && value.abs() < 1e15 => Some(*value as i64),
        _ => None,
    }
}

/// A number; null, as strict writers put for NaN, is NaN.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Null => Some(f64::NAN),
        value => value.as_number(),
    }
}

/// The beginning of a value as a file has it.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::Object(_) => "an object".to_owned(),
        value => value.to_text(),
    };
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() > 80 {
        format!("{}...", text.chars().take(77).collect::<String>())
    } else {
        text
    }
}
