"""Formulas of one name by whole numbers: against the formula with numbers plugged in."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from convalgebra.size_values import is_never_negative, line_of
from convalgebra.sizes import floor_divide, symbol

H, W = symbol("H"), symbol("W")


@st.composite
def formulas(draw, depth=3):
    """Sums of floors under floors."""
    total = draw(st.integers(-3, 3)) * H + draw(st.integers(-9, 9))
    if depth:
        for _ in range(draw(st.integers(1, 2))):
            inside = draw(formulas(depth - 1))
            total += draw(st.integers(-4, 4)) * floor_divide(inside, draw(st.sampled_from([2, 3])))
    return total


@settings(max_examples=60, deadline=None)
@given(formulas())
def test_values_slope_and_bounds_are_those_of_the_formula(formula):
    line = line_of(formula + H - H)
    if line is None:  # the names cancelled out
        return
    values = line.times_denominator(range(1, 2 * line.period + 6))
    for number in (1, 2, 5, line.period, 2 * line.period):
        exact = Fraction(values[number - 1], line.denominator)
        assert exact == formula.subs(H, number)
        assert line.low <= exact - line.slope * number <= line.high
    for first, later in zip(values, values[line.period :], strict=False):
        assert Fraction(later - first, line.denominator) == line.slope * line.period
    known = is_never_negative(formula)
    signs = {value >= 0 for value in line.times_denominator(range(1, 8 * line.period))}
    assert known is None or signs == {known}


def test_what_is_no_line():
    assert line_of(H * W) is None
    assert line_of(H * H) is None
    assert line_of(floor_divide(H * H, 2)) is None
    assert is_never_negative(H * H) is None


def test_a_period_beyond_every_table_is_bounded_and_not_tried():
    far = 2**60
    assert is_never_negative(far * floor_divide(H + far - 1, far) - H) is True
    assert is_never_negative(H - far * floor_divide(H, far) - far) is False
    assert is_never_negative(H - far * floor_divide(H, far) - 1) is None
