"""What runs of the maker have to make: layers of the made stack, merged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from convalgebra.algebra.constructions.paths import Path
from convalgebra.algebra.families import Family
from convalgebra.algebra.operators import Coordinate
from convalgebra.algebra.plan import Axes, Plan, Step
from convalgebra.algebra.weight_polynomials import Polynomial, products_of
from convalgebra.budget import Budget


@dataclass(frozen=True)
class Operator:
    """A matrix of polynomials in shifts, with a stride and constants.

    `places` are those of its coefficients that are not 0. `expand` gives them as polynomials in
    weights, and is called where they are needed: most runs do not even fit by their places.
    """

    channels: tuple[int, int]
    stride: Axes
    places: tuple[Coordinate, ...]
    expand: Callable[[], Mapping[Coordinate, Any]]
    identity: bool = False

    @cached_property
    def pairs(self) -> frozenset[tuple[int, int]]:
        """The (out, in) of all entries."""
        return frozenset((place.out, place.source) for place in self.places if place.source >= 0)

    @cached_property
    def support(self) -> list[Axes]:
        """The exponents of all entries."""
        return sorted({place.exponent for place in self.places if place.source >= 0})

    @cached_property
    def biased(self) -> bool:
        """Whether there are constants."""
        return any(place.source < 0 for place in self.places)

    @cached_property
    def coefficients(self) -> dict[Coordinate, Polynomial]:
        """All multiplied out; raises Exhausted where that is beyond the budget."""
        return {place: Polynomial.of(value) for place, value in self.expand().items()}

    @property
    def constants(self) -> dict[int, Polynomial]:
        """The constants multiplied out, by channel."""
        return {place.out: value for place, value in self.coefficients.items() if place.source < 0}

    def entries(self) -> Iterator[tuple[int, int, Axes, Polynomial]]:
        """The entries multiplied out: (out, in, exponent, coefficient)."""
        for place, value in self.coefficients.items():
            if place.source >= 0 and value:
                yield place.out, place.source, place.exponent, value


class Targets:
    """The made layers, run by run; all of them as one if they, or the maker's way, are no chain."""

    def __init__(self, maker: Family, made: Family, path: Path, budget: Budget) -> None:
        self.maker, self.made, self.path, self.budget = maker, made, path, budget
        self.chain = made.plan.is_chain and path.is_plain
        self.layers = len(made.plan.steps) - 1 if self.chain else 1
        self.merged: dict[tuple[int, int], Operator | None] = {}

    def operator(self, layer: int, last: int) -> Operator | None:
        """The made layers from `layer` up to `last`, merged."""
        key = (layer, last)
        if key not in self.merged:
            self.merged[key] = self.operator_of(layer, last)
        return self.merged[key]

    def operator_of(self, layer: int, last: int) -> Operator | None:
        plan = self.made.plan
        zero = (0,) * plan.axes
        if layer == last:
            count = plan.steps[layer].channels[1]
            ones = {Coordinate(c, zero, c, zero): 1 for c in range(count)}
            return Operator((count, count), (1,) * plan.axes, tuple(ones), lambda: ones, True)
        if self.chain:
            family, start = self.made.run(layer + 1, last), _first_weight(plan, layer + 1)
        else:
            family, start = self.made, 0
        if any(b != 1 for _, b in family.rate):
            return None
        self.budget.spend(30 * len(family.plan.steps), on=f"the layers of {self.made.text}")
        self.budget.spend(
            4 * family.ambient, on=f"{family.ambient:,} coefficients of {self.made.text}"
        )

        def expand() -> dict[Coordinate, Any]:
            count = products_of(family)
            self.budget.spend(count, on=f"{count:,} products of weights in {self.made.text}")
            variables = [Polynomial.variable(start + j) for j in range(family.weights)]
            return dict(zip(family.coordinates, family.exact_values(variables), strict=True))

        places = family.coordinates
        if not self.path.is_plain:
            less = {place: value for place, value in self.less_fixed(expand()).items() if value}
            places, expand = tuple(less), lambda: less
        stride = tuple(a for a, _ in family.rate)
        return Operator((family.channels_in, family.channels_out), stride, places, expand)

    def less_fixed(self, values: Mapping[Coordinate, Any]) -> dict[Coordinate, Any]:
        """The made operator less the branches of the maker that have no weights."""
        found = dict(values)
        plan = self.maker.plan
        for index in self.path.fixed:
            steps = plan.steps[: index + 1]
            if index == 0:  # the input itself, as a step that picks all of its channels
                count = plan.channels[0]
                steps += (Step("pick", (0,), (count, count), picked=tuple(range(count))),)
            branch = Family(_closed(replace(plan, steps=steps)))
            for coordinate, value in zip(branch.coordinates, branch.exact_values([]), strict=True):
                before = Polynomial.of(found.get(coordinate, 0))
                found[coordinate] = before + Polynomial.constant(-Fraction(value))
        return found


def _closed(plan: Plan) -> Plan:
    """Only the steps that the last one needs, renumbered."""
    needed = {len(plan.steps) - 1, 0}
    for index in range(len(plan.steps) - 1, 0, -1):
        if index in needed:
            needed.update(plan.steps[index].sources)
    numbers = {old: new for new, old in enumerate(sorted(needed))}
    steps = []
    for step in map(plan.steps.__getitem__, sorted(needed)):
        weights = None if step.weights is None else numbers[step.weights]
        sources = tuple(numbers[source] for source in step.sources)
        steps.append(step._replace(sources=sources, weights=weights))
    return replace(plan, steps=tuple(steps))


def _first_weight(plan: Plan, first: int) -> int:
    """The number of the first weight of the steps from `first` on."""
    return min((block.start for i, block in plan.blocks.items() if i >= first), default=0)
