"""All methods at once, less scorecam and fullgrad, against gradcam alone: what nine maps more cost.

The time of the clock has the writing of the maps in it, which partly happens while others are computed and cannot be
told from outside. The ratio with the writing apart is therefore that of processor time, which does not overlap, less that of
hashing and writing as many maps, measured here.
"""

import hashlib
import os
import statistics
import time

import numpy
import radiographs
import table

METHODS = [
    "ablationcam",
    "eigencam",
    "eigengradcam",
    "gradcam",
    "gradcam++",
    "gradcamelementwise",
    "hirescam",
    "layercam",
    "randomcam",
    "xgradcam",
]


def measure(session):
    writing = time_of_writing(session)
    session.say(f"hashing and writing a map takes {table.duration(writing)}")
    rows = []
    for network, count, goal, stretch in [("densenet", 9, 1.3, 1.1), ("pasa", 101, 2, 1.5)]:
        clocks, processors = ([], []), ([], [])
        for _ in range(1 if session.quick else 3):
            for index, methods in enumerate([["gradcam"], METHODS]):
                session.say(f"generate with {len(methods)} methods, {network}: 1 and {count} images")
                one, many = (generate(session, network, images, methods) for images in (1, count))
                clocks[index].append((many.seconds - one.seconds) / (count - 1))
                processor = (many.processor_seconds - one.processor_seconds) / (count - 1)
                processors[index].append(processor - writing * len(methods))
        what = f"generate with {len(METHODS)} methods, {network}, an image"
        alone, all_methods = (statistics.median(times) for times in clocks)
        rests_on = f"{count} images, medians of {len(clocks[0])} rounds"
        rows.append(table.share(what, all_methods, "gradcam alone", alone, rests_on=rests_on))
        alone, all_methods = (statistics.median(times) for times in processors)
        what = f"the same, processor time less {table.duration(writing)} a map for writing"
        rows.append(table.share(what, all_methods, "gradcam alone", alone, goal, stretch, rests_on=rests_on))
    session.empty("all")
    return rows


def generate(session, network, count, methods):
    line = ["saliency", "generate", network, radiographs.split(session, count)[0], "--parallel", session.threads]
    line += ["-w", f"{network}.ckpt", "-o", session.empty("all"), "--quiet"]
    for method in methods:
        line += ["-s", method]
    return session.run([session.ours, *line])


def time_of_writing(session):
    """Seconds of a processor for hashing a map, writing it under a temporary name and renaming it."""
    folder = session.empty("writing")
    folder.mkdir()
    contents = numpy.random.default_rng(1).random((512, 512), numpy.float32).tobytes()
    times = []
    for index in range(50):
        start = time.process_time()
        hashlib.sha256(contents).digest()
        with open(folder / "temporary", "wb") as file:
            file.write(contents)
        os.rename(folder / "temporary", folder / f"{index}.npy")
        times.append(time.process_time() - start)
    session.empty("writing")
    return statistics.median(times)
