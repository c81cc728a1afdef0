"""A linear network run by torch, with weights given as arrays: the oracle of the engine.

It knows the layers from torch's own definitions only, and shares nothing with the engine.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from convalgebra.layers import Layer
from convalgebra.network import Network
from convalgebra.symbolic.rows import Weights

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402, N812  (only where there is torch)
from torch import Tensor  # noqa: E402

CONVOLVE = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
AVERAGE = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
ADAPTIVE = {1: F.adaptive_avg_pool1d, 2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}
SMOOTH = {1: "linear", 2: "bilinear", 3: "trilinear"}


def tensor(array: Any) -> Tensor:
    return torch.from_numpy(np.asarray(array, dtype=float))


def spread(values: tuple[Any, ...], axes: int) -> list[Any]:
    return list(values) * axes if len(values) == 1 else list(values)


def padded(x: Tensor, pads: Any, mode: str = "constant") -> Tensor:
    """Torch wants the last axis first."""
    return F.pad(x, [side for pair in reversed(list(pads)) for side in pair], mode=mode)


def border(mode: str) -> Any:
    return lambda layer, w, x: padded(x, spread(layer.pads, x.dim() - 2), mode)


def convolution(layer: Layer, w: Weights, x: Tensor) -> Tensor:
    bias = None if w.bias is None else tensor(w.bias)
    axes = x.dim() - 2
    groups = x.shape[1] if layer.kind == "dw" else layer.groups
    if layer.padding != "same":
        x = padded(x, layer.padding)
    return CONVOLVE[axes](
        x,
        tensor(w.kernel),
        bias,
        stride=layer.stride,
        padding="same" if layer.padding == "same" else 0,
        dilation=layer.dilation,
        groups=groups,
    )


def transposed(layer: Layer, w: Weights, x: Tensor) -> Tensor:
    """torch keeps these weights as (channels in, channels out of a group, ..)."""
    kernel = tensor(w.kernel)
    out, width = kernel.shape[:2]
    parts = kernel.reshape(layer.groups, out // layer.groups, width, *kernel.shape[2:])
    swapped = parts.transpose(1, 2).reshape(-1, out // layer.groups, *kernel.shape[2:])
    return TRANSPOSED[x.dim() - 2](
        x,
        swapped,
        None if w.bias is None else tensor(w.bias),
        stride=layer.stride,
        padding=[left for left, _ in layer.padding],
        output_padding=layer.output_padding,
        groups=layer.groups,
        dilation=layer.dilation,
    )


def average(layer: Layer, w: Weights, x: Tensor) -> Tensor:
    pads = [left for left, _ in layer.padding]
    return AVERAGE[x.dim() - 2](x, layer.size, layer.stride, pads, ceil_mode=layer.ceil)


def fully_connected(layer: Layer, w: Weights, x: Tensor) -> Tensor:
    return F.linear(x.flatten(1), tensor(w.kernel), None if w.bias is None else tensor(w.bias))


def linear(layer: Layer, w: Weights, x: Tensor) -> Tensor:
    bias = None if w.bias is None else tensor(w.bias)
    return F.linear(x.movedim(1, -1), tensor(w.kernel), bias).movedim(-1, 1)


def per_channel(layer: Layer, w: Weights, x: Tensor) -> Tensor:
    shape = (1, -1, *[1] * (x.dim() - 2))
    shift = 0 if w.bias is None else tensor(w.bias).reshape(shape)
    return x * tensor(w.kernel).reshape(shape) + shift


def cropped(layer: Layer, w: Weights, x: Tensor) -> Tensor:
    pads = spread(layer.pads, x.dim() - 2)
    return padded(x, [(-left, -right) for left, right in pads])


RUN: dict[str, Any] = {
    "conv": convolution,
    "dw": convolution,
    "convt": transposed,
    "avg": average,
    "gap": lambda layer, w, x: ADAPTIVE[x.dim() - 2](x, spread(layer.size or (1,), x.dim() - 2)),
    "fc": fully_connected,
    "linear": linear,
    "bn": per_channel,
    "scale": per_channel,
    "up": lambda layer, w, x: F.interpolate(
        x, scale_factor=[float(f) for f in spread(layer.size, x.dim() - 2)], mode="nearest"
    ),
    "bilinear": lambda layer, w, x: F.interpolate(
        x,
        scale_factor=[float(f) for f in spread(layer.size, x.dim() - 2)],
        mode=SMOOTH[x.dim() - 2],
        align_corners=False,
    ),
    "bilinearto": lambda layer, w, x: F.interpolate(
        x, size=spread(layer.size, x.dim() - 2), mode=SMOOTH[x.dim() - 2], align_corners=False
    ),
    "bilinearlike": lambda layer, w, x, like: F.interpolate(
        x, size=like.shape[2:], mode=SMOOTH[x.dim() - 2], align_corners=False
    ),
    "resizelike": lambda layer, w, x, like: F.interpolate(x, size=like.shape[2:], mode="nearest"),
    "resize": lambda layer, w, x: F.interpolate(
        x, size=spread(layer.size, x.dim() - 2), mode="nearest"
    ),
    "pad": border("constant"),
    "crop": cropped,
    "reflect": border("reflect"),
    "replicate": border("replicate"),
    "circular": border("circular"),
    "shuffle": lambda layer, w, x: F.channel_shuffle(x, layer.size[0]),
    "pixelshuffle": lambda layer, w, x: F.pixel_shuffle(x, layer.size[0]),
    "flatten": lambda layer, w, x: x.flatten(1),
    "slice": lambda layer, w, x: x[:, layer.bounds[0] : layer.bounds[1]],
    "dropout": lambda layer, w, x: F.dropout(x, training=False),
    "unused": lambda layer, w, x, *others: x,
    "add": lambda layer, w, *xs: sum(xs),
    "cat": lambda layer, w, *xs: torch.cat(xs, dim=1),
}


def run(network: Network, weights: dict[int, Weights], inputs: Any) -> np.ndarray:
    """The output of the network on `inputs`, a sample without the batch."""
    values: list[Any] = [tensor(inputs)[None]]
    for index, node in enumerate(network.nodes[1:], start=1):
        if not network.live[index]:
            values.append(None)
            continue
        given = weights.get(index, Weights(None))
        values.append(RUN[node.layer.kind](node.layer, given, *(values[i] for i in node.inputs)))
    return np.asarray(values[network.outputs[0]][0])
