//! Which of the two sets of numbers a run produces.

/// Sound numerics, or the numbers of the original Python program.
///
/// The two differ in a few documented places only. In this crate: a colour picture with 16 bits a
/// channel keeps its full depth in [`Mode::Default`] and is reduced to 8 bits in [`Mode::Mednet`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// What the papers say and what is numerically sound.
    #[default]
    Default,
    /// What mednet 2.1 computes, its defects included, for comparing with published results.
    Mednet,
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Default => "default",
            Self::Mednet => "mednet",
        })
    }
}
