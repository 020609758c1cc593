//! A convolutional network as a graph of named nodes, run in part forwards or backwards.

pub mod tensor;

pub use tensor::Tensor;
