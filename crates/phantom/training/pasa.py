# SPDX-License-Identifier: MIT OR Apache-2.0
"""The network Pasa with one output (Pasa et al. 2019, doi:10.1038/s41598-019-42557-4).

Five blocks; each is the average of two 3x3 convolutions in a row and a 1x1 convolution beside
them, all followed by batch normalisation and ReLU. Input [N, 1, 512, 512] with values in [0, 1],
output [N, 1] raw logits, 201,905 parameters. Names of parameters are those of mednet's
checkpoints; the mean and standard deviation of the training set are stored beside them as
`normalizer.mean` and `normalizer.std`.
"""

import torch
from torch import nn
from torch.nn import functional

# Per block: number of its first convolution, channels in, between and out.
BLOCKS = [(1, 1, 4, 16), (4, 16, 24, 32), (7, 32, 40, 48), (10, 48, 56, 64), (13, 64, 72, 80)]


class Pasa(nn.Module):
    def __init__(self):
        super().__init__()
        for first, inputs, between, outputs in BLOCKS:
            stride = 2 if first == 1 else 1
            self.add_module(f"fc{first}", nn.Conv2d(inputs, between, 3, stride, 1))
            self.add_module(f"batchNorm2d_{between}", nn.BatchNorm2d(between))
            self.add_module(f"fc{first + 1}", nn.Conv2d(between, outputs, 3, stride, 1))
            self.add_module(f"batchNorm2d_{outputs}", nn.BatchNorm2d(outputs))
            self.add_module(f"fc{first + 2}", nn.Conv2d(inputs, outputs, 1, stride * stride))
            self.add_module(f"batchNorm2d_{outputs}_2", nn.BatchNorm2d(outputs))
        self.dense = nn.Linear(80, 1)
        # Kept out of the state dict: mednet's checkpoints hold the normalizer elsewhere.
        self.register_buffer("mean", torch.zeros(1), persistent=False)
        self.register_buffer("std", torch.ones(1), persistent=False)

    def features(self, images):
        """The output of fc14 and of the last block, both [N, 80, 7, 7]."""
        x = (images - self.mean) / self.std
        for first, _, between, outputs in BLOCKS:
            inner = getattr(self, f"fc{first}")(x)
            inner = functional.relu(getattr(self, f"batchNorm2d_{between}")(inner))
            main = getattr(self, f"fc{first + 1}")(inner)
            activated = functional.relu(getattr(self, f"batchNorm2d_{outputs}")(main))
            skip = getattr(self, f"fc{first + 2}")(x)
            skip = functional.relu(getattr(self, f"batchNorm2d_{outputs}_2")(skip))
            x = (activated + skip) / 2
            if first != 13:
                x = functional.max_pool2d(x, 3, 2)
        return main, x

    def forward(self, images):
        return self.dense(self.features(images)[1].mean(dim=(2, 3)))


def tensors_to_save(network):
    """What goes into the .safetensors file: the parameters and the normalizer."""
    tensors = {name: value.detach().contiguous() for name, value in network.state_dict().items()}
    return tensors | {"normalizer.mean": network.mean, "normalizer.std": network.std}


def load(path):
    """The network of a .safetensors file, ready for inference."""
    from safetensors.torch import load_file

    tensors = load_file(path)
    network = Pasa()
    network.mean.copy_(tensors.pop("normalizer.mean"))
    network.std.copy_(tensors.pop("normalizer.std"))
    network.load_state_dict(tensors)
    return network.eval()
