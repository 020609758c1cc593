//! Checkpoint files of every format that torch writes, damaged ones, and hostile ones.
//!
//! `make_checkpoints.py` made the fixtures; the values are compared bit for bit.
#![allow(clippy::print_stdout)] // a test says why it is skipped, and what it measured

mod allocation;
mod aside;
mod calls;
mod damaged;
mod hostile;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mednet_network::checkpoint::{Checkpoint, CheckpointError, resolve_weight};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/checkpoint/fixtures")
}

fn fixture(name: &str) -> PathBuf {
    fixtures().join(name)
}

/// The message of the error that opening a fixture must give.
fn refusal(name: &str) -> String {
    match Checkpoint::open(&fixture(name)) {
        Ok(checkpoint) => panic!("{name} was opened: {checkpoint:?}"),
        Err(error) => error.to_string(),
    }
}

/// A folder beside the project with real checkpoints, if it is there.
fn reference() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference/models");
    if !folder.is_dir() {
        let expected = std::env::var_os("MEDNET_REQUIRE_REFERENCE").is_some();
        assert!(!expected, "{} is not there", folder.display());
        println!("skipped: {} is not there", folder.display());
        return None;
    }
    Some(folder)
}

#[test]
fn every_format_gives_the_values_that_torch_wrote() {
    let expected = std::fs::read(fixture("expected.json")).unwrap();
    let expected: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&expected).unwrap();
    assert!(expected.len() > 25);
    for (name, expected) in &expected {
        let checkpoint = Checkpoint::open(&fixture(name)).unwrap_or_else(|error| panic!("{error}"));
        let tensors = expected["tensors"].as_object().unwrap();
        let names: Vec<_> = checkpoint.tensors.keys().cloned().collect();
        let mut expected_names: Vec<_> = tensors.keys().cloned().collect();
        expected_names.sort();
        assert_eq!(names, expected_names, "{name}");
        for (key, tensor) in &checkpoint.tensors {
            let shape: Vec<usize> = serde_json::from_value(tensors[key]["shape"].clone()).unwrap();
            let bits: Vec<i32> = serde_json::from_value(tensors[key]["bits"].clone()).unwrap();
            assert_eq!(tensor.shape(), shape, "{name}: {key}");
            let found: Vec<i32> = tensor
                .data()
                .iter()
                .map(|v| v.to_bits().cast_signed())
                .collect();
            assert_eq!(found, bits, "{name}: {key}");
        }
        let numbers = |value: &serde_json::Value| -> Vec<f32> {
            serde_json::from_value(value.clone()).unwrap()
        };
        match (&checkpoint.normalizer, &expected["normalizer"]) {
            (None, serde_json::Value::Null) => {}
            (Some(normalizer), value) => {
                assert_eq!(normalizer.mean, numbers(&value["mean"]), "{name}");
                assert_eq!(normalizer.std, numbers(&value["std"]), "{name}");
            }
            (None, value) => panic!("{name}: no normalizer, expected {value}"),
        }
        assert_eq!(checkpoint.epoch, expected["epoch"].as_i64(), "{name}");
        assert_eq!(checkpoint.would_execute, Vec::<String>::new(), "{name}");
        assert_eq!(checkpoint.left_aside, Vec::<String>::new(), "{name}");
        let skipped: Vec<String> = serde_json::from_value(expected["skipped"].clone()).unwrap();
        assert_eq!(
            checkpoint.skipped.keys().cloned().collect::<Vec<_>>(),
            skipped,
            "{name}"
        );
    }
}

#[test]
fn formats_have_names_and_digests() {
    for (name, format) in [
        ("zip.pt", "PyTorch state dict (zip)"),
        ("legacy.pt", "PyTorch state dict (before torch 1.6)"),
        ("network.pt", "PyTorch network (zip)"),
        ("lightning.ckpt", "Lightning checkpoint (zip)"),
        ("formats.safetensors", "safetensors"),
    ] {
        assert_eq!(Checkpoint::open(&fixture(name)).unwrap().format, format);
    }
    // The digest of `sha256sum`.
    let digest = Checkpoint::open(&fixture("formats.safetensors"))
        .unwrap()
        .sha256;
    assert_eq!(
        digest,
        "3060c2c76bd9d67ccf839459d897e4c644088eea7126420e827e1cbadecf76f4"
    );
}

#[test]
fn content_counts_and_not_the_name() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["zip.pt", "legacy.pt", "formats.safetensors"] {
        let file = folder.path().join("weights.txt");
        std::fs::copy(fixture(name), &file).unwrap();
        assert!(
            !Checkpoint::open(&file).unwrap().tensors.is_empty(),
            "{name}"
        );
    }
}

#[test]
fn paths_that_are_no_file() {
    let nothing = Checkpoint::open(&fixture("nothing.pt")).unwrap_err();
    assert!(
        matches!(nothing, CheckpointError::NotFound { .. }),
        "{nothing}"
    );
    let folder = Checkpoint::open(&fixtures()).unwrap_err().to_string();
    assert!(folder.contains("it is a folder, not a file"), "{folder}");
}

/// Opening one of these would wait for a writer, fail, or read for ever.
#[cfg(unix)]
#[test]
fn pipes_sockets_and_devices_are_refused_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let (pipe, socket) = (folder.path().join("a.ckpt"), folder.path().join("b.ckpt"));
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    for (path, kind) in [
        (pipe.as_path(), "a named pipe"),
        (&socket, "a socket"),
        (Path::new("/dev/zero"), "a device"),
    ] {
        let path = resolve_weight(path).unwrap();
        let message = Checkpoint::open(&path).unwrap_err().to_string();
        let expected = format!("it is {kind}, not a file");
        assert!(message.contains(&expected), "{message}");
    }
    let meta = folder.path().join("train.meta.json");
    let made = std::process::Command::new("mkfifo").arg(&meta).status();
    assert!(made.unwrap().success());
    let message = resolve_weight(folder.path()).unwrap_err().to_string();
    assert!(message.contains("a named pipe"), "{message}");
}

/// Names and shapes of pasa's weights, as its definition has them.
fn pasa(outputs: usize) -> Vec<(String, Vec<usize>)> {
    let convolutions: [(usize, usize, usize, usize, &str); 15] = [
        (1, 1, 4, 3, "4"),
        (2, 4, 16, 3, "16"),
        (3, 1, 16, 1, "16_2"),
        (4, 16, 24, 3, "24"),
        (5, 24, 32, 3, "32"),
        (6, 16, 32, 1, "32_2"),
        (7, 32, 40, 3, "40"),
        (8, 40, 48, 3, "48"),
        (9, 32, 48, 1, "48_2"),
        (10, 48, 56, 3, "56"),
        (11, 56, 64, 3, "64"),
        (12, 48, 64, 1, "64_2"),
        (13, 64, 72, 3, "72"),
        (14, 72, 80, 3, "80"),
        (15, 64, 80, 1, "80_2"),
    ];
    let mut keys = Vec::new();
    for (number, input, output, kernel, norm) in convolutions {
        keys.push((
            format!("fc{number}.weight"),
            vec![output, input, kernel, kernel],
        ));
        keys.push((format!("fc{number}.bias"), vec![output]));
        for part in ["weight", "bias", "running_mean", "running_var"] {
            keys.push((format!("batchNorm2d_{norm}.{part}"), vec![output]));
        }
    }
    keys.push(("dense.weight".to_owned(), vec![outputs, 80]));
    keys.push(("dense.bias".to_owned(), vec![outputs]));
    keys
}

#[test]
fn checkpoints_of_the_original_fit_their_network() {
    let Some(folder) = reference() else { return };
    for (name, outputs) in [("pasa", 1), ("pasa3", 3)] {
        let lightning = Checkpoint::open(&folder.join(format!("{name}.ckpt"))).unwrap();
        let safetensors = Checkpoint::open(&folder.join(format!("{name}.safetensors"))).unwrap();
        for checkpoint in [&lightning, &safetensors] {
            assert_eq!(checkpoint.output_count("dense.bias"), Some(outputs));
            assert_eq!(checkpoint.output_count("classifier.bias"), None);
            let matched = checkpoint.match_keys(&pasa(outputs)).unwrap();
            assert_eq!(matched.tensors.len(), pasa(outputs).len());
            assert_eq!(matched.unused, Vec::<String>::new());
            let normalizer = checkpoint.normalizer.as_ref().unwrap();
            assert_eq!((normalizer.mean.len(), normalizer.std.len()), (1, 1));
            assert!(normalizer.mean[0] > 0.0 && normalizer.mean[0] < 1.0);
        }
        assert_eq!(lightning.normalizer, safetensors.normalizer);
        let of = |checkpoint: &Checkpoint| -> Vec<Vec<f32>> {
            let matched = checkpoint.match_keys(&pasa(outputs)).unwrap();
            matched
                .tensors
                .values()
                .map(|tensor| tensor.data().to_vec())
                .collect()
        };
        assert_eq!(of(&lightning), of(&safetensors));
        let error = lightning.match_keys(&pasa(7)).unwrap_err();
        assert!(
            matches!(error, CheckpointError::MisshapenKeys { .. }),
            "{error}"
        );
    }
}

#[test]
fn training_folder_of_the_original() {
    let Some(folder) = reference() else { return };
    let file = resolve_weight(&folder.join("pasa_train_run")).unwrap();
    assert_eq!(
        file.file_name().unwrap(),
        "model-at-lowest-validation-loss-epoch=1.ckpt"
    );
    let checkpoint = Checkpoint::open(&file).unwrap();
    assert_eq!(checkpoint.epoch, Some(1));
    assert_eq!(
        checkpoint.match_keys(&pasa(1)).unwrap().unused,
        Vec::<String>::new()
    );
}
