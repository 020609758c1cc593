"""Saliency maps in float64, and how far float32 is from them.

Every method is written out here once, from its paper or from the documented behaviour of
pytorch-grad-cam 1.5.7, for any floating-point type; `Case` runs it in float64 (the expected values),
in float32 (the measured closeness), and, for the twelve methods of `--compat mednet`, also runs
pytorch-grad-cam itself in float32. Shapes: activation A and gradient G are [K, h, w], a raw map
[h, w], a finished map [H, W] in [0, 1].
"""

import contextlib
import io
import json
import os
import pathlib
import re
import time

import numpy
import torch

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))

METHODS = [
    "ablationcam", "eigencam", "eigengradcam", "fullgrad", "gradcam", "gradcamelementwise",
    "gradcam++", "hirescam", "layercam", "scorecam", "xgradcam",
]  # fmt: skip
EIGEN = ("eigencam", "eigengradcam")
BATCH = 32  # pytorch-grad-cam's batch of AblationCAM


def minmax(image):
    """Subtract the minimum, divide by 1e-7 + maximum; over the last two axes."""
    image = image - image.amin((-2, -1), keepdim=True)
    return image / (1e-7 + image.amax((-2, -1), keepdim=True))


def resize(image, size):
    """Bilinear, half-pixel centres, edges replicated: of [..., h, w] to [..., *size]."""
    flat = image.reshape(1, -1, *image.shape[-2:])
    flat = torch.nn.functional.interpolate(flat, size, mode="bilinear", align_corners=False)
    return flat.reshape(*image.shape[:-2], *size)


def finish(raw, size):
    """Clamp at zero, min-max at layer resolution, resize, min-max again."""
    return minmax(resize(minmax(raw.clamp(min=0)), size))


def projection(a):
    """Projection of [K, h, w], centred per channel, on its first right singular vector; LAPACK's sign."""
    rows = a.reshape(len(a), -1).T
    rows = rows - rows.mean(0)
    v = numpy.linalg.svd(rows.numpy(), full_matrices=True)[2][0]
    return (rows @ torch.from_numpy(v)).reshape(a.shape[1:])


def flip_to_positive(raw):
    """The sign for which the largest absolute projection is positive (Seg-Eigen-CAM 2025, eq. 13,
    doi 10.3390/app15137562)."""
    return -raw if abs(raw.min()) > abs(raw.max()) else raw


def weighted(w, a):
    return (w[:, None, None] * a).sum(0)


def gradient_maps(a, g):
    """Raw maps of every method that needs nothing but A and G."""
    total = a.sum((1, 2))
    g2 = g * g
    alpha = g2 / (2 * g2 + total[:, None, None] * g2 * g + 1e-6)
    alpha = torch.where(g != 0, alpha, torch.zeros_like(alpha))
    return {
        "gradcam": weighted(g.mean((1, 2)), a),
        "hirescam": (g * a).sum(0),
        "gradcamelementwise": (g * a).clamp(min=0).sum(0),
        "layercam": (g.clamp(min=0) * a).sum(0),
        "gradcam++": weighted((g.clamp(min=0) * alpha).sum((1, 2)), a),
        "xgradcam": weighted((g * a / (total[:, None, None] + 1e-7)).sum((1, 2)), a),
        "eigencam": projection(a),
        "eigengradcam": projection(g * a),
    }


def scorecam_logits(model, x, a, batch=8):
    """Logits [K, outputs] of the input masked by every channel, upsampled with aligned corners and
    min-max normalised (eps 1e-8)."""
    up = torch.nn.functional.interpolate(a[None], x.shape[-2:], mode="bilinear", align_corners=True)[0]
    low, high = up.amin((1, 2), keepdim=True), up.amax((1, 2), keepdim=True)
    masks = (up - low) / (high - low + 1e-8)
    with torch.no_grad():
        return torch.cat([model(x * masks[i : i + batch, None]) for i in range(0, len(masks), batch)])


def ablated_logits(suffix, a, values):
    """Logits [K, outputs] with channel k of A replaced by values[k]."""
    results = []
    with torch.no_grad():
        for first in range(0, len(a), 16):
            batch = a.repeat(min(16, len(a) - first), 1, 1, 1)
            for row in range(len(batch)):
                batch[row, first + row] = values[first + row]
            results.append(suffix(batch))
    return torch.cat(results)


def silenced_once(a):
    """0 where the minimum of A is 0, else the minimum - 1e7: one value for all channels."""
    low = a.min()
    return [low * 0 if low == 0 else low - 1e7] * len(a)


def silenced_growing(a):
    """As `silenced_once`, but the minimum is taken again after every channel of a batch of 32 and so
    falls by a further 1e7 each time: what pytorch-grad-cam does."""
    return [
        a.min() * 0 if a.min() == 0 else a.min() - 1e7 * (k % BATCH + 1) for k in range(len(a))
    ]


def fullgrad(network, x, logit, captured):
    """FullGrad (Srinivas and Fleuret 2019, arXiv 1905.00780) as pytorch-grad-cam normalises it: every
    channel min-max normalised and resized by itself; bias and gradient paired layer by layer.
    Returns the sum before the last min-max, and the input gradient."""
    names = [
        name
        for name, module in network.named_modules()
        if type(module) in (torch.nn.Conv2d, torch.nn.BatchNorm2d) and module.bias is not None
    ]
    gradients = torch.autograd.grad(logit, [x] + [captured[name] for name in names], retain_graph=True)
    size = x.shape[-2:]
    total = minmax((x * gradients[0]).abs()[0]).sum(0)
    for name, gradient in zip(names, gradients[1:]):
        module = network.get_submodule(name)
        bias = module.bias
        if isinstance(module, torch.nn.BatchNorm2d):
            scale = module.weight / torch.sqrt(module.running_var + module.eps)
            bias = bias - module.running_mean * scale
        term = minmax((bias[:, None, None] * gradient[0]).abs())
        total = total + resize(term.sum(0, keepdim=True), size)[0]  # resizing is linear
    return total.detach(), gradients[0][0].detach()


def run(model, image, layer, suffix_of, dtype, scorecam=True, full=True, only=None):
    """Everything about one image in one precision, as a flat dict name -> numpy array."""
    model = model.to(dtype)
    network = model.network
    captured, handles = {}, []
    for name, module in network.named_modules():
        if name:
            keep = lambda _m, _i, out, name=name: captured.__setitem__(name, out)  # noqa: E731
            handles.append(module.register_forward_hook(keep))
    x = torch.from_numpy(image)[None].to(dtype).requires_grad_(True)
    logits = model(x)[0]
    for handle in handles:
        handle.remove()
    size = tuple(x.shape[-2:])
    a = captured[layer][0].detach()
    suffix = suffix_of(network, {name: value.detach() for name, value in captured.items()})
    out = {"logits": logits.detach(), "activation": a}
    with torch.no_grad():
        out["suffix-logits"] = suffix(a[None])[0]
    if scorecam:
        out["scorecam-logits"] = scorecam_logits(model, x.detach(), a)
    sign = scale_signs(network, layer, len(a))
    ablated = {
        "compat": ablated_logits(suffix, a, silenced_growing(a)),
        "once": ablated_logits(suffix, a, silenced_once(a)),
        "default": ablated_logits(suffix, a, [-1e7 * s for s in sign.tolist()]),
    }
    for key, value in ablated.items():
        out[f"ablationcam-logits-{key}"] = value
    for index in range(len(logits)):
        logit = logits[index]
        g = torch.autograd.grad(logit, captured[layer], retain_graph=True)[0][0]
        out[f"gradient-class{index}"] = g
        s = logit.detach()
        raw = gradient_maps(a, g)
        for key in ("compat", "once"):
            raw[f"ablationcam{'' if key == 'compat' else '-once'}"] = weighted(
                (s - ablated[key][:, index]) / s, a
            )
        default = {name: flip_to_positive(raw[name]) for name in EIGEN}
        default["ablationcam"] = weighted(s - ablated["default"][:, index], a)
        if scorecam:
            raw["scorecam"] = weighted(out["scorecam-logits"][:, index].softmax(0), a)
        for mode, maps in (("compat", raw), ("default", default)):
            for name, value in maps.items():
                if only is None or name in only:
                    out[f"{mode}/class{index}/raw-{name}"] = value
                    out[f"{mode}/class{index}/{name}"] = finish(value, size)
        if full:
            total, dx = fullgrad(network, x, logit, captured)
            out[f"compat/class{index}/fullgrad"] = minmax(total)
            out[f"input-gradient-class{index}"] = dx
    nodes = {name: value[0].detach() for name, value in captured.items()}
    convert = lambda value: value.detach().double().numpy()  # noqa: E731
    return {k: convert(v) for k, v in out.items()}, {k: convert(v) for k, v in nodes.items()}


def scale_signs(network, layer, channels):
    """Sign of the batch norm scale that each channel of the layer meets next; +1 where none follows."""
    if layer == "fc14":
        return network.batchNorm2d_80.weight.detach().sign()
    if layer.endswith("denselayer16.conv2"):
        return network.features.norm5.weight.detach()[-32:].sign()
    return torch.ones(channels)


def library_maps(model, image, layer, classes, methods):
    """The same maps by pytorch-grad-cam itself, in float32; fullgrad only where it pairs rightly."""
    import pytorch_grad_cam
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    kinds = {
        "ablationcam": "AblationCAM", "eigencam": "EigenCAM", "eigengradcam": "EigenGradCAM",
        "fullgrad": "FullGrad", "gradcam": "GradCAM", "gradcamelementwise": "GradCAMElementWise",
        "gradcam++": "GradCAMPlusPlus", "hirescam": "HiResCAM", "layercam": "LayerCAM",
        "scorecam": "ScoreCAM", "xgradcam": "XGradCAM",
    }  # fmt: skip
    model = model.to(torch.float32)
    x = torch.from_numpy(image)[None]
    maps, seconds = {}, {}
    for method in methods:
        started = time.time()
        for index in range(classes):
            target = [model.network.get_submodule(layer)]
            with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
                cam = getattr(pytorch_grad_cam, kinds[method])(model=model, target_layers=target)
                if method == "scorecam":
                    cam.batch_size = 8
                value = cam(input_tensor=x, targets=[ClassifierOutputTarget(index)])[0]
            maps[f"compat/class{index}/{method}"] = value.astype(numpy.float64)
            cam.activations_and_grads.release()
        seconds[method] = round(time.time() - started, 2)
    return maps, seconds


def difference(name, value, expected):
    """Largest absolute difference of two arrays of one shape."""
    if value.shape != expected.shape:
        raise ValueError(f"{name}: shape {value.shape}, expected {expected.shape}")
    return float(numpy.abs(value - expected).max())


def save(folder, name, values):
    path = folder / f"{name}.npy"
    path.parent.mkdir(parents=True, exist_ok=True)
    numpy.save(path, numpy.ascontiguousarray(values, dtype=numpy.float32))


def make(
    folder, model, image, layer, suffix_of, *, stride=8, input_stride=8, channel_stride=1, scorecam=True,
    full=True, library=(), only=None, node_names=(), description=None,
):  # fmt: skip
    """Write one case into `folder`: expected values (float64 rounded to float32), `expected.json`
    and `tolerances.json`."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    started = time.time()
    single, _ = run(model, image, layer, suffix_of, torch.float32, scorecam, full, only)
    seconds = {"float32": round(time.time() - started, 2)}
    started = time.time()
    double, nodes = run(model, image, layer, suffix_of, torch.float64, scorecam, full, only)
    seconds["float64"] = round(time.time() - started, 2)
    classes = len(double["logits"])
    size = image.shape[-2:]

    tolerances, notes, summary = {}, {}, {}
    for name, expected in double.items():
        value = single[name]
        eigen = name.split("/")[-1].removeprefix("raw-") in EIGEN and name.startswith("compat/")
        if eigen and "raw-" in name:
            same = float((value * expected).sum()) >= 0
            notes[f"{name} float32 sign equals float64"] = same
            value = value if same else -value
        elif eigen:
            raw = torch.from_numpy(double[name.replace("/eigen", "/raw-eigen")])
            both = [numpy.abs(value - finish(s * raw, size).numpy()).max() for s in (1, -1)]
            value = expected + min(both)
        tolerances[name] = {
            "float32": difference(name, value, expected),
            "float32 mean": float(numpy.abs(value - expected).mean()),
            "largest": float(numpy.abs(expected).max()),
        }
        if eigen and "raw-" not in name:
            del tolerances[name]["float32 mean"]  # `value` above carries the largest difference only
    maps, times = library_maps(model, image, layer, classes, library)
    seconds["library"] = times
    for name, value in maps.items():
        expected = double[name]
        if name.split("/")[-1] in EIGEN:
            raw = torch.from_numpy(double[name.replace("/eigen", "/raw-eigen")])
            both = [float(numpy.abs(value - finish(s * raw, size).numpy()).max()) for s in (1, -1)]
            notes[f"{name} library sign equals float64"] = both[0] <= both[1]
            tolerances[name]["library"] = min(both)
        else:
            tolerances[name]["library"] = difference(name, value, expected)
    for index in range(classes):
        for name in EIGEN:
            if f"compat/class{index}/raw-{name}" in double:
                raw = double[f"compat/class{index}/raw-{name}"].ravel()
                notes[f"compat/class{index}/{name} first projection positive"] = bool(raw[0] > 0)
                flipped = bool(abs(raw.min()) > abs(raw.max()))
                notes[f"default/class{index}/{name} flipped against LAPACK"] = flipped
    for index in range(classes):
        once = f"compat/class{index}/ablationcam-once"
        if once in double:
            grown = double[f"compat/class{index}/ablationcam"]
            notes[f"{once} against growing"] = difference(once, grown, double[once])

    stacks = {}
    for name, value in double.items():
        if "/" in name:
            mode, index, method = name.split("/")
            raw = method.startswith("raw-")
            stack = stacks.setdefault(f"{mode}-{index}{'-raw' if raw else ''}", {})
            stack[method.removeprefix("raw-")] = value if raw else value[::stride, ::stride]
        elif name.startswith("input-gradient"):
            save(folder, name, value[:, ::input_stride, ::input_stride])
        else:
            save(folder, name, value[::channel_stride] if value.ndim == 3 else value)
        if "/" in name or name.startswith("input-gradient"):
            summary[name] = {
                "shape": list(value.shape), "min": value.min(), "max": value.max(),
                "mean": value.mean(), "share of zeros": float((value == 0).mean()),
                "position of max": [int(i) for i in numpy.unravel_index(value.argmax(), value.shape)],
            }  # fmt: skip
    for name, stack in stacks.items():
        save(folder, name, numpy.stack(list(stack.values())))
    expected = {
        "about": description or {},
        "layer": layer,
        "image": list(image.shape),
        "map stride": stride,
        "input gradient stride": input_stride,
        "channel stride": channel_stride,
        "logits": double["logits"].tolist(),
        "order of stacked maps": {name: list(stack) for name, stack in stacks.items()},
        "whole maps": summary,
        "nodes": {
            name: {
                "shape": list(nodes[name].shape), "mean": nodes[name].mean(), "std": nodes[name].std(),
                "first": nodes[name].ravel()[:8].tolist(),
                "middle": nodes[name].ravel()[nodes[name].size // 2 :][:8].tolist(),
            }
            for name in node_names
        },
        "notes": notes,
    }  # fmt: skip
    write_json(folder / "expected.json", expected)
    write_json(folder / "tolerances.json", tolerances)
    print(folder.name, json.dumps(seconds))
    for name, value in tolerances.items():
        if "raw-" not in name:
            print(f"  {name:45s}", {k: f"{v:.2g}" for k, v in value.items()})
    for name, value in notes.items():
        print("  note:", name, value)


def write_json(path, value):
    def short(v):
        if isinstance(v, (float, numpy.floating)):
            return float(f"{v:.9g}")
        if isinstance(v, dict):
            return {k: short(x) for k, x in v.items()}
        if isinstance(v, list):
            return [short(x) for x in v]
        return v

    lines = json.dumps(short(value), indent=1)
    # A list of plain numbers stays on one line.
    lines = re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda m: "[" + re.sub(r"\s+", " ", m[1]) + "]", lines)
    path.write_text(lines + "\n", encoding="utf-8")
