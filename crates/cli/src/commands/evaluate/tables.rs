//! The tables: all scores of all methods, and how each pair of methods differs.

use mednet_base::json::Value;
use mednet_base::text::plural;
use mednet_report::table::{Cell, Table, TableFormat};
use mednet_saliency::evaluation::SCORES;
use mednet_saliency::statistics::Summary;

use super::Evaluation;
use super::document;

/// Both tables in one text that ends in a newline.
///
/// JSON is one document; CSV, which knows no text between tables, has an empty line there.
pub(super) fn text(evaluation: &Evaluation, format: &dyn TableFormat) -> String {
    let scores = scores(evaluation);
    let precise = matches!(format.name(), "csv" | "json");
    let comparisons = comparisons(evaluation, precise);
    if format.name() == "json" {
        let parsed = |table: &Table| Value::parse(&format.write(table)).unwrap_or(Value::Null);
        let document: Value = [
            ("scores", parsed(&scores)),
            ("comparisons", parsed(&comparisons)),
        ]
        .into_iter()
        .collect();
        return document.to_text();
    }
    let mut text = format.write(&scores);
    let note = |lines: String| match format.name() {
        "csv" => String::new(),
        "latex" => {
            lines
                .lines()
                .map(|line| format!("% {line}\n"))
                .collect::<String>()
                + "\n"
        }
        _ => format!("{lines}\n\n"),
    };
    text.push_str("\n\n");
    if !comparisons.rows.is_empty() {
        text.push_str(&note(caption(evaluation)));
        text.push_str(&format.write(&comparisons));
        text.push_str("\n\n");
    }
    for entry in evaluation
        .entries
        .iter()
        .filter(|entry| entry.other_weights > 0)
    {
        let maps = plural(entry.other_weights, "map was", "maps were");
        let name = &entry.name;
        text.push_str(&note(format!(
            "{name}: {maps} made with other weights than those that scored them."
        )));
    }
    if holds_nan(&scores) || holds_nan(&comparisons) {
        text.push_str(&note(NAN.to_owned()));
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

const NAN: &str = "nan: not defined; a mean needs one sample, spread and intervals need two.";

fn holds_nan(table: &Table) -> bool {
    let mut cells = table.rows.iter().flatten();
    cells.any(|cell| matches!(cell, Cell::Float(value) if value.is_nan()))
}

/// What the second table shows.
fn caption(evaluation: &Evaluation) -> String {
    format!(
        "Paired differences of means, A - B, over the samples that both methods have, with 95 %\n\
         intervals (BCa bootstrap over the samples, {} resamples, seed {}). p: Wilcoxon\n\
         signed-rank test, two-sided. p[Holm]: corrected for the number of pairs by Holm's method,\n\
         within each subset and score. Controls are not compared with each other.",
        evaluation.bootstrap.resamples, evaluation.bootstrap.seed
    )
}

/// A row for each method and data set.
fn scores(evaluation: &Evaluation) -> Table {
    let mut headers: Vec<String> = ["algorithm", "subset", "samples"]
        .map(str::to_owned)
        .to_vec();
    for score in SCORES {
        let columns = ["mean", "std", "25%", "50%", "75%"];
        headers.extend(columns.map(|column| format!("{}[{column}]", score.header())));
    }
    let mut rows = Vec::new();
    for entry in &evaluation.entries {
        for part in &entry.parts {
            let mut row: Vec<Cell> = vec![
                entry.name.as_str().into(),
                part.dataset.as_str().into(),
                part.samples.len().into(),
            ];
            for evaluated in &part.scores {
                let Summary {
                    mean,
                    standard_deviation,
                    quartiles: [first, median, third],
                    ..
                } = evaluated.summary;
                row.extend([mean, standard_deviation, first, median, third].map(Cell::Float));
            }
            rows.push(row);
        }
    }
    Table { headers, rows }
}

/// A row for each data set, score and pair of methods; `precise`: numbers in full.
fn comparisons(evaluation: &Evaluation, precise: bool) -> Table {
    let headers = [
        "subset",
        "score",
        "A",
        "B",
        "samples",
        "A - B[mean]",
        "A - B[2.5%]",
        "A - B[97.5%]",
        "p",
        "p[Holm]",
    ];
    let probability = |p: f64| match precise {
        true => Cell::Float(p),
        false => Cell::Text(document::short_probability(p)),
    };
    let mut rows = Vec::new();
    for (dataset, comparisons) in evaluation.datasets.iter().zip(&evaluation.comparisons) {
        // A method that lacks the data set has no row.
        let known = |index: usize| evaluation.entries[index].part(dataset).is_some();
        for comparison in comparisons
            .iter()
            .filter(|c| known(c.first) && known(c.second))
        {
            rows.push(vec![
                dataset.as_str().into(),
                comparison.score.header().into(),
                evaluation.entries[comparison.first].name.as_str().into(),
                evaluation.entries[comparison.second].name.as_str().into(),
                comparison.samples.into(),
                comparison.difference.into(),
                comparison.interval.low.into(),
                comparison.interval.high.into(),
                probability(comparison.test.p),
                probability(comparison.corrected),
            ]);
        }
    }
    Table {
        headers: headers.map(str::to_owned).to_vec(),
        rows,
    }
}
