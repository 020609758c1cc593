//! Plain Rust: four lanes, which compilers map to the vectors that every machine has.
#![allow(unsafe_code)]

use crate::kernel::Kernel;
use crate::vector::{Vector, sealed};

/// What every processor has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Portable;

impl Portable {
    /// Runs a kernel.
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.call(self)
    }
}

const LANES: usize = 4;

impl sealed::Sealed for Portable {}

impl Vector for Portable {
    type Lanes = [f32; LANES];
    const LANES: usize = LANES;
    const ROWS: usize = 2;
    const TILE_VECTORS: usize = 3;

    #[inline(always)]
    fn splat(self, value: f32) -> Self::Lanes {
        [value; LANES]
    }
    #[inline(always)]
    fn add(self, a: Self::Lanes, b: Self::Lanes) -> Self::Lanes {
        std::array::from_fn(|i| a[i] + b[i])
    }
    #[inline(always)]
    fn sub(self, a: Self::Lanes, b: Self::Lanes) -> Self::Lanes {
        std::array::from_fn(|i| a[i] - b[i])
    }
    #[inline(always)]
    fn mul(self, a: Self::Lanes, b: Self::Lanes) -> Self::Lanes {
        std::array::from_fn(|i| a[i] * b[i])
    }
    #[inline(always)]
    fn mul_add(self, a: Self::Lanes, b: Self::Lanes, c: Self::Lanes) -> Self::Lanes {
        // Not `f32::mul_add`: without the instruction that is a slow library call.
        std::array::from_fn(|i| a[i] * b[i] + c[i])
    }
    #[inline(always)]
    fn relu(self, a: Self::Lanes) -> Self::Lanes {
        a.map(|a| if a < 0.0 { 0.0 } else { a })
    }
    #[inline(always)]
    fn where_positive(self, condition: Self::Lanes, a: Self::Lanes) -> Self::Lanes {
        std::array::from_fn(|i| if condition[i] > 0.0 { a[i] } else { 0.0 })
    }

    #[inline(always)]
    fn positive(self, a: Self::Lanes) -> u32 {
        let bits = a.iter().enumerate();
        bits.fold(0, |bits, (i, &a)| bits | u32::from(a > 0.0) << i)
    }
    #[inline(always)]
    fn keep(self, a: Self::Lanes, mask: u32) -> Self::Lanes {
        std::array::from_fn(|i| if mask >> i & 1 == 1 { a[i] } else { 0.0 })
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> Self::Lanes {
        // SAFETY: readable as the caller promised; arrays of f32 are aligned as f32.
        unsafe { *from.cast::<[f32; LANES]>() }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32, value: Self::Lanes) {
        // SAFETY: writable as the caller promised.
        unsafe { *to.cast::<[f32; LANES]>() = value }
    }
    #[inline(always)]
    unsafe fn load_masked(self, from: *const f32, mask: u32) -> Self::Lanes {
        std::array::from_fn(|i| {
            if mask >> i & 1 == 1 {
                // SAFETY: only lanes of the mask are read.
                unsafe { *from.wrapping_add(i) }
            } else {
                0.0
            }
        })
    }
    #[inline(always)]
    unsafe fn store_masked(self, to: *mut f32, value: Self::Lanes, mask: u32) {
        for (i, &lane) in value.iter().enumerate() {
            if mask >> i & 1 == 1 {
                // SAFETY: only lanes of the mask are written.
                unsafe { *to.wrapping_add(i) = lane }
            }
        }
    }
}
