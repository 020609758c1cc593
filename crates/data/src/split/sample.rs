//! One sample of a split: `["PATH", TARGET, [[kind, x, y, width, height], ...], ...]`.

use mednet_base::json::Value;

use crate::annotation::BoundingBox;
use crate::database::Database;
use crate::record::SampleRecord;
use crate::sample::Target;

/// Longest text of a value that is shown in a message, in characters.
const SHOWN: usize = 60;
/// Farthest coordinate, far beyond any picture: sums of two stay exact.
const FARTHEST: i64 = 1 << 30;

/// Why a sample is not usable: its path, where that could be read, and the end of a sentence that
/// starts with the sample.
#[derive(Debug)]
pub(super) struct Mistake {
    pub(super) name: Option<String>,
    pub(super) reason: String,
}

/// Reads a sample.
pub(super) fn parse(text: &str, database: &'static Database) -> Result<SampleRecord, Mistake> {
    let unnamed = |reason| Mistake { name: None, reason };
    let value = Value::parse(text)
        .map_err(|error| unnamed(format!("cannot be read ({})", error.reason)))?;
    let Value::Array(fields) = value else {
        return Err(unnamed(format!(
            "is {}, expected an array [\"PATH\", TARGET, ...]",
            shown(&value)
        )));
    };
    let mut fields = fields.into_iter();
    let name = match fields.next() {
        Some(Value::Text(name)) => name,
        other => {
            let found = other.as_ref().map_or("nothing".to_owned(), shown);
            return Err(unnamed(format!(
                "starts with {found}, expected a path in quotes, and then a target"
            )));
        }
    };
    let target = match fields.next() {
        Some(target) => parse_target(&target, database),
        None => Err("has no target: expected [\"PATH\", TARGET, ...]".to_owned()),
    };
    // Elements of other kinds are facts about the patient (NIH: age and sex).
    let boxes = match fields.next() {
        Some(Value::Array(boxes)) => parse_boxes(&boxes).map(Some),
        _ => Ok(None),
    };
    match (target, boxes) {
        (Ok(target), Ok(boxes)) => Ok(SampleRecord {
            name,
            target,
            boxes,
            database,
        }),
        (Err(reason), Ok(_)) | (Ok(_), Err(reason)) => Err(Mistake {
            name: Some(name),
            reason,
        }),
        (Err(target), Err(boxes)) => Err(Mistake {
            name: Some(name),
            reason: format!("{target}; and {boxes}"),
        }),
    }
}

fn parse_target(value: &Value, database: &Database) -> Result<Target, String> {
    const EXPECTED: &str =
        "expected a whole number (0 or 1, or the index of a class) or a list of 0 and 1";
    if let Some(number) = integer(value) {
        return match number {
            0.. => Ok(Target::Single(number)),
            _ => Err(format!("has the target {number}, expected 0 or more")),
        };
    }
    if let Value::Array(values) = value {
        return parse_targets(values, database);
    }
    let found = format!("has {} as its target", shown(value));
    match value {
        Value::Bool(value) => Err(format!("{found}, write {}", u8::from(*value))),
        Value::Text(text) if text.trim().parse::<u32>().is_ok() => {
            Err(format!("{found}, write {} without quotes", text.trim()))
        }
        _ => Err(format!("{found}, {EXPECTED}")),
    }
}

fn parse_targets(values: &[Value], database: &Database) -> Result<Target, String> {
    let names: Vec<&str> = values.iter().filter_map(text).collect();
    if !database.findings.is_empty() && names.len() == values.len() {
        let mut target = vec![0; database.findings.len()];
        for finding in names {
            let index = database
                .findings
                .iter()
                .position(|known| *known == finding)
                .ok_or_else(|| {
                    format!(
                        "has the finding `{finding}`, expected {}",
                        database.findings.join(" ")
                    )
                })?;
            target[index] = 1;
        }
        return Ok(Target::Multiple(target));
    }
    let flags = values
        .iter()
        .map(|value| match integer(value) {
            Some(0) => Ok(0),
            Some(1) => Ok(1),
            _ => Err(format!(
                "has {} among its targets, expected 0 or 1 for each class",
                shown(value)
            )),
        })
        .collect::<Result<Vec<u8>, String>>()?;
    match flags.as_slice() {
        [] => Err("has an empty target".to_owned()),
        [flag] => Ok(Target::Single(i64::from(*flag))),
        _ => Ok(Target::Multiple(flags)),
    }
}

fn parse_boxes(values: &[Value]) -> Result<Vec<BoundingBox>, String> {
    // One box that is not in a list of boxes.
    if !values.is_empty() && values.iter().all(|value| !matches!(value, Value::Array(_))) {
        let found = shown(&Value::Array(values.to_vec()));
        let right = match values.len() {
            5 => format!("write [{found}]"),
            _ => "which are [[kind, x, y, width, height], ...]".to_owned(),
        };
        return Err(format!(
            "has {found} where a list of boxes is expected, {right}"
        ));
    }
    let boxes = values.iter().enumerate();
    boxes
        .map(|(index, value)| {
            parse_box(value)
                .map_err(|reason| format!("has {} as its box {}{reason}", shown(value), index + 1))
        })
        .collect()
}

/// `[kind, x, y, width, height]`; the kind (1 active, 0 latent tuberculosis) is not used. The error
/// is the end of a sentence.
fn parse_box(value: &Value) -> Result<BoundingBox, String> {
    const NAMES: [&str; 5] = ["kind", "x", "y", "width", "height"];
    let Value::Array(numbers) = value else {
        return Err(", expected integers [kind, x, y, width, height]".to_owned());
    };
    let numbers: &[Value; 5] = numbers.as_slice().try_into().map_err(|_| {
        format!(
            ", which are {}, expected five: integers [kind, x, y, width, height]",
            numbers.len()
        )
    })?;
    let mut found = [0; 5];
    for ((number, name), found) in numbers.iter().zip(NAMES).zip(&mut found) {
        let wrong = |expected: &str| Err(format!(": its {name} is {}, {expected}", shown(number)));
        let Some(value) = integer(number) else {
            return wrong(match number {
                Value::Float(value) if value.is_finite() => {
                    "expected a whole number of pixels: round it"
                }
                Value::Float(_) | Value::Null => {
                    "expected a number: leave out a box that is not there"
                }
                _ => "expected a whole number",
            });
        };
        if value.abs() > FARTHEST {
            return wrong("beyond any picture");
        }
        if value < 0 && (name == "width" || name == "height") {
            return wrong("expected 0 or more");
        }
        *found = value;
    }
    let [_, x, y, width, height] = found;
    Ok(BoundingBox::from_corner_and_size(x, y, width, height))
}

/// A whole number, also where it is written as `1.0`.
fn integer(value: &Value) -> Option<i64> {
    /// Above it `f64` leaves out integers.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Integer(number) => Some(*number),
        Value::Float(number) if number.fract() == 0.0 && number.abs() <= EXACT => {
            Some(*number as i64)
        }
        _ => None,
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// A value for a message: what kind it is where that is not plain, and its text in one line.
fn shown(value: &Value) -> String {
    let whole = value.to_text();
    let mut line = whole.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = line.char_indices().nth(SHOWN) {
        line.truncate(end);
        line.push_str(" ...");
    }
    match value {
        Value::Text(_) => format!("the text {line}"),
        Value::Object(_) => format!("the object {line}"),
        _ => line,
    }
}
