"""The search for a construction: runs of the maker's layers for runs of the made ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from convalgebra.algebra.constructions.paths import Path, paths
from convalgebra.algebra.constructions.pieces import Kernel, Piece, Pieces, plus, total_stride
from convalgebra.algebra.constructions.targets import Targets
from convalgebra.algebra.families import Family
from convalgebra.algebra.plan import Axes, Plan
from convalgebra.algebra.weight_polynomials import Polynomial
from convalgebra.errors import UnsupportedError

MAX_WORK = 300_000  # products of weights in the made stack, and in the check


@dataclass(frozen=True)
class Construction:
    """`filters[j]` is weight j of the maker, a polynomial in the weights of the made stack.

    With them the maker's operator is the made one's, moved by `offset`. `way` says how in words.
    """

    maker: Family
    made: Family
    offset: Axes
    filters: tuple[Polynomial, ...]
    way: str

    def to_claim(self, maker: str) -> dict[str, Any]:
        """The claim `reproduces` of a certificate."""
        return {
            "claim": "reproduces",
            "maker": maker,
            "offset": list(self.offset),
            "filters": [weight.to_list() for weight in self.filters],
        }

    def weights_for(self, point: list[Any]) -> list[Any]:
        """The maker's weights for given weights of the made stack."""
        return [weight.at(point) for weight in self.filters]


def construct(maker: Family, made: Family) -> Construction | None:
    """Weights with which `maker` is any member of `made`; None where no such way was found.

    >>> from convalgebra.algebra.families import family_of
    >>> from convalgebra.language import parse
    >>> found = construct(family_of(parse("2x2@4, 2x2@1")), family_of(parse("3x3")))
    >>> found.way
    'step 1 picks shifts of the inputs, step 2 holds the taps'
    >>> construct(family_of(parse("2x2, 2x2")), family_of(parse("3x3"))) is None
    True

    Dense convolutions on the maker's side, or groups equal to the made layer's; no transposed ones.
    None proves nothing.
    """
    if (maker.channels_in, maker.channels_out) != (made.channels_in, made.channels_out):
        return None
    if maker.rate != made.rate or any(b != 1 for _, b in made.rate):
        return None
    if made.work > MAX_WORK or maker.plan.weights > MAX_WORK:
        return None
    try:
        for path in paths(maker.plan):
            found = _Search(maker, made, path).found()
            if found is not None:
                return found
    except UnsupportedError:  # too many coefficients to be listed
        return None
    return None


class _Search:
    """One way through the maker, tried on all ways to group the made layers."""

    def __init__(self, maker: Family, made: Family, path: Path) -> None:
        self.maker, self.made = maker, made
        self.runs, self.targets = Pieces(maker.plan, path), Targets(maker, made, path)
        self.steps, self.layers = self.runs.steps, self.targets.layers
        self.pieces: dict[tuple[int, int, int, int], Piece | None] = {}

    def found(self) -> Construction | None:
        """The first grouping that works, checked."""
        if not self.steps:
            return None
        for groups in self.groupings():
            made = self.put_together(groups)
            if made is not None:
                return made
        return None

    def groupings(self) -> Iterator[list[tuple[int, int, int, int]]]:
        """Runs of the maker's steps with runs of made layers: (first, end, first made, end made).

        Depth first, with a memory of what cannot be finished.
        """
        dead: set[tuple[int, int]] = set()

        def extend(step: int, layer: int) -> Iterator[list[tuple[int, int, int, int]]]:
            if step == len(self.steps):
                if layer == self.layers:
                    yield []
                return
            if (step, layer) in dead:
                return
            alive = False
            for end in range(step + 1, len(self.steps) + 1):
                for last in range(self.layers, layer - 1, -1):
                    if last == layer and end > step + 1:
                        continue  # steps that pass on are taken one by one
                    if not self.fits(step, end, layer, last):
                        continue
                    for rest in extend(end, last):
                        alive = True
                        yield [(step, end, layer, last), *rest]
            if not alive:
                dead.add((step, layer))

        yield from extend(0, 0)

    def fits(self, step: int, end: int, layer: int, last: int) -> bool:
        """Whether a run of the maker makes a run of the made layers, with room in the channels."""
        key = (step, end, layer, last)
        if key not in self.pieces:
            target = self.targets.operator(layer, last)
            self.pieces[key] = None if target is None else self.runs.piece(step, end, target)
        return self.pieces[key] is not None

    def put_together(self, groups: list[tuple[int, int, int, int]]) -> Construction | None:
        """All weights, zeros elsewhere; checked by multiplying out."""
        plan = self.maker.plan
        filters = [Polynomial.constant(0)] * plan.weights
        ways, offset = [], (0,) * plan.axes
        scale = (1,) * plan.axes
        for key in groups:
            piece = self.pieces[key]
            assert piece is not None
            if piece.way:
                ways.append(piece.way)
            offset = tuple(o + s * m for o, s, m in zip(offset, scale, piece.offset, strict=True))
            scale = tuple(
                s * t
                for s, t in zip(
                    scale, total_stride(self.steps[key[0] : key[1]], plan.axes), strict=True
                )
            )
            for index, kernel in piece.kernels.items():
                _write(plan, index, kernel, piece.biases.get(index, {}), filters)
        if _check(self.maker, self.made, filters, offset):
            way = ", ".join(ways) or "layer by layer, with zeros around"
            return Construction(self.maker, self.made, offset, tuple(filters), way)
        return None


def _write(
    plan: Plan,
    index: int,
    kernel: Kernel,
    biases: Mapping[int, Polynomial],
    filters: list[Polynomial],
) -> None:
    step, block = plan.steps[index], plan.blocks[index]
    width, out = step.channels[0] // step.groups, step.channels[1] // step.groups
    size = prod(step.size)
    for (o, i, tap), value in kernel.items():
        filters[block.start + (o * width + i - o // out * width) * size + tap] = value
    for o, value in biases.items():
        filters[block.start + step.kernel_weights + o] = value


def _check(maker: Family, made: Family, filters: list[Polynomial], offset: Axes) -> bool:
    """Whether the maker's coefficients are the made ones, moved: exactly."""
    variables = [Polynomial.variable(j) for j in range(made.weights)]
    wanted: dict[tuple[int, int, Axes], Polynomial] = {}
    for c, value in zip(made.coordinates, made.exact_values(variables), strict=True):
        exponent = plus(c.exponent, offset) if c.exponent else ()
        wanted[c.out, c.source, exponent] = Polynomial.of(value)
    found = {
        (c.out, c.source, c.exponent): Polynomial.of(value)
        for c, value in zip(maker.coordinates, maker.exact_values(filters), strict=True)
    }
    zero = Polynomial.constant(0)
    return all(found.get(key, zero) == wanted.get(key, zero) for key in {*found, *wanted})
