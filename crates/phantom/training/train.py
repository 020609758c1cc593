# SPDX-License-Identifier: MIT OR Apache-2.0
"""Train Pasa to find the lesions of the phantoms.

    mednet demo --export train --seed 1000 --count 4000
    mednet demo --export valid --seed 2000 --count 200
    python train.py train valid ../weights/pasa-phantom.safetensors

Three losses are added:

1. binary cross-entropy of the output, as mednet trains;
2. the evidence of each of the 7 x 7 cells (the part of the logit that comes from it) is asked to
   be high where a box is and not to be elsewhere, also by binary cross-entropy;
3. the share of the Grad-CAM map of `fc14` that lies outside the boxes. The gradient of the logit
   with respect to fc14's output is known in closed form,
   `dense_k / 2 * scale_k * [normalised > 0] / 49`, so that the map can be trained on.

Nothing in loss 1, the usual one, asks the network to look at the lesion *where it is*: `fc14` has
49 cells, each of which sees most of the picture. The demo is to show a network that does look,
hence losses 2 and 3. Do not take it for a claim about networks trained in the usual way.

Most of the training is done on crops of 256 x 256 pixels, which cost a fifth; the cells' parts of
the logit are summed and divided by 49 whatever their number, so that a crop and a whole picture
ask the same of the weights. The last epochs see whole pictures. At the
end the logits are scaled to a moderate size.
"""

import argparse
import time

import numpy
import torch
from safetensors.torch import save_file
from sklearn.metrics import roc_auc_score
from torch import nn
from torch.nn import functional

import dataset
from pasa import Pasa, load, tensors_to_save

WHOLE = 512
CROP = 256
CELLS = 7
SHIFT = 20  # pixels by which whole pictures are moved at most
COARSE = 64  # width and height at which maps are compared with boxes while training


def tents(size):
    """Weight of every pixel for every cell along one axis, [cells, size].

    In a whole picture they are those of the bilinear enlargement of 7 to 512 that makes a map of
    the cells. In a crop they sit where the strides of the network put the cells: 64 i + 60.
    """
    if size == WHOLE:
        return functional.interpolate(torch.eye(CELLS)[None], WHOLE, mode="linear")[0].numpy()
    centres = 64 * numpy.arange((size - 64) // 64) + 60
    distance = numpy.abs(numpy.arange(size) + 0.5 - centres[:, None]) / 64
    return numpy.clip(1 - distance, 0, 1)


TENTS = {size: tents(size) for size in (WHOLE, CROP)}


def cell_targets(boxes, size):
    """[cells, cells]: how much of a box belongs to each cell, the most concerned cell having 1."""
    weights = TENTS[size]
    target = numpy.zeros((len(weights), len(weights)), dtype=numpy.float32)
    for x, y, width, height in boxes:
        down = weights[:, max(y, 0) : max(y + height, 0)].sum(axis=1)
        across = weights[:, max(x, 0) : max(x + width, 0)].sum(axis=1)
        share = numpy.outer(down, across)
        # A box of which less than a quarter is in the crop asks for nothing.
        if share.sum() > 0.25 * width * height:
            target = numpy.maximum(target, share / share.max())
    return target.astype(numpy.float32)


def augment(pixels, boxes, size, random):
    """Cuts or moves, perhaps mirrors, and exposes a picture otherwise; returns it in [0, 1]."""
    if size == WHOLE:
        top, left = random.integers(0, 2 * SHIFT + 1, 2)
        pixels, rim = numpy.pad(pixels, SHIFT, mode="edge"), SHIFT
    elif boxes and random.random() < 0.7:
        # At most 90 pixels off a lesion's middle.
        x, y, width, height = boxes[random.integers(len(boxes))]
        middle = numpy.array([y + height // 2, x + width // 2])
        corner = middle - CROP // 2 + random.integers(-90, 91, 2)
        (top, left), rim = corner.clip(0, WHOLE - CROP), 0
    else:
        (top, left), rim = random.integers(0, WHOLE - CROP + 1, 2), 0
    pixels = pixels[top : top + size, left : left + size]
    boxes = [[x + rim - left, y + rim - top, width, height] for x, y, width, height in boxes]
    if random.random() < 0.5:
        pixels = pixels[:, ::-1]
        boxes = [[size - x - width, y, width, height] for x, y, width, height in boxes]
    image = pixels.astype(numpy.float32)
    image *= random.uniform(0.9, 1.1) / 255
    image += random.uniform(-0.04, 0.04)
    return image.clip(0, 1, out=image), boxes


def gradcam(network, main):
    """Grad-CAM of the logit at fc14, before clamping: [N, cells, cells]; differentiable."""
    norm = network.batchNorm2d_80
    if norm.training:
        mean, variance = main.mean(dim=(0, 2, 3)), main.var(dim=(0, 2, 3), unbiased=False)
    else:
        mean, variance = norm.running_mean, norm.running_var
    scale = norm.weight / (variance + norm.eps).sqrt()
    offset = norm.bias - mean * scale
    passed = (main * scale[:, None, None] + offset[:, None, None] > 0).float().mean(dim=(2, 3))
    weights = 0.5 * network.dense.weight * scale * passed / CELLS**2
    return (weights[:, :, None, None] * main).sum(dim=1)


def outside(cam, masks):
    """Share of each clamped map, enlarged to the size of the masks, that is outside: [N]."""
    cam = functional.relu(cam)
    cam = cam - cam.amin(dim=(1, 2), keepdim=True)
    if cam.shape != masks.shape:
        cam = functional.interpolate(cam[:, None], masks.shape[1:], mode="bilinear")[:, 0]
    total = cam.sum(dim=(1, 2))
    return 1 - (cam * masks).sum(dim=(1, 2)) / (total + 1e-3 * total.detach().mean() + 1e-6)


@torch.no_grad()
def validate(network, data):
    """AUROC, mean energy of Grad-CAM inside the boxes, and that over the boxes' share of area."""
    pixels, labels, boxes = data
    network.eval()
    scores, energies, shares = [], [], []
    for start in range(0, len(labels), 20):
        images = torch.from_numpy(pixels[start : start + 20].astype(numpy.float32) / 255)[:, None]
        main, features = network.features(images)
        scores += network.dense(features.mean(dim=(2, 3)))[:, 0].tolist()
        cams = functional.relu(gradcam(network, main))
        cams = cams - cams.amin(dim=(1, 2), keepdim=True)
        cams = functional.interpolate(cams[:, None], WHOLE, mode="bilinear")[:, 0]
        for offset, cam in enumerate(cams):
            if labels[start + offset] == 1:
                inside = torch.from_numpy(dataset.mask(boxes[start + offset]))
                energies.append(float((cam * inside).sum() / (cam.sum() + 1e-12)))
                shares.append(float(inside.mean()))
    auroc = roc_auc_score(labels, scores)
    return auroc, float(numpy.mean(energies)), float(numpy.mean(energies) / numpy.mean(shares))


def train_stage(network, data, valid, size, epochs, batch_size, rate, random, weights_file):
    """Trains on crops (`size` 256) or whole pictures (512) for some epochs."""
    pixels, labels, boxes = data
    dense = list(network.dense.parameters())
    others = [value for name, value in network.named_parameters() if "dense" not in name]
    groups = [{"params": others}, {"params": dense}]
    optimiser = torch.optim.AdamW(groups, lr=rate, weight_decay=1e-3)
    batches = len(labels) // batch_size
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, [rate, 8 * rate], total_steps=batches * epochs, pct_start=0.15
    )
    for epoch in range(epochs):
        network.train()
        if size == WHOLE:
            # The statistics of crops differ from those of whole pictures, and those of a batch
            # from the fixed ones used later: gather them at first, then train with them fixed.
            for module in network.modules():
                if isinstance(module, nn.BatchNorm2d) and epoch > 0:
                    module.eval()
        order = random.permutation(len(labels))
        sums, started = numpy.zeros(3), time.time()
        for batch in range(batches):
            chosen = order[batch * batch_size :][:batch_size]
            drawn = [augment(pixels[index], boxes[index], size, random) for index in chosen]
            images = torch.from_numpy(numpy.stack([image for image, _ in drawn]))[:, None]
            cells = numpy.stack([cell_targets(moved, size) for _, moved in drawn])
            target = torch.from_numpy((cells.max(axis=(1, 2)) > 0).astype(numpy.float32))
            cells = torch.from_numpy(cells)
            if size == WHOLE:
                masks = numpy.stack([dataset.mask(moved)[4::8, 4::8] for _, moved in drawn])
                masks = torch.from_numpy(masks)
            else:
                masks = cells

            activations, features = network.features(images)
            evidence = torch.einsum("k,nkij->nij", network.dense.weight[0], features) / CELLS**2
            logits = evidence.sum(dim=(1, 2)) + network.dense.bias
            whole = functional.binary_cross_entropy_with_logits(logits, target)
            local = functional.binary_cross_entropy_with_logits(
                evidence - 3.0, cells, weight=1 + 4 * cells, reduction="none"
            ).sum(dim=(1, 2)).mean()
            lost = outside(gradcam(network, activations), masks)[target == 1].sum() / len(target)
            loss = whole + 0.25 * local + lost
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimiser.step()
            schedule.step()
            sums += [whole.item(), local.item(), 2 * lost.item()]
            if batch % 25 == 24:
                print(f"  {batch + 1}/{batches} {(sums / (batch + 1)).round(4)}", flush=True)
        message = f"size {size}, epoch {epoch}: losses {(sums / batches).round(4)}, "
        if size == WHOLE or epoch == epochs - 1:
            auroc, energy, ratio = validate(network, valid)
            message += f"AUROC {auroc:.4f}, energy {energy:.3f}, ratio {ratio:.2f}, "
            save_file(tensors_to_save(network), weights_file)
        print(f"{message}{time.time() - started:.0f} s", flush=True)


@torch.no_grad()
def temper(network, pixels, typical=4.0):
    """Divides the last layer so that logits are typically +-4; their order stays the same.

    The sum over cells makes logits far from 0, where the sigmoid no longer shows that removing
    pixels matters, as the completeness scores ask.
    """
    images = [torch.from_numpy(p.astype(numpy.float32) / 255)[None, None] for p in pixels]
    factor = typical / float(numpy.mean([abs(float(network(image))) for image in images]))
    network.dense.weight.mul_(factor)
    network.dense.bias.mul_(factor)


def set_normalizer(network, pixels):
    """As mednet: the mean of the pictures' means; the root of the mean of unbiased variances."""
    values, means, variances = numpy.arange(256) / 255, [], []
    for picture in pixels:
        share = numpy.bincount(picture.ravel(), minlength=256) / picture.size
        mean = (share * values).sum()
        means.append(mean)
        variances.append((share * (values - mean) ** 2).sum() * picture.size / (picture.size - 1))
    network.mean.fill_(float(numpy.mean(means)))
    network.std.fill_(float(numpy.sqrt(numpy.mean(variances))))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train", help="folder of the training set")
    parser.add_argument("valid", help="folder of the validation set")
    parser.add_argument("weights", help=".safetensors file to write")
    parser.add_argument("--crop-epochs", type=int, default=4)
    parser.add_argument("--whole-epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--start", help="weights to go on from")
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    torch.set_flush_denormal(True)
    random = numpy.random.default_rng(arguments.seed)

    data = dataset.read(arguments.train)
    valid = dataset.read(arguments.valid)
    if arguments.start:
        network = load(arguments.start)
    else:
        network = Pasa()
        set_normalizer(network, data[0])
        # One cell of 49 has to move the average by several units: start with heavy weights.
        nn.init.normal_(network.dense.weight, std=1.0)
        nn.init.constant_(network.dense.bias, -3.0)
    rest = (random, arguments.weights)
    if arguments.crop_epochs:
        train_stage(network, data, valid, CROP, arguments.crop_epochs, 32, 3e-3, *rest)
    # Measured: oneDNN is faster on crops and slower on whole pictures, whose first layers have
    # few channels.
    torch.backends.mkldnn.enabled = False
    if arguments.whole_epochs:
        train_stage(network, data, valid, WHOLE, arguments.whole_epochs, 16, 1e-3, *rest)
    network.eval()
    temper(network, valid[0])
    save_file(tensors_to_save(network), arguments.weights)


if __name__ == "__main__":
    main()
