//! `mednet saliency completeness`: ROAD.

use std::time::Instant;

use mednet_base::json::Value;
use mednet_data::{Mode, SampleLoader};
use mednet_network::Engine;
use mednet_network::device::Cpu;
use mednet_report::score_table::{DataSetScores, Metric};
use mednet_saliency::metric::road::{ROAD_COLUMNS, Road, RoadSettings};
use mednet_saliency::run::{ClassScores, Completion, CompletionSummary, MapSource, ScoredDataSet};
use mednet_saliency::{Settings, TargetClass};
use serde_json::json;

use crate::args::Completeness;
use crate::exit::{Outcome, Refusal, Status};
use crate::map_sources::{self, label};
use crate::metadata::{self, Metadata};
use crate::network::{self, Weights};
use crate::printer::Printer;
use crate::progress::{Progress, end_gently_when_interrupted};
use crate::resolve;
use crate::road_curves;
use crate::score_files::{self, ScoreFiles};
use mednet_base::text::plural;

/// Reading is light beside computing: more readers than this are not needed.
const MOST_READERS: usize = 4;

/// Runs the command.
pub(crate) fn run(arguments: &Completeness, printer: &Printer) -> Outcome {
    let started = Instant::now();
    let Completeness {
        inputs,
        computing,
        question,
        output,
        ..
    } = arguments;
    resolve::device(&computing.device)?;
    let mode = network::mode(computing.compat);
    let road = road_settings(arguments, mode)?;
    let target_class: TargetClass = question.target_class.parse()?;
    let names = &question.saliency_map_algorithm;
    let sources = match &arguments.input_folder {
        Some(folder) => map_sources::in_folder(names, folder)?,
        None => map_sources::computed(names)?,
    };
    let files = score_files::destinations(output, &sources, "completeness")?;
    let resolved = resolve::inputs(inputs)?;
    let architecture = resolve::required_model(&resolved)?;
    let module = &resolved.module;
    let directories = resolve::directories(inputs.datadir.as_deref())?;
    let transforms = network::transforms(architecture);
    let loader = SampleLoader::new(module, &directories, transforms, mode)?;
    let threads = network::use_threads(computing.parallel)?;
    let Weights { network, path } = network::load(architecture, computing, printer)?;
    if let Some(folder) = &arguments.input_folder
        && map_sources::weights_of_run(folder).is_some_and(|sha256| sha256 != network.sha256)
    {
        printer.warning(&format!(
            "the maps in `{}` were made with other weights than `{}`: the scores say how well they \
             explain another network",
            folder.display(),
            path.display()
        ));
    }
    let layer = resolve::layer(&network.graph, architecture, question.layer.as_deref())?;
    let layer_name = network.graph.node(layer).name.clone();
    printer.info(&format!(
        "{} with {}, {}; ROAD at {:?} percent {}",
        architecture.name(),
        plural(network.graph.output_count(), "output", "outputs"),
        plural(threads, "thread", "threads"),
        road.percentiles,
        percentile_is(mode),
    ));

    let mut base = metadata::of_this_run();
    metadata::put_data(&mut base, module);
    metadata::put_model(&mut base, architecture, &network.graph);
    put_options(&mut base, arguments, mode);
    base.insert("weight".to_owned(), json!(path.display().to_string()));
    base.insert("weight-sha256".to_owned(), json!(network.sha256));
    base.insert("layer".to_owned(), json!(layer_name));
    base.insert("threads".to_owned(), json!(threads));

    let engine = Engine::new(network.graph, Cpu);
    let settings = Settings {
        engine: &engine,
        layer,
        mode,
        seed: computing.seed,
    };
    let road = Road::new(&engine, road);
    let completion = Completion {
        settings: &settings,
        road: &road,
        sources,
        target_class,
        positive_only: question.positive_only,
        only_dataset: inputs.only_dataset.clone(),
        limit: inputs.limit,
        cache_samples: computing.cache_samples,
        readers: threads.min(MOST_READERS),
        fail_fast: arguments.fail_fast,
    };
    end_gently_when_interrupted();
    let progress = Progress::new(printer);
    let summary = completion.run(module, &loader, &progress);
    progress.finish();
    let summary = summary?;

    base.insert(
        "duration-seconds".to_owned(),
        json!(started.elapsed().as_secs_f64()),
    );
    base.insert("results".to_owned(), results_json(&summary));
    let several = completion.sources.len() > 1;
    let sources = completion.sources.iter().zip(&summary.sources).zip(&files);
    for ((source, datasets), files) in sources {
        warn(source, datasets, mode, printer);
        files.write_rows(&rows(datasets))?;
        road_curves::of(source, datasets, road.settings())
            .write_with_backup(&files.beside("curves.json"))?;
        write_notes(source, datasets, files, base.clone())?;
        let method = source.name().filter(|_| several);
        files.write_summary(
            method,
            &metrics(),
            &table_scores(datasets),
            !arguments.no_plot,
            printer,
        )?;
        printer.summary(&format!(
            "{}: {} scored, in `{}`",
            label(source),
            plural(all(datasets).count(), "map", "maps"),
            files.json.display()
        ));
    }
    report(&summary, printer, started);
    Ok(if summary.interrupted && summary.failures.is_empty() {
        Status::Interrupted
    } else if summary.failures.is_empty() {
        Status::Done
    } else {
        Status::SomeFailed
    })
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

/// What a percentile means.
pub(crate) fn percentile_is(mode: Mode) -> &'static str {
    match mode {
        Mode::Default => "removed",
        Mode::Mednet => "kept",
    }
}

/// The options under their long names, as the original notes them, and ours.
fn put_options(metadata: &mut Metadata, arguments: &Completeness, mode: Mode) {
    let Completeness {
        inputs,
        computing,
        question,
        output,
        ..
    } = arguments;
    let mut put = |name: &str, value: serde_json::Value| metadata.insert(name.to_owned(), value);
    put(
        "output-json",
        score_files::path_json(output.output_json.as_deref()),
    );
    put(
        "output-folder",
        score_files::path_json(Some(&output.output_folder)),
    );
    put(
        "input-folder",
        score_files::path_json(arguments.input_folder.as_deref()),
    );
    put("device", json!(computing.device));
    put("cache-samples", json!(computing.cache_samples));
    put("weight", serde_json::Value::Null);
    put("parallel", json!(computing.parallel));
    put("saliency-map-algorithm", serde_json::Value::Null);
    put("target-class", json!(question.target_class.to_lowercase()));
    put("positive-only", json!(question.positive_only));
    put("percentile", json!(arguments.percentile));
    put("percentile-is", json!(percentile_is(mode)));
    put("only-dataset", json!(inputs.only_dataset));
    put("plot", json!(!arguments.no_plot));
    put("limit", json!(inputs.limit));
    put("datadir", score_files::path_json(inputs.datadir.as_deref()));
    put("loader", json!(inputs.loader));
    put("noise", json!(arguments.noise));
    put("repeats", json!(arguments.repeats));
    put("score", json!(arguments.score.to_lowercase()));
    put("seed", json!(computing.seed));
    put("mode", json!(mode.to_string()));
}

fn metrics() -> [Metric; 3] {
    ROAD_COLUMNS.map(|name| Metric {
        short_name: name,
        name,
    })
}

fn all(datasets: &[ScoredDataSet<ClassScores>]) -> impl Iterator<Item = &ClassScores> {
    datasets.iter().flat_map(ScoredDataSet::scores)
}

fn columns(scores: &ClassScores) -> [f64; 3] {
    [
        scores.road.morf.0,
        scores.road.lerf.0,
        scores.road.combined.0,
    ]
}

fn table_scores(datasets: &[ScoredDataSet<ClassScores>]) -> Vec<DataSetScores> {
    datasets
        .iter()
        .map(|dataset| DataSetScores {
            name: dataset.name.clone(),
            samples: dataset
                .scores()
                .map(|scores| columns(scores).to_vec())
                .collect(),
        })
        .collect()
}

/// `{dataset: [[name, label], [name, label, output, MoRF, LeRF, combined], ...]}`.
fn rows(datasets: &[ScoredDataSet<ClassScores>]) -> Value {
    datasets
        .iter()
        .map(|dataset| {
            let rows = dataset.samples.iter().map(|sample| {
                let mut row = vec![
                    Value::from(sample.name.as_str()),
                    score_files::label(&sample.target),
                ];
                if let Some(scores) = &sample.scores {
                    row.push(scores.class.into());
                    row.extend(columns(scores).map(Value::from));
                }
                Value::Array(row)
            });
            (dataset.name.clone(), Value::Array(rows.collect()))
        })
        .collect()
}

fn write_notes(
    source: &MapSource,
    datasets: &[ScoredDataSet<ClassScores>],
    files: &ScoreFiles,
    mut metadata: Metadata,
) -> Result<(), Refusal> {
    let count = |wanted: fn(&ClassScores) -> bool| all(datasets).filter(|s| wanted(s)).count();
    let scored = all(datasets).count();
    let tied: f64 = all(datasets).map(|scores| scores.road.tied_mass).sum();
    metadata.insert("saliency-map-algorithm".to_owned(), json!(source.name()));
    metadata.insert(
        "scores".to_owned(),
        json!({
            "scored": scored,
            "dead-maps": count(|scores| scores.dead),
            "original-erases-the-image": count(|scores| scores.road.original_erases),
            "erased": count(|scores| scores.road.erased > 0),
            "solver-fallbacks": all(datasets).map(|scores| scores.road.fallbacks).sum::<usize>(),
            "mean-tied-mass": (scored > 0).then(|| tied / scored as f64),
        }),
    );
    files.write_metadata(&metadata)
}

/// What the user should know to read the numbers right.
fn warn(
    source: &MapSource,
    datasets: &[ScoredDataSet<ClassScores>],
    mode: Mode,
    printer: &Printer,
) {
    let of = label(source);
    let dead = all(datasets).filter(|scores| scores.dead).count();
    if dead > 0 {
        printer.notice(&format!(
            "{of}: {} no pixel above another, being zero everywhere",
            plural(dead, "map ranks", "maps rank")
        ));
    }
    let erases = all(datasets)
        .filter(|scores| scores.road.original_erases)
        .count();
    if erases > 0 {
        let original = match mode {
            Mode::Mednet => "the image is wholly erased, as the original does it",
            Mode::Default => {
                "the original would erase the whole image; here, the order of equal pixels is drawn"
            }
        };
        printer.notice(&format!(
            "{of}: {} so many equal values at some percentile that {original}",
            plural(erases, "map has", "maps have")
        ));
    }
    let fallbacks: usize = all(datasets).map(|scores| scores.road.fallbacks).sum();
    if fallbacks > 0 {
        printer.info(&format!(
            "{of}: {} finished by conjugate gradients",
            plural(fallbacks, "system", "systems")
        ));
    }
}

fn results_json(summary: &CompletionSummary) -> serde_json::Value {
    json!({
        "samples": summary.samples,
        "skipped-datasets": summary.skipped_datasets,
        "notices": summary.notices,
        "interrupted": summary.interrupted,
        "failures": score_files::failures_json(&summary.failures),
    })
}

fn report(summary: &CompletionSummary, printer: &Printer, started: Instant) {
    for (notice, count) in &summary.notices {
        printer.notice(&format!(
            "{}: {notice}",
            plural(*count, "sample", "samples")
        ));
    }
    if !summary.skipped_datasets.is_empty() {
        let skipped = mednet_base::text::listed(&summary.skipped_datasets, usize::MAX);
        printer.info(&format!("left out by --only-dataset: {skipped}"));
    }
    let mut line = plural(summary.samples, "sample", "samples");
    if !summary.failures.is_empty() {
        let failed = plural(summary.failures.len(), "failure", "failures");
        line.push_str(&format!(", {failed} (listed above)"));
    }
    line.push_str(&format!(", {:.1} s", started.elapsed().as_secs_f64()));
    if summary.interrupted {
        line.push_str("; stopped early: the other samples are missing");
    }
    printer.summary(&line);
}
