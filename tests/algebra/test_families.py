"""Families against patches of numbers pushed through the layers, and differences of values."""

from random import Random

import pytest

from convalgebra.algebra.families import family_of
from convalgebra.algebra.operators import Coordinate
from convalgebra.cost import cost
from convalgebra.errors import ShapeError, UnsupportedError
from convalgebra.language import parse

from .operator_oracle import coefficients

STACKS = [
    ("3, 2", 1, (16,), (5,)),
    ("3@2, 2@3", 2, (16,), (5,)),
    ("3s2p1@2, 2@1", 2, (24,), (4,)),
    ("3d2p2b@2, 2b@2", 1, (20,), (6,)),
    ("4@4g2, 3@4g4", 4, (16,), (5,)),
    ("dw3, conv 1@2", 3, (16,), (5,)),
    ("3p1@2 + id", 2, (16,), (6,)),
    ("cat(3p1@2 | conv 1@1), 2@2", 2, (16,), (6,)),
    ("avg2s2, 3@2", 2, (24,), (4,)),
    ("conv 2@2s2, convt2s2@1", 2, (24,), (4,)),
    ("convt3s2p1@2, 3@1", 1, (16,), (4,)),
    ("convt4s2p1, 3s3p1", 1, (24,), (2,)),
    ("up2, 3p1@2", 1, (16,), (4,)),
    ("bilinear2, 2", 1, (16,), (4,)),
    ("bn, scale, 3@2", 2, (16,), (5,)),
    ("conv 1@4, shuffle2, 3@4g2", 2, (16,), (5,)),
    ("conv 2@4, [1:3], 2@1", 2, (16,), (5,)),
    ("conv 3@4, pixelshuffle2", 2, (16,), (5,)),
    ("shared a = 3p1\na, a", 1, (16,), (6,)),
    ("2x2@2, 2x1@1", 1, (6, 6), (2, 2)),
    ("conv 2x3s2x1p1x0@2, 2x2@1", 1, (9, 8), (1, 2)),
    ("convt2x2s2@1, 3x3@1", 1, (6, 6), (2, 2)),
]


def parsed(text, channels):
    return text, family_of(parse(text), channels)


@pytest.mark.parametrize(("text", "channels", "sides", "middle"), STACKS)
def test_coefficients_are_those_of_a_patch(text, channels, sides, middle):
    text, family = parsed(text, channels)
    random = Random(1)
    point = [random.choice((-3, -2, 2, 3, 5, 7)) for _ in range(family.weights)]
    found = dict(zip(family.coordinates, family.exact_values(point), strict=True))
    wanted = coefficients(text, channels, point, sides, family.rate, middle)
    assert {tuple(key): value for key, value in found.items() if value != 0} == wanted
    prime = 10_007
    values = family.values([w % prime for w in point], prime)
    for exact, value in zip(found.values(), values, strict=True):
        exact = exact.numerator * pow(exact.denominator, -1, prime) % prime
        assert exact == value


@pytest.mark.parametrize(("text", "channels"), [case[:2] for case in STACKS])
def test_the_jacobian_is_the_difference_of_values(text, channels):
    text, family = parsed(text, channels)
    prime, random = 10_007, Random(2)
    point = [random.randrange(prime) for _ in range(family.weights)]
    rows = family.jacobian(point, prime)
    half = pow(2, -1, prime)
    for index, row in enumerate(rows):
        more, less = list(point), list(point)
        more[index] += 1
        less[index] -= 1
        # No weight is used more than twice, so this is exact.
        pairs = zip(family.values(more, prime), family.values(less, prime), strict=True)
        wanted = [(a - b) * half % prime for a, b in pairs]
        assert [row.get(column, 0) % prime for column in range(len(wanted))] == wanted


@pytest.mark.parametrize(("text", "channels"), [case[:2] for case in STACKS])
def test_no_coordinate_vanishes_identically_and_none_is_left_out(text, channels):
    text, family = parsed(text, channels)
    assert family.ambient == len(family.coordinates) == len(set(family.coordinates))
    assert list(family.coordinates) == sorted(
        family.coordinates, key=lambda c: (c.out, c.phase, c.source < 0, c.source, c.exponent)
    )
    assert all(value for value in family.exact_values([1] * family.weights))


def test_counted_by_hand():
    family = family_of(parse("2x2@6, 2x2@4"), channels=4)
    assert (family.weights, family.ambient) == (6 * 4 * 4 + 4 * 6 * 4, 4 * 4 * 9)
    assert family.macs_per_output == 192
    assert family_of(parse("2x2,2x2s2")).macs_per_output == 16 + 4
    assert family_of(parse("3x3,bn,scale,1x1")).macs_per_output == 9 + 1
    assert cost("3x3,bn,scale,1x1", input="1x3x3").total.macs == 9 + 1
    assert family_of(parse("2d3,2b")).coordinates == (
        *(Coordinate(0, (0,), 0, (e,)) for e in (0, 1, 3, 4)),
        Coordinate(0, (0,), -1, ()),
    )


def test_a_run_is_a_family_of_its_own():
    family = family_of(parse("3x3@2, 2x2@3, 1x1@1"), channels=1)
    run = family.run(2, 3)
    assert (run.channels_in, run.channels_out, run.weights) == (2, 1, 24 + 3)
    assert run.receptive_field == (2, 2)


def test_branches_of_different_stride_do_not_meet():
    with pytest.raises(ShapeError, match="total stride"):
        _ = family_of(parse("3x3s2p1 + 1x1")).rate


def test_too_many_coefficients_are_not_listed():
    family = family_of(parse("3x3@600"), channels=600)
    assert family.ambient == 9 * 600**2
    with pytest.raises(UnsupportedError, match="too many to be listed"):
        _ = family.coordinates


@pytest.mark.parametrize(
    ("text", "channels"),
    [
        ("3x3, 3x3, 3x3, 3x3", 1),  # products of polynomials of more than 200 terms
        ("5x5s2, 5x5, 3x3d2", 1),
        ("3x3@2b, 3x3@3b, 3x3@2", 2),
        ("41, 41, 41", 1),
        ("3x3@4g2, shuffle2, 3x3g2, 1x1@1b", 2),
        ("(3x3p1, 3x3p1) + 5x5p2 + id", 2),
        ("2x2s2@2, convt2x2s2@1, 3x3", 1),
        ("2x2@4, pixelshuffle2, 3x3@2", 1),
    ],
)
def test_derivatives_are_differences_in_each_weight_alone(text, channels):
    """Without shared weights every coefficient is linear in each weight: no limit is needed."""
    family, p = family_of(parse(text), channels), 10007
    random = Random(1)
    point = [random.randrange(1, p) for _ in range(family.weights)]
    here = family.values(point, p)
    rows = family.jacobian(point, p)
    for number in random.sample(range(family.weights), min(family.weights, 20)):
        there = family.values([w + (j == number) for j, w in enumerate(point)], p)
        slope = {c: (b - a) % p for c, (a, b) in enumerate(zip(here, there, strict=True))}
        assert {c: v for c, v in rows[number].items() if v} == {c: v for c, v in slope.items() if v}


@pytest.mark.parametrize("text", ["3x4x2s2x1x3", "5x1x3d2p1", "(3x3p1d2 + 1x1), 2x5", "41, 3s2"])
def test_the_box_around_exponents(text):
    family = family_of(parse(text))
    grid, random = family.grid, Random(3)
    keys = [grid.key(0, c.exponent) for c in family.coordinates]
    for _ in range(20):
        some = random.sample(keys, random.randint(1, min(5, len(keys))))
        exponents = [grid.unpacked(key)[1] for key in some]
        wanted = [(min(along), max(along)) for along in zip(*exponents, strict=True)]
        assert grid.box(sum(1 << key for key in some)) == wanted


@pytest.mark.parametrize("text", ["3@5b, 2s2@2", "convt3s2p1@4, 3@2", "2d2@7b, convt2s2@2b, 3@2"])
def test_chains_of_dense_layers_are_counted_without_their_channels(text):
    _, family = parsed(text, 3)
    assert family.ambient == len(family.coordinates)
    assert family.constants == sum(not place.exponent for place in family.coordinates)
    exponents = [place.exponent for place in family.coordinates if place.exponent]
    assert family.offset == min(exponents)
    wide = family_of(parse(text.replace("@2", "@1000000")), 1_000_000)
    assert wide.receptive_field == family.receptive_field
    assert wide.ambient > 10**12
