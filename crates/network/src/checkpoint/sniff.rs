//! What a file that is no checkpoint seems to be, from its first bytes.

use super::error::Fault;

const SAVE_WEIGHTS: &str =
    "save the weights with torch.save(network.state_dict(), ...) or as .safetensors";
const GIVE_WEIGHTS: &str = "give a checkpoint file (.ckpt, .pth, .pt or .safetensors)";

/// The error for a file in none of the formats that are read.
pub(super) fn foreign(start: &[u8]) -> Fault {
    if start.starts_with(b"version https://git-lfs.github.com/") {
        return Fault::not_a_checkpoint(
            "a Git LFS pointer (the file itself was not downloaded)",
            "run `git lfs pull` in its repository",
        );
    }
    let text = text_start(start);
    if text.starts_with("<!doctype html") || text.starts_with("<html") || text.starts_with("<?xml")
    {
        return Fault::not_a_checkpoint(
            "a web page (probably an error or login page saved in place of the file)",
            "download the file again",
        );
    }
    let signatures: [(&[u8], &str, &str); 15] = [
        (
            b"\x89HDF\r\n\x1a\n",
            "an HDF5 file (Keras or TensorFlow)",
            SAVE_WEIGHTS,
        ),
        (
            b"\x1f\x8b",
            "a gzip archive",
            "unpack it and give the checkpoint inside",
        ),
        (
            b"BZh",
            "a bzip2 archive",
            "unpack it and give the checkpoint inside",
        ),
        (
            b"\xfd7zXZ\0",
            "an xz archive",
            "unpack it and give the checkpoint inside",
        ),
        (
            b"\x28\xb5\x2f\xfd",
            "a Zstandard archive",
            "unpack it and give the checkpoint inside",
        ),
        (
            b"7z\xbc\xaf\x27\x1c",
            "a 7-Zip archive",
            "unpack it and give the checkpoint inside",
        ),
        (
            b"Rar!",
            "a RAR archive",
            "unpack it and give the checkpoint inside",
        ),
        (b"\x93NUMPY", "a NumPy array (.npy)", GIVE_WEIGHTS),
        (b"\x89PNG", "a PNG image", GIVE_WEIGHTS),
        (b"\xff\xd8\xff", "a JPEG image", GIVE_WEIGHTS),
        (b"GGUF", "a GGUF model", SAVE_WEIGHTS),
        (b"%PDF", "a PDF document", GIVE_WEIGHTS),
        (b"\x7fELF", "a program", GIVE_WEIGHTS),
        (b"PK\x05\x06", "an empty zip archive", GIVE_WEIGHTS),
        (b"SQLite format 3", "an SQLite database", GIVE_WEIGHTS),
    ];
    for (signature, found, advice) in signatures {
        if start.starts_with(signature) {
            return Fault::not_a_checkpoint(found, advice);
        }
    }
    if start.get(257..262) == Some(b"ustar") {
        return Fault::not_a_checkpoint(
            "a tar archive (perhaps a checkpoint of the first torch releases)",
            "unpack it, or load it in Python and save it again with torch.save",
        );
    }
    if start.get(128..132) == Some(b"DICM") {
        return Fault::not_a_checkpoint("a DICOM image", GIVE_WEIGHTS);
    }
    // Protocol buffers: field 1 (format version, small), then a field that an ONNX model has.
    if matches!(
        start,
        [
            0x08,
            1..=30,
            0x12 | 0x1a | 0x22 | 0x2a | 0x32 | 0x3a | 0x42,
            ..
        ]
    ) {
        return Fault::not_a_checkpoint("an ONNX model", SAVE_WEIGHTS);
    }
    if start.first() == Some(&0x80) {
        return Fault::not_a_checkpoint(
            "a Python pickle that torch.save did not write",
            SAVE_WEIGHTS,
        );
    }
    if start.iter().all(|&byte| byte == 0) {
        return Fault::not_a_checkpoint("filled with zeros", "copy or download it again");
    }
    let is_text = std::str::from_utf8(start)
        .map_or_else(|error| error.error_len().is_none(), |_| true)
        && start
            .iter()
            .all(|&byte| byte >= 0x20 || byte.is_ascii_whitespace());
    if is_text {
        return Fault::not_a_checkpoint("a text file", GIVE_WEIGHTS);
    }
    Fault::not_a_checkpoint("a file of an unknown format", GIVE_WEIGHTS)
}

fn text_start(start: &[u8]) -> String {
    let start = start
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(start)
        .trim_ascii_start();
    String::from_utf8_lossy(&start[..start.len().min(32)]).to_ascii_lowercase()
}
