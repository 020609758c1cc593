# SPDX-License-Identifier: MIT OR Apache-2.0
"""Reading an exported data set of phantoms (PNG files and split.json)."""

import json
import pathlib

import numpy
from PIL import Image


def read(folder):
    """Pictures [N, 512, 512] as bytes, labels [N], and for each sample its boxes [x, y, w, h].

    The pictures are kept as `pixels.npy` beside the split and mapped into memory.
    """
    folder = pathlib.Path(folder)
    samples = json.loads((folder / "split.json").read_text())["test"]
    cache = folder / "pixels.npy"
    if not cache.exists():
        pixels = numpy.stack([numpy.asarray(Image.open(folder / sample[0])) for sample in samples])
        numpy.save(cache, pixels)
    labels = numpy.array([sample[1] for sample in samples], dtype=numpy.float32)
    boxes = [[box[1:] for box in sample[2]] if len(sample) > 2 else [] for sample in samples]
    return numpy.load(cache, mmap_mode="r"), labels, boxes


def mask(boxes, size=512):
    """1 inside any box, 0 elsewhere: [size, size]."""
    inside = numpy.zeros((size, size), dtype=numpy.float32)
    for x, y, width, height in boxes:
        inside[max(y, 0) : max(y + height, 0), max(x, 0) : max(x + width, 0)] = 1
    return inside
