//! Where the sums of a register tile go, and what happens to them on the way.
#![allow(unsafe_code)]

use super::mask::Bits;
use mednet_simd::{LARGEST_LANES, Vector};
use std::ops::Range;

/// Lanes of a vector that go to one row of the output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment {
    /// The lanes.
    pub(crate) mask: u32,
    /// Where lane 0 would lie in the output plane, whether or not it is one of the lanes.
    pub(crate) offset: isize,
}

/// A vector of output pixels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// Where its input lies, beyond the offset of the term.
    pub(crate) input: usize,
    /// The range of the segments that say where its lanes go.
    pub(crate) segments: [u32; 2],
}

/// What happens to the sums, and where they go.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    /// First value of the plane of the first row of weights.
    pub(crate) output: *mut f32,
    /// Distance between the planes of two rows of weights.
    pub(crate) plane: usize,
    /// Distance in the output of two neighbouring lanes.
    pub(crate) step: usize,
    /// Value to add to each row; empty for none.
    pub(crate) bias: &'a [f32],
    /// Negative values become 0.
    pub(crate) relu: bool,
    /// First value of planes, laid out as those of the output, to average with.
    pub(crate) average_with: Option<*const f32>,
    /// The gradient of a ReLU before the convolution, applied to the result.
    pub(crate) gate: Option<RowGate<'a>>,
    /// Add to what the output holds.
    pub(crate) accumulate: bool,
}

/// A ReLU that the gradient goes through: keeps it within the mask, multiplied by `factor`.
#[derive(Clone, Copy)]
pub(crate) struct RowGate<'a> {
    /// Where the gradient passes.
    pub(crate) mask: RowMask<'a>,
    /// `factor` of each row; empty for 1.
    pub(crate) factor: &'a [f32],
}

/// Where a gradient passes a ReLU.
#[derive(Clone, Copy)]
pub(crate) enum RowMask<'a> {
    /// Where `scale * x + shift` is positive.
    Values(Affine<'a>),
    /// Where the bit of planes laid out as those of the output is set.
    Bits(Bits<'a>),
}

/// `scale * x + shift`.
#[derive(Clone, Copy)]
pub(crate) struct Affine<'a> {
    /// First value of planes, laid out as those of the output, that hold `x`.
    pub(crate) values: *const f32,
    /// `scale` of each row.
    pub(crate) scale: &'a [f32],
    /// `shift` of each row.
    pub(crate) shift: &'a [f32],
}

/// What a gate does to a gradient. Each kind of gate is a type, so that no vector tests the kind.
pub(crate) trait Through: Copy {
    /// The lanes of the gradient that get through; lane 0 lies `at` values after the target's
    /// first one.
    ///
    /// # Safety
    /// The gate's values or bits are readable for the lanes of the mask, which has at least one.
    unsafe fn through<V: Vector>(
        self,
        v: V,
        gradient: V::Lanes,
        row: usize,
        at: usize,
        mask: u32,
    ) -> V::Lanes;

    /// As [`Self::through`], for a single value.
    ///
    /// # Safety
    /// The gate's value or bit is readable there.
    unsafe fn through_one(self, gradient: f32, row: usize, at: usize) -> f32;
}

/// Calls a function with the gate of a target: `call!(target, |gate| ...)`.
macro_rules! with_gate {
    ($target:expr, |$gate:ident| $call:expr) => {
        match $target.gate {
            None => {
                let $gate = $crate::device::cpu::target::NoGate;
                $call
            }
            Some($crate::device::cpu::target::RowGate { mask, factor }) => match mask {
                $crate::device::cpu::target::RowMask::Values(values) => {
                    let $gate = (values, factor);
                    $call
                }
                $crate::device::cpu::target::RowMask::Bits(bits) => {
                    let $gate = (bits, factor);
                    $call
                }
            },
        }
    };
}
pub(crate) use with_gate;

/// No gate: the whole gradient passes.
#[derive(Clone, Copy)]
pub(crate) struct NoGate;

impl Through for NoGate {
    #[inline(always)]
    unsafe fn through<V: Vector>(
        self,
        _: V,
        gradient: V::Lanes,
        _: usize,
        _: usize,
        _: u32,
    ) -> V::Lanes {
        gradient
    }
    #[inline(always)]
    unsafe fn through_one(self, gradient: f32, _: usize, _: usize) -> f32 {
        gradient
    }
}

impl Through for (Affine<'_>, &[f32]) {
    #[inline(always)]
    unsafe fn through<V: Vector>(
        self,
        v: V,
        gradient: V::Lanes,
        row: usize,
        at: usize,
        mask: u32,
    ) -> V::Lanes {
        let (affine, factor) = self;
        // SAFETY: readable as the caller promised.
        let x = unsafe { v.load_masked(affine.values.wrapping_add(at), mask) };
        let (scale, shift) = (v.splat(affine.scale[row]), v.splat(affine.shift[row]));
        let scaled = v.mul(gradient, v.splat(of_row(factor, row)));
        v.where_positive(v.mul_add(x, scale, shift), scaled)
    }
    #[inline(always)]
    unsafe fn through_one(self, gradient: f32, row: usize, at: usize) -> f32 {
        let (affine, factor) = self;
        // SAFETY: readable as the caller promised.
        let x = unsafe { *affine.values.wrapping_add(at) };
        let positive = x * affine.scale[row] + affine.shift[row] > 0.0;
        if positive {
            gradient * of_row(factor, row)
        } else {
            0.0
        }
    }
}

impl Through for (Bits<'_>, &[f32]) {
    #[inline(always)]
    unsafe fn through<V: Vector>(
        self,
        v: V,
        gradient: V::Lanes,
        row: usize,
        at: usize,
        _: u32,
    ) -> V::Lanes {
        let (bits, factor) = self;
        let scaled = v.mul(gradient, v.splat(of_row(factor, row)));
        // SAFETY: some lane is one of the gate's planes, as the caller promised.
        v.keep(scaled, unsafe { bits.from(at) })
    }
    #[inline(always)]
    unsafe fn through_one(self, gradient: f32, row: usize, at: usize) -> f32 {
        let (bits, factor) = self;
        if bits.is_set(at) {
            gradient * of_row(factor, row)
        } else {
            0.0
        }
    }
}

#[inline(always)]
fn of_row(factor: &[f32], row: usize) -> f32 {
    if factor.is_empty() { 1.0 } else { factor[row] }
}

/// Prefetches the cache lines that [`finish`] will read and write, so that they arrive while the
/// products are summed.
#[inline(always)]
pub(crate) fn prefetch_output<V: Vector>(
    v: V,
    rows: Range<usize>,
    columns: &[Column],
    segments: &[Segment],
    target: &Target<'_>,
) {
    for column in columns {
        let Some(segment) = segments.get(column.segments[0] as usize) else {
            continue;
        };
        for row in rows.clone() {
            let at = (row * target.plane).wrapping_add_signed(segment.offset);
            v.prefetch_write(target.output.wrapping_add(at));
            if let Some(RowGate {
                mask: RowMask::Values(affine),
                ..
            }) = &target.gate
            {
                v.prefetch(affine.values.wrapping_add(at));
            }
        }
    }
}

/// Applies the target's bias, ReLU, average and gate to the sums of `rows` rows from `first` on,
/// and writes them.
///
/// # Safety
/// For each row, column and lane of a segment's mask, the target's output is writable and no other
/// thread uses it; the planes to average with and of the gate are readable at the same places.
#[inline(always)]
pub(crate) unsafe fn finish<V: Vector, const R: usize, const C: usize>(
    v: V,
    sums: [[V::Lanes; C]; R],
    first: usize,
    rows: usize,
    columns: &[Column],
    segments: &[Segment],
    target: &Target<'_>,
) {
    // SAFETY: as the caller promised.
    with_gate!(target, |gate| unsafe {
        finish_through(v, sums, first, rows, columns, segments, target, gate);
    });
}

/// As [`finish`], with the target's gate.
///
/// # Safety
/// As for [`finish`].
#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "those of `finish` and one")]
unsafe fn finish_through<V: Vector, const R: usize, const C: usize>(
    v: V,
    sums: [[V::Lanes; C]; R],
    first: usize,
    rows: usize,
    columns: &[Column],
    segments: &[Segment],
    target: &Target<'_>,
    gate: impl Through,
) {
    // Most layers need none of these; this is tested once, and not for every vector.
    let plain = target.step == 1
        && target.average_with.is_none()
        && target.gate.is_none()
        && !target.accumulate;
    // Most vectors lie within one row of the output; this is tested once, too.
    let mut whole = true;
    let mut only = [Segment { mask: 0, offset: 0 }; C];
    for j in 0..C {
        let [start, end] = columns[j].segments;
        whole &= end == start + 1;
        if let Some(&segment) = segments.get(start as usize) {
            only[j] = segment;
        }
    }
    for (i, row_sums) in sums.iter().enumerate() {
        if i >= rows {
            break;
        }
        let row = first + i;
        let bias = v.splat(if target.bias.is_empty() {
            0.0
        } else {
            target.bias[row]
        });
        for j in 0..C {
            let mut value = v.add(row_sums[j], bias);
            if target.relu {
                value = v.relu(value);
            }
            // Offsets wrap: where lanes are masked out, lane 0 may lie outside.
            let at = |segment: &Segment| (row * target.plane).wrapping_add_signed(segment.offset);
            if plain && whole {
                // SAFETY: as the caller promised.
                unsafe {
                    let output = target.output.wrapping_add(at(&only[j]));
                    v.store_masked(output, value, only[j].mask);
                }
            } else if whole {
                // SAFETY: as the caller promised.
                unsafe { write(v, value, row, at(&only[j]), only[j].mask, target, gate) };
            } else {
                let [start, end] = columns[j].segments;
                for segment in &segments[start as usize..end as usize] {
                    // SAFETY: as the caller promised.
                    unsafe { write(v, value, row, at(segment), segment.mask, target, gate) };
                }
            }
        }
    }
}

/// Writes the lanes of the mask; lane 0 lies `at` values after the target's first one.
///
/// # Safety
/// As for [`finish`].
#[inline(always)]
pub(crate) unsafe fn write<V: Vector>(
    v: V,
    value: V::Lanes,
    row: usize,
    at: usize,
    mask: u32,
    target: &Target<'_>,
    gate: impl Through,
) {
    let mut value = value;
    if target.step != 1 {
        // SAFETY: as the caller promised.
        return unsafe { write_strided(v, value, row, at, mask, target, gate) };
    }
    if let Some(other) = target.average_with {
        // SAFETY: readable where the output is, as the caller promised.
        let other = unsafe { v.load_masked(other.wrapping_add(at), mask) };
        value = v.mul(v.add(value, other), v.splat(0.5));
    }
    // SAFETY: the gate's planes are readable where the output is, as the caller promised.
    value = unsafe { gate.through(v, value, row, at, mask) };
    let output = target.output.wrapping_add(at);
    // SAFETY: writable, hence readable, as the caller promised.
    unsafe {
        if target.accumulate {
            value = v.add(v.load_masked(output, mask), value);
        }
        v.store_masked(output, value, mask);
    }
}

/// As [`write`], where neighbouring lanes lie apart.
///
/// # Safety
/// As for [`finish`].
#[inline(always)]
unsafe fn write_strided<V: Vector>(
    v: V,
    value: V::Lanes,
    row: usize,
    at: usize,
    mask: u32,
    target: &Target<'_>,
    gate: impl Through,
) {
    let mut lanes = [0.0f32; LARGEST_LANES];
    // SAFETY: `lanes` has room for the widest vector.
    unsafe { v.store(lanes.as_mut_ptr(), value) };
    for (lane, &value) in lanes.iter().enumerate().take(V::LANES) {
        if mask >> lane & 1 == 0 {
            continue;
        }
        let at = at.wrapping_add(lane * target.step);
        let mut value = value;
        // SAFETY: the lane is in the mask, so the caller promised its place in all planes.
        unsafe {
            if let Some(other) = target.average_with {
                value = (value + *other.wrapping_add(at)) * 0.5;
            }
            value = gate.through_one(value, row, at);
            let output = target.output.wrapping_add(at);
            *output = if target.accumulate {
                *output + value
            } else {
                value
            };
        }
    }
}
