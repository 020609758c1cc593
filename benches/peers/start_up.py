"""Start-up: the help, and the whole run over one image with pasa.

The run over one image reads and hashes the weights, draws up the network, makes the one forward pass
(4 ms of ours) and writes the one map: it is a little more than start-up.
"""

import statistics

import radiographs
import table


def measure(session):
    rows = []
    split, configuration = radiographs.split(session, 1)

    def generate(program, data, *more):
        output = session.empty("start-up")
        return [program, "classify", "saliency", "generate", "pasa", data, "-w", "pasa.ckpt", "-o", output, *more]

    for what, ours, original, limits in [
        ("mednet --help", [session.ours, "--help"], [session.original, "--help"], (10e-3, 5e-3)),
        (
            "generate, pasa, whole run over one image",
            generate(session.ours, split, "--parallel", session.threads),
            generate(session.original, configuration),
            (50e-3, 25e-3),
        ),
    ]:
        session.say(what)
        mine, others = [], []
        for _ in range(1 if session.quick else 3):
            for _ in range(7):
                session.empty("start-up")
                mine.append(session.run(ours).seconds)
            if session.original is not None:
                session.empty("start-up")
                others.append(session.run(original).seconds)
        rests_on = f"medians of {len(mine)} / {len(others)} runs; least {table.duration(min(mine))}"
        row = table.faster(what, statistics.median(mine), statistics.median(others) if others else None)
        limited = table.at_most(what, table.duration, statistics.median(mine), None, *limits)
        row.goal, row.stretch, row.met, row.rests_on = limited.goal, limited.stretch, limited.met, rests_on
        rows.append(row)
    return rows
