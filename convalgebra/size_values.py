"""What a formula in one named size is, number by number: plain integers, no expressions.

A formula of one name that is linear but for its floors comes back after a period m: with the least
m for which every floor grows by a whole number,

    f(n + m) = f(n) + slope m    for every n,

so that m values say all there is to say of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from math import ceil, floor, lcm
from typing import Any, NamedTuple

# Numbers in a table, one for each part of a formula at each value of its name: a tenth of a second.
MOST_VALUES = 2**18


class Line(NamedTuple):
    """A formula that grows by `slope` a step but for a rest that comes back after `period` steps.

    It lies between `slope n + low` and `slope n + high`. Each of `steps` makes a column from those
    before it; the last is the formula, times `denominator`.
    """

    name: str
    slope: Fraction
    period: int
    low: Fraction
    high: Fraction
    denominator: int
    steps: tuple[_Step, ...]

    @property
    def work(self) -> int:
        """The numbers that there are in the table of one period."""
        return self.period * len(self.steps)

    def times_denominator(self, numbers: Sequence[int]) -> Sequence[int]:
        """Its values where the name is each of some numbers, times `denominator`.

        >>> from convalgebra.sizes import floor_divide, symbol
        >>> line_of(floor_divide(symbol("H"), 2) + 1).times_denominator(range(1, 6))
        [1, 2, 2, 3, 3]
        """
        columns: list[Sequence[int]] = []
        for step in self.steps:
            columns.append(step.rule(step.numbers, [columns[at] for at in step.reads], numbers))
        return columns[-1]


_Rule = Callable[[tuple[int, ...], "list[Sequence[int]]", Sequence[int]], Sequence[int]]


class _Step(NamedTuple):
    rule: _Rule
    numbers: tuple[int, ...] = ()
    reads: tuple[int, ...] = ()


@lru_cache(maxsize=4096)
def line_of(expression: Any) -> Line | None:
    """A formula as a `Line`; None for several names, and where products of names are in it.

    >>> from convalgebra.sizes import floor_divide, symbol
    >>> line = line_of(3 * floor_divide(symbol("H"), 4))
    >>> line.slope, line.period
    (Fraction(3, 4), 4)
    """
    named = expression.free_symbols
    if len(named) != 1:
        return None
    made = _Lines()
    last = made.step_of(expression)
    if last is None:
        return None
    (name,) = named
    slope, low, high, denominator = made.values[last]
    return Line(
        name.name, slope, made.period, low, high, denominator, tuple(made.steps[: last + 1])
    )


@lru_cache(maxsize=4096)
def is_never_negative(expression: Any) -> bool | None:
    """Whether a formula is at least 0 wherever its one name is at least 1; False: nowhere.

    None where it depends on the name, or is not known: it is no `Line`, or a long one.

    >>> from convalgebra.sizes import floor_divide, symbol
    >>> H = symbol("H")
    >>> is_never_negative(2 * floor_divide(H + 1, 2) - H), is_never_negative(H - 2)
    (True, None)
    """
    line = line_of(expression)
    if line is None:
        return None
    if line.slope >= 0 and line.slope + line.low >= 0:
        return True
    if line.slope <= 0 and line.slope + line.high < 0:
        return False
    if line.work > MOST_VALUES:
        return None
    values = line.times_denominator(range(1, line.period + 1))
    if line.slope >= 0 and min(values) >= 0:
        return True
    return False if line.slope <= 0 and max(values) < 0 else None


class _Value(NamedTuple):
    slope: Fraction
    low: Fraction  # of what is left without the slope
    high: Fraction
    denominator: int


class _Lines:
    """The steps to a formula, each part of it once."""

    def __init__(self) -> None:
        self.steps: list[_Step] = []
        self.values: list[_Value] = []
        self.period = 1
        self._found: dict[Any, int | None] = {}

    def step_of(self, part: Any) -> int | None:
        if part not in self._found:
            self._found[part] = self._new(part)
        return self._found[part]

    def _new(self, part: Any) -> int | None:
        from sympy import Add, Max, Min
        from sympy import floor as rounded

        if part.is_Symbol:
            return self._add(_Step(_itself), _Value(Fraction(1), Fraction(0), Fraction(0), 1))
        if isinstance(part, rounded):
            return self._floor(part.args[0])
        if isinstance(part, (Max, Min)):
            return self._choice(part)
        return self._sum(Add.make_args(part))

    def _sum(self, terms: Sequence[Any]) -> int | None:
        constant, slope, low, high = Fraction(0), Fraction(0), Fraction(0), Fraction(0)
        summed: list[tuple[Fraction, int]] = []
        for term in terms:
            number, rest = term.as_coeff_Mul()
            if not number.is_Rational or rest.is_Mul or rest.is_Pow:
                return None
            times = Fraction(int(number.p), int(number.q))
            if rest == 1:
                constant += times
                continue
            at = self.step_of(rest)
            if at is None:
                return None
            value = self.values[at]
            ends = (times * value.low, times * value.high)
            slope, low, high = slope + times * value.slope, low + min(ends), high + max(ends)
            summed.append((times / value.denominator, at))
        over = lcm(constant.denominator, *(times.denominator for times, _ in summed))
        numbers = (int(constant * over), *(int(times * over) for times, _ in summed))
        value = _Value(slope, low + constant, high + constant, over)
        return self._add(_Step(_sum, numbers, tuple(at for _, at in summed)), value)

    def _floor(self, inside: Any) -> int | None:
        at = self.step_of(inside)
        if at is None:
            return None
        slope, low, high, over = self.values[at]
        self.period = lcm(self.period, slope.denominator)
        if slope:
            low -= Fraction(over - 1, over)
        else:  # a multiple of 1/over at least as large as `low`, rounded down
            low, high = Fraction(ceil(low * over) // over), Fraction(floor(high))
        return self._add(_Step(_floor, (over,), (at,)), _Value(slope, low, high, 1))

    def _choice(self, part: Any) -> int | None:
        from sympy import Max

        reads = [self.step_of(one) for one in part.args]
        found = tuple(at for at in reads if at is not None)
        slopes = {self.values[at].slope for at in found}
        if len(found) < len(reads) or len(slopes) > 1:
            return None
        over = lcm(*(self.values[at].denominator for at in found))
        times = tuple(over // self.values[at].denominator for at in found)
        rule = _max if isinstance(part, Max) else _min
        choose = max if isinstance(part, Max) else min
        low = choose(self.values[at].low for at in found)
        high = choose(self.values[at].high for at in found)
        return self._add(_Step(rule, times, found), _Value(slopes.pop(), low, high, over))

    def _add(self, step: _Step, value: _Value) -> int:
        self.steps.append(step)
        self.values.append(value)
        return len(self.steps) - 1


def _itself(
    parameters: tuple[int, ...], columns: list[Sequence[int]], numbers: Sequence[int]
) -> Sequence[int]:
    return numbers


def _sum(
    parameters: tuple[int, ...], columns: list[Sequence[int]], numbers: Sequence[int]
) -> Sequence[int]:
    constant, *times = parameters
    total = [constant] * len(numbers)
    for factor, column in zip(times, columns, strict=True):
        total = [one + factor * other for one, other in zip(total, column, strict=True)]
    return total


def _floor(
    parameters: tuple[int, ...], columns: list[Sequence[int]], numbers: Sequence[int]
) -> Sequence[int]:
    (over,), (column,) = parameters, columns
    return [value // over for value in column]


def _max(
    parameters: tuple[int, ...], columns: list[Sequence[int]], numbers: Sequence[int]
) -> Sequence[int]:
    return [max(values) for values in _rows(parameters, columns)]


def _min(
    parameters: tuple[int, ...], columns: list[Sequence[int]], numbers: Sequence[int]
) -> Sequence[int]:
    return [min(values) for values in _rows(parameters, columns)]


def _rows(times: tuple[int, ...], columns: list[Sequence[int]]) -> Any:
    scaled = [[n * value for value in column] for n, column in zip(times, columns, strict=True)]
    return zip(*scaled, strict=True)
