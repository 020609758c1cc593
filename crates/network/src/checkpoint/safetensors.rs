//! `.safetensors` files: a JSON header that says where each tensor lies, then their bytes.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use safetensors::Dtype;
use safetensors::tensor::Metadata;

use super::Contents;
use super::archive::read_at;
use super::error::{Fault, shorten};
use super::limits;
use super::scalar::Scalar;
use crate::tensor::Tensor;

/// Whether a file begins as a safetensors file: the header's length, then a JSON object.
pub(super) fn is_safetensors(start: &[u8], file_length: u64) -> bool {
    header_length(start).is_some_and(|length| length < file_length.max(limits::SAFETENSORS_HEADER))
        && start.get(8) == Some(&b'{')
}

fn header_length(start: &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(start.get(..8)?.try_into().ok()?))
}

/// Reads all floating-point tensors.
pub(super) fn read<R: Read + Seek>(reader: &mut R, file_length: u64) -> Result<Contents, Fault> {
    let start = read_at(reader, 0, 8, file_length)?;
    let length = header_length(&start).unwrap_or(u64::MAX);
    if length > limits::SAFETENSORS_HEADER {
        return Err(Fault::BeyondLimit(format!(
            "a safetensors header of {length} bytes, at most {} are read",
            limits::SAFETENSORS_HEADER
        )));
    }
    let header = read_at(reader, 8, length, file_length)?;
    let metadata: Metadata = serde_json::from_slice(&header).map_err(|error| {
        Fault::damaged(format!(
            "safetensors header: {}",
            shorten(&error.to_string())
        ))
    })?;
    drop(header);
    let data_start = 8 + length;
    // Each byte belongs to one tensor, so that a small file cannot hold many tensors.
    let claimed = metadata.tensors().values().try_fold(0usize, |sum, info| {
        sum.checked_add(info.data_offsets.1.checked_sub(info.data_offsets.0)?)
    });
    let present = file_length - data_start;
    if claimed.is_none_or(|claimed| claimed as u64 != present) {
        return Err(Fault::damaged(format!(
            "its tensors should take {} bytes, but {present} are there",
            claimed.unwrap_or(usize::MAX)
        )));
    }
    let mut tensors = BTreeMap::new();
    let mut skipped = BTreeMap::new();
    for (name, info) in metadata.tensors() {
        let scalar = match info.dtype {
            Dtype::F16 => Scalar::Float16,
            Dtype::BF16 => Scalar::BFloat16,
            Dtype::F32 => Scalar::Float32,
            Dtype::F64 => Scalar::Float64,
            other => {
                skipped.insert(name, format!("a tensor of {other:?}"));
                continue;
            }
        };
        let (begin, end) = info.data_offsets;
        let damaged = || {
            Fault::damaged(format!(
                "tensor `{}` does not fit its bytes",
                shorten(&name)
            ))
        };
        let length = end.checked_sub(begin).ok_or_else(damaged)? as u64;
        let begin = data_start.checked_add(begin as u64).ok_or_else(damaged)?;
        let bytes = read_at(reader, begin, length, file_length)?;
        let values = scalar.decode(&bytes, false)?;
        let tensor = Tensor::new(info.shape.clone(), values).ok_or_else(damaged)?;
        tensors.insert(name, tensor);
    }
    if tensors.is_empty() {
        return Err(Fault::NoStateDict(
            "it holds no floating-point tensors".to_owned(),
        ));
    }
    let epoch = metadata
        .metadata()
        .as_ref()
        .and_then(|entries| entries.get("epoch"))
        .and_then(|epoch| epoch.parse().ok());
    Ok(Contents {
        tensors,
        skipped,
        normalizer: None,
        epoch,
        left_aside: Vec::new(),
        would_execute: Vec::new(),
        format: "safetensors".to_owned(),
    })
}
