//! Buffers of a thread, kept between calls so that a warm kernel allocates nothing.

use super::target::{Column, Segment};
use std::cell::RefCell;

/// Alignment of a buffer: a cache line, and the widest vector.
const ALIGNMENT: usize = 64;

/// Values of `f32` at an aligned address.
#[derive(Default)]
pub(crate) struct Buffer(Vec<f32>);

impl Buffer {
    /// `length` aligned values, which still hold the results of earlier calls.
    pub(crate) fn get(&mut self, length: usize) -> &mut [f32] {
        let slack = ALIGNMENT / size_of::<f32>();
        if self.0.len() < length + slack {
            // A fresh vector: nothing in the old one is worth copying.
            self.0 = vec![0.0; length + slack];
        }
        let start = self.0.as_ptr().align_offset(ALIGNMENT).min(slack);
        &mut self.0[start..start + length]
    }
}

/// All buffers of a thread.
#[derive(Default)]
pub(crate) struct Scratch {
    /// The packed (or transformed) input of a task.
    pub(crate) input: Buffer,
    /// Results on their way to the output.
    pub(crate) output: Buffer,
    /// Rows in work.
    pub(crate) rows: Buffer,
    /// Where the input of each output vector lies.
    pub(crate) columns: Vec<Column>,
    /// Where the lanes of the output vectors go to.
    pub(crate) segments: Vec<Segment>,
    /// Where the input of each term of the sum lies.
    pub(crate) offsets: Vec<usize>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Lends the buffers of this thread to `work`, which must not call this function.
pub(crate) fn with<R>(work: impl FnOnce(&mut Scratch) -> R) -> R {
    SCRATCH.with_borrow_mut(work)
}
