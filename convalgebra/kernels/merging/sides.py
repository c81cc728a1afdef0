"""How long the output of a stack is, for every input: `floor((b i + t)/a) + 1` along an axis.

A convolution over e positions with P zeros around, at stride s, makes of a side L another one of
`floor((L + P - e)/s) + 1`. With `L = floor((b i + t)/a) + 1` that is
`floor((b i + t + a (1 + P - e))/(a s)) + 1`, since a floor inside a floor falls away. A transposed
one stretches: of a = 1 it makes `b s i + s t + d(k-1) - P + output padding`, plus 1.
"""

from __future__ import annotations

from math import gcd
from typing import NamedTuple

from convalgebra.algebra.plan import Axes, Plan, Step
from convalgebra.kernels.merging.convolution import Convolution
from convalgebra.layers import Layer, spread_over
from convalgebra.network import Network


class Side(NamedTuple):
    """The side `floor((factor i + shift)/stride) + 1` that comes of an input side i."""

    factor: int = 1
    shift: int = -1
    stride: int = 1

    def of(self, inputs: int) -> int:
        """The side for one input.

        >>> Side(1, -1, 2).of(9)
        5
        """
        return (self.factor * inputs + self.shift) // self.stride + 1


def sides_of(network: Network, plan: Plan, nodes: list[int]) -> tuple[Side | None, ...]:
    """The side of the output along each axis; None where no such formula holds for every input.

    That is where branches agree for some inputs only, and where a strided map is stretched.
    """
    return tuple(_along(network, plan, nodes, axis) for axis in range(plan.axes))


def _along(network: Network, plan: Plan, nodes: list[int], axis: int) -> Side | None:
    known: list[Side | None] = []
    for step, node in zip(plan.steps, nodes, strict=True):
        if step.op == "input":
            known.append(Side())
            continue
        before = [known[source] for source in step.sources]
        first = before[0]
        if first is None or any(other != first for other in before):
            known.append(None)
        elif step.op == "conv":
            known.append(_slid(first, step, network.nodes[node].layer, axis, plan.axes))
        elif step.op == "convt":
            known.append(_stretched(first, step, network.nodes[node].layer, axis))
        elif step.op == "depth_to_space":
            f = step.factor
            times = Side(first.factor * f, (first.shift + 1) * f - 1)
            known.append(times if first.stride == 1 else None)
        else:
            known.append(first)
    return known[-1]


def _slid(side: Side, step: Step, layer: Layer, axis: int, axes: int) -> Side | None:
    if layer.kind == "avg" and layer.ceil:
        return None
    extent = step.dilation[axis] * (step.size[axis] - 1) + 1
    padding = extent - 1  # of `psame`
    if layer.kind in ("pad", "crop", "reflect", "replicate", "circular"):
        before, after = (int(n) for n in spread_over(layer.pads, axes, "padding")[axis])
        padding = -before - after if layer.kind == "crop" else before + after
    elif layer.kind in ("linear", "bn", "scale"):
        padding = 0
    elif layer.padding != "same":
        padding = sum(int(n) for n in layer.padding[axis])
    stride = side.stride * step.stride[axis]
    return _shortest(Side(side.factor, side.shift + side.stride * (1 + padding - extent), stride))


def _stretched(side: Side, step: Step, layer: Layer, axis: int) -> Side | None:
    s, extra = step.stride[axis], 0
    if side.stride != 1 and s != 1:
        return None
    if layer.kind == "convt":
        assert layer.padding != "same"
        extra = int(layer.output_padding[axis]) - sum(int(n) for n in layer.padding[axis])
    reach = step.dilation[axis] * (step.size[axis] - 1)
    return Side(side.factor * s, side.shift * s + side.stride * (reach + extra), side.stride)


def _shortest(side: Side) -> Side:
    common = gcd(side.factor, side.stride)
    return Side(side.factor // common, side.shift // common, side.stride // common)


class Ends(NamedTuple):
    """What makes the output as long as that of the stack, along each axis."""

    after: Axes  # the padding on the right; below 0 it crops
    output_padding: Axes
    zeros: Axes  # taps that are added on the right, all zero (transposed convolutions only)


def ends_of(
    merged: Convolution,
    sides: tuple[Side | None, ...],
    inputs: Axes | None = None,
    outputs: Axes | None = None,
) -> Ends | None:
    """The padding on the right of the merged convolution; None where none does for every input.

    On one input, of sides `inputs` and `outputs`, there is always one.
    """
    found = []
    for axis, side in enumerate(sides):
        one = side
        if one is not None and (one.factor, one.stride) != _rate(merged, axis):
            one = None
        if one is None:
            if inputs is None or outputs is None:
                return None
            windows = -(-outputs[axis] // merged.phases[axis])
            one = _through(merged, axis, inputs[axis], windows)
        found.append(_end(merged, axis, one))
    after, extra, zeros = zip(*found, strict=True)
    return Ends(after, extra, zeros)


def _rate(merged: Convolution, axis: int) -> tuple[int, int]:
    if merged.kind == "convt":
        return merged.stride[axis], 1
    return 1, merged.stride[axis]


def _through(merged: Convolution, axis: int, inputs: int, outputs: int) -> Side:
    """A side that makes `outputs` of `inputs`, with as much padding on the right as on the left."""
    factor, stride = _rate(merged, axis)
    least = stride * (outputs - 1) - factor * inputs
    before = merged.before[axis]
    wanted = 2 * before - merged.extent[axis] if merged.kind != "convt" else least
    return Side(factor, min(max(least, wanted), least + stride - 1), stride)


def _end(merged: Convolution, axis: int, side: Side) -> tuple[int, int, int]:
    before, reach = merged.before[axis], merged.extent[axis] - 1
    if merged.kind != "convt":
        return side.shift + reach + 1 - before, 0, 0
    stride, dilation = merged.stride[axis], merged.dilation[axis]
    # side - 1 = (i - 1) s - before - after + reach + output padding
    surplus = side.shift + stride + before - reach
    most = max(stride, dilation) - 1  # of the output padding that frameworks take
    if 0 <= surplus + before <= most:
        return before, surplus + before, 0
    if surplus < 0:
        return -surplus, 0, 0
    zeros = max(0, -(-(surplus - most) // dilation))
    return 0, max(0, surplus - zeros * dilation), zeros
