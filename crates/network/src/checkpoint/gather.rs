//! Tensors out of the storages that a pickle refers to.

use std::collections::BTreeMap;

use super::error::{Fault, shorten};
use super::limits;
use super::pickle::{Arena, TensorRef};
use crate::tensor::{Tensor, element_count};

/// Reads the given tensors, in their order. `load` gives the bytes of a storage by its key; each
/// storage is asked for once and let go before the next, and no other storage is read.
pub(super) fn gather(
    arena: &Arena,
    tensors: &[&TensorRef],
    file_length: u64,
    big_endian: bool,
    mut load: impl FnMut(&str) -> Result<Vec<u8>, Fault>,
) -> Result<Vec<Tensor>, Fault> {
    let limit = limits::tensor_values(file_length);
    let mut total = 0u64;
    let mut by_storage: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, tensor) in tensors.iter().enumerate() {
        let count = element_count(&tensor.shape).ok_or_else(|| beyond(u64::MAX, limit))?;
        total = total.saturating_add(count as u64);
        if total > limit {
            return Err(beyond(total, limit));
        }
        let key = arena.text(tensor.storage.key).unwrap_or_default();
        by_storage.entry(key).or_default().push(index);
    }
    let mut gathered: Vec<Option<Tensor>> = tensors.iter().map(|_| None).collect();
    for (key, indices) in by_storage {
        let bytes = load(key)?;
        for index in indices {
            gathered[index] =
                Some(view(&bytes, tensors[index], big_endian).ok_or_else(|| {
                    Fault::damaged(format!(
                        "a tensor reaches beyond its storage `{}`",
                        shorten(key)
                    ))
                })??);
        }
    }
    Ok(gathered.into_iter().flatten().collect())
}

fn beyond(found: u64, limit: u64) -> Fault {
    Fault::BeyondLimit(format!(
        "its tensors have at least {found} values, at most {limit} fit a file of this length"
    ))
}

/// The values of one tensor in row-major order, or `None` if it reaches beyond its storage.
fn view(storage: &[u8], tensor: &TensorRef, big_endian: bool) -> Option<Result<Tensor, Fault>> {
    let width = tensor.scalar.bytes();
    let count = element_count(&tensor.shape)?;
    let start = byte_offset(tensor)?;
    let bytes = if count == 0 {
        Vec::new()
    } else if is_contiguous(tensor) {
        let slice = storage.get(start..start.checked_add(count.checked_mul(width)?)?)?;
        return finish(tensor, tensor.scalar.decode(slice, big_endian));
    } else {
        let mut last = 0usize;
        for (&extent, &stride) in tensor.shape.iter().zip(&tensor.strides) {
            let reach = (extent - 1).checked_mul(usize::try_from(stride).ok()?)?;
            last = last.checked_add(reach)?;
        }
        let slice =
            storage.get(start..start.checked_add(last.checked_add(1)?.checked_mul(width)?)?)?;
        strided(slice, tensor, count, width)
    };
    finish(tensor, tensor.scalar.decode(&bytes, big_endian))
}

fn finish(tensor: &TensorRef, values: Result<Vec<f32>, Fault>) -> Option<Result<Tensor, Fault>> {
    match values {
        Ok(values) => Tensor::new(tensor.shape.clone(), values).map(Ok),
        Err(fault) => Some(Err(fault)),
    }
}

fn byte_offset(tensor: &TensorRef) -> Option<usize> {
    let storage = tensor
        .storage
        .offset
        .checked_mul(tensor.storage.scalar.bytes() as u64)?;
    let within = tensor.offset.checked_mul(tensor.scalar.bytes() as u64)?;
    usize::try_from(storage.checked_add(within)?).ok()
}

/// Whether the values lie one after another in row-major order.
fn is_contiguous(tensor: &TensorRef) -> bool {
    let mut expected = 1u64;
    for (&extent, &stride) in tensor.shape.iter().zip(&tensor.strides).rev() {
        if extent != 1 && stride != expected {
            return false;
        }
        expected = expected.saturating_mul(extent as u64);
    }
    true
}

/// Copies values to row-major order; `slice` reaches from the first to the last value.
fn strided(slice: &[u8], tensor: &TensorRef, count: usize, width: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(count * width);
    let mut index = vec![0usize; tensor.shape.len()];
    let mut at = 0usize;
    for _ in 0..count {
        bytes.extend_from_slice(&slice[at * width..(at + 1) * width]);
        for axis in (0..index.len()).rev() {
            // The caller checked that the sum of all strides fits.
            #[allow(clippy::cast_possible_truncation)]
            let stride = tensor.strides[axis] as usize;
            index[axis] += 1;
            if index[axis] < tensor.shape[axis] {
                at += stride;
                break;
            }
            at -= stride * (tensor.shape[axis] - 1);
            index[axis] = 0;
        }
    }
    bytes
}
