//! Explaining whole data sets and scoring their maps: reading, computing and writing side by side,
//! what is on disk already skipped.

pub mod atomic;
pub mod complete;
mod explain;
pub mod generate;
pub mod interpret;
pub mod manifest;
mod map_folder;
pub mod npy;
pub mod outcome;
mod pipeline;
mod scored;
mod selection;
pub mod stored;

pub use complete::{ClassScores, Completion, CompletionError, CompletionSummary};
pub use generate::Generation;
pub use interpret::{Interpretation, InterpretationSummary};
pub use manifest::{Manifest, ManifestError, Provenance};
pub use map_folder::{MapFolder, MapSource};
pub use outcome::{GenerateError, Observer, Preview, SampleFailure, Summary};
pub use scored::{ScoredDataSet, ScoredSample};
pub use selection::SelectionError;
pub use stored::{StoredMaps, StoredMapsError};
