"""Ours with two threads against ours with one: whole networks, and whole commands on as many processors as threads."""

import statistics

import commands
import floor
import table
import whole_networks

GOAL, STRETCH = 1.85, 1.95


def measure(session):
    session.say("a large product of matrices by PyTorch: 1 and 2 threads")
    # What the machine itself gives: processors share memory, power and, on rented ones, other people's work.
    product = compare(session, "large product of matrices, PyTorch", lambda threads: 1 / floor.rate(floor.torch_product(threads)))
    product.ours = product.theirs = product.goal = product.stretch = product.met = ""
    rows = [product]
    for name, batch in [("densenet", 1), ("densenet", 8), ("pasa", 1), ("pasa", 8)]:
        session.say(f"{name} forward, batch {batch}: 1 and 2 threads")
        weights = whole_networks.write(session, name, whole_networks.network(name)[1])
        rows.append(
            compare(
                session,
                f"{name} forward, batch {batch}",
                lambda threads: whole_networks.ours(name, weights, batch, threads)[0],
            )
        )
    for case in commands.CASES:
        if case.command == "generate" and case.method == "gradcam" or case.command == "completeness":
            rows.append(
                compare(session, f"{case.title()}, an image", lambda threads: image(session, case, threads))
            )
    return rows


def image(session, case, threads):
    """Seconds an image after start-up, of half as many images as elsewhere."""
    count = case.ours // 2 + 1
    one, many = (commands.ours(session, case, images, threads).seconds for images in (1, count))
    return (many - one) / (count - 1)


def compare(session, what, seconds):
    """The row of one thing; `seconds` takes a number of threads."""
    rounds = 1 if session.quick else 3
    times = {1: [], 2: []}
    for _ in range(rounds):
        for threads in times:
            times[threads].append(seconds(threads))
    one, two = (statistics.median(times[threads]) for threads in (1, 2))
    return table.Row(
        f"{what}: 2 threads against 1",
        table.duration(two),
        f"{table.duration(one)} (1 thread)",
        f"{one / two:.2f} x",
        f">= {GOAL} x",
        f"{STRETCH} x",
        table.verdict(lambda limit: one / two >= limit, GOAL, STRETCH),
        f"medians of {rounds} rounds" if rounds > 1 else "1 round",
    )
