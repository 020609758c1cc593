"""DenseNet-121 with one output, seeded weights (seed 8), one 3 x 512 x 512 image (image seed 8).

ScoreCAM, AblationCAM and FullGrad of pytorch-grad-cam itself are compared at the smaller size of
densenet121-two-outputs."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
import networks  # noqa: E402
import saliency_reference  # noqa: E402
import seeded_weights  # noqa: E402

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SEED = 8
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
        networks.seeded(networks.Densenet121(1), SEED, MEAN, STD),
        seeded_weights.image(3, 512, 512, SEED),
        "features.denseblock4.denselayer16.conv2",
        lambda net, captured: networks.densenet_suffix(net, captured["features.denseblock4"]),
        library=[
            m for m in saliency_reference.METHODS if m not in ("ablationcam", "scorecam", "fullgrad")
        ],
        node_names=NODES,
        description={"network": "densenet121", "outputs": 1, "weights seed": SEED, "image seed": SEED,
                     "normalizer mean": MEAN, "normalizer std": STD},
    )  # fmt: skip
