//! `mednet saliency interpretability`: how well maps agree with boxes.

use std::time::Instant;

use mednet_base::json::Value;
use mednet_data::{Mode, SampleLoader, TransformPipeline};
use mednet_network::arch::Architecture;
use mednet_report::score_table::{DataSetScores, Metric};
use mednet_saliency::metric::LOCALIZATION_METRICS;
use mednet_saliency::run::{Interpretation, InterpretationSummary, MapSource};
use serde_json::json;

use crate::args::Interpretability;
use crate::exit::{Outcome, Refusal, Status};
use crate::map_sources::{self, label};
use crate::metadata::{self, Metadata};
use crate::network;
use crate::printer::Printer;
use crate::progress::{Progress, end_gently_when_interrupted};
use crate::resolve;
use crate::score_files::{self, ScoreFiles};
use mednet_base::text::plural;

/// Runs the command.
pub(crate) fn run(arguments: &Interpretability, printer: &Printer) -> Outcome {
    let started = Instant::now();
    let Interpretability { inputs, output, .. } = arguments;
    let sources =
        map_sources::in_folder(&arguments.saliency_map_algorithm, &arguments.input_folder)?;
    let files = score_files::destinations(output, &sources, "interpretability")?;
    let resolved = resolve::inputs(inputs)?;
    let module = &resolved.module;
    let transforms = resolved
        .architecture
        .map_or_else(TransformPipeline::default, network::transforms);
    let directories = resolve::directories(inputs.datadir.as_deref())?;
    let loader = SampleLoader::new(module, &directories, transforms, Mode::Default)?;

    let mut base = metadata::of_this_run();
    metadata::put_data(&mut base, module);
    base.insert(
        "model".to_owned(),
        json!(resolved.architecture.map(Architecture::name)),
    );
    put_options(&mut base, arguments);

    end_gently_when_interrupted();
    let several = sources.len() > 1;
    let (mut failed, mut interrupted) = (0, false);
    for (source, files) in sources.iter().zip(&files) {
        if let MapSource::Folder(folder) = source {
            printer.info(&format!("maps in `{}`", folder.path.display()));
        }
        let interpretation = Interpretation {
            loader: &loader,
            source: source.clone(),
            target_label: arguments.target_label,
            only_dataset: inputs.only_dataset.clone(),
            limit: inputs.limit,
            seed: arguments.seed,
        };
        let progress = Progress::new(printer);
        let summary = interpretation.run(module, &progress);
        progress.finish();
        let summary = summary?;
        warn(&summary, source, arguments, printer);
        write(
            &summary,
            source,
            files,
            several,
            base.clone(),
            arguments,
            printer,
        )?;
        failed += summary.failures.len();
        interrupted |= summary.interrupted;
        report(&summary, source, files, printer);
        if interrupted {
            break;
        }
    }
    printer.info(&format!("{:.1} s", started.elapsed().as_secs_f64()));
    Ok(match (failed, interrupted) {
        (_, true) => Status::Interrupted,
        (0, false) => Status::Done,
        (_, false) => Status::SomeFailed,
    })
}

/// The options under their long names, as the original notes them, and ours.
fn put_options(metadata: &mut Metadata, arguments: &Interpretability) {
    let Interpretability { inputs, output, .. } = arguments;
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
        score_files::path_json(Some(&arguments.input_folder)),
    );
    put("target-label", json!(arguments.target_label));
    put("only-dataset", json!(inputs.only_dataset));
    put("plot", json!(!arguments.no_plot));
    put("limit", json!(inputs.limit));
    put("datadir", score_files::path_json(inputs.datadir.as_deref()));
    put("loader", json!(inputs.loader));
    put("seed", json!(arguments.seed));
}

fn write(
    summary: &InterpretationSummary,
    source: &MapSource,
    files: &ScoreFiles,
    several: bool,
    mut metadata: Metadata,
    arguments: &Interpretability,
    printer: &Printer,
) -> Result<(), Refusal> {
    files.write_rows(&rows(summary))?;
    metadata.insert("saliency-map-algorithm".to_owned(), json!(source.name()));
    metadata.insert(
        "results".to_owned(),
        json!({
            "scored": scored(summary),
            "dead-maps": summary.dead_maps,
            "without-boxes": summary.without_boxes,
            "boxes-moved-without-a-model": summary.guessed,
            "skipped-datasets": summary.skipped_datasets,
            "interrupted": summary.interrupted,
            "failures": score_files::failures_json(&summary.failures),
        }),
    );
    files.write_metadata(&metadata)?;
    let metrics: Vec<Metric> = LOCALIZATION_METRICS
        .iter()
        .map(|metric| Metric {
            short_name: metric.short_name(),
            name: metric.name(),
        })
        .collect();
    let datasets: Vec<DataSetScores> = summary
        .datasets
        .iter()
        .map(|dataset| DataSetScores {
            name: dataset.name.clone(),
            samples: dataset.scores().cloned().collect(),
        })
        .collect();
    let method = source.name().filter(|_| several);
    files.write_summary(method, &metrics, &datasets, !arguments.no_plot, printer)
}

/// `{dataset: [[name, label], [name, label, energy, focus], ...]}`.
fn rows(summary: &InterpretationSummary) -> Value {
    summary
        .datasets
        .iter()
        .map(|dataset| {
            let rows = dataset.samples.iter().map(|sample| {
                let mut row = vec![
                    Value::from(sample.name.as_str()),
                    score_files::label(&sample.target),
                ];
                row.extend(sample.scores.iter().flatten().map(|&score| score.into()));
                Value::Array(row)
            });
            (dataset.name.clone(), Value::Array(rows.collect()))
        })
        .collect()
}

fn scored(summary: &InterpretationSummary) -> usize {
    let datasets = summary.datasets.iter();
    datasets.map(|dataset| dataset.scores().count()).sum()
}

/// What the user must know to read the numbers right.
fn warn(
    summary: &InterpretationSummary,
    source: &MapSource,
    arguments: &Interpretability,
    printer: &Printer,
) {
    if summary.guessed > 0 {
        printer.warning(&format!(
            "no model is given: the boxes of {} were padded to a square and resized to the maps' \
             size, as most models' images are; name the model to have it exact",
            plural(summary.guessed, "sample", "samples")
        ));
    }
    if summary.without_boxes > 0 {
        printer.warning(&format!(
            "{} of label {} without boxes: not scored",
            plural(summary.without_boxes, "sample", "samples"),
            arguments.target_label
        ));
    }
    if summary.dead_maps > 0 {
        printer.notice(&format!(
            "{}: {} 0, being zero everywhere",
            label(source),
            plural(summary.dead_maps, "map scores", "maps score")
        ));
    }
    if !summary.skipped_datasets.is_empty() {
        let skipped = mednet_base::text::listed(&summary.skipped_datasets, usize::MAX);
        printer.info(&format!("left out by --only-dataset: {skipped}"));
    }
}

fn report(
    summary: &InterpretationSummary,
    source: &MapSource,
    files: &ScoreFiles,
    printer: &Printer,
) {
    let mut line = format!(
        "{}: {} scored, in `{}`",
        label(source),
        plural(scored(summary), "map", "maps"),
        files.json.display()
    );
    if !summary.failures.is_empty() {
        let failed = plural(summary.failures.len(), "sample", "samples");
        line.push_str(&format!(", {failed} FAILED"));
    }
    if summary.interrupted {
        line.push_str("; interrupted: the other samples are missing");
    }
    printer.summary(&line);
}
