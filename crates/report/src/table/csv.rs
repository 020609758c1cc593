//! Comma-separated values (RFC 4180), numbers in full.

use super::{Cell, Table, TableFormat};
use mednet_base::number::python_float;

pub(super) struct Csv;

impl TableFormat for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn write(&self, table: &Table) -> String {
        let columns = table.columns();
        let headers = (0..columns).map(|column| quoted(table.header(column)));
        let mut lines = vec![headers.collect::<Vec<_>>().join(",")];
        for row in 0..table.rows.len() {
            let cells = (0..columns).map(|column| match table.cell(row, column) {
                Cell::Text(text) => quoted(text),
                Cell::Integer(value) => value.to_string(),
                Cell::Float(value) => python_float(*value),
                Cell::Missing => String::new(),
            });
            lines.push(cells.collect::<Vec<_>>().join(","));
        }
        lines.join("\n")
    }
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) || text.trim() != text {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}
