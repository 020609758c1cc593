//! A LaTeX `tabular`, as python-tabulate writes it.

use super::aligned::{Kind, Layout};
use super::{Table, TableFormat};

pub(super) struct Latex;

impl TableFormat for Latex {
    fn name(&self) -> &'static str {
        "latex"
    }

    fn write(&self, table: &Table) -> String {
        let layout = Layout::of(table, false);
        let columns: String = layout
            .kinds
            .iter()
            .map(|kind| if *kind == Kind::Text { 'l' } else { 'r' })
            .collect();
        let line = |row: &Vec<String>| {
            let cells: Vec<String> = row
                .iter()
                .map(|cell| format!(" {} ", escaped(cell)))
                .collect();
            format!("{}\\\\", cells.join("&"))
        };
        let mut lines = vec![
            format!("\\begin{{tabular}}{{{columns}}}"),
            "\\hline".to_owned(),
            line(&layout.headers),
            "\\hline".to_owned(),
        ];
        lines.extend(layout.rows.iter().map(line));
        lines.push("\\hline\n\\end{tabular}".to_owned());
        lines.join("\n")
    }
}

fn escaped(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                result.push('\\');
                result.push(letter);
            }
            '^' => result.push_str("\\^{}"),
            '~' => result.push_str("\\textasciitilde{}"),
            '\\' => result.push_str("\\textbackslash{}"),
            '<' => result.push_str("\\ensuremath{<}"),
            '>' => result.push_str("\\ensuremath{>}"),
            _ => result.push(letter),
        }
    }
    result
}
