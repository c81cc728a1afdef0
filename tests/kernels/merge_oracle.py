"""Stacks with named weights run by torch, and the merged convolution run by torch.

It knows the layers from torch's own definitions, and numbers them as torch.nn.Sequential does.
"""

from __future__ import annotations

import random

import numpy as np
import pytest

from convalgebra.language import parse
from convalgebra.layers import spread_over

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402, N812  (only where there is torch)

CONVOLVE = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
AVERAGE = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


def padded(x, pads):
    """Zeros around; torch wants the last axis first, and crops where a side is below 0."""
    return F.pad(x, [side for pair in reversed(list(pads)) for side in pair])


def run(network, weights, x, eps=1e-5):
    """What a network with weights by name makes of a batch."""
    if isinstance(network, str):
        network = parse(network)
    numbers, count = {}, 0
    for index, node in enumerate(network.nodes):
        numbers[index] = count
        count += len(node.inputs) == 1
    values = [x]
    for index, node in enumerate(network.nodes[1:], 1):
        layer, kind = node.layer, node.layer.kind
        ins = [values[source] for source in node.inputs]
        if not network.live[index]:
            values.append(None)
            continue

        def w(role, number=numbers[node.weights]):
            found = weights.get(f"{number}.{role}")
            return None if found is None else torch.as_tensor(np.asarray(found), dtype=x.dtype)

        (value, axes) = (ins[0], ins[0].dim() - 2)
        if kind in ("conv", "dw"):
            groups = value.shape[1] if kind == "dw" else layer.groups
            if layer.padding == "same":
                value = CONVOLVE[axes](
                    value, w("weight"), w("bias"), 1, "same", layer.dilation, groups
                )
            else:
                value = padded(value, layer.padding)
                value = CONVOLVE[axes](
                    value, w("weight"), w("bias"), layer.stride, 0, layer.dilation, groups
                )
        elif kind == "convt":
            assert all(a == b for a, b in layer.padding)
            value = TRANSPOSED[axes](
                value, w("weight"), w("bias"), layer.stride, [a for a, _ in layer.padding],
                layer.output_padding, layer.groups, layer.dilation,
            )  # fmt: skip
        elif kind == "avg":
            # torch refuses to pool what is smaller than the window, whatever its padding.
            value = AVERAGE[axes](padded(value, layer.padding), layer.size, layer.stride)
        elif kind == "bn":
            roles = ("running_mean", "running_var", "weight", "bias")
            value = F.batch_norm(value, *(w(role) for role in roles), training=False, eps=eps)
        elif kind == "scale":
            value = value * w("weight").reshape(-1, *[1] * axes)
        elif kind == "linear":
            value = F.linear(value.movedim(1, -1), w("weight"), w("bias")).movedim(-1, 1)
        elif kind == "up":
            factors = [float(f) for f in spread_over(layer.size, axes, "factor")]
            value = F.interpolate(value, scale_factor=factors, mode="nearest")
        elif kind == "pad":
            value = padded(value, spread_over(layer.pads, axes, "padding"))
        elif kind == "crop":
            pads = spread_over(layer.pads, axes, "padding")
            value = padded(value, [(-a, -b) for a, b in pads])
        elif kind == "slice":
            value = value[:, layer.bounds[0] : layer.bounds[1]]
        elif kind == "shuffle":
            value = F.channel_shuffle(value, layer.size[0])
        elif kind == "pixelshuffle":
            value = F.pixel_shuffle(value, layer.size[0])
        elif kind == "add":
            value = sum(ins)
        elif kind == "cat":
            value = torch.cat(ins, dim=1)
        elif kind not in ("dropout", "unused"):
            raise AssertionError(kind)
        values.append(value)
    return values[network.outputs[0]]


def apply(report, x):
    """What the merged convolution makes of a batch, from its fields alone; None if torch cannot."""
    axes = x.dim() - 2
    weight = torch.as_tensor(np.asarray(report.weight, dtype=float), dtype=x.dtype)
    bias = report.bias
    if bias is not None:
        bias = torch.as_tensor(np.asarray(bias, dtype=float), dtype=x.dtype)
    if report.kind == "convt":
        made = TRANSPOSED[axes](
            x, weight, bias, report.stride, 0, report.output_padding, report.groups,
            report.dilation,
        )  # fmt: skip
        return padded(made, [(-a, -b) for a, b in report.padding])
    made = CONVOLVE[axes](
        padded(x, report.padding), weight, bias, report.stride, 0, report.dilation, report.groups
    )
    if report.kind == "phases":
        if len(set(report.phases)) > 1:
            return None
        made = pixel_shuffle(made, report.phases[0])
        made = made[(slice(None), slice(None), *(slice(0, int(n)) for n in report.output[1:]))]
    return made


def pixel_shuffle(x, f):
    """torch's is for two axes only."""
    axes = x.dim() - 2
    batch, channels, *sides = x.shape
    x = x.reshape(batch, channels // f**axes, *[f] * axes, *sides)
    order = [0, 1]
    for axis in range(axes):
        order += [2 + axes + axis, 2 + axis]
    return x.permute(order).reshape(batch, channels // f**axes, *(f * n for n in sides))


def random_weights(table, seed, dtype=np.float64, whole=False):
    """Weights for a table of parameters; variances are positive, and squares if whole."""
    rng = np.random.default_rng(seed)
    found = {}
    for p in table:
        if whole:
            array = rng.integers(-5, 6, p.shape)
            if p.role == "running_var":
                array = rng.integers(1, 4, p.shape) ** 2
        else:
            array = rng.standard_normal(p.shape).astype(dtype)
            if p.role == "running_var":
                array = np.abs(array) + dtype(0.1)
        found[p.name] = array
    return found


def differences(network, weights, report, shape):
    """The exact row of `stack - merged` for every output, by automatic differentiation.

    For each position the largest sum of absolute values of its channels, and the channel's number.
    """
    zero = torch.zeros((1, *shape), dtype=torch.float64, requires_grad=True)

    def difference(x):
        return run(network, weights, x) - apply(report, x)

    at_zero = difference(zero)[0]
    rows = torch.autograd.functional.jacobian(lambda x: difference(x)[0], zero)
    rows = rows.reshape(*at_zero.shape, -1)
    return (rows.abs().sum(-1) + at_zero.abs()).detach().numpy()


# Random stacks


class Text:
    """A random linear stack as text, with channels and total stride tracked."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.axes = self.random.choice([1, 1, 2, 2, 2, 2, 3])

    def sizes(self, choices):
        if self.random.random() < 0.6:
            return [self.random.choice(choices)] * self.axes
        return [self.random.choice(choices) for _ in range(self.axes)]

    @staticmethod
    def x(values):
        return "x".join(map(str, values))

    def pads(self, most=2):
        kind = self.random.random()
        if kind < 0.3:
            return ""
        if kind < 0.7:
            return "p" + self.x(self.sizes(range(most + 1)))
        pairs = zip(self.sizes(range(most + 1)), self.sizes(range(most + 1)), strict=True)
        return "p" + "x".join(f"{a}:{b}" for a, b in pairs)

    def layer(self, c, transposed=True):
        """A layer on c channels, and how many go out."""
        r = self.random
        b = r.choice(["", "b"])
        out = r.choice([1, 2, 2, 3, 4])
        kinds = ["conv"] * 6 + ["dw", "avg", "bn", "bn", "scale", "linear", "pad", "crop"]
        kinds += ["block", "cat", "slice", "shuffle"]
        if transposed:
            kinds += ["convt", "convt", "up"]
        kind = r.choice(kinds)
        size = self.x(self.sizes([1, 2, 3] if self.axes == 3 else [1, 2, 3, 3, 4]))
        if kind == "conv":
            g = 2 if c % 2 == 0 and out % 2 == 0 and r.random() < 0.5 else 1
            s = "s" + self.x(self.sizes([1, 1, 1, 2]))
            d = "d" + self.x(self.sizes([1, 1, 2]))
            return f"conv {size}{s}{self.pads()}{d}g{g}@{out}{b}", out
        if kind == "dw":
            times = r.choice([1, 1, 2])
            return f"dw {size}{self.pads()}@*{times}{b}", c * times
        if kind == "avg":
            s = "s" + self.x(self.sizes([1, 2]))
            size = self.sizes([2, 3])
            return f"avg {self.x(size)}{s}p{self.x(self.sizes([0, 1]))}", c
        if kind == "linear":
            return f"linear@{out}{b}", out
        if kind == "pad":
            return f"pad{r.choice([1, 2])}", c
        if kind == "crop":
            return f"crop{r.choice(['1', '0:1'])}", c
        if kind == "block":
            return self.block(c), c
        if kind == "cat":
            k = self.x([3] * self.axes)
            one = self.x([1] * self.axes)
            return f"cat({k}p1@{out}{b} | {one}@1 | id)", out + 1 + c
        if kind == "slice" and c > 1:
            return f"[{r.choice(['1:', ':-1'])}]", c - 1
        if kind == "shuffle" and c % 2 == 0:
            return "shuffle2", c
        if kind == "convt":
            s = self.sizes([1, 2, 3])
            p = self.x(self.sizes([0, 0, 1]))
            g = 2 if c % 2 == 0 and out % 2 == 0 and r.random() < 0.5 else 1
            o = "o" + self.x([r.choice([0, n - 1]) for n in s])
            k = self.x(self.sizes([2, 3]))
            return f"convt {k}s{self.x(s)}p{p}{o}g{g}@{out}{b}", out
        if kind == "up":
            return "up2", c
        return r.choice(["bn", "scale"]), c

    def block(self, c):
        k, one = self.x([3] * self.axes), self.x([1] * self.axes)
        return self.random.choice(
            [
                f"(({k}p1b, bn) + ({one}, bn) + bn)",
                f"({k}p1 + id)",
                f"({k}p2d2 + {one}b)",
                f"({k}p1, {k}p1b + {one}, scale)",
                f"({one}b, {k}p1, {one} + id)",
            ]
        )

    def stack(self, most=4, transposed=True):
        c = self.random.choice([1, 2, 3, 4])
        first = c
        parts = []
        for _ in range(self.random.randint(1, most)):
            text, c = self.layer(c, transposed)
            parts.append(text)
        return first, ", ".join(parts)
