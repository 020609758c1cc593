//! How long work goes on: a bar with rate and remaining time, or lines where there is no terminal;
//! and what happens meanwhile, never a thousand lines of it.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use mednet_base::text::{escaped_line, plural};
use mednet_study::{Diagnostic, Event, FailureKind, Observer, SampleFailure, Severity};

use crate::exit::Refusal;
use crate::printer::{Printer, to_stderr};

/// Without a terminal, a line at least this often.
const LINE_EVERY: Duration = Duration::from_secs(30);
/// So many of a kind are told one by one.
const MOST_TOLD: usize = 5;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From now on, the first interrupt ends work after the samples that are under way, the second at
/// once. A scheduler's SIGTERM and a closed terminal's SIGHUP are interrupts too.
pub(crate) fn end_gently_when_interrupted() -> Result<(), Refusal> {
    static SET: AtomicUsize = AtomicUsize::new(0);
    // A demonstration runs several commands.
    if SET.fetch_add(1, Ordering::Relaxed) > 0 {
        return Ok(());
    }
    #[cfg(unix)]
    {
        // A limit on the size of files then is an error of writing, and not the end.
        let ignored = std::sync::Arc::new(AtomicBool::new(false));
        let too_large = signal_hook::consts::SIGXFSZ;
        signal_hook::flag::register(too_large, ignored)?;
    }
    listen()
}

/// Ends the run, gently at first. `again`: whether a second one ends it at once; a terminal that is
/// closed and a scheduler may send theirs twice.
fn interrupt(again: bool) {
    if INTERRUPTED.swap(true, Ordering::Relaxed) {
        if !again {
            return;
        }
        #[expect(clippy::exit, reason = "asked for twice")]
        std::process::exit(130);
    }
    to_stderr("finishing the samples under way, then stopping; interrupt again to stop now");
}

#[cfg(unix)]
fn listen() -> Result<(), Refusal> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut signals = vec![SIGINT, SIGTERM];
    // `nohup` means that a closed terminal ends nothing.
    if !is_ignored(SIGHUP) {
        signals.push(SIGHUP);
    }
    let mut signals = signal_hook::iterator::Signals::new(signals)?;
    let listen = move || {
        signals
            .forever()
            .for_each(|signal| interrupt(signal == SIGINT));
    };
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(listen)?;
    Ok(())
}

/// Whether whoever started this process had it ignore a signal.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(not(unix))]
fn listen() -> Result<(), Refusal> {
    Ok(ctrlc::set_handler(|| interrupt(true))?)
}

/// Tells the user how a run goes on.
pub(crate) struct Progress {
    printer: Printer,
    bar: ProgressBar,
    lines: Option<Mutex<Lines>>,
    told: Mutex<Told>,
}

struct Lines {
    dataset: String,
    done: usize,
    total: usize,
    started: Instant,
    last: Instant,
}

/// How much was told of each kind.
#[derive(Default)]
struct Told {
    failures: BTreeMap<FailureKind, usize>,
    /// With the text of the first one that was not told.
    diagnostics: BTreeMap<&'static str, (usize, Severity, String)>,
}

impl Progress {
    pub(crate) fn new(printer: &Printer) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = if terminal && !printer.is_quiet() {
            let style = "{prefix:>12} {wide_bar} {pos}/{len} {elapsed} {per_sec} {eta} left{msg}";
            let style = ProgressStyle::with_template(style);
            ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        } else {
            ProgressBar::hidden()
        };
        let now = Instant::now();
        let lines = Lines {
            dataset: String::new(),
            done: 0,
            total: 0,
            started: now,
            last: now,
        };
        Self {
            printer: printer.with_bar(bar.clone()),
            bar,
            lines: (!terminal && !printer.is_quiet()).then(|| Mutex::new(lines)),
            told: Mutex::default(),
        }
    }

    /// Clears the bar and counts what was not told one by one; `notes` is the file that lists all.
    pub(crate) fn finish(&self, notes: &str) {
        self.bar.finish_and_clear();
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for (kind, count) in &told.failures {
            if *count > MOST_TOLD {
                self.printer.error(&format!(
                    "and {} ({}); all are listed in {notes}",
                    plural(count - MOST_TOLD, "more failure", "more failures"),
                    kind.words()
                ));
            }
        }
        for (code, (count, severity, text)) in &told.diagnostics {
            if *count > MOST_TOLD {
                let more = plural(count - MOST_TOLD, "more sample", "more samples");
                let text = format!("{more}, as: {text} (`mednet explain {code}`)");
                self.printer.diagnosed(code, *severity, &text);
            }
        }
    }

    fn dataset(&self, name: &str, samples: usize) {
        let name = escaped_line(name);
        self.printer.info(&format!(
            "data set `{name}`: {}",
            plural(samples, "sample", "samples")
        ));
        self.bar.reset();
        self.bar.set_prefix(name.to_string());
        self.bar.set_length(samples as u64);
        self.bar.enable_steady_tick(Duration::from_millis(500));
        if let Some(Ok(mut lines)) = self.lines.as_ref().map(Mutex::lock) {
            let now = Instant::now();
            *lines = Lines {
                dataset: name.to_string(),
                done: 0,
                total: samples,
                started: now,
                last: now,
            };
        }
    }

    fn sample(&self, name: &str) {
        self.printer
            .debug(&format!("`{}` done", escaped_line(name)));
        self.bar.inc(1);
        if let Some(Ok(mut lines)) = self.lines.as_ref().map(Mutex::lock) {
            lines.done += 1;
            if lines.last.elapsed() >= LINE_EVERY {
                lines.last = Instant::now();
                let seconds = lines.started.elapsed().as_secs_f64();
                let rate = lines.done as f64 / seconds;
                let left = (lines.total - lines.done.min(lines.total)) as f64 / rate;
                let Lines {
                    dataset,
                    done,
                    total,
                    ..
                } = &*lines;
                let speed = match rate >= 1.0 {
                    true => format!("{rate:.1} a second"),
                    false => format!("{:.1} s a sample", 1.0 / rate),
                };
                self.printer.summary(&format!(
                    "{dataset}: {done} of {total} samples, {speed}, {left:.0} s left"
                ));
            }
        }
    }

    fn diagnostic(&self, sample: &str, diagnostic: &Diagnostic) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, _, _) = told
            .diagnostics
            .entry(diagnostic.code())
            .or_insert_with(|| (0, diagnostic.severity(), diagnostic.to_string()));
        *count += 1;
        if *count > MOST_TOLD {
            return;
        }
        let (code, severity) = (diagnostic.code(), diagnostic.severity());
        let text = match sample {
            "" => diagnostic.to_string(),
            _ => format!("`{}`: {diagnostic}", escaped_line(sample)),
        };
        self.printer.diagnosed(code, severity, &text);
    }

    fn failure(&self, failure: &SampleFailure) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = told.failures.values().sum();
        self.bar.set_message(format!(", {} failed", all + 1));
        let count = told.failures.entry(failure.kind).or_default();
        *count += 1;
        if *count <= MOST_TOLD {
            let sample = escaped_line(&failure.sample);
            self.printer
                .error(&format!("`{sample}`: {}", failure.reason));
        }
    }
}

impl Observer for Progress {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::DataSet { name, samples } => self.dataset(name, samples),
            Event::Sample { name } => self.sample(name),
            Event::Diagnostic { sample, diagnostic } => self.diagnostic(sample, diagnostic),
            Event::Failure(failure) => self.failure(failure),
        }
    }

    fn interrupted(&self) -> bool {
        INTERRUPTED.load(Ordering::Relaxed)
    }
}
