"""Writes colormaps.bin and colormaps.txt from matplotlib's colour maps.

    python make_tables.py        (made with matplotlib 3.11.2)

colormaps.txt: one name a line, after a class heading that starts with "#".
colormaps.bin: for each name, in that order, 256 x (red, green, blue) bytes, as matplotlib gives
them for `cmap(numpy.arange(256), bytes=True)`.
plasma.bin: the 256 x 3 values of plasma that the bytes were cut from, each a little-endian u32 in
millionths (matplotlib's table has six decimals).
"""

import pathlib

import matplotlib
import numpy

CLASSES = {
    "Perceptually uniform sequential": "viridis plasma inferno magma cividis",
    "Sequential": "Greys Purples Blues Greens Oranges Reds YlOrBr YlOrRd OrRd PuRd RdPu BuPu GnBu "
    "PuBu YlGnBu PuBuGn BuGn YlGn",
    "Sequential (2)": "binary gist_yarg gist_gray gray bone pink spring summer autumn winter cool "
    "Wistia hot afmhot gist_heat copper",
    "Rainbow": "turbo jet",
}

folder = pathlib.Path(__file__).parent
names, tables = [], []
for heading, members in CLASSES.items():
    names.append(f"# {heading}")
    for name in members.split():
        table = matplotlib.colormaps[name](numpy.arange(256), bytes=True)
        assert table.shape == (256, 4) and (table[:, 3] == 255).all(), name
        names.append(name)
        tables.append(table[:, :3].tobytes())

plasma = matplotlib.colormaps["plasma"](numpy.arange(256))[:, :3]
millionths = numpy.rint(plasma * 1e6).astype("<u4")
assert (millionths / 1e6 == plasma).all()

(folder / "colormaps.txt").write_text("\n".join(names) + "\n")
(folder / "colormaps.bin").write_bytes(b"".join(tables))
(folder / "plasma.bin").write_bytes(millionths.tobytes())
