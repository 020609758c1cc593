#!/usr/bin/env python3
"""Writes the checkpoint files of this test, and what they hold, into `fixtures/`.

Needs torch, torchvision, numpy and safetensors (made with torch 2.15, torchvision 0.29, numpy 2.4):

    python make_checkpoints.py

The hostile files ask Python to create the file `mednet-was-run`; this script opens them in a
temporary folder to make sure that Python really does.
"""

import argparse
import collections
import functools
import io
import json
import os
import pathlib
import pickle
import struct
import sys
import tempfile
import warnings
import zipfile

import numpy
import safetensors.torch
import torch
import torchvision

warnings.simplefilter("ignore")
HERE = pathlib.Path(__file__).resolve().parent / "fixtures"
COMMAND = "touch mednet-was-run" if os.name == "posix" else "type nul > mednet-was-run"
expected = {}


def describe(tensors, normalizer=None, epoch=None, skipped=()):
    return {
        "tensors": {
            name: {
                "shape": list(value.shape),
                # As bits, so that not even the last one may differ.
                "bits": value.detach().to(torch.float32).contiguous().flatten().view(torch.int32).tolist(),
            }
            for name, value in tensors.items()
        },
        "normalizer": normalizer,
        "epoch": epoch,
        "skipped": sorted(skipped),
    }


def save(name, thing, tensors, normalizer=None, epoch=None, skipped=(), **options):
    torch.save(thing, HERE / name, **options)
    expected[name] = describe(tensors, normalizer, epoch, skipped)


def rezip(source, target, change=lambda name, data: data, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(HERE / source) as old, zipfile.ZipFile(HERE / target, "w", method) as new:
        for info in old.infolist():
            new.writestr(zipfile.ZipInfo(info.filename), change(info.filename, old.read(info)), method)


class Call:
    """Pickled as a call of a function."""

    def __init__(self, function, *arguments):
        self.parts = (function, arguments)

    def __reduce__(self):
        return self.parts


def raw_archive(name, data, method=zipfile.ZIP_STORED, **storages):
    with zipfile.ZipFile(HERE / name, "w", method) as archive:
        archive.writestr(zipfile.ZipInfo("archive/data.pkl"), data, method)
        for key, content in storages.items():
            archive.writestr(zipfile.ZipInfo(f"archive/data/{key.lstrip('_')}"), content, method)


def check_hostile(name, load):
    """Asserts that Python runs the command in a file when it opens it."""
    with tempfile.TemporaryDirectory() as folder:
        before = os.getcwd()
        os.chdir(folder)
        try:
            load(HERE / name)
        except Exception:  # what is loaded afterwards may be nonsense
            pass
        ran = os.path.exists("mednet-was-run")
        os.chdir(before)
    assert ran, name


def tensor_pickle(storage_class, count, shape, strides, offset=0):
    """The pickle of {"weight": tensor} with any sizes."""

    class Pickler(pickle._Pickler):
        def persistent_id(self, thing):
            return thing.id if isinstance(thing, Stored) else None

    class Stored:
        id = ("storage", storage_class, "0", "cpu", count)

    class Tensor:
        def __reduce__(self):
            return (
                torch._utils._rebuild_tensor_v2,
                (Stored(), offset, shape, strides, False, collections.OrderedDict()),
            )

    buffer = io.BytesIO()
    Pickler(buffer, 2).dump({"weight": Tensor()})
    return buffer.getvalue()


def main():
    HERE.mkdir(exist_ok=True)

    def no_source(_):
        raise OSError

    # The older format would put the source text of torch's own modules, with its path, into files.
    torch.serialization.get_source_lines_and_file = no_source
    torch.manual_seed(1)
    legacy = {"_use_new_zipfile_serialization": False}
    plain = collections.OrderedDict(
        {"fc.weight": torch.randn(3, 4), "fc.bias": torch.randn(3), "scalar": torch.tensor(0.25)}
    )
    counted = {**plain, "bn.num_batches_tracked": torch.tensor(7)}
    skipped = ["bn.num_batches_tracked"]
    save("zip.pt", counted, plain, skipped=skipped)
    save("legacy.pt", counted, plain, skipped=skipped, **legacy)
    for protocol in (3, 4, 5):
        save(f"protocol{protocol}.pt", counted, plain, skipped=skipped, pickle_protocol=protocol)
    save("legacy-protocol4.pt", counted, plain, skipped=skipped, pickle_protocol=4, **legacy)

    special = torch.tensor([0.0, -0.0, 1.0, -2.5, 65504.0, 6e-8, 1e-5, float("inf"), 1 / 3])
    formats = {
        "half": special.half(),
        "bfloat16": special.bfloat16(),
        "float": special,
        "double": special.double() / 3,
    }
    others = {
        "int": torch.arange(3, dtype=torch.int32),
        "bool": torch.tensor([True, False]),
        "complex": torch.ones(2, dtype=torch.complex64),
        "float8": torch.ones(2).to(torch.float8_e4m3fn),
    }
    save("formats.pt", {**formats, **others}, formats, skipped=others)
    del others["float8"]
    save("formats-legacy.pt", {**formats, **others}, formats, skipped=others, **legacy)

    base = torch.arange(24.0).reshape(2, 3, 4)
    views = {
        "whole": base,
        "transposed": base.transpose(0, 2),
        "part": base[1, 1:, ::2],
        "column": base[:, :, 3],
        "expanded": torch.tensor([5.0]).expand(3, 2),
        "empty": base[:, :0],
        "channels_last": torch.randn(1, 2, 3, 2).to(memory_format=torch.channels_last),
    }
    save("views.pt", views, views)
    save("views-legacy.pt", views, views, **legacy)

    parameters = {"weight": torch.nn.Parameter(torch.randn(2, 2)), "b": torch.randn(2)}
    save("parameter.pt", parameters, parameters)

    network = torch.nn.Sequential(
        collections.OrderedDict(conv=torch.nn.Conv2d(1, 2, 3), norm=torch.nn.BatchNorm2d(2))
    )
    floats = {k: v for k, v in network.state_dict().items() if v.is_floating_point()}
    save("network.pt", network, floats, skipped=["norm.num_batches_tracked"])
    save("network-legacy.pt", network, floats, skipped=["norm.num_batches_tracked"], **legacy)

    save("under-model-state-dict.pt", {"epoch": 4, "model_state_dict": plain, "loss": 0.5}, plain, epoch=4)
    save("under-model.pt", {"model": plain, "optimizer": {"x": torch.ones(9)}}, plain)
    save("under-model-and-state-dict.pt", {"model": {"state_dict": plain}}, plain)

    def lightning(normalizer):
        return {
            "epoch": 3,
            "global_step": 12,
            "pytorch-lightning_version": "2.6.6",
            "state_dict": collections.OrderedDict(counted),
            "loops": {"fit_loop": {"state_dict": {}}},
            "callbacks": {
                "ModelCheckpoint{'monitor': 'validation_loss'}": {
                    "best_model_score": torch.tensor(0.5),
                    "dirpath": pathlib.PurePosixPath("models"),
                    "numpy": numpy.float64(0.5),
                }
            },
            "optimizer_states": [{"state": {0: {"exp_avg": torch.zeros(50)}}, "param_groups": []}],
            "hyper_parameters": argparse.Namespace(
                lr=0.1, names={"a", "b"}, frozen=frozenset([1]), device=torch.device("cpu"),
                dtype=torch.float16, factory=functools.partial(torch.nn.Conv2d, 1), big=2**70,
                size=torch.Size([1, 2]), array=numpy.arange(3), raw=b"\x00\xff", nothing=type(None),
            ),
            "normalizer": normalizer,
        }

    normalize = torchvision.transforms.Normalize
    tensor = normalize(torch.tensor([0.5]), torch.tensor([0.25]))
    imagenet = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    as_floats = {
        "mean": [float(numpy.float32(v)) for v in imagenet[0]],
        "std": [float(numpy.float32(v)) for v in imagenet[1]],
    }
    one = {"mean": [0.5], "std": [0.25]}
    save("lightning.ckpt", lightning(tensor), plain, one, 3, skipped)
    save("lightning-legacy.ckpt", lightning(tensor), plain, one, 3, skipped, **legacy)
    save("normalizer-tuple.ckpt", lightning(normalize(*imagenet)), plain, as_floats, 3, skipped)
    lists = normalize([*map(numpy.float64, imagenet[0])], numpy.array(imagenet[1], numpy.float32))
    save("normalizer-numpy.ckpt", lightning(lists), plain, as_floats, 3, skipped)
    save("normalizer-numpy4.ckpt", lightning(lists), plain, as_floats, 3, skipped, pickle_protocol=4)
    save("normalizer-none.ckpt", lightning(None), plain, None, 3, skipped)
    keyed = {**plain, "normalizer.mean": torch.tensor([0.5]), "normalizer.std": torch.tensor([0.25])}
    save("normalizer-keys.pt", keyed, plain, one)

    # A GPU's storages differ from these by their device alone.
    rezip("zip.pt", "cuda.pt", lambda name, data: data.replace(b"X\3\0\0\0cpu", b"X\6\0\0\0cuda:1"))
    rezip("lightning.ckpt", "deflated.ckpt", method=zipfile.ZIP_DEFLATED)

    def swap(name, data):
        if name.endswith("byteorder"):
            return b"big"
        if "/data/" in name:
            width = 8 if name.endswith("/3") else 4
            return b"".join(data[i : i + width][::-1] for i in range(0, len(data), width))
        return data

    rezip("zip.pt", "big-endian.pt", swap)
    for copy, of in [("cuda.pt", "zip.pt"), ("deflated.ckpt", "lightning.ckpt"), ("big-endian.pt", "zip.pt")]:
        expected[copy] = expected[of]
    torch.serialization.set_crc32_options(False)
    save("no-checksums.pt", counted, plain, skipped=skipped)
    torch.serialization.set_crc32_options(True)

    stored = {**formats, "int": others["int"], "normalizer.mean": torch.tensor([0.5]), "normalizer.std": torch.tensor([0.25])}
    safetensors.torch.save_file(stored, HERE / "formats.safetensors", metadata={"epoch": "5"})
    expected["formats.safetensors"] = describe(formats, one, 5, ["int"])

    # Not readable, each with an error of its own (see main.rs).
    torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), HERE / "bad-torchscript.pt")
    # Its debug records hold paths of the machine.
    data = {}
    with zipfile.ZipFile(HERE / "bad-torchscript.pt") as old:
        data = {name: old.read(name) for name in old.namelist() if "debug" not in name}
    with zipfile.ZipFile(HERE / "bad-torchscript.pt", "w") as new:
        for name, content in data.items():
            new.writestr(zipfile.ZipInfo(name), content)
    numpy.savez(HERE / "bad-numpy.npz", a=numpy.ones(2))
    torch.save({"epoch": 1, "optimizer": {"lr": 0.1}}, HERE / "bad-no-state-dict.pt")
    torch.save(lightning({"mean": [0.5]}), HERE / "bad-normalizer.ckpt")
    torch.save(lightning({"mean": [0.5], "std": [0.0]}), HERE / "bad-normalizer-zero.ckpt")
    with zipfile.ZipFile(HERE / "zip.pt") as old, zipfile.ZipFile(HERE / "bad-storage-lacking.pt", "w") as new:
        for info in old.infolist():
            if not info.filename.endswith("/data/0"):
                new.writestr(zipfile.ZipInfo(info.filename), old.read(info))
    (HERE / "bad-plain-pickle.pt").write_bytes(pickle.dumps({"weight": [1.0]}))

    # Hostile: code.
    call = Call(os.system, COMMAND)
    unsafe = functools.partial(torch.load, weights_only=False)
    for name, thing, options in [
        ("run-zip.pt", {"state_dict": plain, "x": call}, {}),
        ("run-zip-protocol4.pt", {"state_dict": plain, "x": call}, {"pickle_protocol": 4}),
        ("run-legacy.pt", {"state_dict": plain, "x": call}, legacy),
        ("run-eval.pt", {"x": Call(eval, f"__import__('os').system({COMMAND!r})"), **plain}, {}),
        ("run-partial.pt", {"x": Call(Call(functools.partial, os.system), COMMAND), **plain}, {}),
        ("run-subprocess.pt", {"x": Call(__import__("subprocess").getoutput, COMMAND), **plain}, {}),
    ]:
        if name == "run-partial.pt":
            # The callee of a call cannot be a call for Python's pickler: written by hand.
            command = COMMAND.encode()
            data = b"\x80\x02cfunctools\npartial\ncposix\nsystem\n\x85RX" + struct.pack("<I", len(command)) + command + b"\x85R."
            raw_archive(name, data)
            check_hostile(name, lambda path: pickle.loads(zipfile.ZipFile(path).read("archive/data.pkl")))
            continue
        torch.save(thing, HERE / name, **options)
        check_hostile(name, unsafe)
    for protocol in (0, 4):
        (HERE / f"run-pickle{protocol}.pt").write_bytes(pickle.dumps(call, protocol))
        check_hostile(f"run-pickle{protocol}.pt", lambda path: pickle.loads(path.read_bytes()))
    (HERE / "run-inst.pt").write_bytes(b"(S'" + COMMAND.encode() + b"'\niposix\nsystem\n.")
    check_hostile("run-inst.pt", lambda path: pickle.loads(path.read_bytes()))

    # Hostile: memory, time, stack.
    deflated = zipfile.ZIP_DEFLATED
    raw_archive("bomb-nested-lists.pt", b"\x80\x02" + b"]" * 1_000_000 + b"a" * 999_999 + b".", deflated)
    raw_archive("bomb-nested-marks.pt", b"\x80\x02" + b"(" * 1_000_000 + b"t" * 1_000_000 + b".", deflated)
    raw_archive("bomb-memo-index.pt", b"\x80\x02}r\xff\xff\xff\xff.", deflated)
    raw_archive("bomb-memo-entries.pt", b"\x80\x02}" + b"\x94" * 20_000_000 + b".", deflated)
    raw_archive("bomb-objects.pt", b"\x80\x02" + b"}" * 20_000_000 + b".", deflated)
    raw_archive("bomb-stack.pt", b"\x80\x02}" + b"2" * 20_000_000 + b".", deflated)
    raw_archive("bomb-text-length.pt", b"\x80\x04\x8d" + struct.pack("<Q", 2**60) + b"x.")
    raw_archive("bomb-pickle-length.pt", b"\x80\x02" + b"N0" * 34_000_000 + b".", deflated)
    pairs = b"(" + b"NN\x86" * 100_000 + b"lq\x01\x85q\x02"
    raw_archive("bomb-copies.pt", b"\x80\x02ccollections\nOrderedDict\nq\x00" + pairs + b"h\x00h\x02R0" * 100_000 + b".", deflated)
    axes = b"(" + b"K\x01" * 100_000 + b"t"
    raw_archive(
        "bomb-axes.pt",
        b"\x80\x02}X\1\0\0\0wctorch._utils\n_rebuild_tensor_v2\n((X\7\0\0\0storagectorch\nFloatStorage\n"
        b"X\1\0\0\x000X\3\0\0\0cpuK\1tQK\0" + axes + b"q\3h\3\x89NtRs.",
        deflated,
        _0=bytes(4),
    )
    for name, count, shape, strides in [
        ("bomb-expanded.pt", 1, (1_000_000_000_000,), (0,)),
        ("bomb-huge-shape.pt", 1, (2**40, 2**40), (0, 0)),
        ("bomb-beyond-storage.pt", 4, (1000,), (1,)),
        ("bomb-stride-overflow.pt", 4, (3, 3), (2**62, 2**62)),
    ]:
        raw_archive(name, tensor_pickle(torch.FloatStorage, count, shape, strides), _0=bytes(16))
    # One module that is its own child twice over.
    cyclic = (
        b"\x80\x02cmine\nNetwork\n)\x81q\0}(X\x0b\0\0\0_parameters}X\x08\0\0\0_modules}"
        b"(X\1\0\0\0ah\0X\1\0\0\0bh\0uub."
    )
    raw_archive("bomb-cyclic-network.pt", cyclic)

    (HERE / "expected.json").write_text(json.dumps(expected, separators=(",", ":"), sort_keys=True) + "\n")
    total = sum(path.stat().st_size for path in HERE.iterdir())
    print(f"{len(list(HERE.iterdir()))} files, {total} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
