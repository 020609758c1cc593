//! Memory of a device, used again: fresh memory costs a page fault for every page.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use crate::device::Device;

/// A device and the buffers that nobody needs at the moment.
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

    /// The smallest buffer that holds this many values, or a new one. It holds anything.
    pub(crate) fn take(self: &Arc<Self>, length: usize) -> Buffer<D> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let size = |position: usize, free: &[D::Buffer]| self.device.length(&free[position]);
        let best = (0..free.len())
            .filter(|&position| size(position, &free) >= length)
            .min_by_key(|&position| size(position, &free));
        let buffer = match best {
            Some(position) => free.swap_remove(position),
            None => {
                // The new one takes the place of the largest, which has been outgrown: what runs
                // need differs, and all that any of them needed would pile up.
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

/// A buffer that goes back to its pool when it is dropped, after a panic too: what it holds then is
/// as good as any other content.
pub(crate) struct Buffer<D: Device> {
    /// There until it is dropped.
    buffer: Option<D::Buffer>,
    pool: Arc<Pool<D>>,
}

impl<D: Device> Deref for Buffer<D> {
    type Target = D::Buffer;

    fn deref(&self) -> &D::Buffer {
        let Some(buffer) = &self.buffer else {
            unreachable!("it is there until it is dropped")
        };
        buffer
    }
}

impl<D: Device> DerefMut for Buffer<D> {
    fn deref_mut(&mut self) -> &mut D::Buffer {
        let Some(buffer) = &mut self.buffer else {
            unreachable!("it is there until it is dropped")
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
