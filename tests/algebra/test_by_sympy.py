"""The engines agree on kernels and dimensions: coefficients as sympy expressions, and their rank.

The sympy engine pushes a patch of symbols through the layers, entry by entry. What stands before
each input of one output is a coefficient; the rank of its Jacobian at a random point, over the
rationals, is the dimension.
"""

from __future__ import annotations

from random import Random

import pytest
from sympy import QQ, Rational, Symbol, expand
from sympy.polys.matrices import DomainMatrix

from convalgebra.algebra.dimension.dimension import dimension
from convalgebra.algebra.families import family_of
from convalgebra.algebra.weight_polynomials import Polynomial
from convalgebra.language import parse

from .operator_oracle import coefficients

STACKS = [
    # text, channels in, patch, a period away from all borders
    ("3, 2", 1, (16,), (5,)),
    ("2@3, 2@2", 2, (12,), (4,)),
    ("2@1, 2@2", 2, (12,), (4,)),
    ("3s2@2, 2@1", 2, (24,), (4,)),
    ("2s2d3@2, 3d2@1", 1, (40,), (4,)),
    ("3@4g2, 2@2g2", 4, (12,), (4,)),
    ("dw3, 1@2", 3, (14,), (5,)),
    ("2@4g2, shuffle2, 1@2", 2, (12,), (4,)),
    ("3p1@2 + 1@2", 2, (16,), (6,)),
    ("(2p1:0, 2p0:1) + 1 + id", 1, (16,), (6,)),
    ("cat(3p1@1 | 1@1), 2@2", 2, (16,), (6,)),
    ("2s2@2, convt2s2@1", 1, (24,), (4,)),
    ("convt3s2p1@2, 2@1", 1, (16,), (4,)),
    ("up2, 3p1", 1, (16,), (4,)),
    ("3b@2, 2b@1", 1, (16,), (5,)),
    ("bn, 2@2b", 2, (12,), (4,)),
    ("avg2s1, 2@2", 2, (16,), (5,)),
    ("shared c = 2; c, c, c", 1, (16,), (5,)),
    ("1@4, pixelshuffle2", 1, (10,), (4,)),
    ("2x2@2, 2x2@1", 1, (7, 7), (2, 2)),
    ("2x2, 2x1", 1, (7, 7), (2, 2)),
    ("2x1x1, 1x2x1, 1x1x2", 1, (5, 5, 5), (1, 1, 1)),
]


def letters(count: int) -> list[Symbol]:
    return [Symbol(f"w{number}") for number in range(count)]


@pytest.mark.parametrize(("text", "channels", "sides", "middle"), STACKS)
def test_merged_kernels_are_the_same_polynomials(
    text: str, channels: int, sides: tuple[int, ...], middle: tuple[int, ...]
) -> None:
    family = family_of(parse(text), channels)
    symbols = letters(family.weights)
    wanted = coefficients(text, channels, symbols, sides, family.rate, middle)
    ours = family.exact_values([Polynomial.variable(n) for n in range(family.weights)])
    found = {}
    for key, value in zip(family.coordinates, ours, strict=True):
        terms = Polynomial.of(value).to_list()
        found[tuple(key)] = sum(
            Rational(str(c)) * _product([symbols[n] ** power for n, power in factors])
            for c, factors in terms
        )
    assert found.keys() == wanted.keys()
    assert all(expand(found[key] - wanted[key]) == 0 for key in wanted)


def _product(factors: list[Symbol]) -> Symbol:
    result = Rational(1)
    for factor in factors:
        result *= factor
    return result


@pytest.mark.parametrize(("text", "channels", "sides", "middle"), STACKS)
def test_dimensions_are_ranks_of_sympys_jacobian(
    text: str, channels: int, sides: tuple[int, ...], middle: tuple[int, ...]
) -> None:
    family = family_of(parse(text), channels)
    symbols = letters(family.weights)
    forms = list(coefficients(text, channels, symbols, sides, family.rate, middle).values())
    random = Random(0)
    point = {symbol: random.randint(-50, 50) or 1 for symbol in symbols}
    rows = [[QQ.from_sympy(form.diff(s).subs(point)) for s in symbols] for form in forms]
    rank = DomainMatrix(rows, (len(rows), len(symbols)), QQ).rank()
    found = dimension(family)
    assert found.lower <= rank <= found.upper
    assert rank == found.value
