//! The normalization that a checkpoint carries: `(x - mean) / std` per channel.

use super::error::{Fault, shorten};
use super::pickle::{Arena, Id, TensorRef, Value};

/// Mean and standard deviation per channel of the images that a network was trained on, on the
/// scale of the network's input (\[0, 1\]): the input is `(x - mean) / std`.
#[derive(Debug, Clone, PartialEq)]
pub struct Normalizer {
    /// Mean of each channel.
    pub mean: Vec<f32>,
    /// Standard deviation of each channel, positive.
    pub std: Vec<f32>,
}

impl Normalizer {
    /// Checks that there is one usable mean and standard deviation per channel.
    pub(super) fn new(mean: Vec<f32>, std: Vec<f32>) -> Result<Self, Fault> {
        let bad = |reason: String| Err(Fault::BadNormalizer(reason));
        if mean.len() != std.len() || mean.is_empty() {
            return bad(format!(
                "it has {} means and {} standard deviations",
                mean.len(),
                std.len()
            ));
        }
        if let Some(value) = mean.iter().find(|value| !value.is_finite()) {
            return bad(format!("a mean is {value}"));
        }
        if let Some(value) = std
            .iter()
            .find(|&&value| !value.is_finite() || value <= 0.0)
        {
            return bad(format!("a standard deviation is {value}"));
        }
        Ok(Self { mean, std })
    }
}

/// Values that may be stored as a tensor (still to be read) or as plain numbers.
#[derive(Debug)]
pub(super) enum Numbers<'a> {
    Tensor(&'a TensorRef),
    Values(Vec<f32>),
}

/// Mean and standard deviation under the entry `normalizer` of a training checkpoint: a pickled
/// `torchvision.transforms.Normalize`, or a dictionary with `mean` and `std`.
pub(super) fn find(arena: &Arena, root: Id) -> Result<Option<[Numbers<'_>; 2]>, Fault> {
    let Some(entry) = arena.entry(root, "normalizer") else {
        return Ok(None);
    };
    let attributes = match arena.get(entry) {
        Value::None => return Ok(None),
        Value::Object(object) => object.state,
        _ => Some(entry),
    };
    let part = |name: &str| {
        attributes
            .and_then(|attributes| arena.entry(attributes, name))
            .and_then(|id| numbers(arena, id))
            .ok_or_else(|| {
                let kind = shorten(&arena.kind(entry));
                Fault::BadNormalizer(format!("{kind} without readable `{name}`"))
            })
    };
    Ok(Some([part("mean")?, part("std")?]))
}

fn numbers(arena: &Arena, id: Id) -> Option<Numbers<'_>> {
    match arena.get(id) {
        Value::Tensor(tensor) if tensor.scalar.is_float() => Some(Numbers::Tensor(tensor)),
        Value::List(_) | Value::Tuple(_) => {
            let items = arena.sequence(id)?;
            items
                .iter()
                .map(|&item| number(arena, item))
                .collect::<Option<_>>()
                .map(Numbers::Values)
        }
        Value::Object(_) => numpy_values(arena, id).map(Numbers::Values),
        _ => number(arena, id).map(|value| Numbers::Values(vec![value])),
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
fn number(arena: &Arena, id: Id) -> Option<f32> {
    match arena.get(id) {
        Value::Float(value) => Some(*value as f32),
        Value::Int(value) => Some(*value as f32),
        Value::Object(_) => match numpy_values(arena, id)?.as_slice() {
            &[value] => Some(value),
            _ => None,
        },
        _ => None,
    }
}

/// A pickled numpy scalar, `scalar(dtype, bytes)`, or array, `_reconstruct(...)` with the state
/// `(version, shape, dtype, column_major, bytes)`; only little-endian floats of one axis at most.
#[allow(clippy::cast_possible_truncation)]
fn numpy_values(arena: &Arena, id: Id) -> Option<Vec<f32>> {
    let object = arena.object(id)?;
    let class = arena.global(object.class)?;
    if !class.module.starts_with("numpy") {
        return None;
    }
    let (dtype, bytes) = match class.name.as_str() {
        "scalar" => match arena.sequence(object.arguments)? {
            &[dtype, bytes] => (dtype, bytes),
            _ => return None,
        },
        "_reconstruct" => match arena.sequence(object.state?)? {
            &[_, shape, dtype, _, bytes] if arena.sequence(shape)?.len() <= 1 => (dtype, bytes),
            _ => return None,
        },
        _ => return None,
    };
    let Value::Bytes(bytes) = arena.get(bytes) else {
        return None;
    };
    let dtype = arena.object(dtype)?;
    let order = arena
        .sequence(dtype.state?)?
        .get(1)
        .and_then(|&id| arena.text(id))?;
    let name = arena
        .sequence(dtype.arguments)?
        .first()
        .and_then(|&id| arena.text(id))?;
    match (name, order) {
        ("f4", "<") => Some(
            bytes
                .as_chunks::<4>()
                .0
                .iter()
                .map(|&chunk| f32::from_le_bytes(chunk))
                .collect(),
        ),
        ("f8", "<") => Some(
            bytes
                .as_chunks::<8>()
                .0
                .iter()
                .map(|&chunk| f64::from_le_bytes(chunk) as f32)
                .collect(),
        ),
        _ => None,
    }
}
