"""A linear stack inside one with activations: every channel twice, with both signs.

`s(x) - s(-x) = pair x` for the activations with a `pair` (see `facts`): for a ReLU x = relu(x) -
relu(-x). So let the rows of two channels be w and -w, and the columns of the next layer v and -v,
divided by `pair`: the two channels together hand on what one channel without activation would. A
layer between two activations has four weights, w, -w, -w and w, for one. A bias goes with its row;
layers that keep channels apart do the same to both channels. All of it is true output by output,
so on borders and padding as well: a padded zero is x = 0, and s(0) - s(0) = 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import prod
from typing import Any, TypeVar

from convalgebra.algebra.activations.facts import ACROSS_CHANNELS, FACTS
from convalgebra.algebra.activations.pieces import Piece, Stack
from convalgebra.algebra.activations.widths import block_sizes, halved, mixer, side
from convalgebra.algebra.plan import Step

Copied = tuple[int, Fraction] | None  # a weight of the small stack and a factor; None for 0
Channel = tuple[int, int] | None  # a channel of the small stack and a sign; None: not used
Value = TypeVar("Value")


def undone(stack: Stack) -> tuple[Piece, ...] | None:
    """The pieces of the halved stack, if pairs of channels undo all its activations."""
    if any(kind in ACROSS_CHANNELS or FACTS[kind].pair is None for kind in stack.kinds):
        return None
    return halved(stack)


def pairs_text(stack: Stack) -> str:
    """The weights that undo the activations, in words.

    >>> from convalgebra.algebra.activations.pieces import cut
    >>> from convalgebra.language import parse
    >>> pairs_text(cut(parse("2@2, relu, 2@1"), 1))
    'channels in pairs, with weights w and -w before the relu, v and -v after it: so'
    """
    kinds = " and ".join(dict.fromkeys(stack.kinds))
    after = "v and -v after it"
    if len(stack.kinds) > 1:
        after += ", u, -u, -u and u between two"
    if {FACTS[kind].pair for kind in stack.kinds} != {1}:
        after += " (divided by p where s(x) - s(-x) = p x comes in)"
    return f"channels in pairs, with weights w and -w before the {kinds}, {after}: so"


def doubled(stack: Stack, small: Sequence[Piece]) -> list[Copied]:
    """For every weight of a stack with activations: which weight of the halved one it copies.

    `small` are the pieces of `halved(stack)`. The stack, with these weights, is the small one
    without activations.

    >>> from convalgebra.algebra.activations.pieces import cut
    >>> from convalgebra.algebra.activations.widths import halved
    >>> from convalgebra.language import parse
    >>> stack = cut(parse("2@2, relu, 2@1"), 1)
    >>> [(index, int(factor)) for index, factor in doubled(stack, halved(stack))]
    [(0, 1), (1, 1), (0, -1), (1, -1), (2, 1), (3, 1), (2, -1), (3, -1)]
    """
    seams = [
        _channels(*size) if size is not None else [] for size in block_sizes(stack)
    ]  # of every activation
    pairs = [FACTS[kind].pair or Fraction(1) for kind in stack.kinds]
    found: list[Copied] = []
    start = 0
    for number, (large, piece) in enumerate(zip(stack.pieces, small, strict=True)):
        before = seams[number - 1] if number else None
        after = seams[number] if number < len(seams) else None
        pair = pairs[number - 1] if number else Fraction(1)
        if not large.is_empty:
            found += _Piece(large, piece, before, after, pair, start).weights()
            start += piece.family.weights
    return found


def _channels(count: int, size: int) -> list[Channel]:
    """For each channel of `count` blocks the one it copies; the odd one of a block is not used."""
    half = size // 2
    return [
        (block * half + place // 2, 1 - 2 * (place % 2)) if place < 2 * half else None
        for block in range(count)
        for place in range(size)
    ]


class _Piece:
    """One piece: nodes are steps of its plan, one for one."""

    def __init__(
        self,
        large: Piece,
        small: Piece,
        before: list[Channel] | None,
        after: list[Channel] | None,
        pair: Fraction,
        start: int,
    ) -> None:
        self.large, self.small, self.before, self.after = large, small, before, after
        self.pair, self.start = pair, start
        self.rows = set(side(large, left=True) or ()) if after is not None else set()
        self.columns = set(side(large, left=False) or ()) if before is not None else set()
        self.first = mixer(large, left=False) if before is not None else None

    def weights(self) -> list[Copied]:
        """Those of the piece, in the order of the plan."""
        found: list[Copied] = []
        plan, small = self.large.family.plan, self.small.family.plan
        for index, step in enumerate(plan.steps):
            if step.weights == index:
                block = self.start + small.blocks[index].start
                found += self.step(index, step, small.steps[index], block)
        return found

    def step(self, index: int, step: Step, small: Step, block: int) -> list[Copied]:
        """Those of one step; those of the small one begin at `block`."""
        taps = prod(step.size)
        read = self.before if index in self.columns else None
        made = self.after if index in self.rows else None
        if made is None and index in self.columns and index != self.first:
            made = read  # it keeps apart what comes from the activation before
        apart = step.groups == step.channels[0] == step.channels[1]
        width, out = step.channels[0] // step.groups, step.channels[1] // step.groups
        narrow, small_out = small.channels[0] // small.groups, small.channels[1] // small.groups
        found: list[Copied] = []
        for o in range(step.channels[1]):
            row = made[o] if made is not None else (o, 1)
            for i in range(width):
                channel = o // out * width + i
                column = read[channel] if read is not None else (channel, 1)
                if row is None or column is None:
                    found += [None] * taps
                    continue
                factor = Fraction(1)
                if not apart:
                    factor *= row[1] * column[1]
                    factor /= self.pair if index == self.first else 1
                inside = column[0] - row[0] // small_out * narrow if not apart else 0
                at = block + (row[0] * narrow + inside) * taps
                found += [(at + tap, factor) for tap in range(taps)]
        if step.bias:
            found += self.biases(index, made, block + small.kernel_weights, step.channels[1])
        return found

    def biases(
        self, index: int, made: list[Channel] | None, block: int, count: int
    ) -> list[Copied]:
        found: list[Copied] = []
        for o in range(count):
            row = made[o] if made is not None else (o, 1)
            if row is None:
                found.append(None)
            elif index in self.rows:
                found.append((block + row[0], Fraction(row[1])))
            elif made is not None:  # pair (b - 0) is what the difference of the two adds
                found.append((block + row[0], self.pair) if row[1] > 0 else None)
            else:
                found.append((block + o, Fraction(1)))
        return found


def apply(copied: Sequence[Copied], values: Sequence[Value], zero: Value) -> list[Any]:
    """The weights of the large stack from those of the small one.

    >>> apply([(0, Fraction(-1)), None], [Fraction(5)], Fraction(0))
    [Fraction(-5, 1), Fraction(0, 1)]
    """
    factors: Sequence[Any] = values  # numbers or polynomials
    return [zero if at is None else factors[at[0]] * at[1] for at in copied]


def in_pairs(stack: Stack, small: Sequence[Piece], linear: Mapping[str, Any]) -> dict[str, Any]:
    """The `reproduces` claim of a stack of pairs, from that of the halved stack."""
    filters = linear["filters"]
    return {
        "claim": "reproduces",
        "maker": linear["maker"],
        "offset": list(linear["offset"]),
        "filters": [
            [] if at is None else [_term(term, at[1]) for term in filters[at[0]]]
            for at in doubled(stack, small)
        ],
    }


def _term(term: Sequence[Any], factor: Fraction) -> list[Any]:
    value = Fraction(term[0]) * factor
    return [int(value) if value.denominator == 1 else str(value), term[1]]


def identity_filters(weights: int) -> list[Any]:
    """Every weight by itself, as polynomials: what a stack needs to be itself.

    >>> identity_filters(2)
    [[[1, [[0, 1]]]], [[1, [[1, 1]]]]]
    """
    return [[[1, [[index, 1]]]] for index in range(weights)]
