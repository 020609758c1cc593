"""Pictures with an orientation note, and what Pillow reads from them: turned TIFFs, other files as stored.

Run with Pillow 13.0.0 in this folder. The TIFFs are compressed: from uncompressed ones with exchanged sides, Pillow
(11.3.0 and 13.0.0) reads rows of the wrong length. `NAME.raw` holds `[H, W, C]`: 8 bits, or 16 bits little-endian.
"""

from pathlib import Path

import numpy as np
from PIL import Image, TiffImagePlugin

random = np.random.default_rng(7)


def write(name: str, pixels: np.ndarray, orientation: int) -> None:
    image = Image.fromarray(pixels)
    if name.endswith(".tif"):
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        tags[274] = orientation
        image.save(name, tiffinfo=tags, compression="tiff_lzw")
    else:
        exif = Image.Exif()
        exif[274] = orientation
        image.save(name, exif=exif)
    with Image.open(name) as read:
        read.load()
        values = np.asarray(read)
        kind = values.dtype.newbyteorder("<")
        Path(name + ".raw").write_bytes(values.astype(kind).tobytes())


gray = random.integers(0, 256, (5, 7), dtype=np.uint8)
for orientation in range(1, 9):
    write(f"gray8-{orientation}.tif", gray, orientation)
write("gray16-6.tif", random.integers(0, 65536, (5, 7), dtype=np.uint16), 6)
write("rgb8-8.tif", random.integers(0, 256, (5, 7, 3), dtype=np.uint8), 8)
write("rgb8-3.png", random.integers(0, 256, (5, 7, 3), dtype=np.uint8), 3)
# One value everywhere: decoders of JPEG agree on it.
write("gray8-6.jpg", np.full((8, 16), 77, np.uint8), 6)
