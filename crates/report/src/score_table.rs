//! The table that every kind of score is summed up in, and the pages of its histograms.

use mednet_base::statistics::{mean_in_one_pass, quantile, standard_deviation_around};

use crate::drawing::Page;
use crate::plot::{HistogramPlot, histogram_page};
use crate::table::{Cell, Table};

/// What is said about each metric, in the order of the columns.
const STATISTICS: [&str; 5] = ["mean", "std", "25%", "50%", "75%"];

/// A score: its name in tables and in plots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Name in tables.
    pub short_name: &'static str,
    /// Name in plots.
    pub name: &'static str,
}

/// The scores of a data set.
#[derive(Debug, Clone, PartialEq)]
pub struct DataSetScores {
    /// Its name.
    pub name: String,
    /// For each scored sample, a value for each metric.
    pub samples: Vec<Vec<f64>>,
}

impl DataSetScores {
    fn values(&self, metric: usize) -> Vec<f64> {
        self.samples
            .iter()
            .filter_map(|values| values.get(metric))
            .copied()
            .collect()
    }
}

/// A row for each data set: number of scored samples, then mean, standard deviation (n - 1) and
/// quartiles of each metric. `nan` where there are too few samples.
#[must_use]
pub fn score_table(metrics: &[Metric], datasets: &[DataSetScores]) -> Table {
    let mut headers = vec!["subset".to_owned(), "samples".to_owned()];
    for metric in metrics {
        let names = STATISTICS.map(|statistic| format!("{}[{statistic}]", metric.short_name));
        headers.extend(names);
    }
    let rows = datasets.iter().map(|dataset| {
        let mut row = vec![
            Cell::from(dataset.name.as_str()),
            Cell::from(dataset.samples.len()),
        ];
        for index in 0..metrics.len() {
            row.extend(statistics(dataset.values(index)).map(Cell::Float));
        }
        row
    });
    Table {
        rows: rows.collect(),
        headers,
    }
}

/// In the order of [`STATISTICS`].
fn statistics(mut values: Vec<f64>) -> [f64; 5] {
    values.sort_by(f64::total_cmp);
    let mean = mean_in_one_pass(values.iter().copied());
    let deviation = standard_deviation_around(mean, &values);
    let [first, median, third] = [0.25, 0.5, 0.75].map(|share| quantile(&values, share));
    [mean, deviation, first, median, third]
}

/// A page for each data set and metric that has a value.
#[must_use]
pub fn score_histograms(
    method: Option<&str>,
    metrics: &[Metric],
    datasets: &[DataSetScores],
) -> Vec<Page> {
    let mut pages = Vec::new();
    for dataset in datasets {
        for (index, metric) in metrics.iter().enumerate() {
            pages.extend(histogram_page(&HistogramPlot {
                method: method.map(str::to_owned),
                metric: metric.name.to_owned(),
                dataset: dataset.name.clone(),
                values: dataset.values(index),
            }));
        }
    }
    pages
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRICS: [Metric; 2] = [
        Metric {
            short_name: "A",
            name: "Long A",
        },
        Metric {
            short_name: "B",
            name: "Long B",
        },
    ];

    fn dataset(name: &str, samples: &[[f64; 2]]) -> DataSetScores {
        DataSetScores {
            name: name.to_owned(),
            samples: samples.iter().map(|sample| sample.to_vec()).collect(),
        }
    }

    #[test]
    fn statistics_by_hand() {
        let found = statistics(vec![4.0, 1.0, 2.0, 3.0]);
        let deviation = (5.0_f64 / 3.0).sqrt();
        assert_eq!(found, [2.5, deviation, 1.75, 2.5, 3.25]);
    }

    #[test]
    fn one_sample_and_none_have_a_row_of_nan_and_no_empty_page() {
        let datasets = [dataset("one", &[[0.5, 0.25]]), dataset("none", &[])];
        let table = score_table(&METRICS, &datasets);
        assert_eq!(table.headers.len(), 12);
        assert_eq!(table.headers[7], "B[mean]");
        let Cell::Float(deviation) = table.rows[0][3] else {
            panic!("{:?}", table.rows[0]);
        };
        assert!(deviation.is_nan());
        assert_eq!(table.rows[0][4], Cell::Float(0.5));
        assert_eq!(table.rows[1][1], Cell::Integer(0));
        let nan = |cell: &Cell| matches!(cell, Cell::Float(value) if value.is_nan());
        assert!(table.rows[1][2..].iter().all(nan));
        assert_eq!(score_histograms(None, &METRICS, &datasets).len(), 2);
    }
}
