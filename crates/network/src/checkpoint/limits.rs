//! Limits that keep a malicious or broken file from taking all memory or time.
//!
//! They are far above what checkpoints of classifiers need: the pickle of a DenseNet-121 with its
//! optimizer state is below 1 MiB with about 50 000 objects.

/// Longest pickle in bytes (weights are stored outside it).
pub(super) const PICKLE_BYTES: u64 = 64 << 20;
/// Most objects, memo entries, or values on the stack of a pickle.
pub(super) const PICKLE_OBJECTS: usize = 4_000_000;
/// Deepest nesting of unfinished containers in a pickle.
pub(super) const PICKLE_MARKS: usize = 10_000;
/// Longest line (numbers, global names) of a text opcode in a pickle.
pub(super) const PICKLE_LINE: usize = 1 << 20;
/// Most names of calls that are told of a pickle.
pub(super) const CALLS_NAMED: usize = 50;
/// Most names of entries with other weights that are told of a file.
pub(super) const ENTRIES_NAMED: usize = 50;
/// Most axes of a tensor.
pub(super) const TENSOR_AXES: usize = 16;
/// Most tensors in a state dict.
pub(super) const TENSORS: usize = 200_000;
/// Deepest nesting of modules in a pickled network.
pub(super) const MODULE_DEPTH: usize = 100;
/// Most entries of a zip archive.
pub(super) const ARCHIVE_ENTRIES: u64 = 500_000;
/// Longest header of a safetensors file in bytes.
pub(super) const SAFETENSORS_HEADER: u64 = 100_000_000;

/// Most values of all tensors together, for a file of this many bytes.
///
/// The smallest floating-point value takes 2 bytes, so this leaves room for every storage to be
/// shared by eight tensors, or for a compressed archive; an expanded tensor of a tiny file is over.
pub(super) fn tensor_values(file_length: u64) -> u64 {
    file_length.saturating_mul(4).saturating_add(1 << 20)
}
