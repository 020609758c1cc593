"""All methods at once, less scorecam and fullgrad, against gradcam alone: what nine maps more cost.

The time of the clock has the writing of the maps in it, which partly happens while others are computed
and cannot be told from outside. The ratio with the writing apart is therefore that of processor time,
which does not overlap, less that of hashing and writing as many maps, measured here before each round.
"""

import hashlib
import os
import shutil
import statistics
import time

import numpy
import radiographs
import table
from session import folder_for_maps

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
    with folder_for_maps(session, 101 * len(METHODS)) as folder:
        return [
            *compare(session, folder, "densenet", 9, 1.3, 1.1),
            *compare(session, folder, "pasa", 101, 2, 1.5),
        ]


def compare(session, folder, network, count, goal, stretch):
    """The rows of a network: time of the clock, and processor time without writing."""
    clocks, processors, writings = ([], []), ([], []), []
    for _ in range(1 if session.quick else 3):
        writings.append(time_of_writing(folder))
        for index, methods in enumerate([["gradcam"], METHODS]):
            session.say(f"generate with {len(methods)} methods, {network}: 1 and {count} images")
            one, many = (generate(session, folder / "maps", network, images, methods) for images in (1, count))
            clocks[index].append((many.seconds - one.seconds) / (count - 1))
            processor = (many.processor_seconds - one.processor_seconds) / (count - 1)
            processors[index].append(processor - writings[-1] * len(methods))
    rests_on = f"{count} images, medians of {len(writings)} rounds"
    writing = table.duration(statistics.median(writings))
    rows = []
    for what, times, limits in [
        (f"generate with {len(METHODS)} methods, {network}, an image", clocks, ()),
        (f"the same, processor time less {writing} a map for writing", processors, (goal, stretch)),
    ]:
        alone, together = (statistics.median(values) for values in times)
        rows.append(table.share(what, together, "gradcam alone", alone, *limits, rests_on=rests_on))
    return rows


def generate(session, output, network, count, methods):
    shutil.rmtree(output, ignore_errors=True)
    line = ["saliency", "generate", network, radiographs.split(session, count)[0], "--parallel", session.threads]
    line += ["-w", f"{network}.ckpt", "-o", output, "--quiet"]
    for method in methods:
        line += ["-s", method]
    return session.run([session.ours, *line])


def time_of_writing(folder):
    """Seconds of a processor for hashing a map, writing it under a temporary name and renaming it: the median of fifty."""
    folder = folder / "writing"
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
    shutil.rmtree(folder)
    return statistics.median(times)
