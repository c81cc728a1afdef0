"""How far the effective receptive field of a chain spreads under random weights.

A window of k taps, d apart, on values j inputs apart, whose weights are independent, of mean 0 and
equal variance, multiplies the expected squared gradient by the uniform distribution on k points
d j apart (the mixed terms have mean 0). The variance of that is `j^2 d^2 (k^2 - 1)/12`, and
variances of a convolution add up: the squared gradient of a unit spreads over the input with

    variance = sum over windows of j^2 d^2 (k^2 - 1)/12,

which grows like the square root of what the receptive field is (Luo, Li, Urtasun, Zemel,
"Understanding the effective receptive field in deep convolutional neural networks", 2016). The same
holds for equal weights and the gradient itself. Activations and norms are taken as the identity,
pooling as one more window of random weights, and the borders are far away.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from convalgebra.cost.receptive_field.amounts import Amount, divided
from convalgebra.cost.receptive_field.fields import Field
from convalgebra.cost.receptive_field.moves import WINDOWS
from convalgebra.network import Network
from convalgebra.shapes import windows
from convalgebra.sizes import Size


class Spread(NamedTuple):
    """The variance of where an input is that a unit is sensitive to, along each axis."""

    variances: tuple[Amount, ...]


def spread_of(network: Network, fields: Sequence[Field], index: int) -> Spread | None:
    """The spread at one node of a chain of windows; None for anything else, shared weights too.

    Of a global unit it is that of the last value with positions.

    >>> from convalgebra.cost.receptive_field.fields import receptive_fields
    >>> from convalgebra.language import parse
    >>> network = parse("input 1x64; 3p1, 3s2p1, 3p2d2")
    >>> spread_of(network, receptive_fields(network), 3)
    Spread(variances=(12,))
    """
    twelfths: list[Size] = [0] * (len(network.shapes[0]) - 1)
    while index:
        node = network.nodes[index]
        kind, source = node.layer.kind, node.inputs[0]
        before, after = fields[source], fields[index]
        if len(node.read) > 1:
            return None
        if node.weights != index or before.axes is None or after.axes is None:
            return None
        if kind in WINDOWS and not before.pooled:
            across = zip(windows(node.layer, network.shapes[source]), before.axes, strict=True)
            for at, (window, axis) in enumerate(across):
                if axis.jump is None:
                    return None
                apart: Any = axis.jump
                apart = apart * window.dilation
                twelfths[at] += apart * apart * (window.taps * window.taps - 1)
        elif kind not in ("pad", "crop") and after.axes != before.axes:
            return None
        index = source
    return Spread(tuple(divided(amount, 12) for amount in twelfths))
