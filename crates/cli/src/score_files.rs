//! The files of scores: rows as JSON, notes, table, plots.

use std::path::{Path, PathBuf};

use mednet_base::file;
use mednet_report::drawing::pdf::write_pdf;
use mednet_report::score_table::{DataSetScores, Metric, score_histograms, score_table};
use mednet_report::table;
use mednet_saliency::metric::LOCALIZATION_METRICS;
use mednet_saliency::metric::road::{ROAD_COLUMNS, RoadSettings};
use mednet_study::compat::{completeness_rows, curves, interpretability_rows};
use mednet_study::run::ClassScores;
use mednet_study::run::interpretability::BoxScores;
use mednet_study::{Ended, ScoredDataSet, notes};

use crate::args::ScoreOutput;
use crate::exit::Refusal;
use crate::printer::Printer;

/// Where the results of a run go.
pub(crate) struct ScoreFiles {
    /// Folder of all files; journals go below it.
    pub(crate) folder: PathBuf,
    /// For each source of maps, the file of its rows below the folder.
    pub(crate) json: Vec<PathBuf>,
    /// Whether there are plots.
    pub(crate) plot: bool,
}

impl ScoreFiles {
    /// The files of each source: `DIR/NAME.json`, or `DIR/METHOD/NAME.json` for several.
    pub(crate) fn new(
        output: &ScoreOutput,
        sources: &[Option<String>],
        name: &str,
        plot: bool,
    ) -> Result<Self, Refusal> {
        let several = sources.len() > 1;
        if let Some(json) = &output.output_json {
            if several {
                return Err(Refusal::new(format!(
                    "--output-json names one file, but there are {} methods: use --output-folder \
                     DIR, which gets DIR/METHOD/{name}.json",
                    sources.len()
                )));
            }
            let (Some(file), false) = (json.file_name(), json.is_dir()) else {
                let json = json.display();
                return Err(Refusal::new(format!("--output-json `{json}` is no file")));
            };
            let folder = json.parent().filter(|folder| *folder != Path::new(""));
            return Ok(Self {
                folder: folder.unwrap_or(Path::new(".")).to_owned(),
                json: vec![PathBuf::from(file)],
                plot,
            });
        }
        let file = format!("{name}.json");
        let below = |source: &Option<String>| match source.as_deref().filter(|_| several) {
            Some(method) => Path::new(method).join(&file),
            None => PathBuf::from(&file),
        };
        Ok(Self {
            folder: output.output_folder.clone(),
            json: sources.iter().map(below).collect(),
            plot,
        })
    }

    /// The files of rows.
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        self.json
            .iter()
            .map(|json| self.folder.join(json))
            .collect()
    }

    /// The files below the folder, as the notes of the parts of a run name them.
    pub(crate) fn names(&self) -> Vec<String> {
        let name = |json: &PathBuf| json.to_string_lossy().replace('\\', "/");
        self.json.iter().map(name).collect()
    }

    /// Where earlier runs that came to their end have kept what they scored.
    pub(crate) fn records(&self, name: &str) -> PathBuf {
        let scores = match &self.json[..] {
            [only] => self.folder.join(only),
            _ => self.folder.join(format!("{name}.json")),
        };
        mednet_study::run::completeness::records_path(&scores)
    }
}

/// `STEM.ending` for `STEM.json`.
pub(crate) fn beside(json: &Path, ending: &str) -> PathBuf {
    let name = json.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.strip_suffix(".json").unwrap_or(&name);
    json.with_file_name(format!("{stem}.{ending}"))
}

/// What is written about one source of maps.
pub(crate) struct Results<'a> {
    /// The file of the rows.
    pub(crate) json: &'a Path,
    /// The method, where there are several.
    pub(crate) method: Option<&'a str>,
    /// The notes.
    pub(crate) notes: serde_json::Value,
    /// What must stand below every table.
    pub(crate) remark: Option<String>,
    /// Whether there are plots.
    pub(crate) plot: bool,
}

impl Results<'_> {
    /// Writes all files of completeness scores, and prints the table.
    pub(crate) fn write_completeness(
        &self,
        source: Option<&str>,
        datasets: &[ScoredDataSet<ClassScores>],
        road: &RoadSettings,
        printer: &Printer,
    ) -> Result<(), Refusal> {
        completeness_rows(datasets).write_with_backup(self.json)?;
        curves::of(source, datasets, road).write_with_backup(&beside(self.json, "curves.json"))?;
        let metrics = ROAD_COLUMNS.map(|name| Metric {
            short_name: name,
            name,
        });
        let columns = |scores: &ClassScores| {
            let road = &scores.road;
            vec![road.morf.0, road.lerf.0, road.combined.0]
        };
        self.write_summary(&metrics, &table_scores(datasets, columns), printer)
    }

    /// Writes all files of interpretability scores, and prints the table.
    pub(crate) fn write_interpretability(
        &self,
        datasets: &[ScoredDataSet<BoxScores>],
        printer: &Printer,
    ) -> Result<(), Refusal> {
        interpretability_rows(datasets).write_with_backup(self.json)?;
        let metrics: Vec<Metric> = LOCALIZATION_METRICS
            .iter()
            .map(|metric| Metric {
                short_name: metric.short_name(),
                name: metric.name(),
            })
            .collect();
        let columns = |scores: &BoxScores| scores.scores.clone();
        self.write_summary(&metrics, &table_scores(datasets, columns), printer)
    }

    /// Writes the notes, the table and the plots, and prints the table.
    fn write_summary(
        &self,
        metrics: &[Metric],
        datasets: &[DataSetScores],
        printer: &Printer,
    ) -> Result<(), Refusal> {
        notes::write(&beside(self.json, "meta.json"), &self.notes)?;
        let mut table = table::by_name("rst")?.write(&score_table(metrics, datasets));
        if let Some(remark) = &self.remark {
            table = format!("{}\n\n{remark}\n", table.trim_end());
        }
        file::write(&beside(self.json, "rst"), table.as_bytes())?;
        match self.method {
            Some(method) => printer.table(&format!("{method}:\n\n{table}\n")),
            None => printer.table(&table),
        }
        for dataset in datasets.iter().filter(|dataset| dataset.samples.is_empty()) {
            let of = self
                .method
                .map_or_else(String::new, |method| format!(" of {method}"));
            printer.warning(&format!(
                "no sample{of} of the data set `{}` has a score: its row is nan",
                dataset.name
            ));
        }
        let pages = match self.plot {
            true => score_histograms(self.method, metrics, datasets),
            false => Vec::new(),
        };
        if !pages.is_empty() {
            let title = self.json.file_stem().unwrap_or_default().to_string_lossy();
            write_pdf(&beside(self.json, "pdf"), &title, &pages)?;
        }
        Ok(())
    }
}

fn table_scores<S>(
    datasets: &[ScoredDataSet<S>],
    columns: impl Fn(&S) -> Vec<f64>,
) -> Vec<DataSetScores> {
    datasets
        .iter()
        .map(|dataset| DataSetScores {
            name: dataset.name.clone(),
            samples: dataset.scores().map(&columns).collect(),
        })
        .collect()
}

/// What is said of a run whose results are not written, since some samples were not tried.
pub(crate) fn not_written(ended: Ended, done: usize, folder: &Path) -> Option<String> {
    let why = match ended {
        Ended::Interrupted => "interrupted",
        Ended::FailFast => "stopped at the first failure (--fail-fast)",
        Ended::OutputLost => "stopped",
        Ended::Complete | Ended::SomeFailed => return None,
    };
    Some(format!(
        "{why}: {} so far, kept in `{}`; results are written when all are there: run the same \
         command again to go on",
        mednet_base::text::plural(done, "sample scored", "samples scored"),
        folder.join("journal").display()
    ))
}
