"""Which of two stacks is the cheaper one: against every whole number tried one by one."""

import operator
from fractions import Fraction
from functools import cache
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Rational, lambdify, sqrt

from convalgebra.cost import cost
from convalgebra.cost.comparison import Crossover, compare, figure, not_implied
from convalgebra.cost.crossovers import Case, crossover
from convalgebra.render.crossover_text import cases_text
from convalgebra.render.forms import comparison_in
from convalgebra.sizes import floor_divide, maximum, names, symbol

C, H, W, k, N = (symbol(name) for name in "CHWkN")

RELATIONS = {"<": operator.lt, "=": operator.eq, ">": operator.gt, ">=": operator.ge}


def compared(*texts, shape="CxHxW"):
    return compare([cost(text, input=shape) for text in texts], texts)


def found_in(comparison):
    return {found.figure: found.cases for found in comparison.crossovers}


def said(first, second, **known):
    return cases_text(crossover(first, second, **known), "A", "B")


@cache
def fraction_of(size):
    """What a formula is at whole numbers, as two functions: above and below the line."""
    named = sorted(size.free_symbols, key=str)
    return named, *(lambdify(named, part, "math") for part in size.as_numer_denom())


def value(size, numbers):
    """Exactly what a formula is at whole numbers; None where it divides by zero."""
    if isinstance(size, int) or not size.free_symbols:
        return size
    named, above, below = fraction_of(size)
    put = [numbers[name.name] for name in named]
    return Fraction(above(*put), below(*put)) if below(*put) else None


def holds(case, numbers):
    for size, relation, bound in case.conditions:
        left, right = value(size, numbers), value(bound, numbers)
        if right is None or not RELATIONS[relation](left, right):
            return False
    return True


def check(first, second, cases, values):
    """At the numbers in `values` the cases say what the figures say; how many are not decided."""
    named = sorted(names(first) | names(second))
    difference = lambdify([symbol(name) for name in named], first - second, "math")
    undecided = 0
    *most, last = cases
    for numbers in product(*(values for _ in named)):
        put = dict(zip(named, numbers, strict=True))
        (case,) = [case for case in most if holds(case, put)] or [last]
        assert holds(case, put)
        found = difference(*numbers)
        sign = (found > 0) - (found < 0)
        if case.sign is None:
            undecided += 1
        else:
            assert case.sign == sign or (not case.strict and sign == 0), (put, cases)
    return undecided


def test_depthwise_separable_against_dense():
    comparison = compared("3x3p1@C", "dw3x3p1, 1x1@C")
    found = found_in(comparison)
    for key in ("params", "macs", "flops"):
        below, above = found[key]
        assert (below.sign, below.conditions) == (-1, ((C, "<", Rational(9, 8)),))
        assert (above.sign, above.conditions) == (1, ((C, ">", Rational(9, 8)),))
    assert comparison.to_dict()["crossovers"][0] == {
        "figure": "params",
        "stacks": [0, 1],
        "cases": [
            {"cheaper": [0], "strictly": True, "where": ["C < 9/8"]},
            {"cheaper": [1], "strictly": True, "where": ["C > 9/8"]},
        ],
        "decided": True,
    }
    # 2 C H W activations against C H W: the same one is always less.
    assert found["activations"] == ((-1, (), True),)


def test_a_kernel_with_a_name():
    comparison = compared("kxk@C", "dw kxk, 1x1@C")
    for key in ("params", "macs", "macs_exact", "flops"):
        assert cases_text(found_in(comparison)[key], "A", "B") == (
            "B is cheaper than A as soon as C > k^2/(k^2 - 1) where k >= 2, "
            "dearer for k = 1 or smaller C"
        )
    first, second = (figure(report, "params") for report in comparison.reports)
    assert check(first, second, found_in(comparison)["params"], range(1, 201, 5)) == 0


def test_a_bottleneck_against_a_plain_layer():
    # 9C^2 = 128C + 9*64^2 where C = (64 + 64 sqrt(82))/9.
    below, above = found_in(compared("3x3p1@C", "1x1@64, 3x3p1@64, 1x1@C"))["params"]
    point = (64 + 64 * sqrt(82)) / 9
    assert below == (-1, ((C, "<", point),), True)
    assert above == (1, ((C, ">", point),), True)


@pytest.mark.parametrize(
    ("first", "second", "sentence"),
    [
        (9 * C**2, C**2 + 9 * C, "B is cheaper than A as soon as C > 9/8, dearer for C < 9/8"),
        (C**2 + 9 * C, 9 * C**2, "A is cheaper than B as soon as C > 9/8, dearer for C < 9/8"),
        (9 * C**2 * H, (C**2 + 9 * C) * H,
         "B is cheaper than A as soon as C > 9/8, dearer for C < 9/8"),
        ((C - 2) * (C - 5) * H, 0,
         "B is cheaper than A for C < 2 or C > 5, dearer for 2 < C < 5, "
         "the same for C = 2 or C = 5"),
        ((C - 1) * (C - 3), 0 * C,
         "B is cheaper than A as soon as C > 3, dearer for 1 < C < 3, the same for C = 1 or C = 3"),
        (C**2, 2, "B is cheaper than A as soon as C > sqrt(2) = 1.41421.., "
         "dearer for C < sqrt(2) = 1.41421.."),
        (9 * C**2 * floor_divide(H + 1, 2), (C**2 + 9 * C) * floor_divide(H + 1, 2),
         "B is cheaper than A as soon as C > 9/8, dearer for C < 9/8"),
        ((C - 2) ** 3, 0,
         "B is cheaper than A as soon as C > 2, dearer for C < 2, the same for C = 2"),
        ((C - 2) ** 2, 0, "B is cheaper than A for C < 2 or C > 2, the same for C = 2"),
        (C**2, C, "B is cheaper than A as soon as C > 1, the same for C = 1"),
        (10 * C**2 + 55, 47 * C, "B is always cheaper than A"),  # but for 2.2 .. 2.5
        (9 * C**2, 9 * C**2, "the same for A and B"),
        (49 * C**2, 27 * C**2, "B is always cheaper than A"),
        (2 * C**2, C, "B is always cheaper than A"),  # change places below 1
        (C + 5, C, "B is always cheaper than A"),
        (C * k + 1, C + k, "B is never dearer than A"),  # (C - 1)(k - 1)
        ((C - 1) * (k - 3), 0,
         "B is never dearer than A as soon as k > 3, never cheaper for k < 3, the same for k = 3"),
        (C, H, "B is cheaper than A as soon as C > H, dearer for smaller C"),
        (C * N, 9 * C + N,
         "B is cheaper than A as soon as C > N/(N - 9) where N >= 10, "
         "dearer for N < 10 or smaller C"),
        (8 * H * W * C + 36 * C**2, 4 * C * (4 * H * W + C + 9),
         "B is cheaper than A as soon as C > (2H W + 9)/8, dearer for smaller C"),
        (C * H * W, 9 * C**2 + 5,
         "B is cheaper than A as soon as H W > (9C^2 + 5)/C, dearer for smaller H W"),
        (C * N * k, C + N + k,
         "B is cheaper than A as soon as C > (N + k)/(N k - 1) where N >= 2 and k >= 2, "
         "dearer for smaller C, not decided otherwise"),
        (C * (k**2 - 9) + 5 * k, 12,
         "B is cheaper than A as soon as C > (12 - 5k)/(k^2 - 9) where k >= 4, "
         "dearer for smaller C, not decided for k < 4"),
        (C * (H - 3), (H - 3) * 5, "not decided for A and B"),  # both change the sign
        (C**2 + C * k, 7 * k**2, "not decided for A and B"),  # quadratic in both
        (floor_divide(C, 2), 3, "not decided for A and B"),  # no polynomial
        (maximum(C, 5), 3, "not decided for A and B"),
        (C**2 * floor_divide(H, 2), 3 * C * floor_divide(H, 2),  # which may be 0
         "B is never dearer than A as soon as C > 3, never cheaper for C < 3, the same for C = 3"),
    ],
)  # fmt: skip
def test_sentences(first, second, sentence):
    cases = crossover(first, second)
    assert cases_text(cases, "A", "B") == sentence
    if not names(first).union(names(second)) - {"C", "k", "N"}:
        check(first, second, cases, range(1, 16))


def test_what_is_assumed_of_names():
    half = floor_divide(H, 2)
    sentence = "B is cheaper than A as soon as C > 3, dearer for C < 3, the same for C = 3"
    assert said(C**2 * half, 3 * C * half, sides=frozenset({half})) == sentence
    assert said(C**2 * (H - 2), 3 * C * (H - 2), least={"H": 3}) == sentence
    assert said(H**2, 4 * H, least={"H": 5}) == "B is always cheaper than A"
    comparison = compared("max2x2s2, 3x3p1@C", "max2x2s2, dw3x3p1, 1x1@C")
    assert found_in(comparison)["macs"] == found_in(comparison)["params"]


@settings(max_examples=40)
@given(st.lists(st.integers(-12, 12), min_size=1, max_size=5), st.integers(-3, 3))
def test_one_name_one_by_one(roots, scale):
    difference = scale
    for root in roots:
        difference = difference * (2 * C - root)
    cases = crossover(difference + 5 * C, 5 * C)
    assert check(difference + 5 * C, 5 * C, cases, range(1, 12)) == 0


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(-9, 9), min_size=8, max_size=8))
def test_lines_one_by_one(numbers):
    # Linear in C and in N, up to quadratic in k.
    a0, a1, a2, a3, b0, b1, b2, b3 = numbers
    first = (a0 + a1 * k + a2 * k**2 + a3 * N) * C
    second = b0 + b1 * k + b2 * k**2 + b3 * N
    check(first, second, crossover(first, second), range(1, 9))


TEXTS = ("3x3p1@C", "dw3x3p1, 1x1@Cb", "3x3p1@24, 1x1@C", "3x3p1@Cb, bn", "1x1@(2C), 3x3p1@8",
         "kxk@C", "dw kxk, 1x1@C", "1xk@C, kx1@C", "1x1@N, 3x3p1@C")  # fmt: skip


PAIRS = [
    pytest.param(*pair, marks=[] if number % 5 == 0 else pytest.mark.slow)
    for number, pair in enumerate(combinations(TEXTS, 2))
]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_stacks_one_by_one(first, second):
    comparison = compared(first, second, shape="Cx40x40")
    one, other = comparison.reports
    decided = 0
    for key, cases in found_in(comparison).items():
        figures = figure(one, key), figure(other, key)
        if all(figures):
            values = [1, 2, 3, 5, 8, 13, 21, 34, 40] if "k" in first + second else range(1, 201, 3)
            values = [1, 2, 3, 9, 21, 34] if "N" in first + second else values
            check(*figures, cases, values)
        decided += any(case.sign is not None for case in cases)
    assert decided >= 2


def test_in_every_form():
    comparison = compared("3x3p1@C", "dw3x3p1,1x1@C")
    sentence = "is cheaper than `3x3p1@C` as soon as C > 9/8, dearer for C < 9/8"
    first = comparison_in("text", comparison, 80).partition("params, MACs, FLOPs: ")[2]
    assert " ".join(first.split()).startswith(f"`dw3x3p1,1x1@C` {sentence}")
    assert f"params, MACs, FLOPs: `dw3x3p1,1x1@C` {sentence}" in comparison_in("md", comparison, 80)
    html = comparison_in("html", comparison, 80)
    assert "cheaper than <code>3x3p1@C</code> as soon as C &gt; 9/8, dearer" in html
    assert r"as soon as $C$ $>$ $\frac{9}{8}$, dearer" in comparison_in("latex", comparison, 80)
    assert '"C > 9/8"' in comparison_in("json", comparison, 80)
    starred = comparison_in("md", compared("7x7p3@C", "3*(3x3p1@C)"), 80)
    assert "`3*(3x3p1@C)` is always cheaper than `7x7p3@C`" in starred


@pytest.mark.parametrize(("number", "pairs"), [(2, 1), (3, 3), (4, 6), (5, 4)])
def test_every_pair_of_few_stacks(number, pairs):
    texts = ("3x3p1@C", "dw3x3p1,1x1@C", "3x3p1@24,1x1@C", "1x1@C", "5x5p2@C")[:number]
    stacks = [found["stacks"] for found in compared(*texts).to_dict()["crossovers"]]
    assert len(set(map(tuple, stacks))) == pairs
    assert number < 5 or all(first == 0 for first, _ in stacks)


def test_numbers_need_no_sentence():
    assert compared("3x3p1@8", "1x1@8", shape="8x9x9").crossovers == ()


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=5))
def test_what_is_not_told_follows_from_what_is(figures):
    # Figures at two places; a stack is dearer where it is so at both.
    def relation(one, other):
        signs = {(a > b) - (a < b) for a, b in zip(one, other, strict=True)}
        strict = len(signs) == 1
        signs -= {0} if signs != {0} else set()
        return Case(signs.pop() if len(signs) == 1 else None, (), strict)

    pairs = list(combinations(range(len(figures)), 2))
    every = [Crossover("params", p, (relation(*(figures[n] for n in p)),)) for p in pairs]
    at_least, dearer = set(), set()
    for _, (one, other), ((sign, _, strict),) in not_implied(every):
        if sign is not None:
            at_least |= {(one, other)} if sign > -1 else set()
            at_least |= {(other, one)} if sign < 1 else set()
            dearer |= {(one, other) if sign == 1 else (other, one)} if sign and strict else set()
    for middle, left, right in product(range(len(figures)), repeat=3):
        ways = {(left, middle), (middle, right)}
        if ways <= at_least:
            at_least.add((left, right))
            dearer |= {(left, right)} if ways & dearer else set()
    for one, other in pairs:
        (found,) = (each.cases[0] for each in every if each.stacks == (one, other))
        if found.sign is not None:
            assert ((one, other) in at_least) == (found.sign > -1)
            assert ((other, one) in at_least) == (found.sign < 1)
            assert bool({(one, other), (other, one)} & dearer) == (found.strict and found.sign != 0)


def test_stacks_in_one_order_are_told_step_by_step():
    comparison = compared("3x3p1@C", "5x5p2@C", "7x7p3@C", "9x9p4@C")
    told = [(found.figure, found.stacks) for found in not_implied(comparison.crossovers)]
    assert [stacks for key, stacks in told if key == "params"] == [(0, 1), (1, 2), (2, 3)]
    assert [stacks for key, stacks in told if key == "activations"] == [(0, 1), (0, 2), (0, 3)]
    assert comparison_in("text", comparison, 80).count("cheaper") == 3
    assert "\nassumed: H >= 4, W >= 4\n" in comparison_in("text", comparison, 80)
    assert len(comparison.crossovers) == 36
