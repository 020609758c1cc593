"""The networks of the golden cases in torch, with seeded weights.

No activation is rewritten in place, so that a captured activation is what the layer put out (the
in-place ReLU of torchvision would turn the activation of `features.norm5` or of AlexNet's
`features.10` into the rectified one).
"""

import pathlib
import sys

import torch
import torchvision

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import seeded_weights  # noqa: E402


class Normalized(torch.nn.Module):
    """A network behind `(x - mean[c]) / std[c]`; the constants are float32 values in any precision."""

    def __init__(self, network, mean, std):
        super().__init__()
        self.network = network
        self.mean = torch.tensor(mean, dtype=torch.float32).reshape(1, -1, 1, 1)
        self.std = torch.tensor(std, dtype=torch.float32).reshape(1, -1, 1, 1)

    def forward(self, x):
        return self.network((x - self.mean.to(x.dtype)) / self.std.to(x.dtype))


# Channels of (first, second, skip) convolution of each block of Pasa (Pasa et al. 2019, doi
# 10.1038/s41598-019-42557-4).
PASA_BLOCKS = [(4, 16), (24, 32), (40, 48), (56, 64), (72, 80)]


class Pasa(torch.nn.Module):
    """Five blocks of two convolutions averaged with a 1x1 one, each with batch norm and ReLU."""

    def __init__(self, num_classes=1):
        super().__init__()
        channels = 1
        for block, (first, second) in enumerate(PASA_BLOCKS):
            number = 3 * block + 1
            stride = 2 if block == 0 else 1
            conv = torch.nn.Conv2d
            setattr(self, f"fc{number}", conv(channels, first, 3, stride, 1))
            setattr(self, f"fc{number + 1}", conv(first, second, 3, stride, 1))
            setattr(self, f"fc{number + 2}", conv(channels, second, 1, stride * stride, 0))
            setattr(self, f"batchNorm2d_{first}", torch.nn.BatchNorm2d(first))
            setattr(self, f"batchNorm2d_{second}", torch.nn.BatchNorm2d(second))
            setattr(self, f"batchNorm2d_{second}_2", torch.nn.BatchNorm2d(second))
            channels = second
        self.dense = torch.nn.Linear(80, num_classes)

    def forward(self, x):
        relu = torch.nn.functional.relu
        for block, (first, second) in enumerate(PASA_BLOCKS):
            number = 3 * block + 1
            main = relu(getattr(self, f"batchNorm2d_{first}")(getattr(self, f"fc{number}")(x)))
            main = relu(getattr(self, f"batchNorm2d_{second}")(getattr(self, f"fc{number + 1}")(main)))
            skip = relu(getattr(self, f"batchNorm2d_{second}_2")(getattr(self, f"fc{number + 2}")(x)))
            x = (main + skip) / 2
            if block < 4:
                x = torch.nn.functional.max_pool2d(x, 3, 2)
        return self.dense(x.mean(dim=(2, 3)))


class Densenet121(torchvision.models.DenseNet):
    """torchvision's DenseNet-121 with a ReLU behind `features.norm5` that is not in place."""

    def __init__(self, num_classes=1):
        super().__init__(32, (6, 12, 24, 16), 64, num_classes=num_classes)

    def forward(self, x):
        x = torch.nn.functional.relu(self.features(x))
        return self.classifier(x.mean(dim=(2, 3)))


def alexnet(num_classes=1):
    """torchvision's AlexNet with mednet's head: 4096 -> 512 -> num_classes."""
    network = torchvision.models.alexnet(weights=None)
    network.classifier[4] = torch.nn.Linear(4096, 512)
    network.classifier[6] = torch.nn.Linear(512, num_classes)
    return network


def seeded(network, seed, mean, std):
    """The network with weights drawn from the seed, in evaluation mode, behind its normalizer."""
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    drawn = seeded_weights.state_dict(shapes, seed)
    network.load_state_dict({name: torch.from_numpy(value) for name, value in drawn.items()})
    for module in network.modules():
        if isinstance(module, torch.nn.ReLU):
            module.inplace = False
    return Normalized(network, mean, std).eval()


def densenet_suffix(network, block):
    """From the activation [N, 32, h, w] of denselayer16.conv2 to the logits; `block` [1, 1024, h, w]
    is the output of denseblock4, whose last 32 channels it replaces."""

    def run(activation):
        earlier = block[:, :-32].expand(len(activation), -1, -1, -1)
        x = network.features.norm5(torch.cat([earlier, activation], 1))
        return network.classifier(torch.relu(x).mean(dim=(2, 3)))

    return run


def norm5_suffix(network):
    """From the activation [N, 1024, h, w] of features.norm5 to the logits."""
    return lambda activation: network.classifier(torch.relu(activation).mean(dim=(2, 3)))


def alexnet_suffix(network):
    """From the activation [N, 256, h, w] of features.10 to the logits."""
    return lambda activation: network.classifier(
        torch.flatten(network.avgpool(network.features[11:](activation)), 1)
    )


def pasa_suffix(network, skip):
    """From the activation [N, 80, h, w] of fc14 to the logits; `skip` is the output of
    batchNorm2d_80_2."""

    def run(activation):
        main = torch.relu(network.batchNorm2d_80(activation))
        return network.dense(((main + torch.relu(skip)) / 2).mean(dim=(2, 3)))

    return run
