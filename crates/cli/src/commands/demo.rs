//! `mednet demo`: all steps on drawn chest phantoms, as a user would type them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, FromArgMatches};
use mednet_base::text::plural;
use mednet_base::{file, json};
use mednet_phantom::{PASA_WEIGHTS, export};
use mednet_report::table::{self, Cell, Table};
use mednet_study::ThreadCount;
use serde_json::Value;

use crate::args::{Cli, Demo};
use crate::exit::{Outcome, Refusal, Status};
use crate::invocation::{Invocation, shell_quoted};
use crate::printer::{Printer, to_stdout};

/// Says what the folder holds, so that a demonstration is not mixed with anything else.
const META: &str = "demo.meta.json";
/// Methods on the montage: some that find the lesions and some that do not.
const SHOWN: [&str; 6] = [
    "gradcam",
    "eigencam",
    "scorecam",
    "fullgrad",
    "randomcam",
    "xgradcam",
];
/// Maps that know nothing about the network, and are scored beside the methods.
const CONTROLS: [&str; 3] = ["control-random", "control-center", "control-uniform"];
/// Phantoms whose lesions are on the montage: one page.
const SHOWN_SAMPLES: u32 = 10;

/// A step of the demonstration.
struct Step {
    /// What it is for.
    what: String,
    work: Work,
}

enum Work {
    /// What a user would type behind `mednet`.
    Command(Vec<String>),
    /// The trained network is part of the program.
    WriteWeights(PathBuf),
}

/// Where things are.
struct Layout {
    phantoms: PathBuf,
    split: PathBuf,
    weights: PathBuf,
    maps: PathBuf,
    overlays: PathBuf,
    montage: PathBuf,
    scores: PathBuf,
}

impl Layout {
    fn new(output: &Path) -> Self {
        let phantoms = output.join("phantoms");
        Self {
            split: phantoms.join("split.json"),
            phantoms,
            weights: output.join("pasa-phantom.safetensors"),
            maps: output.join("maps"),
            overlays: output.join("overlays"),
            montage: output.join("montage.png"),
            scores: output.join("scores"),
        }
    }
}

/// Runs the command.
pub(crate) fn run(arguments: &Demo, printer: &Printer) -> Outcome {
    if let Some(folder) = &arguments.export {
        let pool = ThreadCount::new(arguments.parallel)?.pool()?;
        let count = arguments.count as usize;
        let split = pool.install(|| export(folder, arguments.seed, count))?;
        printer.summary(&format!(
            "{} in `{}`, {} of them with lesions; split file `{}`",
            plural(arguments.count as usize, "phantom", "phantoms"),
            folder.display(),
            arguments.count / 2,
            split.display()
        ));
        return Ok(Status::Done);
    }
    claim(arguments)?;
    let layout = Layout::new(&arguments.output_folder);
    let steps = steps(arguments, &layout);
    for (index, step) in steps.iter().enumerate() {
        printer.summary(&format!("[{}/{}] {}", index + 1, steps.len(), step.what));
        let status = step.run(arguments.parallel, &printer.without_tables())?;
        if status != Status::Done {
            return Ok(status);
        }
    }
    if !printer.is_quiet() {
        to_stdout(&means(&layout)?);
        to_stdout(&what_to_look_at(&layout));
    }
    Ok(Status::Done)
}

/// The steps, in order; those on explanations go behind the maps they are about.
fn steps(arguments: &Demo, layout: &Layout) -> Vec<Step> {
    let text = |path: &Path| path.display().to_string();
    let command = |what: &str, words: &[&str], options: &[(&str, String)]| {
        let words = words.iter().map(|&word| word.to_owned());
        let options = options
            .iter()
            .flat_map(|(name, value)| [(*name).to_owned(), value.clone()]);
        Step {
            what: what.to_owned(),
            work: Work::Command(
                words
                    .chain(options)
                    .filter(|word| !word.is_empty())
                    .collect(),
            ),
        }
    };
    let split = text(&layout.split);
    let saliency = |name: &'static str| ["saliency", name, "pasa", split.as_str()];
    let scored = || SHOWN.into_iter().chain(CONTROLS);
    let score_options = |more: &[(&'static str, String)]| {
        let mut options = vec![
            ("--input-folder", text(&layout.maps)),
            ("--output-folder", text(&layout.scores)),
        ];
        options.extend_from_slice(more);
        options.extend(scored().map(|method| ("-s", method.to_owned())));
        options
    };
    // Three values behind one option.
    let entries: Vec<(&str, String)> = scored()
        .flat_map(|method| {
            let folder = layout.scores.join(method);
            let file = |name: &str| ("", text(&folder.join(name)));
            [
                ("-e", method.to_owned()),
                file("completeness.json"),
                file("interpretability.json"),
            ]
        })
        .chain([("--output-folder", text(&layout.scores))])
        .collect();
    let mut montage = vec![
        ("--input-folder", text(&layout.maps)),
        ("--output-folder", text(&layout.overlays)),
        ("--show-groundtruth", String::new()),
        ("--limit", SHOWN_SAMPLES.to_string()),
        ("--montage", text(&layout.montage)),
    ];
    montage.extend(SHOWN.map(|method| ("-s", method.to_owned())));
    vec![
        command(
            "draw chest phantoms, every other one with lesions in known places",
            &["demo"],
            &[
                ("--export", text(&layout.phantoms)),
                ("--seed", arguments.seed.to_string()),
                ("--count", arguments.count.to_string()),
            ],
        ),
        Step {
            what: "take a pasa network that was trained to find them, on other phantoms".to_owned(),
            work: Work::WriteWeights(layout.weights.clone()),
        },
        command(
            "ask every method where the network looks",
            &saliency("generate"),
            &[
                ("--weight", text(&layout.weights)),
                ("--saliency-map-algorithm", "all".to_owned()),
                ("--output-folder", text(&layout.maps)),
            ],
        ),
        command(
            "lay the maps over the phantoms, with boxes where the lesions are",
            &saliency("view"),
            &[
                ("--input-folder", text(&layout.maps)),
                ("--output-folder", text(&layout.overlays)),
                ("--show-groundtruth", String::new()),
            ],
        ),
        command(
            "compare six methods on one sheet",
            &saliency("view"),
            &montage,
        ),
        command(
            "measure how much of each map lies inside the boxes",
            &saliency("interpretability"),
            &score_options(&[]),
        ),
        command(
            "remove pixels in the order of each map and watch the score (ROAD)",
            &saliency("completeness"),
            &score_options(&[("--weight", text(&layout.weights))]),
        ),
        command(
            "compare the methods with each other and with the controls",
            &["saliency", "evaluate"],
            &entries,
        ),
    ]
}

impl Step {
    fn run(&self, parallel: i64, printer: &Printer) -> Outcome {
        match &self.work {
            Work::WriteWeights(path) => {
                file::write(path, PASA_WEIGHTS)?;
                printer.summary(&format!("weights in `{}`", path.display()));
                Ok(Status::Done)
            }
            Work::Command(words) => {
                let shown: Vec<String> = words.iter().map(|word| shell_quoted(word)).collect();
                printer.summary(&format!("$ mednet {}", shown.join(" ")));
                let threads = takes_threads(words).then(|| format!("--parallel={parallel}"));
                let line = std::iter::once("mednet")
                    .chain(words.iter().map(String::as_str))
                    .chain(threads.as_deref());
                let words: Vec<OsString> = line.map(OsString::from).collect();
                let mut command = Cli::command();
                command.build();
                let matches = command.clone().try_get_matches_from(&words)?;
                let invocation = Invocation::new(&command, &matches, words, printer);
                super::dispatch(Cli::from_arg_matches(&matches)?.command, &invocation)
            }
        }
    }
}

/// Whether the command that these words name has a number of threads.
fn takes_threads(words: &[String]) -> bool {
    let root = Cli::command();
    let mut command = &root;
    for word in words {
        match command.find_subcommand(word) {
            Some(subcommand) => command = subcommand,
            None => break,
        }
    }
    command
        .get_arguments()
        .any(|argument| argument.get_id() == "parallel")
}

/// Makes sure that the folder is empty, or holds this very demonstration.
fn claim(arguments: &Demo) -> Result<(), Refusal> {
    let folder = &arguments.output_folder;
    let ours = serde_json::json!({
        "package-name": "mednet",
        "package-version": env!("CARGO_PKG_VERSION"),
        "seed": arguments.seed,
        "count": arguments.count,
    });
    let path = folder.join(META);
    let theirs = std::fs::read_to_string(&path)
        .ok()
        .and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let empty = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
    match theirs {
        Some(theirs) if theirs == ours => return Ok(()),
        Some(_) => {
            return Err(Refusal::new(format!(
                "`{}` holds a demonstration of other phantoms; name another folder",
                folder.display()
            )));
        }
        None if folder.exists() && !empty => {
            return Err(Refusal::new(format!(
                "`{}` is not empty; name another folder",
                folder.display()
            )));
        }
        None => {}
    }
    let mut text = serde_json::to_string_pretty(&ours)?;
    text.push('\n');
    Ok(file::write(&path, text.as_bytes())?)
}

/// Two of the scores of each method, in short.
fn means(layout: &Layout) -> Result<String, Refusal> {
    let path = layout.scores.join("saliency-evaluation.json");
    // Serde's reader knows no NaN, which the deviation of a single sample is.
    let evaluation = json::Value::parse(&std::fs::read_to_string(path)?)?;
    let mean = |method: &str, score: &str| {
        let keys = [method, "test", score, "mean"];
        let value = keys
            .iter()
            .try_fold(&evaluation, |value, key| value.get(key));
        value
            .and_then(json::Value::as_number)
            .map_or(Cell::Missing, Cell::Float)
    };
    let headers = ["method", "completeness (ROAD)", "energy inside the boxes"];
    let scored = SHOWN.into_iter().chain(CONTROLS);
    let table = Table {
        headers: headers.map(str::to_owned).to_vec(),
        rows: scored
            .map(|method| {
                let name = Cell::Text(method.to_owned());
                vec![name, mean(method, "aopc"), mean(method, "energy")]
            })
            .collect(),
    };
    Ok(format!("\n{}", table::by_name("rst")?.write(&table)))
}

fn what_to_look_at(layout: &Layout) -> String {
    let overlay = layout.overlays.join("gradcam/imgs/lesion/l0001.png");
    format!(
        "
Look at
  {}
      phantoms with lesions (rows) by method (columns); green boxes: where the lesions are
  {}
      one overlay of many
  {}
      whether methods differ from each other and from the controls, and by how much

What to see: the network finds the lesions, and most methods say so. xgradcam does not, fullgrad
and scorecam often point at half a lung as well, and randomcam, which only rolls dice, is right
here and there. All of them look convincing: a map is not to be believed for its looks. The scores
tell: those of xgradcam are no better than a random map's.

Next, on your own radiographs and network (split.json lists them: {{\"test\": [[\"a.png\", 1], ...]}}):
  mednet saliency generate densenet split.json --weight model.ckpt --output-folder maps
  mednet saliency view densenet split.json --input-folder maps --montage montage.pdf
",
        layout.montage.display(),
        overlay.display(),
        layout.scores.join("saliency-evaluation.pdf").display()
    )
}
