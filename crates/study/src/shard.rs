//! Which part of a run this process does.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// One of `count` parts of a run, counted from 1. Sample number `s` of those chosen, counted from
/// 0, belongs to part `s mod count + 1`: slow samples and rare findings spread over all parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard {
    index: u32,
    count: u32,
}

/// Not a part of a run.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ShardError {
    /// Something else than `I/N`.
    #[error("`{0}` is no shard: expected I/N, such as 3/16 for the third of sixteen")]
    Syntax(String),
    /// Parts are counted from 1.
    #[error("there is no shard 0: the first of {count} is 1/{count}")]
    Zero {
        /// Number of parts.
        count: u32,
    },
    /// Beyond the last part.
    #[error("there is no shard {index} of {count}: the last is {count}/{count}")]
    Beyond {
        /// What was asked for.
        index: u32,
        /// Number of parts.
        count: u32,
    },
}

impl Shard {
    /// Part `index` of `count`.
    ///
    /// # Errors
    /// Where there is no such part.
    pub fn new(index: u32, count: u32) -> Result<Self, ShardError> {
        match index {
            0 if count > 0 => Err(ShardError::Zero { count }),
            _ if index > count || count == 0 => Err(ShardError::Beyond { index, count }),
            _ => Ok(Self { index, count }),
        }
    }

    /// Which part, from 1.
    #[must_use]
    pub fn index(self) -> u32 {
        self.index
    }

    /// How many parts there are.
    #[must_use]
    pub fn count(self) -> u32 {
        self.count
    }

    /// Whether the sample at this position, from 0, belongs to this part.
    #[must_use]
    pub fn has(self, position: usize) -> bool {
        position % self.count as usize == self.index as usize - 1
    }

    /// As part of a file's name: `3-of-16`.
    #[must_use]
    pub fn file_part(self) -> String {
        format!("{}-of-{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let syntax = || ShardError::Syntax(text.to_owned());
        let (index, count) = text.trim().split_once('/').ok_or_else(syntax)?;
        let number = |part: &str| part.trim().parse::<u32>().map_err(|_| syntax());
        let (index, count) = (number(index)?, number(count)?);
        if count == 0 {
            return Err(syntax());
        }
        Self::new(index, count)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_counted_from_one_and_share_all_samples() {
        for count in 1..7 {
            for position in 0..20 {
                let owners = (1..=count).filter(|&i| Shard::new(i, count).unwrap().has(position));
                assert_eq!(owners.count(), 1);
            }
        }
        assert!("3/16".parse::<Shard>().unwrap().has(2));
        assert_eq!("3/16".parse::<Shard>().unwrap().to_string(), "3/16");
    }

    #[test]
    fn what_is_no_part_is_explained() {
        let said = |text: &str| text.parse::<Shard>().unwrap_err().to_string();
        assert_eq!(said("0/16"), "there is no shard 0: the first of 16 is 1/16");
        assert_eq!(
            said("17/16"),
            "there is no shard 17 of 16: the last is 16/16"
        );
        for text in ["", "3", "3/", "a/b", "-1/4", "1/0", "0/0", "1.5/2"] {
            assert!(said(text).contains("expected I/N"), "{text}");
        }
    }
}
