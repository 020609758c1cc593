//! The pages of the PDF.

use std::collections::HashMap;

use mednet_report::drawing::{Colour, Page};
use mednet_report::plot::{
    Band, BoxGroup, BoxPlot, HistogramPlot, RoadCurve, RoadMethod, RoadPlot, ScatterMethod,
    ScatterPlot, box_plot, coloured_histogram_page, histogram_page, road_pages, scatter_page,
};
use mednet_saliency::evaluation::{Bootstrap, ReconciledSample, SCORES, Score, intervals_of_means};
use mednet_saliency::statistics::mean;

use super::Evaluation;
use super::curve_file::{Curve, CurveFile, Side};
use super::entry::Entry;
use crate::printer::Printer;
use mednet_base::text::plural;

/// The bars of a control's histogram.
const CONTROL: Colour = Colour::gray(115);

/// First what compares the methods on each data set, then a histogram for each method, data set
/// and score.
pub(super) fn pages(
    evaluation: &Evaluation,
    curves: &[Option<CurveFile>],
    printer: &Printer,
) -> Vec<Page> {
    let mut pages = Vec::new();
    for dataset in &evaluation.datasets {
        pages.extend(
            SCORES
                .iter()
                .filter_map(|score| boxes(evaluation, dataset, *score)),
        );
        pages.extend(scatter(evaluation, dataset));
        pages.extend(road(evaluation, curves, dataset, printer));
    }
    for entry in &evaluation.entries {
        for part in &entry.parts {
            for score in SCORES {
                let values = part.samples.iter().map(|sample| sample.score(score));
                let plot = HistogramPlot {
                    method: Some(entry.name.clone()),
                    metric: score.title().to_owned(),
                    dataset: part.dataset.clone(),
                    values: values.collect(),
                };
                pages.extend(if entry.is_control {
                    coloured_histogram_page(&plot, CONTROL)
                } else {
                    histogram_page(&plot)
                });
            }
        }
    }
    pages
}

/// The methods that have samples of a data set.
fn present<'a>(
    evaluation: &'a Evaluation,
    dataset: &'a str,
) -> impl Iterator<Item = (usize, &'a Entry, &'a [ReconciledSample])> {
    let entries = evaluation.entries.iter().enumerate();
    entries
        .map(move |(index, entry)| (index, entry, entry.samples(dataset)))
        .filter(|(_, _, samples)| !samples.is_empty())
}

fn boxes(evaluation: &Evaluation, dataset: &str, score: Score) -> Option<Page> {
    let groups = present(evaluation, dataset).map(|(_, entry, samples)| BoxGroup {
        name: entry.name.clone(),
        is_control: entry.is_control,
        values: samples.iter().map(|sample| sample.score(score)).collect(),
    });
    box_plot(&BoxPlot {
        title: format!("{} (@ {dataset})", score.title()),
        score: score.title().to_owned(),
        groups: groups.collect(),
    })
}

fn scatter(evaluation: &Evaluation, dataset: &str) -> Option<Page> {
    let point =
        |sample: &ReconciledSample| (sample.score(Score::Energy), sample.score(Score::Aopc));
    let methods = present(evaluation, dataset).map(|(_, entry, samples)| ScatterMethod {
        name: entry.name.clone(),
        is_control: entry.is_control,
        points: samples.iter().map(point).collect(),
    });
    scatter_page(&ScatterPlot {
        title: format!("Localisation and faithfulness (@ {dataset})"),
        x_label: format!("{} (localisation)", Score::Energy.title()),
        y_label: format!("{} (faithfulness)", Score::Aopc.title()),
        methods: methods.collect(),
    })
}

/// The curves of the samples that the tables are about, where their files are there.
fn road(
    evaluation: &Evaluation,
    files: &[Option<CurveFile>],
    dataset: &str,
    printer: &Printer,
) -> Vec<Page> {
    let mut scores: Vec<&str> = Vec::new();
    let mut most_samples = 0;
    let mut methods = Vec::new();
    for (index, entry, samples) in present(evaluation, dataset) {
        let Some(file) = &files[index] else {
            continue;
        };
        let curves = chosen(file.curves(dataset), samples);
        if curves.is_empty() {
            let name = &entry.name;
            printer.warning(&format!(
                "{name}: the ROAD curves have no sample of data set `{dataset}` with finite values"
            ));
            continue;
        }
        if curves.len() < samples.len() {
            printer.warning(&format!(
                "{}, data set `{dataset}`: ROAD curves of {} of {}",
                entry.name,
                curves.len(),
                plural(samples.len(), "sample", "samples")
            ));
        }
        most_samples = most_samples.max(curves.len());
        if !scores.contains(&file.score.as_str()) {
            scores.push(&file.score);
        }
        let side = |side: fn(&Curve) -> &Side| {
            let sides: Vec<&Side> = curves.iter().map(|curve| side(curve)).collect();
            averaged(dataset, &sides, evaluation.bootstrap)
        };
        methods.push(RoadMethod {
            name: entry.name.clone(),
            is_control: entry.is_control,
            most_relevant_first: side(|curve| &curve.most),
            least_relevant_first: side(|curve| &curve.least),
        });
    }
    if scores.len() > 1 {
        let names = scores.join(", ");
        printer.warning(&format!(
            "the ROAD curves of data set `{dataset}` are of different scores: {names}"
        ));
    }
    let y_label = match scores[..] {
        [only] => format!("mean change of the score ({only})"),
        _ => "mean change of the score".to_owned(),
    };
    let intervals = if most_samples > 1 {
        ", 95 % bootstrap intervals"
    } else {
        ""
    };
    road_pages(&RoadPlot {
        title: format!("ROAD curves (@ {dataset}){intervals}"),
        y_label,
        methods,
    })
}

/// The finite curve of each sample for the class that it was judged by, or else its first.
fn chosen<'a>(curves: &'a [Curve], samples: &[ReconciledSample]) -> Vec<&'a Curve> {
    let mut by_sample: HashMap<&str, Vec<&Curve>> = HashMap::new();
    for curve in curves {
        by_sample.entry(&curve.sample).or_default().push(curve);
    }
    let finite = |curve: &&Curve| {
        [&curve.most, &curve.least].into_iter().all(|side| {
            side.change
                .iter()
                .chain(&side.removed)
                .all(|value| value.is_finite())
        })
    };
    samples
        .iter()
        .filter_map(|sample| {
            let candidates = by_sample.get(sample.sample.as_str())?;
            let judged = candidates
                .iter()
                .find(|c| c.class == sample.completeness.output);
            judged.or(candidates.first()).copied()
        })
        .filter(finite)
        .collect()
}

/// Means over the samples with their intervals, by the mean share removed.
fn averaged(dataset: &str, sides: &[&Side], bootstrap: Bootstrap) -> RoadCurve {
    let points = sides
        .iter()
        .map(|side| side.change.len())
        .min()
        .unwrap_or(0);
    let column = |values: fn(&Side) -> &[f64], point: usize| -> Vec<f64> {
        sides.iter().map(|side| values(side)[point]).collect()
    };
    let changes: Vec<Vec<f64>> = (0..points)
        .map(|point| column(|side| &side.change, point))
        .collect();
    let intervals = intervals_of_means(dataset, &changes, bootstrap);
    let mut curve: Vec<(f64, Band)> = changes
        .iter()
        .zip(intervals)
        .enumerate()
        .map(|(point, (values, interval))| {
            let removed = 100.0 * mean(&column(|side| &side.removed, point));
            let band = Band {
                mean: mean(values),
                low: interval.low,
                high: interval.high,
            };
            (removed, band)
        })
        .collect();
    curve.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (removed, change) = curve.into_iter().unzip();
    RoadCurve { removed, change }
}
