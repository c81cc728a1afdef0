"""The irreducible factors of a kernel over the rational numbers."""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import NamedTuple

from convalgebra.algebra.one_channel.chains import Exponent
from convalgebra.kernels.factoring.polynomials import (
    Terms,
    active,
    as_flint,
    degree,
    from_flint,
    multiplied,
    off_axes,
    on_axes,
    primitive,
)


class Irreducible(NamedTuple):
    """An irreducible polynomial with whole coefficients, and how often it divides."""

    terms: Terms
    multiplicity: int

    @property
    def degree(self) -> Exponent:
        """Its degree along every axis."""
        return degree(self.terms)


class Undecided(Exception):
    """A step that is not taken because it could take too long, or that failed; says why."""


_MOST_BITS = {1: 200_000, 2: 2_000_000, 3: 2_000_000}  # places times bits of the largest entry
_MOST_PLACES = {1: 2_000, 2: 2_500, 3: 1_000}  # of the box around it, by its number of variables


def rational_factors(terms: Terms) -> tuple[Fraction, tuple[Irreducible, ...]]:
    """A number and the irreducible factors over Q of a polynomial without monomial factors.

    The factors are found by FLINT and multiplied back here.

    >>> number, factors = rational_factors({(0,): 2, (2,): -2})
    >>> number, [factor.terms for factor in factors]
    (Fraction(2, 1), [{(0,): 1, (1,): -1}, {(0,): 1, (1,): 1}])

    Raises Undecided where the factoring is not begun.
    """
    axes = active(terms)
    count = len(next(iter(terms)))
    scale, whole = primitive(terms)
    if not axes:
        return scale, ()
    _check(on_axes(whole, axes))
    found = []
    for factor, multiplicity in _factored(on_axes(whole, axes)):
        _, plain = primitive(off_axes(factor, axes, count))
        found.append(Irreducible(plain, multiplicity))
    found.sort(key=lambda factor: (sum(factor.degree), factor.degree, sorted(factor.terms.items())))
    again: Terms = {(0,) * count: 1}
    for factor, multiplicity in found:
        for _ in range(multiplicity):
            again = multiplied(again, factor)
    if again != whole:
        raise ArithmeticError("the factors do not multiply back")
    return scale, tuple(found)


def _check(whole: Terms) -> None:
    bits = max(abs(int(value)).bit_length() for value in whole.values())
    places = prod(size + 1 for size in degree(whole))
    most = _MOST_PLACES[len(degree(whole))]
    if places > most:
        raise Undecided(
            f"its entries span {places:,} places; kernels of up to {most:,} are factored"
        )
    if places * bits > _MOST_BITS[len(degree(whole))]:
        raise Undecided(f"its {places:,} places hold numbers of up to {bits:,} bits")


def _factored(whole: Terms) -> list[tuple[Terms, int]]:
    from flint import fmpz_poly

    size = degree(whole)
    if len(size) == 1:
        row = fmpz_poly([int(whole.get((n,), 0)) for n in range(size[0] + 1)])
        return [
            ({(n,): int(c) for n, c in enumerate(factor.coeffs()) if c}, times)
            for factor, times in row.factor()[1]
        ]
    factors = as_flint(whole, len(size)).factor()[1]
    return [(from_flint(factor), int(times)) for factor, times in factors]
