//! Vectors of `f32`.
#![allow(unsafe_code)]

/// Most lanes of any vector.
pub const LARGEST_LANES: usize = 16;

/// Keeps other crates from implementing [`Vector`].
pub(crate) mod sealed {
    /// Implemented by the vectors of this crate alone.
    pub trait Sealed {}
}

/// Operations on vectors of `f32`; a value of the type is the proof that the instructions exist.
///
/// Lanes never influence one another (but in the four shuffles), so what a lane yields does not
/// depend on what other lanes hold. No other crate can implement it: kernels rely on what it says.
pub trait Vector: Copy + Send + Sync + sealed::Sealed + 'static {
    /// A vector register.
    type Lanes: Copy;
    /// Values in a register.
    const LANES: usize;
    /// Rows of a full register tile.
    const ROWS: usize;
    /// Vectors side by side in a full register tile, 2 or 3. The sums, a row of input and a
    /// weight must fit the registers, with one to spare.
    const TILE_VECTORS: usize;

    /// All lanes the same.
    fn splat(self, value: f32) -> Self::Lanes;
    /// `a + b`.
    fn add(self, a: Self::Lanes, b: Self::Lanes) -> Self::Lanes;
    /// `a - b`.
    fn sub(self, a: Self::Lanes, b: Self::Lanes) -> Self::Lanes;
    /// `a * b`.
    fn mul(self, a: Self::Lanes, b: Self::Lanes) -> Self::Lanes;
    /// `a * b + c`, rounded once where the machine can.
    fn mul_add(self, a: Self::Lanes, b: Self::Lanes, c: Self::Lanes) -> Self::Lanes;
    /// `max(a, 0)`; not-a-number stays what it is.
    fn relu(self, a: Self::Lanes) -> Self::Lanes;
    /// `a` where `condition > 0`, else 0.
    fn where_positive(self, condition: Self::Lanes, a: Self::Lanes) -> Self::Lanes;

    /// A bit for each lane: whether it is positive.
    fn positive(self, a: Self::Lanes) -> u32;
    /// The lanes whose bit is set, else 0; bits beyond the lanes do not matter.
    fn keep(self, a: Self::Lanes, mask: u32) -> Self::Lanes;

    /// Reads [`Self::LANES`] values.
    ///
    /// # Safety
    /// That many values must be readable.
    unsafe fn load(self, from: *const f32) -> Self::Lanes;
    /// Writes [`Self::LANES`] values.
    ///
    /// # Safety
    /// That many values must be writable.
    unsafe fn store(self, to: *mut f32, value: Self::Lanes);
    /// Reads the lanes whose bit is set; the others are 0.
    ///
    /// # Safety
    /// `from + lane` must be readable for each lane whose bit is set; `from` itself may lie
    /// outside of any object.
    unsafe fn load_masked(self, from: *const f32, mask: u32) -> Self::Lanes;
    /// Writes the lanes whose bit is set.
    ///
    /// # Safety
    /// `to + lane` must be writable for each lane whose bit is set; `to` itself may lie outside
    /// of any object.
    unsafe fn store_masked(self, to: *mut f32, value: Self::Lanes, mask: u32);

    /// Each lane from the one after it, the last one from `next`.
    #[inline(always)]
    fn shift_in(self, a: Self::Lanes, next: f32) -> Self::Lanes {
        let mut lanes = [next; LARGEST_LANES + 1];
        // SAFETY: `lanes` has room for `LANES` values and one more.
        unsafe {
            self.store(lanes.as_mut_ptr(), a);
            lanes[Self::LANES] = next;
            self.load(lanes.as_ptr().add(1))
        }
    }

    /// Each lane from the one before it, the first one from `previous`.
    #[inline(always)]
    fn shift_in_first(self, a: Self::Lanes, previous: f32) -> Self::Lanes {
        let mut lanes = [previous; LARGEST_LANES + 1];
        // SAFETY: `lanes` has room for `LANES` values and one more.
        unsafe {
            self.store(lanes.as_mut_ptr().add(1), a);
            self.load(lanes.as_ptr())
        }
    }

    /// Reads `4 * LANES` values; lane `i` of register `j` is value `4 * i + j`.
    ///
    /// # Safety
    /// That many values must be readable.
    #[inline(always)]
    unsafe fn deinterleave4(self, from: *const f32) -> [Self::Lanes; 4] {
        let mut parts = [[0.0; LARGEST_LANES]; 4];
        for i in 0..Self::LANES {
            for (j, part) in parts.iter_mut().enumerate() {
                // SAFETY: `4 * i + j < 4 * LANES`, readable as the caller promised.
                part[i] = unsafe { *from.add(4 * i + j) };
            }
        }
        // SAFETY: each part holds at least `LANES` values.
        parts.map(|part| unsafe { self.load(part.as_ptr()) })
    }

    /// Reads `2 * LANES` values; lane `i` is value `2 * i`.
    ///
    /// # Safety
    /// That many values must be readable.
    #[inline(always)]
    unsafe fn every_second(self, from: *const f32) -> Self::Lanes {
        let mut values = [0.0; LARGEST_LANES];
        for (i, value) in values.iter_mut().enumerate().take(Self::LANES) {
            // SAFETY: `2 * i < 2 * LANES`, readable as the caller promised.
            *value = unsafe { *from.add(2 * i) };
        }
        // SAFETY: there are at least `LANES` values.
        unsafe { self.load(values.as_ptr()) }
    }

    /// Writes `4 * LANES` values; value `4 * i + j` is lane `i` of register `j`.
    ///
    /// # Safety
    /// That many values must be writable.
    #[inline(always)]
    unsafe fn interleave4(self, to: *mut f32, values: [Self::Lanes; 4]) {
        let mut part = [0.0; LARGEST_LANES];
        for (j, &value) in values.iter().enumerate() {
            // SAFETY: `part` holds at least `LANES` values.
            unsafe { self.store(part.as_mut_ptr(), value) };
            for (i, &lane) in part.iter().enumerate().take(Self::LANES) {
                // SAFETY: `4 * i + j < 4 * LANES`, writable as the caller promised.
                unsafe { *to.add(4 * i + j) = lane };
            }
        }
    }

    /// Asks for the cache line at this address; may be any address.
    #[inline(always)]
    fn prefetch(self, _address: *const f32) {}

    /// Asks for the cache line at this address, to write to it; may be any address.
    #[inline(always)]
    fn prefetch_write(self, _address: *mut f32) {}
}

/// The mask of the first `count` lanes.
#[inline(always)]
#[must_use]
pub fn first_lanes(count: usize) -> u32 {
    debug_assert!(count <= LARGEST_LANES);
    (1u32 << count) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{InstructionSet, Kernel};

    struct Shuffle;
    impl Kernel for Shuffle {
        type Output = ();
        #[inline(always)]
        fn call<V: Vector>(self, v: V) {
            let input: Vec<f32> = (0..4 * V::LANES).map(|i| i as f32).collect();
            let mut output = vec![0.0; 4 * V::LANES];
            // SAFETY: both hold `4 * LANES` values.
            let parts = unsafe { v.deinterleave4(input.as_ptr()) };
            for (j, &part) in parts.iter().enumerate() {
                let mut lanes = vec![0.0; V::LANES];
                // SAFETY: `lanes` holds `LANES` values.
                unsafe { v.store(lanes.as_mut_ptr(), part) };
                let expected: Vec<f32> = (0..V::LANES).map(|i| (4 * i + j) as f32).collect();
                assert_eq!(lanes, expected);
            }
            let mut seconds = vec![0.0; V::LANES];
            // SAFETY: more than `2 * LANES` values can be read.
            unsafe { v.store(seconds.as_mut_ptr(), v.every_second(input.as_ptr())) };
            assert!(
                seconds
                    .iter()
                    .enumerate()
                    .all(|(i, &x)| x == (2 * i) as f32)
            );
            let mut shifted = vec![0.0; V::LANES];
            // SAFETY: `shifted` holds `LANES` values.
            unsafe {
                v.store(
                    shifted.as_mut_ptr(),
                    v.shift_in(v.load(input.as_ptr()), -7.0),
                );
            };
            assert_eq!(shifted[..V::LANES - 1], input[1..V::LANES]);
            assert_eq!(shifted[V::LANES - 1], -7.0);
            // SAFETY: `shifted` holds `LANES` values.
            unsafe {
                v.store(
                    shifted.as_mut_ptr(),
                    v.shift_in_first(v.load(input.as_ptr()), -7.0),
                );
            }
            assert_eq!(shifted[1..], input[..V::LANES - 1]);
            assert_eq!(shifted[0], -7.0);
            // SAFETY: `output` holds `4 * LANES` values.
            unsafe { v.interleave4(output.as_mut_ptr(), parts) };
            assert_eq!(input, output);
        }
    }

    struct Masks;
    impl Kernel for Masks {
        type Output = ();
        #[inline(always)]
        fn call<V: Vector>(self, v: V) {
            for first in 0..V::LANES {
                for end in first..=V::LANES {
                    let mask = first_lanes(end) & !first_lanes(first);
                    // Exactly the values of the mask: a read outside would show under Miri.
                    let input: Vec<f32> = (first..end).map(|i| i as f32 + 1.0).collect();
                    let mut output = vec![0.0; end - first];
                    // SAFETY: lane `first + i` is value `i` of both, and only those are masked in.
                    unsafe {
                        let value = v.load_masked(input.as_ptr().wrapping_sub(first), mask);
                        let mut lanes = vec![-1.0; V::LANES];
                        v.store(lanes.as_mut_ptr(), value);
                        for (i, &lane) in lanes.iter().enumerate() {
                            let inside = (first..end).contains(&i);
                            assert_eq!(lane, if inside { i as f32 + 1.0 } else { 0.0 });
                        }
                        v.store_masked(output.as_mut_ptr().wrapping_sub(first), value, mask);
                    }
                    assert_eq!(input, output);
                }
            }
        }
    }

    struct Arithmetic;
    impl Kernel for Arithmetic {
        type Output = ();
        #[inline(always)]
        fn call<V: Vector>(self, v: V) {
            let first = |x: V::Lanes| {
                let mut lanes = vec![0.0; V::LANES];
                // SAFETY: `lanes` holds `LANES` values.
                unsafe { v.store(lanes.as_mut_ptr(), x) };
                assert!(lanes.iter().all(|l| l.to_bits() == lanes[0].to_bits()));
                lanes[0]
            };
            let s = |x| v.splat(x);
            assert_eq!(first(v.add(s(2.0), s(3.0))), 5.0);
            assert_eq!(first(v.sub(s(2.0), s(3.0))), -1.0);
            assert_eq!(first(v.mul(s(2.0), s(3.0))), 6.0);
            assert_eq!(first(v.mul_add(s(2.0), s(3.0), s(4.0))), 10.0);
            assert_eq!(first(v.relu(s(-2.0))), 0.0);
            assert_eq!(first(v.relu(s(2.0))), 2.0);
            assert!(first(v.relu(s(f32::NAN))).is_nan());
            assert_eq!(first(v.where_positive(s(0.0), s(2.0))), 0.0);
            assert_eq!(first(v.where_positive(s(1.0), s(2.0))), 2.0);
            let all = first_lanes(V::LANES);
            assert_eq!([-1.0, 0.0, f32::NAN].map(|x| v.positive(s(x))), [0; 3]);
            assert_eq!([1.0, f32::INFINITY].map(|x| v.positive(s(x))), [all; 2]);
            assert_eq!(first(v.keep(s(2.0), u32::MAX)), 2.0);
            assert_eq!(first(v.keep(s(f32::NAN), !all)), 0.0);
            for lane in 0..V::LANES {
                let kept = v.keep(s(2.0), 1 << lane);
                assert_eq!(v.positive(kept), 1 << lane);
            }
            assert_eq!(first(v.where_positive(s(-1.0), s(2.0))), 0.0);
        }
    }

    #[test]
    fn every_instruction_set_shuffles_masks_and_computes_alike() {
        for set in InstructionSet::available() {
            assert!(set.lanes() <= LARGEST_LANES);
            set.run(Shuffle);
            set.run(Masks);
            set.run(Arithmetic);
        }
    }
}
