"""Dimensions from below and above, against ranks taken another way, and the known false proofs."""

from itertools import product
from random import Random

import pytest

from convalgebra.algebra.dimension.bounds import upper_bound
from convalgebra.algebra.dimension.dimension import dimension
from convalgebra.algebra.dimension.direct_sums import (
    can_be_split,
    direct_sum_bound,
    direct_sum_point,
)
from convalgebra.algebra.dimension.fields import field_rank, linear_fields
from convalgebra.algebra.dimension.points import is_prime, random_point, random_prime
from convalgebra.algebra.dimension.ranks import jacobian_rank, parts_of, rank_of
from convalgebra.algebra.dimension.redundant import copies_in, without_held_branches
from convalgebra.algebra.dimension.seams import blocks_at
from convalgebra.algebra.families import Family, family_of
from convalgebra.algebra.plan import plan_of
from convalgebra.language import parse

from .operator_oracle import coefficients
from .oracles import rank_mod

OTHER_PRIME = 1_000_003


def of(text, channels=1):
    return family_of(parse(text), channels)


def slow_rank(family, prime=OTHER_PRIME, seed=5):
    """The rank of differences of values; exact, as no weight is used twice in these stacks."""
    random = Random(seed)
    point = [random.randrange(prime) for _ in range(family.weights)]
    here = family.values(point, prime)
    rows = []
    for index in range(family.weights):
        moved = list(point)
        moved[index] += 1
        there = family.values(moved, prime)
        rows.append([(a - b) % prime for a, b in zip(there, here, strict=True)])
    return rank_mod(rows, prime)


KNOWN = [
    ("3x3", 1, 9),
    ("2x2,2x2", 1, 7),
    ("3x1,1x3", 1, 5),
    ("3x3,3x3,3x3", 1, 25),
    ("2x2@2,2x2@1", 1, 9),
    ("3x3@2,3x3@2", 2, 68),
    ("3x3@3,3x3@2", 2, 99),
    ("2x2@4,2x2@4", 4, 112),
    # False proofs: GL(4) at a depthwise seam would give 36; two more weights are idle than GL(2)
    # says where one channel comes in or goes out; the middle of a narrow chain is narrower than
    # its weights; and more hidden channels than taps lose nothing twice.
    ("dw3x3,1x1@4", 4, 48),
    ("3x3@2,3x3@2", 1, 48),
    ("3x3@2,3x3@1", 2, 48),
    ("3x3@8,3x3@1,3x3@1", 1, 33),
    ("3x1@4,1x3@1", 1, 9),
    # A bias before another one, an average between, a sum with a layer that holds the other.
    ("3x3b@2,3x3b@2", 2, 68 + 2),
    ("3x3@2,avg2x2s1,1x1@2", 2, 36 + 4 - 4),
    ("3x3p1@3 + 1x1@3", 3, 81),
    ("scale, 3x3@2", 2, 36),
]


@pytest.mark.parametrize(("text", "channels", "value"), KNOWN)
def test_known_dimensions_are_proved(text, channels, value):
    found = dimension(of(text, channels))
    assert (found.value, found.lower, found.upper) == (value, value, value)
    assert found.proved
    assert found.error is None


@pytest.mark.parametrize(("text", "channels", "value"), KNOWN)
def test_known_dimensions_are_ranks_of_differences_mod_other_primes(text, channels, value):
    family = of(text, channels)
    if family.weights <= 60:
        assert slow_rank(family) == value
    for prime in (10_007, 65_537, 2**31 - 1):
        point = random_point(family.weights, prime, Random(prime))
        assert jacobian_rank(family, point, prime) == value


def test_a_rank_of_coefficients_read_off_a_patch():
    text, channels, sides, rate, middle = "2@2, 3@2", 2, (12,), ((1, 1),), (3,)
    prime, random = 10_007, Random(0)
    point = [random.randrange(1, prime) for _ in range(20)]
    here = coefficients(text, channels, point, sides, rate, middle)
    rows = []
    for index in range(len(point)):
        moved = [w + (i == index) for i, w in enumerate(point)]
        there = coefficients(text, channels, moved, sides, rate, middle)
        rows.append([there.get(key, 0) - here.get(key, 0) for key in sorted({*here, *there})])
    assert len({len(row) for row in rows}) == 1
    assert rank_mod(rows, prime) == dimension(of(text, channels)).value


def random_text(random):
    """A small stack of one axis, its channels that come in."""
    kind = random.choice(("chain", "chain", "chain", "groups", "sum", "cat", "transposed"))
    channels = random.randint(1, 3)

    def layer(most=3, out=None):
        bias = random.choice(("", "", "", "b"))
        return f"conv {random.randint(1, 3)}{bias}@{out or random.randint(1, most)}"

    if kind == "chain":
        layers = [layer() for _ in range(random.randint(2, 3))]
        if random.random() < 0.3:
            layers.insert(1, random.choice(("avg2s1", "avg2s2", "scale", "bn", "dw2")))
    elif kind == "groups":
        channels = 4
        layers = [
            f"conv {random.randint(1, 3)}@4g{random.choice((1, 2, 4))}"
            for _ in range(random.randint(2, 3))
        ]
        if random.random() < 0.5:
            layers.insert(1, "shuffle2")
    elif kind == "sum":
        out = random.randint(1, 2)
        branch = f"conv 3p1@{random.randint(1, 3)}, conv 1@{out}"
        other = random.choice((f"conv 1@{out}", f"conv 3p1@{out}", f"conv 1b@{out}"))
        layers = [f"({branch}) + {other}", layer(2)]
        layers = layers[: random.randint(1, 2)]
    elif kind == "cat":
        layers = [f"cat(conv 3p1@{random.randint(1, 2)} | conv 1@1)", layer(2)]
    else:
        layers = [layer(2), f"convt2s2@{random.randint(1, 2)}", layer(2)]
        layers = layers[random.randint(0, 1) :]
    return ", ".join(layers), channels


@pytest.mark.slow
def test_upper_bounds_are_never_below_the_rank():
    random = Random(11)
    checked = proved = 0
    while checked < 250:
        text, channels = random_text(random)
        family = of(text, channels)
        if not 0 < family.weights <= 70:
            continue
        point = random_point(family.weights, OTHER_PRIME, random)
        rank = jacobian_rank(family, point, OTHER_PRIME)
        if checked % 10 == 0:
            assert rank == slow_rank(family), text
        cheap = upper_bound(family, fields=False)
        assert rank <= cheap.value, (text, cheap.sentence())
        found = dimension(family)
        assert rank <= found.upper, (text, found.reason)
        assert found.lower <= rank, (text, found.reason)  # the other prime is good enough
        assert found.lower == rank, (text, found.reason)
        checked += 1
        proved += found.proved
    assert proved >= 225


def test_fields_change_no_coefficient():
    for text, channels in [("2@2, 2@2", 1), ("2b@2, 2b@1", 2), ("3p1@2 + conv 1@2", 2)]:
        family = of(text, channels)
        fields = linear_fields(family)
        point = random_point(family.weights, OTHER_PRIME, Random(6))
        rows = family.jacobian(point, OTHER_PRIME)
        assert fields
        for one in fields:
            total = {}
            for weight, speed in one.at(point, OTHER_PRIME).items():
                for column, value in rows[weight].items():
                    total[column] = (total.get(column, 0) + speed * value) % OTHER_PRIME
            assert not any(total.values()), (text, one)
        assert family.weights - field_rank(fields, point, OTHER_PRIME) == slow_rank(family)


def test_no_field_is_missed():
    """All A w + b killed at many random points, by plain elimination: the same number of them."""
    family = of("2@2, 2@1")
    n, prime, random = family.weights, OTHER_PRIME, Random(7)
    equations = []
    for _ in range(3 * n):
        point = random_point(n, prime, random)
        rows = family.jacobian(point, prime)
        for column in range(family.ambient):
            slopes = [row.get(column, 0) for row in rows]
            equations.append([a * w % prime for a, w in product(slopes, (*point, 1))])
    assert len(linear_fields(family)) == n * (n + 1) - rank_mod(equations, prime)


def test_blocks_at_seams():
    def blocks(text, channels, at=1):
        return blocks_at(plan_of(parse(text), channels), at)

    assert blocks("3x3@4,1x1@2", 2) == ((0, 1, 2, 3),)
    assert blocks("dw3x3,1x1@2", 3) == ((0,), (1,), (2,))
    assert blocks("1x1@6g2,1x1@6g3", 6) == ((0, 1), (2,), (3,), (4, 5))
    assert blocks("1x1@4g2,shuffle2,1x1@4g2", 4) == ((0,), (1,), (2,), (3,))
    assert blocks("3x3@4,avg2x2s1,1x1@2", 2) == ((0, 1, 2, 3),)
    assert blocks("3x3@4,pixelshuffle2,1x1@2", 2) == ()
    assert blocks("3x3@4,avg2x2s1", 2) == ()


def test_an_average_after_the_last_layer_is_no_seam_for_matrices():
    assert upper_bound(of("1x1@2, avg2x2s1, 1x1@2", 2), fields=False).value >= 4
    assert dimension(of("1x1@2, avg2x2s1, 1x1@2", 2)).value == 4
    assert dimension(of("1x1@2, avg2x2s1", 2)).value == 4


def test_direct_sums_stay_below_the_rank_and_reach_it_for_equal_widths():
    for text, channels, exact in [
        ("3@4, 3@4", 4, True),
        ("2@4, 3@4, 2@4", 4, True),
        ("2@3, 2@2", 2, False),
        ("dw3, conv 1@4", 4, True),
        ("3b@2, 2b@2", 2, True),
        ("3p1@4, (3p1@4 + id)", 4, True),
        ("3@4, 2@5", 3, False),
    ]:
        family = of(text, channels)
        assert can_be_split(family.plan)
        rank = slow_rank(family)
        for count in range(1, min(step.channels[1] for step in family.plan.steps) + 1):
            found = direct_sum_bound(family, count).value
            assert found <= rank, (text, count)
            if exact or count == 1:
                assert found == rank, (text, count)


def test_a_direct_sum_point_has_the_rank_it_says():
    family = of("3@4, 3@4", 4)
    point = direct_sum_point(family, 80)
    rows = family.jacobian(point, 2**31 - 1)
    assert rank_mod([[r.get(c, 0) for c in range(family.ambient)] for r in rows], 2**31 - 1) == 80
    assert direct_sum_point(family, 81) is None


def test_wide_stacks_take_no_time_and_are_exact():
    found = dimension(of("3x3@512, 3x3@512", 512))
    assert found.proved
    assert found.value == 17 * 512**2
    assert dimension(of("50*(3x3@4)", 4)).value == 16 * (50 * 8 + 1)
    assert dimension(of("3x3@64g32, 3x3@64g32", 64)).value == 32 * 68
    found = dimension(of("2x2@693, 2x2@512", 512))
    assert not found.proved
    assert found.estimate == found.upper == 8 * 693 * 512 - 693**2
    assert 0 < found.lower < found.upper


def test_what_is_not_proved_says_with_which_chance_it_is_wrong():
    found = dimension(of("3x3@3, 5x5@2", 2))  # syzygies of degree two are no linear fields
    assert (found.lower, found.upper) == (193, 195)
    assert not found.proved
    assert 0 < found.error < 10**-9
    assert "not proved" in found.reason


def test_a_layer_that_holds_the_branches_beside_it():
    def ops(text, channels=1):
        return [s.op for s in without_held_branches(plan_of(parse(text), channels)).steps]

    assert ops("3x3p1 + 1x1 + id", 2) == ["input", "conv"]
    assert ops("3x3p1 + 1x1b", 2) == ["input", "conv", "conv", "add"]
    assert ops("3x3p1 + 5x5p2", 2) == ["input", "conv"]
    assert ops("3x3p1 + (3x3p1, 1x1)", 2) == ["input", "conv"]
    assert ops("3x3p1 + (3x3p1, 3x3p1)", 2) == ["input", "conv", "conv", "conv", "add"]
    assert ops("dw3x3p1 + 1x1", 2) == ["input", "conv", "conv", "add"]
    assert ops("2x2s2@4, (3x3p1 + id)", 2) == ["input", "conv", "conv"]


def test_copies_side_by_side():
    assert copies_in(plan_of(parse("dw3x3, dw1x1"), 6)) == 6
    assert copies_in(plan_of(parse("3x3@8g4, 1x1@8g2"), 8)) == 2
    assert copies_in(plan_of(parse("3x3@8g4, shuffle2, 1x1@8g2"), 8)) == 1
    assert dimension(of("dw3x3, dw3x3", 5)).value == 5 * 17


def test_ranks_of_parts():
    rows = [{0: 1, 1: 2}, {5: 1}, {1: 3}, {5: 2, 6: 0}, {}]
    assert len(parts_of(rows)) == 2
    assert rank_of(rows, 101) == 3


def test_primes():
    small = [n for n in range(2, 2000) if all(n % d for d in range(2, n))]
    assert [n for n in range(2000) if is_prime(n)] == small
    assert not any(is_prime(n) for n in (2047, 1_373_653, 25_326_001, 46_337 * 46_349))
    assert 2**30 < random_prime(Random(3)) < 2**31


CLAIMED = [("2x2,2x2", 1), ("3x3@8,3x3@8", 8), ("3x3@2,3x3@2", 1), ("2x2@3,2x2@2", 2),
           ("3x3@8,3x3@1,3x3@1", 1), ("3x3p1@2 + 1x1@2", 2), ("3x3", 3)]  # fmt: skip


@pytest.mark.parametrize(("text", "channels"), CLAIMED)
def test_claims_hold(text, channels):
    family = of(text, channels)
    found = dimension(family)
    claims = {claim["claim"]: claim for claim in found.claims("left")}
    if family.is_kernel:
        assert set(claims) == {"bound"}
        assert claims["bound"]["bound"] == family.weights == found.value
        return
    rank = claims["rank"]
    rows = family.jacobian(rank["point"], rank["prime"])
    if family.weights <= 200:
        dense = [[row.get(c, 0) for c in range(family.ambient)] for row in rows]
        assert rank_mod(dense, rank["prime"]) >= rank["rank"] == found.value
    else:
        assert rank_of(rows, rank["prime"]) >= rank["rank"] == found.value
    tree, last = claims["bound"]["tree"], len(family.plan.steps) - 1
    assert bound_of(tree, family, 1, last) == claims["bound"]["bound"] == found.value


def bound_of(tree, whole, first, last):
    """What a tree of a certificate proves, seams by dense matrices of operators."""
    family = Family(whole.plan.run(first, last)) if whole.plan.is_chain else whole
    if tree["by"] == "weights":
        return family.weights
    if tree["by"] == "coordinates":
        return family.ambient
    point, prime = tree["point"], tree["prime"]
    assert len(point) == family.weights
    if tree["by"] == "fields":
        vectors = []
        for one in tree["fields"]:
            vector = [0] * family.weights
            for i, j, value in one:
                vector[i] += value if j is None else value * point[j]
            vectors.append(vector)
        assert rank_mod(vectors, prime) == tree["rank"]
        return family.weights - tree["rank"]
    at = tree["at"]
    x, y = Family(whole.plan.run(first, at)), Family(whole.plan.run(at + 1, last))
    hidden = x.channels_out
    rows = [{} for _ in range(hidden)]
    for c, value in zip(x.coordinates, x.values(point[: x.weights], prime), strict=True):
        rows[c.out][c[1:]] = value
    columns = [{} for _ in range(hidden)]
    for c, value in zip(y.coordinates, y.values(point[x.weights :], prime), strict=True):
        columns[c.source][c.out, c.phase, c.exponent] = value
    r1, r2 = rank_of(rows, prime), rank_of(columns, prime)
    assert all(step.groups == 1 for step in whole.plan.steps)
    orbit = hidden**2 - (hidden - r1) * (hidden - r2)
    parts = bound_of(tree["first"], whole, first, at), bound_of(tree["second"], whole, at + 1, last)
    return sum(parts) - orbit
