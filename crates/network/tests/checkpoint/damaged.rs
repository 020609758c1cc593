//! Files that are no checkpoints, or not any more.

use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use mednet_network::checkpoint::{Checkpoint, CheckpointError, Misshapen};
use proptest::prelude::*;

use crate::allocation::peak;
use crate::{fixture, refusal};

pub(crate) fn open(bytes: &[u8]) -> Result<Checkpoint, CheckpointError> {
    Checkpoint::read(Cursor::new(bytes), Path::new("weights.pt"))
}

#[test]
fn other_kinds_of_files_are_named() {
    let mut tar = vec![b'x'; 512];
    tar[257..262].copy_from_slice(b"ustar");
    let mut dicom = vec![0; 128];
    dicom.extend(b"DICM\x02\0");
    let lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
    let cases: [(&[u8], &str); 14] = [
        (b"", "an empty file"),
        (lfs, "git lfs pull"),
        (
            b"<!DOCTYPE html><html><body>404</body></html>",
            "a web page",
        ),
        (b"\n  <HTML><head>", "a web page"),
        (b"\x89HDF\r\n\x1a\n\0\0\0\0", "HDF5"),
        (b"\x08\x07\x12\x07pytorch\x1a\x05", "ONNX"),
        (&tar, "a tar archive"),
        (&dicom, "a DICOM image"),
        (b"epoch,loss\n1,0.5\n", "a text file"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "gzip"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (&[0; 700], "filled with zeros"),
        (
            b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            "an empty zip",
        ),
        (b"\xfe\xfe\x00\x01\x02nonsense", "an unknown format"),
    ];
    for (bytes, expected) in cases {
        let message = open(bytes).unwrap_err().to_string();
        assert!(message.contains(expected), "expected {expected}: {message}");
        assert!(
            message.contains("weights.pt") && message.contains("; "),
            "{message}"
        );
    }
}

/// A file of 20 GB that begins with some bytes and goes on with zeros; counts what is read of it.
struct Vast {
    start: &'static [u8],
    position: u64,
    read: u64,
}

impl Vast {
    const LENGTH: u64 = 20 << 30;
}

impl Read for &mut Vast {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let left = Vast::LENGTH.saturating_sub(self.position);
        let count = buffer.len().min(usize::try_from(left).unwrap());
        for (byte, position) in buffer[..count].iter_mut().zip(self.position..) {
            let position = usize::try_from(position).unwrap();
            *byte = self.start.get(position).copied().unwrap_or(0);
        }
        self.position += count as u64;
        self.read += count as u64;
        Ok(count)
    }
}

impl Seek for &mut Vast {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.position = match to {
            SeekFrom::Start(position) => position,
            SeekFrom::End(offset) => Vast::LENGTH.checked_add_signed(offset).unwrap(),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset).unwrap(),
        };
        Ok(self.position)
    }
}

#[test]
fn a_vast_file_that_is_no_checkpoint_is_refused_after_a_look_at_it() {
    for start in [
        &b""[..],
        b"\x80\x02",
        b"\x80\x02}.",
        b"PK\x03\x04",
        b"\x40\0\0\0\0\0\0\0{}",
        b"epoch,loss\n",
        b"\x89HDF\r\n\x1a\n",
    ] {
        let mut file = Vast {
            start,
            position: 0,
            read: 0,
        };
        let result = Checkpoint::read(&mut file, Path::new("weights.pt"));
        assert!(result.is_err(), "{start:?}");
        assert!(file.read < 1 << 20, "{start:?}: {} bytes read", file.read);
    }
}

#[test]
fn names_in_a_file_cannot_write_to_a_terminal() {
    let key = "a\u{1b}[2J\u{202e}\nb";
    let mut pickle = b"\x80\x02}X".to_vec();
    pickle.extend(u32::try_from(key.len()).unwrap().to_le_bytes());
    pickle.extend(key.as_bytes());
    pickle.extend(b"K\x01s.");
    let message = open(&archive(&pickle)).unwrap_err().to_string();
    let shown = "a\\x1b[2J\\u{202e}\\nb (an integer)";
    assert!(message.contains(shown), "{message}");

    let misshapen = Misshapen {
        key: key.to_owned(),
        expected: vec![1],
        found: vec![2],
    };
    let message = misshapen.to_string();
    assert_eq!(message, "a\\x1b[2J\\u{202e}\\nb (expected [1], found [2])");
}

#[test]
fn unusable_checkpoints_say_why() {
    for (name, expected) in [
        ("bad-torchscript.pt", "TorchScript"),
        ("bad-numpy.npz", "NumPy archive"),
        ("bad-no-state-dict.pt", "optimizer (a dictionary)"),
        ("bad-normalizer.ckpt", "normalizer"),
        ("bad-normalizer-zero.ckpt", "a standard deviation is 0"),
        ("bad-storage-lacking.pt", "data/0` is not there"),
        (
            "bad-plain-pickle.pt",
            "a Python pickle that torch.save did not write",
        ),
    ] {
        let message = refusal(name);
        assert!(message.contains(expected), "{name}: {message}");
    }
}

#[test]
fn every_truncation_is_an_error() {
    for name in [
        "zip.pt",
        "legacy.pt",
        "formats.safetensors",
        "deflated.ckpt",
    ] {
        let whole = std::fs::read(fixture(name)).unwrap();
        for length in 0..whole.len() {
            let error = open(&whole[..length]).expect_err(name);
            assert!(
                matches!(
                    error,
                    CheckpointError::Damaged { .. } | CheckpointError::NotACheckpoint { .. }
                ),
                "{name} cut to {length} bytes: {error}"
            );
        }
    }
}

#[test]
fn a_flipped_bit_in_a_weight_is_noticed() {
    // Zip archives have checksums; find the weight 0.25 (alone in its storage).
    let mut bytes = std::fs::read(fixture("zip.pt")).unwrap();
    let at = bytes
        .windows(4)
        .position(|window| window == 0.25f32.to_le_bytes())
        .unwrap();
    bytes[at] ^= 1;
    let message = open(&bytes).unwrap_err().to_string();
    assert!(message.contains("fails its checksum"), "{message}");
}

#[test]
fn safetensors_header_that_lies() {
    let huge = [&u64::MAX.to_le_bytes()[..], b"{}"].concat();
    assert!(open(&huge).is_err());
    let long = [&90_000_000u64.to_le_bytes()[..], b"{\"a\":1"].concat();
    let (result, bytes) = peak(|| open(&long));
    assert!(
        matches!(result, Err(CheckpointError::Damaged { .. })),
        "{result:?}"
    );
    assert!(bytes < 4 << 20, "{bytes}");
    let beyond = br#"{"a":{"dtype":"F32","shape":[1000000],"data_offsets":[0,4000000]}}"#;
    let beyond = [&(beyond.len() as u64).to_le_bytes()[..], beyond, &[0; 16]].concat();
    assert!(matches!(
        open(&beyond),
        Err(CheckpointError::Damaged { .. })
    ));
}

#[test]
fn legacy_storage_that_lies() {
    let whole = std::fs::read(fixture("legacy.pt")).unwrap();
    // The last storage holds one 64-bit integer.
    let at = whole.len() - 16;
    assert_eq!(whole[at..at + 8], 1u64.to_le_bytes());
    for count in [2, 1 << 40, u64::MAX / 8, u64::MAX] {
        let mut bytes = whole.clone();
        bytes[at..at + 8].copy_from_slice(&count.to_le_bytes());
        let (result, held) = peak(|| open(&bytes));
        assert!(
            matches!(result, Err(CheckpointError::Damaged { .. })),
            "{count}: {result:?}"
        );
        assert!(held < 4 << 20, "{held}");
    }
}

/// Whatever is in a small file: no panic, no endless loop, no more memory than this.
fn stays_small(bytes: &[u8]) -> Result<(), TestCaseError> {
    let (result, held) = peak(|| open(bytes).map_err(|error| error.to_string()));
    prop_assert!(held < 96 << 20, "{held} bytes for {result:?}");
    if let Err(message) = result {
        prop_assert!(message.len() < 4000, "{message}");
    }
    Ok(())
}

/// A zip archive with this pickle and two storages.
pub(crate) fn archive(pickle: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut directory = Vec::new();
    let entries: [(&str, &[u8]); 3] = [
        ("a/data.pkl", pickle),
        ("a/data/0", &[1; 64]),
        ("a/data/1", &[2; 48]),
    ];
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap().to_le_bytes();
    for (name, content) in entries {
        let header = u32::try_from(file.len()).unwrap().to_le_bytes();
        // Version, flags, method, time, date, no checksum, sizes, lengths of name and extra field.
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        common.extend(length(content));
        common.extend(length(content));
        common.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        common.extend([0, 0]);
        file.extend(b"PK\x03\x04");
        file.extend(&common);
        file.extend(name.as_bytes());
        file.extend(content);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(header);
        directory.extend(name.as_bytes());
    }
    let start = u32::try_from(file.len()).unwrap().to_le_bytes();
    let directory_length = length(&directory);
    file.extend(directory);
    file.extend(b"PK\x05\x06\0\0\0\0\x03\0\x03\0");
    file.extend(directory_length);
    file.extend(start);
    file.extend([0, 0]);
    file
}

const SEEDS: [&str; 8] = [
    "zip.pt",
    "legacy.pt",
    "views.pt",
    "network-legacy.pt",
    "lightning.ckpt",
    "deflated.ckpt",
    "formats.safetensors",
    "protocol4.pt",
];

/// Snippets from which pickles are put together: opcodes with sensible operands.
fn snippets() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&'static [u8]> = vec![
        b"(",
        b")",
        b"]",
        b"}",
        b"N",
        b"K\x02",
        b"K\x00",
        b"J\xff\xff\xff\x7f",
        b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"X\x01\0\0\x000",
        b"X\x07\0\0\0storage",
        b"X\x0a\0\0\0state_dict",
        b"X\x0a\0\0\0normalizer",
        b"X\x0b\0\0\0_parameters",
        b"X\x08\0\0\0_modules",
        b"X\x04\0\0\0mean",
        b"X\x03\0\0\0std",
        b"ctorch._utils\n_rebuild_tensor_v2\n",
        b"ctorch._utils\n_rebuild_tensor_v3\n",
        b"ctorch._utils\n_rebuild_parameter\n",
        b"ctorch._tensor\n_rebuild_from_type_v2\n",
        b"ctorch\nFloatStorage\n",
        b"ctorch.storage\nUntypedStorage\n",
        b"ctorch\nfloat16\n",
        b"ccollections\nOrderedDict\n",
        b"ctorch\nSize\n",
        b"cmine\nThing\n",
        b"cnumpy.core.multiarray\nscalar\n",
        b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x10tQ",
        b"K\x00K\x02K\x02\x86K\x02K\x01\x86",
        b"t",
        b"\x85",
        b"\x86",
        b"\x87",
        b"l",
        b"d",
        b"R",
        b"\x81",
        b"b",
        b"s",
        b"u",
        b"a",
        b"e",
        b"Q",
        b"0",
        b"1",
        b"2",
        b"q\x00",
        b"h\x00",
        b"q\x01",
        b"h\x01",
        b"\x94",
        b"\x93",
        b"o",
        b"\x90",
        b"\x91",
        b"\x92",
    ];
    proptest::collection::vec(proptest::sample::select(pieces), 0..60)
        .prop_map(|pieces| [&b"\x80\x02"[..], &pieces.concat(), b"."].concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        stays_small(&bytes)?;
        stays_small(&archive(&bytes))?;
        for start in [&b"PK\x03\x04"[..], b"\x80\x02", b"\x40\0\0\0\0\0\0\0{", b"("] {
            stays_small(&[start, &bytes].concat())?;
        }
    }

    #[test]
    fn random_pickles(pickle in snippets()) {
        stays_small(&archive(&pickle))?;
        let magic = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}.";
        stays_small(&[&magic[..], &pickle, b"\x80\x02]X\x01\0\0\x000a.", &16u64.to_le_bytes(), &[1; 64]].concat())?;
    }

    #[test]
    fn mutated_checkpoints(
        seed in proptest::sample::select(SEEDS.to_vec()),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8),
        removed in proptest::option::weighted(0.2, (any::<proptest::sample::Index>(), 1usize..40)),
    ) {
        let mut bytes = std::fs::read(fixture(seed)).unwrap();
        for (index, value) in changes {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        if let Some((index, count)) = removed {
            let start = index.index(bytes.len());
            let end = (start + count).min(bytes.len());
            bytes.drain(start..end);
        }
        stays_small(&bytes)?;
    }
}

#[test]
fn hand_made_archive_is_read() {
    // What the random pickles are put together from must be right when put together rightly.
    let pickle = b"\x80\x02}X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n\
        ((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x10tQ\
        K\x00K\x02K\x02\x86K\x02K\x01\x86\x89NtRs.";
    let checkpoint = open(&archive(pickle)).unwrap();
    let value = f32::from_le_bytes([1; 4]);
    assert_eq!(checkpoint.tensors["w"].shape(), [2, 2]);
    assert_eq!(checkpoint.tensors["w"].data(), [value; 4]);
}
