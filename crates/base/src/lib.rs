//! What every part of mednet needs and no other crate owns: files that are whole or not there,
//! errors with their causes, the JSON of this field, text for people, and panics that end one
//! sample and not the run.
//!
//! Nothing here knows radiographs, networks or maps.

pub mod error;
pub mod file;
pub mod hex;
pub mod json;
pub mod number;
pub mod panic;
pub mod statistics;
pub mod suggest;
pub mod text;
