"""The eight imputations of an image by ROAD, together: our benchmark of them."""

import re

import machine
import table
from session import cargo_bench


def measure(session):
    session.say("cargo bench of the imputation")
    output = cargo_bench("mednet-saliency", "imputation")
    rows = []
    goal = 30e-3 if machine.has_avx512() else 60e-3
    for line in output.splitlines():
        found = re.match(r"(.*): 2 threads, .*median ([\d.]+) best ([\d.]+) ms", line)
        if found:
            what, median, best = found.groups()
            rows.append(
                table.at_most(
                    f"8 imputations, {what}, 2 threads",
                    table.duration,
                    float(median) / 1e3,
                    None,
                    goal,
                    15e-3,
                    f"median of 25; least {best} ms",
                )
            )
    if not rows:
        raise RuntimeError(f"the benchmark of the imputation prints no line with 2 threads: {output[:200]}")
    return rows
