"""Whole commands: ours against the original's, on the same checkpoints and images.

An image costs what a run over many images takes longer than a run over one, per image more: start-up
is left out. Ours runs before and after the original, and the mean of both counts.

The start-up of the original, ten seconds more or less, would hide what a fast command takes; the times
of its files tell more. A command that writes a file an image costs the time between the first and the
last, per image between them, and needs one run. The others write a file of settings before the first
image and one of scores after the last: the time between them in a run over many images less that in a
run over one. Either way the first image, which warms up, is left out.

Ours runs with `--compat mednet` where the command has it: then both make the same numbers, which is
checked. Both use the same number of threads; that of the original is set in the environment, and
its sparse solver (completeness) has one only.
"""

import dataclasses

import agreement
import radiographs
import table
from session import Failed

#: Images of the session for `interpretability` and `view`, whose maps ours makes beforehand.
STORED = 401


@dataclasses.dataclass
class Case:
    """A command line that both programs understand."""

    network: str
    command: str
    #: Images of our longer run, and of the original's.
    ours: int
    theirs: int
    goal: float
    stretch: float | None
    #: How far apart the outputs may be.
    tolerance: float
    method: str | None = None
    #: Bytes that ours may hold.
    memory: float | None = None

    def title(self):
        method = f" -s {self.method}" if self.method else ""
        return f"{self.command}{method}, {self.network}"


MB = 1e6
CASES = [
    Case("densenet", "generate", 25, 9, 4.5, 6, 1e-4, "gradcam", 200 * MB),
    Case("densenet", "generate", 25, 2, 100, 150, 1e-4, "ablationcam", 200 * MB),
    Case("densenet", "generate", 4, 2, 3, 4, 1e-4, "scorecam", 200 * MB),
    Case("densenet", "generate", 9, 2, 50, 80, 2e-2, "fullgrad", 200 * MB),
    # gradcamelementwise: hardly any pixel of its maps is zero. Where many are, the original
    # removes whole images (and takes twice as long for it), which would flatter us. Its noise has
    # no seed: six of its runs over the same two images differed by up to 0.036.
    Case("densenet", "completeness", 7, 2, 12, 18, 5e-2, "gradcamelementwise", 500 * MB),
    Case("pasa", "generate", 201, 41, 10, 15, 1e-4, "gradcam", 60 * MB),
    Case("pasa", "generate", 201, 5, 100, 300, 1e-4, "ablationcam", 60 * MB),
    Case("pasa", "generate", 11, 5, 5.5, 8, 1e-4, "scorecam", 60 * MB),
    Case("pasa", "completeness", 41, 2, 200, 400, 5e-2, "gradcamelementwise", 150 * MB),
    Case("pasa", "interpretability", STORED, STORED, 20, None, 1e-5),
    Case("pasa", "view", STORED, 101, 10, None, 1),
]


def measure(session):
    """The rows of all commands: times, then memory."""
    if session.original is None:
        session.say("the original cannot be started: ours runs alone")
    cases = CASES
    if session.quick:
        cases = [
            dataclasses.replace(case, ours=max(3, case.ours // 5), theirs=max(2, case.theirs // 5))
            for case in CASES
            if case.method in ("gradcam", None)
        ]
    store(session, max(max(case.ours, case.theirs) for case in cases))
    times, memories = [], []
    for case in cases:
        try:
            time, peak = compare(session, case)
        except Failed as error:
            session.say(f"ours failed: {error}")
            time = peak = table.Row(case.title(), "failed")
        times.append(time)
        memories.append(peak)
        cells = [time.ours, time.theirs, time.ratio, peak.ours, peak.theirs, time.rests_on]
        session.say(f"    {', '.join(cell for cell in cells if cell)}")
    return times + memories


def store(session, count):
    """Maps for `interpretability` and `view`."""
    split, _ = radiographs.split(session, count)
    output = session.empty("stored")
    session.run([session.ours, "saliency", "generate", "pasa", split, "-w", "pasa.ckpt", "-o", output, "-P", session.threads])


def compare(session, case):
    """The rows of time and memory of one command."""
    first = [ours(session, case, count) for count in (1, case.ours)]
    image, peak, text = None, None, ""
    if session.original is not None:
        try:
            image, peak = theirs(session, case)
        except Failed as error:
            session.say(f"the original failed: {error}")
            text = "the original failed"
    second = [ours(session, case, count) for count in (1, case.ours)]
    mean = sum(many.seconds - one.seconds for one, many in (first, second)) / 2 / (case.ours - 1)
    rests_on = f"{case.ours} images" + (f"; {text}" if text else "")
    if image is not None:
        rests_on = f"{case.ours} / {case.theirs} images; {agree(session, case)}"
    return (
        table.faster(f"{case.title()}, an image", mean, image, case.goal, case.stretch, rests_on),
        table.at_most(
            f"{case.title()}, peak memory",
            table.memory,
            max(run.peak_bytes for run in first + second),
            peak,
            case.memory,
            rests_on=rests_on.partition(";")[0],
        ),
    )


def arguments(session, case, data, output):
    """What follows the program's name, for both."""
    line = ["classify", "saliency", case.command, case.network, data, "-o", output]
    if case.command in ("generate", "completeness"):
        line += ["-w", session.folder / f"{case.network}.ckpt", "-s", case.method]
    else:
        line += ["-i", session.folder / "stored"]
    return line


def ours(session, case, count, threads=None):
    """Our run over `count` images; with `threads`, on as many processors: reading and writing have threads of their own."""
    session.say(f"{case.title()}: ours, {count} images")
    processors = threads or 0
    threads = threads or session.threads
    line = arguments(session, case, radiographs.split(session, count)[0], session.empty("ours"))
    if case.command != "interpretability":
        line += ["--compat", "mednet", "--parallel", threads]
    return session.run([session.ours, *line, "--quiet"], threads, processors)


def theirs(session, case):
    """Seconds an image and the peak memory of the original."""

    def run(count):
        session.say(f"{case.title()}: the original, {count} images")
        data = radiographs.split(session, count)[1]
        return session.run([session.original, *arguments(session, case, data, session.empty("theirs"))])

    output = session.folder / "theirs"
    if case.command in ("generate", "view"):
        many = run(case.theirs)
        suffix = ".npy" if case.command == "generate" else ".png"
        written = sorted(path.stat().st_mtime for path in output.rglob(f"*{suffix}"))
        return (written[-1] - written[0]) / (len(written) - 1), many.peak_bytes
    seconds = []
    for count in (1, case.theirs):
        many = run(count)
        settings, scores = (output / f"{case.command}{suffix}" for suffix in (".meta.json", ".json"))
        seconds.append(scores.stat().st_mtime - settings.stat().st_mtime)
    return (seconds[1] - seconds[0]) / (case.theirs - 1), many.peak_bytes


def agree(session, case):
    """How far apart the outputs of the last runs of both are."""
    names = radiographs.names(session, min(case.ours, case.theirs))
    one, other = session.folder / "ours", session.folder / "theirs"
    if case.command == "generate":
        return agreement.maps(one, other, names, case.tolerance)
    if case.command == "view":
        return agreement.pictures(one, other, names, case.tolerance)
    file = f"{case.command}.json"
    return agreement.scores(one / file, other / file, case.tolerance)
