//! A study on disk: what is to be done, what is done, by whom and with which settings.
//!
//! The crates below compute; the front ends (command line, notebook, page) show. This crate owns
//! what lies between, once each: the [`plan`] of a run, the folder of maps with its layout,
//! manifest and journals ([`store`]), [`provenance`], the [`scores`] that are kept as they come,
//! runs over whole data sets ([`run`]), what happens meanwhile ([`event`]) and what a reader should
//! know ([`diagnostic`]), how a run ends ([`ending`]), and the files of the original program
//! ([`compat`]). Nothing here prints, exits, or parses what a user typed.

pub mod collect;
pub mod compat;
pub mod diagnostic;
pub mod ending;
pub mod event;
pub mod maps;
pub mod notes;
pub mod npy;
pub mod plan;
pub mod provenance;
pub mod run;
pub mod scores;
pub mod shard;
pub mod store;
pub mod threads;

pub use diagnostic::{Diagnostic, Severity, Tally};
pub use ending::Ended;
pub use event::{Event, FailureKind, Observer, SampleFailure};
pub use maps::{MapFolder, MapSource, ScoredMaps};
pub use plan::Selection;
pub use run::RunFacts;
pub use scores::{Label, ScoredDataSet, ScoredSample};
pub use shard::Shard;
pub use threads::ThreadCount;
