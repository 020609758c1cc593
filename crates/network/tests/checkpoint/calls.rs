//! Calls in a pickle beside those that make tensors: those that Python writes for things that mean no
//! harm, and those that it would execute.

use mednet_network::checkpoint::{Checkpoint, CheckpointError};

use crate::damaged::{archive, open};

/// A checkpoint with a weight, and a value under `hyper_parameters` that these opcodes leave on the
/// stack.
fn checkpoint(opcodes: &[u8]) -> Result<Checkpoint, CheckpointError> {
    let weight = b"X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n\
        ((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x10tQ\
        K\x00K\x02K\x02\x86K\x02K\x01\x86\x89NtR";
    let start = b"\x80\x02}(X\x0a\0\0\0state_dict}";
    let pickle = [
        start,
        &weight[..],
        b"sX\x10\0\0\0hyper_parameters",
        opcodes,
        b"u.",
    ]
    .concat();
    open(&archive(&pickle))
}

/// `module.name`.
fn global(module: &str, name: &str) -> Vec<u8> {
    format!("c{module}\n{name}\n").into_bytes()
}

fn text(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap().to_le_bytes();
    [b"X", &length[..], text.as_bytes()].concat()
}

/// `function(arguments)`, given the opcodes of each; at most three arguments.
fn call(function: &[u8], arguments: &[&[u8]]) -> Vec<u8> {
    let tuple = [b")", &b"\x85"[..], b"\x86", b"\x87"][arguments.len()];
    [function, &arguments.concat(), tuple, b"R"].concat()
}

fn getattr(thing: &[u8], name: &str) -> Vec<u8> {
    call(&global("__builtin__", "getattr"), &[thing, &text(name)])
}

/// `class.__new__(class)`.
fn instance(class: &[u8]) -> Vec<u8> {
    [class, b")\x81"].concat()
}

#[test]
fn attributes_that_python_writes_for_things_without_harm_are_read_over() {
    let mode = global("torchvision.transforms.functional", "InterpolationMode");
    let configuration = global("mine.training", "Training");
    let within = getattr(&configuration, "Options");
    for (what, opcodes) in [
        ("a member of an enumeration", getattr(&mode, "BILINEAR")),
        ("a member in lower case", getattr(&mode, "nearest_exact")),
        ("a class within a class", within.clone()),
        ("an instance of such a class", instance(&within)),
        (
            "an instance with state",
            [&instance(&within)[..], b"}b"].concat(),
        ),
        (
            "a member of such an enumeration",
            call(&within, &[b"K\x01"]),
        ),
        ("a class in that", getattr(&within, "Deeper")),
        ("a method", getattr(&instance(&configuration), "scheduler")),
    ] {
        let read = checkpoint(&opcodes).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(read.tensors["w"].shape(), [2, 2], "{what}");
    }
}

#[test]
fn attributes_that_lead_elsewhere_are_refused() {
    let path = global("pathlib", "Path");
    let command = text("touch mednet-was-run");
    let write = getattr(&path, "write_text");
    let torch = global("torch.nn", "torch");
    for (what, opcodes) in [
        ("a module", getattr(&torch, "os")),
        (
            "a function of it",
            getattr(&getattr(&torch, "os"), "system"),
        ),
        (
            "a function by its name",
            getattr(&global("mine", "shell"), "system"),
        ),
        ("a loader", getattr(&torch, "load")),
        (
            "an attribute of what runs code",
            getattr(&global("os", "environ"), "get"),
        ),
        (
            "an attribute of a builtin",
            getattr(&global("builtins", "open"), "mode"),
        ),
        (
            "a way to all objects",
            getattr(&global("mine", "Mode"), "__subclasses__"),
        ),
        (
            "a private attribute",
            getattr(&global("mine", "Mode"), "_member_map_"),
        ),
        (
            "a path of attributes",
            getattr(&global("mine", "Mode"), "value.system"),
        ),
        (
            "a default",
            call(
                &global("builtins", "getattr"),
                &[&path, &text("a"), &text("b")],
            ),
        ),
        (
            "a computed name",
            call(&global("builtins", "getattr"), &[&path, &instance(&path)]),
        ),
        (
            "a method that is called",
            call(&write, &[&instance(&path), &command]),
        ),
        (
            "a method that is handed on",
            call(&global("functools", "partial"), &[&write]),
        ),
        (
            "a bound method that is called",
            call(&getattr(&instance(&path), "touch"), &[]),
        ),
        (
            "`getattr` that is handed on",
            call(&global("mine", "Mode"), &[&global("builtins", "getattr")]),
        ),
    ] {
        let error = checkpoint(&opcodes).expect_err(what);
        assert!(
            matches!(error, CheckpointError::RunsCode { .. }),
            "{what}: {error}"
        );
    }
}

#[test]
fn a_chain_of_attributes_is_short() {
    let mut opcodes = global("mine", "Mode");
    for _ in 0..200 {
        opcodes = getattr(&opcodes, "Inner");
    }
    assert!(matches!(
        checkpoint(&opcodes),
        Err(CheckpointError::RunsCode { .. })
    ));
}
