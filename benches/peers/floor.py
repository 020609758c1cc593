"""The floor: the time of DenseNet-121's multiplications at the rate of a large product of matrices."""

import time

import table

#: Of a forward pass of DenseNet-121 at 512 x 512, a multiply-add counted as two.
DENSENET = 29.6e9
SIDE = 2048


def measure(session):
    session.say(f"products of {SIDE} x {SIDE} matrices")
    rates = {"PyTorch": rate(torch_product(session.threads)), "numpy": rate(numpy_product())}
    best = max(rates, key=rates.get)
    what = f"floor of densenet forward, an image, at {rates[best] / 1e9:.0f} GFLOP/s"
    return [
        table.Row(
            what,
            "",
            f"{table.duration(DENSENET / rates[best])} ({best})",
            rests_on=", ".join(f"{name} {value / 1e9:.0f} GFLOP/s" for name, value in rates.items()) + "; best of 15",
        )
    ]


def rate(product):
    """Operations a second of the best of fifteen products."""
    product()
    times = []
    for _ in range(15):
        start = time.perf_counter()
        product()
        times.append(time.perf_counter() - start)
    return 2 * SIDE**3 / min(times)


def torch_product(threads):
    import torch

    torch.set_num_threads(threads)
    one, other, result = (torch.rand(SIDE, SIDE) for _ in range(3))
    return lambda: torch.mm(one, other, out=result)


def numpy_product():
    import numpy

    generator = numpy.random.default_rng(1)
    one, other, result = (generator.random((SIDE, SIDE), numpy.float32) for _ in range(3))
    return lambda: numpy.matmul(one, other, out=result)
