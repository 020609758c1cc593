//! Tables whose columns line up: reStructuredText, Markdown and plain text, laid out as
//! python-tabulate 0.10 lays them out with `floatfmt=".3f"`.

use unicode_width::UnicodeWidthStr;

use super::{Cell, Table, TableFormat};
use mednet_base::number::{python_float, three_decimals};

/// A numeric column is at least this much wider than its header.
const MIN_PADDING: usize = 2;

pub(super) struct Rst;
pub(super) struct Github;
pub(super) struct Plain;

impl TableFormat for Rst {
    fn name(&self) -> &'static str {
        "rst"
    }

    fn write(&self, table: &Table) -> String {
        let layout = Layout::of(table, true);
        if layout.widths.is_empty() {
            return String::new();
        }
        let rules: Vec<String> = layout
            .widths
            .iter()
            .map(|width| "=".repeat(*width))
            .collect();
        let rule = rules.join("  ");
        let mut lines = vec![rule.clone(), joined(&layout.headers), rule.clone()];
        lines.extend(layout.rows.iter().map(|row| joined(row)));
        lines.push(rule);
        lines.join("\n")
    }
}

impl TableFormat for Plain {
    fn name(&self) -> &'static str {
        "plain"
    }

    fn write(&self, table: &Table) -> String {
        let layout = Layout::of(table, false);
        let rows = std::iter::once(&layout.headers).chain(&layout.rows);
        rows.map(|row| joined(row)).collect::<Vec<_>>().join("\n")
    }
}

impl TableFormat for Github {
    fn name(&self) -> &'static str {
        "github"
    }

    fn write(&self, table: &Table) -> String {
        let layout = Layout::of(&escaped(table), false);
        if layout.widths.is_empty() {
            return String::new();
        }
        let rules: Vec<String> = layout
            .widths
            .iter()
            .map(|width| "-".repeat(width + 2))
            .collect();
        let framed = |row: &Vec<String>| format!("| {} |", row.join(" | "));
        let mut lines = vec![framed(&layout.headers), format!("|{}|", rules.join("|"))];
        lines.extend(layout.rows.iter().map(framed));
        lines.join("\n")
    }
}

fn joined(row: &[String]) -> String {
    row.join("  ").trim_end().to_owned()
}

/// A bar inside a cell would end the cell.
fn escaped(table: &Table) -> Table {
    let escape = |text: &str| text.replace('|', "\\|");
    Table {
        headers: table.headers.iter().map(|header| escape(header)).collect(),
        rows: table
            .rows
            .iter()
            .map(|row| {
                row.iter()
                    .map(|cell| match cell {
                        Cell::Text(text) => Cell::Text(escape(text)),
                        other => other.clone(),
                    })
                    .collect()
            })
            .collect(),
    }
}

/// What the entries of a column have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Integer,
    Float,
}

/// Padded text: every entry of a column has the same width.
pub(super) struct Layout {
    pub(super) kinds: Vec<Kind>,
    pub(super) widths: Vec<usize>,
    pub(super) headers: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

impl Layout {
    /// `name_blanks`: an empty first entry of a row becomes `..`, as reStructuredText would
    /// otherwise take the row for the continuation of the last one.
    pub(super) fn of(table: &Table, name_blanks: bool) -> Self {
        let columns = table.columns();
        let mut layout = Self {
            kinds: Vec::with_capacity(columns),
            widths: Vec::with_capacity(columns),
            headers: Vec::with_capacity(columns),
            rows: vec![Vec::with_capacity(columns); table.rows.len()],
        };
        for column in 0..columns {
            let named = |text: String| {
                if name_blanks && column == 0 && text.trim().is_empty() {
                    "..".to_owned()
                } else {
                    text
                }
            };
            let kind = kind(table, column);
            let texts = (0..table.rows.len()).map(|row| show(table.cell(row, column), kind));
            let mut texts: Vec<String> = texts.collect();
            if kind == Kind::Text {
                texts = texts
                    .into_iter()
                    .map(|text| named(text).trim().to_owned())
                    .collect();
            } else {
                align_points(&mut texts);
            }
            let header = named(one_line(table.header(column)));
            let width = texts.iter().map(|text| text.width()).max().unwrap_or(0);
            let width = width.max(header.width() + MIN_PADDING);
            layout.headers.push(padded(&header, width, kind));
            for (row, text) in layout.rows.iter_mut().zip(&texts) {
                row.push(padded(text, width, kind));
            }
            layout.kinds.push(kind);
            layout.widths.push(width);
        }
        layout
    }
}

fn kind(table: &Table, column: usize) -> Kind {
    let mut kind = None;
    for row in 0..table.rows.len() {
        let found = match table.cell(row, column) {
            Cell::Text(_) => return Kind::Text,
            Cell::Float(_) => Kind::Float,
            Cell::Integer(_) if kind != Some(Kind::Float) => Kind::Integer,
            Cell::Integer(_) | Cell::Missing => continue,
        };
        kind = Some(found);
    }
    kind.unwrap_or(Kind::Text)
}

fn show(cell: &Cell, kind: Kind) -> String {
    match (cell, kind) {
        (Cell::Missing, _) => String::new(),
        (Cell::Text(text), _) => one_line(text),
        (Cell::Integer(value), Kind::Float) => three_decimals(*value as f64),
        (Cell::Integer(value), _) => value.to_string(),
        (Cell::Float(value), Kind::Text) => python_float(*value),
        (Cell::Float(value), _) => three_decimals(*value),
    }
}

/// Line breaks, tabs and other control characters would break the columns.
fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// Blanks behind the numbers that bring their points below each other; a number without a point,
/// nan among them, ends where the others have theirs.
fn align_points(texts: &mut [String]) {
    let behind = |text: &str| text.rfind('.').map_or(0, |point| text.len() - point);
    let most = texts.iter().map(|text| behind(text)).max().unwrap_or(0);
    for text in texts {
        let blanks = most - behind(text);
        text.push_str(&" ".repeat(blanks));
    }
}

fn padded(text: &str, width: usize, kind: Kind) -> String {
    let blanks = " ".repeat(width.saturating_sub(text.width()));
    match kind {
        Kind::Text => format!("{text}{blanks}"),
        Kind::Integer | Kind::Float => format!("{blanks}{text}"),
    }
}
