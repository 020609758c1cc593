"""Writes scipy.json beside itself: reference values of the statistics, by scipy 1.17 and numpy."""

import json
import pathlib

import numpy as np
import scipy.stats
from scipy.special import ndtr, ndtri
from scipy.stats._resampling import BootstrapResult, _bca_interval

random = np.random.default_rng(2024)


def wilcoxon(name, differences):
    differences = np.asarray(differences, dtype=float)
    result = scipy.stats.wilcoxon(differences)
    return {
        "name": name,
        "differences": differences.tolist(),
        "statistic": float(result.statistic),
        "p": float(result.pvalue),
    }


def summary(values):
    values = np.asarray(values, dtype=float)
    return {
        "values": values.tolist(),
        "mean": float(values.mean()),
        "std": float(values.std(ddof=1)),
        "quartiles": np.percentile(values, [25, 50, 75]).tolist(),
    }


def mean(values, axis):
    return np.mean(values, axis=axis)


def bca(name, values, resamples):
    values = np.asarray(values, dtype=float)
    draws = random.integers(0, len(values), (resamples, len(values)))
    means = values[draws].mean(axis=-1)
    given = BootstrapResult(confidence_interval=None, bootstrap_distribution=means, standard_error=0.0)
    interval = scipy.stats.bootstrap(
        (values,), mean, n_resamples=0, bootstrap_result=given, method="BCa"
    ).confidence_interval
    _, _, acceleration = _bca_interval((values,), mean, -1, 0.025, means, None, np)
    share = ((means < values.mean()).sum() + (means <= values.mean()).sum()) / (2 * len(means))
    # Many resamples by scipy itself: to be met within the error of resampling.
    many = scipy.stats.bootstrap(
        (values,), mean, n_resamples=200_000, method="BCa", rng=random, batch=2000
    ).confidence_interval
    return {
        "name": name,
        "values": values.tolist(),
        "resampled": means.tolist(),
        "bias-correction": float(ndtri(share)),
        "acceleration": float(np.asarray(acceleration).item()),
        "interval": [float(interval.low), float(interval.high)],
        "interval-of-200000": [float(many.low), float(many.high)],
    }


probabilities = [1e-300, 1e-20, 1e-9, 0.001, 0.025, 0.2, 0.5, 0.6, 0.975, 0.999999]
document = {
    "scipy": scipy.__version__,
    "numpy": np.__version__,
    "normal": [[p, float(ndtri(p)), float(ndtr(ndtri(p)))] for p in probabilities],
    "summary": [
        summary(random.normal(size=n) * scale)
        for n, scale in [(2, 1), (3, 1e-7), (10, 1), (57, 1000)]
    ],
    "wilcoxon": [
        wilcoxon("two", [0.5, -0.25]),
        wilcoxon("five of one sign", [1, 2, 3, 4, 5]),
        wilcoxon("twelve", random.normal(0.3, 1, 12)),
        wilcoxon("fifty", random.normal(0.3, 1, 50)),
        wilcoxon("fifty-one", random.normal(0.3, 1, 51)),
        wilcoxon("three hundred", random.normal(0.1, 1, 300)),
        wilcoxon("nine with ties", [1, 1, -1, 2, 2, -3, 4, 4, 5]),
        wilcoxon("nine with zeros", [0, 0, -1, 2, 2.5, -3, 4, 4.5, 5]),
        wilcoxon("thirteen with ties and zeros", [0, 0, -1, 1, 2, 2, 2, -3, 4, 4, 5, 5, -5]),
        wilcoxon("fourteen with ties", [1, -1, 1, 2, 2, 2, -3, 4, 4, 5, 5, -5, 6, 7]),
        wilcoxon("fifteen with zeros", [0, 0, 1, -1.5, 1.25, 2, 2.5, -3, 4, 4.5, 5, 5.5, -6, 7, 8]),
        wilcoxon("forty, rounded", np.round(random.normal(0.2, 1, 40), 1)),
        wilcoxon("eighty, rounded, many zeros", np.round(random.normal(0.2, 0.5, 80))),
        wilcoxon("zeros only", [0, 0, 0, 0]),
        wilcoxon("one", [0.4]),
    ],
    "bca": [
        bca("fifteen, normal", random.normal(size=15), 250),
        bca("twenty-five, exponential", random.exponential(size=25), 250),
        bca("eight, skewed the other way", -random.exponential(size=8) ** 2, 250),
        bca("thirty, two values only", (random.random(30) < 0.3).astype(float), 250),
        bca("three", [0.125, 0.5, 0.25], 99),
    ],
}
path = pathlib.Path(__file__).with_name("scipy.json")
path.write_text(json.dumps(document, indent=1) + "\n")
