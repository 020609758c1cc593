//! What a split says about its samples, before any picture is looked at.

use std::fmt;

use mednet_base::text::escaped_line;

use crate::annotation::BoundingBox;
use crate::database::Database;
use crate::sample::Target;

/// One line of a split: what is known about a sample without looking at its picture.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleRecord {
    /// Path relative to the data directory.
    pub name: String,
    /// What the data set says about it.
    pub target: Target,
    /// Boxes in pixels of the stored picture; `None` where the split holds none.
    pub boxes: Option<Vec<BoundingBox>>,
    /// The database whose data directory and raw rule apply.
    pub database: &'static Database,
}

/// The samples of one purpose (`train`, `validation`, `test`), in order.
#[derive(Debug, Clone, PartialEq)]
pub struct DataSet {
    /// Its key in the split.
    pub name: String,
    /// The samples, in the order of the split.
    pub samples: Vec<SampleRecord>,
    /// What stands in the split and is not usable, in the order of the split.
    pub rejected: Vec<RejectedRecord>,
}

/// One line of a split file that is no sample, because of a mistake in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRecord {
    /// Its place in the data set, from 0, among the samples and what else is rejected.
    pub index: usize,
    /// The line of the (decompressed) file in which it begins, from 1.
    pub line: usize,
    /// Path relative to the data directory, where that could be read.
    pub name: Option<String>,
    /// What is wrong, what is expected: the end of a sentence that starts with the sample.
    pub reason: String,
}

/// `line 7: sample 3 (`imgs/a.png`) has 0.7 as its target, expected ...`. Samples are counted from
/// 1 here, as lines are.
impl fmt::Display for RejectedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: sample {}", self.line, self.index + 1)?;
        if let Some(name) = &self.name {
            write!(f, " (`{}`)", escaped_line(name))?;
        }
        write!(f, " {}", escaped_line(&self.reason))
    }
}
