"""What runs of the maker have to make: layers of the made stack, merged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from convalgebra.algebra.constructions.paths import Path
from convalgebra.algebra.families import Family
from convalgebra.algebra.operators import Coordinate
from convalgebra.algebra.plan import Axes, Plan, Step
from convalgebra.algebra.weight_polynomials import Polynomial

Taps = dict[Axes, Polynomial]  # of one (out, in): exponent -> coefficient


@dataclass(frozen=True)
class Operator:
    """A matrix of polynomials in shifts, with a stride and constants."""

    channels: tuple[int, int]
    stride: Axes
    entries: Mapping[tuple[int, int], Taps]
    constants: Mapping[int, Polynomial]
    identity: bool = False

    @cached_property
    def support(self) -> list[Axes]:
        """The exponents of all entries."""
        return sorted({exponent for taps in self.entries.values() for exponent in taps})


class Targets:
    """The made layers, run by run; all of them as one if they, or the maker's way, are no chain."""

    def __init__(self, maker: Family, made: Family, path: Path) -> None:
        self.maker, self.made, self.path = maker, made, path
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
        axes = plan.axes
        if layer == last:
            count = plan.steps[layer].channels[1]
            one = {(0,) * axes: Polynomial.constant(1)}
            return Operator(
                (count, count), (1,) * axes, {(c, c): one for c in range(count)}, {}, True
            )
        if self.chain:
            family, start = self.made.run(layer + 1, last), _first_weight(plan, layer + 1)
        else:
            family, start = self.made, 0
        if any(b != 1 for _, b in family.rate):
            return None
        variables = [Polynomial.variable(start + j) for j in range(family.weights)]
        values = dict(zip(family.coordinates, family.exact_values(variables), strict=True))
        if not self.path.is_plain:
            values = self.less_fixed(values)
        entries: dict[tuple[int, int], Taps] = {}
        constants: dict[int, Polynomial] = {}
        for coordinate, value in values.items():
            value = Polynomial.of(value)
            if not value:
                continue
            if coordinate.source < 0:
                constants[coordinate.out] = value
            else:
                entries.setdefault((coordinate.out, coordinate.source), {})[coordinate.exponent] = (
                    value
                )
        stride = tuple(a for a, _ in family.rate)
        return Operator((family.channels_in, family.channels_out), stride, entries, constants)

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
