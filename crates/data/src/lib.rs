//! Databases, splits, annotations, image reading and input transforms: files on disk become
//! [`Sample`]s, ready for a network.

pub mod annotation;
pub mod sample;

pub use annotation::BoundingBox;
pub use sample::{Image, Sample, Target};
