//! Split files: which samples belong to which data set.
//!
//! A split is a JSON object `{"DATASET": [SAMPLE, ...], ...}`; a sample is an array: the path of
//! the picture relative to the data directory, the target, and, for some, the boxes
//! `[[kind, x, y, width, height], ...]`. The order of the keys is the order of the data sets. The
//! files may be compressed by gzip (`.json.gz`) or bzip2 (`.json.bz2`).
//!
//! The splits of the public databases are part of the program, one gzip JSON a database:
//! `{"database": NAME, "samples": [SAMPLE, ...], "splits": {SPLIT: {DATASET: [INDEX, ...]}}}`.

use std::fmt;
use std::io::Read as _;
use std::marker::PhantomData;
use std::path::Path;

use mednet_base::file::open_regular;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::annotation::BoundingBox;
use crate::database::Database;
use crate::error::Error;
use crate::record::{DataSet, SampleRecord};
use crate::sample::Target;

/// Largest split that is read, in bytes after decompression (the largest stock split has 50 MB).
const SIZE_LIMIT: u64 = 1 << 29;

/// Read a user's split file, by the rules of `database`.
///
/// # Errors
///
/// If the file cannot be read or decompressed, is larger than 512 MiB, is no JSON of the shape of
/// a split, or holds a sample the database does not know (with line and index).
pub(crate) fn read_file(path: &Path, database: &'static Database) -> Result<Vec<DataSet>, Error> {
    let bytes = read_decompressed(path)?;
    let syntax = |reason: String| Error::SplitSyntax {
        path: path.to_owned(),
        reason,
    };
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let line = line_of(&bytes, error.valid_up_to());
        syntax(format!("the text is not UTF-8 in line {line}"))
    })?;
    // Some editors put a byte order mark in front.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let sets: Ordered<Vec<&RawValue>> =
        serde_json::from_str(text).map_err(|error| syntax(error.to_string()))?;
    if sets.0.is_empty() {
        return Err(syntax("it holds no data set".to_owned()));
    }
    let mut datasets = Vec::with_capacity(sets.0.len());
    for (dataset, raw) in sets.0 {
        let mut samples = Vec::with_capacity(raw.len());
        for (index, value) in raw.into_iter().enumerate() {
            let record = parse_record(value.get(), database).map_err(|reason| {
                let offset = (value.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
                let line = line_of(text.as_bytes(), offset);
                let dataset = dataset.clone();
                Error::SplitSample {
                    path: path.to_owned(),
                    line,
                    dataset,
                    index,
                    reason,
                }
            })?;
            samples.push(record);
        }
        datasets.push(DataSet {
            name: dataset,
            samples,
        });
    }
    Ok(datasets)
}

/// The name of a split file without folder and suffixes: `fold-0.json.bz2` is `fold-0`.
#[must_use]
pub fn split_name(path: &Path) -> String {
    let file = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    [".json.gz", ".json.bz2", ".json"]
        .iter()
        .find_map(|suffix| file.strip_suffix(suffix).map(ToOwned::to_owned))
        .unwrap_or(file)
}

/// One of the splits of a database that are part of this program.
pub(crate) fn read_embedded(
    database: &'static Database,
    split: &str,
) -> Result<Vec<DataSet>, Error> {
    let damaged = |reason: String| Error::EmbeddedSplit {
        database: database.slug,
        split: split.to_owned(),
        reason,
    };
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(database.archive)
        .read_to_end(&mut bytes)
        .map_err(|error| damaged(error.to_string()))?;
    // Only the samples of the split are decoded further: PadChest has 155 000, with 193 labels.
    let archive: Archive<'_> =
        serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    let sets = archive
        .splits
        .0
        .into_iter()
        .find_map(|(name, sets)| (name == split).then_some(sets))
        .ok_or_else(|| damaged("it is not in the archive".to_owned()))?;
    let mut datasets = Vec::with_capacity(sets.0.len());
    for (name, indices) in sets.0 {
        let samples = indices
            .into_iter()
            .map(|index| {
                let raw = archive
                    .samples
                    .get(index)
                    .ok_or_else(|| damaged(format!("there is no sample {index}")))?;
                parse_record(raw.get(), database)
                    .map_err(|reason| damaged(format!("sample {index} {reason}")))
            })
            .collect::<Result<_, _>>()?;
        datasets.push(DataSet { name, samples });
    }
    Ok(datasets)
}

#[derive(serde::Deserialize)]
struct Archive<'a> {
    #[serde(borrow)]
    samples: Vec<&'a RawValue>,
    splits: Ordered<Ordered<Vec<usize>>>,
}

/// The entries of a JSON object in the order of the text; a key may occur once only.
struct Ordered<T>(Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Ordered<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of data sets")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries: Vec<(String, T)> = Vec::new();
                let mut seen = std::collections::HashSet::new();
                while let Some((key, value)) = map.next_entry::<String, T>()? {
                    if !seen.insert(key.clone()) {
                        return Err(A::Error::custom(format_args!("`{key}` is there twice")));
                    }
                    entries.push((key, value));
                }
                Ok(Ordered(entries))
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

fn read_decompressed(path: &Path) -> Result<Vec<u8>, Error> {
    let unreadable = |source| Error::Unreadable {
        path: path.to_owned(),
        source,
    };
    let file = open_regular(path).map_err(unreadable)?;
    let mut start = Vec::new();
    let mut reader = std::io::BufReader::new(file);
    reader
        .by_ref()
        .take(3)
        .read_to_end(&mut start)
        .map_err(unreadable)?;
    let whole = std::io::Cursor::new(start.clone()).chain(reader);
    // By content: a renamed file is read all the same.
    let mut decoder: Box<dyn std::io::Read> = match start.as_slice() {
        [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(whole)),
        b"BZh" => Box::new(bzip2::read::MultiBzDecoder::new(whole)),
        _ => Box::new(whole),
    };
    let mut bytes = Vec::new();
    decoder
        .by_ref()
        .take(SIZE_LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > SIZE_LIMIT {
        return Err(Error::TooLarge {
            path: path.to_owned(),
            limit: SIZE_LIMIT,
        });
    }
    Ok(bytes)
}

fn line_of(text: &[u8], offset: usize) -> usize {
    1 + text
        .iter()
        .take(offset)
        .filter(|byte| **byte == b'\n')
        .count()
}

/// One sample; the error is the end of a sentence that starts with "sample N".
fn parse_record(text: &str, database: &'static Database) -> Result<SampleRecord, String> {
    // serde_json limits the depth of what it builds to 128.
    let value: Value =
        serde_json::from_str(text).map_err(|error| format!("cannot be read ({error})"))?;
    let Value::Array(fields) = &value else {
        return Err(format!(
            "is {}, expected an array [\"PATH\", TARGET, ...]",
            kind(&value)
        ));
    };
    let [Value::String(sample), target, rest @ ..] = fields.as_slice() else {
        return Err("does not start with a path (text) and a target".to_owned());
    };
    let target = parse_target(target, database)?;
    // Elements of other kinds are facts about the patient (NIH: age and sex).
    let boxes = match rest.first() {
        Some(Value::Array(boxes)) => {
            let parsed: Result<Vec<_>, _> = boxes
                .iter()
                .enumerate()
                .map(|(index, b)| parse_box(b, index))
                .collect();
            Some(parsed?)
        }
        _ => None,
    };
    Ok(SampleRecord {
        name: sample.clone(),
        target,
        boxes,
        database,
    })
}

fn parse_target(value: &Value, database: &Database) -> Result<Target, String> {
    if let Some(number) = integer(value) {
        if number < 0 {
            return Err(format!("has the target {number}, expected 0 or more"));
        }
        return Ok(Target::Single(number));
    }
    let Value::Array(values) = value else {
        return Err(format!(
            "has {} as its target, expected a number or an array",
            kind(value)
        ));
    };
    if !database.findings.is_empty() && values.iter().all(Value::is_string) {
        let mut target = vec![0; database.findings.len()];
        for finding in values.iter().filter_map(Value::as_str) {
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
                "has `{value}` among its targets, expected 0 or 1 for each class"
            )),
        })
        .collect::<Result<Vec<u8>, String>>()?;
    match flags.as_slice() {
        [] => Err("has an empty target".to_owned()),
        [flag] => Ok(Target::Single(i64::from(*flag))),
        _ => Ok(Target::Multiple(flags)),
    }
}

/// `[kind, x, y, width, height]`; the kind (1 active, 0 latent tuberculosis) is not used.
fn parse_box(value: &Value, index: usize) -> Result<BoundingBox, String> {
    /// Far beyond any picture; keeps sums of coordinates within `i64`.
    const FARTHEST: i64 = 1 << 30;
    let numbers: Option<Vec<i64>> = value
        .as_array()
        .and_then(|numbers| numbers.iter().map(integer).collect());
    match numbers.as_deref() {
        Some([_, x, y, width, height])
            if *width >= 0
                && *height >= 0
                && [x, y, width, height]
                    .into_iter()
                    .all(|v| v.abs() <= FARTHEST) =>
        {
            Ok(BoundingBox::from_corner_and_size(*x, *y, *width, *height))
        }
        _ => Err(format!(
            "has `{value}` as its box {index}, expected integers [kind, x, y, width, height]"
        )),
    }
}

/// A whole number, also where it is written as `1.0`.
fn integer(value: &Value) -> Option<i64> {
    /// Above it `f64` leaves out integers.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    value.as_i64().or_else(|| {
        value
            .as_f64()
            .filter(|number| number.fract() == 0.0 && number.abs() <= EXACT)
            .map(|number| number as i64)
    })
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
