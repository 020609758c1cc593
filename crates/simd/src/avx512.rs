//! AVX-512: sixteen lanes, 32 registers. Vectors need no more than the foundation.
#![allow(unsafe_code)]

use crate::kernel::Kernel;
use crate::vector::{Vector, sealed};
use std::arch::x86_64::*;

/// Proof that the processor has AVX-512F, VL, BW and DQ, AVX2 and FMA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Avx512(());

impl Avx512 {
    /// The proof, if the processor reports the instructions.
    pub(crate) fn detect() -> Option<Self> {
        // Every processor with the foundation has the other three, but for the Xeon Phi.
        let found = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq");
        found.then_some(Self(()))
    }

    /// Runs a kernel with AVX-512F enabled.
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx512f,avx2,fma")]
        fn run<K: Kernel>(vector: Avx512, kernel: K) -> K::Output {
            kernel.call(vector)
        }
        // SAFETY: the processor has these instructions, as `self` proves.
        unsafe { run(self, kernel) }
    }
}

impl sealed::Sealed for Avx512 {}

// SAFETY of every arithmetic intrinsic below: the instructions exist, as `self` proves.
impl Vector for Avx512 {
    type Lanes = __m512;
    const LANES: usize = 16;
    const ROWS: usize = 8;
    const TILE_VECTORS: usize = 3;

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_set1_ps(value) }
    }
    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_mul_ps(a, b) }
    }
    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn relu(self, a: __m512) -> __m512 {
        // SAFETY: see above. The second operand is returned where one is not a number.
        unsafe { _mm512_max_ps(_mm512_setzero_ps(), a) }
    }
    #[inline(always)]
    fn where_positive(self, condition: __m512, a: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe {
            let mask = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(condition, _mm512_setzero_ps());
            _mm512_maskz_mov_ps(mask, a)
        }
    }

    #[inline(always)]
    fn positive(self, a: __m512) -> u32 {
        // SAFETY: see above.
        unsafe { _mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, _mm512_setzero_ps()).into() }
    }
    #[inline(always)]
    fn keep(self, a: __m512, mask: u32) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_maskz_mov_ps(mask as u16, a) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m512 {
        // SAFETY: readable as the caller promised.
        unsafe { _mm512_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32, value: __m512) {
        // SAFETY: writable as the caller promised.
        unsafe { _mm512_storeu_ps(to, value) }
    }
    #[inline(always)]
    unsafe fn load_masked(self, from: *const f32, mask: u32) -> __m512 {
        // SAFETY: lanes outside of the mask are not touched by the instruction.
        unsafe { _mm512_maskz_loadu_ps(mask as u16, from) }
    }
    #[inline(always)]
    unsafe fn store_masked(self, to: *mut f32, value: __m512, mask: u32) {
        // SAFETY: lanes outside of the mask are not touched by the instruction.
        unsafe { _mm512_mask_storeu_ps(to, mask as u16, value) }
    }

    #[inline(always)]
    fn shift_in(self, a: __m512, next: f32) -> __m512 {
        // SAFETY: see above.
        unsafe {
            let (a, next) = (
                _mm512_castps_si512(a),
                _mm512_castps_si512(_mm512_set1_ps(next)),
            );
            _mm512_castsi512_ps(_mm512_alignr_epi32::<1>(next, a))
        }
    }
    #[inline(always)]
    fn shift_in_first(self, a: __m512, previous: f32) -> __m512 {
        // SAFETY: see above.
        unsafe {
            let (a, previous) = (
                _mm512_castps_si512(a),
                _mm512_castps_si512(_mm512_set1_ps(previous)),
            );
            _mm512_castsi512_ps(_mm512_alignr_epi32::<15>(a, previous))
        }
    }
    #[inline(always)]
    unsafe fn deinterleave4(self, from: *const f32) -> [__m512; 4] {
        // SAFETY: reads 64 values as the caller promised; the rest is arithmetic on registers.
        unsafe {
            let [a, b, c, d] = [0, 16, 32, 48].map(|at| _mm512_loadu_ps(from.add(at)));
            let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            let odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
            let (ab_even, cd_even) = (
                _mm512_permutex2var_ps(a, even, b),
                _mm512_permutex2var_ps(c, even, d),
            );
            let (ab_odd, cd_odd) = (
                _mm512_permutex2var_ps(a, odd, b),
                _mm512_permutex2var_ps(c, odd, d),
            );
            [
                _mm512_permutex2var_ps(ab_even, even, cd_even),
                _mm512_permutex2var_ps(ab_odd, even, cd_odd),
                _mm512_permutex2var_ps(ab_even, odd, cd_even),
                _mm512_permutex2var_ps(ab_odd, odd, cd_odd),
            ]
        }
    }
    #[inline(always)]
    unsafe fn every_second(self, from: *const f32) -> __m512 {
        // SAFETY: reads 32 values as the caller promised.
        unsafe {
            let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            _mm512_permutex2var_ps(_mm512_loadu_ps(from), even, _mm512_loadu_ps(from.add(16)))
        }
    }
    #[inline(always)]
    unsafe fn interleave4(self, to: *mut f32, values: [__m512; 4]) {
        // SAFETY: writes 64 values as the caller promised; the rest is arithmetic on registers.
        unsafe {
            let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            let high =
                _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
            let [a, b, c, d] = values;
            let (ac_low, ac_high) = (
                _mm512_permutex2var_ps(a, low, c),
                _mm512_permutex2var_ps(a, high, c),
            );
            let (bd_low, bd_high) = (
                _mm512_permutex2var_ps(b, low, d),
                _mm512_permutex2var_ps(b, high, d),
            );
            _mm512_storeu_ps(to, _mm512_permutex2var_ps(ac_low, low, bd_low));
            _mm512_storeu_ps(to.add(16), _mm512_permutex2var_ps(ac_low, high, bd_low));
            _mm512_storeu_ps(to.add(32), _mm512_permutex2var_ps(ac_high, low, bd_high));
            _mm512_storeu_ps(to.add(48), _mm512_permutex2var_ps(ac_high, high, bd_high));
        }
    }

    #[inline(always)]
    fn prefetch(self, address: *const f32) {
        // SAFETY: a prefetch of any address is harmless.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }
    #[inline(always)]
    fn prefetch_write(self, address: *mut f32) {
        // SAFETY: a prefetch of any address is harmless.
        unsafe { _mm_prefetch::<_MM_HINT_ET0>(address.cast_const().cast()) }
    }
}
