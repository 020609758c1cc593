"""Weights and images from a seed: the same bits here and in `seeded_weights.rs`.

No golden case stores the weights or the input of its network. Both are drawn from the generator
below, which uses 64-bit integer arithmetic and single IEEE operations only, so that every language
gets the same float32 bits.

Stream. For a NAME and a SEED

    state = FNV-1a-64(utf-8 bytes of NAME) XOR SEED
    z_i   = splitmix64-finaliser(state + (i + 1) * 0x9E3779B97F4A7C15)      i = 0, 1, ... (mod 2^64)
    u_i   = (z_i >> 40 - 2^23) / 2^23                                       in [-1, 1), exact in float32

(FNV-1a: Fowler, Noll, Vo; splitmix64: Steele, Lea, Flood, OOPSLA 2014, doi 10.1145/2660193.2660195.)

`tensor(name, shape, seed)`: value i (row-major) is, computed in float64 and rounded once to float32,

    rank >= 2 (convolution, linear weight)  u_i * sqrt(6 / fan_in), fan_in = product of shape[1:]
                                            (He-uniform: He et al. 2015, arXiv 1502.01852)
    ....weight, rank 1 (batch norm scale)   1 + 0.5 * u_i, negated where z_i mod 16 = 0
    ....running_var                         1 + 0.5 * u_i
    ....bias, ....running_mean              0.2 * u_i
    ....num_batches_tracked                 0

`image(channels, height, width, seed)`: values in [0, 1), all integer until one exact division. With
the 16-bit lattice value L(n, j) = z_j >> 48 of the stream "image.CHANNEL.n" and, for a spacing s,
the bilinear interpolation (x = column, y = row, floor division, lattice of width // s + 2 columns)

    B_s = ((L00 (s - x%s) + L01 (x%s)) (s - y%s) + (L10 (s - x%s) + L11 (x%s)) (y%s)) >> (2 log2 s)

a pixel is (5 B_64 + 2 B_16 + L("noise", y * width + x)) / 2^19: a smooth part with 64-pixel
structures, a finer one with 16-pixel ones, and white noise. B_s reads the stream "image.CHANNEL.s".
"""

import numpy

GAMMA = 0x9E3779B97F4A7C15
MASK = 0xFFFFFFFFFFFFFFFF


def fnv1a(text: str) -> int:
    """FNV-1a, 64 bits, of the utf-8 bytes of `text`."""
    state = 0xCBF29CE484222325
    for byte in text.encode("utf-8"):
        state = ((state ^ byte) * 0x100000001B3) & MASK
    return state


def stream(name: str, count: int, seed: int) -> numpy.ndarray:
    """The first `count` 64-bit words of the stream `name`."""
    state = fnv1a(name) ^ (seed & MASK)
    z = numpy.arange(1, count + 1, dtype=numpy.uint64)
    z *= numpy.uint64(GAMMA)
    z += numpy.uint64(state)
    z ^= z >> numpy.uint64(30)
    z *= numpy.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> numpy.uint64(27)
    z *= numpy.uint64(0x94D049BB133111EB)
    z ^= z >> numpy.uint64(31)
    return z


def tensor(name: str, shape: tuple[int, ...], seed: int) -> numpy.ndarray:
    """A parameter of a network as float32, by the rules at the top of this file."""
    count = int(numpy.prod(shape, dtype=numpy.int64))
    if name.endswith("num_batches_tracked"):
        return numpy.zeros(shape, dtype=numpy.float32)
    z = stream(name, count, seed)
    u = ((z >> numpy.uint64(40)).astype(numpy.float64) - 8388608.0) / 8388608.0
    if len(shape) >= 2:
        values = u * numpy.sqrt(6.0 / float(numpy.prod(shape[1:], dtype=numpy.int64)))
    elif name.endswith(".running_var"):
        values = 1.0 + 0.5 * u
    elif name.endswith(".weight"):
        values = 1.0 + 0.5 * u
        values = numpy.where(z % numpy.uint64(16) == 0, -values, values)
    elif name.endswith((".bias", ".running_mean")):
        values = 0.2 * u
    else:
        raise ValueError(f"no rule for a tensor named {name} of shape {shape}")
    return values.astype(numpy.float32).reshape(shape)


def image(channels: int, height: int, width: int, seed: int) -> numpy.ndarray:
    """An image [channels, height, width] as float32 in [0, 1), by the rule at the top of this file."""
    y, x = numpy.mgrid[0:height, 0:width].astype(numpy.int64)
    result = numpy.empty((channels, height, width), dtype=numpy.float32)
    for channel in range(channels):
        total = numpy.zeros((height, width), dtype=numpy.int64)
        for spacing, bits, share in ((64, 12, 5), (16, 8, 2)):
            columns = width // spacing + 2
            rows = height // spacing + 2
            words = stream(f"image.{channel}.{spacing}", rows * columns, seed)
            lattice = (words >> numpy.uint64(48)).astype(numpy.int64).reshape(rows, columns)
            row, column, fy, fx = y // spacing, x // spacing, y % spacing, x % spacing
            top = lattice[row, column] * (spacing - fx) + lattice[row, column + 1] * fx
            bottom = lattice[row + 1, column] * (spacing - fx) + lattice[row + 1, column + 1] * fx
            total += share * ((top * (spacing - fy) + bottom * fy) >> bits)
        words = stream(f"image.{channel}.noise", height * width, seed)
        total += (words >> numpy.uint64(48)).astype(numpy.int64).reshape(height, width)
        result[channel] = total.astype(numpy.float32) / numpy.float32(524288.0)
    return result


def state_dict(shapes: dict[str, tuple[int, ...]], seed: int) -> dict[str, numpy.ndarray]:
    """Every tensor of a network whose state dict has these names and shapes."""
    return {name: tensor(name, shape, seed) for name, shape in shapes.items()}


def checksum(values: numpy.ndarray) -> int:
    """FNV-1a, 64 bits, taken over the float32 bit patterns as 32-bit words: slow, for small arrays."""
    state = 0xCBF29CE484222325
    for word in values.ravel().view(numpy.uint32).tolist():
        state = ((state ^ word) * 0x100000001B3) & MASK
    return state


if __name__ == "__main__":
    # Prints what the unit tests of seeded_weights.rs expect.
    for name, shape in (
        ("features.conv0.weight", (64, 3, 7, 7)),
        ("features.norm0.weight", (64,)),
        ("features.norm0.bias", (64,)),
        ("features.norm0.running_mean", (64,)),
        ("features.norm0.running_var", (64,)),
        ("classifier.weight", (2, 1024)),
    ):
        values = tensor(name, shape, 7)
        bits = [f"0x{word:08x}" for word in values.ravel()[:4].view(numpy.uint32)]
        print(name, shape, bits, f"0x{checksum(values):016x}", "negative", int((values < 0).sum()))
    values = image(3, 70, 130, 7)
    bits = [f"0x{word:08x}" for word in values.ravel()[:4].view(numpy.uint32)]
    print("image (3, 70, 130)", bits, f"0x{checksum(values):016x}", values.min(), values.max())
