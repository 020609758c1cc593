"""The table at the end: what was measured, beside what is wanted."""

import dataclasses

HEADER = ["what", "ours", "original or peer", "ratio", "goal", "stretch", "met", "rests on"]


@dataclasses.dataclass
class Row:
    """A line of the table, all as text. `met` is "no", "goal", "stretch", or empty where there is no goal or no figure."""

    what: str
    ours: str
    theirs: str = ""
    ratio: str = ""
    goal: str = ""
    stretch: str = ""
    met: str = ""
    rests_on: str = ""

    def cells(self):
        return [getattr(self, field.name) for field in dataclasses.fields(self)]


def number(value):
    """Three digits, or all that stand before the point."""
    for limit, digits in ((0.0995, 3), (9.95, 2), (99.5, 1)):
        if abs(value) < limit:
            return f"{value:.{digits}f}"
    return f"{value:.0f}"


def duration(seconds):
    if seconds is None:
        return "not run"
    return f"{number(seconds * 1e3)} ms" if seconds < 1 else f"{number(seconds)} s"


def memory(size):
    return "not run" if size is None else f"{size / 1e6:.0f} MB"


def verdict(holds, goal, stretch):
    """The furthest of the two limits that `holds` accepts."""
    # The peer of the stretch may have been slower than that of the goal.
    if stretch is not None and holds(stretch) and (goal is None or holds(goal)):
        return "stretch"
    if goal is not None:
        return "goal" if holds(goal) else "no"
    return ""


def share(what, ours, peer, theirs, goal=None, stretch=None, stretch_text=None, rests_on=""):
    """Our time over a peer's: at most the goal. Times in seconds."""
    row = Row(what, duration(ours), f"{duration(theirs)} ({peer})", rests_on=rests_on)
    row.goal = "" if goal is None else f"<= {goal:g} x"
    row.stretch = stretch_text or ("" if stretch is None else f"<= {stretch:.3g} x")
    if ours is not None and theirs is not None:
        row.ratio = f"{ours / theirs:.2f} x"
        row.met = verdict(lambda limit: ours / theirs <= limit, goal, stretch)
    return row


def faster(what, ours, theirs, goal=None, stretch=None, rests_on=""):
    """The original's time over ours: at least the goal. Times in seconds."""
    row = Row(what, duration(ours), duration(theirs), rests_on=rests_on)
    row.goal = "" if goal is None else f"{goal:g} x faster"
    row.stretch = "" if stretch is None else f"{stretch:g} x"
    if ours is not None and theirs is not None:
        row.ratio = f"{number(theirs / ours)} x faster"
        row.met = verdict(lambda limit: theirs / ours >= limit, goal, stretch)
    return row


def at_most(what, show, ours, theirs=None, goal=None, stretch=None, rests_on=""):
    """A figure of ours that has a limit of its own; `show` makes text of it."""
    row = Row(what, show(ours), "" if theirs is None else show(theirs), rests_on=rests_on)
    row.goal = "" if goal is None else f"<= {show(goal)}"
    row.stretch = "" if stretch is None else f"<= {show(stretch)}"
    if ours is not None:
        row.met = verdict(lambda limit: ours <= limit, goal, stretch)
        if theirs is not None:
            row.ratio = f"{theirs / ours:.0f} x less"
    return row


def aligned(rows):
    """The table as text, each column as wide as its widest cell."""
    lines = [HEADER, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADER))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines
    )


def markdown(rows):
    """The table in Markdown."""
    lines = [HEADER, ["---"] * len(HEADER), *(row.cells() for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
