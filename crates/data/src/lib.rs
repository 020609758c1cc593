//! Databases, splits, annotations, image reading and input transforms: files on disk become
//! [`Sample`]s, ready for a network.

pub mod annotation;
pub mod mode;
pub mod sample;

pub use annotation::BoundingBox;
pub use mode::Mode;
pub use sample::{Image, Sample, Target};
