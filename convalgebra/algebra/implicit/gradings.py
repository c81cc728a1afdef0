"""The gradings of an image: in which sizes its coordinates can be scaled without leaving it.

Give every weight w_j an integer h_j such that all products of weights in a coordinate psi_c have
the same total g_c. Then `psi(t^h w) = t^g psi(w)` for every t, so the image is mapped into itself
when each coordinate is multiplied by t^(g_c). An equation of the image, taken apart by the totals g
of its monomials, `f = sum f_a` with `f(t^g y) = sum t^a f_a(y)`, vanishes on the image for all t,
so each f_a does: equations may be sought one total at a time.

The pairs (h, g) solve linear equations, one for each two products in the same coordinate. They hold
the scale of every layer, the place of the taps along every axis, and scales of channels and phases,
if the stack allows them; an average has no free place, and shared layers scale together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import gcd

from convalgebra.algebra.implicit.parametrization import Parametrization

Vector = tuple[int, ...]


@dataclass(frozen=True)
class Gradings:
    """`weights` are independent solutions h; `coordinates` independent vectors g of such.

    A g is 0 at coordinates that it is not asked for. `ones` are as many weights as there are
    solutions, on which these are independent: see `gradings`. `uniform`: whether some g gives all
    coordinates the same positive value, so that the equations of each degree can be sought apart.
    """

    weights: tuple[Vector, ...]
    coordinates: tuple[Vector, ...]
    ones: Vector
    uniform: bool


def gradings(found: Parametrization, coordinates: Iterable[int] | None = None) -> Gradings:
    """All gradings of an image, of all or some coordinates, that come from scaling weights.

    >>> from convalgebra.algebra.families import family_of
    >>> from convalgebra.algebra.implicit.parametrization import parametrization
    >>> from convalgebra.language import parse
    >>> gradings(parametrization(family_of(parse("2,2")))).coordinates
    ((1, 0, -1), (0, 1, 2))

    Scaling also makes the exact check of an equation f short: `f(psi(w))` is only multiplied by a
    power of t when w is scaled by t^h, and every w with weights other than 0 can be scaled so that
    those of `ones` become 1 (over the complex numbers: their h are independent). So f vanishes on
    the image iff it vanishes where these weights are 1.
    """
    asked = range(len(found.monomials)) if coordinates is None else coordinates
    terms = {number: found.monomials[number] for number in asked if found.monomials[number]}
    weights = _common_solutions(list(terms.values()), found.weights)
    firsts = [terms[number][0] if number in terms else () for number in range(len(found.monomials))]
    rows = [
        tuple(sum(h * power for h, power in zip(row, first, strict=False)) for first in firsts)
        for row in weights
    ]
    independent, _ = _echelon(rows)
    _, ones = _echelon(weights)
    same = tuple(int(number in terms) for number in range(len(found.monomials)))
    uniform = len(_echelon([*independent, same])[0]) == len(independent)
    return Gradings(tuple(weights), tuple(independent), ones, uniform)


_MOST_ADDED = 200  # conditions at a time


def _common_solutions(products: list[tuple[Vector, ...]], count: int) -> list[Vector]:
    """Independent h with the same total on all products of each coordinate.

    Conditions are added where the solutions so far fail, until none does.
    """
    solutions = [tuple(int(i == j) for j in range(count)) for i in range(count)]
    conditions: list[Vector] = []
    while solutions:
        failed: list[Vector] = []
        for terms in products:
            for h in solutions:
                totals = [sum(a * b for a, b in zip(h, term, strict=True) if b) for term in terms]
                other = next((n for n, total in enumerate(totals) if total != totals[0]), None)
                if other is not None:
                    pair = zip(terms[other], terms[0], strict=True)
                    failed.append(tuple(a - b for a, b in pair))
                    break
            if len(failed) == _MOST_ADDED:
                break
        if not failed:
            break
        conditions, _ = _echelon([*conditions, *failed])
        solutions = _kernel(conditions, count)
    return solutions


def _kernel(rows: list[Vector], count: int) -> list[Vector]:
    """Independent integer vectors on which all rows are 0."""
    from flint import fmpz_mat

    basis, nullity = fmpz_mat(rows).nullspace()
    return [_primitive([int(basis[i, j]) for i in range(count)]) for j in range(int(nullity))]


def _echelon(rows: list[Vector]) -> tuple[list[Vector], Vector]:
    """The reduced echelon form, in primitive integers, and its pivots."""
    from flint import fmpz_mat

    if not rows or not rows[0]:
        return [], ()
    reduced, _, rank = fmpz_mat(rows).rref()
    kept = [_primitive([int(entry) for entry in row]) for row in reduced.tolist()[:rank]]
    return kept, tuple(next(i for i, entry in enumerate(row) if entry) for row in kept)


def _primitive(row: list[int]) -> Vector:
    shared = gcd(*row)
    if next((entry for entry in row if entry), 0) < 0:
        shared = -shared
    return tuple(entry // shared for entry in row)
