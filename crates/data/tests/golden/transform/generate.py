#!/usr/bin/env python3
"""Goldens of the input transforms, made by torchvision and Pillow.

Run in this folder with torch, torchvision, numpy and Pillow installed:

    python generate.py

It writes `cases.json` (boxes, sizes, sums), `*.f32` (float32 little-endian values, inputs from the
formula in `picture`, every STRIDE-th row and column of the result) and `jpeg/*` (JPEG files with
Pillow's decoding beside them). `tests/transforms.rs` and `tests/reading.rs` read them.
"""

import json
import pathlib

import numpy
import PIL
import PIL.Image
import torch
import torchvision
from torchvision import tv_tensors
from torchvision.transforms import v2

HERE = pathlib.Path(__file__).parent
STRIDE = 13


def picture(channels, height, width):
    """Values in [0, 1] of 8 bits: a linear congruential generator, the same in the test."""
    state = (channels * 31 + height) * 31 + width
    values = numpy.empty(channels * height * width, dtype=numpy.float32)
    for i in range(values.size):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        values[i] = numpy.float32(state >> 24) / numpy.float32(255)
    return torch.from_numpy(values.reshape(channels, height, width))


class SquareCenterPad(torch.nn.Module):
    def forward(self, inpt):
        height, width = v2.functional.get_size(inpt)
        side = max(height, width)
        left, top = (side - width) // 2, (side - height) // 2
        return v2.functional.pad(inpt, [left, top, side - width - left, side - height - top], 0)


PIPELINES = {
    "gray64": v2.Compose(
        [v2.Grayscale(), SquareCenterPad(), v2.Resize(64, antialias=True)]
    ),
    "gray512": v2.Compose(
        [v2.Grayscale(), SquareCenterPad(), v2.Resize(512, antialias=True)]
    ),
    "rgb43": v2.Compose([SquareCenterPad(), v2.Resize(43, antialias=True), v2.RGB()]),
    "rgb430": v2.Compose([SquareCenterPad(), v2.Resize(430, antialias=True), v2.RGB()]),
    "resize50": v2.Compose([v2.Resize(50, antialias=True)]),
}
INPUTS = [(1, 97, 64), (3, 97, 64), (1, 201, 350), (3, 63, 64), (1, 430, 430), (3, 1, 7)]

cases = []
for channels, height, width in INPUTS:
    for name, pipeline in PIPELINES.items():
        boxes = tv_tensors.BoundingBoxes(
            [
                [0, 0, width, height],
                [1, 0, min(3, width), 1],
                [width // 3, height // 4, width // 2, height // 2],
                [width // 2, height // 2, width + 20, height + 30],
                [-5, -7, width // 2, height // 3],
            ],
            format="XYXY",
            canvas_size=(height, width),
            dtype=torch.int64,
        )
        image = pipeline(tv_tensors.Image(picture(channels, height, width)))
        moved = pipeline(boxes)
        file = f"{name}-c{channels}-h{height}-w{width}.f32"
        sampled = image[..., ::STRIDE, ::STRIDE].contiguous().numpy().astype("<f4")
        (HERE / file).write_bytes(sampled.tobytes())
        cases.append(
            {
                "pipeline": name,
                "input": [channels, height, width],
                "output": list(image.shape),
                "sum": float(image.double().sum()),
                "boxes": boxes.tolist(),
                "moved": moved.tolist(),
                "values": file,
            }
        )

# JPEG: what Pillow (libjpeg-turbo) decodes from files it wrote itself.
jpeg = HERE / "jpeg"
jpeg.mkdir(exist_ok=True)
height, width = 61, 83
y, x = numpy.mgrid[0:height, 0:width]
smooth = numpy.stack(
    [
        127 + 100 * numpy.sin(x / 9) * numpy.cos(y / 7),
        127 + 90 * numpy.cos(x / 5 + y / 11),
        40 + 2.5 * y + 0.5 * x,
    ],
    axis=-1,
)
noise = numpy.random.default_rng(0).normal(0, 6, smooth.shape)
colour = numpy.clip(smooth + noise, 0, 255).astype(numpy.uint8)
for name, array, options in [
    ("gray-q90", colour[..., 0], {"quality": 90}),
    ("gray-q75-progressive", colour[..., 0], {"quality": 75, "progressive": True}),
    ("rgb-444-q90", colour, {"quality": 90, "subsampling": 0}),
    ("rgb-420-q90", colour, {"quality": 90, "subsampling": 2}),
]:
    file = jpeg / f"{name}.jpg"
    PIL.Image.fromarray(array).save(file, **options)
    (jpeg / f"{name}.u8").write_bytes(numpy.asarray(PIL.Image.open(file)).tobytes())

# Kinds of PNG, TIFF and BMP, with the values that Pillow reads (alpha and palette converted).
kinds = HERE / "kinds"
kinds.mkdir(exist_ok=True)
small = PIL.Image.fromarray(colour[:20, :30])
gray = PIL.Image.fromarray(colour[:20, :30, 0])
sixteen = PIL.Image.fromarray(
    (colour[:20, :30, 0].astype(numpy.uint16) * 257 ^ 77).astype(numpy.uint16)
)
palette = small.quantize(16)
rgba = small.copy()
rgba.putalpha(gray)
la = gray.copy()
la.putalpha(PIL.Image.fromarray(colour[:20, :30, 1]))
bilevel = gray.convert("1")
for name, image, mode in [
    ("gray8.png", gray, None),
    ("gray16.png", sixteen, None),
    ("bilevel.png", bilevel, None),
    ("rgb8.png", small, None),
    ("palette4.png", palette, "RGB"),
    ("rgba.png", rgba, "RGB"),
    ("gray-alpha.png", la, "L"),
    ("gray8.tif", gray, None),
    ("gray16.tif", sixteen, None),
    ("rgb8.tif", small, None),
    ("bilevel.tif", bilevel, None),
    ("GRAY8.BMP", gray, None),
    ("rgb8.bmp", small, None),
    ("palette.bmp", palette, "RGB"),
    ("bilevel.bmp", bilevel, None),
]:
    image.save(kinds / name)
    read = PIL.Image.open(kinds / name)
    values = numpy.asarray(read.convert(mode) if mode else read)
    if values.dtype == bool:
        values = values.astype(numpy.uint8) * 255
    (kinds / f"{name}.raw").write_bytes(values.astype(values.dtype.newbyteorder("<")).tobytes())
# Pillow's conversion of colour to gray.
(kinds / "rgb8.png.luma").write_bytes(numpy.asarray(small.convert("L")).tobytes())

(HERE / "cases.json").write_text(
    json.dumps(
        {
            "made with": {
                "torch": torch.__version__.split("+")[0],
                "torchvision": torchvision.__version__.split("+")[0],
                "Pillow": PIL.__version__,
                "numpy": numpy.__version__,
            },
            "stride": STRIDE,
            "cases": cases,
        },
        indent=1,
    )
    + "\n"
)
