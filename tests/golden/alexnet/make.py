"""AlexNet with mednet's head (4096, 512, 1), seeded weights (seed 7), one 3 x 430 x 430 image
(image seed 7); target layer features.10 before its ReLU, every 8th channel kept."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
import networks  # noqa: E402
import saliency_reference  # noqa: E402
import seeded_weights  # noqa: E402

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SEED = 7

if __name__ == "__main__":
    network = networks.alexnet(1)
    saliency_reference.make(
        pathlib.Path(__file__).parent,
        networks.seeded(network, SEED, MEAN, STD),
        seeded_weights.image(3, 430, 430, SEED),
        "features.10",
        lambda net, captured: networks.alexnet_suffix(net),
        channel_stride=8,
        library=saliency_reference.METHODS,
        node_names=[name for name, _ in network.named_modules() if "." in name],
        description={"network": "alexnet", "outputs": 1, "weights seed": SEED, "image seed": SEED,
                     "normalizer mean": MEAN, "normalizer std": STD},
    )  # fmt: skip
