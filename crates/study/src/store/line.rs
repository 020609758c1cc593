//! The lines of manifests, journals and records: one JSON object each.
//!
//! A line about a map or a score belongs to the sample that was named last, so that the facts of a
//! sample are written once.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::layout::Layout;
use crate::ending::Ended;
use crate::event::FailureKind;
use crate::provenance::{MapSettings, SettingsKey};

/// Version of the format of manifests, journals and records.
pub const VERSION: u32 = 1;

/// One line of a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Line<'a> {
    /// The first line of a manifest.
    #[serde(borrow)]
    Map(MapLine<'a>),
    #[serde(borrow)]
    Sample(SampleLine<'a>),
    Manifest(ManifestLine),
    Records(RecordsLine),
    Journal(Box<Header>),
    Settings(SettingsLine),
    #[serde(borrow)]
    Score(ScoreLine<'a>),
    Failure(FailureLine),
    End(EndLine),
}

/// What a manifest is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ManifestLine {
    pub(crate) version: u32,
    pub(crate) layout: Layout,
}

/// What a file of records is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RecordsLine {
    pub(crate) version: u32,
    pub(crate) command: String,
}

/// What a key of settings stands for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SettingsLine {
    pub(crate) key: SettingsKey,
    pub(crate) of: MapSettings,
}

/// The facts of a sample, for all its maps or scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SampleLine<'a> {
    /// Its place in the split, all data sets counted.
    pub(crate) number: u32,
    #[serde(borrow)]
    pub(crate) name: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) dataset: Cow<'a, str>,
    /// The database by whose rule its image is read.
    #[serde(borrow, default, skip_serializing_if = "str_is_empty")]
    pub(crate) rule: Cow<'a, str>,
    /// Its class or classes, where scores are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) label: Option<serde_json::Value>,
    /// Bytes of its image file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<u64>,
    /// SHA-256 of its image file.
    #[serde(borrow, default, skip_serializing_if = "str_is_empty")]
    pub(crate) sha256: Cow<'a, str>,
    /// Rows and columns of the network's input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) size: Option<[u32; 2]>,
    /// The logits, one for each class.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) logits: Vec<f32>,
}

#[expect(clippy::ptr_arg, reason = "serde hands over a reference to the field")]
fn str_is_empty(text: &Cow<'_, str>) -> bool {
    text.is_empty()
}

/// A finished map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MapLine<'a> {
    /// Path below the output folder, with `/`.
    #[serde(borrow)]
    pub(crate) file: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) settings: Cow<'a, str>,
    pub(crate) class: u16,
    pub(crate) bytes: u64,
    #[serde(borrow)]
    pub(crate) sha256: Cow<'a, str>,
    /// Nothing in the image speaks for the class.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) empty: bool,
}

impl<'a> MapLine<'a> {
    /// Reads a line in the very form in which [`text`] writes it, several times as fast as any form
    /// is read; nothing for every other line. A manifest has a million of them.
    pub(crate) fn in_written_form(line: &'a [u8]) -> Option<Self> {
        let rest = line.strip_prefix(br#"{"map":{"file":""#)?;
        let end = rest
            .iter()
            .position(|&byte| matches!(byte, b'"' | b'\\' | ..b' '))?;
        let (file, rest) = rest.split_at(end);
        let rest = rest.strip_prefix(br#"","settings":""#)?;
        let (settings, rest) = rest.split_at_checked(16)?;
        let (class, rest) = number(rest.strip_prefix(br#"","class":"#)?)?;
        let (bytes, rest) = number(rest.strip_prefix(br#","bytes":"#)?)?;
        let (sha256, rest) = rest.strip_prefix(br#","sha256":""#)?.split_at_checked(64)?;
        let empty = match rest {
            br#""}}"# => false,
            br#"","empty":true}}"# => true,
            _ => return None,
        };
        let text = |bytes| std::str::from_utf8(bytes).ok().map(Cow::Borrowed);
        let is_hexadecimal = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_hexdigit);
        Some(Self {
            file: text(file)?,
            settings: text(settings).filter(|_| is_hexadecimal(settings))?,
            class: u16::try_from(class).ok()?,
            bytes,
            sha256: text(sha256).filter(|_| is_hexadecimal(sha256))?,
            empty,
        })
    }
}

/// The number that bytes begin with, as it is written: no sign, no leading zero.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let count = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (digits, rest) = bytes.split_at(count);
    if count == 0 || count > 19 || (count > 1 && digits[0] == b'0') {
        return None;
    }
    let add = |number: u64, digit: &u8| number * 10 + u64::from(digit - b'0');
    Some((digits.iter().fold(0, add), rest))
}

/// The scores of one sample's maps of one source.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ScoreLine<'a> {
    #[serde(borrow)]
    pub(crate) source: Cow<'a, str>,
    /// What stands for all that the scores depend on.
    pub(crate) key: SettingsKey,
    /// One for each class that is explained.
    pub(crate) scores: serde_json::Value,
}

/// A sample that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FailureLine {
    pub(crate) dataset: String,
    pub(crate) sample: String,
    pub(crate) kind: FailureKind,
    pub(crate) reason: String,
}

/// The first line of a journal: whose it is and what it is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Header {
    /// Version of the format.
    pub version: u32,
    /// The command: `generate`, `completeness` or `interpretability`.
    pub command: String,
    /// What the parts of one run have in common and no other run has.
    pub question: SettingsKey,
    /// Which part of a run, such as `3/16`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// The process.
    pub process: super::process::Process,
    /// When it began, RFC 3339.
    pub began: String,
    /// Version of the program.
    pub program: String,
    /// Samples that this part of the run is about.
    pub samples: usize,
    /// Those of them whose results were there before.
    #[serde(default)]
    pub kept: usize,
    /// Maps or scores that this part of the run is about.
    pub results: usize,
    /// Where the maps lie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
    /// Whether it replaces what other settings made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overwrite: bool,
    /// The command as it was typed, for a shell.
    pub command_line: String,
    /// All that the notes of the run say before it begins.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub notes: serde_json::Value,
}

/// The last line of a journal whose run ended by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndLine {
    /// How it ended.
    pub ended: Ended,
    /// How long it took.
    pub seconds: f64,
    /// What came of it.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub results: serde_json::Value,
}

/// A line as text, with its line feed.
pub(crate) fn text(line: &Line<'_>) -> String {
    // Nothing here has maps with other keys than text.
    let mut text = serde_json::to_string(line).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_written_form_is_read_as_any_other(
            file in "(gradcam/)?[a-z ü\"\\\\\n]{1,12}[.]npy",
            key in "[0-9a-f]{16}",
            class: u16,
            bytes in 0..u64::pow(10, 18),
            sha256 in "[0-9a-f]{64}",
            empty: bool,
        ) {
            let map = MapLine {
                file: file.as_str().into(),
                settings: key.as_str().into(),
                class,
                bytes,
                sha256: sha256.as_str().into(),
                empty,
            };
            let line = text(&Line::Map(map.clone()));
            let line = line.trim_end().as_bytes();
            let plain = !file.contains(['"', '\\', '\n']);
            prop_assert_eq!(MapLine::in_written_form(line), plain.then_some(map.clone()));
            let Ok(Line::Map(read)) = serde_json::from_slice(line) else {
                panic!("no line of a map");
            };
            prop_assert_eq!(read, map);
        }

        #[test]
        fn whatever_is_read_fast_is_read_so_slowly_too(cut in 0..200_usize, byte: u8) {
            let line = format!(
                r#"{{"map":{{"file":"a/b.npy","settings":"{:016x}","class":3,"bytes":1048704,"sha256":"{:064x}","empty":true}}}}"#,
                77, 99
            );
            let mut line = line.into_bytes();
            let cut = cut.min(line.len() - 1);
            line[cut] = byte;
            if let Some(map) = MapLine::in_written_form(&line) {
                let Ok(Line::Map(read)) = serde_json::from_slice(&line) else {
                    panic!("{}", String::from_utf8_lossy(&line));
                };
                prop_assert_eq!(read, map);
            }
        }
    }
}
