//! `mednet saliency generate`: saliency maps of all samples of a data set.

use std::time::Instant;

use mednet_base::text::plural;
use mednet_network::Engine;
use mednet_network::device::Cpu;
use mednet_saliency::{Method, Settings, TargetClass};
use mednet_study::notes::{self, DataNotes, RunNotes};
use mednet_study::run::generate::{Generation, GenerationPreview, GenerationSummary};
use mednet_study::store::Storage;
use serde_json::{Value, json};

use super::{MOST_READERS, end_line, told_lost};
use crate::args::Generate;
use crate::exit::{Outcome, Refusal, Status};
use crate::invocation::Invocation;
use crate::network;
use crate::printer::{Printer, to_stdout};
use crate::progress::{Progress, end_gently_when_interrupted};
use crate::resolve;

/// File of the notes in the output folder.
pub(crate) const NOTES: &str = "generation.meta.json";

/// Runs the command.
pub(crate) fn run(arguments: &Generate, invocation: &Invocation<'_>) -> Outcome {
    let started = Instant::now();
    let (
        printer,
        Generate {
            inputs,
            computing,
            question,
            ..
        },
    ) = (invocation.printer, arguments);
    resolve::device(&computing.device)?;
    let methods = resolve::methods(&question.saliency_map_algorithm)?;
    let target_class: TargetClass = question.target_class.parse()?;
    let store: Storage = arguments.store.parse().map_err(Refusal::new)?;
    let resolved = resolve::inputs(inputs)?;
    let architecture = resolve::required_model(&resolved)?;
    let mode = network::mode(computing.compat);
    let loader = network::loader(&resolved, inputs, mode)?;
    super::tell_links(&arguments.output_folder, printer);
    let network = network::load(architecture, computing, question, printer)?;
    let mut notes = invocation
        .notes()
        .with("saliency-map-algorithm", algorithm(&methods))
        .with("mode", mode.to_string())
        .with("notes", method_notes(&methods, mode));
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
    let generation = Generation {
        settings: &settings,
        network: network.settings,
        methods,
        target_class,
        positive_only: question.positive_only,
        selection: super::selection(inputs, arguments.shard.shard),
        store,
        cache_samples: computing.cache_samples,
        readers: network.pool.current_num_threads().min(MOST_READERS),
        overwrite: arguments.overwrite,
        fail_fast: arguments.fail_fast,
        verify: arguments.verify,
        output: arguments.output_folder.clone(),
    };
    if arguments.dry_run {
        let preview = generation.preview(&resolved.module, &loader, &network.pool)?;
        dry_run(arguments, &notes, &preview);
        return Ok(Status::Done);
    }
    end_gently_when_interrupted()?;
    super::warn_of_little_memory(network.pool.current_num_threads(), &engine, printer);
    let progress = Progress::new(printer);
    let facts = invocation.facts(&notes);
    let summary = generation.run(&resolved.module, &loader, &network.pool, &facts, &progress);
    progress.finish(&super::where_listed(arguments.shard.shard, NOTES));
    let summary = summary?;
    write_notes(arguments, notes, &summary, started, printer)?;
    report(arguments, &generation, &summary, printer, started);
    Ok(summary.ended.into())
}

/// The methods, as the original notes them: one by its name.
fn algorithm(methods: &[&'static dyn Method]) -> Value {
    let names: Vec<&str> = methods.iter().map(|method| method.names()[0]).collect();
    match names[..] {
        [only] => json!(only),
        _ => json!(names),
    }
}

/// What a reader of the numbers must know.
fn method_notes(methods: &[&'static dyn Method], mode: mednet_data::Mode) -> Vec<String> {
    let note = |method: &&'static dyn Method| {
        Some(format!("{}: {}", method.names()[0], method.note(mode)?))
    };
    methods.iter().filter_map(note).collect()
}

/// The parts of a run leave their notes to those who bring them together; a run that found nothing
/// to do leaves those that are there.
fn write_notes(
    arguments: &Generate,
    mut notes: RunNotes,
    summary: &GenerationSummary,
    started: Instant,
    printer: &Printer,
) -> Result<(), Refusal> {
    let path = arguments.output_folder.join(NOTES);
    let is_left = !summary.did_something && path.exists();
    // A folder that somebody has removed is not made again.
    let is_gone = summary.lost.is_some() && !arguments.output_folder.is_dir();
    if arguments.shard.shard.is_some() || is_left || is_gone {
        return Ok(());
    }
    notes.duration_seconds = Some(started.elapsed().as_secs_f64());
    notes.results = serde_json::to_value(summary)?;
    match notes::write(&path, &notes.to_value()) {
        // The run itself says what is wrong with the folder.
        Err(error) if summary.lost.is_some() || !summary.did_something => {
            printer.info(&mednet_base::error::chain(&error));
            Ok(())
        }
        other => Ok(other?),
    }
}

/// Says what would be done.
fn dry_run(arguments: &Generate, notes: &RunNotes, preview: &GenerationPreview) {
    if arguments.json {
        let samples: serde_json::Map<String, Value> = preview
            .datasets
            .iter()
            .map(|(name, count)| (name.clone(), json!(count)))
            .collect();
        let report = json!({
            "dry-run": true,
            "samples": samples,
            "maps": preview.maps,
            "maps-kept": preview.maps_there,
            "maps-replaced": preview.maps_replaced,
            "negative-samples-left-out": preview.negative_samples,
            "samples-refused": preview.failures.len(),
            "skipped-datasets": preview.skipped_datasets,
            "settings": notes.to_value(),
        });
        to_stdout(&format!("{report:#}"));
        return;
    }
    let mut text = String::from("nothing is written (--dry-run); this would be done:\n");
    for (name, count) in &preview.datasets {
        let count = plural(*count, "sample", "samples");
        text.push_str(&format!("  data set `{name}`: {count}\n"));
    }
    text.push_str(&format!(
        "  {} in `{}`: {} to compute, {} there already",
        plural(preview.maps, "map", "maps"),
        arguments.output_folder.display(),
        preview.maps - preview.maps_there,
        preview.maps_there
    ));
    if preview.maps_replaced > 0 {
        text.push_str(&format!(", {} to replace", preview.maps_replaced));
    }
    text.push('\n');
    for failure in &preview.failures {
        let (sample, reason) = (&failure.sample, &failure.reason);
        text.push_str(&format!("  refused: `{sample}`: {reason}\n"));
    }
    let notes = notes.to_value();
    let shown = [
        "model",
        "weight-file",
        "normalizer",
        "layer",
        "saliency-map-algorithm",
        "target-class",
        "positive-only",
        "seed",
        "mode",
        "store",
        "device",
        "threads",
    ];
    for name in shown {
        let value = match notes.get(name) {
            Some(Value::String(value)) => value.clone(),
            Some(Value::Array(values)) => {
                let texts = values.iter().filter_map(Value::as_str);
                texts.collect::<Vec<_>>().join(", ")
            }
            Some(value) => value.to_string(),
            None => continue,
        };
        text.push_str(&format!("  {name}: {value}\n"));
    }
    to_stdout(&mednet_base::text::escaped(&text));
}

/// Tells the user what came of it.
fn report(
    arguments: &Generate,
    generation: &Generation<'_, Cpu>,
    summary: &GenerationSummary,
    printer: &Printer,
    started: Instant,
) {
    for diagnostic in summary.empty_map_diagnostics(generation.methods.len()) {
        printer.diagnostic(&diagnostic);
    }
    super::tell_skipped(&summary.skipped_datasets, printer);
    let output = arguments.output_folder.display();
    let mut line = format!(
        "{} of {} in `{output}`",
        plural(summary.maps_written, "map", "maps"),
        plural(summary.samples, "sample", "samples"),
    );
    if summary.maps_kept > 0 {
        line.push_str(&format!(", {} there already", summary.maps_kept));
    }
    end_line(&mut line, summary.failures.len(), summary.ended, started);
    printer.summary(&line);
    told_lost(summary.lost.as_deref(), printer);
    super::tell_shard(
        arguments.shard.shard,
        summary.ended,
        &arguments.output_folder,
        printer,
    );
    if arguments.json {
        let summary = serde_json::to_value(summary).unwrap_or_default();
        to_stdout(&format!("{summary:#}"));
    }
}
