//! What is compiled for each instruction set.

use crate::vector::Vector;

/// A kernel that computes with vectors.
pub trait Kernel {
    /// What it returns.
    type Output;
    /// Does the work; must be `#[inline(always)]`.
    fn call<V: Vector>(self, vector: V) -> Self::Output;
}
