//! Tables against python-tabulate, and against the original's own files.

// A skipped test says why.
#![allow(clippy::print_stderr)]

use std::path::Path;

use mednet_report::table::{Cell, Table, by_name, formats};
use proptest::prelude::*;
use serde_json::Value;

fn cell(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::Missing,
        Value::String(text) => Cell::Text(text.clone()),
        Value::Number(number) => Cell::Integer(number.as_i64().unwrap()),
        other => Cell::Float(other["float"].as_str().unwrap().parse().unwrap()),
    }
}

#[test]
fn text_equals_tabulates() {
    // Written by `golden/tables/make.py`.
    let cases: Value = serde_json::from_str(include_str!("golden/tables/cases.json")).unwrap();
    let mut compared = 0;
    for case in cases.as_array().unwrap() {
        let headers: Vec<String> = serde_json::from_value(case["headers"].clone()).unwrap();
        let rows = case["rows"].as_array().unwrap();
        let rows = rows
            .iter()
            .map(|row| row.as_array().unwrap().iter().map(cell).collect());
        let table = Table {
            headers,
            rows: rows.collect(),
        };
        for (name, text) in case["texts"].as_object().unwrap() {
            if name == "latex" && table.rows.is_empty() {
                continue; // tabulate then names no column, which LaTeX does not accept
            }
            let written = by_name(name).unwrap().write(&table);
            let expected = text.as_str().unwrap();
            assert!(written == expected, "{name}\n{written}\n{expected}");
            compared += 1;
        }
    }
    assert_eq!(compared, 43);
}

/// Mean, standard deviation (n - 1) and quartiles of a column, as the original tabulates them.
fn statistics(values: &[f64]) -> Vec<Cell> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares = values
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f64>();
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let quartile = |share| mednet_base::statistics::quantile(&sorted, share);
    [
        mean,
        (squares / (n - 1.0)).sqrt(),
        quartile(0.25),
        quartile(0.5),
        quartile(0.75),
    ]
    .map(Cell::Float)
    .into()
}

#[test]
fn text_equals_the_originals_files() {
    let golden =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference/golden/pasa");
    let Ok(methods) = std::fs::read_dir(&golden) else {
        eprintln!("skipped: {} is missing", golden.display());
        return;
    };
    let mut compared = 0;
    for method in methods.map(|entry| entry.unwrap().path()) {
        for (name, metrics) in [
            (
                "interpretability",
                [(2, "PropEng"), (3, "AvgSalFocus")].as_slice(),
            ),
            (
                "completeness",
                &[(3, "ROAD (MoRF)"), (4, "ROAD (LeRF)"), (5, "ROAD (avg)")],
            ),
        ] {
            let Ok(expected) = std::fs::read_to_string(method.join(format!("{name}.rst"))) else {
                continue;
            };
            let json = std::fs::read_to_string(method.join(format!("{name}.json"))).unwrap();
            let scores: Value = serde_json::from_str(&json).unwrap();
            let mut table = Table {
                headers: vec!["subset".to_owned(), "samples".to_owned()],
                rows: Vec::new(),
            };
            for (_, metric) in metrics {
                for part in ["mean", "std", "25%", "50%", "75%"] {
                    table.headers.push(format!("{metric}[{part}]"));
                }
            }
            for (subset, rows) in scores.as_object().unwrap() {
                let rows: Vec<&Vec<Value>> = rows
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|row| row.as_array().unwrap())
                    .filter(|row| row.len() > 2)
                    .collect();
                let mut cells = vec![Cell::from(subset.as_str()), Cell::from(rows.len())];
                for (column, _) in metrics {
                    let values: Vec<f64> = rows
                        .iter()
                        .map(|row| row[*column].as_f64().unwrap())
                        .collect();
                    cells.extend(statistics(&values));
                }
                table.rows.push(cells);
            }
            let written = by_name("rst").unwrap().write(&table);
            assert!(
                written == expected,
                "{}\n{written}\n{expected}",
                method.display()
            );
            compared += 1;
        }
    }
    assert_eq!(compared, 14);
}

fn cells() -> impl Strategy<Value = Cell> {
    prop_oneof![
        Just(Cell::Missing),
        any::<i64>().prop_map(Cell::Integer),
        any::<f64>().prop_map(Cell::Float),
        any::<String>().prop_map(Cell::Text),
    ]
}

proptest! {
    #[test]
    fn any_table_can_be_written(
        headers in prop::collection::vec(any::<String>(), 0..5),
        rows in prop::collection::vec(prop::collection::vec(cells(), 0..6), 0..5),
    ) {
        let table = Table { headers, rows };
        for format in formats() {
            let text = format.write(&table);
            match format.name() {
                "rst" if !text.is_empty() => {
                    prop_assert_eq!(text.split('\n').count(), table.rows.len() + 4);
                }
                "plain" => prop_assert_eq!(text.split('\n').count(), table.rows.len() + 1),
                _ => {}
            }
        }
    }

    #[test]
    fn json_and_csv_keep_every_digit(value in any::<f64>().prop_filter("finite", |v| v.is_finite())) {
        let table = Table { headers: vec!["x".to_owned()], rows: vec![vec![Cell::Float(value)]] };
        let csv = by_name("csv").unwrap().write(&table);
        prop_assert_eq!(csv.lines().nth(1).unwrap().parse::<f64>().unwrap(), value);
        let json = by_name("json").unwrap().write(&table);
        let number = json.trim_start_matches(['[', '\n', ' ', '{']).trim_start_matches("\"x\": ");
        let number = number.trim_end_matches([']', '\n', ' ', '}']);
        prop_assert_eq!(number.parse::<f64>().unwrap(), value);
    }
}

#[test]
fn csv_and_json_by_hand() {
    let table = Table {
        headers: vec!["a,b".to_owned(), "say \"x\"".to_owned()],
        rows: vec![
            vec![Cell::from("two\nlines"), Cell::Float(f64::NAN)],
            vec![Cell::Integer(3)],
        ],
    };
    let csv = by_name("csv").unwrap().write(&table);
    assert_eq!(csv, "\"a,b\",\"say \"\"x\"\"\"\n\"two\nlines\",nan\n3,");
    let json = by_name("json").unwrap().write(&table);
    let expected = "[\n  {\"a,b\": \"two\\nlines\", \"say \\\"x\\\"\": NaN},\n  \
                    {\"a,b\": 3, \"say \\\"x\\\"\": null}\n]";
    assert_eq!(json, expected);
}

#[test]
fn an_unknown_format_is_named_with_the_known_ones() {
    let message = by_name("rest").err().unwrap().to_string();
    assert!(
        message.contains("did you mean `rst`?") && message.contains("github"),
        "{message}"
    );
}
