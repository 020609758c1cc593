"""What all parts share: the two programs, the folder of the session, and how a program is run."""

import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
#: A folder in memory, on Linux.
MEMORY = pathlib.Path("/dev/shm")
MAP_BYTES = 4 * 512 * 512


class Failed(Exception):
    """A program that did not end well, or that is not there."""


@dataclasses.dataclass
class Run:
    """One run of a program: seconds of the clock, seconds of all processors, and the largest resident set."""

    exit_code: int
    seconds: float
    processor_seconds: float
    peak_bytes: int
    output: str


@dataclasses.dataclass
class Session:
    """The settings of one comparison. `original` is None if the package mednet cannot be started."""

    folder: pathlib.Path
    ours: str
    original: str | None
    threads: int
    quick: bool

    def say(self, text):
        """What is being done, so that nobody waits before a silent screen."""
        print(f"  {text}", file=sys.stderr, flush=True)

    def run(self, command, threads=None, processors=0):
        """Runs a program to its end, on that many processors if not 0; raises Failed if that was not a good one."""
        threads = str(threads or self.threads)
        environment = os.environ | {
            "HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "MPLCONFIGDIR": str(self.folder / "matplotlib"),
            "PYTHONDONTWRITEBYTECODE": "1",
            # The original has no option for its threads: PyTorch and the linear algebra read these.
            "OMP_NUM_THREADS": threads,
            "MKL_NUM_THREADS": threads,
            "OPENBLAS_NUM_THREADS": threads,
            # For those of our commands without --parallel.
            "RAYON_NUM_THREADS": threads,
        }
        result, log = self.folder / "run.json", self.folder / "run.log"
        launcher = [sys.executable, "-I", "-S", str(HERE / "launcher.py"), str(result), str(log), str(processors)]
        command = [str(part) for part in command]
        started = subprocess.run(launcher + command, cwd=self.folder, env=environment, capture_output=True, text=True)
        if started.returncode != 0:
            raise Failed(f"`{command[0]}` cannot be started: {last_lines(started.stderr)}")
        run = Run(output=log.read_text(errors="replace"), **json.loads(result.read_text()))
        if run.exit_code != 0:
            raise Failed(f"`{' '.join(command)}` ended with {run.exit_code}: {last_lines(run.output)}")
        return run

    def empty(self, name):
        """A folder without files in the session's."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        return folder


@contextlib.contextmanager
def folder_for_maps(session, count):
    """A folder for so many maps of 512 x 512, in memory where there is one with room for them.

    On a disk, or into memory that a virtual machine touches for the first time, writing a map takes now
    half a millisecond, now three.
    """
    room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 2 * count * MAP_BYTES
    with tempfile.TemporaryDirectory(prefix="peers-", dir=MEMORY if room else session.folder) as folder:
        yield pathlib.Path(folder)


def last_lines(text, count=4):
    return "; ".join(text.strip().splitlines()[-count:])


def cargo_bench(package, bench, *arguments):
    """What a benchmark of ours prints."""
    command = ["cargo", "bench", "--quiet", "--locked", "--package", package, "--bench", bench, "--", *arguments]
    run = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=ROOT)
    if run.returncode != 0:
        raise Failed(f"`{' '.join(command[:8])}` failed: {last_lines(run.stderr)}")
    return run.stdout
