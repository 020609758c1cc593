"""DenseNet-121 with two outputs, seeded weights (seed 7), one 3 x 160 x 192 image (image seed 7)."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
import networks  # noqa: E402
import saliency_reference  # noqa: E402
import seeded_weights  # noqa: E402

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SEED = 7
NODES = [
    f"features.{name}"
    for name in (
        "conv0 norm0 relu0 pool0 denseblock1.denselayer1.norm1 denseblock1.denselayer1.conv1 "
        "denseblock1.denselayer1.conv2 denseblock1 transition1 denseblock2 transition2 denseblock3 "
        "transition3 denseblock4.denselayer16.conv1 denseblock4.denselayer16.conv2 denseblock4 norm5"
    ).split()
] + ["classifier"]

if __name__ == "__main__":
    saliency_reference.make(
        pathlib.Path(__file__).parent,
        networks.seeded(networks.Densenet121(2), SEED, MEAN, STD),
        seeded_weights.image(3, 160, 192, SEED),
        "features.denseblock4.denselayer16.conv2",
        lambda net, captured: networks.densenet_suffix(net, captured["features.denseblock4"]),
        stride=4,
        input_stride=4,
        library=saliency_reference.METHODS,
        node_names=NODES,
        description={"network": "densenet121", "outputs": 2, "weights seed": SEED, "image seed": SEED,
                     "normalizer mean": MEAN, "normalizer std": STD},
    )  # fmt: skip
