"""Ours with more and more images: the time should grow as they do, and the memory not at all."""

import radiographs
import table

#: How much longer an image may take, and how much more memory may be held, than in the run before.
TIME, MEMORY = 1.1, 1.1


def measure(session):
    counts = {"pasa": [10, 100] if session.quick else [10, 100, 1000], "densenet": [] if session.quick else [10, 100]}
    rows = []
    for network, images in counts.items():
        previous = None
        for count in images:
            session.say(f"generate -s gradcam, {network}: {count} images")
            line = ["saliency", "generate", network, radiographs.split(session, count)[0], "--parallel", session.threads]
            line += ["-w", f"{network}.ckpt", "-o", session.empty("growth"), "--quiet"]
            run = session.run([session.ours, *line])
            rows.append(row(network, count, run, previous))
            previous = count, run
    session.empty("growth")
    return rows


def row(network, count, run, previous):
    """Time and memory beside those of the run before; each image that was added counts, not start-up."""
    result = table.Row(
        f"generate -s gradcam, {network}, {count} images",
        f"{table.duration(run.seconds / count)} an image, {table.memory(run.peak_bytes)}",
        rests_on="1 run, start-up included",
    )
    if previous:
        fewer, before = previous
        added = (run.seconds - before.seconds) / (count - fewer)
        slower, larger = added / (before.seconds / fewer), run.peak_bytes / before.peak_bytes
        result.ratio = f"time {slower:.2f} x, memory {larger:.2f} x"
        result.theirs = f"{table.duration(added)} an image more than {fewer}"
        result.goal = f"<= {TIME} x, <= {MEMORY} x"
        result.met = "goal" if slower <= TIME and larger <= MEMORY else "no"
    return result
