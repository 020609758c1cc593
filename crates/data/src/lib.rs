//! Databases, splits, annotations, image reading and input transforms: files on disk become
//! [`Sample`]s, ready for a network.
//!
//! The way of a sample: a [`DataModule`] (by name, or from a split file) holds [`DataSet`]s of
//! [`SampleRecord`]s; a [`SampleLoader`] finds the file of a record below its data directory
//! ([`DataDirectories`]), decodes it by the rule of its [`Database`] and applies the
//! [`TransformPipeline`] of the network to picture and boxes alike.

pub mod annotation;
pub mod database;
pub mod datamodule;
pub mod directory;
pub mod error;
pub mod file_facts;
mod folder_listings;
pub mod load;
pub mod missing;
pub mod mode;
pub mod name;
pub mod read;
pub mod record;
pub mod sample;
pub mod size;
pub mod split;
pub mod transform;

pub use annotation::BoundingBox;
pub use database::{Configuration, Database};
pub use datamodule::{DataModule, OutputClash};
pub use directory::DataDirectories;
pub use error::Error;
pub use file_facts::FileFacts;
pub use load::{Checked, Loaded, SampleLoader};
pub use missing::{AllMissing, Missing};
pub use mode::Mode;
pub use read::{DEFAULT_MAX_PIXELS, Notice};
pub use record::{DataSet, RejectedRecord, SampleRecord};
pub use sample::{Image, Sample, Target};
pub use size::ImageSize;
pub use transform::{BoxFaults, Geometry, Transform, TransformPipeline};
