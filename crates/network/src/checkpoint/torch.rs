//! Files of `torch.save`: the zip archive (since torch 1.6) and the older flat format.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{BufReader, Read, Seek, SeekFrom};

use super::Contents;
use super::archive::{Archive, read_at};
use super::aside::left_aside;
use super::error::{Fault, listed, shorten};
use super::gather::gather;
use super::limits;
use super::normalizer::{self, Normalizer, Numbers};
use super::pickle::{self, Arena, Id, Value};
use super::weights;
use crate::tensor::Tensor;

/// Number at the start of the older format, little-endian.
const LEGACY_MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
const LEGACY_PROTOCOL: i64 = 1001;

/// Reads a zip archive.
pub(super) fn read_archive<R: Read + Seek>(
    reader: &mut R,
    file_length: u64,
) -> Result<Contents, Fault> {
    let archive = Archive::open(reader, file_length)?;
    let Some(pickle_name) = archive
        .names()
        .filter(|name| *name == "data.pkl" || name.ends_with("/data.pkl"))
        .min_by_key(|name| name.matches('/').count())
    else {
        return Err(foreign_archive(&archive));
    };
    let folder = pickle_name.strip_suffix("data.pkl").unwrap_or_default();
    if archive.contains(&format!("{folder}constants.pkl")) {
        return Err(Fault::not_a_checkpoint(
            "a TorchScript archive (torch.jit.save)",
            "save the weights alone with torch.save(network.state_dict(), ...)",
        ));
    }
    let pickle = archive.read(reader, pickle_name, limits::PICKLE_BYTES)?;
    let (arena, root) = pickle::read(&mut pickle.as_slice(), limits::PICKLE_BYTES)?;
    drop(pickle);
    let byte_order = format!("{folder}byteorder");
    let big_endian =
        archive.contains(&byte_order) && archive.read(reader, &byte_order, 64)? == b"big";
    // A deflated storage may be longer than the file, within what the tensors may need in all.
    let storage_limit = limits::tensor_values(file_length).saturating_mul(8);
    contents(&arena, root, file_length, big_endian, "zip", |key| {
        archive.read(reader, &format!("{folder}data/{key}"), storage_limit)
    })
}

fn foreign_archive(archive: &Archive) -> Fault {
    let names: Vec<String> = archive.names().map(ToOwned::to_owned).collect();
    let has = |end: &str| names.iter().any(|name| name.ends_with(end));
    if has("model.json") || has("constants.pkl") || names.iter().any(|n| n.contains("/code/")) {
        return Fault::not_a_checkpoint(
            "a TorchScript archive (torch.jit.save)",
            "save the weights alone with torch.save(network.state_dict(), ...)",
        );
    }
    let found = if has("model.weights.h5") {
        "a Keras model".to_owned()
    } else if !names.is_empty() && names.iter().all(|name| name.ends_with(".npy")) {
        "a NumPy archive (.npz)".to_owned()
    } else {
        format!(
            "a zip archive without data.pkl (it holds {})",
            listed(&names)
        )
    };
    Fault::not_a_checkpoint(
        found,
        "give a file of torch.save or a .safetensors file (unpack the archive if one is inside)",
    )
}

/// Reads the older format: five pickles (magic number, protocol, system, object, storage keys),
/// then the storages one after another, each preceded by its number of values.
///
/// `None` if the file starts with a pickle of something else.
pub(super) fn read_legacy<R: Read + Seek>(
    reader: &mut R,
    file_length: u64,
) -> Result<Option<Contents>, Fault> {
    reader.seek(SeekFrom::Start(0))?;
    let mut buffered = BufReader::new(&mut *reader);
    let mut would_execute = BTreeSet::new();
    let mut next = || {
        let (mut arena, root) = pickle::read(&mut buffered, limits::PICKLE_BYTES)?;
        would_execute.append(&mut arena.would_execute);
        Ok::<_, Fault>((arena, root))
    };
    let (arena, magic) = next()?;
    if !matches!(arena.get(magic), Value::Long(bytes) if **bytes == LEGACY_MAGIC) {
        return Ok(None);
    }
    let (arena, protocol) = next()?;
    if !matches!(arena.get(protocol), Value::Int(LEGACY_PROTOCOL)) {
        return Err(Fault::damaged(format!(
            "its format number is {}, expected {LEGACY_PROTOCOL}",
            shorten(&arena.kind(protocol))
        )));
    }
    let (system_arena, system) = next()?;
    let big_endian = system_arena
        .entry(system, "little_endian")
        .is_some_and(|id| matches!(system_arena.get(id), Value::Bool(false)));
    let (arena, root) = next()?;
    let (key_arena, keys) = next()?;
    let start = buffered.stream_position()?;
    drop(buffered);
    let keys: Vec<&str> = key_arena
        .sequence(keys)
        .and_then(|keys| keys.iter().map(|&key| key_arena.text(key)).collect())
        .ok_or_else(|| Fault::damaged("its list of storages is no list of texts"))?;
    let spans = legacy_spans(reader, &arena, &keys, start, file_length)?;
    let load = |key: &str| {
        let &(start, length) = spans
            .get(key)
            .ok_or_else(|| Fault::damaged(format!("storage `{}` is not there", shorten(key))))?;
        read_at(reader, start, length, file_length)
    };
    let contents = contents(
        &arena,
        root,
        file_length,
        big_endian,
        "before torch 1.6",
        load,
    )?;
    Ok(Some(Contents {
        would_execute: would_execute.into_iter().collect(),
        ..contents
    }))
}

/// Start and length in bytes of each storage.
fn legacy_spans<'a, R: Read + Seek>(
    reader: &mut R,
    arena: &Arena,
    keys: &[&'a str],
    start: u64,
    file_length: u64,
) -> Result<BTreeMap<&'a str, (u64, u64)>, Fault> {
    let widths: HashMap<&str, usize> = arena
        .storages()
        .filter_map(|storage| Some((arena.text(storage.key)?, storage.scalar.bytes())))
        .collect();
    let mut spans = BTreeMap::new();
    let mut at = start;
    for &key in keys {
        let count = read_at(reader, at, 8, file_length)?;
        let count = count
            .iter()
            .rev()
            .fold(0u64, |value, &byte| value << 8 | u64::from(byte));
        let width = *widths.get(key).ok_or_else(|| {
            Fault::damaged(format!("nothing refers to its storage `{}`", shorten(key)))
        })?;
        let length = count
            .checked_mul(width as u64)
            .filter(|length| {
                length
                    .checked_add(at + 8)
                    .is_some_and(|end| end <= file_length)
            })
            .ok_or_else(|| Fault::damaged(format!("storage `{}` is cut off", shorten(key))))?;
        spans.insert(key, (at + 8, length));
        at += 8 + length;
    }
    Ok(spans)
}

/// Weights, normalizer and epoch of a pickled object, with only those tensors read.
fn contents(
    arena: &Arena,
    root: Id,
    file_length: u64,
    big_endian: bool,
    container: &str,
    load: impl FnMut(&str) -> Result<Vec<u8>, Fault>,
) -> Result<Contents, Fault> {
    let weights = weights::find(arena, root)?;
    let left_aside = left_aside(arena, root, &weights);
    let normalizer = normalizer::find(arena, root)?;
    let mut wanted: Vec<_> = weights.tensors.values().copied().collect();
    for part in normalizer.iter().flatten() {
        if let Numbers::Tensor(tensor) = part {
            wanted.push(tensor);
        }
    }
    let mut gathered = gather(arena, &wanted, file_length, big_endian, load)?.into_iter();
    let tensors = weights
        .tensors
        .into_keys()
        .zip(gathered.by_ref().take(wanted.len()))
        .collect::<Vec<_>>();
    let kind = if arena.entry(root, "pytorch-lightning_version").is_some() {
        "Lightning checkpoint"
    } else if weights.whole_network {
        "PyTorch network"
    } else {
        "PyTorch state dict"
    };
    let mut values = |part: Numbers<'_>| match part {
        Numbers::Values(values) => values,
        Numbers::Tensor(_) => gathered.next().map(Tensor::into_data).unwrap_or_default(),
    };
    let normalizer = match normalizer {
        Some([mean, std]) => Some(Normalizer::new(values(mean), values(std))?),
        None => None,
    };
    Ok(Contents {
        tensors: tensors.into_iter().collect(),
        skipped: weights.skipped,
        normalizer,
        epoch: weights::epoch(arena, root),
        left_aside,
        would_execute: arena.would_execute.iter().cloned().collect(),
        format: format!("{kind} ({container})"),
    })
}
