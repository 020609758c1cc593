//! `mednet saliency view`: saliency maps over the radiographs they explain.

mod draw;
mod plan;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use mednet_data::DataModule;
use mednet_network::arch::Architecture;
use mednet_report::colormap::Colormap;
use mednet_report::montage::{Montage, MontageOptions};
use mednet_report::overlay::{OverlayOptions, Style};
use mednet_study::maps::StoredMaps;
use mednet_study::maps::stored::{self, Found, SampleMap};
use mednet_study::notes::DataNotes;
use mednet_study::run::generate::empty_maps;
use mednet_study::{Diagnostic, Ended, Event, Observer, SampleFailure, Tally, ThreadCount};
use rayon::ThreadPool;
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::args::{Compat, View};
use crate::exit::{Outcome, Refusal, Status};
use crate::invocation::Invocation;
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
    empty_maps: BTreeMap<String, usize>,
    diagnostics: Tally,
    failures: Vec<SampleFailure>,
    montage: Vec<PathBuf>,
    /// What ended the run before its end.
    ended: Option<Ended>,
    /// Why nothing more could be written.
    lost: Option<String>,
}

impl Summary {
    fn ended(&self) -> Ended {
        match (self.ended, self.failures.is_empty()) {
            (Some(ended), _) => ended,
            (None, true) => Ended::Complete,
            (None, false) => Ended::SomeFailed,
        }
    }
}

/// Runs the command.
pub(crate) fn run(arguments: &View, invocation: &Invocation<'_>) -> Outcome {
    let started = Instant::now();
    let (printer, inputs) = (invocation.printer, &arguments.inputs);
    let colormap = Colormap::by_name(&arguments.colormap)?;
    let wanted = wanted_methods(arguments)?;
    check_montage(arguments)?;
    let resolved = resolve::inputs(inputs)?;
    let architecture = resolve::required_model(&resolved)?;
    let module = &resolved.module;
    let mode = network::mode(arguments.compat);
    let loader = network::loader(&resolved, inputs, mode)?;
    let pool = ThreadCount::new(arguments.parallel)?.pool()?;

    let plan = Plan::new(module, arguments)?;
    let paths: Vec<SampleMap<'_>> = plan.jobs().map(Job::sample_map).collect();
    let has_failures = plan.parts.iter().any(|part| !part.failures.is_empty());
    if let (Some(shard), true, false) = (arguments.shard.shard, paths.is_empty(), has_failures) {
        printer.summary(&format!("no sample of shard {shard} has to be shown"));
        return Ok(Status::Done);
    }
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
    super::tell_links(&arguments.output_folder, printer);
    create_folder(&arguments.output_folder)?;
    end_gently_when_interrupted()?;
    let summary = draw_all(arguments, &plan, &drawing, &pool, printer)?;
    if summary.lost.is_none() {
        write_notes(
            arguments,
            invocation,
            architecture,
            module,
            &found,
            &plan,
            &summary,
            started,
        )?;
    }
    report(arguments, &plan, &summary, printer, started);
    Ok(summary.ended().into())
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
fn check_montage(arguments: &View) -> Result<(), Refusal> {
    let Some(path) = &arguments.montage else {
        return Ok(());
    };
    if arguments.shard.shard.is_some() {
        return Err(Refusal::new(
            "--montage shows all samples on one sheet, and a shard has a part of them only: make \
             the montage without --shard",
        ));
    }
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
    pool: &ThreadPool,
    printer: &Printer,
) -> Result<Summary, Refusal> {
    let mut summary = Summary::default();
    let mut montage = match (&arguments.montage, &drawing.montage) {
        (Some(path), Some((options, _))) => Some(Montage::create(path, options.clone())?),
        _ => None,
    };
    let progress = Progress::new(printer);
    let fail = |failure: SampleFailure, summary: &mut Summary| {
        progress.event(Event::Failure(&failure));
        summary.failures.push(failure);
    };
    let at_a_time = (SAMPLES_A_THREAD * pool.current_num_threads()).min(MOST_SAMPLES);
    'parts: for part in &plan.parts {
        progress.event(Event::DataSet {
            name: part.dataset,
            samples: part.jobs.len() + part.failures.len(),
        });
        for failure in &part.failures {
            fail(failure.clone(), &mut summary);
            progress.event(Event::Sample {
                name: &failure.sample,
            });
        }
        for jobs in part.jobs.chunks(at_a_time) {
            // What comes out does not depend on which thread is first.
            let drawn: Vec<_> =
                pool.install(|| jobs.par_iter().map(|job| drawing.sample(job)).collect());
            for (job, drawn) in jobs.iter().zip(drawn) {
                let name = &job.record.name;
                for diagnostic in &drawn.diagnostics {
                    progress.event(Event::Diagnostic {
                        sample: name,
                        diagnostic,
                    });
                    summary.diagnostics.add(name, diagnostic);
                }
                summary.overlays += drawn.written;
                for method in drawn.dead {
                    let name = drawing.maps[method].0.name.clone();
                    *summary.empty_maps.entry(name).or_default() += 1;
                }
                if let Some(reason) = drawn.lost {
                    summary.lost = Some(reason);
                    summary.ended = Some(Ended::OutputLost);
                    break 'parts;
                }
                match drawn.failure {
                    None => summary.samples += 1,
                    Some(fault) => fail(fault.at(part.dataset, name), &mut summary),
                }
                if let (Some(montage), Some(row)) = (&mut montage, drawn.row) {
                    montage.push_prepared(row)?;
                }
                progress.event(Event::Sample { name });
            }
            if progress.interrupted() {
                summary.ended = Some(Ended::Interrupted);
                break 'parts;
            }
        }
    }
    progress.finish(&format!("`{}`", notes_name(arguments)));
    // A sheet of a part of the samples would not say so.
    if let (Some(montage), None) = (montage, summary.ended) {
        summary.montage = montage.finish()?;
    }
    Ok(summary)
}

/// The parts of a run have notes of their own.
fn notes_name(arguments: &View) -> String {
    match arguments.shard.shard {
        None => "view.meta.json".to_owned(),
        Some(shard) => format!("view.{}.meta.json", shard.file_part()),
    }
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

#[expect(clippy::too_many_arguments, reason = "all that the notes are about")]
fn write_notes(
    arguments: &View,
    invocation: &Invocation<'_>,
    architecture: &Architecture,
    module: &DataModule,
    found: &Found,
    plan: &Plan<'_>,
    summary: &Summary,
    started: Instant,
) -> Result<(), Refusal> {
    let maps: serde_json::Map<String, Value> = found
        .maps
        .iter()
        .map(|stored| {
            (
                stored.name.clone(),
                json!(stored.folder.display().to_string()),
            )
        })
        .collect();
    let mode = network::mode(arguments.compat).to_string();
    let mut notes = invocation
        .notes()
        .with("model", architecture.name())
        .with("mode", mode)
        .with("maps", maps);
    notes.data = Some(DataNotes::from(module));
    notes.duration_seconds = Some(started.elapsed().as_secs_f64());
    notes.results = summary_json(plan, summary);
    Ok(notes.write(&arguments.output_folder.join(notes_name(arguments)))?)
}

fn summary_json(plan: &Plan<'_>, summary: &Summary) -> Value {
    let montage: Vec<String> = summary
        .montage
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    json!({
        "ended": summary.ended(),
        "samples": summary.samples,
        "overlays-written": summary.overlays,
        "empty-maps": summary.empty_maps,
        "samples-of-other-labels": plan.other_labels,
        "skipped-datasets": plan.skipped_datasets,
        "montage": montage,
        "diagnostics": summary.diagnostics,
        "failures": summary.failures,
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
    super::tell_skipped(&plan.skipped_datasets, printer);
    if plan.other_labels > 0 {
        printer.diagnostic(&Diagnostic::OtherLabels {
            samples: plan.other_labels,
            label: arguments.target_label,
        });
    }
    for diagnostic in empty_maps(&summary.empty_maps, summary.samples) {
        printer.diagnostic(&diagnostic);
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
    super::end_line(&mut line, summary.failures.len(), summary.ended(), started);
    printer.summary(&line);
    super::told_lost(summary.lost.as_deref(), printer);
    if arguments.json {
        to_stdout(&format!("{:#}", summary_json(plan, summary)));
    }
}
