//! The instruction sets, and which of them this machine has.

use std::sync::OnceLock;

#[cfg(target_arch = "x86_64")]
use crate::avx2::Avx2;
#[cfg(target_arch = "x86_64")]
use crate::avx512::Avx512;
use crate::kernel::Kernel;
#[cfg(target_arch = "aarch64")]
use crate::neon::Neon;
use crate::portable::Portable;
use crate::vector::Vector;

/// Instructions that a kernel may use. A value is the proof that this machine has them: none is
/// made before the processor has reported them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstructionSet(Kind);

/// Which instructions these are, with the proof that they exist: no other crate can make one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What every machine supports.
    Portable(Portable),
    /// AVX2 with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// AVX-512: F, VL, BW and DQ.
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    /// NEON of 64-bit ARM.
    #[cfg(target_arch = "aarch64")]
    Neon(Neon),
}

/// Evaluates an expression with the proof of a set as `$vector`.
macro_rules! with_vector {
    ($set:expr, |$vector:ident| $value:expr) => {
        match $set.0 {
            Kind::Portable($vector) => $value,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2($vector) => $value,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512($vector) => $value,
            #[cfg(target_arch = "aarch64")]
            Kind::Neon($vector) => $value,
        }
    };
}

impl InstructionSet {
    /// What every machine supports.
    #[must_use]
    pub fn portable() -> Self {
        Self(Kind::Portable(Portable))
    }

    /// All that this machine supports, the slowest first.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let portable = [Some(Kind::Portable(Portable))];
        // The interpreter Miri knows none of the others' instructions.
        #[cfg(miri)]
        let faster = [];
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        let faster = [
            Avx2::detect().map(Kind::Avx2),
            Avx512::detect().map(Kind::Avx512),
        ];
        #[cfg(all(target_arch = "aarch64", not(miri)))]
        let faster = [Neon::detect().map(Kind::Neon)];
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", miri)))]
        let faster = [];
        portable
            .into_iter()
            .chain(faster)
            .flatten()
            .map(Self)
            .collect()
    }

    /// The fastest that this machine supports.
    #[must_use]
    pub fn best() -> Self {
        static BEST: OnceLock<InstructionSet> = OnceLock::new();
        *BEST.get_or_init(|| *Self::available().last().unwrap_or(&Self::portable()))
    }

    /// Which instructions these are.
    #[inline]
    #[must_use]
    pub fn kind(self) -> Kind {
        self.0
    }

    /// Its usual name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable(_) => "portable",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(_) => "AVX2",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(_) => "AVX-512",
            #[cfg(target_arch = "aarch64")]
            Kind::Neon(_) => "NEON",
        }
    }

    /// Lanes of a vector.
    #[inline]
    #[must_use]
    pub fn lanes(self) -> usize {
        fn lanes<V: Vector>(_: V) -> usize {
            V::LANES
        }
        with_vector!(self, |vector| lanes(vector))
    }

    /// Rows of a full register tile, the height of a panel of packed weights.
    #[inline]
    #[must_use]
    pub fn rows(self) -> usize {
        fn rows<V: Vector>(_: V) -> usize {
            V::ROWS
        }
        with_vector!(self, |vector| rows(vector))
    }

    /// Vectors side by side in a full register tile.
    #[inline]
    #[must_use]
    pub fn tile_vectors(self) -> usize {
        fn tile_vectors<V: Vector>(_: V) -> usize {
            V::TILE_VECTORS
        }
        with_vector!(self, |vector| tile_vectors(vector))
    }

    /// Runs a kernel compiled for this instruction set.
    #[inline]
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        with_vector!(self, |vector| vector.run(kernel))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_portable_set_is_always_available_and_no_set_twice() {
        let sets = InstructionSet::available();
        assert_eq!(sets[0], InstructionSet::portable());
        let mut names: Vec<&str> = sets.iter().map(|set| set.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), sets.len());
        let lanes: Vec<usize> = sets.iter().map(|set| set.lanes()).collect();
        assert!(lanes.is_sorted(), "{lanes:?}");
        assert!(sets.contains(&InstructionSet::best()));
    }
}
