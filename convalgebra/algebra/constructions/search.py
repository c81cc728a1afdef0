"""The search for a construction: runs of the maker's layers for runs of the made ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from convalgebra.algebra.constructions.paths import Path, paths
from convalgebra.algebra.constructions.pieces import Kernel, Piece, Pieces, plus, total_stride
from convalgebra.algebra.constructions.targets import Targets
from convalgebra.algebra.families import Family
from convalgebra.algebra.operators import Coordinate
from convalgebra.algebra.plan import Axes, Plan, Step
from convalgebra.algebra.weight_polynomials import Polynomial, products_of
from convalgebra.budget import Budget, Exhausted
from convalgebra.errors import UnsupportedError

_MOST_LAYERS = 300  # of both sides
BUDGET = 2_000_000  # factors of products of weights, places and taps: two seconds, 500 MB


@dataclass(frozen=True)
class Construction:
    """`filters[j]` is weight j of the maker, a polynomial in the weights of the made stack.

    With them the maker's operator is the made one's, moved by `offset`. `way` says how in words.
    `filters` is None where they exist but are too many to be written out.
    """

    maker: Family
    made: Family
    offset: Axes
    filters: tuple[Polynomial, ...] | None
    way: str

    def to_claim(self, maker: str) -> dict[str, Any]:
        """The claim `reproduces` of a certificate; the filters must be written out."""
        assert self.filters is not None
        return {
            "claim": "reproduces",
            "maker": maker,
            "offset": list(self.offset),
            "filters": [weight.to_list() for weight in self.filters],
        }

    def weights_for(self, point: list[Any]) -> list[Any]:
        """The maker's weights for given weights of the made stack."""
        assert self.filters is not None
        return [weight.at(point) for weight in self.filters]


def construct(maker: Family, made: Family, budget: Budget | None = None) -> Construction | None:
    """Weights with which `maker` is any member of `made`; None where no such way was found.

    >>> from convalgebra.algebra.families import family_of
    >>> from convalgebra.language import parse
    >>> found = construct(family_of(parse("2x2@4, 2x2@1")), family_of(parse("3x3")))
    >>> found.way
    'step 1 picks shifts of the inputs, step 2 holds the taps'
    >>> construct(family_of(parse("2x2, 2x2")), family_of(parse("3x3"))) is None
    True

    Dense convolutions on the maker's side, or groups equal to the made layer's; no transposed ones.
    None proves nothing. Raises Exhausted where the search stopped at its budget.
    """
    budget = Budget(BUDGET) if budget is None else budget
    if (maker.channels_in, maker.channels_out) != (made.channels_in, made.channels_out):
        return None
    if maker.rate != made.rate or any(b != 1 for _, b in made.rate):
        return None
    try:
        for path in paths(maker.plan):
            found = _Search(maker, made, path, budget).found()
            if found is not None:
                return found
    except UnsupportedError:  # too many coefficients to be listed
        return None
    return None


class _Search:
    """One way through the maker, tried on all ways to group the made layers."""

    def __init__(self, maker: Family, made: Family, path: Path, budget: Budget) -> None:
        self.maker, self.made, self.path, self.budget = maker, made, path, budget
        self.runs = Pieces(maker.plan, path, budget)
        self.targets = Targets(maker, made, path, budget)
        self.steps, self.layers = self.runs.steps, self.targets.layers
        self.axes = maker.plan.axes
        self.pieces: dict[tuple[int, int, int, int], Piece | None] = {}

    def found(self) -> Construction | None:
        """The first grouping that works, checked."""
        if not self.steps:
            return None
        if len(self.steps) + self.layers > _MOST_LAYERS:  # the search goes as deep
            raise Exhausted(f"{len(self.steps) + self.layers:,} layers")
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
            run, made = self.steps[step:end], self.made.plan.steps[layer + 1 : last + 1]
            self.budget.spend(1 + len(run) + len(made), on="runs of layers that are tried")
            if self.targets.chain and all(one.op == "conv" for one in made):
                along = zip(_extent(run, self.axes), _extent(made, self.axes), strict=True)
                if any(own < other for own, other in along):
                    return False
            target = self.targets.operator(layer, last)
            self.pieces[key] = None if target is None else self.runs.piece(step, end, target)
        return self.pieces[key] is not None

    def put_together(self, groups: list[tuple[int, int, int, int]]) -> Construction | None:
        """All weights, zeros elsewhere; checked by multiplying out.

        None where they make it at another place than that where the question wants it.
        Without weights that were written out where they are beyond the budget and each run is in
        one layer, which then holds whatever coefficients the run has.
        """
        plan = self.maker.plan
        chosen = [(key, self.pieces[key]) for key in groups]
        ways, offset = [], (0,) * plan.axes
        scale = (1,) * plan.axes
        for key, piece in chosen:
            assert piece is not None
            if piece.way:
                ways.append(piece.way)
            offset = tuple(o + s * m for o, s, m in zip(offset, scale, piece.offset, strict=True))
            run = total_stride(self.steps[key[0] : key[1]], plan.axes)
            scale = tuple(s * t for s, t in zip(scale, run, strict=True))
        if plan.aligned and any(offset):
            return None
        way = ", ".join(ways) or "layer by layer, with zeros around"
        pieces = [piece for _, piece in chosen if piece is not None]
        try:
            filters = self.filters(pieces)
            right = self.is_right(filters, offset, groups)
        except Exhausted:
            if not self.path.is_plain or not all(piece.one_layer for piece in pieces):
                raise
            return Construction(self.maker, self.made, offset, None, way)
        if right:
            return Construction(self.maker, self.made, offset, tuple(filters), way)
        return None

    def filters(self, pieces: list[Piece]) -> list[Polynomial]:
        """The maker's weights."""
        plan = self.maker.plan
        self.budget.spend(plan.weights, on=f"{plan.weights:,} weights of {plan.text}")
        filters = [Polynomial.constant(0)] * plan.weights
        for piece in pieces:
            own, biases = piece.biases() or (None, {})
            for index, kernel in piece.write().items():
                _write(plan, index, kernel, biases if index == own else {}, filters)
        return filters

    def is_right(
        self, filters: list[Polynomial], offset: Axes, groups: list[tuple[int, int, int, int]]
    ) -> bool:
        """Whether they make the made stack: as a whole, or run by run where that is too long.

        The operator of a chain is the product of those of its runs.
        """
        if self.budget.takes(2 * products_of(self.made)):
            variables = [Polynomial.variable(j) for j in range(self.made.weights)]
            values = self.made.exact_values(variables)
            wanted = dict(zip(self.made.coordinates, values, strict=True))
            return _makes(self.maker, filters, wanted, offset)
        if not self.path.is_plain:
            raise Exhausted(f"the products of weights in {self.made.text}")
        for step, end, layer, last in groups:
            piece, target = self.pieces[step, end, layer, last], self.targets.operator(layer, last)
            assert piece is not None
            assert target is not None
            terms = (term for value in target.coefficients.values() for term in value.terms)
            self.budget.spend(2 * sum(map(len, terms)), on=f"the products in {self.made.text}")
            indices = self.path.steps[step:end]
            own = [filters[j] for i in indices for j in self.maker.plan.blocks.get(i, ())]
            run = Family(_run(self.maker.plan, indices))
            if not _makes(run, own, target.coefficients, piece.offset):
                return False
        return True


def _extent(steps: Sequence[Step], axes: int) -> Axes:
    """How far from the first to the last input that one output of some convolutions sees."""
    found, scale = [0] * axes, [1] * axes
    for step in steps:
        for axis in range(axes):
            found[axis] += scale[axis] * step.dilation[axis] * (step.size[axis] - 1)
            scale[axis] *= step.stride[axis]
    return tuple(found)


def _run(plan: Plan, indices: tuple[int, ...]) -> Plan:
    """Some steps of a plan one after another."""
    steps = [Step("input", channels=(0, plan.steps[indices[0]].channels[0]))]
    for number, step in enumerate((plan.steps[index] for index in indices), 1):
        weights = None if step.weights is None else number
        steps.append(step._replace(sources=(number - 1,), weights=weights))
    return Plan(plan.text, plan.axes, tuple(steps))


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


def _makes(
    maker: Family, filters: Sequence[Polynomial], made: Mapping[Coordinate, Any], offset: Axes
) -> bool:
    """Whether the maker's coefficients are the given ones, moved: exactly."""
    wanted: dict[tuple[int, int, Axes], Polynomial] = {}
    for c, value in made.items():
        exponent = plus(c.exponent, offset) if c.exponent else ()
        wanted[c.out, c.source, exponent] = Polynomial.of(value)
    found = {
        (c.out, c.source, c.exponent): Polynomial.of(value)
        for c, value in zip(maker.coordinates, maker.exact_values(filters), strict=True)
    }
    zero = Polynomial.constant(0)
    return all(found.get(key, zero) == wanted.get(key, zero) for key in {*found, *wanted})
