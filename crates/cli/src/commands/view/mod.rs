//! `mednet saliency view`: saliency maps over the radiographs they explain.

mod draw;
mod plan;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use mednet_base::file;
use mednet_data::{DataModule, SampleLoader};
use mednet_network::arch::Architecture;
use mednet_report::colormap::Colormap;
use mednet_report::montage::{Montage, MontageOptions};
use mednet_report::overlay::{OverlayOptions, Style};
use mednet_saliency::run::stored::{self, Found};
use mednet_saliency::run::{Observer, SampleFailure, StoredMaps};
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::args::{Compat, View};
use crate::exit::{Outcome, Refusal, Status};
use crate::metadata;
use crate::network;
use crate::printer::{Printer, to_stdout};
use crate::progress::{Progress, end_gently_when_interrupted};
use crate::resolve;
use draw::Drawing;
use mednet_base::text::plural;
use plan::{Job, Plan};

/// Samples that are in memory at a time, for each thread and at most.
const SAMPLES_A_THREAD: usize = 2;
const MOST_SAMPLES: usize = 64;

/// What came of a run.
#[derive(Default)]
struct Summary {
    samples: usize,
    overlays: usize,
    /// Maps that are zero everywhere, by the name of their method.
    dead_maps: BTreeMap<String, usize>,
    failures: Vec<SampleFailure>,
    montage: Vec<PathBuf>,
    interrupted: bool,
}

/// Runs the command.
pub(crate) fn run(arguments: &View, printer: &Printer) -> Outcome {
    let started = Instant::now();
    let inputs = &arguments.inputs;
    let colormap = Colormap::by_name(&arguments.colormap)?;
    let wanted = wanted_methods(arguments)?;
    check_montage_name(arguments)?;
    let resolved = resolve::inputs(inputs)?;
    let architecture = resolve::required_model(&resolved)?;
    let module = &resolved.module;
    resolve::only_dataset(module, inputs.only_dataset.as_deref())?;
    let directories = resolve::directories(inputs.datadir.as_deref())?;
    let transforms = network::transforms(architecture);
    let mode = network::mode(arguments.compat);
    let loader = SampleLoader::new(module, &directories, transforms, mode)?;
    let threads = network::use_threads(arguments.parallel)?;

    let plan = Plan::new(module, arguments);
    let paths: Vec<PathBuf> = plan.jobs().map(|job| job.map.clone()).collect();
    if paths.is_empty() {
        let failures = || plan.parts.iter().flat_map(|part| &part.failures);
        let reason = failures().next().map_or_else(
            || {
                format!(
                    "no sample of `{}` has the label {}; --target-label chooses another",
                    module.name, arguments.target_label
                )
            },
            |first| {
                format!(
                    "no sample can be shown; the first, `{}`: {}",
                    first.sample, first.reason
                )
            },
        );
        return Err(Refusal::new(reason));
    }
    let found = stored::find(&arguments.input_folder, &paths, &wanted)?;
    for warning in &found.warnings {
        printer.warning(warning);
    }
    let output = |stored: &StoredMaps| {
        let mut folder = arguments.output_folder.clone();
        if found.several {
            folder.push(&stored.name);
        }
        folder
    };
    plan.spare_radiographs(&loader, output, &found.maps)?;
    let names: Vec<&str> = found.maps.iter().map(|maps| maps.name.as_str()).collect();
    printer.info(&format!(
        "showing {} of label {} by {}",
        plural(paths.len(), "sample", "samples"),
        arguments.target_label,
        names.join(", ")
    ));

    let options = OverlayOptions {
        threshold: arguments.threshold,
        alpha: arguments.alpha,
        colormap,
        boxes: None,
        style: if arguments.contour {
            Style::Contour
        } else {
            Style::Wash
        },
        compat: matches!(arguments.compat, Some(Compat::Mednet)),
        ..OverlayOptions::default()
    };
    let montage_options = || MontageOptions {
        colormap,
        threshold: arguments.threshold,
        contour: arguments.contour,
        ..MontageOptions::new(&title(architecture, module, arguments), &names)
    };
    let drawing = Drawing {
        loader: &loader,
        maps: found
            .maps
            .iter()
            .map(|stored| (stored, output(stored)))
            .collect(),
        options,
        boxes: arguments.show_groundtruth,
        montage: arguments
            .montage
            .as_ref()
            .map(|_| (montage_options(), !arguments.no_show_groundtruth)),
    };
    if arguments.dry_run {
        return Ok(dry_run(arguments, &plan, &drawing));
    }
    create_folder(&arguments.output_folder)?;
    end_gently_when_interrupted();
    let summary = draw_all(arguments, &plan, &drawing, threads, printer)?;
    write_metadata(
        arguments,
        architecture,
        module,
        &found,
        &plan,
        &summary,
        started,
    )?;
    report(arguments, &plan, &summary, printer, started);
    Ok(if !summary.failures.is_empty() {
        Status::SomeFailed
    } else if summary.interrupted {
        Status::Interrupted
    } else {
        Status::Done
    })
}

/// The methods to show, by canonical name; none: all there are.
fn wanted_methods(arguments: &View) -> Result<Vec<&'static str>, Refusal> {
    let names = &arguments.saliency_map_algorithm;
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let methods = resolve::methods(names)?;
    if names.iter().any(|name| name.eq_ignore_ascii_case("all")) {
        return Ok(Vec::new());
    }
    Ok(methods.iter().map(|method| method.names()[0]).collect())
}

/// Told before anything is drawn.
fn check_montage_name(arguments: &View) -> Result<(), Refusal> {
    let Some(path) = &arguments.montage else {
        return Ok(());
    };
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    if ending == "png" || ending == "pdf" {
        return Ok(());
    }
    Err(mednet_report::Error::UnknownEnding { path: path.clone() }.into())
}

fn create_folder(folder: &Path) -> Result<(), Refusal> {
    std::fs::create_dir_all(folder).map_err(|error| {
        let folder = folder.display();
        Refusal::new(format!("cannot make the output folder `{folder}`: {error}"))
    })
}

/// Heading of the montage.
fn title(architecture: &Architecture, module: &DataModule, arguments: &View) -> String {
    let path = Path::new(&module.name);
    let folder = module.folder.as_ref().and(path.parent());
    // Of a file, its name and that of its folder say enough.
    let data = match (folder.and_then(Path::file_name), path.file_name()) {
        (Some(folder), Some(name)) => Path::new(folder).join(name).display().to_string(),
        (None, Some(name)) => name.to_string_lossy().into_owned(),
        (_, None) => module.name.clone(),
    };
    let only = inputs_only(arguments);
    format!(
        "{} on {data}{only}, label {}",
        architecture.name(),
        arguments.target_label
    )
}

fn inputs_only(arguments: &View) -> String {
    match &arguments.inputs.only_dataset {
        Some(name) => format!(" ({name})"),
        None => String::new(),
    }
}

fn draw_all(
    arguments: &View,
    plan: &Plan<'_>,
    drawing: &Drawing<'_>,
    threads: usize,
    printer: &Printer,
) -> Result<Summary, Refusal> {
    let mut summary = Summary::default();
    let mut montage = match (&arguments.montage, &drawing.montage) {
        (Some(path), Some((options, _))) => Some(Montage::create(path, options.clone())?),
        _ => None,
    };
    let progress = Progress::new(printer);
    let fail = |failure: SampleFailure, summary: &mut Summary| {
        progress.failure(&failure);
        summary.failures.push(failure);
    };
    let at_a_time = (SAMPLES_A_THREAD * threads).min(MOST_SAMPLES);
    'parts: for part in &plan.parts {
        progress.dataset(part.dataset, part.jobs.len() + part.failures.len());
        for failure in &part.failures {
            fail(failure.clone(), &mut summary);
            progress.sample(&failure.sample);
        }
        for jobs in part.jobs.chunks(at_a_time) {
            // What comes out does not depend on which thread is first.
            let drawn: Vec<_> = jobs.par_iter().map(|job| drawing.sample(job)).collect();
            for (job, drawn) in jobs.iter().zip(drawn) {
                let name = &job.record.name;
                for notice in &drawn.notices {
                    progress.notice(name, notice);
                }
                summary.overlays += drawn.written;
                for method in drawn.dead {
                    let name = drawing.maps[method].0.name.clone();
                    *summary.dead_maps.entry(name).or_default() += 1;
                }
                match drawn.failure {
                    None => summary.samples += 1,
                    Some(reason) => fail(part.failure(name, reason), &mut summary),
                }
                if let (Some(montage), Some(row)) = (&mut montage, drawn.row) {
                    montage.push_prepared(row)?;
                }
                progress.sample(name);
            }
            if progress.interrupted() {
                summary.interrupted = true;
                break 'parts;
            }
        }
    }
    progress.finish();
    if let Some(montage) = montage {
        summary.montage = montage.finish()?;
    }
    Ok(summary)
}

/// What would be done.
fn dry_run(arguments: &View, plan: &Plan<'_>, drawing: &Drawing<'_>) -> Status {
    let count = |what: &dyn Fn(&Job<'_>, &StoredMaps, &Path) -> bool| {
        let pairs = plan
            .jobs()
            .flat_map(|job| drawing.maps.iter().map(move |pair| (job, pair)));
        pairs
            .filter(|(job, (stored, folder))| what(job, stored, folder))
            .count()
    };
    let missing = count(&|job, stored, _| !stored.folder.join(&job.map).is_file());
    let there = count(&|job, _, folder| folder.join(&job.picture).is_file());
    let overlays = count(&|_, _, _| true) - missing;
    let refused: usize = plan.parts.iter().map(|part| part.failures.len()).sum();
    let folders: Vec<String> = drawing
        .maps
        .iter()
        .map(|(stored, folder)| format!("`{}` -> `{}`", stored.folder.display(), folder.display()))
        .collect();
    if arguments.json {
        let report = json!({
            "dry-run": true,
            "samples": plan.jobs().count(),
            "overlays": overlays,
            "overlays-replaced": there,
            "maps-missing": missing,
            "samples-refused": refused,
            "samples-of-other-labels": plan.other_labels,
            "skipped-datasets": plan.skipped_datasets,
            "montage": arguments.montage.as_ref().map(|path| path.display().to_string()),
        });
        to_stdout(&format!("{report:#}"));
        return Status::Done;
    }
    let mut text = String::from("nothing is written (--dry-run); this would be done:\n");
    for part in &plan.parts {
        text.push_str(&format!(
            "  data set `{}`: {}\n",
            part.dataset,
            plural(part.jobs.len(), "sample", "samples")
        ));
    }
    text.push_str(&format!(
        "  {} drawn, {there} of them there already and replaced\n  {} missing\n",
        plural(overlays, "overlay", "overlays"),
        plural(missing, "map", "maps"),
    ));
    if refused > 0 {
        let refused = plural(refused, "sample", "samples");
        text.push_str(&format!("  {refused} refused for the name\n"));
    }
    for folder in folders {
        text.push_str(&format!("  {folder}\n"));
    }
    if let Some(path) = &arguments.montage {
        text.push_str(&format!("  montage: `{}`\n", path.display()));
    }
    to_stdout(&text);
    Status::Done
}

fn write_metadata(
    arguments: &View,
    architecture: &Architecture,
    module: &DataModule,
    found: &Found,
    plan: &Plan<'_>,
    summary: &Summary,
    started: Instant,
) -> Result<(), Refusal> {
    let inputs = &arguments.inputs;
    let text = |path: &Path| path.display().to_string();
    let folders: Vec<String> = arguments
        .input_folder
        .iter()
        .map(|path| text(path))
        .collect();
    let maps: serde_json::Map<String, Value> = found
        .maps
        .iter()
        .map(|stored| (stored.name.clone(), json!(text(&stored.folder))))
        .collect();
    let mut metadata = metadata::of_this_run();
    metadata::put_data(&mut metadata, module);
    let mut put = |name: &str, value: Value| metadata.insert(name.to_owned(), value);
    put("model", json!(architecture.name()));
    put(
        "input-folder",
        match &folders[..] {
            [only] => json!(only),
            _ => json!(folders),
        },
    );
    put("output-folder", json!(text(&arguments.output_folder)));
    put("show-groundtruth", json!(arguments.show_groundtruth));
    put("threshold", json!(short(arguments.threshold)));
    put("target-label", json!(arguments.target_label));
    put("only-dataset", json!(inputs.only_dataset));
    put("limit", json!(inputs.limit));
    put("datadir", json!(inputs.datadir.as_deref().map(text)));
    put("loader", json!(inputs.loader));
    put("colormap", json!(arguments.colormap));
    put("alpha", json!(short(arguments.alpha)));
    put("contour", json!(arguments.contour));
    put("montage", json!(arguments.montage.as_deref().map(text)));
    put("mode", json!(network::mode(arguments.compat).to_string()));
    put("maps", Value::Object(maps));
    put("duration-seconds", json!(started.elapsed().as_secs_f64()));
    put("results", summary_json(plan, summary));
    let path = arguments.output_folder.join("view.meta.json");
    let mut text = serde_json::to_string_pretty(&metadata)?;
    text.push('\n');
    Ok(file::write(&path, text.as_bytes())?)
}

/// The number as it was typed: 0.2, not 0.20000000298.
fn short(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}

fn summary_json(plan: &Plan<'_>, summary: &Summary) -> Value {
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
    let montage: Vec<String> = summary
        .montage
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    json!({
        "samples": summary.samples,
        "overlays-written": summary.overlays,
        "dead-maps": summary.dead_maps,
        "samples-of-other-labels": plan.other_labels,
        "skipped-datasets": plan.skipped_datasets,
        "montage": montage,
        "interrupted": summary.interrupted,
        "failures": failures,
    })
}

/// Tells the user what came of it.
fn report(
    arguments: &View,
    plan: &Plan<'_>,
    summary: &Summary,
    printer: &Printer,
    started: Instant,
) {
    if !plan.skipped_datasets.is_empty() {
        let skipped = mednet_base::text::listed(&plan.skipped_datasets, 10);
        printer.info(&format!("left out by --only-dataset: {skipped}"));
    }
    if plan.other_labels > 0 {
        printer.info(&format!(
            "left out, because the label is not {}: {}",
            arguments.target_label,
            plural(plan.other_labels, "sample", "samples")
        ));
    }
    for (method, count) in &summary.dead_maps {
        let maps = plural(*count, "map", "maps");
        printer.notice(&format!("{maps} of {method}: zero everywhere"));
    }
    let mut line = format!(
        "{} of {} in `{}`",
        plural(summary.overlays, "overlay", "overlays"),
        plural(summary.samples, "sample", "samples"),
        arguments.output_folder.display()
    );
    match &summary.montage[..] {
        [] => {}
        [only] => line.push_str(&format!(", montage `{}`", only.display())),
        [first, .., last] => line.push_str(&format!(
            ", montage `{}` to `{}`",
            first.display(),
            last.display()
        )),
    }
    if !summary.failures.is_empty() {
        let failed = plural(summary.failures.len(), "sample", "samples");
        line.push_str(&format!(", {failed} FAILED"));
    }
    line.push_str(&format!(", {:.1} s", started.elapsed().as_secs_f64()));
    if summary.interrupted {
        line.push_str("; interrupted");
    }
    printer.summary(&line);
    if arguments.json {
        to_stdout(&format!("{:#}", summary_json(plan, summary)));
    }
}
