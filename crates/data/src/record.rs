//! What a split says about its samples, before any picture is looked at.

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
}
