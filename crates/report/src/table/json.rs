//! A list of objects, one for each row, with the headers as keys and the numbers in full.

use super::{Cell, Table, TableFormat};
use mednet_base::json::Value;

pub(super) struct Json;

impl TableFormat for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn write(&self, table: &Table) -> String {
        let rows = (0..table.rows.len()).map(|row| {
            let pairs = (0..table.columns()).map(|column| {
                let value = match table.cell(row, column) {
                    Cell::Text(text) => Value::Text(text.clone()),
                    Cell::Integer(value) => Value::Integer(*value),
                    Cell::Float(value) => Value::Float(*value),
                    Cell::Missing => Value::Null,
                };
                (table.header(column).to_owned(), value)
            });
            pairs.collect::<Value>()
        });
        Value::Array(rows.collect()).to_text().trim_end().to_owned()
    }
}
