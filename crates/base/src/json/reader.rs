//! Reading JSON as Python's tools of this field write it.

use super::Value;

/// Deepest nesting of lists and objects that is read.
const DEEPEST: usize = 64;

/// Where and why a text is no JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {reason}")]
pub struct ParseError {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
    /// What was found where something else was expected.
    pub reason: String,
}

impl Value {
    /// Reads a document. Beyond RFC 8259, `NaN`, `Infinity` and `-Infinity` are numbers, as
    /// Python writes them; whole numbers beyond 64 bits become floating-point ones.
    ///
    /// # Errors
    /// Where the text is no JSON, or nests lists and objects deeper than 64.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut reader = Reader { text, place: 0 };
        // Some editors begin a file with it.
        reader.accept("\u{feff}");
        let value = reader.value(0)?;
        reader.skip_blanks();
        match reader.rest().chars().next() {
            None => Ok(value),
            Some(letter) => Err(reader.failed(&format!(
                "expected the end of the document, found `{letter}`"
            ))),
        }
    }

    /// What an object has under this key; the last entry counts where there are several.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        let Self::Object(pairs) = self else {
            return None;
        };
        pairs
            .iter()
            .rev()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }

    /// A number, whole or not.
    #[must_use]
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Integer(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            _ => None,
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    place: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.place..]
    }

    fn failed(&self, reason: &str) -> ParseError {
        let before = &self.text[..self.place];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        ParseError {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            reason: reason.to_owned(),
        }
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.place += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    fn accept(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.place += token.len();
        }
        found
    }

    fn expect(&mut self, token: &str, what: &str) -> Result<(), ParseError> {
        self.skip_blanks();
        if self.accept(token) {
            return Ok(());
        }
        let found = match self.rest().chars().next() {
            Some(letter) => format!("`{letter}`"),
            None => "the end of the document".to_owned(),
        };
        Err(self.failed(&format!("expected {what}, found {found}")))
    }

    fn value(&mut self, depth: usize) -> Result<Value, ParseError> {
        self.skip_blanks();
        if depth > DEEPEST {
            return Err(self.failed(&format!("lists and objects nest deeper than {DEEPEST}")));
        }
        match self.rest().as_bytes().first() {
            Some(b'[') => self.array(depth),
            Some(b'{') => self.object(depth),
            Some(b'"') => self.string().map(Value::Text),
            _ => self.plain(),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, ParseError> {
        self.accept("[");
        let mut values = Vec::new();
        self.skip_blanks();
        if self.accept("]") {
            return Ok(Value::Array(values));
        }
        loop {
            values.push(self.value(depth + 1)?);
            self.skip_blanks();
            if self.accept("]") {
                return Ok(Value::Array(values));
            }
            self.expect(",", "`,` or `]`")?;
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, ParseError> {
        self.accept("{");
        let mut pairs = Vec::new();
        self.skip_blanks();
        if self.accept("}") {
            return Ok(Value::Object(pairs));
        }
        loop {
            self.skip_blanks();
            if !self.rest().starts_with('"') {
                self.expect("\"", "a key in quotes")?;
            }
            let key = self.string()?;
            self.expect(":", "`:`")?;
            pairs.push((key, self.value(depth + 1)?));
            self.skip_blanks();
            if self.accept("}") {
                return Ok(Value::Object(pairs));
            }
            self.expect(",", "`,` or `}`")?;
        }
    }

    /// Text in quotes; the reader stands on the first.
    fn string(&mut self) -> Result<String, ParseError> {
        let bytes = self.rest().as_bytes();
        let mut end = 1;
        while end < bytes.len() && bytes[end] != b'"' {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        if end >= bytes.len() {
            return Err(self.failed("a text begins here that has no end"));
        }
        let quoted = &self.rest()[..=end];
        let text = serde_json::from_str(quoted)
            .map_err(|_| self.failed("a text with a wrong escape or a raw control character"))?;
        self.place += quoted.len();
        Ok(text)
    }

    /// A number or a name.
    fn plain(&mut self) -> Result<Value, ParseError> {
        let rest = self.rest();
        let length = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')))
            .unwrap_or(rest.len());
        let token = &rest[..length];
        let value = match token {
            "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "NaN" => Value::Float(f64::NAN),
            "Infinity" => Value::Float(f64::INFINITY),
            "-Infinity" => Value::Float(f64::NEG_INFINITY),
            _ => match number(token) {
                Some(value) => value,
                None => {
                    let shown: String = match token {
                        "" => rest.chars().take(1).collect(),
                        _ => token.chars().take(20).collect(),
                    };
                    let found = match shown.as_str() {
                        "" => "the end of the document".to_owned(),
                        shown => format!("`{shown}`"),
                    };
                    return Err(self.failed(&format!("expected a value, found {found}")));
                }
            },
        };
        self.place += length;
        Ok(value)
    }
}

/// The value of a number in JSON's notation, which is narrower than Rust's.
fn number(token: &str) -> Option<Value> {
    let digits = token.strip_prefix('-').unwrap_or(token);
    let whole = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    let leading_zero = whole > 1 && digits.starts_with('0');
    let ends_well = digits.ends_with(|c: char| c.is_ascii_digit());
    let bare_point = digits[whole..]
        .strip_prefix('.')
        .is_some_and(|part| !part.starts_with(|c: char| c.is_ascii_digit()));
    if whole == 0 || leading_zero || !ends_well || bare_point {
        return None;
    }
    if whole == digits.len()
        && let Ok(value) = token.parse()
    {
        return Some(Value::Integer(value));
    }
    token.parse().ok().map(Value::Float)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_python_writes() {
        let text = "{\"test\": [ [ \"imgs/tb.png\" , 1, NaN, -Infinity, 1e-07 ],\n[\"é\\u00e9\\\\\\\"\", 0]]}\n";
        let value = Value::parse(text).unwrap();
        let Some(Value::Array(rows)) = value.get("test") else {
            panic!("{value:?}");
        };
        let Value::Array(row) = &rows[0] else {
            panic!("{rows:?}");
        };
        assert_eq!(row[0], Value::Text("imgs/tb.png".to_owned()));
        assert_eq!(row[1], Value::Integer(1));
        assert!(row[2].as_number().unwrap().is_nan());
        assert_eq!(row[3], Value::Float(f64::NEG_INFINITY));
        assert_eq!(row[4], Value::Float(1e-7));
        assert_eq!(rows[1], Value::Array(vec!["éé\\\"".into(), 0_i64.into()]));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let cases = [
            (
                "",
                "line 1, column 1: expected a value, found the end of the document",
            ),
            (
                "[1,\n  nan]",
                "line 2, column 3: expected a value, found `nan`",
            ),
            (
                "[1, 2",
                "line 1, column 6: expected `,` or `]`, found the end of the document",
            ),
            ("{\"é\" 1}", "line 1, column 6: expected `:`, found `1`"),
            (
                "{1: 2}",
                "line 1, column 2: expected a key in quotes, found `1`",
            ),
            (
                "[1] x",
                "line 1, column 5: expected the end of the document, found `x`",
            ),
            (
                "[\"a]",
                "line 1, column 2: a text begins here that has no end",
            ),
        ];
        for (text, message) in cases {
            assert_eq!(Value::parse(text).unwrap_err().to_string(), message);
        }
        for text in [
            "01", "1.", "+1", ".5", "1e", "inf", "-", "--1", "1.e5", "[,]", "[1,]", "\u{1}",
        ] {
            assert!(Value::parse(text).is_err(), "{text}");
        }
        let deep = "[".repeat(100_000);
        assert!(Value::parse(&deep).unwrap_err().reason.contains("deeper"));
    }
}
