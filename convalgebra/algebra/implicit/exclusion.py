"""A member of one family that another one does not make, told by an equation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from convalgebra.algebra.implicit.equations import (
    ImplicitEquations,
    Number,
    Polynomial,
    coordinate_list,
    poly_list,
    value_of,
)
from convalgebra.budget import Budget

if TYPE_CHECKING:
    from convalgebra.algebra.families import Family
    from convalgebra.algebra.operators import Coordinate

TRIES = 60
BUDGET = 10_000_000  # terms of equations, and multiplications: a few seconds


@dataclass(frozen=True)
class Exclusion:
    """Weights of a family whose operator, moved by `offset`, violates an equation of another one.

    `equation` is a polynomial in `coordinates`, which vanishes on the other family's image and is
    `value` at `kernel`, the operator's coefficients there.
    """

    weights: tuple[int, ...]
    offset: tuple[int, ...]
    coordinates: tuple[Coordinate, ...]
    kernel: tuple[Number, ...]
    equation: Polynomial
    value: Number

    def claim(self, stack: str) -> dict[str, Any]:
        """The claim of this equation and this member; `stack` is the side whose equation it is."""
        return {
            "claim": "equations",
            "stack": stack,
            "coordinates": [coordinate_list(place) for place in self.coordinates],
            "equations": [poly_list(self.equation)],
            "members": [[list(self.weights), list(self.offset)]],
        }


def exclusion(
    found: ImplicitEquations,
    other: Family,
    offset: Sequence[int] | None = None,
    budget: Budget | None = None,
) -> Exclusion | None:
    """A member of `other` with small weights that the stack of `found` cannot be, nor approximate.

    The member is moved by `offset`, by default so that both begin at the same input. A coefficient
    that the stack does not have at all is an equation too: it is 0. None where no such member came
    up: then the equations hold on all of `other`, or at least at random members. Raises Exhausted
    where that is beyond the budget.

    >>> from convalgebra.algebra.families import family_of
    >>> from convalgebra.algebra.implicit.search import implicit_equations
    >>> from convalgebra.language import parse
    >>> ranks = implicit_equations(family_of(parse("2x1, 1x2")))
    >>> exclusion(ranks, family_of(parse("2x2"))).kernel
    (1, 0, 0, 1)

    One such member proves `thin`: those that satisfy the equation are a proper algebraic subset of
    the weights of `other`, at this offset.
    """
    moved = _moved(found, other, offset)
    places = {place: number for number, place in enumerate(found.coordinates)}
    beyond = [number for number, place in enumerate(moved) if place not in places]
    member = _Member(found, other, moved, places, beyond, budget or Budget(BUDGET))
    for weights in _small(other.weights):
        if member.violated(weights) is None:
            continue
        for number in range(len(weights)):  # as plain as it can be made
            for plain in (0, 1):
                simpler = [*weights[:number], plain, *weights[number + 1 :]]
                if member.violated(simpler) is not None:
                    weights = simpler
                    break
        shift = tuple(offset) if offset is not None else _shift(found, other)
        return member.exclusion(weights, shift)
    return None


class _Member:
    """The members of a family, seen in the coordinates of another one."""

    def __init__(
        self,
        found: ImplicitEquations,
        other: Family,
        moved: Sequence[Coordinate],
        places: dict[Coordinate, int],
        beyond: Sequence[int],
        budget: Budget,
    ) -> None:
        self.found, self.other, self.beyond, self.moved = found, other, beyond, moved
        self.budget, self.terms = budget, sum(map(len, found.equations))
        self.columns = [places.get(place) for place in moved]

    def values(self, weights: Sequence[int]) -> tuple[list[Number], list[Number]]:
        """The coefficients, and those at the places that the stack of the equations has."""
        values = self.other.exact_values(weights)
        seen: list[Number] = [0] * len(self.found.coordinates)
        for column, value in zip(self.columns, values, strict=True):
            if column is not None:
                seen[column] = value
        return values, seen

    def violated(self, weights: Sequence[int]) -> int | None:
        """The number of a violated equation; of places beyond, minus 1 and their number."""
        self.budget.spend(self.terms + self.other.work, on="members of a stack in equations")
        values, seen = self.values(weights)
        for number in self.beyond:
            if values[number]:
                return -1 - number
        return self.found.outside(seen)

    def exclusion(self, weights: Sequence[int], offset: tuple[int, ...]) -> Exclusion:
        number = self.violated(weights)
        values, seen = self.values(weights)
        assert number is not None
        if number < 0:
            place, value = self.moved[-1 - number], values[-1 - number]
            return Exclusion(tuple(weights), offset, (place,), (value,), {((0, 1),): 1}, value)
        equation = self.found.expanded(self.found.equations[number])
        return Exclusion(
            tuple(weights),
            offset,
            self.found.coordinates,
            tuple(seen),
            equation,
            value_of(equation, seen),
        )


def _moved(
    found: ImplicitEquations, other: Family, offset: Sequence[int] | None
) -> list[Coordinate]:
    """The coordinates of `other` after the shift."""
    shift = _shift(found, other) if offset is None else offset
    return [
        place._replace(exponent=tuple(e + o for e, o in zip(place.exponent, shift, strict=True)))
        if place.exponent
        else place
        for place in other.coordinates
    ]


def _shift(found: ImplicitEquations, other: Family) -> tuple[int, ...]:
    """From the first place of `other` to the first place of the stack of the equations."""
    corners = [
        tuple(map(min, zip(*(p.exponent for p in places if p.exponent), strict=True)))
        for places in (found.coordinates, other.coordinates)
    ]
    return tuple(a - b for a, b in zip(*corners, strict=True))


def _small(count: int) -> Iterator[list[int]]:
    """Random weights, small ones first."""
    random = Random(0)
    for number in range(TRIES):
        most = 1 + number // 6
        yield [random.randint(-most, most) for _ in range(count)]
