"""Where two stacks change places: against every whole number tried one by one."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Rational, sqrt

from convalgebra.cost import cost
from convalgebra.cost.comparison import compare, figure
from convalgebra.cost.crossovers import crossover
from convalgebra.sizes import at, floor_divide, maximum, symbol

C, H, W, k = (symbol(name) for name in "CHWk")


def compared(first, second, shape="CxHxW"):
    return compare([cost(text, input=shape) for text in (first, second)], [first, second])


def found_in(comparison):
    return {key: found for key, _, found in comparison.crossovers}


def test_depthwise_separable_against_dense():
    comparison = compared("3x3p1@C", "dw3x3p1, 1x1@C")
    found = found_in(comparison)
    for key in ("params", "macs", "flops"):
        assert found[key] == ("C", (Rational(9, 8),), (0, 1))
    assert comparison.to_dict()["crossovers"][0] == {
        "figure": "params", "stacks": [0, 1], "name": "C", "points": ["9/8"], "cheaper": [0, 1],
    }  # fmt: skip
    # 2 C H W activations against C H W: the same one is always less.
    assert "activations" not in found


def test_a_bottleneck_against_a_plain_layer():
    # 9C^2 = 128C + 9*64^2 where C = (64 + 64 sqrt(82))/9.
    found = found_in(compared("3x3p1@C", "1x1@64, 3x3p1@64, 1x1@C"))["params"]
    assert found == ("C", ((64 + 64 * sqrt(82)) / 9,), (0, 1))


@pytest.mark.parametrize(
    ("first", "second", "points", "cheaper"),
    [
        (9 * C**2, C**2 + 9 * C, (Rational(9, 8),), (0, 1)),
        (C**2 + 9 * C, 9 * C**2, (Rational(9, 8),), (1, 0)),
        (9 * C**2 * H * W, (C**2 + 9 * C) * H * W, (Rational(9, 8),), (0, 1)),
        ((C - 2) * (C - 5) * H, 0, (2, 5), (1, 0, 1)),
        (C**2, 2, (sqrt(2),), (0, 1)),
        (9 * C**2 * floor_divide(H + 1, 2), (C**2 + 9 * C) * floor_divide(H + 1, 2),
         (Rational(9, 8),), (0, 1)),
        ((C - 2) ** 3, 0, (2,), (0, 1)),
    ],
)  # fmt: skip
def test_points(first, second, points, cheaper):
    assert crossover(first, second) == ("C", points, cheaper)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (7, 3),  # numbers
        (9 * C**2, 9 * C**2),
        (49 * C**2, 27 * C**2),  # one is always less
        (C**2, C),  # equal at 1, and there is nothing below
        (2 * C**2, C),  # change places below 1
        ((C - 2) ** 2, 0),  # touch, and do not change places
        (k**2 * C**2, k**2 * C + C**2),  # a curve, not a point
        (C, H),
        (C * (H - 3), 0 * C + (H - 3) * 5),  # both change the sign
        (floor_divide(C, 2), 3),  # no polynomial
        (maximum(C, 5), 3),
        (C**2 * floor_divide(H, 2), 3 * C * floor_divide(H, 2)),  # which may be 0
    ],
)
def test_nothing_is_said(first, second):
    assert crossover(first, second) is None


def test_sides_of_values_are_at_least_1():
    half = floor_divide(H, 2)
    assert crossover(C**2 * half, 3 * C * half, frozenset({half})) == ("C", (3,), (0, 1))
    comparison = compared("max2x2s2, 3x3p1@C", "max2x2s2, dw3x3p1, 1x1@C")
    assert found_in(comparison)["macs"] == ("C", (Rational(9, 8),), (0, 1))


@settings(max_examples=40)
@given(st.lists(st.integers(-12, 12), min_size=1, max_size=5), st.integers(-3, 3))
def test_whole_numbers_one_by_one(roots, scale):
    difference = scale
    for root in roots:
        difference = difference * (2 * C - root)
    found = crossover(difference + 5 * C, 5 * C)
    values = [at(difference, {"C": n}) for n in range(1, 10)] if scale else [0]
    if found is None:
        assert not (min(values) < 0 < max(values))
        return
    for stack, low, high in found.ranges():
        for number, value in enumerate(values, 1):
            if (low is None or number > low) and (high is None or number < high):
                assert value <= 0 if stack == 0 else value >= 0


TEXTS = ("3x3p1@C", "dw3x3p1, 1x1@Cb", "3x3p1@24, 1x1@C", "3x3p1@Cb, bn", "1x1@(2C), 3x3p1@8")


@pytest.mark.parametrize(("first", "second"), list(combinations(TEXTS, 2)))
def test_stacks_one_by_one(first, second):
    comparison = compared(first, second, "CxHxH")
    for key, found in found_in(comparison).items():
        one, other = (figure(report, key) for report in comparison.reports)
        for number in (1, 2, 3, 5, 8, 13, 21, 34, 55):
            values = {"C": number, "H": 7}
            difference = at(one, values) - at(other, values)
            (cheaper,) = [
                stack
                for stack, low, high in found.ranges()
                if (low is None or number >= low) and (high is None or number < high)
            ]
            assert difference <= 0 if cheaper == 0 else difference >= 0


def test_said_in_every_form():
    from convalgebra.render.forms import comparison_in

    comparison = compared("3x3p1@C", "dw3x3p1,1x1@C")
    said = "params, MACs, FLOPs: less with 3x3p1@C for C < 9/8, with dw3x3p1,1x1@C for C > 9/8"
    assert said in comparison_in("text", comparison, 100)
    assert "less with 3x3p1@C for C < 9/8" in comparison_in("md", comparison, 80)
    assert "less with 3x3p1@C for C &lt; 9/8" in comparison_in("html", comparison, 80)
    assert '"9/8"' in comparison_in("json", comparison, 80)


def test_three_stacks_against_the_first():
    texts = ("3x3p1@C", "dw3x3p1,1x1@C", "3x3p1@24,1x1@C")
    comparison = compare([cost(text, input="CxHxW") for text in texts], texts)
    assert {other for key, other, _ in comparison.crossovers if key == "params"} == {1, 2}
    stacks = [row["stacks"] for row in comparison.to_dict()["crossovers"]]
    assert [0, 2] in stacks
    assert all(first == 0 for first, _ in stacks)
