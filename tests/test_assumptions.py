"""What is taken for granted of named sizes: noted once, or an error where it is false."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from facts import all_hold, value

from convalgebra.assumptions import Assumptions
from convalgebra.errors import SizeError
from convalgebra.sizes import Size, exact_divide, floor_divide, quotient, symbol

C, H, W, k = (symbol(name) for name in ("C", "H", "W", "k"))


def half(size: Size) -> Size:
    return floor_divide(size, 2)


def test_facts_are_noted_once_and_the_stronger_one_stays() -> None:
    taken = Assumptions()
    taken.at_least(H, 3)
    taken.at_least(H - 2, 5)
    taken.at_least(H, 4)
    taken.at_least(H, 1)
    taken.same(H, W)
    taken.same(H, W)
    taken.divides(4, C)
    taken.divides(1, C)
    taken.divides(2, 4 * C)
    taken.whole(exact_divide(C, 4), 1)
    taken.whole(exact_divide(C + 1, 2))
    taken.whole(exact_divide(C, H))
    assert taken.listed() == ("H >= 7", "H = W", "4 divides C", "2 divides C + 1", "H divides C")


@pytest.mark.parametrize(
    ("size", "bound", "fact"),
    [
        (C - H, 0, "C >= H"),
        (C - H, 1, "C >= H + 1"),
        (64 - C, 0, "C <= 64"),
        (exact_divide(C, 2), 32, "C >= 64"),
        (exact_divide(C - 1, 2), 1, "C >= 3"),
        (2 * C, 5, "C >= 3"),
        (half(H), 3, "H >= 6"),
        (2 * half(H), 3, "H >= 4"),
        (half(H + 1), 3, "H >= 5"),
        (half(H) - k, 0, "H//2 >= k"),
        (C * H, 5, "C H >= 5"),
        (floor_divide(12, C), 1, "C <= 12"),
        (floor_divide(12, C * H), 2, "2C H <= 12"),
        (floor_divide(C, H), 2, "C >= 2H"),
        (floor_divide(8, C - 3), 1, "8/(C - 3) >= 1"),
    ],
)
def test_bounds_as_text(size: Size, bound: Size, fact: str) -> None:
    taken = Assumptions()
    taken.at_least(size, bound)
    assert taken.listed() == (fact,)


@pytest.mark.parametrize(
    ("take", "message"),
    [
        (lambda taken: taken.at_least(3, 4), "3 must be at least 4"),
        (lambda taken: taken.at_least(-C, 0), "-C must be at least 0"),
        (lambda taken: taken.at_least(3, 4, lambda: "no room"), "no room"),
        (lambda taken: taken.same(C, C + 1), "C is not C + 1"),
        (lambda taken: taken.divides(3, 4), "3 does not divide 4"),
        (lambda taken: taken.divides(2, 2 * C + 1), "2 does not divide 2C + 1"),
        (lambda taken: taken.whole(C + C / (2 * C)), "2 does not divide 2C + 1"),
    ],
)
def test_what_is_false_is_an_error(take: Callable[[Assumptions], None], message: str) -> None:
    taken = Assumptions()
    with pytest.raises(SizeError) as caught:
        take(taken)
    assert str(caught.value) == message
    assert taken.listed() == ()


def test_a_copy_is_one() -> None:
    taken = Assumptions()
    taken.note("the sun rises")
    other = taken.copy()
    other.at_least(C, 2)
    assert (taken.listed(), other.listed()) == (("the sun rises",), ("the sun rises", "C >= 2"))


def test_facts_can_be_read_back() -> None:
    taken = Assumptions()
    taken.at_least(half(H) - k, 0)
    taken.at_least(1000 * C * C * H, 5001)
    taken.same(2 * half(H), H)
    taken.divides(4, C + 1)
    assert all_hold(taken.listed(), {"H": 6, "k": 3, "C": 3})
    for wrong in ({"H": 6, "k": 4, "C": 3}, {"H": 7, "k": 3, "C": 3}, {"H": 6, "k": 3, "C": 4}):
        assert not all_hold(taken.listed(), wrong)
    assert value("1,000C^2 (H//2) - max(C, 7)", {"C": 3, "H": 5}) == 18_000 - 7


def test_what_divides_is_not_zero() -> None:
    taken = Assumptions()
    taken.whole(floor_divide(4, floor_divide(9, C)))  # 9//C is 0 from 10 on
    taken.whole(floor_divide(8, C - 3))
    taken.whole(2 * quotient(H, 2), 1)
    assert taken.listed() == ("C <= 9", "C != 3", "2 divides H")
    assert all_hold(taken.listed(), {"C": 9, "H": 2})
    for wrong in ({"C": 10, "H": 2}, {"C": 3, "H": 2}, {"C": 9, "H": 3}):
        assert not all_hold(taken.listed(), wrong)


def test_sides_of_a_product() -> None:
    taken = Assumptions()
    taken.same_or_one(C, H)
    assert taken.listed() == ("C = H or H = 1",)
    assert all_hold(taken.listed(), {"C": 4, "H": 1})
    assert all_hold(taken.listed(), {"C": 4, "H": 4})
    assert not all_hold(taken.listed(), {"C": 1, "H": 4})
