"""A linear layer, written out row by row: which inputs each output reads, and with which weights.

A rule yields one `Row` per output, in the order of the flattened output: the outputs and the taps
are gone through one by one, in plain loops, so that what stands here can be checked by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import reduce
from itertools import product
from math import prod
from operator import itemgetter
from typing import Any, NamedTuple

from sympy import Rational

from convalgebra.layers import (
    ACTIVATIONS,
    KINDS,
    SLOPES,
    Layer,
    groups_of,
    padding_of,
    spread_over,
)
from convalgebra.shapes import border, slice_bounds

Places = tuple[int, ...]  # (channel, position, ...)


class Weights(NamedTuple):
    """The weights of one layer, as numpy arrays of any numbers or symbols.

    `kernel` is (channels out, channels in of one group, taps ...), for transposed convolutions too;
    (channels out, features in) for dense layers; (channels,) for `bn` and `scale`. `bias` is
    (channels out,) or None.
    """

    kernel: Any
    bias: Any = None


class Term(NamedTuple):
    """One product of a row: a weight times the value at `place` of input number `branch`."""

    weight: Any
    place: Places
    branch: int = 0


class Row(NamedTuple):
    """One output: the sum of its terms, and a constant (None for none)."""

    terms: Sequence[Term]
    constant: Any = None


class Use(NamedTuple):
    """A layer in its place: its weights and the shapes around it."""

    layer: Layer
    weights: Weights
    inputs: tuple[Places, ...]
    output: Places


Rule = Callable[[Use], Iterator[Row]]


def rows(use: Use) -> Iterator[Row]:
    """The rows of a linear layer, one per output, in the order of the flattened output.

    >>> use = Use(Layer("avg", (2,), stride=(2,)), Weights(None), ((1, 4),), (1, 2))
    >>> [[(str(t.weight), t.place) for t in row.terms] for row in rows(use)]
    [[('1/2', (0, 0)), ('1/2', (0, 1))], [('1/2', (0, 2)), ('1/2', (0, 3))]]

    Raises KeyError for a kind in `REFUSED`.
    """
    return _RULES[use.layer.kind](use)


def work_in(use: Use) -> int:
    """How many times `rows` goes round its innermost loop, zeros of the padding included.

    >>> work_in(Use(Layer("conv", (3, 3)), Weights(None), ((2, 8, 8),), (4, 6, 6)))
    2592
    """
    width = _WIDTHS.get(use.layer.kind)
    return prod(use.output) * (width(use) if width else 1)


def _positions(sides: Iterable[int]) -> Iterator[Places]:
    return product(*map(range, sides))


def _inside(place: Places, sides: Sequence[int]) -> bool:
    return all(0 <= at < side for at, side in zip(place, sides, strict=True))


def _bias(weights: Weights, channel: int) -> Any:
    return None if weights.bias is None else weights.bias[channel]


def _convolution(use: Use) -> Iterator[Row]:
    layer, (_, *sides) = use.layer, use.inputs[0]
    pads = padding_of(layer, tuple(sides))

    def read(out: Places, tap: Places) -> Places | None:
        place = tuple(
            n * s + t * d - left
            for n, t, s, d, (left, _) in zip(
                out, tap, layer.stride, layer.dilation, pads, strict=True
            )
        )
        return place if _inside(place, sides) else None

    return _sliding(use, read)


def _transposed(use: Use) -> Iterator[Row]:
    layer, (_, *sides) = use.layer, use.inputs[0]
    pads = padding_of(layer, tuple(sides))

    def read(out: Places, tap: Places) -> Places | None:
        # Input n writes with tap t to the output n s + t d - p: the n that writes here, if any.
        ahead = [
            o + left - t * d
            for o, t, d, (left, _) in zip(out, tap, layer.dilation, pads, strict=True)
        ]
        if any(a % s for a, s in zip(ahead, layer.stride, strict=True)):
            return None
        place = tuple(a // s for a, s in zip(ahead, layer.stride, strict=True))
        return place if _inside(place, sides) else None

    return _sliding(use, read)


def _sliding(use: Use, read: Callable[[Places, Places], Places | None]) -> Iterator[Row]:
    (channels_in, *_), (channels_out, *sides) = use.inputs[0], use.output
    groups = groups_of(use.layer, channels_in)
    group_in, group_out = channels_in // groups, channels_out // groups
    kernel = use.weights.kernel
    for channel in range(channels_out):
        first = channel // group_out * group_in
        for out in _positions(sides):
            terms = []
            for tap in _positions(use.layer.size):
                place = read(out, tap)
                if place is None:  # a zero of the padding
                    continue
                for offset in range(group_in):
                    weight = kernel[channel, offset, *tap]
                    terms.append(Term(weight, (first + offset, *place)))
            yield Row(terms, _bias(use.weights, channel))


def _average(use: Use) -> Iterator[Row]:
    layer, (_, *sides) = use.layer, use.inputs[0]
    pads = padding_of(layer, tuple(sides))
    padded = [side + left + right for side, (left, right) in zip(sides, pads, strict=True)]
    for channel, *out in _positions(use.output):
        terms, counted = [], 0
        for tap in _positions(layer.size):
            corner = [n * s + t for n, s, t in zip(out, layer.stride, tap, strict=True)]
            # Zeros of the padding count; what hangs over beyond (`ceil`) does not, as in PyTorch.
            counted += _inside(tuple(corner), padded)
            place = tuple(c - left for c, (left, _) in zip(corner, pads, strict=True))
            if _inside(place, sides):
                terms.append((channel, *place))
        yield Row([Term(Rational(1, counted), place) for place in terms])


def _global_average(use: Use) -> Iterator[Row]:
    (_, *sides), (channels, *outs) = use.inputs[0], use.output
    for channel in range(channels):
        for out in _positions(outs):
            bins = [
                range(n * side // count, -(-(n + 1) * side // count))
                for n, side, count in zip(out, sides, outs, strict=True)
            ]
            weight = Rational(1, prod(map(len, bins)))
            yield Row([Term(weight, (channel, *place)) for place in product(*bins)])


def _fully_connected(use: Use) -> Iterator[Row]:
    for channel in range(use.output[0]):
        terms = [
            Term(use.weights.kernel[channel, feature], place)
            for feature, place in enumerate(_positions(use.inputs[0]))
        ]
        yield Row(terms, _bias(use.weights, channel))


def _linear(use: Use) -> Iterator[Row]:
    for channel, *place in _positions(use.output):
        terms = [
            Term(use.weights.kernel[channel, source], (source, *place))
            for source in range(use.inputs[0][0])
        ]
        yield Row(terms, _bias(use.weights, channel))


def _per_channel(use: Use) -> Iterator[Row]:
    for place in _positions(use.output):
        channel = place[0]
        yield Row([Term(use.weights.kernel[channel], place)], _bias(use.weights, channel))


def _moving(source: Callable[[Use, Places], Places | None]) -> Rule:
    """The rule of a layer whose every output is one of its inputs, or zero."""

    def rule(use: Use) -> Iterator[Row]:
        for out in _positions(use.output):
            place = source(use, out)
            yield Row([] if place is None else [Term(1, place)])

    return rule


def _flattened(use: Use, out: Places) -> Places:
    (at,) = out
    place: list[int] = []
    for side in reversed(use.inputs[0]):
        at, here = divmod(at, side)
        place.append(here)
    return tuple(reversed(place))


def _sliced(use: Use, out: Places) -> Places:
    start, _ = slice_bounds(use.layer, use.inputs[0][0])
    return (start + out[0], *out[1:])


def _shuffled(use: Use, out: Places) -> Places:
    (groups,) = use.layer.size
    member, group = divmod(out[0], groups)
    return (group * (use.output[0] // groups) + member, *out[1:])


def _depth_to_space(use: Use, out: Places) -> Places:
    (factor,) = use.layer.size
    inner = reduce(lambda number, at: number * factor + at % factor, out[1:], 0)
    channel = out[0] * factor ** (len(out) - 1) + inner
    return (channel, *(at // factor for at in out[1:]))


def _repeated(use: Use, out: Places) -> Places:
    factors = spread_over(use.layer.size, len(out) - 1, "factor")
    return (out[0], *(at // f for at, f in zip(out[1:], factors, strict=True)))


def _resized(use: Use, out: Places) -> Places:
    sides = zip(out[1:], use.inputs[0][1:], use.output[1:], strict=True)
    return (out[0], *(at * before // after for at, before, after in sides))


def _border(fold: Callable[[int, int], int | None]) -> Rule:
    """The rule of a border: `fold` gives the place on a side for one beside it, None for a zero."""

    def source(use: Use, out: Places) -> Places | None:
        sides = use.inputs[0][1:]
        sign = -1 if use.layer.kind == "crop" else 1
        place = [
            fold(at - sign * left, side)
            for at, side, (left, _) in zip(
                out[1:], sides, border(use.layer, len(sides)), strict=True
            )
        ]
        kept = tuple(at for at in place if at is not None)
        return (out[0], *kept) if len(kept) == len(place) else None

    return _moving(source)


def _reflected(at: int, side: int) -> int:
    return side - 1 - abs(side - 1 - abs(at))


def _bilinear(use: Use) -> Iterator[Row]:
    """Output n of o stands at (n + 1/2) i/o - 1/2 of i inputs, not left of 0 (PyTorch's rule)."""
    for channel, *out in _positions(use.output):
        shares = []
        for at, side, after in zip(out, use.inputs[0][1:], use.output[1:], strict=True):
            where = max(Fraction(0), Fraction((2 * at + 1) * side, 2 * after) - Fraction(1, 2))
            low = where.numerator // where.denominator
            near = [(low, 1 - (where - low)), (min(low + 1, side - 1), where - low)]
            shares.append([(place, share) for place, share in near if share])
        terms = []
        for corner in product(*shares):
            share = prod((s for _, s in corner), start=Fraction(1))
            weight = Rational(share.numerator, share.denominator)
            terms.append(Term(weight, (channel, *map(itemgetter(0), corner))))
        yield Row(terms)


def _sum(use: Use) -> Iterator[Row]:
    for place in _positions(use.output):
        yield Row([Term(1, place, branch) for branch in range(len(use.inputs))])


def _concatenated(use: Use) -> Iterator[Row]:
    for branch, shape in enumerate(use.inputs):
        for place in _positions(shape):
            yield Row([Term(1, place, branch)])


_same = _moving(lambda use, out: out)

_RULES: dict[str, Rule] = {
    "conv": _convolution,
    "dw": _convolution,
    "convt": _transposed,
    "avg": _average,
    "gap": _global_average,
    "fc": _fully_connected,
    "linear": _linear,
    "bn": _per_channel,
    "scale": _per_channel,
    "up": _moving(_repeated),
    "bilinear": _bilinear,
    **dict.fromkeys(("bilinearto", "bilinearlike"), _bilinear),
    **dict.fromkeys(("resize", "resizelike"), _moving(_resized)),
    "pad": _border(lambda at, side: at if 0 <= at < side else None),
    "crop": _border(lambda at, side: at),
    "reflect": _border(_reflected),
    "replicate": _border(lambda at, side: min(max(at, 0), side - 1)),
    "circular": _border(lambda at, side: at % side),
    "shuffle": _moving(_shuffled),
    "pixelshuffle": _moving(_depth_to_space),
    "flatten": _moving(_flattened),
    "slice": _moving(_sliced),
    "dropout": _same,
    "unused": _same,
    "add": _sum,
    "cat": _concatenated,
}


def _taps_and_channels(use: Use) -> int:
    channels = use.inputs[0][0]
    return prod(use.layer.size) * (channels // groups_of(use.layer, channels))


# The width of a row, where it is not one.
_WIDTHS: dict[str, Callable[[Use], int]] = {
    "conv": _taps_and_channels,
    "dw": _taps_and_channels,
    "convt": _taps_and_channels,
    "avg": lambda use: prod(use.layer.size),
    "gap": lambda use: prod(-(-i // o) + 1 for i, o in zip(use.inputs[0], use.output, strict=True)),
    "fc": lambda use: prod(use.inputs[0]),
    "linear": lambda use: use.inputs[0][0],
    **dict.fromkeys(
        ("bilinear", "bilinearto", "bilinearlike"), lambda use: 2 ** len(use.inputs[0])
    ),
    "add": lambda use: len(use.inputs),
}
assert _WIDTHS.keys() <= _RULES.keys()

# Why a kind has no rows; `input` is where the rows start from.
REFUSED: dict[str, str] = {
    **dict.fromkeys(ACTIVATIONS | SLOPES, "is not linear"),
    **dict.fromkeys(
        ("max", "gmp"), "is not linear: which input is the largest depends on them all"
    ),
    **dict.fromkeys(
        ("ln", "in", "gn", "plainln", "plainin", "plaingn"),
        "is not linear: it divides by the spread of its own input",
    ),
    "plainbn": "divides by a spread that is no weight of it; write `bn`",
    "lrn": "is not linear: it divides by the size of its neighbours",
    "opaque": "has no word in the language: what it does is not known",
    "mul": "is not linear: it multiplies two values that both depend on the input",
}
assert _RULES.keys() | REFUSED.keys() | {"input"} == KINDS.keys(), (
    "a kind has neither rows nor reason"
)
assert not _RULES.keys() & REFUSED.keys()
