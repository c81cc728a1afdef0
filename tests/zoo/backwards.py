"""What one unit of a network sees, pushed back from the unit to the input, node by node.

The package goes forwards and keeps the fields of all phases; here one unit in the middle asks its
windows which inputs they read. Values that `gap` or `fc` made have no positions and do not ask.
"""

from fractions import Fraction
from math import ceil, floor

from convalgebra.layers import spread_over


def tensorflow_same(side, taps, stride, dilation):
    missing = max(0, (-(-side // stride) - 1) * stride + dilation * (taps - 1) + 1 - side)
    return missing // 2, missing - missing // 2


def window(layer, sides, seen):
    axes = zip(sides, layer.size, layer.stride, layer.dilation, strict=True)
    pads = [tensorflow_same(*axis) for axis in axes] if layer.padding == "same" else layer.padding
    for (first, last), taps, stride, dilation, (before, _) in zip(
        seen, layer.size, layer.stride, layer.dilation, pads, strict=True
    ):
        yield first * stride - before, last * stride - before + dilation * (taps - 1)


def transposed(layer, sides, seen):
    for (first, last), taps, stride, (before, _) in zip(
        seen, layer.size, layer.stride, layer.padding, strict=True
    ):
        writing = [
            n
            for n in range((first - taps) // stride - 2, (last + taps) // stride + 3)
            if any(first <= n * stride - before + tap <= last for tap in range(taps))
        ]
        yield min(writing), max(writing)


def interpolated(sides, outputs, seen):
    for (first, last), side, output in zip(seen, sides, outputs, strict=True):
        ends = [
            Fraction(2 * n + 1, 2) * Fraction(side, output) - Fraction(1, 2) for n in (first, last)
        ]
        yield floor(ends[0]), ceil(ends[1])


def pooled_to(sides, outputs, seen):
    for (first, last), side, output in zip(seen, sides, outputs, strict=True):
        yield first * side // output, -((last + 1) * side // -output) - 1


def bordered(layer, seen):
    sign = -1 if layer.kind == "crop" else 1
    pads = spread_over(layer.pads, len(seen), "padding")
    for (first, last), (before, _) in zip(seen, pads, strict=True):
        yield first - sign * before, last - sign * before


def before(layer, sides, outputs, seen):
    """What the units `seen` of a layer's output read of its input."""
    if layer.kind in ("conv", "dw", "max", "avg"):
        return window(layer, sides, seen)
    if layer.kind == "convt":
        return transposed(layer, sides, seen)
    if layer.kind in ("bilinear", "bilinearto", "bilinearlike"):
        return interpolated(sides, outputs, seen)
    if layer.kind == "gap":
        return pooled_to(sides, outputs, seen)
    if layer.kind in ("pad", "crop"):
        return bordered(layer, seen)
    assert layer.kind not in ("up", "resize", "pixelshuffle", "reflect", "replicate", "circular")
    return seen


def seen_by(network, end, unit, placed):
    """The interval along each axis that `unit` of node `end` sees; `placed`: nodes to ask."""
    needed = {end: [(at, at) for at in unit]}
    for index in range(end, 0, -1):
        if index not in needed:
            continue
        node, sides = network.nodes[index], network.shapes[index][1:]
        first_alone = node.layer.kind in ("unused", "bilinearlike")
        for source in node.inputs[:1] if first_alone else node.inputs:
            if placed[source]:
                inputs = network.shapes[source][1:]
                found = list(before(node.layer, inputs, sides, needed[index]))
                known = needed.get(source, found)
                needed[source] = [
                    (min(a, c), max(b, d)) for (a, b), (c, d) in zip(known, found, strict=True)
                ]
    return needed[0]
