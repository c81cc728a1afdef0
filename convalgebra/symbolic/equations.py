"""A single kernel against a chain of convolutions: one equation for each input they read.

On an unbounded grid the two are equal if and only if one output of each is the same sum over the
same patch of inputs, so that what stands before each input is equal.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from math import prod
from typing import Any

from sympy import QQ, Add, Eq, Expr, S, Symbol, expand
from sympy.polys.matrices import DomainMatrix

from convalgebra.errors import UnsupportedError
from convalgebra.language.layer_text import layer_text
from convalgebra.layers import Layer, groups_of, padding_of
from convalgebra.letters import tap_name
from convalgebra.network import Network
from convalgebra.symbolic.engine import CONSTANT, linear_forms, require_linear, weights_of, written
from convalgebra.symbolic.rows import Places, Weights

SLIDING = frozenset({"conv", "dw", "avg"})  # the kinds that are a kernel on an unbounded grid
_MOST_PRODUCTS = 2_000  # past it nobody reads the equations
_MOST_LAYERS = 60
_MOST_PLACES = 10_000  # inputs of the patch
_LONGEST_QUOTED = 60  # characters of a stack in an error


@dataclass(frozen=True)
class Side:
    """A chain of convolutions on exactly the patch that one output of it reads.

    `network` has no padding, which on an unbounded grid only shifts: the patch of output 0 begins
    at `start`, or anywhere if that is None since no padding is written.
    """

    network: Network
    stride: Places
    start: Places | None

    @property
    def extent(self) -> Places:
        """The sides of the patch."""
        sides: Places = self.network.shapes[0][1:]
        return sides

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Its convolutions, the first first."""
        layers = [node.layer for node in self.network.nodes]
        return tuple(layer for layer in layers if layer.kind in SLIDING)

    def weights(self, first: int) -> dict[int, Weights]:
        """Its weights as symbols, by node index."""
        return weights_of(self.network, first)

    def coefficients(self, first: int, corner: Places) -> dict[Places, Expr]:
        """What stands before each input, multiplied out; biases at (channel out,).

        The keys are (channel out, channel in, position ..), with the patch beginning at `corner`.
        """
        channels, *sides = self.network.shapes[0]
        ranges = [range(at, at + side) for at, side in zip(corner, sides, strict=True)]
        places = list(product(range(channels), *ranges))
        found: dict[Places, Expr] = {}
        for channel, form in enumerate(linear_forms(self.network, self.weights(first))):
            for at, coefficient in form.items():
                place = () if at == CONSTANT else places[at]
                found[(channel, *place)] = expand(coefficient)
        return found


@dataclass(frozen=True)
class System:
    """The equations `kernel = stack`, one for each input of the patch that both read.

    `places` are the inputs, (channel out, channel in, position ..), or (channel out,) for a bias.
    With padding on both sides, that says where the stack's patch lies; else it begins where the
    kernel's does.
    """

    single: Side
    stack: Side

    @cached_property
    def corners(self) -> tuple[Places, Places]:
        """Where the two patches, of the kernel and of the stack, begin in the patch of both."""
        zero = (0,) * len(self.single.stride)
        if not self.is_placed:
            return zero, zero
        starts = self.single.start or zero, self.stack.start or zero
        least = tuple(map(min, zip(*starts, strict=True)))
        one, other = (tuple(a - b for a, b in zip(s, least, strict=True)) for s in starts)
        return one, other

    @property
    def is_placed(self) -> bool:
        """Whether padding is written on both sides, and says where the patches lie."""
        return self.single.start is not None and self.stack.start is not None

    @cached_property
    def sides(self) -> tuple[dict[Places, Expr], dict[Places, Expr]]:
        """What stands before each input, for the single kernel and for the stack."""
        one, other = self.corners
        return self.single.coefficients(0, one), self.stack.coefficients(1, other)

    @cached_property
    def places(self) -> tuple[Places, ...]:
        """The inputs that either reads, row by row, biases last."""
        left, right = self.sides
        return tuple(sorted(left.keys() | right.keys(), key=lambda place: (len(place) == 1, place)))

    @cached_property
    def equations(self) -> tuple[Eq, ...]:
        """One equation a place, the single kernel on the left."""
        left, right = self.sides
        pairs = [(left.get(place, S.Zero), right.get(place, S.Zero)) for place in self.places]
        return tuple(Eq(one, other, evaluate=False) for one, other in pairs)

    @property
    def extent(self) -> Places:
        """The sides of the patch that both read."""
        extents = self.single.extent, self.stack.extent
        ends = [
            tuple(map(sum, zip(corner, extent, strict=True)))
            for corner, extent in zip(self.corners, extents, strict=True)
        ]
        return tuple(map(max, zip(*ends, strict=True)))

    @property
    def rooms(self) -> int:
        """In how many places of the kernel the stack's patch fits; the first one is taken."""
        pairs = zip(self.single.extent, self.stack.extent, strict=True)
        return prod(max(0, one - other) + 1 for one, other in pairs)

    def name(self, place: Places) -> str:
        """The input at `place`, as it is called: x01; x01_2 in channel 2 of several."""
        if len(place) == 1:
            return "1"
        several = self.stack.network.shapes[0][0] > 1
        return tap_name("x", place[2:], self.extent) + (f"_{place[1]}" if several else "")

    def rank(self, order: Sequence[int] | None = None) -> tuple[int, tuple[int, ...]]:
        """The rank of the stack's Jacobian at a random point, and as many independent equations.

        The point is rational and the rank exact. It is the rank almost everywhere or, with a
        probability that is next to nothing, less. Equations early in `order` are preferred.
        """
        _, right = self.sides
        order = range(len(self.places)) if order is None else order
        values = [right.get(self.places[number], S.Zero) for number in order]
        weights = sorted({s for value in values for s in value.free_symbols}, key=str)
        if not weights:
            return 0, ()
        drawn = random.Random(0)
        point = {weight: drawn.randint(1, 10**4) for weight in weights}
        gradients = [_gradient(value, weights, point) for value in values]
        columns = [[gradient[n] for gradient in gradients] for n in range(len(weights))]
        matrix = DomainMatrix(columns, (len(weights), len(values)), QQ)
        _, pivots = matrix.rref()
        return len(pivots), tuple(sorted(order[pivot] for pivot in pivots))


def _gradient(value: Expr, weights: Sequence[Symbol], point: dict[Symbol, int]) -> list[Any]:
    parts = dict.fromkeys(weights, QQ(0))
    for term in Add.make_args(value):
        number, factors = term.as_coeff_mul()
        powers = [factor.as_base_exp() for factor in factors]
        whole = QQ(number.p, number.q) * prod(point[base] ** int(power) for base, power in powers)
        for base, power in powers:
            parts[base] += whole * int(power) / point[base]
    return [parts[weight] for weight in weights]


def equations(single: Network, stack: Network, channels: int = 1) -> list[Eq]:
    """The equations that say that a single kernel equals a chain of convolutions.

    One for each input that either reads, on an unbounded grid. Where the padding does not say how
    the two lie, they begin at the same input. The symbols are plain: `.subs` and `sympy.solve`
    work on them.

    >>> from convalgebra.language import parse
    >>> equations(parse("3"), parse("2, 2"))
    [Eq(a0, b0*c0), Eq(a1, b0*c1 + b1*c0), Eq(a2, b1*c1)]

    Raises UnsupportedError for anything but chains of convolutions, for strides that differ, and
    for equations too long to be read.
    """
    return list(system(single, stack, channels).equations)


def system(single: Network, stack: Network, channels: int = 1) -> System:
    """The equations of `single`, one convolution, against `stack`, a chain of them."""
    one, other = _side(single, channels), _side(stack, channels)
    names = _quoted(single), _quoted(stack)
    if len(one.layers) != 1:
        raise UnsupportedError(
            f"the left side of a derivation is a single kernel, and {names[0]} has "
            f"{len(one.layers)} layers; write the single kernel first"
        )
    if len(one.extent) != len(other.extent):
        raise UnsupportedError(
            f"{names[0]} has {_axes(one)} and {names[1]} {_axes(other)}: no equations relate them"
        )
    if one.stride != other.stride:
        raise UnsupportedError(
            f"{names[0]} moves by {_sides(one.stride)} and {names[1]} by {_sides(other.stride)}: "
            "no choice of weights makes them equal; give both the same stride in all"
        )
    outputs = [side.network.shapes[-1][0] for side in (one, other)]
    if outputs[0] != outputs[1]:
        raise UnsupportedError(
            f"the channels that go out differ: {outputs[0]} from {names[0]}, {outputs[1]} from "
            f"{names[1]}; write @{outputs[1]}"
        )
    return System(one, other)


def _quoted(network: Network) -> str:
    text = written(network)
    return f"`{text}`" if len(text) <= _LONGEST_QUOTED else f"`{text[: _LONGEST_QUOTED - 2]}..`"


def _axes(side: Side) -> str:
    count = len(side.extent)
    return f"{count} {'axis' if count == 1 else 'axes'}"


def _sides(sizes: Places) -> str:
    return "x".join(map(str, sizes))


def _side(network: Network, channels: int) -> Side:
    require_linear(network)
    for index, node in enumerate(network.nodes[1:], start=1):
        chained = node.inputs == (index - 1,)
        if not chained or node.layer.kind not in SLIDING | {"dropout"}:
            raise UnsupportedError(
                f"{layer_text(node.layer)} in {_quoted(network)}: equations are written out for "
                "chains of convolutions only, one after another"
            )
    layers = [node.layer for node in network.nodes if node.layer.kind in SLIDING]
    if not layers:
        raise UnsupportedError(f"{_quoted(network)} has no convolution: write a kernel, as in 3x3")
    if len(layers) > _MOST_LAYERS:
        raise UnsupportedError(
            f"the equations of {_quoted(network)} are too long to write out: "
            f"{len(layers):,} layers, where {_MOST_LAYERS} are the most; "
            "the verdict needs no such list"
        )
    if len({layer.axes for layer in layers}) > 1:
        raise UnsupportedError(f"the kernels of {_quoted(network)} differ in their number of axes")
    extent = [1] * len(layers[0].size)
    stride, start = [1] * len(extent), [0] * len(extent)
    padded = False
    for layer in layers:
        for axis, (taps, step, dilation, (left, right)) in enumerate(
            zip(layer.size, layer.stride, layer.dilation, _padding(layer), strict=True)
        ):
            extent[axis] += dilation * (taps - 1) * stride[axis]
            start[axis] -= left * stride[axis]
            stride[axis] *= step
            padded |= left > 0 or right > 0
    if prod(extent) > _MOST_PLACES:
        raise UnsupportedError(
            f"one output of {_quoted(network)} spans {_sides(tuple(extent))} inputs: "
            f"more than {_MOST_PLACES:,} are not written out; the verdict needs no such list"
        )
    bare = tuple(
        node._replace(layer=replace(node.layer, padding=(), ceil=False)) for node in network.nodes
    )
    on_patch = Network((channels, *extent), bare, network.outputs)
    _require_short(network, on_patch)
    return Side(on_patch, tuple(stride), tuple(start) if padded else None)


def _padding(layer: Layer) -> tuple[Any, ...]:
    # 'same' is the same for every input at stride 1; else it says nothing about an unbounded grid.
    if layer.padding == "same" and any(step != 1 for step in layer.stride):
        return ((0, 0),) * len(layer.size)
    return padding_of(layer, (1,) * len(layer.size))


def _require_short(network: Network, on_patch: Network) -> None:
    """Nothing, if the sums that `on_patch` makes of its inputs can be read."""
    products, factors = on_patch.shapes[-1][0], 0
    for node, shape in zip(on_patch.nodes[1:], on_patch.shapes, strict=False):
        if node.layer.kind in SLIDING:
            factors += 1
            # A depthwise layer and an average read one channel each.
            width = shape[0] // groups_of(node.layer, shape[0]) if node.layer.kind == "conv" else 1
            products *= prod(node.layer.size) * width
        if products > _MOST_PRODUCTS:
            raise UnsupportedError(
                f"the equations of {_quoted(network)} are too long to write out: after {factors} "
                f"of its layers they have {products:,} products of {factors} weights, where "
                f"{_MOST_PRODUCTS:,} are the most; the verdict needs no such list"
            )
