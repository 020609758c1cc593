"""Pasa with three outputs, seeded weights (seed 8), one 1 x 512 x 512 image (image seed 8)."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
import networks  # noqa: E402
import saliency_reference  # noqa: E402
import seeded_weights  # noqa: E402

MEAN, STD = [0.46875], [0.2421875]
SEED = 8

if __name__ == "__main__":
    network = networks.Pasa(3)
    saliency_reference.make(
        pathlib.Path(__file__).parent,
        networks.seeded(network, SEED, MEAN, STD),
        seeded_weights.image(1, 512, 512, SEED),
        "fc14",
        lambda net, captured: networks.pasa_suffix(net, captured["batchNorm2d_80_2"]),
        stride=16,
        library=[m for m in saliency_reference.METHODS if m != "fullgrad"],
        node_names=[name for name, _ in network.named_modules() if name],
        description={"network": "pasa", "outputs": 3, "weights seed": SEED, "image seed": SEED,
                     "normalizer mean": MEAN, "normalizer std": STD},
    )  # fmt: skip
