//! `mednet saliency collect`: the parts of a run brought together.

use std::path::Path;

use mednet_base::text::{listed, plural};
use mednet_data::Mode;
use mednet_saliency::metric::road::RoadSettings;
use mednet_study::collect::{
    CollectedMaps, CollectedScores, Status as RunStatus, collect_completeness,
    collect_interpretability, collect_maps,
};
use mednet_study::run::completeness::COMMAND as COMPLETENESS;
use mednet_study::store::{JOURNALS, MANIFEST};
use mednet_study::{SampleFailure, notes};
use serde_json::{Value, json};

use super::{completeness, generate, interpretability};
use crate::args::Collect;
use crate::exit::{Outcome, Refusal, Status};
use crate::printer::{Printer, to_stdout};
use crate::score_files::ScoreFiles;

/// Failures that are told one by one.
const MOST_TOLD: usize = 5;

/// Runs the command.
pub(crate) fn run(arguments: &Collect, printer: &Printer) -> Outcome {
    let mut complete = true;
    let mut reports = Vec::new();
    // A program reads nothing but the summary.
    let without_tables = printer.without_tables();
    let tables = if arguments.json {
        &without_tables
    } else {
        printer
    };
    for folder in &arguments.folders {
        let mut found = false;
        for collected in collect_completeness(folder)? {
            found = true;
            complete &= of_scores(&collected, printer, &mut reports)?;
            if let Some(scores) = &collected.scores {
                let (files, names) = (files(folder, &collected), names(&collected));
                let road = road(&collected.notes)?;
                let notes = &collected.notes;
                let others = other_weights(notes);
                completeness::write_scores(&files, &names, &road, notes, &others, scores, tables)?;
                collected.keep_records(Some(&files.records(COMPLETENESS)))?;
            }
        }
        for collected in collect_interpretability(folder)? {
            found = true;
            complete &= of_scores(&collected, printer, &mut reports)?;
            if let Some(scores) = &collected.scores {
                let (files, names) = (files(folder, &collected), names(&collected));
                interpretability::write_scores(&files, &names, &collected.notes, scores, tables)?;
                collected.keep_records(None)?;
            }
        }
        if !found && has_results(folder) {
            printer.summary(&format!(
                "`{}`: nothing to bring together",
                folder.display()
            ));
        } else if !found || folder.join(MANIFEST).exists() || has_maps(folder) {
            complete &= of_maps(folder, arguments, printer, &mut reports)?;
        }
    }
    if arguments.json {
        to_stdout(&format!("{:#}", Value::Array(reports)));
    }
    Ok(match complete {
        true => Status::Done,
        false => Status::SomeFailed,
    })
}

/// Whether a run of `generate` has left journals.
fn has_maps(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder.join(JOURNALS))
        .into_iter()
        .flatten();
    let mut names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.any(|name| name.starts_with("generate-"))
}

/// Whether a folder holds scores that were brought together before, and no maps.
fn has_results(folder: &Path) -> bool {
    let is_score = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".rst") || name.ends_with(".records.jsonl")
    };
    let entries = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect::<Vec<_>>()
    };
    let here = entries(folder);
    let below = here
        .iter()
        .flat_map(|path| entries(path))
        .collect::<Vec<_>>();
    !folder.join(MANIFEST).exists()
        && !has_maps(folder)
        && here.iter().chain(&below).any(|path| is_score(path))
}

/// Maps of other weights, as all parts of a run together found them.
fn other_weights(notes: &Value) -> Vec<(String, usize)> {
    let parts = notes.get("parts").and_then(Value::as_array);
    let mut sums: Vec<(String, usize)> = Vec::new();
    let mut told: Vec<&Value> = Vec::new();
    // The last process of each part speaks for it.
    for part in parts.into_iter().flatten() {
        told.retain(|other| other.get("shard") != part.get("shard"));
        told.push(part);
    }
    for part in told {
        let found = part
            .get("results")
            .and_then(|results| results.get("other-weights"));
        let found: Vec<(String, usize)> = found
            .and_then(|found| serde_json::from_value(found.clone()).ok())
            .unwrap_or_default();
        for (name, count) in found {
            match sums.iter_mut().find(|(known, _)| *known == name) {
                Some((_, sum)) => *sum += count,
                None => sums.push((name, count)),
            }
        }
    }
    sums
}

/// Folds the journals of maps; whether all are there.
fn of_maps(
    folder: &Path,
    arguments: &Collect,
    printer: &Printer,
    reports: &mut Vec<Value>,
) -> Result<bool, Refusal> {
    let collected = collect_maps(folder, arguments.verify)?;
    let shown = folder.display();
    for run in &collected.runs {
        tell_open(run, printer);
        tell_failures(&run.failures, printer);
    }
    let CollectedMaps {
        missing, damaged, ..
    } = &collected;
    if !missing.is_empty() {
        let maps = plural(missing.len(), "map is", "maps are");
        printer.error(&format!(
            "{maps} not there, or cut off: {}",
            listed(missing, MOST_TOLD)
        ));
    }
    if !damaged.is_empty() {
        let maps = plural(damaged.len(), "map is", "maps are");
        printer.error(&format!(
            "{maps} not what was written: {}; `generate --verify` makes them again",
            listed(damaged, MOST_TOLD)
        ));
    }
    if let Some(of_parts) = &collected.notes {
        notes::write(&folder.join(generate::NOTES), of_parts)?;
    }
    printer.summary(&format!(
        "{} of {} in `{shown}`{}",
        plural(collected.maps, "map", "maps"),
        plural(collected.samples, "sample", "samples"),
        if collected.is_complete() {
            ", all there"
        } else {
            ""
        },
    ));
    reports.push(json!({
        "folder": shown.to_string(),
        "complete": collected.is_complete(),
        "collected": serde_json::to_value(&collected)?,
    }));
    Ok(collected.is_complete())
}

/// Says how far the parts of a run of scores are; whether all are there.
fn of_scores<S>(
    collected: &CollectedScores<S>,
    printer: &Printer,
    reports: &mut Vec<Value>,
) -> Result<bool, Refusal> {
    tell_open(&collected.run, printer);
    tell_failures(&collected.failures, printer);
    let complete = collected.scores.is_some() && collected.failures.is_empty();
    reports.push(json!({
        "complete": complete,
        "collected": serde_json::to_value(&collected.run)?,
    }));
    Ok(complete)
}

/// Parts that are not done, with what to type for them.
fn tell_open(run: &RunStatus, printer: &Printer) {
    let at_work: Vec<String> = run
        .parts
        .iter()
        .filter(|part| part.alive)
        .filter_map(|part| Some(part.shard?.to_string()))
        .collect();
    if !at_work.is_empty() {
        printer.warning(&format!(
            "{}: still at work: shards {}",
            run.command,
            at_work.join(", ")
        ));
    }
    let ended_from_outside =
        run.shards.is_none() && run.parts.iter().any(|part| !part.is_whole() && !part.alive);
    if ended_from_outside {
        printer.error(&format!(
            "{}: a run was ended before its end; run again: {}",
            run.command, run.command_line
        ));
    }
    let open = run.open();
    let Some(first) = open.first() else { return };
    let done = |shard: u32| {
        let part = run.parts.iter().find(|part| part.shard == Some(shard));
        part.map_or_else(
            || format!("{shard} (not begun)"),
            |part| format!("{shard} ({} of {} samples)", part.done, part.samples),
        )
    };
    let shown: Vec<String> = open.iter().take(16).map(|&shard| done(shard)).collect();
    let more = match open.len().saturating_sub(shown.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let numbers: Vec<String> = open.iter().map(u32::to_string).collect();
    printer.error(&format!(
        "{}: not done: shards {}{more}\n  run again, such as the first of them: {}\n  with Slurm: \
         sbatch --array={} SCRIPT",
        run.command,
        shown.join(", "),
        run.command_of(*first),
        numbers.join(","),
    ));
}

fn tell_failures(failures: &[SampleFailure], printer: &Printer) {
    for failure in failures.iter().take(MOST_TOLD) {
        let sample = mednet_base::text::escaped_line(&failure.sample);
        printer.error(&format!("`{sample}`: {}", failure.reason));
    }
    if let Some(more) = failures
        .len()
        .checked_sub(MOST_TOLD)
        .filter(|more| *more > 0)
    {
        printer.error(&format!(
            "and {}",
            plural(more, "more failure", "more failures")
        ));
    }
}

fn names<S>(collected: &CollectedScores<S>) -> Vec<Option<String>> {
    let name = |name: &String| (!name.is_empty()).then(|| name.clone());
    collected.sources.iter().map(name).collect()
}

fn files<S>(folder: &Path, collected: &CollectedScores<S>) -> ScoreFiles {
    let names = collected.notes.get("score-files").and_then(Value::as_array);
    let names = names.into_iter().flatten().filter_map(Value::as_str);
    ScoreFiles {
        folder: folder.to_owned(),
        json: names.map(Into::into).collect(),
        plot: collected
            .notes
            .get("plot")
            .and_then(Value::as_bool)
            .unwrap_or(true),
    }
}

/// How maps were scored, from the notes of the run.
fn road(notes: &Value) -> Result<RoadSettings, Refusal> {
    let missing = |name: &str| Refusal::new(format!("the journals do not say `{name}`"));
    let number = |name: &str| {
        notes
            .get(name)
            .and_then(Value::as_f64)
            .ok_or_else(|| missing(name))
    };
    let text = |name: &str| {
        notes
            .get(name)
            .and_then(Value::as_str)
            .ok_or_else(|| missing(name))
    };
    let listed = notes.get("percentile").and_then(Value::as_array);
    let listed = listed.into_iter().flatten().filter_map(Value::as_u64);
    let mut percentiles: Vec<u8> = listed.filter_map(|p| u8::try_from(p).ok()).collect();
    percentiles.sort_unstable();
    percentiles.dedup();
    let seed = notes.get("seed").and_then(Value::as_u64);
    Ok(RoadSettings {
        percentiles,
        noise: number("noise")? as f32,
        repeats: number("repeats")? as usize,
        probability: text("score")?.parse()?,
        mode: match text("mode")? {
            "mednet" => Mode::Mednet,
            _ => Mode::Default,
        },
        seed: seed.ok_or_else(|| missing("seed"))?,
    })
}
