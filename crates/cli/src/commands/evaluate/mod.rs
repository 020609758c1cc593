//! `mednet saliency evaluate`: methods compared by the completeness and interpretability of their
//! maps.

mod curve_file;
mod document;
mod entry;
mod pages;
mod score_file;
mod tables;

use std::path::Path;
use std::time::Instant;

use mednet_base::file;
use mednet_base::suggest;
use mednet_report::drawing::pdf::write_pdf;
use mednet_report::table;
use mednet_saliency::evaluation::{Bootstrap, Comparison, Contestant, compare};
use serde_json::{Value, json};

use self::curve_file::CurveFile;
use self::entry::Entry;
use crate::args::Evaluate;
use crate::exit::{Outcome, Refusal, Status};
use mednet_study::Diagnostic;

use crate::invocation::Invocation;
use crate::printer::{Printer, to_stdout};
use mednet_base::text::plural;

/// Names of all files of results begin so.
const STEM: &str = "saliency-evaluation";

/// All methods with their scores, controls last, and how they differ.
pub(super) struct Evaluation {
    /// The methods.
    entries: Vec<Entry>,
    /// Names of all data sets, in the order of their first appearance.
    datasets: Vec<String>,
    /// For each data set, every pair of methods.
    comparisons: Vec<Vec<Comparison>>,
    /// How intervals were found.
    bootstrap: Bootstrap,
}

/// Runs the command.
pub(crate) fn run(arguments: &Evaluate, invocation: &Invocation<'_>) -> Outcome {
    let started = Instant::now();
    let printer = invocation.printer;
    let format = table::by_name(&arguments.table_format)?;
    let bootstrap = Bootstrap {
        seed: arguments.seed,
        resamples: usize::try_from(arguments.resamples)?,
    };
    let entries = entries(arguments, bootstrap, printer)?;
    for entry in entries.iter().filter(|entry| entry.other_weights > 0) {
        let sources = vec![(entry.name.clone(), entry.other_weights)];
        printer.diagnostic(&Diagnostic::OtherWeights { sources });
    }
    let evaluation = evaluation(entries, bootstrap, printer);

    let rst = table::by_name("rst")?;
    let scores = document::scores(&evaluation);
    let comparisons = document::comparisons(&evaluation);
    let path = |ending: &str| arguments.output_folder.join(format!("{STEM}.{ending}"));
    scores.write_with_backup(&path("json"))?;
    comparisons.write_with_backup(&path("comparisons.json"))?;
    let text = tables::text(&evaluation, rst);
    file::write_with_backup(&path("rst"), text.as_bytes())?;
    let plotted = if arguments.no_plot {
        0
    } else {
        plot(&evaluation, &path("pdf"), printer)?
    };
    write_notes(invocation, &evaluation, &path("meta.json"), started)?;

    if arguments.json {
        to_stdout(&document::both(scores, comparisons).to_text());
    } else {
        printer.table(&tables::text(&evaluation, format));
    }
    let pages = match plotted {
        0 => String::new(),
        _ => format!(", {}", plural(plotted, "page of plots", "pages of plots")),
    };
    printer.summary(&format!(
        "{} on {}{pages} in `{}`, {:.1} s",
        plural(evaluation.entries.len(), "method", "methods"),
        plural(evaluation.datasets.len(), "data set", "data sets"),
        arguments.output_folder.display(),
        started.elapsed().as_secs_f64()
    ));
    Ok(Status::Done)
}

/// Reads what was asked for; controls go last, else the order is kept.
fn entries(
    arguments: &Evaluate,
    bootstrap: Bootstrap,
    printer: &Printer,
) -> Result<Vec<Entry>, Refusal> {
    if arguments.entry.is_empty() {
        return Err(Refusal::new(
            "no method is given; name at least one by --entry NAME COMPLETENESS INTERPRETABILITY",
        ));
    }
    let mut entries: Vec<Entry> = Vec::new();
    for triple in arguments.entry.chunks_exact(3) {
        let name = triple[0].to_string_lossy();
        if name.trim().is_empty() {
            return Err(Refusal::new("the NAME of an entry is empty"));
        }
        if entries.iter().any(|entry| entry.name == name) {
            return Err(Refusal::new(format!(
                "two entries are named `{name}`; give each a name of its own"
            )));
        }
        let (completeness, interpretability) = (Path::new(&triple[1]), Path::new(&triple[2]));
        entries.push(Entry::read(&name, completeness, interpretability)?);
    }
    if let Some(only) = &arguments.only_dataset {
        let known: Vec<&str> = entries.iter().flat_map(Entry::known_datasets).collect();
        if !known.contains(&only.as_str()) {
            let mut names: Vec<String> = Vec::new();
            for name in &known {
                let name = format!("`{name}`");
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            let hint = suggest::closest(only, known)
                .map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
            return Err(Refusal::new(format!(
                "no file has a data set `{only}`{hint}; there are {}",
                names.join(", ")
            )));
        }
    }
    for entry in &mut entries {
        entry.reconcile(arguments.only_dataset.as_deref(), bootstrap, printer)?;
    }
    entries.sort_by_key(|entry| entry.is_control);
    Ok(entries)
}

/// Compares the methods on every data set.
fn evaluation(entries: Vec<Entry>, bootstrap: Bootstrap, printer: &Printer) -> Evaluation {
    let mut datasets: Vec<String> = Vec::new();
    for part in entries.iter().flat_map(|entry| &entry.parts) {
        if !datasets.contains(&part.dataset) {
            datasets.push(part.dataset.clone());
        }
    }
    let comparisons: Vec<Vec<Comparison>> = datasets
        .iter()
        .map(|dataset| {
            let contestants: Vec<Contestant<'_>> = entries
                .iter()
                .map(|entry| Contestant {
                    is_control: entry.is_control,
                    samples: entry.samples(dataset),
                })
                .collect();
            compare(dataset, &contestants, bootstrap)
        })
        .collect();
    for (dataset, comparisons) in datasets.iter().zip(&comparisons) {
        let mut told = Vec::new();
        for comparison in comparisons {
            let pair = [comparison.first, comparison.second];
            let [first, second] = pair.map(|index| &entries[index]);
            let [a, b] = [first, second].map(|entry| entry.samples(dataset).len());
            if (a, b) != (comparison.samples, comparison.samples) && !told.contains(&pair) {
                told.push(pair);
                printer.warning(&format!(
                    "data set `{dataset}`: `{}` has {}, `{}` has {b}; they are compared on the {} \
                     that both have",
                    first.name,
                    plural(a, "sample", "samples"),
                    second.name,
                    comparison.samples
                ));
            }
        }
    }
    Evaluation {
        entries,
        datasets,
        comparisons,
        bootstrap,
    }
}

/// Writes the pages and says how many.
fn plot(evaluation: &Evaluation, path: &Path, printer: &Printer) -> Result<usize, Refusal> {
    let curves: Vec<Option<CurveFile>> = evaluation
        .entries
        .iter()
        .map(|entry| CurveFile::beside(&entry.completeness_path, printer))
        .collect();
    let pages = pages::pages(evaluation, &curves, printer);
    if pages.is_empty() {
        printer.warning("there is nothing to plot: no sample has both scores");
        return Ok(0);
    }
    file::back_up(path)?;
    write_pdf(path, "Evaluation of saliency maps", &pages)?;
    Ok(pages.len())
}

fn write_notes(
    invocation: &Invocation<'_>,
    evaluation: &Evaluation,
    path: &Path,
    started: Instant,
) -> Result<(), Refusal> {
    let entries: Vec<Value> = evaluation
        .entries
        .iter()
        .map(|entry| {
            json!({
                "name": entry.name,
                "control": entry.is_control,
                "completeness": entry.completeness_path.display().to_string(),
                "interpretability": entry.interpretability_path.display().to_string(),
                "left-out": entry.left_out(),
            })
        })
        .collect();
    let mut notes = invocation
        .notes()
        .with("entry", entries)
        .with("notes", document::NOTES);
    notes.duration_seconds = Some(started.elapsed().as_secs_f64());
    file::back_up(path)?;
    Ok(notes.write(path)?)
}
