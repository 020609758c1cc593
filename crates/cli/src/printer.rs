//! The only place that prints: results to stdout, everything else to stderr.

use std::io::{IsTerminal, Write};
use std::sync::OnceLock;

use anstyle::{AnsiColor, Style};
use indicatif::ProgressBar;
use mednet_base::text::escaped;
use mednet_study::{Diagnostic, Severity};

use crate::exit::Status;

/// How much the user wants to hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Errors and warnings.
    Warning,
    /// And what the user should know about single samples (`-v`).
    Notice,
    /// And what is being done (`-vv`).
    Info,
    /// And everything else (`-vvv`).
    Debug,
}

/// Prints what the user wants to hear.
#[derive(Debug, Clone)]
pub(crate) struct Printer {
    level: Level,
    quiet: bool,
    colour: bool,
    bar: Option<ProgressBar>,
    tables: bool,
}

impl Printer {
    /// For this many `-v`, and `--quiet` or not.
    pub(crate) fn new(verbosity: u8, quiet: bool) -> Self {
        let level = match verbosity {
            0 => Level::Warning,
            1 => Level::Notice,
            2 => Level::Info,
            _ => Level::Debug,
        };
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colour = std::io::stderr().is_terminal() && !no_colour;
        Self {
            level,
            quiet,
            colour,
            bar: None,
            tables: true,
        }
    }

    /// Lets messages appear above a progress bar.
    pub(crate) fn with_bar(&self, bar: ProgressBar) -> Self {
        Self {
            bar: Some(bar),
            ..self.clone()
        }
    }

    /// For a command that is one step of another, whose tables nobody has asked for.
    pub(crate) fn without_tables(&self) -> Self {
        Self {
            tables: false,
            ..self.clone()
        }
    }

    /// Prints a table of results to stdout.
    pub(crate) fn table(&self, text: &str) {
        if self.tables {
            to_stdout(&escaped(text));
        }
    }

    /// Whether a bar and a summary are wanted.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    pub(crate) fn error(&self, message: &str) {
        self.labelled("error", AnsiColor::Red, message);
    }

    pub(crate) fn warning(&self, message: &str) {
        self.labelled("warning", AnsiColor::Yellow, message);
    }

    pub(crate) fn notice(&self, message: &str) {
        if self.level >= Level::Notice {
            self.labelled("notice", AnsiColor::Cyan, message);
        }
    }

    pub(crate) fn info(&self, message: &str) {
        if self.level >= Level::Info {
            self.labelled("info", AnsiColor::Blue, message);
        }
    }

    pub(crate) fn debug(&self, message: &str) {
        if self.level >= Level::Debug {
            self.labelled("debug", AnsiColor::Magenta, message);
        }
    }

    /// A line of a summary: always, unless the user wants quiet.
    pub(crate) fn summary(&self, line: &str) {
        if !self.quiet {
            self.line(&escaped(line));
        }
    }

    /// Tells a diagnostic that is not about a sample.
    pub(crate) fn diagnostic(&self, diagnostic: &Diagnostic) {
        self.diagnosed(
            diagnostic.code(),
            diagnostic.severity(),
            &diagnostic.to_string(),
        );
    }

    /// Tells something that has a code.
    pub(crate) fn diagnosed(&self, code: &str, severity: Severity, message: &str) {
        match severity {
            Severity::Warning => {
                self.labelled(&format!("warning[{code}]"), AnsiColor::Yellow, message);
            }
            Severity::Notice if self.level >= Level::Notice => {
                self.labelled(&format!("notice[{code}]"), AnsiColor::Cyan, message);
            }
            Severity::Notice => {}
        }
    }

    /// The messages of others may hold anything: nothing of it moves the cursor.
    fn labelled(&self, label: &str, colour: AnsiColor, message: &str) {
        let message = escaped(message);
        if self.colour {
            let style = Style::new().bold().fg_color(Some(colour.into()));
            self.line(&format!("{style}{label}{style:#}: {message}"));
        } else {
            self.line(&format!("{label}: {message}"));
        }
    }

    fn line(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| to_stderr(line)),
            None => to_stderr(line),
        }
    }
}

/// Writes a line to stderr; there is nobody to tell if that fails.
pub(crate) fn to_stderr(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// What went wrong when a result was written to stdout.
static STDOUT_FAILED: OnceLock<String> = OnceLock::new();

/// Writes a result to stdout. A reader that has gone away (`| head`) has what it wants; any other
/// failure decides how the program ends.
pub(crate) fn to_stdout(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| match text.ends_with('\n') {
            true => stdout.flush(),
            false => stdout.write_all(b"\n").and_then(|()| stdout.flush()),
        });
    note_stdout(written);
}

/// Remembers that a result could not be written.
pub(crate) fn note_stdout(written: std::io::Result<()>) {
    if let Err(error) = written
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        STDOUT_FAILED.get_or_init(|| error.to_string());
    }
}

/// How the program ends, now that it is known what became of its results on stdout.
pub(crate) fn status_of_stdout(status: Status) -> Status {
    match STDOUT_FAILED.get() {
        None => status,
        Some(error) => {
            to_stderr(&format!(
                "error: cannot write the result to stdout: {error}"
            ));
            Status::Refused
        }
    }
}
