//! Counting diagnostics by code.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Diagnostic;

/// Samples that are named for each code.
const MOST_NAMED: usize = 5;

/// How often a diagnostic was met, and with which samples first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Count {
    /// How often.
    pub count: usize,
    /// What it said the first time.
    pub text: String,
    /// The first samples, five at most.
    pub samples: Vec<String>,
}

/// Diagnostics of a run, counted by code.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tally {
    counts: BTreeMap<String, Count>,
}

impl Tally {
    /// Counts one of a sample.
    pub fn add(&mut self, sample: &str, diagnostic: &Diagnostic) {
        let entry = self.counts.entry(diagnostic.code().to_owned());
        let count = entry.or_insert_with(|| Count {
            text: diagnostic.to_string(),
            ..Count::default()
        });
        count.count += 1;
        if count.samples.len() < MOST_NAMED && !sample.is_empty() {
            count.samples.push(sample.to_owned());
        }
    }

    /// Adds what another part of the run has met.
    pub fn merge(&mut self, other: Self) {
        for (code, theirs) in other.counts {
            match self.counts.get_mut(&code) {
                None => {
                    self.counts.insert(code, theirs);
                }
                Some(ours) => {
                    ours.count += theirs.count;
                    let room = MOST_NAMED.saturating_sub(ours.samples.len());
                    ours.samples.extend(theirs.samples.into_iter().take(room));
                }
            }
        }
    }

    /// How often each code was met, in the order of the codes.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Count)> {
        self.counts
            .iter()
            .map(|(code, count)| (code.as_str(), count))
    }

    /// How often a code was met.
    #[must_use]
    pub fn of(&self, code: &str) -> usize {
        self.counts.get(code).map_or(0, |count| count.count)
    }
}
