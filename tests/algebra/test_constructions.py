"""Constructions multiplied back by pushing numbers through both stacks."""

from fractions import Fraction
from random import Random

import pytest

from convalgebra.algebra.constructions import construct
from convalgebra.algebra.constructions.paths import paths
from convalgebra.algebra.families import family_of
from convalgebra.algebra.weight_polynomials import Polynomial
from convalgebra.language import parse

from .operator_oracle import coefficients

MADE = [
    ("2@2, 2@1", "3", 1, (12,), (3,)),
    ("2@4, 2@2", "3", 2, (12,), (3,)),
    ("3@4, 3@2", "5@2", 2, (14,), (3,)),
    ("2@3, 2@3, 2@1", "4", 1, (14,), (3,)),
    ("2s2@2, 2@1", "4s2", 1, (16,), (2,)),
    ("4@3, 2@2", "3@2, 2@2", 2, (14,), (3,)),
    ("5b@1", "3b@2, 3b@1", 1, (14,), (3,)),
    ("3b@4, 3b@2", "2b@3, 2b@2", 2, (14,), (3,)),
    ("3@2, conv 1@2", "3@2", 2, (12,), (3,)),
    ("conv 1@2, 3@2", "3@2", 2, (12,), (3,)),
    ("3p1 + conv 1 + id", "3p1", 2, (12,), (3,)),
    ("3p1 + id", "conv 1", 2, (12,), (3,)),
    ("3p1", "3p1 + conv 1 + id", 2, (12,), (3,)),
    ("3, avg2s2", "2, avg2s2", 1, (16,), (3,)),
    ("dw3, conv 1", "dw2, conv 1", 3, (12,), (3,)),
    ("3@4g2", "2@4g2", 4, (12,), (3,)),
    ("3@4", "2@4g2", 4, (12,), (3,)),
    ("3x2@1, 2x2@1", "2x2, 2x1, 1x2", 1, (7, 7), (1, 1)),
    ("2x2@4, 2x2@1", "3x3", 1, (7, 7), (2, 2)),
    ("3x3d2", "2x2d2", 1, (9, 9), (1, 1)),
]


@pytest.mark.parametrize(("maker", "made", "channels", "sides", "middle"), MADE)
def test_it_multiplies_back(maker, made, channels, sides, middle):
    found = construct(family_of(parse(maker), channels), family_of(parse(made), channels))
    assert found is not None
    random = Random(4)
    point = [
        Fraction(random.randint(1, 9), random.randint(1, 3)) for _ in range(found.made.weights)
    ]
    rate = found.made.rate
    wanted = coefficients(made, channels, point, sides, rate, middle)
    weights = found.weights_for(point)
    there = coefficients(maker, channels, weights, sides, rate, middle)
    moved = {
        (out, phase, source, tuple(e + t for e, t in zip(exponent, found.offset, strict=False))):
        value
        for (out, phase, source, exponent), value in wanted.items()
    }  # fmt: skip
    assert there == moved


@pytest.mark.parametrize(
    ("maker", "made", "channels"),
    [
        ("2x2@3, 2x2@1", "3x3", 1),  # enough for almost all, not by shifts
        ("2x2, 2x2", "3x3", 1),
        ("3x3", "5x5", 1),
        ("dw3x3", "3x3", 2),
        ("3x3@4g2", "3x3@4", 4),
        ("3x3d2", "2x2", 1),
        ("3x3s2", "3x3", 1),
        ("3x3", "3x3b", 1),
        ("3x3@2", "3x3@3", 2),
        ("3x3@1, 3x3@2", "3x3@2, 3x3@2", 2),
        ("3p1 + id", "3p1 + 5p2", 1),
    ],
)
def test_what_it_does_not_find(maker, made, channels):
    assert construct(family_of(parse(maker), channels), family_of(parse(made), channels)) is None


def test_padding_keeps_a_smaller_kernel_in_its_place():
    found = construct(family_of(parse("3x3p1")), family_of(parse("1x1")))
    assert found.offset == (0, 0)
    assert [bool(weight) for weight in found.filters] == [i == 4 for i in range(9)]


def test_a_claim_has_a_polynomial_for_every_weight_of_the_maker():
    found = construct(family_of(parse("3p1 + id")), family_of(parse("conv 1")))
    assert found.to_claim("left") == {
        "claim": "reproduces",
        "maker": "left",
        "offset": [0],
        "filters": [[], [[-1, []], [1, [[0, 1]]]], []],
    }


def test_polynomials():
    x, y = Polynomial.variable(0), Polynomial.variable(1)
    zero = (x + y) * (x + -1 * y) + -1 * (x * x) + y * y
    assert not zero
    assert zero == Polynomial.constant(0)
    assert (2 * x * y + Fraction(1, 2)).at([3, 5]) == Fraction(61, 2)
    assert Polynomial.constant(Fraction(1, 2)).to_list() == [["1/2", []]]
    assert (x * 0).number() == 0
    assert x.number() is None


def test_a_product_of_two_pairs_makes_every_real_kernel():
    """h = 2 for 3x3 of 2x2,2x2: K lies in the ideal of two filters that vanish with it at P, ~P."""
    import numpy as np

    random = np.random.default_rng(0)
    for _ in range(20):
        kernel = random.normal(size=(3, 3))
        x = 0.3 + 1.7j  # K(x, .) has a root y; P = (x, y) and its conjugate span two real filters
        coefficients_of_y = [sum(kernel[i, j] * x**i for i in range(3)) for j in (2, 1, 0)]
        y = np.roots(coefficients_of_y)[0]
        conditions = np.array([[1, y, x, x * y]])
        real = np.vstack([conditions.real, conditions.imag])
        filters = np.linalg.svd(real)[2][2:].reshape(2, 2, 2)
        columns = []
        for one in filters:
            for i in range(2):
                for j in range(2):
                    shifted = np.zeros((3, 3))
                    shifted[i : i + 2, j : j + 2] = one
                    columns.append(shifted.ravel())
        made = np.linalg.lstsq(np.array(columns).T, kernel.ravel(), rcond=None)
        assert np.allclose(np.array(columns).T @ made[0], kernel.ravel(), atol=1e-8)


def test_sums_inside_sums_are_walked_once():
    # There are 2^60 ways through these: a walk back along each of them has no end.
    maker = family_of(parse("60*(id + id), 2x2, 2x2"))
    assert construct(maker, family_of(parse("3x3"))) is None
    assert list(paths(maker.plan)) == []
