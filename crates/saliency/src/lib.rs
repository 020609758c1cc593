//! Saliency maps of a sample, scores of a map, statistics of scores.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "maps are single precision; counts of pixels are far below 2^52"
)]

pub mod evaluation;
pub mod explanation;
pub mod map;
pub mod method;
pub mod metric;
pub mod random;
pub mod statistics;
pub mod target;

pub use explanation::{ExplainedImage, Explanation, Needs, Settings};
pub use map::Map;
pub use method::{Attribution, CONTROLS, Control, METHODS, Method};
pub use target::TargetClass;
