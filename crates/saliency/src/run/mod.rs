//! Explaining whole data sets: reading, computing and writing side by side, what is on disk
//! already skipped.

pub mod atomic;
pub mod generate;
pub mod manifest;
pub mod npy;
mod pipeline;

pub use generate::{GenerateError, Generation, Observer, SampleFailure, Summary};
pub use manifest::{Manifest, ManifestError, Provenance};
