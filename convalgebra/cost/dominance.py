"""From which sizes on one formula is at least as large as others, floors and all.

A name that stands under floors is written `n x + v`, where `n` is the common denominator of the
floors, `x` a whole number of at least 0 and `v` one of `n` numbers in a row. Every floor is then a
polynomial in `x`, and so is the difference of two formulas: where it has no negative coefficient it
is nowhere negative. What holds from one number on holds from every larger one on, so that the
smallest number is found by halves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import floor, lcm, prod
from typing import Any, TypeAlias

from convalgebra.size_signs import denominator

# Coefficients, by products of names and floors.
_Terms: TypeAlias = dict[Any, "int | Fraction"]
# Coefficients, by the exponents of the names in their order.
_Polynomial: TypeAlias = dict[tuple[int, ...], Any]

_MOST_STEPS = 50_000  # differences of formulas, each at all remainders: seconds
_FARTHEST = 1 << 20


def dominates_from(
    large: Any, others: Sequence[Any], least: Mapping[str, int], growing: frozenset[str]
) -> int | None:
    """A number from which on `large` is at least each of `others`; None if none was found.

    All names are at least 1, or what `least` has, and those in `growing` at least that number.

    >>> from sympy import floor, symbols
    >>> H, W = symbols("H W")
    >>> dominates_from(4 * floor((H + 1) / 2) * W, [H * W + 3 * W], {}, frozenset("HW"))
    3
    """
    terms = [_terms(large - other) for other in others]
    differences = _smallest([each for each in terms if not _is_nonnegative(each)])
    monomials: set[Any] = set().union(*differences)
    names = sorted(set().union(*(term.free_symbols for term in monomials)), key=str)
    periods = [_period(name, monomials) for name in names]
    if len(differences) * prod(periods) > _MOST_STEPS:
        return None
    polynomials = _Polynomials(names, periods)

    def values(number: int, remainders: Sequence[int]) -> tuple[int, ...]:
        bounds = (
            max(least.get(name.name, 1), number if name.name in growing else 1) for name in names
        )
        places = zip(bounds, remainders, periods, strict=True)
        return tuple(bound + (rest - bound) % period for bound, rest, period in places)

    found = 1
    for remainders in product(*map(range, periods)):
        for difference in differences:

            def holds(
                number: int, difference: _Terms = difference, rest: tuple[int, ...] = remainders
            ) -> bool:
                return polynomials.has_no_minus(difference, values(number, rest))

            number = _first(found, holds)
            if number is None:
                return None
            found = number
    return found


def _first(start: int, holds: Callable[[int], bool]) -> int | None:
    """The first number from `start` on for which something holds that then holds for all."""
    if holds(start):
        return start
    low, high = start, 2 * start
    while not holds(high):
        low, high = high, 2 * high
        if high > _FARTHEST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _terms(formula: Any) -> _Terms:
    from sympy import sympify

    return {
        term: int(number) if number.is_Integer else Fraction(int(number.p), int(number.q))
        for term, number in sympify(formula).expand().as_coefficients_dict().items()
        if number
    }


def _smallest(formulas: Sequence[_Terms]) -> list[_Terms]:
    """Those of which no other one is smaller term by term: where these are positive, all are."""
    kept: list[_Terms] = []
    for formula in formulas:
        if not any(_exceeds(formula, other) for other in kept):
            kept = [other for other in kept if not _exceeds(other, formula)] + [formula]
    return kept


def _exceeds(large: _Terms, small: _Terms) -> bool:
    return _is_nonnegative(
        {term: large.get(term, 0) - small.get(term, 0) for term in large.keys() | small.keys()}
    )


def _is_nonnegative(formula: _Terms) -> bool:
    return all(n >= 0 and (n == 0 or _is_never_negative(term)) for term, n in formula.items())


@lru_cache(maxsize=4096)
def _is_never_negative(term: Any) -> bool:
    """Whether a product of names and of floors has no place below 0."""
    return term.is_number or all(
        base.is_Symbol or all(n > 0 for n in base.args[0].as_coefficients_dict().values())
        for base in term.as_powers_dict()
        if not base.is_number
    )


def _period(name: Any, formulas: Iterable[Any]) -> int:
    from sympy import floor

    floors = set().union(*(formula.atoms(floor) for formula in formulas))
    return lcm(*(denominator(each.args[0]) for each in floors if each.has(name)))


class _Polynomials:
    """Products of names and floors as polynomials in `x`, a name being `period * x + value`."""

    def __init__(self, names: Sequence[Any], periods: Sequence[int]) -> None:
        self._names = names
        self._periods = periods
        self._constant = (0,) * len(names)
        self._at: tuple[int, ...] = ()
        self._found: dict[Any, _Polynomial | None] = {}  # where names are `_at` and more
        self._floors: dict[tuple[Any, ...], _Polynomial | None] = {}

    def has_no_minus(self, formula: _Terms, values: tuple[int, ...]) -> bool:
        """Whether no coefficient is negative; not, if it is no polynomial."""
        if values != self._at:
            self._at, self._found = values, {}
        total: _Polynomial = {}
        for term, times in formula.items():
            if term not in self._found:
                self._found[term] = self._polynomial(term)
            polynomial = self._found[term]
            if polynomial is None:
                return False
            _add(total, polynomial, times)
        return all(number >= 0 for number in total.values())

    def _polynomial(self, formula: Any) -> _Polynomial | None:
        from sympy import floor

        if formula.is_Rational:
            return {self._constant: Fraction(int(formula.p), int(formula.q))}
        if formula.is_Symbol:
            place = self._names.index(formula)
            one = tuple(int(n == place) for n in range(len(self._names)))
            return {one: self._periods[place], self._constant: self._at[place]}
        if isinstance(formula, floor):
            places = zip(self._names, self._at, strict=True)
            key = (formula, *(value if formula.has(name) else 0 for name, value in places))
            if key not in self._floors:
                inside = self._polynomial(formula.args[0])
                self._floors[key] = _rounded(inside, self._constant)
            return self._floors[key]
        if formula.is_Pow and formula.exp.is_Integer and formula.exp > 0:
            parts = [formula.base] * int(formula.exp)
        elif formula.is_Add or formula.is_Mul:
            parts = formula.args
        else:
            return None
        total: _Polynomial = {self._constant: 0 if formula.is_Add else 1}
        for part in parts:
            polynomial = self._polynomial(part)
            if polynomial is None:
                return None
            if formula.is_Add:
                _add(total, polynomial, 1)
            else:
                total = _product(total, polynomial)
        return total


def _rounded(inside: _Polynomial | None, constant: tuple[int, ...]) -> _Polynomial | None:
    """The floor of a polynomial with whole coefficients but for the constant one."""
    if inside is None:
        return None
    inside[constant] = floor(inside.get(constant, 0))
    if any(number != int(number) for number in inside.values()):
        return None
    return {exponents: int(number) for exponents, number in inside.items()}


def _add(total: _Polynomial, other: _Polynomial, times: Any) -> None:
    for exponents, number in other.items():
        total[exponents] = total.get(exponents, 0) + times * number


def _product(one: _Polynomial, other: _Polynomial) -> _Polynomial:
    total: _Polynomial = {}
    for left, number in one.items():
        for right, factor in other.items():
            exponents = tuple(a + b for a, b in zip(left, right, strict=True))
            total[exponents] = total.get(exponents, 0) + number * factor
    return total
