"""Linear symmetries of a family: the affine vector fields on its weights that change nothing.

A field `dw = A w + b` with `J(w) (A w + b) = 0` for all w is tangent to the fibres of the map from
weights to coefficients. So the fibre through a point has at least as many dimensions as the fields
span there, and the image at most `weights` minus that many. (The span is largest at a generic
point; at any point, and mod any prime, it is no larger.)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import gcd
from typing import Any

from convalgebra.algebra.dimension.points import PRIME
from convalgebra.algebra.dimension.ranks import parts_of, rank_of
from convalgebra.algebra.families import Family
from convalgebra.algebra.implicit.parametrization import parametrization
from convalgebra.errors import UnsupportedError

Monomial = tuple[tuple[int, int], ...]  # (weight, power), by weight
Unknown = tuple[int, int]  # (i, j): the part w_j of dw_i; j = -1 for the constant part
CONSTANT_PART = -1

MAX_WEIGHTS = 200
MAX_STEPS = 600_000  # entries of the linear system: about three seconds
MAX_UNKNOWNS = 600  # of one part of the system, solved as a dense matrix


@dataclass(frozen=True)
class Field:
    """`dw_i = sum of value w_j + sum of value` over the entries (i, j, value) and (i, value)."""

    linear: tuple[tuple[int, int, int], ...]
    constant: tuple[tuple[int, int], ...] = ()

    def at(self, point: Sequence[int], modulus: int) -> dict[int, int]:
        """The vector at a point."""
        found: dict[int, int] = defaultdict(int)
        for i, j, value in self.linear:
            found[i] += value * point[j]
        for i, value in self.constant:
            found[i] += value
        return {i: value % modulus for i, value in found.items() if value % modulus}

    def to_list(self) -> list[list[Any]]:
        """The field as it stands in a certificate."""
        return [*map(list, self.linear), *([i, None, value] for i, value in self.constant)]


def independent_fields(fields: Sequence[Field], point: Sequence[int]) -> tuple[Field, ...]:
    """As many of the fields as they span dimensions at a point, independent there; short ones."""
    from flint import nmod_mat

    ordered = sorted(fields, key=lambda field: len(field.linear) + len(field.constant))
    columns = len(ordered)
    entries = [0] * (len(point) * columns)
    for number, field in enumerate(ordered):
        for i, value in field.at(point, PRIME).items():
            entries[i * columns + number] = value
    if not entries:
        return ()
    reduced, rank = nmod_mat(len(point), columns, entries, PRIME).rref()
    rows = reduced.tolist()[: int(rank)]
    return tuple(
        ordered[next(number for number, value in enumerate(row) if int(value))] for row in rows
    )


def field_rank(fields: Sequence[Field], point: Sequence[int], prime: int = PRIME) -> int:
    """How many dimensions the fields span at a point, mod a prime."""
    return rank_of([field.at(point, prime) for field in fields], prime)


def linear_fields(family: Family) -> tuple[Field, ...] | None:
    """A basis of all affine fields that change no coefficient; None where that is too much work.

    The coefficients are written out as polynomials. The product of weights `m` in one of them, of
    degree e in w_i, turns along `dw_i = w_j` into `e m w_j / w_i`; the sums at each product that
    comes out have to be 0. Those are linear equations, most with a single unknown; the others fall
    apart into parts without a common unknown, and are solved over the integers, exactly.

    >>> from convalgebra.algebra.families import family_of
    >>> from convalgebra.language import parse
    >>> linear_fields(family_of(parse("2,2")))  # a scale between the layers
    (Field(linear=((0, 0, -1), (1, 1, -1), (2, 2, 1), (3, 3, 1)), constant=()),)
    """
    terms = written_out(family)
    if terms is None or fields_work(terms, family.weights) > MAX_STEPS:
        return None
    return fields_of(terms, family.weights)


Terms = list[list[tuple[Monomial, int]]]  # of every coefficient


def written_out(family: Family) -> Terms | None:
    """The coefficients as sums of products of weights; None where they are too many."""
    if family.weights > MAX_WEIGHTS:
        return None
    try:
        polynomials = parametrization(family).polynomials
    except UnsupportedError:
        return None
    return [
        [
            (tuple((i, int(e)) for i, e in enumerate(powers) if e), int(value))
            for powers, value in polynomial.terms()
        ]
        for polynomial in polynomials
    ]


def fields_work(terms: Terms, weights: int) -> int:
    """How many entries the linear system has: about five microseconds each."""
    products = sum(len(monomial) for listed in terms for monomial, _ in listed)
    return products * (weights + 1)


def fields_of(terms: Terms, weights: int) -> tuple[Field, ...] | None:
    """A basis of the fields that change none of these sums; None for too many unknowns."""
    return _solutions(_equations(terms, weights), weights)


def _equations(terms: list[list[tuple[Monomial, int]]], weights: int) -> list[dict[Unknown, int]]:
    """The equations with more than one unknown; those with one only say that it is 0."""
    sums: dict[tuple[int, Monomial], dict[Unknown, int]] = defaultdict(dict)
    for number, listed in enumerate(terms):
        for monomial, value in listed:
            for i, power in monomial:
                rest = dict(monomial)
                if power == 1:
                    del rest[i]
                else:
                    rest[i] = power - 1
                left = tuple(sorted(rest.items()))
                for j in range(CONSTANT_PART, weights):
                    if j == CONSTANT_PART:
                        made = left
                    elif j == i:
                        made = monomial
                    else:
                        made = tuple(sorted({**rest, j: rest.get(j, 0) + 1}.items()))
                    equation = sums[number, made]
                    equation[i, j] = equation.get((i, j), 0) + power * value
    return list(sums.values())


def _solutions(equations: list[dict[Unknown, int]], weights: int) -> tuple[Field, ...] | None:
    left, zeros = _without_zeros(equations)
    touched = {unknown for equation in left for unknown in equation}
    # What stands in no equation at all is free: a weight without effect.
    free = [
        {(i, j): 1}
        for i in range(weights)
        for j in range(CONSTANT_PART, weights)
        if (i, j) not in touched and (i, j) not in zeros
    ]
    found: list[dict[Unknown, int]] = list(free)
    for part in _parts(left):
        solved = _null_vectors(part)
        if solved is None:
            return None
        found += solved
    return tuple(map(_field, found))


def _without_zeros(
    equations: list[dict[Unknown, int]],
) -> tuple[list[dict[Unknown, int]], set[Unknown]]:
    """The equations left when unknowns that stand alone in one are put to 0, and these unknowns."""
    uses: dict[Unknown, list[int]] = defaultdict(list)
    sizes = []
    for number, equation in enumerate(equations):
        for unknown in [u for u, value in equation.items() if not value]:
            del equation[unknown]
        for unknown in equation:
            uses[unknown].append(number)
        sizes.append(len(equation))
    zeros: set[Unknown] = set()
    waiting = [number for number, size in enumerate(sizes) if size == 1]
    while waiting:
        equation = equations[waiting.pop()]
        for unknown in [u for u in equation if u not in zeros]:
            zeros.add(unknown)
            for number in uses[unknown]:
                sizes[number] -= 1
                if sizes[number] == 1:
                    waiting.append(number)
    left = {
        tuple(sorted((u, value) for u, value in equation.items() if u not in zeros))
        for equation, size in zip(equations, sizes, strict=True)
        if size
    }
    return [dict(equation) for equation in sorted(left) if equation], zeros


def _parts(equations: list[dict[Unknown, int]]) -> list[list[dict[Unknown, int]]]:
    return [[dict(row) for row in part] for part in parts_of(equations)]


def _null_vectors(equations: list[dict[Unknown, int]]) -> list[dict[Unknown, int]] | None:
    """A basis of the solutions, in integers; None where there are too many unknowns."""
    from flint import fmpz_mat

    unknowns = sorted({unknown for equation in equations for unknown in equation})
    if len(unknowns) > MAX_UNKNOWNS:
        return None
    place = {unknown: number for number, unknown in enumerate(unknowns)}
    chosen = _independent(equations, place)
    while True:
        rows = [[0] * len(unknowns) for _ in chosen]
        for row, number in zip(rows, chosen, strict=True):
            for unknown, value in equations[number].items():
                row[place[unknown]] = value
        basis, nullity = fmpz_mat(rows).nullspace()
        vectors = [[int(basis[i, k]) for i in range(len(unknowns))] for k in range(int(nullity))]
        failed = [
            number
            for number, equation in enumerate(equations)
            if any(
                sum(value * vector[place[u]] for u, value in equation.items()) for vector in vectors
            )
        ]
        if not failed:  # over the integers: mod the prime fewer may have seemed independent
            break
        chosen = [*chosen, *failed]
    return [_primitive(dict(zip(unknowns, vector, strict=True))) for vector in vectors]


def _independent(equations: list[dict[Unknown, int]], place: Mapping[Unknown, int]) -> list[int]:
    """The numbers of equations that are independent mod a prime, as many as there are."""
    from flint import nmod_mat

    entries = [0] * (len(equations) * len(place))
    for number, equation in enumerate(equations):
        for unknown, value in equation.items():
            entries[place[unknown] * len(equations) + number] = value % PRIME
    reduced, rank = nmod_mat(len(place), len(equations), entries, PRIME).rref()
    chosen = []
    for row in reduced.tolist()[: int(rank)]:
        chosen.append(next(number for number, value in enumerate(row) if int(value)))
    return chosen


def _primitive(vector: dict[Unknown, int]) -> dict[Unknown, int]:
    shared = gcd(*vector.values())
    return {unknown: value // shared for unknown, value in vector.items() if value}


def _field(vector: dict[Unknown, int]) -> Field:
    return Field(
        tuple((i, j, value) for (i, j), value in sorted(vector.items()) if j != CONSTANT_PART),
        tuple((i, value) for (i, j), value in sorted(vector.items()) if j == CONSTANT_PART),
    )
