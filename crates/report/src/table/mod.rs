//! Tables of scores as text: for reading, for papers and for other programs.

mod aligned;
mod csv;
mod json;
mod latex;

use crate::Error;
use mednet_base::suggest;

/// One entry of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Text, left-aligned; it stays text even if it looks like a number.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Any other number; aligned formats show three decimals, the others all.
    Float(f64),
    /// Nothing.
    Missing,
}

/// Headers and rows. A row that is too short is filled up with [`Cell::Missing`], and a column
/// without a header has an empty one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// One name for each column.
    pub headers: Vec<String>,
    /// The entries, one list for each row.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    fn columns(&self) -> usize {
        self.rows
            .iter()
            .map(Vec::len)
            .chain([self.headers.len()])
            .max()
            .unwrap_or(0)
    }

    fn header(&self, column: usize) -> &str {
        self.headers.get(column).map_or("", String::as_str)
    }

    fn cell(&self, row: usize, column: usize) -> &Cell {
        static MISSING: Cell = Cell::Missing;
        self.rows
            .get(row)
            .and_then(|row| row.get(column))
            .unwrap_or(&MISSING)
    }
}

/// A way to write a table.
pub trait TableFormat: Sync {
    /// What it is asked for by.
    fn name(&self) -> &'static str;

    /// The table's text, without a newline at its end.
    fn write(&self, table: &Table) -> String;
}

/// All formats; the first is the default.
#[must_use]
pub fn formats() -> &'static [&'static dyn TableFormat] {
    &[
        &aligned::Rst,
        &aligned::Github,
        &latex::Latex,
        &csv::Csv,
        &json::Json,
        &aligned::Plain,
    ]
}

/// The format of this name.
///
/// # Errors
/// Where no format has it.
pub fn by_name(name: &str) -> Result<&'static dyn TableFormat, Error> {
    let names = || formats().iter().map(|format| format.name());
    formats()
        .iter()
        .copied()
        .find(|format| format.name() == name)
        .ok_or_else(|| Error::UnknownTableFormat {
            name: name.to_owned(),
            hint: suggest::hint(name, names()),
            known: names().collect::<Vec<_>>().join(", "),
        })
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<f64> for Cell {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<i64> for Cell {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<usize> for Cell {
    fn from(value: usize) -> Self {
        i64::try_from(value).map_or(Self::Float(value as f64), Self::Integer)
    }
}
