"""The machine and the versions that a table rests on."""

import importlib.metadata
import os
import pathlib
import platform
import time

PEERS = ["torch", "torchvision", "onnxruntime", "openvino", "mednet", "grad-cam", "numpy", "scipy"]


def describe(threads):
    """A line that names the processor, its cores and instruction set, the threads, and the versions of the peers."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = ", ".join(f"{name} {version(name)}" for name in PEERS)
    return (
        f"{processor()}, {cores} cores, {instruction_set()}, {platform.system()}; {threads} threads, single precision. "
        f"Python {platform.python_version()}, {versions}."
    )


def version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def busy():
    """The share of all processors that others use now, watched for two seconds; nothing where the system does not say."""

    def ticks():
        path = pathlib.Path("/proc/stat")
        values = [int(value) for value in path.read_text().splitlines()[0].split()[1:]]
        return sum(values[:8]), values[3] + values[4]

    if not pathlib.Path("/proc/stat").exists():
        return None
    total, idle = ticks()
    time.sleep(2)
    later, later_idle = ticks()
    return 1 - (later_idle - idle) / max(1, later - total)


def information(key):
    """The first value of a key of /proc/cpuinfo, or nothing."""
    path = pathlib.Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == key), "")


def processor():
    name = information("model name") or platform.processor() or platform.machine()
    family, model = information("cpu family"), information("model")
    return f"{name} (family {family}, model {model})" if family else name


def has_avx512():
    return "avx512f" in information("flags").split()


def instruction_set():
    flags = information("flags").split()
    names = [name for flag, name in [("avx512f", "AVX-512"), ("avx2", "AVX2")] if flag in flags]
    return names[0] if names else platform.machine()
