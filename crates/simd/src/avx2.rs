//! AVX2 with fused multiply-add: eight lanes, 16 registers.
#![allow(unsafe_code)]

use crate::kernel::Kernel;
use crate::vector::{Vector, sealed};
use std::arch::x86_64::*;

/// Proof that the processor has AVX2 and FMA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Avx2(());

impl Avx2 {
    /// The proof, if the processor reports the instructions.
    pub(crate) fn detect() -> Option<Self> {
        let found = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        found.then_some(Self(()))
    }

    /// Runs a kernel with AVX2 and FMA enabled.
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx2,fma")]
        fn run<K: Kernel>(vector: Avx2, kernel: K) -> K::Output {
            kernel.call(vector)
        }
        // SAFETY: the processor has these instructions, as `self` proves.
        unsafe { run(self, kernel) }
    }
}

/// Bit `i` of the mask in the sign of lane `i`.
#[inline(always)]
unsafe fn lane_mask(mask: u32) -> __m256i {
    // SAFETY: the caller holds the proof that AVX2 exists.
    unsafe {
        let bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
        _mm256_cmpeq_epi32(
            _mm256_and_si256(_mm256_set1_epi32(mask.cast_signed()), bits),
            bits,
        )
    }
}

impl sealed::Sealed for Avx2 {}

// SAFETY of every arithmetic intrinsic below: the instructions exist, as `self` proves.
impl Vector for Avx2 {
    type Lanes = __m256;
    const LANES: usize = 8;
    const ROWS: usize = 4;
    const TILE_VECTORS: usize = 2;

    #[inline(always)]
    fn splat(self, value: f32) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_set1_ps(value) }
    }
    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_mul_ps(a, b) }
    }
    #[inline(always)]
    fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn relu(self, a: __m256) -> __m256 {
        // SAFETY: see above. The second operand is returned where one is not a number.
        unsafe { _mm256_max_ps(_mm256_setzero_ps(), a) }
    }
    #[inline(always)]
    fn where_positive(self, condition: __m256, a: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe {
            _mm256_and_ps(
                _mm256_cmp_ps::<_CMP_GT_OQ>(condition, _mm256_setzero_ps()),
                a,
            )
        }
    }

    #[inline(always)]
    fn positive(self, a: __m256) -> u32 {
        // SAFETY: see above.
        unsafe {
            let positive = _mm256_cmp_ps::<_CMP_GT_OQ>(a, _mm256_setzero_ps());
            _mm256_movemask_ps(positive).cast_unsigned()
        }
    }
    #[inline(always)]
    fn keep(self, a: __m256, mask: u32) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_and_ps(a, _mm256_castsi256_ps(lane_mask(mask))) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m256 {
        // SAFETY: readable as the caller promised.
        unsafe { _mm256_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32, value: __m256) {
        // SAFETY: writable as the caller promised.
        unsafe { _mm256_storeu_ps(to, value) }
    }
    #[inline(always)]
    unsafe fn load_masked(self, from: *const f32, mask: u32) -> __m256 {
        // SAFETY: lanes outside of the mask are not touched by the instruction.
        unsafe { _mm256_maskload_ps(from, lane_mask(mask)) }
    }
    #[inline(always)]
    unsafe fn store_masked(self, to: *mut f32, value: __m256, mask: u32) {
        // SAFETY: lanes outside of the mask are not touched by the instruction.
        unsafe { _mm256_maskstore_ps(to, lane_mask(mask), value) }
    }

    #[inline(always)]
    fn shift_in(self, a: __m256, next: f32) -> __m256 {
        // SAFETY: see above.
        unsafe {
            let after = _mm256_setr_epi32(1, 2, 3, 4, 5, 6, 7, 0);
            let rotated = _mm256_permutevar8x32_ps(a, after);
            _mm256_blend_ps::<0b1000_0000>(rotated, _mm256_set1_ps(next))
        }
    }
    #[inline(always)]
    fn shift_in_first(self, a: __m256, previous: f32) -> __m256 {
        // SAFETY: see above.
        unsafe {
            let before = _mm256_setr_epi32(7, 0, 1, 2, 3, 4, 5, 6);
            let rotated = _mm256_permutevar8x32_ps(a, before);
            _mm256_blend_ps::<0b0000_0001>(rotated, _mm256_set1_ps(previous))
        }
    }
    #[inline(always)]
    unsafe fn deinterleave4(self, from: *const f32) -> [__m256; 4] {
        // SAFETY: reads 32 values as the caller promised; the rest is arithmetic on registers.
        unsafe {
            // Lane halves hold groups 0 and 4, 1 and 5, 2 and 6, 3 and 7 of four values.
            let quad = |at: usize| {
                let low = _mm256_castps128_ps256(_mm_loadu_ps(from.add(4 * at)));
                _mm256_insertf128_ps::<1>(low, _mm_loadu_ps(from.add(4 * (at + 4))))
            };
            transpose_halves([quad(0), quad(1), quad(2), quad(3)])
        }
    }
    #[inline(always)]
    unsafe fn every_second(self, from: *const f32) -> __m256 {
        // SAFETY: reads 16 values as the caller promised.
        unsafe {
            let (a, b) = (_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8)));
            let halves = _mm256_castps_pd(_mm256_shuffle_ps::<0b10_00_10_00>(a, b));
            _mm256_castpd_ps(_mm256_permute4x64_pd::<0b11_01_10_00>(halves))
        }
    }
    #[inline(always)]
    unsafe fn interleave4(self, to: *mut f32, values: [__m256; 4]) {
        // SAFETY: writes 32 values as the caller promised; the rest is arithmetic on registers.
        unsafe {
            for (i, &quad) in transpose_halves(values).iter().enumerate() {
                _mm_storeu_ps(to.add(4 * i), _mm256_castps256_ps128(quad));
                _mm_storeu_ps(to.add(4 * (i + 4)), _mm256_extractf128_ps::<1>(quad));
            }
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

/// Transposes the 4 x 4 matrices that the lower and the upper halves hold.
#[inline(always)]
unsafe fn transpose_halves(rows: [__m256; 4]) -> [__m256; 4] {
    let [a, b, c, d] = rows;
    // SAFETY: the caller holds the proof that AVX2 exists.
    unsafe {
        let (ab_low, ab_high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
        let (cd_low, cd_high) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
        [
            _mm256_shuffle_ps::<0b01_00_01_00>(ab_low, cd_low),
            _mm256_shuffle_ps::<0b11_10_11_10>(ab_low, cd_low),
            _mm256_shuffle_ps::<0b01_00_01_00>(ab_high, cd_high),
            _mm256_shuffle_ps::<0b11_10_11_10>(ab_high, cd_high),
        ]
    }
}
