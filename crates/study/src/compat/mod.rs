//! The files of scores in the form of the original program, mednet 2.1, in and out: rows without
//! names, whose kind is told by their length. [`curves`] are ours, in the same form of JSON.

pub mod curves;
pub mod rows;

pub use rows::{completeness_rows, interpretability_rows};
