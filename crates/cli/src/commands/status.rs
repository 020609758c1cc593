//! `mednet saliency status`: how far the parts of a run are.

use std::time::Duration;

use mednet_base::text::{escaped, plural};
use mednet_study::Ended;
use mednet_study::collect::{Part, Status as Run, status};
use serde_json::json;

use crate::args::RunStatus;
use crate::exit::{Outcome, Status};
use crate::printer::to_stdout;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(3);
/// Failures that are shown.
const MOST_SHOWN: usize = 5;

/// Runs the command.
pub(crate) fn run(arguments: &RunStatus) -> Outcome {
    loop {
        let mut runs = Vec::new();
        for folder in &arguments.folders {
            runs.extend(status(folder)?.into_iter().map(|run| (folder, run)));
        }
        if arguments.json {
            let shown: Vec<_> = runs
                .iter()
                .map(|(folder, run)| json!({"folder": folder.display().to_string(), "run": run}))
                .collect();
            to_stdout(&format!("{:#}", json!(shown)));
        } else {
            let mut text = String::new();
            for (folder, run) in &runs {
                text.push_str(&format!(
                    "{} in `{}`\n{}",
                    run.command,
                    folder.display(),
                    table(run)
                ));
            }
            if runs.is_empty() {
                text.push_str("no run is under way: there are no journals\n");
            }
            to_stdout(&escaped(&text));
        }
        let at_work = runs
            .iter()
            .any(|(_, run)| run.parts.iter().any(|part| part.alive));
        if !(arguments.watch && at_work) {
            return Ok(Status::Done);
        }
        std::thread::sleep(PAUSE);
    }
}

fn table(run: &Run) -> String {
    let mut text = String::from("  shard  samples         share   rate      left     state\n");
    for part in &run.parts {
        text.push_str(&line(part, run.shards));
    }
    for shard in &run.missing {
        text.push_str(&format!(
            "  {:<6} not begun\n",
            name(Some(*shard), run.shards)
        ));
    }
    let failures = run.failures.len();
    if failures > 0 {
        text.push_str(&format!("  {}:\n", plural(failures, "failure", "failures")));
        for failure in run.failures.iter().take(MOST_SHOWN) {
            text.push_str(&format!("    `{}`: {}\n", failure.sample, failure.reason));
        }
    }
    text
}

fn name(shard: Option<u32>, count: Option<u32>) -> String {
    match (shard, count) {
        (Some(shard), Some(count)) => format!("{shard}/{count}"),
        _ => "all".to_owned(),
    }
}

fn line(part: &Part, count: Option<u32>) -> String {
    let share = match part.samples {
        0 => 100.0,
        samples => 100.0 * part.done as f64 / samples as f64,
    };
    let left = match part.samples.saturating_sub(part.done) {
        left if left > 0 && part.rate > 0.0 && part.alive => duration(left as f64 / part.rate),
        _ => String::new(),
    };
    let state = match (part.ended, part.alive) {
        (Some(Ended::Complete), _) => "done".to_owned(),
        (Some(Ended::SomeFailed), _) => "done, some failed".to_owned(),
        (Some(Ended::FailFast), _) => "stopped at a failure".to_owned(),
        (Some(Ended::Interrupted), _) => "interrupted".to_owned(),
        (Some(Ended::OutputLost), _) => "stopped: nothing more could be written".to_owned(),
        (None, true) => format!("at work on {}", part.host),
        (None, false) => "ended from outside".to_owned(),
    };
    let samples = format!("{} of {}", part.done, part.samples);
    let failed = match part.failed {
        0 => String::new(),
        failed => format!(", {failed} failed"),
    };
    format!(
        "  {:<6} {samples:<15} {share:>4.0} %  {:<9} {left:<8} {state}{failed}\n",
        name(part.shard, count),
        rate(part.rate),
    )
}

fn rate(rate: f64) -> String {
    match rate {
        0.0 => String::new(),
        rate if rate >= 1.0 => format!("{rate:.1}/s"),
        rate => format!("{:.1} s", 1.0 / rate),
    }
}

fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}
