"""DenseNet-121 of densenet121, target layer features.norm5 before its ReLU: 1024 channels.

The activation and gradient keep every 32nd channel. A network with torchvision's in-place ReLU would
show the rectified activation instead."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
import networks  # noqa: E402
import saliency_reference  # noqa: E402
import seeded_weights  # noqa: E402

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SEED = 8

if __name__ == "__main__":
    saliency_reference.make(
        pathlib.Path(__file__).parent,
        networks.seeded(networks.Densenet121(1), SEED, MEAN, STD),
        seeded_weights.image(3, 512, 512, SEED),
        "features.norm5",
        lambda net, captured: networks.norm5_suffix(net),
        channel_stride=32,
        scorecam=False,
        full=False,
        library=["gradcam", "hirescam", "layercam", "gradcam++"],
        description={"network": "densenet121", "outputs": 1, "weights seed": SEED, "image seed": SEED,
                     "normalizer mean": MEAN, "normalizer std": STD},
    )  # fmt: skip
