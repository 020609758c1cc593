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

#[test]
fn calls_that_python_would_execute_are_named_and_the_weights_are_read() {
    let system = global("posix", "system");
    let connect = global("sqlite3", "connect");
    let name = text("scores.db");
    let partial = call(&global("functools", "partial"), &[&connect]);
    let reconstructor = global("copyreg", "_reconstructor");
    let rebuild = global("torch._tensor", "_rebuild_from_type_v2");
    let tuple = |opcodes: &[u8]| [opcodes, b"\x85"].concat();
    let mine = instance(&global("mine", "Settings"));
    let state = |key: &str, value: &[u8]| [b"}", &text(key)[..], value, b"s"].concat();
    for (what, opcodes, named) in [
        (
            "a function",
            call(&global("bz2", "open"), &[&name, &text("w")]),
            "bz2.open",
        ),
        ("a connection", call(&connect, &[&name]), "sqlite3.connect"),
        (
            "a function by its path",
            stacked("pathlib", "Path.write_text", &[&mine, &name]),
            "pathlib.Path.write_text",
        ),
        (
            "a class that opens a file",
            call(&global("bz2", "BZ2File"), &[&name]),
            "bz2.BZ2File",
        ),
        (
            "a package's class that opens a file",
            call(&global("h5py", "File"), &[&name, &text("w")]),
            "h5py.File",
        ),
        (
            "a package's class and a path",
            call(&global("h5py", "File"), &[&name]),
            "h5py.File",
        ),
        (
            "what a call gave",
            call(&partial, &[&name]),
            "functools.partial",
        ),
        (
            "what a call of that gave",
            call(&call(&partial, &[&name]), &[]),
            "functools.partial",
        ),
        (
            "a name within a tuple",
            call(&global("functools", "partial"), &[&tuple(&system)]),
            "os.system, as posix.system",
        ),
        (
            "a name within two",
            call(&global("functools", "partial"), &[&tuple(&tuple(&system))]),
            "os.system, as posix.system",
        ),
        (
            "a class made on the way",
            call(&global("builtins", "type"), &[&text("A"), b")", b"}"]),
            "builtins.type",
        ),
        (
            "a base that is called",
            call(
                &reconstructor,
                &[&global("bz2", "BZ2File"), &connect, &name],
            ),
            "sqlite3.connect",
        ),
        (
            "a call within another",
            call(&rebuild, &[&connect, b"N", &tuple(&name)]),
            "sqlite3.connect",
        ),
        (
            "one within two",
            call(
                &rebuild,
                &[
                    &rebuild,
                    b"N",
                    &[&connect[..], b"N", &tuple(&name), b"\x87"].concat(),
                ],
            ),
            "torch._tensor._rebuild_from_type_v2",
        ),
        (
            "a class made with arguments",
            [&global("numpy", "memmap")[..], &tuple(&name), b"\x81"].concat(),
            "numpy.memmap",
        ),
        (
            "a setter of state",
            [&mine[..], &state("__setstate__", &connect), b"b"].concat(),
            "sqlite3.connect",
        ),
        (
            "a setter in a second part",
            [&mine[..], b"N", &state("__setstate__", &connect), b"\x86b"].concat(),
            "sqlite3.connect",
        ),
        (
            "state for a class",
            [
                &global("mine", "Settings")[..],
                &state("forward", &connect),
                b"b",
            ]
            .concat(),
            "mine.Settings",
        ),
        (
            "an old instance",
            [b"(", &name[..], b"isqlite3\nconnect\n"].concat(),
            "sqlite3.connect",
        ),
        (
            "another old instance",
            [b"(", &connect[..], &name, b"o"].concat(),
            "sqlite3.connect",
        ),
        (
            "a terminal's colours",
            call(&global("mine", "run\x1b[31m"), &[]),
            "mine.run\\x1b[31m",
        ),
    ] {
        let read = checkpoint(&opcodes).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(read.would_execute, [named], "{what}");
        assert_eq!(read.tensors["w"].shape(), [2, 2], "{what}");
    }
}

/// As [`call`], with the name as protocol 4 writes it, which may go through attributes.
fn stacked(module: &str, name: &str, arguments: &[&[u8]]) -> Vec<u8> {
    call(
        &[text(module), text(name), b"\x93".to_vec()].concat(),
        arguments,
    )
}

#[test]
fn what_describes_data_is_not_named() {
    let mine = global("mine", "Settings");
    let date = global("datetime", "date");
    let numbers = b"K\x01K\x02\x86";
    for (what, opcodes) in [
        (
            "a member of an enumeration",
            call(&global("mine", "Mode"), &[&text("bilinear-2")]),
        ),
        (
            "a member of several numbers",
            call(&global("mine", "Mode"), &[numbers]),
        ),
        ("an instance", [&instance(&mine)[..], b"}b"].concat()),
        (
            "an instance of a class in lower case",
            instance(&global("mine", "double_conv")),
        ),
        ("a tuple with names", [&mine[..], numbers, b"\x81"].concat()),
        (
            "an instance of protocol 0",
            call(
                &global("copy_reg", "_reconstructor"),
                &[&mine, &global("__builtin__", "object"), b"N"],
            ),
        ),
        (
            "an instance of protocol 1",
            [b"(", &mine[..], b"o}b"].concat(),
        ),
        ("an instance of Python 2", b"(imine\nSettings\n}b".to_vec()),
        ("a class", call(&global("builtins", "type"), &[b"N"])),
        ("a function that is named", global("mine", "collate")),
        (
            "a factory",
            call(
                &global("functools", "partial"),
                &[&global("torch.nn", "Conv2d")],
            ),
        ),
        (
            "a dictionary with a factory",
            call(
                &global("collections", "defaultdict"),
                &[&global("builtins", "list")],
            ),
        ),
        ("a day", call(&date, &[b"C\x04\x07\xe8\x01\x02"])),
        (
            "a path",
            call(
                &global("pathlib", "PosixPath"),
                &[&text("/"), &text("data")],
            ),
        ),
        (
            "a pattern",
            call(&global("re", "_compile"), &[&text("a/*"), b"K\x20"]),
        ),
        (
            "a logger",
            call(
                &global("logging", "getLogger"),
                &[&text("lightning.pytorch")],
            ),
        ),
    ] {
        let read = checkpoint(&opcodes).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(read.would_execute, Vec::<String>::new(), "{what}");
    }
}

#[test]
fn only_so_many_calls_are_named_and_long_chains_take_no_time() {
    let calls = (0..1000).map(|n| {
        [
            call(&global("mine", &format!("run{n}")), &[]),
            b"0".to_vec(),
        ]
    });
    let opcodes = [calls.flatten().collect::<Vec<_>>().concat(), b"N".to_vec()].concat();
    assert_eq!(checkpoint(&opcodes).unwrap().would_execute.len(), 50);

    let mut opcodes = global("mine", "run");
    opcodes.extend(b")R".repeat(1_000_000));
    let start = std::time::Instant::now();
    let named = checkpoint(&opcodes).unwrap().would_execute;
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    assert_eq!(named, ["mine.run"]);
}
