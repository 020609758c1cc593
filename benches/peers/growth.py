"""Ours with more and more images: the time should grow as they do, and the memory not at all."""

import shutil
import statistics

import radiographs
import table
from session import folder_for_maps

#: How much longer each further image may take, and how much more memory may be held, than with fewer.
TIME, MEMORY = 1.1, 1.1
#: Runs of up to so many images are short, and made several times.
SHORT, ROUNDS = 100, 5


def measure(session):
    counts = {"pasa": [10, 100] if session.quick else [10, 100, 1000], "densenet": [] if session.quick else [10, 100]}
    rows = []
    for network, images in counts.items():
        with folder_for_maps(session, images[-1] if images else 0) as folder:
            rows += rows_of(session, network, images, folder / "maps")
    return rows


def rows_of(session, network, images, output):
    """Rows of a network: each run less the one with fewer images, at first of one."""
    fewer = run(session, network, 1, output)
    rows, before, fewer_images = [], None, 1
    for count in images:
        seconds, peak = run(session, network, count, output)
        image = (seconds - fewer[0]) / (count - fewer_images)
        rows.append(row(network, count, image, peak, before))
        fewer, fewer_images, before = (seconds, peak), count, (count, image, peak)
    return rows


def run(session, network, count, output):
    """Seconds and the largest resident set."""
    session.say(f"generate -s gradcam, {network}: {count} images")
    line = ["saliency", "generate", network, radiographs.split(session, count)[0], "--parallel", session.threads]
    line += ["-w", f"{network}.ckpt", "-o", output, "--quiet"]
    runs = []
    for _ in range(ROUNDS if network == "pasa" and count <= SHORT and not session.quick else 1):
        shutil.rmtree(output, ignore_errors=True)
        runs.append(session.run([session.ours, *line]))
    middle = statistics.median
    return middle(run.seconds for run in runs), middle(run.peak_bytes for run in runs)


def row(network, count, image, peak, before):
    """Time of a further image and memory, beside those with fewer images."""
    result = table.Row(
        f"generate -s gradcam, {network}, {count} images",
        f"{table.duration(image)} a further image, {table.memory(peak)}",
        rests_on="less the run with fewer images",
    )
    if before:
        fewer, faster, less = before
        result.theirs = f"ours, {fewer} images"
        result.ratio = f"time {image / faster:.2f} x, memory {peak / less:.2f} x"
        result.goal = f"<= {TIME} x, <= {MEMORY} x"
        result.met = "goal" if image / faster <= TIME and peak / less <= MEMORY else "no"
    return result
