//! Scores of a saliency map.

pub mod imputation;
