"""Makers whose coefficients are affine in their weights, decided by linear algebra."""

from fractions import Fraction
from random import Random

import pytest

from convalgebra import check
from convalgebra.algebra import equiv
from convalgebra.algebra.affine import BUDGET, affine_filters, is_affine
from convalgebra.algebra.families import family_of
from convalgebra.budget import Budget
from convalgebra.language import parse

MADE = [
    ("3x3p1 + id", "3x3", 1),
    ("3p1 + 3p1d1 + 1 + id", "3p1", 2),
    ("1x1@16, pixelshuffle2", "convt2x2s2@4", 4),
    ("(avg2s1, 2) + 3", "2, 2", 1),
    ("3b + avg3s1", "2b, 2b", 1),
    ("cat(3@1 | 3@1)", "3@2", 2),
    ("2x2s2@4, pixelshuffle2", "2x2s2, convt2x2s2", 1),
]


HELD_BY_ONE_LAYER = [
    ("cat(3x3 | 5x5), 1x1@1", "5x5", 1),
    ("2x2, (2x2 + 3x3)", "3x3", 1),
    ("cat(2@2 | 3@1), 1@2", "2@2", 2),
    ("(3p1b, 1b) + id", "3p1", 1),
]


@pytest.mark.parametrize(("maker", "made", "channels"), MADE + HELD_BY_ONE_LAYER)
def test_filters_make_every_member(maker, made, channels):
    """At random weights, coefficient by coefficient."""
    report = equiv(maker, made, channels=channels)
    found = report.left_reproduces_right.reach
    assert (found.real, found.complex, found.rational) == ("all",) * 3
    one, two = report.left.family, report.right.family
    assert is_affine(one.plan) == ((maker, made, channels) in MADE)
    (claim,) = (c for c in found.claims if c["claim"] == "reproduces")
    random = Random(5)
    weights = [Fraction(random.randint(-9, 9), random.randint(1, 4)) for _ in range(two.weights)]
    filters = []
    for polynomial in claim["filters"]:
        total = Fraction(0)
        for value, powers in polynomial:
            term = Fraction(value)
            for index, power in powers:
                term *= weights[index] ** power
            total += term
        filters.append(total)
    period = tuple(max(a, c) for (a, _), (c, _) in zip(one.rate, two.rate, strict=True))
    one, two = one.at_period(period), two.at_period(period)
    have = {c: v for c, v in zip(one.coordinates, one.exact_values(filters), strict=True) if v}
    want = {
        c._replace(exponent=tuple(e + t for e, t in zip(c.exponent, claim["offset"], strict=False)))
        if c.exponent
        else c: v
        for c, v in zip(two.coordinates, two.exact_values(weights), strict=True)
        if v
    }
    assert have == want
    assert check.verify(report.certificate(), lambda line: None) == 0


@pytest.mark.parametrize(
    ("maker", "made", "channels"),
    [
        ("shared c = 3@1; cat(c | c)", "cat(3@1 | avg3s1)", 1),
        ("3p1 + id", "cat(3p1@1 | id), 1@1", 1),  # two coefficients at the centre or one: all
        ("avg2s1 + avg3s1p1", "2", 1),
    ],
)
def test_what_lies_in_no_affine_space(maker, made, channels):
    """Solvable for one member if and only if for all; members by least squares over Q."""
    one, two = family_of(parse(maker), channels), family_of(parse(made), channels)
    assert is_affine(one.plan)
    solved = affine_filters(one, two, (0,), Budget(BUDGET))
    random = Random(3)
    for _ in range(5):
        weights = [random.randint(-9, 9) for _ in range(two.weights)]
        assert (solved is not None) == solvable(one, two, weights)


def solvable(one, two, weights):
    """Whether the coefficients at these weights are those of some member, by elimination."""
    places = sorted({*one.coordinates, *two.coordinates})
    target = dict(zip(two.coordinates, two.exact_values(weights), strict=True))

    def column(point):
        values = dict(zip(one.coordinates, one.exact_values(point), strict=True))
        return [Fraction(values.get(place, 0)) for place in places]

    zero = column([0] * one.weights)
    columns = []
    for index in range(one.weights):
        unit = [int(j == index) for j in range(one.weights)]
        columns.append([a - b for a, b in zip(column(unit), zero, strict=True)])
    wanted = [Fraction(target.get(place, 0)) - z for place, z in zip(places, zero, strict=True)]
    return rank([*columns, wanted]) == rank(columns)


def rank(rows):
    rows, found = [list(row) for row in rows], 0
    for at in range(len(rows[0]) if rows else 0):
        pivot = next((row for row in rows[found:] if row[at]), None)
        if pivot is None:
            continue
        rows.remove(pivot)
        rows.insert(found, pivot)
        for row in rows[found + 1 :]:
            factor = row[at] / pivot[at]
            row[:] = [x - factor * y for x, y in zip(row, pivot, strict=True)]
        found += 1
    return found


def test_what_is_not_affine():
    for text in ("2, 2", "3x3p1 + (1x1, 1x1)", "shared c = 2; c, c"):
        assert not is_affine(family_of(parse(text)).plan)
