"""Whether two programs that did the same thing made the same thing."""

import json

import numpy
from PIL import Image


def verdict(worst, tolerance, what):
    """Says how far apart two outputs are at most, and DIFFERS where that is too far."""
    text = f"{what} within {worst:.1g}"
    # A comparison with NaN is false: it differs.
    return text if worst <= tolerance else f"{text}: DIFFERS (tolerance {tolerance:g})"


#: How far apart two maps may be on average. A pixel may be further apart than most where a ReLU or a pooling decides
#: otherwise after rounding (FullGrad on DenseNet: up to 1.4 %, tests/golden/README.md).
MEAN = 1e-4


def maps(ours, theirs, names, tolerance):
    """The largest difference of two folders of saliency maps, of which both have `names`, and that of a map on average."""
    worst, mean = 0.0, 0.0
    for name in names:
        name = name.rsplit(".", 1)[0] + ".npy"
        one, other = numpy.load(ours / name), numpy.load(theirs / name)
        worst = largest(worst, one, other)
        mean = numpy.maximum(mean, numpy.abs(one - other).mean()) if one.shape == other.shape else float("inf")
    text = verdict(worst, tolerance, f"{len(names)} maps")
    return text if mean <= MEAN else f"{text}: DIFFERS on average by {mean:.1g}"


def scores(ours, theirs, tolerance):
    """The largest difference of two files of scores; samples are compared by name."""
    ours, theirs = (
        {row[0]: row[1:] for rows in json.loads(path.read_text()).values() for row in rows} for path in (ours, theirs)
    )
    worst = 0.0
    common = [name for name in theirs if name in ours]
    for name in common:
        worst = largest(worst, numpy.array(ours[name], float), numpy.array(theirs[name], float))
    return verdict(worst if common else float("nan"), tolerance, f"scores of {len(common)} images")


def pictures(ours, theirs, names, tolerance):
    """The largest difference of two folders of pictures, in levels of 255."""
    worst = 0.0
    for name in names:
        one, other = (numpy.asarray(Image.open(folder / name), float) for folder in (ours, theirs))
        worst = largest(worst, one, other)
    return verdict(worst, tolerance, f"{len(names)} pictures")


def largest(worst, one, other):
    """The larger of `worst` and the largest difference; NaN stays, and shapes that differ are infinitely far apart."""
    if one.shape != other.shape:
        return float("inf")
    return float(numpy.maximum(worst, numpy.abs(one - other).max()))
