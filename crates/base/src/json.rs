//! JSON as Python's tools of this field read and write it: NaN is allowed, and a row stays on
//! one line.

mod reader;

use std::path::Path;

pub use reader::ParseError;

use crate::file::{self, FileError};
use crate::number::python_float;

/// Longest line that a list or object is put on as a whole, in characters.
const LINE: usize = 88;

/// A JSON value that keeps the order of keys and may hold NaN and infinities.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number: NaN, `Infinity` and `-Infinity` are written as Python writes them.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    Array(Vec<Value>),
    /// Keys with their values, in the order they are written.
    Object(Vec<(String, Value)>),
}

impl Value {
    /// The text of the whole document, ending in a newline.
    ///
    /// Two blanks a level. A list of plain values fills one line if that is at most 88
    /// characters, else several; a row, which is a list of plain values inside a list, always
    /// stays on one.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        write_value(self, 0, 0, false, &mut text);
        text.push('\n');
        text
    }

    /// Writes the document, keeping a file of that name as `NAME~`.
    ///
    /// # Errors
    /// Where the file or its folder cannot be written.
    pub fn write_with_backup(&self, path: &Path) -> Result<(), FileError> {
        file::write_with_backup(path, self.to_text().as_bytes())
    }

    fn is_plain(&self) -> bool {
        match self {
            Self::Array(values) => values.is_empty(),
            Self::Object(pairs) => pairs.is_empty(),
            _ => true,
        }
    }
}

/// `column`: characters already on the line; `row`: whether the value is a row of a table.
fn write_value(value: &Value, depth: usize, column: usize, row: bool, text: &mut String) {
    match value {
        Value::Array(values) if !values.is_empty() => {
            if values.iter().all(Value::is_plain) {
                let items: Vec<String> = values.iter().map(plain_text).collect();
                write_items(&items, depth, column, row, text);
            } else {
                write_lines(
                    values.iter().map(|item| (None, item)),
                    ['[', ']'],
                    depth,
                    text,
                );
            }
        }
        Value::Object(pairs) if !pairs.is_empty() => {
            if pairs.iter().all(|(_, item)| item.is_plain()) {
                let items: Vec<String> = pairs
                    .iter()
                    .map(|(key, item)| format!("{}: {}", quoted(key), plain_text(item)))
                    .collect();
                let line = items.join(", ");
                if column + characters(&line) + 3 <= LINE {
                    text.push_str(&format!("{{{line}}}"));
                    return;
                }
            }
            let lines = pairs.iter().map(|(key, item)| (Some(key.as_str()), item));
            write_lines(lines, ['{', '}'], depth, text);
        }
        _ => text.push_str(&plain_text(value)),
    }
}

/// A list of plain values: on one line, or filling lines.
fn write_items(items: &[String], depth: usize, column: usize, row: bool, text: &mut String) {
    let line = items.join(", ");
    if row || column + characters(&line) + 3 <= LINE {
        text.push_str(&format!("[{line}]"));
        return;
    }
    let indent = "  ".repeat(depth + 1);
    text.push_str("[\n");
    text.push_str(&indent);
    let mut used = indent.len();
    for (index, item) in items.iter().enumerate() {
        let comma = usize::from(index + 1 < items.len());
        if used > indent.len() && used + 1 + characters(item) + comma > LINE {
            text.push('\n');
            text.push_str(&indent);
            used = indent.len();
        } else if index > 0 {
            text.push(' ');
            used += 1;
        }
        text.push_str(item);
        text.push_str(&","[..comma]);
        used += characters(item) + comma;
    }
    text.push('\n');
    text.push_str(&"  ".repeat(depth));
    text.push(']');
}

/// A list or object with one entry a line.
fn write_lines<'a>(
    entries: impl ExactSizeIterator<Item = (Option<&'a str>, &'a Value)>,
    brackets: [char; 2],
    depth: usize,
    text: &mut String,
) {
    text.push(brackets[0]);
    text.push('\n');
    let last = entries.len().saturating_sub(1);
    for (index, (key, item)) in entries.enumerate() {
        text.push_str(&"  ".repeat(depth + 1));
        let mut column = 2 * (depth + 1);
        if let Some(key) = key {
            let key = format!("{}: ", quoted(key));
            column += characters(&key);
            text.push_str(&key);
        }
        write_value(item, depth + 1, column, key.is_none(), text);
        if index < last {
            text.push(',');
        }
        text.push('\n');
    }
    text.push_str(&"  ".repeat(depth));
    text.push(brackets[1]);
}

fn plain_text(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Float(value) if value.is_nan() => "NaN".to_owned(),
        Value::Float(f64::INFINITY) => "Infinity".to_owned(),
        Value::Float(f64::NEG_INFINITY) => "-Infinity".to_owned(),
        Value::Float(value) => python_float(*value),
        Value::Text(value) => quoted(value),
        Value::Array(_) => "[]".to_owned(),
        Value::Object(_) => "{}".to_owned(),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn characters(text: &str) -> usize {
    text.chars().count()
}

impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(value) => Self::Bool(value),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(integer) => Self::Integer(integer),
                None => Self::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            serde_json::Value::String(text) => Self::Text(text),
            serde_json::Value::Array(values) => {
                Self::Array(values.into_iter().map(Self::from).collect())
            }
            serde_json::Value::Object(pairs) => Self::Object(
                pairs
                    .into_iter()
                    .map(|(key, item)| (key, item.into()))
                    .collect(),
            ),
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        i64::try_from(value).map_or(Self::Float(value as f64), Self::Integer)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        Self::Array(values.into_iter().map(Into::into).collect())
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Value {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self::Object(
            pairs
                .into_iter()
                .map(|(key, item)| (key.into(), item.into()))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rows_stay_on_one_line() {
        let long =
            "images/of a rather long folder name/and a long file name as well, with 日本.png";
        let document: Value = [(
            "test",
            Value::Array(vec![
                Value::Array(vec!["a.png".into(), 0_i64.into()]),
                Value::Array(vec![
                    long.into(),
                    1_i64.into(),
                    f64::NAN.into(),
                    1e-7.into(),
                ]),
            ]),
        )]
        .into_iter()
        .collect();
        let expected = format!(
            "{{\n  \"test\": [\n    [\"a.png\", 0],\n    [\"{long}\", 1, NaN, 1e-07]\n  ]\n}}\n"
        );
        assert_eq!(document.to_text(), expected);
    }

    #[test]
    fn short_lists_and_objects_are_inlined_and_long_ones_fill_lines() {
        let document: Value = [
            (
                "quartiles",
                [("25", 0.5), ("50", 1.0)].into_iter().collect::<Value>(),
            ),
            (
                "values",
                (0..40_i64)
                    .map(|value| value * 1000)
                    .collect::<Vec<_>>()
                    .into(),
            ),
            ("none", Value::Array(vec![])),
            ("unset", Value::Null),
        ]
        .into_iter()
        .collect();
        let text = document.to_text();
        assert!(
            text.contains("  \"quartiles\": {\"25\": 0.5, \"50\": 1.0},\n"),
            "{text}"
        );
        assert!(
            text.contains("\"none\": [],\n  \"unset\": null\n}\n"),
            "{text}"
        );
        assert!(
            text.lines()
                .all(|line| line.len() <= LINE && line.trim_end() == line),
            "{text}"
        );
        assert_eq!(text.lines().count(), 11, "{text}");
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Integer),
            (-1e300..1e300_f64).prop_map(Value::Float),
            ".*".prop_map(Value::Text),
        ];
        leaf.prop_recursive(4, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
                prop::collection::btree_map(".{0,12}", inner, 0..8)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_parser_reads_the_same_back(value in values()) {
            let parsed: serde_json::Value = serde_json::from_str(&value.to_text()).unwrap();
            prop_assert_eq!(close(&Value::from(parsed), &value), true);
        }
    }

    proptest! {
        #[test]
        fn reads_its_own_text_back_exactly(value in values()) {
            prop_assert_eq!(Value::parse(&value.to_text()), Ok(value));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[\\[\\]{}\",:0-9eE+.NaInfty \\\\u-]{0,40}") {
            let _ = Value::parse(&text);
        }
    }

    // serde_json's default float parser may be off by the last bit.
    fn close(left: &Value, right: &Value) -> bool {
        match (left, right) {
            (Value::Float(a), Value::Float(b)) => (a - b).abs() <= 1e-15 * b.abs(),
            (Value::Array(a), Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| close(a, b))
            }
            (Value::Object(a), Value::Object(b)) => {
                a.len() == b.len()
                    && a.iter()
                        .zip(b)
                        .all(|((k, a), (l, b))| k == l && close(a, b))
            }
            _ => left == right,
        }
    }
}
