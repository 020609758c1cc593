//! `mednet saliency generate`: saliency maps of all samples of a data set.

use std::time::Instant;

use mednet_data::{Mode, SampleLoader};
use mednet_network::Engine;
use mednet_network::device::Cpu;
use mednet_saliency::run::{Generation, Preview, Provenance, Summary, atomic};
use mednet_saliency::{Method, Settings, TargetClass};
use serde_json::{Value, json};

use crate::args::Generate;
use crate::exit::{Outcome, Refusal, Status};
use crate::metadata::{self, Metadata};
use crate::network::{self, Weights};
use crate::printer::{Printer, to_stdout};
use crate::progress::{Progress, end_gently_when_interrupted};
use crate::resolve;
use mednet_base::text::plural;

/// Reading is light beside computing: more readers than this are not needed.
const MOST_READERS: usize = 4;

/// Runs the command.
pub(crate) fn run(arguments: &Generate, printer: &Printer) -> Outcome {
    let started = Instant::now();
    let Generate {
        inputs,
        computing,
        question,
        ..
    } = arguments;
    resolve::device(&computing.device)?;
    let methods = resolve::methods(&question.saliency_map_algorithm)?;
    let target_class: TargetClass = question.target_class.parse()?;
    let resolved = resolve::inputs(inputs)?;
    let architecture = resolve::required_model(&resolved)?;
    let module = &resolved.module;
    resolve::only_dataset(module, inputs.only_dataset.as_deref())?;
    let mode = network::mode(computing.compat);
    let directories = resolve::directories(inputs.datadir.as_deref())?;
    let transforms = network::transforms(architecture);
    let loader = SampleLoader::new(module, &directories, transforms, mode)?;
    let threads = network::use_threads(computing.parallel)?;

    let Weights { network, path } = network::load(architecture, computing, printer)?;
    let layer = resolve::layer(&network.graph, architecture, question.layer.as_deref())?;
    let layer_name = network.graph.node(layer).name.clone();
    printer.info(&format!(
        "{} with {}, looking at `{layer_name}`, {}",
        architecture.name(),
        plural(network.graph.output_count(), "output", "outputs"),
        plural(threads, "thread", "threads")
    ));

    let normalizer = network.normalizer.as_ref().map_or_else(
        || "none".to_owned(),
        |normalizer| format!("mean {:?}, std {:?}", normalizer.mean, normalizer.std),
    );
    let provenance = |method: &dyn Method| {
        let mut provenance = Provenance::default()
            .with("model", architecture.name())
            .with("weights", &network.sha256)
            .with("normalizer", &normalizer)
            .with("method", method.names()[0])
            .with("mode", mode);
        if method.uses_layer() {
            provenance = provenance.with("layer", &layer_name);
        }
        if method.uses_seed() {
            provenance = provenance.with("seed", computing.seed);
        }
        provenance
    };
    let methods: Vec<_> = methods
        .iter()
        .map(|method| (*method, provenance(*method)))
        .collect();

    let mut metadata = metadata::of_this_run();
    metadata::put_data(&mut metadata, module);
    metadata::put_model(&mut metadata, architecture, &network.graph);
    put_options(&mut metadata, arguments, &methods, mode);
    metadata.insert("weight".to_owned(), json!(path.display().to_string()));
    metadata.insert("weight-sha256".to_owned(), json!(network.sha256));
    metadata.insert("weight-format".to_owned(), json!(network.format));
    metadata.insert("weight-epoch".to_owned(), json!(network.epoch));
    metadata.insert("normalizer".to_owned(), json!(normalizer));
    metadata.insert("layer".to_owned(), json!(layer_name));
    metadata.insert("threads".to_owned(), json!(threads));
    put_notes(&mut metadata, &methods, mode);

    let engine = Engine::new(network.graph, Cpu);
    let settings = Settings {
        engine: &engine,
        layer,
        mode,
        seed: computing.seed,
    };
    let generation = Generation {
        settings: &settings,
        methods,
        target_class,
        positive_only: question.positive_only,
        only_dataset: inputs.only_dataset.clone(),
        limit: inputs.limit,
        cache_samples: computing.cache_samples,
        readers: threads.min(MOST_READERS),
        overwrite: arguments.overwrite,
        fail_fast: arguments.fail_fast,
        output: arguments.output_folder.clone(),
    };
    if arguments.dry_run {
        let preview = generation.preview(module)?;
        dry_run(arguments, &metadata, &preview)?;
        return Ok(Status::Done);
    }
    end_gently_when_interrupted();
    let progress = Progress::new(printer);
    let summary = generation.run(module, &loader, &progress);
    progress.finish();
    let summary = summary?;

    metadata.insert(
        "duration-seconds".to_owned(),
        json!(started.elapsed().as_secs_f64()),
    );
    metadata.insert("results".to_owned(), summary_json(&summary));
    write_metadata(arguments, &metadata)?;
    report(arguments, &summary, printer, started);
    Ok(if summary.interrupted && summary.failures.is_empty() {
        Status::Interrupted
    } else if summary.failures.is_empty() {
        Status::Done
    } else {
        Status::SomeFailed
    })
}

/// The options under their long names, as the original notes them, and ours.
fn put_options(
    metadata: &mut Metadata,
    arguments: &Generate,
    methods: &[(&'static dyn Method, Provenance)],
    mode: Mode,
) {
    let Generate {
        inputs,
        computing,
        question,
        ..
    } = arguments;
    let names: Vec<&str> = methods
        .iter()
        .map(|(method, _)| method.names()[0])
        .collect();
    let algorithm: Value = match names[..] {
        [only] => json!(only),
        _ => json!(names),
    };
    let mut put = |name: &str, value: Value| metadata.insert(name.to_owned(), value);
    put(
        "output-folder",
        json!(arguments.output_folder.display().to_string()),
    );
    put("device", json!(computing.device));
    put("cache-samples", json!(computing.cache_samples));
    put("weight", Value::Null);
    put("parallel", json!(computing.parallel));
    put("saliency-map-algorithm", algorithm);
    put("target-class", json!(question.target_class.to_lowercase()));
    put("positive-only", json!(question.positive_only));
    put("only-dataset", json!(inputs.only_dataset));
    put("limit", json!(inputs.limit));
    put(
        "datadir",
        json!(
            inputs
                .datadir
                .as_ref()
                .map(|path| path.display().to_string())
        ),
    );
    put("loader", json!(inputs.loader));
    put("seed", json!(computing.seed));
    put("mode", json!(mode.to_string()));
    let keys: serde_json::Map<String, Value> = methods
        .iter()
        .map(|(method, provenance)| (method.names()[0].to_owned(), json!(provenance.key())))
        .collect();
    put("settings-keys", Value::Object(keys));
}

/// Says what would be done.
fn dry_run(arguments: &Generate, metadata: &Metadata, preview: &Preview) -> Result<(), Refusal> {
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
            "settings": metadata,
        });
        to_stdout(&serde_json::to_string_pretty(&report)?);
        return Ok(());
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
        text.push_str(&format!(
            "  refused: `{}`: {}\n",
            failure.sample, failure.reason
        ));
    }
    let shown = [
        "model",
        "weight",
        "normalizer",
        "layer",
        "saliency-map-algorithm",
        "target-class",
        "positive-only",
        "seed",
        "mode",
        "device",
        "threads",
    ];
    for name in shown {
        let value = match metadata.get(name) {
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
    to_stdout(&text);
    Ok(())
}

/// What a reader of the numbers must know.
fn put_notes(metadata: &mut Metadata, methods: &[(&'static dyn Method, Provenance)], mode: Mode) {
    let notes: Vec<String> = methods
        .iter()
        .filter_map(|(method, _)| Some(format!("{}: {}", method.names()[0], method.note(mode)?)))
        .collect();
    metadata.insert("notes".to_owned(), json!(notes));
}

fn write_metadata(arguments: &Generate, metadata: &Metadata) -> Result<(), Refusal> {
    let path = arguments.output_folder.join("generation.meta.json");
    let mut text = serde_json::to_string_pretty(metadata)?;
    text.push('\n');
    atomic::write(&path, text.as_bytes())
        .map_err(|error| Refusal::new(format!("cannot write `{}`: {error}", path.display())))
}

fn summary_json(summary: &Summary) -> Value {
    let failures: Vec<Value> = summary
        .failures
        .iter()
        .map(|failure| {
            json!({
                "dataset": failure.dataset,
                "sample": failure.sample,
                "reason": failure.reason,
            })
        })
        .collect();
    json!({
        "samples": summary.samples,
        "maps-written": summary.maps_written,
        "maps-kept": summary.maps_kept,
        "dead-maps": summary.dead_maps,
        "negative-samples-left-out": summary.negative_samples,
        "skipped-datasets": summary.skipped_datasets,
        "notices": summary.notices,
        "interrupted": summary.interrupted,
        "failures": failures,
    })
}

/// Tells the user what came of it.
fn report(arguments: &Generate, summary: &Summary, printer: &Printer, started: Instant) {
    for (method, count) in &summary.dead_maps {
        printer.notice(&format!(
            "{} of {method} {} zero everywhere: nothing in the image speaks for the class",
            plural(*count, "map", "maps"),
            if *count == 1 { "is" } else { "are" }
        ));
    }
    for (notice, count) in &summary.notices {
        printer.notice(&format!(
            "{}: {notice}",
            plural(*count, "sample", "samples")
        ));
    }
    if !summary.skipped_datasets.is_empty() {
        let skipped: Vec<String> = summary
            .skipped_datasets
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        printer.info(&format!(
            "left out by --only-dataset: {}",
            skipped.join(", ")
        ));
    }
    let mut line = format!(
        "{} of {} in `{}`",
        plural(summary.maps_written, "map", "maps"),
        plural(summary.samples, "sample", "samples"),
        arguments.output_folder.display()
    );
    if summary.maps_kept > 0 {
        line.push_str(&format!(", {} there already", summary.maps_kept));
    }
    if !summary.failures.is_empty() {
        let failed = plural(summary.failures.len(), "sample", "samples");
        line.push_str(&format!(", {failed} FAILED"));
    }
    line.push_str(&format!(", {:.1} s", started.elapsed().as_secs_f64()));
    if summary.interrupted && summary.failures.is_empty() {
        line.push_str("; interrupted: run the same command again to go on");
    }
    printer.summary(&line);
    if arguments.json {
        to_stdout(&format!("{:#}", summary_json(summary)));
    }
}
