//! A convolutional network as a graph of named nodes, run in part forwards or backwards.
//!
//! [`arch`] describes the known architectures, [`graph`] is the network as data, [`Engine`] runs
//! parts of it on a [`device`].

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "single precision is what networks are made of; indices are far below 2^52"
)]

pub mod arch;
mod backward;
mod batch;
pub mod checkpoint;
mod compile;
pub mod device;
mod engine;
pub mod geometry;
pub mod graph;
mod keep;
pub mod load;
mod memory;
pub mod tensor;

pub use engine::{Engine, Source, Trace};
pub use keep::Keep;
pub use load::{LoadError, LoadedNetwork, Normalization};
pub use tensor::{Tensor, TensorView};
