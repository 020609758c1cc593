"""Writes histograms with automatic bins as numpy 2.4.6 computes them: cases.json.

    python make.py
"""

import json
import pathlib

import numpy

rng = numpy.random.default_rng(1)
CASES = {
    "one value": [0.25],
    "constant": [0.5] * 7,
    "two values": [0.0, 1.0],
    "no interquartile range": [0.0] * 20 + [0.3, 0.9],
    "normal 10": rng.normal(size=10).tolist(),
    "normal 500": rng.normal(size=500).tolist(),
    "uniform 63": rng.random(63).tolist(),
    "skewed 200": rng.exponential(size=200).tolist(),
    "heavy tails 300": rng.standard_t(2, size=300).tolist(),
    "on the edges": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0],
    "clustered": (rng.normal(size=400) * 1e-3).tolist() + [1.0, -1.0],
    "tiny": (rng.random(30) * 1e-12).tolist(),
    "large offset": (1e6 + rng.random(40)).tolist(),
}
cases = []
for name, values in CASES.items():
    density, edges = numpy.histogram(numpy.array(values), bins="auto", density=True)
    cases.append({
        "name": name, "values": values, "edges": edges.tolist(), "density": density.tolist(),
        "quartiles": numpy.percentile(values, [25, 50, 75]).tolist(),
    })
pathlib.Path(__file__).with_name("cases.json").write_text(json.dumps(cases) + "\n")
