# SPDX-License-Identifier: MIT OR Apache-2.0
"""Measure the demo network on phantoms it has never seen.

    mednet demo --export test --seed 3000 --count 200
    python evaluate.py test ../weights/pasa-phantom.safetensors [--methods gradcam,hirescam,...]

Prints the area under the ROC curve and, for each saliency method at `fc14`, the mean over the
positive phantoms of the share of the map's energy that lies inside the boxes, that over the mean
share of the boxes in the area (1 = chance), and the median over the phantoms of their own ratio.
The maps are those of pytorch-grad-cam.
"""

import argparse

import numpy
import torch
from pytorch_grad_cam import (
    AblationCAM,
    EigenCAM,
    EigenGradCAM,
    GradCAM,
    GradCAMElementWise,
    GradCAMPlusPlus,
    HiResCAM,
    LayerCAM,
    RandomCAM,
    ScoreCAM,
    XGradCAM,
)
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from sklearn.metrics import roc_auc_score

import dataset
from pasa import load

METHODS = {
    "gradcam": GradCAM,
    "hirescam": HiResCAM,
    "gradcamelementwise": GradCAMElementWise,
    "layercam": LayerCAM,
    "xgradcam": XGradCAM,
    "gradcam++": GradCAMPlusPlus,
    "eigencam": EigenCAM,
    "eigengradcam": EigenGradCAM,
    "randomcam": RandomCAM,
    "ablationcam": AblationCAM,
    "scorecam": ScoreCAM,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="folder of the test set")
    parser.add_argument("weights", help=".safetensors file")
    parser.add_argument("--methods", default="gradcam", help="comma-separated names, or `all`")
    parser.add_argument("--positives", type=int, help="how many positive phantoms at most")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(42)
    numpy.random.seed(42)
    pixels, labels, boxes = dataset.read(arguments.data)
    network = load(arguments.weights)

    scores = []
    with torch.no_grad():
        for picture in pixels:
            image = torch.from_numpy(picture.astype(numpy.float32) / 255)[None, None]
            scores.append(float(network(image)))
    scores = numpy.array(scores)
    print(f"{len(labels)} phantoms, {int(labels.sum())} positive")
    print(f"AUROC {roc_auc_score(labels, scores):.4f}")
    print(f"accuracy at logit 0: {((scores > 0) == (labels == 1)).mean():.3f}")
    print(
        f"logits: healthy {scores[labels == 0].mean():.2f} +- {scores[labels == 0].std():.2f}, "
        f"lesion {scores[labels == 1].mean():.2f} +- {scores[labels == 1].std():.2f}"
    )

    names = list(METHODS) if arguments.methods == "all" else arguments.methods.split(",")
    positives = numpy.flatnonzero(labels == 1)[: arguments.positives]
    masks = [dataset.mask(boxes[index]) for index in positives]
    shares = numpy.array([mask.mean() for mask in masks])
    print(f"boxes cover {100 * shares.mean():.2f} % of the area on average")
    print("method               energy   ratio  median ratio  dead maps")
    for name in names:
        energies, dead = [], 0
        with METHODS[name](model=network, target_layers=[network.fc14]) as cam:
            for index, mask in zip(positives, masks):
                image = torch.from_numpy(pixels[index].astype(numpy.float32) / 255)[None, None]
                grayscale = cam(input_tensor=image, targets=[ClassifierOutputTarget(0)])[0]
                total = float(grayscale.sum())
                dead += total == 0
                energies.append(float((grayscale * mask).sum()) / total if total else 0.0)
        energies = numpy.array(energies)
        print(
            f"{name:20} {energies.mean():6.3f}  {energies.mean() / shares.mean():6.2f}"
            f"  {numpy.median(energies / shares):12.2f}  {dead:9d}",
            flush=True,
        )


if __name__ == "__main__":
    main()
