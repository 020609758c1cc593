"""Times of whole networks: ours against PyTorch, ONNX Runtime and OpenVINO.

Rounds are interleaved, so that all meet the same disturbances; figures are medians over the rounds.
The weights are drawn by tests/golden/seeded_weights.py, the images are i mod 251 over 251.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "tests", "golden"))

import networks  # noqa: E402
import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402
import openvino  # noqa: E402
import seeded_weights  # noqa: E402
import torch  # noqa: E402
import torchvision  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

SHAPES = {"densenet": (3, 512, 512), "pasa": (1, 512, 512), "alexnet": (3, 430, 430)}


def network(name):
    if name == "pasa":
        model = networks.Pasa(1)
    elif name == "densenet":
        model = torchvision.models.densenet121(num_classes=1)
    else:
        model = torchvision.models.alexnet()
        model.classifier[4] = torch.nn.Linear(4096, 512)
        model.classifier[6] = torch.nn.Linear(512, 1)
    state = {
        key: torch.tensor(seeded_weights.tensor(key, tuple(value.shape), 8)).reshape(value.shape).float()
        for key, value in model.state_dict().items()
        if not key.endswith("num_batches_tracked") and not key.startswith("normalizer")
    }
    model.load_state_dict(state, strict=False)
    model.eval()
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return model, state


def images(name, batch):
    shape = (batch, *SHAPES[name])
    values = (np.arange(np.prod(shape)) % 251).astype(np.float32) / np.float32(251.0)
    return values.reshape(shape)


def ours(name, weights, batch, threads, gradient):
    """Milliseconds of one round after a warm-up, and the first logit."""
    command = ["cargo", "bench", "--quiet", "--package", "mednet-network", "--bench", "network", "--"]
    command += ["--model", name, "--weights", weights, "--batch", str(batch), "--threads", str(threads)]
    command += ["--rounds", "3"] + (["--gradient"] if gradient else [])
    lines = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout.split("\n")
    logit = float(next(line for line in lines if line.startswith("logit")).split()[1])
    times = [float(line) for line in lines if line and line[0].isdigit()]
    return statistics.median(times), logit


def timed(function):
    function()
    start = time.perf_counter()
    result = function()
    return (time.perf_counter() - start) * 1e3, float(np.asarray(result).flat[0])


def peers(name, model, folder, batch, threads):
    x = images(name, batch)
    tensor = torch.tensor(x)
    path = os.path.join(folder, f"{name}-{batch}.onnx")
    torch.onnx.export(model, (tensor,), path, input_names=["x"], output_names=["y"], dynamo=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    configuration = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.compile_model(openvino.Core().read_model(path), "CPU", configuration)

    def eager():
        with torch.inference_mode():
            return model(tensor).numpy()

    def gradient():
        leaf = tensor.clone().requires_grad_(True)
        logits = model(leaf)
        logits[:, 0].sum().backward()
        return logits.detach().numpy()

    return {
        "ONNX Runtime": lambda: session.run(None, {"x": x})[0],
        "OpenVINO": lambda: compiled([x])[0],
        "PyTorch": eager,
    }, {"PyTorch": gradient}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--models", nargs="+", default=list(SHAPES), choices=list(SHAPES))
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 8])
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"{arguments.threads} threads, medians of {arguments.rounds} interleaved rounds, milliseconds; ratio: ours / theirs")
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.models:
            model, state = network(name)
            weights = os.path.join(folder, f"{name}.safetensors")
            save_file({key: value.contiguous() for key, value in state.items()}, weights)
            for batch in arguments.batches:
                forward, gradient = peers(name, model, folder, batch, arguments.threads)
                cases = [("forward", False, forward)]
                if batch == 1:
                    cases.append(("gradient to the input", True, gradient))
                for what, with_gradient, functions in cases:
                    times = {key: [] for key in ["ours", *functions]}
                    logits = {}
                    for _ in range(arguments.rounds):
                        measured = ours(name, weights, batch, arguments.threads, with_gradient)
                        times["ours"].append(measured[0])
                        logits["ours"] = measured[1]
                        for key, function in functions.items():
                            measured = timed(function)
                            times[key].append(measured[0])
                            logits[key] = measured[1]
                    medians = {key: statistics.median(values) for key, values in times.items()}
                    worst = max(abs(value - logits["ours"]) for value in logits.values())
                    agrees = worst <= 1e-3 * max(1.0, abs(logits["ours"]))
                    line = f"{name} batch {batch} {what}: ours {medians['ours']:.1f}"
                    for key in functions:
                        line += f", {key} {medians[key]:.1f} ({medians['ours'] / medians[key]:.2f})"
                    print(line + ("" if agrees else f"; LOGITS DIFFER by {worst}"), flush=True)


if __name__ == "__main__":
    main()
