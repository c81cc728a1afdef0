"""The coefficients of a stack written out as polynomials in its weights, over the integers.

Equations are sought about a *centre*, the stack at weights 0: with `K = centre + y` the y have no
constant terms, so they keep gradings that an `id` in a sum takes from K. Fixed kernels bring
denominators; `scale` clears them: `psi = scale y` has integer coefficients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import lcm
from typing import TYPE_CHECKING, Any

from convalgebra.errors import UnsupportedError

if TYPE_CHECKING:
    from convalgebra.algebra.families import Family

MAX_TERMS = 100_000  # products of weights, written out
MAX_ENTRIES = 4_000_000  # exponents of all of them, zeros too: a second, 200 MB


@dataclass(frozen=True, eq=False)
class Parametrization:
    """`psi_c = scale (K_c - centre_c)` for each coordinate c, as a polynomial of flint's.

    `monomials` has the exponents of the weights in every term of every psi_c.
    """

    family: Family
    centre: tuple[Fraction, ...]
    scale: int
    polynomials: tuple[Any, ...]
    monomials: tuple[tuple[tuple[int, ...], ...], ...]

    def values(self, point: Sequence[int], prime: int) -> list[int]:
        """The psi at these weights, mod a prime that divides no denominator.

        They come from the stack run on numbers, not from the polynomials.
        """
        scale, shift = self.scale % prime, self._shift(prime)
        values = self.family.values(point, prime)
        return [(scale * value - less) % prime for value, less in zip(values, shift, strict=True)]

    def _shift(self, prime: int) -> list[int]:
        return [int(self.scale * value) % prime for value in self.centre]

    @cached_property
    def weights(self) -> int:
        """The number of weights."""
        return self.family.weights


def parametrization(family: Family) -> Parametrization:
    """The coefficients of a family multiplied out.

    >>> from convalgebra.algebra.families import family_of
    >>> from convalgebra.language import parse
    >>> found = parametrization(family_of(parse("(avg2s1, 2) + id")))
    >>> found.scale, [str(value) for value in found.centre], found.monomials[0]
    (2, ['1', '0', '0'], ((1, 0),))

    Raises UnsupportedError where there are more than `MAX_TERMS` products of weights.
    """
    from flint import Ordering, fmpq_mpoly_ctx, fmpz_mpoly_ctx

    _require_few(family)
    names = tuple(f"w{number}" for number in range(family.weights))
    rational = fmpq_mpoly_ctx.get(names, Ordering.lex)
    values = family.exact_values([_Polynomial(gen) for gen in rational.gens()])
    origin = (0,) * family.weights
    terms = [_terms(value, origin) for value in values]
    centre = tuple(found.pop(origin, Fraction(0)) for found in terms)
    denominators = {value.denominator for found in terms for value in found.values()}
    scale = lcm(*denominators, *(value.denominator for value in centre))
    whole = fmpz_mpoly_ctx.get(names, Ordering.lex)
    polynomials = tuple(
        whole.from_dict({monomial: int(scale * value) for monomial, value in found.items()})
        for found in terms
    )
    return Parametrization(family, centre, scale, polynomials, tuple(map(tuple, terms)))


def _require_few(family: Family) -> None:
    """Nothing, if the products of weights are few enough to be written out."""
    too_many = f"more than {MAX_TERMS:,} products of weights in {family.text}: too many to expand"
    if family.ambient > MAX_TERMS or family.work > 10 * MAX_ENTRIES:
        raise UnsupportedError(too_many)
    counts = family.exact_values([_Count(1)] * family.weights)
    total = sum(int(value) if isinstance(value, _Count) else 1 for value in counts)
    if total > MAX_TERMS or total * family.weights > MAX_ENTRIES:
        raise UnsupportedError(too_many)


def _terms(value: Any, origin: tuple[int, ...]) -> dict[tuple[int, ...], Fraction]:
    """The exponents and coefficients of a polynomial, or of a number (an `id` in a `cat`)."""
    if not isinstance(value, _Polynomial):
        return {origin: Fraction(value)}
    found = value.value
    return {
        tuple(map(int, monomial)): Fraction(int(number.p), int(number.q))
        for monomial, number in zip(found.monoms(), found.coeffs(), strict=True)
    }


class _Count(int):
    """The number of terms of a sum of products; numbers count as one term."""

    def __mul__(self, other: Any) -> _Count:
        return _Count(int(self) * int(other)) if isinstance(other, _Count) else self

    def __add__(self, other: Any) -> _Count:
        return _Count(int(self) + (int(other) if isinstance(other, _Count) else 1))

    __rmul__ = __mul__
    __radd__ = __add__


class _Polynomial:
    """A polynomial of flint's that can be added to and multiplied by a Fraction."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __mul__(self, other: Any) -> _Polynomial:
        return _Polynomial(self.value * _bare(other))

    def __add__(self, other: Any) -> _Polynomial:
        return _Polynomial(self.value + _bare(other))

    __rmul__ = __mul__
    __radd__ = __add__


def _bare(other: Any) -> Any:
    from flint import fmpq

    if isinstance(other, _Polynomial):
        return other.value
    return fmpq(other.numerator, other.denominator)
