//! Reading ROAD curves from beside a file of completeness scores.

use std::path::Path;

use mednet_base::json::Value;

use super::score_file::{number, read, whole};
use crate::printer::Printer;

/// The layout that is understood.
const VERSION: i64 = 1;

/// The curves of one method.
pub(super) struct CurveFile {
    /// What the score is, such as `sigmoid`.
    pub(super) score: String,
    datasets: Vec<(String, Vec<Curve>)>,
}

/// Both curves of one map.
pub(super) struct Curve {
    /// The sample.
    pub(super) sample: String,
    /// The class that the map explains.
    pub(super) class: i64,
    /// Most relevant first.
    pub(super) most: Side,
    /// Least relevant first.
    pub(super) least: Side,
}

/// One curve: for each percentile, the share removed (0 to 1) and the change of the score.
pub(super) struct Side {
    pub(super) removed: Vec<f64>,
    pub(super) change: Vec<f64>,
}

impl CurveFile {
    /// Reads `STEM.curves.json` beside `STEM.json`, if it is there; what is wrong with it is told,
    /// and the curves are left out.
    pub(super) fn beside(completeness: &Path, printer: &Printer) -> Option<Self> {
        let path = completeness.with_extension("curves.json");
        if !path.is_file() {
            return None;
        }
        let read = read(&path)
            .map_err(|refusal| refusal.message)
            .and_then(|document| {
                Self::of(&document).map_err(|reason| format!("`{}`: {reason}", path.display()))
            });
        read.map_err(|reason| printer.warning(&format!("no ROAD curves are drawn: {reason}")))
            .ok()
    }

    fn of(document: &Value) -> Result<Self, String> {
        let version = document.get("version").and_then(whole);
        if version != Some(VERSION) {
            return Err(format!(
                "expected curves of version {VERSION}, found another"
            ));
        }
        let Some(Value::Text(score)) = document.get("score") else {
            return Err("expected the name of a score under `score`".to_owned());
        };
        let Some(Value::Array(percentiles)) = document.get("percentiles") else {
            return Err("expected a list under `percentiles`".to_owned());
        };
        let Some(Value::Object(datasets)) = document.get("datasets") else {
            return Err("expected an object under `datasets`".to_owned());
        };
        let mut result = Vec::with_capacity(datasets.len());
        for (dataset, rows) in datasets {
            let Value::Array(rows) = rows else {
                return Err(format!("expected a list for data set `{dataset}`"));
            };
            let mut curves = Vec::with_capacity(rows.len());
            for (index, row) in rows.iter().enumerate() {
                let curve = Curve::of(row, percentiles.len()).map_err(|reason| {
                    format!("data set `{dataset}`, entry {}: {reason}", index + 1)
                })?;
                curves.push(curve);
            }
            result.push((dataset.clone(), curves));
        }
        Ok(Self {
            score: score.clone(),
            datasets: result,
        })
    }

    /// The curves of a data set.
    pub(super) fn curves(&self, dataset: &str) -> &[Curve] {
        let found = self.datasets.iter().find(|(name, _)| name == dataset);
        found.map_or(&[], |(_, curves)| curves)
    }
}

impl Curve {
    fn of(row: &Value, points: usize) -> Result<Self, String> {
        let Some(Value::Text(sample)) = row.get("sample") else {
            return Err("expected the name of a sample under `sample`".to_owned());
        };
        let class = row.get("class").and_then(whole);
        let list = |key: &str| -> Result<Vec<f64>, String> {
            let expected = || format!("sample `{sample}`: expected {points} numbers under `{key}`");
            let Some(Value::Array(values)) = row.get(key) else {
                return Err(expected());
            };
            let values: Option<Vec<f64>> = values.iter().map(number).collect();
            values
                .filter(|values| values.len() == points)
                .ok_or_else(expected)
        };
        let side = |curve: &str| -> Result<Side, String> {
            Ok(Side {
                change: list(curve)?,
                removed: list(&format!("{curve}-removed"))?,
            })
        };
        Ok(Self {
            sample: sample.clone(),
            class: class
                .ok_or_else(|| format!("sample `{sample}`: expected a number under `class`"))?,
            most: side("morf")?,
            least: side("lerf")?,
        })
    }
}
