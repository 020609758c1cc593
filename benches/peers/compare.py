"""Compares mednet in Rust with the original and with engines for networks, part by part, and prints one table.

Everything is made here: phantoms as images, checkpoints from seeds. Times are ratios of one interleaved session; look at
ratios, not at times. The parts of a full run take about a quarter of an hour on two cores.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
# Behind our own folder, so that a module of ours is found first.
sys.path.append(str(HERE.parent.parent / "tests" / "golden"))

PARTS = {
    "floor": "floor",
    "networks": "whole_networks",
    "imputation": "imputation",
    "start-up": "start_up",
    "commands": "commands",
    "all-methods": "all_methods",
    "threads": "thread_scaling",
    "growth": "growth",
}
NOTE = (
    "Commands beside the original ran with --compat mednet, where they have it. The original's threads are limited by "
    "OMP_NUM_THREADS, since it has no option for them; its sparse solver has one thread."
)

#: Parts that need neither images nor checkpoints.
WITHOUT_DATA = {"floor", "networks", "imputation"}


def main():
    arguments = parse()
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(arguments.threads)
    # These read the variables as they are imported.
    import checkpoints
    import machine
    import radiographs
    import table
    from session import Session

    started = time.monotonic()
    before = machine.busy()
    rows, failed = [], []
    with tempfile.TemporaryDirectory(prefix="peers-", dir=arguments.folder) as folder:
        session = Session(
            folder=pathlib.Path(folder),
            ours=str(pathlib.Path(arguments.binary).resolve()),
            original=None,
            threads=arguments.threads,
            quick=arguments.quick,
        )
        if not WITHOUT_DATA.issuperset(arguments.only):
            session.original = original(session)
            radiographs.draw(session)
            checkpoints.write(session)
        for part in arguments.only:
            print(f"{part} ({(time.monotonic() - started) / 60:.1f} minutes so far)", file=sys.stderr, flush=True)
            try:
                rows += __import__(PARTS[part]).measure(session)
            except Exception as error:  # A part that fails must not take the others' figures with it.
                failed.append(f"{part}: {type(error).__name__}: {error}")
                print(f"  FAILED: {failed[-1]}", file=sys.stderr, flush=True)
    closing = [machine.describe(arguments.threads), NOTE]
    for when, share in [("before", before), ("after", machine.busy())]:
        if share is not None and share > 0.1:
            closing += [f"The machine was NOT QUIET {when} this: others used {share:.0%} of its processors."]
    closing += [f"{(time.monotonic() - started) / 60:.0f} minutes{', --quick' if arguments.quick else ''}."]
    closing += [f"Could not be run: {failure}" for failure in failed]
    print(table.aligned(rows))
    print("\n".join(["", *closing]))
    if arguments.markdown:
        text = table.markdown(rows) + "\n\n" + "\n\n".join(closing) + "\n"
        pathlib.Path(arguments.markdown).write_text(text)
    differs = [row.what for row in rows if "DIFFER" in row.rests_on]
    if differs:
        print(f"OUTPUTS DIFFER: {'; '.join(differs)}")
    return 1 if failed or differs or any(row.ours == "failed" for row in rows) else 0


def parse():
    parser = argparse.ArgumentParser(prog="benches/peers/run", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="fewer rounds, images and methods: to see whether it runs")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--markdown", metavar="FILE", help="also write the table as Markdown")
    parser.add_argument("--folder", help="where the temporary folder of the session goes")
    parser.add_argument("--binary", default=os.environ.get("MEDNET_BINARY"), help="our program, default: $MEDNET_BINARY")
    arguments = parser.parse_args()
    if not arguments.binary or not pathlib.Path(arguments.binary).exists():
        parser.error(f"our program is not there: {arguments.binary}")
    return arguments


def original(session):
    """The original's program beside this Python, if it can be started."""
    from session import Failed

    program = shutil.which("mednet", path=str(pathlib.Path(sys.executable).parent))
    if program is None:
        session.say("the package mednet is not installed: its columns stay empty")
        return None
    try:
        session.run([program, "--help"])
    except (Failed, OSError, subprocess.SubprocessError) as error:
        session.say(f"the original cannot be started, its columns stay empty: {error}")
        return None
    return program


if __name__ == "__main__":
    sys.exit(main())
