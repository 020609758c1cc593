"""Runs one program and says how long it took and how much memory it held at most.

    python launcher.py RESULT.json LOG PROCESSORS PROGRAM ARGUMENT...

PROCESSORS is how many it may use at most, 0 for all; it is ignored where the system cannot limit that.

A process of its own, and a small one: Linux counts the memory that a process held before it became
another program, so that a program started by a large process would seem large itself.
"""

import json
import os
import sys
import time


def main():
    result, log, processors, *command = sys.argv[1:]
    if int(processors) and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(processors)])
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    redirected = [(os.POSIX_SPAWN_DUP2, descriptor, 1), (os.POSIX_SPAWN_DUP2, descriptor, 2)]
    start = time.perf_counter()
    process = os.posix_spawnp(command[0], command, os.environ, file_actions=redirected)
    _, status, usage = os.wait4(process, 0)
    seconds = time.perf_counter() - start
    unit = 1 if sys.platform == "darwin" else 1024
    with open(result, "w") as file:
        json.dump(
            {
                "exit_code": os.waitstatus_to_exitcode(status),
                "seconds": seconds,
                "processor_seconds": usage.ru_utime + usage.ru_stime,
                "peak_bytes": usage.ru_maxrss * unit,
            },
            file,
        )


if __name__ == "__main__":
    main()
