//! Memory of a device that is used again: every page of fresh memory costs a page fault.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use crate::device::Device;

/// A device and the buffers that no run holds at the moment.
pub(crate) struct Pool<D: Device> {
    device: D,
    free: Mutex<Vec<D::Buffer>>,
}

impl<D: Device> Pool<D> {
    pub(crate) fn new(device: D) -> Arc<Self> {
        Arc::new(Self {
            device,
            free: Mutex::default(),
        })
    }

    pub(crate) fn device(&self) -> &D {
        &self.device
    }

    /// The smallest free buffer with room for this many values, or a new one. Its content is left
    /// over from an earlier run.
    pub(crate) fn take(self: &Arc<Self>, length: usize) -> Buffer<D> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let size = |position: usize, free: &[D::Buffer]| self.device.length(&free[position]);
        let best = (0..free.len())
            .filter(|&position| size(position, &free) >= length)
            .min_by_key(|&position| size(position, &free));
        let buffer = match best {
            Some(position) => free.swap_remove(position),
            None => {
                // The largest buffer is too small: it is freed and the new one takes its place.
                // Runs need buffers of different sizes, which would pile up otherwise.
                let largest = (0..free.len()).max_by_key(|&position| size(position, &free));
                let outgrown = largest.map(|position| free.swap_remove(position));
                drop(free);
                drop(outgrown);
                self.device.allocate(length)
            }
        };
        Buffer {
            buffer: Some(buffer),
            pool: Arc::clone(self),
        }
    }
}

/// A buffer that returns to its pool when it is dropped, after a panic too: no run relies on what a
/// buffer from the pool holds.
pub(crate) struct Buffer<D: Device> {
    /// Present until it is dropped.
    buffer: Option<D::Buffer>,
    pool: Arc<Pool<D>>,
}

impl<D: Device> Deref for Buffer<D> {
    type Target = D::Buffer;

    fn deref(&self) -> &D::Buffer {
        let Some(buffer) = &self.buffer else {
            unreachable!("it is present until it is dropped")
        };
        buffer
    }
}

impl<D: Device> DerefMut for Buffer<D> {
    fn deref_mut(&mut self) -> &mut D::Buffer {
        let Some(buffer) = &mut self.buffer else {
            unreachable!("it is present until it is dropped")
        };
        buffer
    }
}

impl<D: Device> Drop for Buffer<D> {
    fn drop(&mut self) {
        let free = &self.pool.free;
        let mut free = free.lock().unwrap_or_else(PoisonError::into_inner);
        free.extend(self.buffer.take());
    }
}
