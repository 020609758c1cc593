"""Whole networks: a forward pass, and a forward pass with the gradient to the input, of ours and of PyTorch,
ONNX Runtime and OpenVINO.

Rounds are interleaved, so that all meet the same disturbances; figures are medians over the rounds.
The weights are drawn by tests/golden/seeded_weights.py, the images are i mod 251 over 251.
"""

import statistics
import time

import numpy as np
import table
from session import cargo_bench

SHAPES = {"densenet": (3, 512, 512), "pasa": (1, 512, 512), "alexnet": (3, 430, 430)}

#: Calls of a round, of which the median counts.
CALLS = {"densenet": 3, "pasa": 25, "alexnet": 5}

#: Of our time over ONNX Runtime's.
LIMITS = {"densenet": (1.05, 0.85), "pasa": (1.1, None), "alexnet": (1.1, 1.0)}


def measure(session):
    import torch

    torch.set_num_threads(session.threads)
    rows = []
    for name in SHAPES:
        model, state = network(name)
        weights = write(session, name, state)
        for batch in [1, 8]:
            forward, gradient = peers(session, name, model, batch)
            rows += forward_rows(session, name, weights, batch, forward)
            if batch == 1:
                rows += gradient_rows(session, name, weights, gradient)
    return rows


def forward_rows(session, name, weights, batch, functions):
    times, outputs = rounds(session, name, weights, batch, functions, with_gradient=False)
    goal, stretch = LIMITS[name]
    rows = []
    for peer in functions:
        row = table.share(f"{name} forward, batch {batch}", times["ours"], peer, times[peer], rests_on=outputs)
        if peer == "ONNX Runtime":
            text = None
            if name == "pasa":
                stretch, text = times["OpenVINO"] / times["ONNX Runtime"], "OpenVINO's time"
            row = table.share(row.what, times["ours"], peer, times[peer], goal, stretch, text, outputs)
        rows.append(row)
    return rows


def gradient_rows(session, name, weights, functions):
    times, outputs = rounds(session, name, weights, 1, functions, with_gradient=True)
    limits = (0.5, 0.4) if name == "densenet" else (None, None)
    what = f"{name} forward and gradient to the input"
    return [table.share(what, times["ours"], "PyTorch", times["PyTorch"], *limits, rests_on=outputs)]


def rounds(session, name, weights, batch, functions, with_gradient):
    """Median seconds of ours and of each peer, and whether the logits agree."""
    session.say(f"{name}, batch {batch}{', gradient' if with_gradient else ''}: ours, {', '.join(functions)}")
    count = 1 if session.quick else {1: 5, 8: 3}[batch]
    times = {key: [] for key in ["ours", *functions]}
    logits = {}
    for _ in range(count):
        seconds, logits["ours"] = ours(name, weights, batch, session.threads, with_gradient)
        times["ours"].append(seconds)
        for key, function in functions.items():
            seconds, logits[key] = timed(function, CALLS[name])
            times[key].append(seconds)
    worst = max(abs(value - logits["ours"]) for value in logits.values())
    agree = "agree" if worst <= 1e-3 * max(1.0, abs(logits["ours"])) else f"DIFFER by {worst:.1g}"
    return {key: statistics.median(values) for key, values in times.items()}, f"{count} rounds; logits {agree}"


def ours(name, weights, batch, threads, gradient=False):
    """Median seconds of the calls of a round after a warm-up, and the first logit."""
    options = ["--model", name, "--weights", weights, "--batch", batch, "--threads", threads, "--rounds", CALLS[name]]
    lines = cargo_bench("mednet-network", "network", *options, *(["--gradient"] if gradient else [])).split("\n")
    logit = float(next(line for line in lines if line.startswith("logit")).split()[1])
    times = [float(line) for line in lines if line and line[0].isdigit()]
    return statistics.median(times) / 1e3, logit


def timed(function, calls):
    """Median seconds of the calls of a round after a warm-up, and the first value of the result."""
    result = function()
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times), float(np.asarray(result).flat[0])


def network(name):
    """The network in PyTorch and its parameters."""
    import networks
    import seeded_weights
    import torch
    import torchvision

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


def write(session, name, state):
    """Writes the parameters where our benchmark reads them."""
    from safetensors.torch import save_file

    path = session.folder / f"{name}.safetensors"
    save_file({key: value.contiguous() for key, value in state.items()}, path)
    return path


def peers(session, name, model, batch):
    """What each peer runs: forward, and forward with the gradient."""
    import onnxruntime
    import openvino
    import torch

    shape = (batch, *SHAPES[name])
    x = ((np.arange(np.prod(shape)) % 251).astype(np.float32) / np.float32(251.0)).reshape(shape)
    tensor = torch.tensor(x)
    path = str(session.folder / f"{name}-{batch}.onnx")
    torch.onnx.export(model, (tensor,), path, input_names=["x"], output_names=["y"], dynamo=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = session.threads
    runtime = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    configuration = {"INFERENCE_NUM_THREADS": session.threads, "INFERENCE_PRECISION_HINT": "f32"}
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
        "ONNX Runtime": lambda: runtime.run(None, {"x": x})[0],
        "OpenVINO": lambda: compiled([x])[0],
        "PyTorch": eager,
    }, {"PyTorch": gradient}
