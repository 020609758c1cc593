//! The files of scores: rows as JSON, notes, table, plots.

use std::path::{Path, PathBuf};

use mednet_base::file;
use mednet_base::json::Value;
use mednet_data::Target;
use mednet_report::drawing::pdf::write_pdf;
use mednet_report::score_table::{DataSetScores, Metric, score_histograms, score_table};
use mednet_report::table;
use mednet_saliency::run::{MapSource, SampleFailure};
use serde_json::json;

use crate::args::ScoreOutput;
use crate::exit::Refusal;
use crate::metadata::Metadata;
use crate::printer::Printer;

/// A JSON file and the start of the names of those beside it.
pub(crate) struct ScoreFiles {
    /// The rows.
    pub(crate) json: PathBuf,
}

/// The files of each source: `DIR/NAME.json`, or `DIR/METHOD/NAME.json` for several.
pub(crate) fn destinations(
    output: &ScoreOutput,
    sources: &[MapSource],
    name: &str,
) -> Result<Vec<ScoreFiles>, Refusal> {
    let several = sources.len() > 1;
    if let Some(json) = &output.output_json {
        if several {
            return Err(Refusal::new(format!(
                "--output-json names one file, but there are {} methods: use --output-folder DIR, \
                 which gets DIR/METHOD/{name}.json",
                sources.len()
            )));
        }
        if json.file_name().is_none() || json.is_dir() {
            let json = json.display();
            return Err(Refusal::new(format!("--output-json `{json}` is no file")));
        }
        return Ok(vec![ScoreFiles { json: json.clone() }]);
    }
    let file = format!("{name}.json");
    let files = sources.iter().map(|source| ScoreFiles {
        json: match source.name().filter(|_| several) {
            Some(method) => output.output_folder.join(method).join(&file),
            None => output.output_folder.join(&file),
        },
    });
    Ok(files.collect())
}

impl ScoreFiles {
    /// `STEM.ending` for `STEM.json`.
    pub(crate) fn beside(&self, ending: &str) -> PathBuf {
        let name = self.json.file_name().unwrap_or_default().to_string_lossy();
        let stem = name.strip_suffix(".json").unwrap_or(&name);
        self.json.with_file_name(format!("{stem}.{ending}"))
    }

    /// Writes the rows, the older file being kept.
    pub(crate) fn write_rows(&self, rows: &Value) -> Result<(), Refusal> {
        Ok(rows.write_with_backup(&self.json)?)
    }

    /// Writes the notes.
    pub(crate) fn write_metadata(&self, metadata: &Metadata) -> Result<(), Refusal> {
        let mut text = serde_json::to_string_pretty(metadata)?;
        text.push('\n');
        Ok(file::write(&self.beside("meta.json"), text.as_bytes())?)
    }

    /// Writes the table and the plots, and prints the table.
    pub(crate) fn write_summary(
        &self,
        method: Option<&str>,
        metrics: &[Metric],
        datasets: &[DataSetScores],
        plot: bool,
        printer: &Printer,
    ) -> Result<(), Refusal> {
        let table = table::by_name("rst")?.write(&score_table(metrics, datasets));
        file::write(&self.beside("rst"), table.as_bytes())?;
        match method {
            Some(method) => printer.table(&format!("{method}:\n\n{table}\n")),
            None => printer.table(&table),
        }
        for dataset in datasets.iter().filter(|dataset| dataset.samples.is_empty()) {
            let of = method.map_or_else(String::new, |method| format!(" of {method}"));
            printer.warning(&format!(
                "no sample{of} of the data set `{}` has a score: its row is nan",
                dataset.name
            ));
        }
        let pages = if plot {
            score_histograms(method, metrics, datasets)
        } else {
            Vec::new()
        };
        if !pages.is_empty() {
            let title = self.json.file_stem().unwrap_or_default().to_string_lossy();
            write_pdf(&self.beside("pdf"), &title, &pages)?;
        }
        Ok(())
    }
}

/// The second entry of a row.
pub(crate) fn label(target: &Target) -> Value {
    match (target, target.single_label()) {
        (_, Some(label)) => label.into(),
        (Target::Multiple(labels), None) => {
            let labels = labels.iter().map(|&label| Value::Integer(label.into()));
            Value::Array(labels.collect())
        }
        (Target::Single(label), None) => (*label).into(),
    }
}

/// Failures for the notes.
pub(crate) fn failures_json<'a>(
    failures: impl IntoIterator<Item = &'a SampleFailure>,
) -> serde_json::Value {
    let failures = failures.into_iter().map(|failure| {
        json!({
            "dataset": failure.dataset,
            "sample": failure.sample,
            "reason": failure.reason,
        })
    });
    serde_json::Value::Array(failures.collect())
}

/// A path for the notes.
pub(crate) fn path_json(path: Option<&Path>) -> serde_json::Value {
    json!(path.map(|path| path.display().to_string()))
}
