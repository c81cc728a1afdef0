"""Dimension and degree, against ranks over Q, vanishing polynomials and counted factorizations."""

from cmath import exp, pi
from collections import Counter
from dataclasses import replace
from itertools import combinations_with_replacement, product
from math import factorial, prod
from random import Random

import pytest
from sympy import QQ
from sympy.polys.matrices import DomainMatrix

from convalgebra.algebra.one_channel.chains import chain_of
from convalgebra.algebra.one_channel.dimension import MAX_DIGITS, degree, dimension
from convalgebra.language import parse

from .oracles import (
    Layer,
    is_irreducible_over_c,
    plus,
    random_stack,
    random_weights,
    rank_mod,
    rank_over_q,
    response,
    text_of,
)


def jacobian(layers, weights):
    """The derivatives by every free weight: that layer replaced by one tap of 1."""
    rows = []
    for at, layer in enumerate(layers):
        if layer.average:
            continue
        for tap in layer.places():
            changed = [*weights[:at], {tap: 1}, *weights[at + 1 :]]
            rows.append(response(layers, changed))
    places = sorted({place for row in rows for place in row})
    return [[row.get(place, 0) for place in places] for row in rows]


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_dimension_is_the_rank_over_the_rationals(axes):
    random = Random(axes)
    for _ in range(15):
        layers = random_stack(
            random, axes, random.randint(1, 3), strides=(1, 1, 2), dilations=(1, 2), averages=0.2
        )
        rows = jacobian(layers, random_weights(random, layers))
        found = dimension(chain_of(parse(text_of(layers))))
        assert found.value == rank_over_q(rows)
        assert found.rank == found.value == found.weights - found.idle


def test_two_2x2_by_sympy():
    layers = [Layer((2, 2), (1, 1), (1, 1), (0, 0))] * 2
    rows = jacobian(layers, random_weights(Random(1), layers))
    assert DomainMatrix(rows, (8, 9), QQ).convert_to(QQ).rank() == 7


@pytest.mark.parametrize(
    ("stack", "weights", "idle", "value"),
    [
        ("3x3", 9, 0, 9),
        ("2x2, 2x2", 8, 1, 7),
        ("3x3, 1x1, 1x1", 11, 2, 9),
        ("avg2x2s1, 2x2", 4, 0, 4),
        ("avg2x2s1", 0, 0, 0),
        ("avg2x2s1, avg2x2s1", 0, 0, 0),
        ("5*(3x3)", 45, 4, 41),
    ],
)
def test_dimension_counted_by_hand(stack, weights, idle, value):
    found = dimension(chain_of(parse(stack)))
    assert (found.weights, found.idle, found.value) == (weights, idle, value)


def test_no_rank_of_a_large_matrix():
    found = dimension(chain_of(parse("100*(3x3)")))
    assert found.rank is None
    assert found.value == 100 * 8 + 1


# Degree


def segre(chain):
    parts = [factor.weights - 1 for factor in chain.factors if factor.free]
    return factorial(sum(parts)) // prod(map(factorial, parts))


def atoms_of(factor, random):
    """The irreducible factors of a random member of a layer, as dicts of complex coefficients."""
    if len(factor.axes) > 1:
        while True:
            kernel = {exponent: random.randint(1, 97) for exponent in factor.exponents()}
            if is_irreducible_over_c(kernel):
                return [kernel]
    if not factor.axes:
        return []
    (axis,) = factor.axes
    origin = (0,) * len(factor.taps)
    step = (*origin[:axis], 1, *origin[axis + 1 :])
    cycle = factor.dilation[axis]
    roots = []
    for _ in range(factor.taps[axis] - 1):
        root = complex(random.uniform(0.5, 2), random.uniform(-2, 2))
        roots += [root * exp(2j * pi * turn / cycle) for turn in range(cycle)]
    return [{origin: -root, step: 1} for root in roots]


def multiplied(one, two):
    grown = Counter()
    for a, x in one.items():
        for b, y in two.items():
            grown[plus(a, b)] += x * y
    return grown


def fills(kernel, factor):
    """Whether a kernel has the extent of a layer and lies on its taps."""
    most = max(map(abs, kernel.values()))
    places = {place for place, value in kernel.items() if abs(value) > 1e-9 * most}
    extent = tuple(max(along) for along in zip(*places, strict=True))
    return extent == factor.degree and places <= set(factor.exponents())


def count_factorizations(chain, random):
    """The ways to share out the irreducible factors of a random member, layer by layer."""
    factors = [factor for factor in chain.factors if factor.axes]
    atoms = [atom for factor in factors for atom in atoms_of(factor, random)]
    one = {(0,) * chain.axes: 1}

    def ways(layer, left):
        if layer == len(factors):
            return int(not left)
        total = 0
        for chosen in product((False, True), repeat=len(left)):
            kernel = one
            for take, atom in zip(chosen, left, strict=True):
                kernel = multiplied(kernel, atom) if take else kernel
            if fills(kernel, factors[layer]):
                rest = [atom for take, atom in zip(chosen, left, strict=True) if not take]
                total += ways(layer + 1, rest)
        return total

    return ways(0, atoms)


@pytest.mark.parametrize(
    ("stack", "count"),
    [
        ("2x3, 2x1", 1),
        ("3x1, 1x3", 1),
        ("2x2, 2x2", 2),
        ("2x2, 2x2, 2x2", 6),
        ("2x2, 2x2d2", 1),
        ("2x2, 2x2d2, 2x2", 2),
        ("3x3, 2x2, 2x2", 2),  # the two 2x2 would fit in the 3x3 as well
        ("2x2, 2x1, 1x2", 1),  # so would the two lines in the 2x2
        ("2x3, 2x1, 2x1, 3x1", 12),  # 4 roots among 1 + 1 + 2
        ("2, 2", 2),
        ("3, 3", 6),
        ("3, 2, 2", 12),
        ("2d2, 2, 2", 2),
        ("3d2, 2", 1),
        ("2d2, 2d3, 2", 1),
        ("3d2, 2d2, 3", 3),
        ("2x1, 1x2, 1x3d2, 1x2", 2),
        ("1x2x2s2x1x1, 1x2x2", 2),  # the stride is along an axis of single taps
        ("1x2x2d3x1x1, 1x2x2, 2x1x1", 2),
        ("2x1x1, 1x2x1, 1x1x2", 1),
        ("2x2s2, 2x2", 1),
        ("1x1, 2x2, 2x2", 2),
        ("avg2x2s1, 2x2, 2x2", 2),
    ],
)
def test_degree_from_the_number_of_factorizations(stack, count):
    chain = chain_of(parse(stack))
    free = replace(chain, factors=tuple(factor for factor in chain.factors if factor.free))
    assert count_factorizations(free, Random(0)) == count
    assert degree(chain) == segre(chain) // count


def test_degree_of_random_chains():
    random = Random(0)
    done = 0
    while done < 200:
        axes = random.choice((1, 2, 3))
        layers = random_stack(random, axes, random.choice((2, 3)), dilations=(1, 1, 2))
        chain = chain_of(parse(text_of(layers)))
        roots = sum(sum(f.degree) if len(f.axes) == 1 else bool(f.axes) for f in chain.factors)
        if roots > 8 or any(len(factor.axes) == 3 for factor in chain.factors):
            continue
        assert degree(chain) * count_factorizations(chain, random) == segre(chain)
        done += 1


PRIME = 1_000_003


def vanishing(layers, of_degree, random):
    """How many independent forms of a degree vanish on the image, found at random points mod p."""
    ones = [dict.fromkeys(layer.places(), 1) for layer in layers]
    places = sorted(response(layers, ones))
    monomials = list(combinations_with_replacement(range(len(places)), of_degree))
    rows = []
    for _ in range(len(monomials) + 5):
        weights = [{tap: random.randrange(PRIME) for tap in layer.places()} for layer in layers]
        point = response(layers, weights)
        rows.append(
            [prod(point.get(places[at], 0) for at in monomial) % PRIME for monomial in monomials]
        )
    return len(monomials) - rank_mod(rows, PRIME)


@pytest.mark.parametrize(
    ("stack", "least"),
    [
        ([((2, 1), 1), ((1, 2), 1)], 2),  # the determinant
        ([((2,), 1), ((2,), 2)], 2),
        ([((3,), 1), ((2,), 2)], 3),
        ([((2,), 1), ((2,), 1), ((2,), 2)], 3),
        ([((4,), 1), ((2,), 2)], 4),
        ([((2, 2), 1), ((2, 1), 1)], 4),
    ],
)
def test_degree_of_a_hypersurface(stack, least):
    layers = [
        Layer(taps, (1,) * len(taps), (dilation,) * len(taps), (0,) * len(taps))
        for taps, dilation in stack
    ]
    chain = chain_of(parse(text_of(layers)))
    assert chain.ambient - dimension(chain).value == 1
    assert degree(chain) == least
    assert vanishing(layers, least, Random(0)) == 1
    assert vanishing(layers, least - 1, Random(0)) == 0


def test_degree_has_a_limit():
    assert len(str(degree(chain_of(parse("50*(3x3)"))))) == 575
    assert len(str(degree(chain_of(parse("240*(3x3)"))))) < MAX_DIGITS
    assert degree(chain_of(parse("124*(5x5)"))) is None


def test_a_line_in_a_plane_is_a_line():
    assert degree(chain_of(parse("1x2, 1x2"))) == degree(chain_of(parse("2, 2"))) == 1
