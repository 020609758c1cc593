"""JPEG files with restart markers. Run with Pillow 13.0.0 in this folder."""

import numpy as np
from PIL import Image

y, x = np.mgrid[0:72, 0:100]
gray = (128 + 90 * np.sin(x / 7) * np.cos(y / 5)).astype(np.uint8)
colour = np.stack([gray, gray[::-1], gray[:, ::-1]], axis=-1)
Image.fromarray(gray).save("gray-row.jpg", quality=90, restart_marker_rows=1)
Image.fromarray(colour).save("rgb-420-blocks.jpg", quality=90, subsampling="4:2:0", restart_marker_blocks=3)
