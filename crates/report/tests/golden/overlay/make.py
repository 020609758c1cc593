"""Every eighth pixel of an overlay that the original (mednet 2.1.0) drew, with its radiograph and map.

An overlay is made pixel by pixel, but for its boxes. The radiograph is a drawing.
Usage: python make.py REFERENCE_FOLDER (numpy, Pillow).
"""

import sys

import numpy
from PIL import Image

reference = sys.argv[1]
golden = f"{reference}/golden/pasa/gradcam"


def thinned(path):
    return numpy.array(Image.open(path).convert("RGB"))[::8, ::8]


Image.fromarray(thinned(f"{reference}/tbx11k/imgs/tb/tb0009.png")).save("image.png", optimize=True)
numpy.save("map.npy", numpy.load(f"{golden}/tb0009.npy")[::8, ::8].astype("<f4"))
Image.fromarray(thinned(f"{golden}/view-tb0009.png")).save("threshold-20.png", optimize=True)
Image.fromarray(thinned(f"{golden}/view-nogt-tb0009.png")).save("threshold-0.png", optimize=True)
