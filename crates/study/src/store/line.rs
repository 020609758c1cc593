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
