"""Named sizes say the same as numbers: of a formula first put together and then filled in."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from convalgebra.errors import SizeError
from convalgebra.sizes import (
    Size,
    at,
    at_least,
    ceil_divide,
    exact_divide,
    floor_divide,
    maximum,
    minimum,
    same,
    symbol,
)

NAMES = ("C", "H", "k")
values = st.fixed_dictionaries({name: st.integers(1, 12) for name in NAMES})


class Formula(NamedTuple):
    """A recipe for a size: what it makes of names it makes of numbers too."""

    make: Callable[[dict[str, Size]], Size]

    def named(self) -> Size:
        return self.make({name: symbol(name) for name in NAMES})


def of_name(name: str) -> Formula:
    return Formula(lambda given: given[name])


def constant(number: int) -> Formula:
    return Formula(lambda given: number)


def combine(rule: Callable[[Size, Size], Size], left: Formula, right: Formula) -> Formula:
    return Formula(lambda given: rule(left.make(given), right.make(given)))


leaves = st.one_of(st.sampled_from(NAMES).map(of_name), st.integers(-4, 9).map(constant))
plain = st.sampled_from([operator.add, operator.sub, operator.mul])
rounding = st.sampled_from([floor_divide, ceil_divide])
divisors = st.one_of(st.integers(1, 6).map(constant), st.sampled_from(NAMES).map(of_name))


def grow(smaller: st.SearchStrategy[Formula]) -> st.SearchStrategy[Formula]:
    return st.one_of(
        st.builds(combine, plain, smaller, smaller),
        st.builds(combine, rounding, smaller, divisors),
        st.builds(combine, st.sampled_from([maximum, minimum]), smaller, smaller),
    )


def grow_plain(smaller: st.SearchStrategy[Formula]) -> st.SearchStrategy[Formula]:
    return st.builds(combine, plain, smaller, smaller)


def grow_without_choice(smaller: st.SearchStrategy[Formula]) -> st.SearchStrategy[Formula]:
    return st.one_of(
        st.builds(combine, plain, smaller, smaller),
        st.builds(combine, rounding, smaller, st.integers(1, 6).map(constant)),
    )


formulas = st.recursive(leaves, grow, max_leaves=5)
rounded = st.recursive(leaves, grow_without_choice, max_leaves=5)
polynomials = st.recursive(leaves, grow_plain, max_leaves=5)


@settings(max_examples=150)
@given(formulas, values)
def test_filled_in_after_or_before(formula: Formula, numbers: dict[str, int]) -> None:
    assert at(formula.named(), numbers) == formula.make(dict(numbers))


@settings(max_examples=80)
@given(formulas, values, st.sampled_from(NAMES))
def test_filled_in_one_by_one(formula: Formula, numbers: dict[str, int], name: str) -> None:
    first = at(formula.named(), {name: numbers[name]})
    assert at(first, numbers) == formula.make(dict(numbers))


@settings(max_examples=150)
@given(rounded, rounded, st.lists(values, min_size=8, max_size=8))
def test_verdicts_hold_everywhere(
    left: Formula, right: Formula, samples: list[dict[str, int]]
) -> None:
    larger = at_least(left.named(), right.named())
    equal = same(left.named(), right.named())
    for sample in ({"C": 1, "H": 1, "k": 1}, *samples):
        one, other = left.make(dict(sample)), right.make(dict(sample))
        assert larger is None or (one >= other) is larger
        assert equal is None or (one == other) is equal


@settings(max_examples=100)
@given(polynomials, st.integers(1, 6), st.integers(1, 6), st.integers(-9, 9))
def test_floors_have_one_form(formula: Formula, m: int, n: int, shift: int) -> None:
    size = formula.named()
    assert floor_divide(size + n * shift, n) == floor_divide(size, n) + shift
    assert floor_divide(floor_divide(size, m), n) == floor_divide(size, m * n)
    assert floor_divide(m * size, m * n) == floor_divide(size, n)
    assert ceil_divide(size, n) == floor_divide(size - 1, n) + 1


@settings(max_examples=100)
@given(rounded, st.integers(1, 6), values)
def test_exact_division(formula: Formula, divisor: int, numbers: dict[str, int]) -> None:
    number = formula.make(dict(numbers))
    try:
        named = exact_divide(formula.named(), divisor)
        quotient = at(named, numbers)
    except SizeError:
        assert number % divisor
    else:
        assert quotient * divisor == number
