"""A network as linear torch operations with random positive weights: what an output depends on.

Activations and norms are left out and max becomes the average, so that a gradient is positive where
an input is seen and zero where it is not. Everything here is written with torch's own operators.
"""

import torch
from torch.nn import functional

torch.set_num_threads(1)  # the networks are small, and other work may be waiting

CONV = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
CONVT = {
    1: functional.conv_transpose1d,
    2: functional.conv_transpose2d,
    3: functional.conv_transpose3d,
}
LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}
ADAPTIVE = {
    1: functional.adaptive_avg_pool1d,
    2: functional.adaptive_avg_pool2d,
    3: functional.adaptive_avg_pool3d,
}
FLIPPED_MODES = {"reflect": "reflect", "replicate": "replicate", "circular": "circular"}


def both_sides(pairs, axes):
    """Begin and end of every axis as functional.pad wants them: the last axis first."""
    pairs = list(pairs)
    pairs = pairs * (axes if len(pairs) == 1 else 1)
    return [side for pair in reversed(pairs) for side in pair]


def positive(*shape):
    return 0.5 + torch.rand(*shape, dtype=torch.float64)


def tensorflow_same(layer, sides):
    for side, k, s, d in zip(sides, layer.size, layer.stride, layer.dilation, strict=True):
        missing = max(0, (-(-side // s) - 1) * s + (k - 1) * d + 1 - side)
        yield missing // 2, missing - missing // 2


def windows(x, layer, weight, groups):
    axes = len(layer.size)
    pads = layer.padding if layer.padding != "same" else tensorflow_same(layer, x.shape[2:])
    x = functional.pad(x, both_sides(pads, axes))
    if layer.ceil:  # a last window that reaches past the end, if it begins before it
        x = functional.pad(x, both_sides([(0, stride - 1) for stride in layer.stride], axes))
    return CONV[axes](x, weight, None, layer.stride, 0, layer.dilation, groups)


def convolution(layer, x, out):
    groups = x.shape[1] if layer.kind == "dw" else layer.groups
    return windows(x, layer, positive(out, x.shape[1] // groups, *layer.size), groups)


def pooling(layer, x, out):
    return windows(x, layer, torch.ones(out, 1, *layer.size, dtype=torch.float64), out)


def transposed(layer, x, out):
    axes = len(layer.size)
    weight = positive(x.shape[1], out // layer.groups, *layer.size)
    y = CONVT[axes](x, weight, None, layer.stride, 0, 0, layer.groups, layer.dilation)
    y = functional.pad(y, both_sides([(0, extra) for extra in layer.output_padding], axes))
    return functional.pad(y, [-side for side in both_sides(layer.padding, axes)])


def factors(layer, x):
    return list(layer.size) * (x.dim() - 2 if len(layer.size) == 1 else 1)


def nearest(layer, x, out):
    return functional.interpolate(x, scale_factor=factors(layer, x), mode="nearest")


def resize(layer, x, out):
    return functional.interpolate(x, size=factors(layer, x), mode="nearest")


def bilinear(layer, x, out):
    return functional.interpolate(x, scale_factor=factors(layer, x), mode=LINEAR[x.dim() - 2])


def bilinear_to(layer, x, out):
    return functional.interpolate(x, size=factors(layer, x), mode=LINEAR[x.dim() - 2])


def pixelshuffle(layer, x, out):
    (factor,) = layer.size
    if x.dim() == 4:
        return functional.pixel_shuffle(x, factor)
    batch, channels, length = x.shape
    x = x.reshape(batch, channels // factor, factor, length).transpose(2, 3)
    return x.reshape(batch, channels // factor, length * factor)


def border(layer, x, out):
    pads = both_sides(layer.pads, x.dim() - 2)
    if layer.kind in FLIPPED_MODES:
        return functional.pad(x, pads, mode=FLIPPED_MODES[layer.kind])
    return functional.pad(x, pads if layer.kind == "pad" else [-side for side in pads])


def adaptive(layer, x, out):
    return ADAPTIVE[x.dim() - 2](x, factors(layer, x) if layer.size else 1)


def unchanged(layer, x, out):
    return x


LAYERS = {
    **dict.fromkeys(("conv", "dw"), convolution),
    **dict.fromkeys(("max", "avg"), pooling),
    "convt": transposed,
    **dict.fromkeys(("gap", "gmp"), adaptive),
    "up": nearest,
    "resize": resize,
    "bilinear": bilinear,
    "bilinearto": bilinear_to,
    "pixelshuffle": pixelshuffle,
    **dict.fromkeys(("pad", "crop", *FLIPPED_MODES), border),
    **dict.fromkeys(("relu", "sigmoid", "shuffle"), unchanged),
    "slice": lambda layer, x, out: x[:, slice(*layer.bounds)],
}
MERGES = {
    "add": lambda parts: sum(parts[1:], parts[0]),
    "mul": lambda parts: sum(parts[1:], parts[0]),  # a product depends on what a sum depends on
    "cat": lambda parts: torch.cat(parts, 1),
    "bilinearlike": lambda parts: functional.interpolate(
        parts[0], parts[1].shape[2:], mode=LINEAR[parts[0].dim() - 2]
    ),
    "resizelike": lambda parts: functional.interpolate(parts[0], parts[1].shape[2:]),
}


def run(network, x):
    values = [x]
    for node, shape in zip(network.nodes[1:], network.shapes[1:], strict=True):
        parts = [values[source] for source in node.inputs]
        if node.layer.kind in MERGES:
            values.append(MERGES[node.layer.kind](parts))
        else:
            values.append(LAYERS[node.layer.kind](node.layer, parts[0], shape[0]))
        assert tuple(values[-1].shape[1:]) == shape
    return values[network.outputs[0]]


def outputs(network, x):
    """The value of the output, channels added up: what a position sees."""
    torch.manual_seed(0)
    return run(network, x).sum(1)[0]


def image(network):
    """An input of ones, to differentiate by."""
    return torch.ones(1, *network.shape, dtype=torch.float64, requires_grad=True)


def reached(y, unit, x):
    """Where the derivative of a unit is not 0, as a list of positions."""
    (gradient,) = torch.autograd.grad(y[unit], x, retain_graph=True)
    amounts = gradient.abs().sum((0, 1))
    return [tuple(place) for place in (amounts > 1e-11 * amounts.max()).nonzero().tolist()]


def seen_by_units(network, units):
    """For each unit, a tuple of positions, the first and the last input seen along each axis."""
    x = image(network)
    y = outputs(network, x)
    seen = []
    for unit in units:
        places = reached(y, unit, x)
        along = zip(*places, strict=True) if places else ((),) * len(unit)
        seen.append(tuple((min(a), max(a)) if a else None for a in along))
    return seen
