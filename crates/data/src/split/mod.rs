//! Split files: which samples belong to which data set.
//!
//! A split is a JSON object `{"DATASET": [SAMPLE, ...], ...}`; a sample is an array: the path of
//! the picture relative to the data directory, the target, and, for some, the boxes
//! `[[kind, x, y, width, height], ...]`. The order of the keys is the order of the data sets. The
//! files may be compressed by gzip (`.json.gz`) or bzip2 (`.json.bz2`). As in Python, `NaN` is a
//! number, though no sample has a use for it.
//!
//! The splits of the public databases are part of the program, one gzip JSON a database:
//! `{"database": NAME, "samples": [SAMPLE, ...], "splits": {SPLIT: {DATASET: [INDEX, ...]}}}`.

mod bytes;
mod sample;
mod scanner;

use std::fmt;
use std::io::Read as _;
use std::marker::PhantomData;
use std::path::Path;

use mednet_base::text::escaped_line;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::database::Database;
use crate::error::Error;
use crate::record::{DataSet, RejectedRecord};
use bytes::Bytes;
use sample::Mistake;
use scanner::{LONGEST, Scanner};

/// Most samples of a file, usable or not (the largest public collections have some 400 000).
const MOST_SAMPLES: usize = 1_000_000;
/// Most boxes of a file.
const MOST_BOXES: usize = 1_000_000;
/// Reasons that are told where no sample is usable.
const TOLD: usize = 5;

/// Read a user's split file, by the rules of `database`.
///
/// A sample with a mistake is rejected alone. What is in memory is what is kept: the file is
/// decompressed and read in parts.
///
/// # Errors
///
/// If the file cannot be read or decompressed, is larger than 512 MiB, has more than a million
/// samples or boxes, is no JSON of the shape of a split, or has samples and not one is usable.
pub(crate) fn read_file(path: &Path, database: &'static Database) -> Result<Vec<DataSet>, Error> {
    let mut scanner = Scanner::new(Bytes::open(path)?)?;
    let mut counts = Counts::default();
    let mut datasets: Vec<DataSet> = Vec::new();
    let mut names = std::collections::HashSet::new();
    let mut text = Vec::new();
    scanner.expect(b'{', "an object of data sets")?;
    while datasets.is_empty() || scanner.accept(b',')? {
        if datasets.is_empty() && scanner.accept(b'}')? {
            return Err(scanner.syntax("it holds no data set"));
        }
        if scanner.peek()? != Some(b'"') {
            return Err(scanner.unexpected("the name of a data set in quotes"));
        }
        let fits = scanner.value(&mut text)?;
        let name: String = serde_json::from_slice(&text)
            .ok()
            .filter(|_| fits)
            .ok_or_else(|| scanner.syntax("the name of a data set cannot be read"))?;
        if !names.insert(name.clone()) {
            return Err(scanner.syntax(&format!("the data set `{name}` is there twice")));
        }
        scanner.expect(b':', "`:` behind the name of a data set")?;
        let dataset = read_dataset(&mut scanner, name, database, &mut counts, path)?;
        datasets.push(dataset);
    }
    scanner.expect(b'}', "`,` or `}` behind a data set")?;
    if scanner.peek()?.is_some() {
        return Err(scanner.unexpected("the end of the file"));
    }
    let rejected = datasets.iter().flat_map(|dataset| {
        let told = |record| format!("data set `{}`, {record}", escaped_line(&dataset.name));
        dataset.rejected.iter().map(told)
    });
    let usable = datasets.iter().any(|dataset| !dataset.samples.is_empty());
    if !usable && counts.samples > 0 {
        return Err(Error::NoUsableSample {
            path: path.to_owned(),
            samples: counts.samples,
            reasons: rejected.take(TOLD).collect(),
        });
    }
    Ok(datasets)
}

/// What a file holds so far.
#[derive(Default)]
struct Counts {
    samples: usize,
    boxes: usize,
}

fn read_dataset(
    scanner: &mut Scanner,
    name: String,
    database: &'static Database,
    counts: &mut Counts,
    path: &Path,
) -> Result<DataSet, Error> {
    let too_many = |what, limit| Error::SplitTooLong {
        path: path.to_owned(),
        what,
        limit,
    };
    let mut dataset = DataSet {
        name,
        samples: Vec::new(),
        rejected: Vec::new(),
    };
    let mut text = Vec::new();
    scanner.expect(b'[', "a list of samples `[[\"PATH\", TARGET], ...]`")?;
    if scanner.accept(b']')? {
        return Ok(dataset);
    }
    for index in 0.. {
        scanner.peek()?;
        let line = scanner.line();
        let fits = scanner.value(&mut text)?;
        counts.samples += 1;
        if counts.samples > MOST_SAMPLES {
            return Err(too_many("samples", MOST_SAMPLES));
        }
        let whole = || Mistake {
            name: None,
            reason: format!("has more than {LONGEST} bytes, expected [\"PATH\", TARGET, ...]"),
        };
        let no_text = |_| Mistake {
            name: None,
            reason: "is no text in UTF-8".to_owned(),
        };
        let parsed = match fits {
            false => Err(whole()),
            true => std::str::from_utf8(&text)
                .map_err(no_text)
                .and_then(|text| sample::parse(text, database)),
        };
        match parsed {
            Ok(record) => {
                counts.boxes += record.boxes.as_ref().map_or(0, Vec::len);
                dataset.samples.push(record);
            }
            Err(Mistake { name, reason }) => dataset.rejected.push(RejectedRecord {
                index,
                line,
                name,
                reason,
            }),
        }
        if counts.boxes > MOST_BOXES {
            return Err(too_many("boxes", MOST_BOXES));
        }
        if scanner.accept(b']')? {
            break;
        }
        scanner.expect(b',', "`,` or `]` behind a sample")?;
    }
    Ok(dataset)
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
                sample::parse(raw.get(), database)
                    .map_err(|mistake| damaged(format!("sample {index} {}", mistake.reason)))
            })
            .collect::<Result<_, _>>()?;
        datasets.push(DataSet {
            name,
            samples,
            rejected: Vec::new(),
        });
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
