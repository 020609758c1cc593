//! NEON of 64-bit ARM: four lanes, 32 registers.
#![allow(unsafe_code)]

use crate::kernel::Kernel;
use crate::vector::{Vector, sealed};
use std::arch::aarch64::*;

/// Proof that the processor has NEON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Neon(());

impl Neon {
    /// The proof, if the processor reports the instructions.
    pub(crate) fn detect() -> Option<Self> {
        let found = std::arch::is_aarch64_feature_detected!("neon");
        found.then_some(Self(()))
    }

    /// Runs a kernel with NEON enabled.
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "neon")]
        fn run<K: Kernel>(vector: Neon, kernel: K) -> K::Output {
            kernel.call(vector)
        }
        // SAFETY: the processor has these instructions, as `self` proves.
        unsafe { run(self, kernel) }
    }
}

impl sealed::Sealed for Neon {}

// SAFETY of every arithmetic intrinsic below: the instructions exist, as `self` proves.
impl Vector for Neon {
    type Lanes = float32x4_t;
    const LANES: usize = 4;
    const ROWS: usize = 8;
    const TILE_VECTORS: usize = 2;

    #[inline(always)]
    fn splat(self, value: f32) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vdupq_n_f32(value) }
    }
    #[inline(always)]
    fn add(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vaddq_f32(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vsubq_f32(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vmulq_f32(a, b) }
    }
    #[inline(always)]
    fn mul_add(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vfmaq_f32(c, a, b) }
    }
    #[inline(always)]
    fn relu(self, a: float32x4_t) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vmaxq_f32(a, vdupq_n_f32(0.0)) }
    }
    #[inline(always)]
    fn where_positive(self, condition: float32x4_t, a: float32x4_t) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vbslq_f32(vcgtq_f32(condition, vdupq_n_f32(0.0)), a, vdupq_n_f32(0.0)) }
    }

    #[inline(always)]
    fn positive(self, a: float32x4_t) -> u32 {
        // SAFETY: see above.
        unsafe {
            let positive = vcgtq_f32(a, vdupq_n_f32(0.0));
            vaddvq_u32(vandq_u32(positive, vld1q_u32([1, 2, 4, 8].as_ptr())))
        }
    }
    #[inline(always)]
    fn keep(self, a: float32x4_t, mask: u32) -> float32x4_t {
        // SAFETY: see above.
        unsafe {
            let kept = vtstq_u32(vdupq_n_u32(mask), vld1q_u32([1, 2, 4, 8].as_ptr()));
            vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(a), kept))
        }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> float32x4_t {
        // SAFETY: readable as the caller promised.
        unsafe { vld1q_f32(from) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32, value: float32x4_t) {
        // SAFETY: writable as the caller promised.
        unsafe { vst1q_f32(to, value) }
    }
    #[inline(always)]
    unsafe fn load_masked(self, from: *const f32, mask: u32) -> float32x4_t {
        if mask == 0b1111 {
            // SAFETY: all lanes are readable as the caller promised.
            return unsafe { vld1q_f32(from) };
        }
        let lanes: [f32; 4] = std::array::from_fn(|i| {
            if mask >> i & 1 == 1 {
                // SAFETY: only lanes of the mask are read.
                unsafe { *from.wrapping_add(i) }
            } else {
                0.0
            }
        });
        // SAFETY: four values.
        unsafe { vld1q_f32(lanes.as_ptr()) }
    }
    #[inline(always)]
    unsafe fn store_masked(self, to: *mut f32, value: float32x4_t, mask: u32) {
        if mask == 0b1111 {
            // SAFETY: all lanes are writable as the caller promised.
            return unsafe { vst1q_f32(to, value) };
        }
        let mut lanes = [0.0; 4];
        // SAFETY: four values.
        unsafe { vst1q_f32(lanes.as_mut_ptr(), value) };
        for (i, &lane) in lanes.iter().enumerate() {
            if mask >> i & 1 == 1 {
                // SAFETY: only lanes of the mask are written.
                unsafe { *to.wrapping_add(i) = lane }
            }
        }
    }

    #[inline(always)]
    fn shift_in(self, a: float32x4_t, next: f32) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vextq_f32::<1>(a, vdupq_n_f32(next)) }
    }
    #[inline(always)]
    fn shift_in_first(self, a: float32x4_t, previous: f32) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vextq_f32::<3>(vdupq_n_f32(previous), a) }
    }
    #[inline(always)]
    unsafe fn deinterleave4(self, from: *const f32) -> [float32x4_t; 4] {
        // SAFETY: reads 16 values as the caller promised.
        let float32x4x4_t(a, b, c, d) = unsafe { vld4q_f32(from) };
        [a, b, c, d]
    }
    #[inline(always)]
    unsafe fn every_second(self, from: *const f32) -> float32x4_t {
        // SAFETY: reads 8 values as the caller promised.
        unsafe { vuzp1q_f32(vld1q_f32(from), vld1q_f32(from.add(4))) }
    }
    #[inline(always)]
    unsafe fn interleave4(self, to: *mut f32, values: [float32x4_t; 4]) {
        let [a, b, c, d] = values;
        // SAFETY: writes 16 values as the caller promised.
        unsafe { vst4q_f32(to, float32x4x4_t(a, b, c, d)) }
    }
}
