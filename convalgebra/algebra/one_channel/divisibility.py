"""Linear equations that hold for all multiples of an average, and a member of a chain outside.

An average vanishes at roots of unity, so every multiple K of it does: along the axis, for every
line of coefficients, `sum K[e] w^e = 0` with w a primitive n-th root of unity, and if it vanishes m
times there, `sum binomial(e, m - 1) K[e] w^e = 0` as well. Written in the powers of w below
the degree of the cyclotomic polynomial these are equations with integer coefficients.
"""

from __future__ import annotations

from itertools import product
from math import comb, prod
from typing import Any

from convalgebra.algebra.one_channel.atoms import Question
from convalgebra.algebra.one_channel.chains import Chain, Exponent, fixed_shift
from convalgebra.algebra.one_channel.places import listed

_MOST_OFFSETS = 16
_MOST_TERMS = 20_000  # of the merged kernel, written out in the weights
_MOST_COEFFICIENTS = 5_000

Claim = dict[str, Any]


def not_divisible(question: Question) -> list[Claim]:
    """Equations of the maker that the averages of the made chain violate, wherever they may lie.

    For a question that is not divisible. Nothing if they are too many or too long.
    """
    maker, made = question.maker, question.made
    offsets = _offsets(maker, made)
    terms = prod(factor.weights for factor in maker.factors if factor.free)
    if not 0 < len(offsets) <= _MOST_OFFSETS or terms > _MOST_TERMS:
        return []
    axis, order = next(
        (axis, order)
        for axis, orders in enumerate(question.orders)
        for order, count in orders.items()
        if count < 0
    )
    places = listed(maker.support[axis])
    rows = _equations(places, order, _times(made, axis, order))
    if sum(map(len, rows)) + len(places) > _MOST_COEFFICIENTS:
        return []
    weights = [int(tap == 0) for f in made.factors if f.free for tap in range(f.weights)]
    claims: dict[Exponent, dict[str, Any]] = {}
    for offset in offsets:
        line = (*offset[:axis], 0, *offset[axis + 1 :])
        if line not in claims:
            claims[line] = {
                "claim": "equations",
                "stack": "maker",
                "coordinates": [_coordinate(maker, line, axis, place) for place in places],
                "equations": rows,
                "members": [],
            }
        moved = [t + a - b for t, a, b in zip(offset, maker.offset, made.offset, strict=True)]
        claims[line]["members"].append([weights, moved])
    return list(claims.values())


def _offsets(maker: Chain, made: Chain) -> list[Exponent]:
    """The shifts that put all taps of what is made on taps of the maker; none if too many."""
    if max(maker.receptive_field) > _MOST_COEFFICIENTS:
        return []
    along = [
        [
            shift
            for shift in range(have.bit_length() - want.bit_length() + 1)
            if not want << shift & ~have
        ]
        for have, want in zip(maker.support, made.support, strict=True)
    ]
    if prod(map(len, along)) > _MOST_OFFSETS:
        return []
    fixed = fixed_shift(maker, made)
    return [shift for shift in product(*along) if fixed in (None, shift)]


def _times(chain: Chain, axis: int, order: int) -> int:
    """How often the averages of a chain vanish at a primitive root of unity along an axis."""
    return sum(
        taps * step % order == 0 and step % order != 0
        for factor in chain.factors
        if not factor.free
        for taps, step in [factor.progressions[axis]]
    )


def _equations(places: list[int], order: int, times: int) -> list[list[Any]]:
    """The equations for coefficients at these places, as polynomials of degree 1."""
    from flint import fmpz_poly

    modulus = fmpz_poly.cyclotomic(order)
    rows: list[list[Any]] = [[] for _ in range(modulus.degree())]
    for number, place in enumerate(places):
        power = fmpz_poly([0] * (place % order) + [1]) % modulus
        for row, coefficient in zip(rows, power.coeffs(), strict=False):
            value = int(coefficient) * comb(place, times)
            if value:
                row.append([value, [[number, 1]]])
    return [row for row in rows if row]


def _along(chain: Chain, axis: int, place: int) -> Exponent:
    return tuple(place if a == axis else 0 for a in range(chain.axes))


def _coordinate(chain: Chain, line: Exponent, axis: int, place: int) -> list[Any]:
    """A coefficient of the merged kernel as certificates name it."""
    exponent = [
        a + b + c for a, b, c in zip(line, _along(chain, axis, place), chain.offset, strict=True)
    ]
    return [0, [0] * chain.axes, 0, exponent]
