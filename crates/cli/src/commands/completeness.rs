//! `mednet saliency completeness`: ROAD.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use mednet_base::text::plural;
use mednet_data::Mode;
use mednet_network::Engine;
use mednet_network::device::Cpu;
use mednet_saliency::metric::road::{Road, RoadSettings};
use mednet_saliency::{Settings, TargetClass};
use mednet_study::notes::DataNotes;
use mednet_study::run::ClassScores;
use mednet_study::run::completeness::{COMMAND, Completeness as Run, Scored};
use mednet_study::run::generate::empty_maps;
use mednet_study::{Diagnostic, MapSource, ScoredDataSet};
use serde_json::json;

use super::{MOST_READERS, end_line, told_lost};
use crate::args::Completeness;
use crate::exit::{Outcome, Refusal};
use crate::invocation::Invocation;
use crate::map_sources::{self, label};
use crate::network;
use crate::printer::Printer;
use crate::progress::{Progress, end_gently_when_interrupted};
use crate::resolve;
use crate::score_files::{Results, ScoreFiles, not_written};

/// A map with more ties than this is mostly scored by chance.
const MANY_TIES: f64 = 0.1;

/// Runs the command.
pub(crate) fn run(arguments: &Completeness, invocation: &Invocation<'_>) -> Outcome {
    let started = Instant::now();
    let (
        printer,
        Completeness {
            inputs,
            computing,
            question,
            output,
            ..
        },
    ) = (invocation.printer, arguments);
    resolve::device(&computing.device)?;
    let mode = network::mode(computing.compat);
    let road = road_settings(arguments, mode)?;
    let target_class: TargetClass = question.target_class.parse()?;
    let sources = sources(arguments)?;
    let names: Vec<Option<String>> = sources
        .iter()
        .map(|source| source.name().map(str::to_owned))
        .collect();
    let files = ScoreFiles::new(output, &names, COMMAND, !arguments.no_plot)?;
    let resolved = resolve::inputs(inputs)?;
    let architecture = resolve::required_model(&resolved)?;
    let loader = network::loader(&resolved, inputs, mode)?;
    let network = network::load(architecture, computing, question, printer)?;
    refuse_to_replace(&files, &network.weights, &resolved)?;
    let mut notes = invocation
        .notes()
        .with("mode", mode.to_string())
        .with("percentile-is", road.percentile_is())
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
    notes.model = Some(network.model);
    notes.computing = Some(network.notes);
    let engine = Engine::new(network.loaded.graph, Cpu);
    let settings = Settings {
        engine: &engine,
        layer: network.layer,
        mode,
        seed: computing.seed,
    };
    let completeness = Run {
        settings: &settings,
        network: network.settings,
        road: &Road::new(&engine, road.clone()),
        sources,
        target_class,
        positive_only: question.positive_only,
        selection: super::selection(inputs, arguments.shard.shard),
        cache_samples: computing.cache_samples,
        readers: network.pool.current_num_threads().min(MOST_READERS),
        fail_fast: arguments.fail_fast,
        allow_other_weights: arguments.allow_other_weights,
        output: files.folder.clone(),
        records: files.records(COMMAND),
    };
    end_gently_when_interrupted()?;
    super::warn_of_little_memory(network.pool.current_num_threads(), &engine, printer);
    let progress = Progress::new(printer);
    let facts = invocation.facts(&notes);
    let scored = completeness.run(&resolved.module, &loader, &network.pool, &facts, &progress);
    progress.finish(&super::where_listed(
        arguments.shard.shard,
        "the notes of the scores",
    ));
    let scored = scored?;
    notes.duration_seconds = Some(started.elapsed().as_secs_f64());
    notes.results = serde_json::to_value(&scored.summary)?;
    write(&files, &names, &road, &notes.to_value(), &scored, printer)?;
    report(arguments, &files, &scored, printer, started);
    Ok(scored.summary.ended.into())
}

fn sources(arguments: &Completeness) -> Result<Vec<MapSource>, Refusal> {
    let names = &arguments.question.saliency_map_algorithm;
    match &arguments.input_folder {
        None => map_sources::computed(names),
        Some(folder) => {
            let maps = map_sources::in_folder(names, folder)?;
            Ok(maps.into_iter().map(MapSource::Scored).collect())
        }
    }
}

fn refuse_to_replace(
    files: &ScoreFiles,
    weights: &std::path::Path,
    resolved: &resolve::Resolved,
) -> Result<(), Refusal> {
    let paths = files.paths();
    let outputs: Vec<_> = paths.iter().map(PathBuf::as_path).collect();
    super::refuse_to_replace(&[weights, resolved.split_file().as_path()], &outputs)
}

fn road_settings(arguments: &Completeness, mode: Mode) -> Result<RoadSettings, Refusal> {
    if !(arguments.noise.is_finite() && arguments.noise >= 0.0) {
        return Err(Refusal::new(format!(
            "--noise {} makes no sense: give a standard deviation of at least 0",
            arguments.noise
        )));
    }
    let mut percentiles = arguments.percentile.clone();
    percentiles.sort_unstable();
    percentiles.dedup();
    Ok(RoadSettings {
        percentiles,
        noise: arguments.noise,
        repeats: arguments.repeats as usize,
        probability: arguments.score.parse()?,
        mode,
        seed: arguments.computing.seed,
    })
}

/// Writes the results of a whole run, and only those.
fn write(
    files: &ScoreFiles,
    names: &[Option<String>],
    road: &RoadSettings,
    notes: &serde_json::Value,
    scored: &Scored,
    printer: &Printer,
) -> Result<(), Refusal> {
    let Some(scores) = &scored.scores else {
        return Ok(());
    };
    write_scores(
        files,
        names,
        road,
        notes,
        &scored.summary.other_weights,
        scores,
        printer,
    )?;
    Ok(scored.keep_records()?)
}

/// Writes the results for each source of maps: what a run does at its end, and what is done when
/// the parts of a run are brought together.
pub(super) fn write_scores(
    files: &ScoreFiles,
    names: &[Option<String>],
    road: &RoadSettings,
    notes: &serde_json::Value,
    other_weights: &[(String, usize)],
    scores: &[Vec<ScoredDataSet<ClassScores>>],
    printer: &Printer,
) -> Result<(), Refusal> {
    let several = names.len() > 1;
    let paths = files.paths();
    for ((name, datasets), json) in names.iter().zip(scores).zip(&paths) {
        let source = name.as_deref().filter(|name| !name.is_empty());
        tell(source, datasets, road.mode, printer);
        let of = label(source);
        let others = other_weights.iter().find(|(name, _)| name == of);
        let mut notes = notes.clone();
        if let Some(notes) = notes.as_object_mut() {
            notes.insert("saliency-map-algorithm".to_owned(), json!(source));
            notes.insert("scores".to_owned(), counts(datasets));
            notes.insert(
                "maps-of-other-weights".to_owned(),
                json!(others.map_or(0, |(_, n)| *n)),
            );
        }
        let results = Results {
            json,
            method: source.filter(|_| several),
            notes,
            remark: others.map(|(_, count)| {
                format!(
                    "{} made with other weights than those that scored them.",
                    plural(*count, "map was", "maps were")
                )
            }),
            plot: files.plot,
        };
        results.write_completeness(source, datasets, road, printer)?;
        printer.summary(&format!(
            "{of}: {} scored, in `{}`",
            plural(all(datasets).count(), "map", "maps"),
            json.display()
        ));
    }
    Ok(())
}

fn all(datasets: &[ScoredDataSet<ClassScores>]) -> impl Iterator<Item = &ClassScores> {
    datasets.iter().flat_map(ScoredDataSet::scores)
}

fn counts(datasets: &[ScoredDataSet<ClassScores>]) -> serde_json::Value {
    let count = |wanted: fn(&ClassScores) -> bool| all(datasets).filter(|s| wanted(s)).count();
    let scored = all(datasets).count();
    let tied: f64 = all(datasets).map(|scores| scores.road.tied_mass).sum();
    json!({
        "scored": scored,
        "empty-maps": count(|scores| scores.empty),
        "original-erases-the-image": count(|scores| scores.road.original_erases),
        "erased": count(|scores| scores.road.erased > 0),
        "solver-fallbacks": all(datasets).map(|scores| scores.road.fallbacks).sum::<usize>(),
        "mean-tied-mass": (scored > 0).then(|| tied / scored as f64),
    })
}

/// What a reader must know to read the numbers right.
fn tell(
    source: Option<&str>,
    datasets: &[ScoredDataSet<ClassScores>],
    mode: Mode,
    printer: &Printer,
) {
    let method = label(source).to_owned();
    let of = all(datasets).count();
    let empty = all(datasets).filter(|scores| scores.empty).count();
    if empty > 0 {
        let counts = BTreeMap::from([(method.clone(), empty)]);
        empty_maps(&counts, of)
            .iter()
            .for_each(|told| printer.diagnostic(told));
    }
    let is_tied = |scores: &&ClassScores| !scores.empty && scores.road.tied_mass > MANY_TIES;
    let maps = all(datasets).filter(is_tied).count();
    // A control that is the same everywhere is meant to tie.
    if maps > 0 && method != "control-uniform" {
        printer.diagnostic(&Diagnostic::TiedMaps {
            method: method.clone(),
            maps,
            of,
        });
    }
    let maps = all(datasets)
        .filter(|scores| scores.road.original_erases)
        .count();
    if maps > 0 {
        let done = mode == Mode::Mednet;
        printer.diagnostic(&Diagnostic::ErasedByOriginal {
            method: method.clone(),
            maps,
            done,
        });
    }
    let fallbacks: usize = all(datasets).map(|scores| scores.road.fallbacks).sum();
    if fallbacks > 0 {
        printer.info(&format!(
            "{method}: {} finished by conjugate gradients",
            plural(fallbacks, "system", "systems")
        ));
    }
}

fn report(
    arguments: &Completeness,
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
        if summary.samples_kept > 0 {
            line.push_str(&format!(", {} of them scored before", summary.samples_kept));
        }
        end_line(&mut line, summary.failures.len(), summary.ended, started);
        printer.summary(&line);
    }
    told_lost(summary.lost.as_deref(), printer);
    super::tell_shard(arguments.shard.shard, summary.ended, &files.folder, printer);
}
