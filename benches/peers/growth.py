"""Ours with more and more images: the time should grow as they do, and the memory not at all."""

import radiographs
import table

#: How much longer an image may take, and how much more memory may be held, than in the run before.
TIME, MEMORY = 1.1, 1.1


def measure(session):
    counts = {"pasa": [10, 100] if session.quick else [10, 100, 1000], "densenet": [] if session.quick else [10, 100]}
    rows = []
    for network, images in counts.items():
        one = run(session, network, 1)
        previous = None
        for count in images:
            many = run(session, network, count)
            image = (many.seconds - one.seconds) / (count - 1)
            rows.append(row(network, count, image, many.peak_bytes, previous))
            previous = count, image, many.peak_bytes
    session.empty("growth")
    return rows


def run(session, network, count):
    session.say(f"generate -s gradcam, {network}: {count} images")
    line = ["saliency", "generate", network, radiographs.split(session, count)[0], "--parallel", session.threads]
    line += ["-w", f"{network}.ckpt", "-o", session.empty("growth"), "--quiet"]
    return session.run([session.ours, *line])


def row(network, count, image, peak, previous):
    """Time of an image after start-up and memory, beside those of the run with fewer images."""
    result = table.Row(
        f"generate -s gradcam, {network}, {count} images",
        f"{table.duration(image)} an image, {table.memory(peak)}",
        rests_on="1 run less one over 1 image",
    )
    if previous:
        fewer, before, less = previous
        result.theirs = f"ours, {fewer} images"
        result.ratio = f"time {image / before:.2f} x, memory {peak / less:.2f} x"
        result.goal = f"<= {TIME} x, <= {MEMORY} x"
        result.met = "goal" if image / before <= TIME and peak / less <= MEMORY else "no"
    return result
