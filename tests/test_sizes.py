"""Sizes: ints and formulas in named sizes, by hand."""

from __future__ import annotations

import subprocess
import sys

import pytest
from sympy import Max, Min

from convalgebra.errors import SizeError
from convalgebra.sizes import (
    Size,
    at,
    at_least,
    ceil_divide,
    exact_divide,
    floor_divide,
    formula,
    is_whole,
    limited,
    maximum,
    minimum,
    names,
    product,
    quotient,
    same,
    settled,
    simplest,
    symbol,
    text,
    total,
)

C, H, W, k = (symbol(name) for name in ("C", "H", "W", "k"))


def half(size: Size) -> Size:
    return floor_divide(size, 2)


# Arithmetic


def test_numbers_stay_numbers() -> None:
    assert [type(s) for s in (simplest(C - C + 3), product([2, 3]), product([]))] == [int] * 3
    assert (floor_divide(-7, 2), ceil_divide(-7, 2), exact_divide(-8, 2)) == (-4, -3, -4)
    assert (maximum(3, 5, 4), minimum(3, 5, 4)) == (5, 3)
    assert type(floor_divide(6 * C, 3 * C)) is int


def test_no_named_size_no_sympy() -> None:
    program = """
import sys
from convalgebra.assumptions import Assumptions
from convalgebra.sizes import ceil_divide, limited, maximum, same, text
taken = Assumptions()
taken.at_least(3, 2), taken.divides(2, 4), taken.whole(3), taken.same(3, 3)
assert text(limited(maximum(3, ceil_divide(7, 2)), 9, 50)) == "4" and same(3, 3)
assert "sympy" not in sys.modules
from convalgebra.sizes import symbol
symbol("C")
assert "sympy" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (half(H - 1) + 1, half(H + 1)),
        (half(H + 7), half(H + 1) + 3),
        (half(half(H)), floor_divide(H, 4)),
        (half(half(H + 1) + 1), floor_divide(H + 3, 4)),
        (half(3 * H), H + half(H)),
        (half(-H), half(H) - H),
        (half(2 * H + 4 * W), H + 2 * W),
        (floor_divide(C * H - 1, C), H + floor_divide(-1, C)),
        (floor_divide(H - 1, C) + 1, floor_divide(H + C - 1, C)),
        (ceil_divide(H, 2), half(H + 1)),
        (floor_divide(2 * H + 1, 4), half(H)),
        (floor_divide(6 * H + 4 * W + 3, 8), floor_divide(3 * H + 2 * W + 1, 4)),
        (floor_divide(half(2 * H + 1) + 3, 2), half(H + 3)),
        (ceil_divide(ceil_divide(H, 2), 2), ceil_divide(H, 4)),
        (ceil_divide(H, C), floor_divide(H - 1, C) + 1),
        (floor_divide(exact_divide(3 * C, 2), 3), half(C)),
    ],
)
def test_equal_formulas_are_equal_values(one: Size, other: Size) -> None:
    assert one == other
    assert same(one, other) is True


def test_divisions_that_cannot_be() -> None:
    for divide in (exact_divide, floor_divide):
        for size in (3, C):
            with pytest.raises(SizeError, match="division by zero"):
                divide(size, 0)
    with pytest.raises(SizeError, match="7/2 leaves a rest; // rounds down"):
        exact_divide(7, 2)


# Comparison


@pytest.mark.parametrize(
    ("left", "right", "verdict"),
    [
        (3, 2, True),
        (2, 3, False),
        (C, 1, True),
        (C, 0, True),
        (C, 2, None),
        (C + H, 2, True),
        (C + H, 3, None),
        (-C, 0, False),
        (-C, -1, None),
        (-C - H, -1, False),
        (C * H, C, True),
        (C * H, H + C, None),
        (C, H, None),
        (C + 1, C, True),
        (C, C + 1, False),
        (2 * C, C + 1, True),
        (C * C * H, C * H, True),
        (exact_divide(C, 2), 0, True),
        (exact_divide(C, 2), 1, None),
        (half(H), 0, True),
        (half(H), 1, None),
        (half(H + 1), 1, True),
        (H, 2 * half(H), True),
        (2 * half(H) + 1, H, True),
        (2 * half(H), H, None),
        (half(H), H, False),
        (half(H), H - 1, None),
        (H - half(H), half(H), True),
        (half(H) + half(W), 0, True),
        (C * half(H), 0, None),
        (12 / (C * H), 2, None),
        (12 / (C * H), 0, True),
        (12 / (C * H), 13, False),
    ],
)
def test_at_least(left: Size, right: Size, verdict: bool | None) -> None:
    assert at_least(left, right) is verdict


@pytest.mark.parametrize(
    ("left", "right", "verdict"),
    [
        (3, 3, True),
        (3, 4, False),
        (C, C, True),
        (C, H, None),
        (C, C + 1, False),
        (C * H, C * H + C, False),
        (C, 64, None),
        (C, 0, False),
        (exact_divide(C, 2), exact_divide(C + 1, 2), False),
        (2 * half(H), H, None),
        (2 * half(H), H + 1, False),
    ],
)
def test_same(left: Size, right: Size, verdict: bool | None) -> None:
    assert same(left, right) is verdict
    assert same(right, left) is verdict


def test_largest_and_smallest() -> None:
    assert maximum(C, C + H, 1) == C + H
    assert minimum(C, C + H, 1) == 1
    assert maximum(C, H) == Max(C, H)
    assert at(maximum(C, H), {"C": 3, "H": 5}) == 5
    assert minimum(C, H) == Min(C, H)
    assert text(minimum(C, H) + 1) == "min(C, H) + 1"
    assert maximum(C, 0) == C


# Numbers for names


def test_at() -> None:
    assert at(9 * C * C, {"C": 4}) == 144
    assert at(9, {"C": 4}) == 9
    assert at(C * H, {"C": 4}) == 4 * H
    assert at(exact_divide(C, 2), {"C": 4}) == 2
    assert names(at(C * H, {"H": 1})) == {"C"}
    # What is left is in canonical form again.
    assert at(floor_divide(H * W, 2), {"H": 7}) == half(7 * W) == 3 * W + half(W)
    assert at(floor_divide(H - 1, k), {"k": 2}) == half(H - 1)


@pytest.mark.parametrize(
    ("size", "values", "message"),
    [
        (exact_divide(C, 2), {"C": 3}, "C/2 is 3/2, not a whole number, at C=3"),
        (C, {"C": 0}, "C=0: a named size is at least 1"),
        (C, {"H": -1}, "H=-1: a named size is at least 1"),
        (exact_divide(C, H - 1), {"C": 3, "H": 1}, "not a whole number, at C=3, H=1"),
        (floor_divide(C, H - 1), {"C": 3, "H": 1}, "not a whole number, at C=3, H=1"),
    ],
)
def test_numbers_that_do_not_fit(size: Size, values: dict[str, int], message: str) -> None:
    with pytest.raises(SizeError, match="(?s).*" + message.replace("(", r"\(")):
        at(size, values)


# Limits


def test_limited() -> None:
    assert limited(999, 3, 20) == 999
    assert limited(C * H + C - C, 3, 20) == C * H
    for size in (1000, -1000, 1000 * C, exact_divide(C, 1000), C / 50 + H / 49):
        with pytest.raises(SizeError, match="more than 3 digits"):
            limited(size, 3, 20)
    assert limited(C**20, 3, 20) == C**20
    for size in (C**21, sum(symbol(f"n{i}") for i in range(21))):
        with pytest.raises(SizeError, match="more than 20 numbers and names"):
            limited(size, 3, 20)


# Text


@pytest.mark.parametrize(
    ("size", "written", "shown"),
    [
        (64, "64", "64"),
        (1000, "1000", "1,000"),
        (C, "C", "C"),
        (4 * C, "4*C", "4C"),
        (49 * C * C, "49*C*C", "49C^2"),
        (9 * C * C * H * W, "9*C*C*H*W", "9C^2 H W"),
        (C + 1, "C + 1", "C + 1"),
        (1 - C, "1 - C", "1 - C"),
        (H - C, "H - C", "H - C"),
        (-C, "0 - C", "-C"),
        (C * H - H + 2, "C*H - H + 2", "C H - H + 2"),
        (exact_divide(C, 2), "C/2", "C/2"),
        (exact_divide(3 * C, 2), "3*C/2", "3C/2"),
        (exact_divide(C + 1, 2), "(C + 1)/2", "(C + 1)/2"),
        (exact_divide(C, 2) - exact_divide(H, 3), "(3*C - 2*H)/6", "(3C - 2H)/6"),
        (exact_divide(C, H), "C/H", "C/H"),
        (exact_divide(C, H * H), "C/H/H", "C/H^2"),
        (exact_divide(1, 2 * C), "1/2/C", "1/(2C)"),
        (exact_divide(C, H + 1), "C/(H + 1)", "C/(H + 1)"),
        (half(H), "H//2", "H//2"),
        (half(H) + 1, "H//2 + 1", "H//2 + 1"),
        (half(H + 1), "(H + 1)//2", "(H + 1)//2"),
        (2 * half(H), "2*(H//2)", "2*(H//2)"),
        (-half(H), "0 - (H//2)", "-(H//2)"),
        (C * half(H), "C*(H//2)", "C (H//2)"),
        (half(H) * half(H), "(H//2)*(H//2)", "(H//2)^2"),
        (half(C * H), "C*H//2", "C H//2"),
        (floor_divide(3 * H, 4), "3*H//4", "3H//4"),
        (floor_divide(H, C), "H//C", "H//C"),
        (floor_divide(H, 2 * C), "H//(2*C)", "H//(2C)"),
        (floor_divide(-H, C), "(0 - H)//C", "(-H)//C"),
        (floor_divide(3 * half(H), 5), "3*(H//2)//5", "3*(H//2)//5"),
        (maximum(C, H), "max(C, H)", "max(C, H)"),
    ],
)
def test_text(size: Size, written: str, shown: str) -> None:
    assert text(size) == written
    assert formula(size) == shown


def test_is_whole() -> None:
    assert is_whole(3) is True
    assert is_whole(half(C)) is True
    assert is_whole(exact_divide(C, 2)) is None
    assert is_whole(C + C / (2 * C)) is False


def test_a_sum_is_the_same_written_in_one_go():
    c, h = symbol("C"), symbol("H")
    assert total([3, c, c * h, c, 2 * h, 0]) == 3 + 2 * c + c * h + 2 * h
    assert total([]) == 0
    assert total([2, 3]) == 5
    assert isinstance(total([c, 1 - c]), int)


def test_factored_texts_are_those_of_factored_formulas():
    # Sums that are products, and some that are seen to be none without factoring.
    c, h, w, k = (symbol(name) for name in "CHWk")
    half = floor_divide(h, 2)
    assert formula(simplest((c + h) * (w + k) * (half + 1))) == "(C + H) (W + k) (H//2 + 1)"
    assert formula(simplest(6 * c * k * (h - 2 * w + 3 * half))) == "6C k (3*(H//2) + H - 2W)"
    assert formula(simplest(c * h + w * k + half + 1)) == "C H + W k + H//2 + 1"
    assert formula(simplest(2 * c * (c - h) * (c - w))) == "2C (C - H) (C - W)"


# Quotients that come out whole


def test_what_is_divided_comes_out_whole_wherever_it_stands() -> None:
    # 40/8 is 5, and 5//2 is 2; 30/8 leaves a rest
    for size, value in ((half(quotient(W, 8)), 2), (8 * quotient(W, 8), 40), (quotient(W, 8), 5)):
        assert at(size, {"W": 40}) == value
        with pytest.raises(SizeError, match="W/8 is 15/4, not a whole number, at W=30"):
            at(size, {"W": 30})


def test_quotients_have_one_form() -> None:
    assert quotient(3 * C + 2, 2) == 3 * quotient(C, 2) + 1
    assert quotient(-C, 2) == -quotient(C, 2)
    assert quotient(quotient(C, 2), 2) == quotient(C, 4)
    assert quotient(2 * C * H, C) == 2 * H
    assert settled(quotient(C, 2) + 1) == exact_divide(C, 2) + 1
    assert settled(2 * quotient(C, 2)) == 2 * quotient(C, 2) != C
    assert simplest(2 * quotient(C, 2)) == C


@pytest.mark.parametrize(
    ("one", "other", "verdict"),
    [
        (half(H) + half(H + 1), H, True),
        (half(half(H) + half(H + 1)), half(H), True),
        (half(H) + half(H + 1), H + 1, False),
        (2 * half(H), H, None),
        (quotient(H, 2), half(H), None),
    ],
)
def test_floors_that_say_the_same(one: Size, other: Size, verdict: bool | None) -> None:
    assert same(one, other) is verdict
