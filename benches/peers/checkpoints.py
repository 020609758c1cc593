"""Checkpoints as the original writes them, which both programs read.

pasa is the network that was trained on phantoms (crates/phantom/weights): its maps are those of a
network that looks at something. DenseNet-121 has weights drawn by tests/golden/seeded_weights.py.
"""

from session import ROOT

#: Of ImageNet, which the original gives pretrained networks.
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def write(session):
    """Writes pasa.ckpt and densenet.ckpt into the session's folder."""
    import safetensors.torch
    import seeded_weights
    import torch
    import torchvision

    session.say("writing the checkpoints")
    pasa = safetensors.torch.load_file(ROOT / "crates/phantom/weights/pasa-phantom.safetensors")
    mean, deviation = pasa.pop("normalizer.mean"), pasa.pop("normalizer.std")
    network = torchvision.models.densenet121(num_classes=1)
    densenet = {
        f"model.{name}": torch.tensor(seeded_weights.tensor(name, tuple(value.shape), 8))
        .reshape(value.shape)
        .to(value.dtype)
        for name, value in network.state_dict().items()
    }
    for name, state, (means, deviations) in [
        ("pasa", pasa, (mean, deviation)),
        ("densenet", densenet, IMAGENET),
    ]:
        checkpoint = {
            "epoch": 0,
            "global_step": 0,
            "pytorch-lightning_version": "2.6.6",
            "state_dict": state,
            "normalizer": torchvision.transforms.Normalize(means, deviations),
        }
        torch.save(checkpoint, session.folder / f"{name}.ckpt")
