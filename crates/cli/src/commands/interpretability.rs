//! `mednet saliency interpretability`: how well maps agree with boxes.

use std::path::PathBuf;
use std::time::Instant;

use mednet_base::text::plural;
use mednet_data::Mode;
use mednet_network::arch::Architecture;
use mednet_study::notes::DataNotes;
use mednet_study::run::generate::empty_maps;
use mednet_study::run::interpretability::{BoxScores, COMMAND, Interpretability as Run, Scored};
use mednet_study::{ScoredDataSet, ScoredMaps, ThreadCount};
use serde_json::json;

use super::{end_line, told_lost};
use crate::args::Interpretability;
use crate::exit::{Outcome, Refusal};
use crate::invocation::Invocation;
use crate::map_sources::{self, label};
use crate::network;
use crate::printer::Printer;
use crate::progress::{Progress, end_gently_when_interrupted};
use crate::resolve;
use crate::score_files::{Results, ScoreFiles, not_written};

/// Runs the command.
pub(crate) fn run(arguments: &Interpretability, invocation: &Invocation<'_>) -> Outcome {
    let started = Instant::now();
    let (printer, Interpretability { inputs, output, .. }) = (invocation.printer, arguments);
    let sources =
        map_sources::in_folder(&arguments.saliency_map_algorithm, &arguments.input_folder)?;
    let names: Vec<Option<String>> = sources
        .iter()
        .map(|maps| maps.name().map(str::to_owned))
        .collect();
    let files = ScoreFiles::new(output, &names, COMMAND, !arguments.no_plot)?;
    let resolved = resolve::inputs(inputs)?;
    let loader = network::loader(&resolved, inputs, Mode::Default)?;
    let paths = files.paths();
    let outputs: Vec<_> = paths.iter().map(PathBuf::as_path).collect();
    super::refuse_to_replace(&[resolved.split_file().as_path()], &outputs)?;
    let pool = ThreadCount::new(-1)?.pool()?;
    let mut notes = invocation
        .notes()
        .with("model", resolved.architecture.map(Architecture::name))
        .with(
            "sources",
            names
                .iter()
                .map(|name| name.as_deref().unwrap_or(""))
                .collect::<Vec<_>>(),
        )
        .with("datasets", super::dataset_names(&resolved.module, inputs))
        .with("score-files", files.names());
    notes.data = Some(DataNotes::from(&resolved.module));
    for maps in &sources {
        if let ScoredMaps::Folder(folder) = maps {
            printer.info(&format!("maps in `{}`", folder.path.display()));
        }
    }
    let interpretability = Run {
        loader: &loader,
        sources,
        target_label: arguments.target_label,
        selection: super::selection(inputs, arguments.shard.shard),
        seed: arguments.seed,
        output: files.folder.clone(),
    };
    end_gently_when_interrupted()?;
    let progress = Progress::new(printer);
    let facts = invocation.facts(&notes);
    let scored = interpretability.run(&resolved.module, &pool, &facts, &progress);
    progress.finish(&super::where_listed(
        arguments.shard.shard,
        "the notes of the scores",
    ));
    let scored = scored?;
    notes.duration_seconds = Some(started.elapsed().as_secs_f64());
    notes.results = serde_json::to_value(&scored.summary)?;
    if let Some(scores) = &scored.scores {
        write_scores(&files, &names, &notes.to_value(), scores, printer)?;
        scored.remove_journals()?;
    }
    report(arguments, &files, &scored, printer, started);
    Ok(scored.summary.ended.into())
}

/// Writes the results for each source of maps: what a run does at its end, and what is done when
/// the parts of a run are brought together.
pub(super) fn write_scores(
    files: &ScoreFiles,
    names: &[Option<String>],
    notes: &serde_json::Value,
    scores: &[Vec<ScoredDataSet<BoxScores>>],
    printer: &Printer,
) -> Result<(), Refusal> {
    let several = names.len() > 1;
    let paths = files.paths();
    for ((name, datasets), json) in names.iter().zip(scores).zip(&paths) {
        let source = name.as_deref().filter(|name| !name.is_empty());
        let all = || datasets.iter().flat_map(ScoredDataSet::scores);
        let (scored, empty) = (all().count(), all().filter(|scores| scores.empty).count());
        if empty > 0 {
            let counts = [(label(source).to_owned(), empty)].into();
            empty_maps(&counts, scored)
                .iter()
                .for_each(|told| printer.diagnostic(told));
        }
        let mut notes = notes.clone();
        if let Some(notes) = notes.as_object_mut() {
            notes.insert("saliency-map-algorithm".to_owned(), json!(source));
            notes.insert(
                "scores".to_owned(),
                json!({"scored": scored, "empty-maps": empty}),
            );
        }
        let results = Results {
            json,
            method: source.filter(|_| several),
            notes,
            remark: None,
            plot: files.plot,
        };
        results.write_interpretability(datasets, printer)?;
        printer.summary(&format!(
            "{}: {} scored, in `{}`",
            label(source),
            plural(scored, "map", "maps"),
            json.display()
        ));
    }
    Ok(())
}

fn report(
    arguments: &Interpretability,
    files: &ScoreFiles,
    scored: &Scored,
    printer: &Printer,
    started: Instant,
) {
    let summary = &scored.summary;
    super::tell_skipped(&summary.skipped_datasets, printer);
    if let Some(line) = not_written(summary.ended, summary.samples, &files.folder) {
        printer.summary(&line);
    } else {
        let mut line = plural(summary.samples, "sample", "samples");
        end_line(&mut line, summary.failures.len(), summary.ended, started);
        printer.summary(&line);
    }
    told_lost(summary.lost.as_deref(), printer);
    super::tell_shard(arguments.shard.shard, summary.ended, &files.folder, printer);
}
