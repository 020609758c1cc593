//! Files that would run code in Python, or take all memory, time, or stack.

use std::path::Path;
use std::time::{Duration, Instant};

use mednet_network::checkpoint::{Checkpoint, CheckpointError};

use crate::allocation::peak;
use crate::{fixture, fixtures};

#[test]
fn code_is_refused_by_name_and_leaves_no_trace() {
    // `make_checkpoints.py` has seen Python run the command in each of these.
    // Protocols below 3 keep the names of Python 2 (`__builtin__`, `commands`).
    for (name, function) in [
        ("run-zip.pt", "os.system"),
        ("run-zip-protocol4.pt", "os.system"),
        ("run-legacy.pt", "os.system"),
        ("run-eval.pt", "__builtin__.eval"),
        ("run-partial.pt", "os.system"),
        ("run-subprocess.pt", "commands.getoutput"),
        ("run-pickle0.pt", "os.system"),
        ("run-pickle4.pt", "os.system"),
        ("run-inst.pt", "os.system"),
    ] {
        let error = Checkpoint::open(&fixture(name)).unwrap_err();
        assert!(
            matches!(error, CheckpointError::RunsCode { .. }),
            "{name}: {error}"
        );
        let message = error.to_string();
        assert!(message.contains(function), "{name}: {message}");
        assert!(
            message.contains(name) && message.contains("was not opened"),
            "{message}"
        );
        for folder in [Path::new("."), &fixtures(), &std::env::temp_dir()] {
            assert!(!folder.join("mednet-was-run").exists(), "{name} was run");
        }
    }
}

#[test]
fn bombs_fail_fast_within_limits() {
    let mut seen = 0;
    for entry in std::fs::read_dir(fixtures()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.starts_with("bomb-") {
            continue;
        }
        seen += 1;
        let start = Instant::now();
        let (result, bytes) = peak(|| Checkpoint::open(&path));
        let (took, megabytes) = (start.elapsed(), bytes >> 20);
        let error = result.expect_err(&name);
        println!("{name}: {took:.2?}, {megabytes} MiB: {error}");
        assert!(took < Duration::from_secs(20), "{name} took {took:?}");
        assert!(megabytes < 512, "{name} took {megabytes} MiB");
        let expected = match name.as_str() {
            "bomb-nested-lists.pt" => "holds no state dict",
            "bomb-beyond-storage.pt" | "bomb-stride-overflow.pt" => "is damaged",
            _ => "beyond a limit",
        };
        let text = error.to_string();
        assert!(text.contains(expected), "{name}: {text}");
    }
    assert!(seen >= 15, "{seen}");
}
