//! Copying rows of the input into a packed buffer, transformed on the way.
#![allow(unsafe_code)]

use super::ScaleShift;
use mednet_simd::{Vector, first_lanes};

/// What happens to a channel on its way into the buffer.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChannelPrologue {
    scale: f32,
    shift: f32,
    relu: bool,
}

impl ChannelPrologue {
    pub(super) fn new(prologue: Option<&ScaleShift>, channel: usize) -> Option<Self> {
        prologue.map(|p| Self {
            scale: p.scale[channel],
            shift: p.shift[channel],
            relu: p.relu,
        })
    }

    #[inline(always)]
    fn apply<V: Vector>(self, v: V, value: V::Lanes) -> V::Lanes {
        let value = v.mul_add(value, v.splat(self.scale), v.splat(self.shift));
        if self.relu { v.relu(value) } else { value }
    }
}

/// `target[i] = prologue(source[i])`; both are equally long.
#[inline(always)]
pub(super) fn copy<V: Vector>(
    v: V,
    source: &[f32],
    target: &mut [f32],
    prologue: Option<ChannelPrologue>,
) {
    let count = source.len();
    assert_eq!(count, target.len());
    let (from, to) = (source.as_ptr(), target.as_mut_ptr());
    let full = count - count % V::LANES;
    // SAFETY: the vectors and, masked, the rest lie within the two slices of `count` values.
    unsafe {
        for at in (0..full).step_by(V::LANES) {
            let mut value = v.load(from.add(at));
            if let Some(prologue) = prologue {
                value = prologue.apply(v, value);
            }
            v.store(to.add(at), value);
        }
        if full < count {
            let mask = first_lanes(count - full);
            let mut value = v.load_masked(from.add(full), mask);
            if let Some(prologue) = prologue {
                value = prologue.apply(v, value);
            }
            v.store_masked(to.add(full), value, mask);
        }
    }
}

/// `target[i] = prologue(row[first + i * stride])`, and 0 where that lies outside of the row.
#[inline(always)]
pub(super) fn copy_row<V: Vector>(
    v: V,
    row: &[f32],
    first: isize,
    stride: usize,
    target: &mut [f32],
    prologue: Option<ChannelPrologue>,
) {
    // The values inside of the row are those from `start` up to `end`.
    let start = if first >= 0 {
        0
    } else {
        first.unsigned_abs().div_ceil(stride)
    };
    let start = start.min(target.len());
    let begin = first + (start * stride).cast_signed();
    let inside = usize::try_from(begin).map_or(0, |b| row.len().saturating_sub(b).div_ceil(stride));
    let end = target.len().min(start + inside);
    target[..start].fill(0.0);
    target[end..].fill(0.0);
    if start >= end {
        return;
    }
    let source = &row[begin.unsigned_abs()..];
    let middle = &mut target[start..end];
    match stride {
        1 => return copy(v, &source[..middle.len()], middle, prologue),
        2 => every::<V, 2>(v, source, middle),
        4 => every::<V, 4>(v, source, middle),
        _ => {
            for (to, from) in middle.iter_mut().zip(source.iter().step_by(stride)) {
                *to = *from;
            }
        }
    }
    if let Some(prologue) = prologue {
        apply_in_place(v, middle, prologue);
    }
}

/// Every second or every fourth value.
#[inline(always)]
fn every<V: Vector, const STRIDE: usize>(v: V, source: &[f32], target: &mut [f32]) {
    let mut done = 0;
    while done + V::LANES <= target.len() && (done + V::LANES) * STRIDE <= source.len() {
        // SAFETY: `STRIDE` vectors are readable and one is writable, as was just compared.
        unsafe {
            let from = source.as_ptr().add(done * STRIDE);
            let value = if STRIDE == 2 {
                v.every_second(from)
            } else {
                v.deinterleave4(from)[0]
            };
            v.store(target.as_mut_ptr().add(done), value);
        }
        done += V::LANES;
    }
    for (to, from) in target[done..]
        .iter_mut()
        .zip(source[done * STRIDE..].iter().step_by(STRIDE))
    {
        *to = *from;
    }
}

#[inline(always)]
fn apply_in_place<V: Vector>(v: V, values: &mut [f32], prologue: ChannelPrologue) {
    let count = values.len();
    let data = values.as_mut_ptr();
    for at in (0..count).step_by(V::LANES) {
        let mask = first_lanes(V::LANES.min(count - at));
        // SAFETY: the lanes of the mask lie within the slice.
        unsafe {
            let value = prologue.apply(v, v.load_masked(data.add(at), mask));
            v.store_masked(data.add(at), value, mask);
        }
    }
}
