//! How long work goes on: a bar with rate and remaining time, or lines where there is no terminal.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use mednet_saliency::run::{Observer, SampleFailure};

use crate::printer::Printer;

/// Without a terminal, a line at least this often.
const LINE_EVERY: Duration = Duration::from_secs(30);

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From now on, the first interrupt ends work after the sample it is at, the second at once.
pub(crate) fn end_gently_when_interrupted() {
    // Where no handler can be set, an interrupt ends the program at once; files stay whole.
    let _ = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            #[expect(clippy::exit, reason = "asked for twice")]
            std::process::exit(130);
        }
    });
}

/// Tells the user how a run goes on.
pub(crate) struct Progress {
    printer: Printer,
    bar: ProgressBar,
    lines: Option<Mutex<Lines>>,
}

struct Lines {
    dataset: String,
    done: usize,
    total: usize,
    started: Instant,
    last: Instant,
}

impl Progress {
    pub(crate) fn new(printer: &Printer) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = if terminal && !printer.is_quiet() {
            let style = "{prefix:>12} {wide_bar} {pos}/{len} {per_sec} {eta} left";
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
        }
    }

    /// Clears the bar.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Observer for Progress {
    fn dataset(&self, name: &str, samples: usize) {
        self.printer
            .info(&format!("data set `{name}`: {samples} samples"));
        self.bar.reset();
        self.bar.set_prefix(name.to_owned());
        self.bar.set_length(samples as u64);
        if let Some(Ok(mut lines)) = self.lines.as_ref().map(Mutex::lock) {
            let now = Instant::now();
            let dataset = name.to_owned();
            *lines = Lines {
                dataset,
                done: 0,
                total: samples,
                started: now,
                last: now,
            };
        }
    }

    fn sample(&self, name: &str) {
        self.printer.debug(&format!("`{name}` done"));
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
                self.printer.summary(&format!(
                    "{dataset}: {done} of {total} samples, {rate:.1} a second, {left:.0} s left"
                ));
            }
        }
    }

    fn notice(&self, sample: &str, message: &str) {
        self.printer.notice(&format!("`{sample}`: {message}"));
    }

    fn failure(&self, failure: &SampleFailure) {
        self.printer
            .error(&format!("`{}`: {}", failure.sample, failure.reason));
    }

    fn interrupted(&self) -> bool {
        INTERRUPTED.load(Ordering::Relaxed)
    }
}
