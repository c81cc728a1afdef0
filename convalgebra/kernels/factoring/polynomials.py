"""Kernels as Laurent polynomials: a dictionary from exponents to exact coefficients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from itertools import permutations, product
from math import gcd, lcm
from typing import Any, TypeAlias

from convalgebra.algebra.one_channel.chains import Exponent
from convalgebra.kernels.sources import Kernel, Number

Terms: TypeAlias = "dict[Exponent, Number]"


def plain(value: Number) -> Number:
    """The same number, as an int where it is one."""
    return int(value) if value.denominator == 1 else value


def terms_of(kernel: Kernel) -> Terms:
    """The entries of a kernel that are not 0, each at its place.

    >>> terms_of(Kernel((1, 3), (1, 0, -1)))
    {(0, 0): 1, (0, 2): -1}
    """
    places = product(*map(range, kernel.shape))
    return {place: e for place, e in zip(places, kernel.entries, strict=True) if e}


def lowest(terms: Mapping[Exponent, Any]) -> Exponent:
    """The least exponent along every axis."""
    return tuple(min(along) for along in zip(*terms, strict=True))


def core(terms: Terms) -> tuple[Exponent, Terms]:
    """The monomial that can be divided out, and the rest, which starts at 0 along every axis.

    >>> core({(1, 2): 3, (2, 2): 4})
    ((1, 2), {(0, 0): 3, (1, 0): 4})
    """
    low = lowest(terms)
    return low, {minus(place, low): value for place, value in terms.items()}


def degree(terms: Mapping[Exponent, Any]) -> Exponent:
    """The largest exponent along every axis."""
    return tuple(max(along) for along in zip(*terms, strict=True))


def plus(one: Exponent, other: Exponent) -> Exponent:
    """The sum of two exponents."""
    return tuple(a + b for a, b in zip(one, other, strict=True))


def minus(one: Exponent, other: Exponent) -> Exponent:
    """The difference of two exponents."""
    return tuple(a - b for a, b in zip(one, other, strict=True))


def primitive(terms: Terms) -> tuple[Fraction, Terms]:
    """A number, and a polynomial with whole coefficients without common divisor, first one > 0.

    >>> primitive({(0,): Fraction(-1, 2), (1,): Fraction(3)})
    (Fraction(-1, 2), {(0,): 1, (1,): -6})
    """
    below = lcm(*(Fraction(value).denominator for value in terms.values()))
    whole = {place: int(value * below) for place, value in terms.items()}
    content = gcd(*whole.values())
    if whole[min(whole)] < 0:
        content = -content
    return Fraction(content, below), {place: value // content for place, value in whole.items()}


def expanded(one: Mapping[Exponent, Any], other: Mapping[Exponent, Any]) -> dict[Exponent, Any]:
    """The product of two polynomials over any ring, coefficients that cancel included."""
    found: dict[Exponent, Any] = {}
    for place, value in one.items():
        for there, factor in other.items():
            at = plus(place, there)
            found[at] = found[at] + value * factor if at in found else value * factor
    return found


def multiplied(one: Terms, other: Terms) -> Terms:
    """The product of two polynomials.

    >>> multiplied({(0,): 1, (1,): 1}, {(0,): 1, (1,): -1})
    {(0,): 1, (2,): -1}
    """
    return {place: value for place, value in expanded(one, other).items() if value}


def as_flint(terms: Mapping[Exponent, Number], axes: int) -> Any:
    """An `fmpq_mpoly` in so many variables z0, z1, ..

    (`fmpz_mpoly.factor` of python-flint 0.9 fails on coefficients of more than 31 bits.)
    """
    from flint import Ordering, fmpq, fmpq_mpoly_ctx

    context = fmpq_mpoly_ctx.get([f"z{axis}" for axis in range(axes)], Ordering.lex)
    return context.from_dict({p: fmpq(c.numerator, c.denominator) for p, c in terms.items()})


def from_flint(polynomial: Any) -> Terms:
    """The terms of an `fmpq_mpoly`.

    >>> from_flint(as_flint({(0, 1): Fraction(1, 2), (1, 0): 3}, 2))
    {(1, 0): 3, (0, 1): Fraction(1, 2)}
    """
    return {
        tuple(map(int, place)): plain(Fraction(int(c.p), int(c.q)))
        for place, c in polynomial.to_dict().items()
    }


def corners(terms: Iterable[Exponent]) -> set[Exponent]:
    """Some corners of the convex hull of the exponents: the extremes of lexicographic orders.

    >>> sorted(corners([(0, 1), (1, 0), (1, 1), (1, 2), (2, 1)]))
    [(0, 1), (1, 0), (1, 2), (2, 1)]
    """
    places = list(terms)
    axes = range(len(places[0]))
    found = set()
    for order in permutations(axes):
        for signs in product((1, -1), repeat=len(order)):

            def key(
                place: Exponent,
                order: tuple[int, ...] = order,
                signs: tuple[int, ...] = signs,
            ) -> list[int]:
                return [sign * place[axis] for axis, sign in zip(order, signs, strict=True)]

            found.add(min(places, key=key))
    return found


def active(terms: Mapping[Exponent, Any]) -> tuple[int, ...]:
    """The axes along which a polynomial has degree at least 1."""
    return tuple(axis for axis, size in enumerate(degree(terms)) if size)


def on_axes(terms: Mapping[Exponent, Any], axes: tuple[int, ...]) -> dict[Exponent, Any]:
    """The same polynomial in the variables of these axes only."""
    return {tuple(place[axis] for axis in axes): value for place, value in terms.items()}


def off_axes(
    terms: Mapping[Exponent, Any], axes: tuple[int, ...], count: int
) -> dict[Exponent, Any]:
    """The same polynomial among `count` variables, its own being those of these axes."""
    found = {}
    for place, value in terms.items():
        wide = [0] * count
        for axis, power in zip(axes, place, strict=True):
            wide[axis] = power
        found[tuple(wide)] = value
    return found
