"""Polynomials in the weights of a stack, with exact coefficients, as certificates hold them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convalgebra.algebra.families import Family

Monomial = tuple[tuple[int, int], ...]  # (weight, power), by weight
Number = int | Fraction


@dataclass(frozen=True)
class Polynomial:
    """A sum of coefficients times products of weights; no coefficient is 0.

    >>> x, y = Polynomial.variable(0), Polynomial.variable(1)
    >>> ((x + y) * (x + y)).to_list()
    [[2, [[0, 1], [1, 1]]], [1, [[0, 2]]], [1, [[1, 2]]]]
    """

    terms: Mapping[Monomial, Number] = field(default_factory=dict)

    @staticmethod
    def variable(index: int) -> Polynomial:
        """One weight."""
        return Polynomial({((index, 1),): 1})

    @staticmethod
    def constant(value: Number) -> Polynomial:
        """A number."""
        return Polynomial({(): value} if value else {})

    @staticmethod
    def of(value: Polynomial | Number) -> Polynomial:
        """A polynomial or a number as a polynomial."""
        return value if isinstance(value, Polynomial) else Polynomial.constant(value)

    def __bool__(self) -> bool:
        return bool(self.terms)

    def __hash__(self) -> int:
        return hash(frozenset(self.terms.items()))

    def __add__(self, other: Polynomial | Number) -> Polynomial:
        found = dict(self.terms)
        for monomial, value in Polynomial.of(other).terms.items():
            total = found.get(monomial, 0) + value
            if total:
                found[monomial] = total
            else:
                del found[monomial]
        return Polynomial(found)

    __radd__ = __add__

    def __mul__(self, other: Polynomial | Number) -> Polynomial:
        found: dict[Monomial, Number] = {}
        factors = Polynomial.of(other).terms
        for one, value in self.terms.items():
            for two, factor in factors.items():
                monomial = _product(one, two)
                found[monomial] = found.get(monomial, 0) + value * factor
        return Polynomial({monomial: value for monomial, value in found.items() if value})

    __rmul__ = __mul__

    def number(self) -> Number | None:
        """Its value if it has no weights, None otherwise."""
        if not self.terms:
            return 0
        return self.terms.get(()) if len(self.terms) == 1 else None

    def at(self, point: Sequence[Any]) -> Any:
        """Its value where the weights are known."""
        total: Any = 0
        for monomial, value in self.terms.items():
            for index, power in monomial:
                value *= point[index] ** power
            total += value
        return total

    def to_list(self) -> list[Any]:
        """The polynomial as it stands in a certificate."""
        return [
            [_written(value), [list(factor) for factor in monomial]]
            for monomial, value in sorted(self.terms.items())
        ]


def products_of(family: Family) -> int:
    """How many factors are written when all coefficients of a family are multiplied out, at most.

    Every path from an input to an output is a product of the weights on it. What every step holds
    counts, since it is written on the way.

    >>> from convalgebra.algebra.families import family_of
    >>> from convalgebra.language import parse
    >>> products_of(family_of(parse("2,3")))  # 2 weights; 2 * 3 products of 2 weights
    14
    """
    rates = family.grid.rates
    paths: list[list[int]] = []  # of every channel of a step, over all its phases
    factors: list[int] = []
    total = 0
    for step, rate in zip(family.plan.steps, rates, strict=False):  # a period may follow
        before, count = step.channels
        if step.op == "input":
            found = [1] * count
        elif step.op in ("conv", "convt"):
            (source,), width = step.sources, before // step.groups
            read = [sum(paths[source][g * width :][:width]) for g in range(step.groups)]
            phases = prod(b for _, b in rate) * step.bias
            each = count // step.groups
            found = [prod(step.size) * paths_in + phases for paths_in in read for _ in range(each)]
        elif step.op == "pick":
            found = [paths[step.sources[0]][channel] for channel in step.picked]
        elif step.op == "depth_to_space":
            block = before // count
            source = step.sources[0]
            found = [sum(paths[source][c * block :][:block]) for c in range(count)]
        else:
            lifted = []
            for source in step.sources:
                along = zip(rate, rates[source], strict=True)
                times = prod(a // own for (a, _), (own, _) in along)
                lifted.append([times * count for count in paths[source]])
            if step.op == "add":
                found = list(map(sum, zip(*lifted, strict=True)))
            else:
                found = [count for part in lifted for count in part]
        paths.append(found)
        deep = max((factors[source] for source in step.sources), default=0)
        factors.append(deep + (step.weights is not None))
        total += sum(found) * factors[-1]
    return total


def _product(one: Monomial, two: Monomial) -> Monomial:
    if not one or not two:
        return one or two
    powers = dict(one)
    for index, power in two:
        powers[index] = powers.get(index, 0) + power
    return tuple(sorted(powers.items()))


def _written(value: Number) -> int | str:
    value = Fraction(value)
    return int(value) if value.denominator == 1 else str(value)
