"""The sign of a formula in named sizes, each a whole number of at least 1."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache, reduce
from math import floor as rounded
from math import inf, lcm
from typing import Any, TypeAlias


def denominator(expression: Any) -> int:
    """The least number that makes all coefficients of an expression whole."""
    from sympy import Add

    return lcm(*(int(term.as_coeff_Mul()[0].q) for term in Add.make_args(expression)))


def is_integral(expression: Any) -> bool | None:
    """Whether an expanded formula is whole wherever its names are: never (False), it depends.

    >>> from sympy import Rational, symbols
    >>> C, H = symbols("C H")
    >>> is_integral(C * H - 1), is_integral(C + Rational(1, 2)), is_integral(C / 2)
    (True, False, None)
    """
    from sympy import Max, Min, floor

    from convalgebra.size_quotients import Quotient, Zero

    if expression.is_Rational:
        return bool(expression.is_Integer)
    if expression.is_Symbol or isinstance(expression, (floor, Quotient, Zero)):
        return True
    if expression.is_Pow:
        whole_power = expression.exp.is_Integer and expression.exp > 0
        return True if whole_power and is_integral(expression.base) else None
    if not (expression.is_Add or expression.is_Mul or isinstance(expression, (Max, Min))):
        return None
    unknown = [part for part in expression.args if not is_integral(part)]
    if expression.is_Add and len(unknown) == 1:
        return is_integral(unknown[0])
    return None if unknown else True


def is_nonnegative(expression: Any) -> bool | None:
    """Whether an expanded formula is at least 0 wherever its names are: never (False), it depends.

    >>> from sympy import floor, symbols
    >>> C, H = symbols("C H")
    >>> is_nonnegative(C * H - C), is_nonnegative(-C), is_nonnegative(C - H)
    (True, False, None)
    >>> is_nonnegative(H - 2 * floor(H / 2))
    True
    """
    verdict = _sign(expression)
    if verdict is None and _has_deep_floor(expression):
        low, high = _interval(expression)
        verdict = True if low >= 0 else False if high < 0 else None
    return verdict


def _has_deep_floor(expression: Any) -> bool:
    """Whether a floor of floors is in it, or one of a quotient of formulas."""
    from sympy import Pow, floor

    return any(rounded.args[0].has(floor, Pow) for rounded in expression.atoms(floor))


def _sign(expression: Any) -> bool | None:
    from sympy import Add, floor

    # floor(x) >= b for a whole number b says the same as x >= b.
    floors = [term for term in Add.make_args(expression) if isinstance(term, floor)]
    if len(floors) == 1 and (expression - floors[0]).is_Integer:
        expression = (expression - floors[0] + floors[0].args[0]).expand()
    if not expression.has(floor):
        return _without_floors(expression)
    if any(rounded.args[0].has(floor) for rounded in expression.atoms(floor)):
        return None  # sympy would think for seconds, and not know
    return _between_floors(expression) if is_integral(expression) else None


def _without_floors(expression: Any) -> bool | None:
    from sympy import Pow, Symbol

    if any(power.exp < 0 for power in expression.atoms(Pow)):
        # What divides is not 0. (Of fractions with several names sympy does not know the sign.)
        above, below = expression.together().as_numer_denom()
        return _without_floors(above.expand()) if _interval(below)[0] >= 0 else None
    constant, terms = expression.as_coeff_add()
    if not terms:
        return bool(constant >= 0)
    parts = [term.as_coeff_Mul() for term in terms]
    if all(_grows(monomial) for _, monomial in parts):
        where_all_are_one = constant + sum(coefficient for coefficient, _ in parts)
        if all(coefficient > 0 for coefficient, _ in parts):
            return True if where_all_are_one >= 0 else None
        if all(coefficient < 0 for coefficient, _ in parts):
            return False if where_all_are_one < 0 else None
        if all(monomial.is_Symbol for _, monomial in parts):
            return None
    # Every name is at least 1: write it as 1 + n with n >= 0, and let sympy look at the signs.
    shifted = {
        s: 1 + Symbol(s.name, integer=True, nonnegative=True) for s in expression.free_symbols
    }
    moved = expression.subs(shifted, simultaneous=True).expand()
    if moved.is_nonnegative:
        return True
    return False if moved.is_negative else None


@lru_cache(maxsize=4096)
def _grows(monomial: Any) -> bool:
    """Whether a product of names is at least 1 and has no bound."""
    return all(base.is_Symbol and power > 0 for base, power in monomial.as_powers_dict().items())


def _between_floors(expression: Any) -> bool | None:
    # (p - n + 1)/n <= floor(p/n) <= p/n for whole p and n > 0: without floors the signs show.
    low, high = _bounded(expression, below=True), _bounded(expression, below=False)
    if low is None or high is None:
        return None
    n = denominator(low)
    if _without_floors(n * low + n - 1):  # n low > -n: a whole number above -1
        return True
    return False if _without_floors(high) is False else None


def _bounded(expression: Any, *, below: bool) -> Any:
    """`expression` with every floor replaced so that it is smaller (`below`) or larger, or None."""
    from sympy import Add, Rational, floor

    parts = []
    for term in Add.make_args(expression):
        coefficient, monomial = term.as_coeff_Mul()
        if isinstance(monomial, floor):
            (inside,) = monomial.args
            n = denominator(inside)
            if not is_integral((n * inside).expand()):
                return None
            if (coefficient > 0) == below:
                inside = inside - Rational(n - 1, n)
            parts.append(coefficient * inside)
        elif monomial.has(floor):
            return None
        else:
            parts.append(term)
    return Add(*parts).expand()


_Interval: TypeAlias = "tuple[Fraction | float, Fraction | float]"  # only infinity is a float


@lru_cache(maxsize=4096)
def _interval(expression: Any) -> _Interval:
    """Numbers between which a formula lies, from those between which its parts lie."""
    from sympy import Max, Min, floor

    if expression.is_Rational:
        number = Fraction(int(expression.p), int(expression.q))
        return number, number
    if expression.is_Symbol:
        return Fraction(1), inf
    if expression.is_Pow:
        return _power(expression.base, int(expression.exp))
    parts = [_interval(part) for part in expression.args]
    if expression.is_Add:
        return sum(low for low, _ in parts), sum(high for _, high in parts)
    if expression.is_Mul:
        return reduce(_times, parts)
    if isinstance(expression, (Max, Min)):
        choose = max if isinstance(expression, Max) else min
        return choose(low for low, _ in parts), choose(high for _, high in parts)
    ((low, high),) = parts
    if isinstance(expression, floor):
        low, high = (end if abs(end) == inf else Fraction(rounded(end)) for end in (low, high))
    return low, high


def _power(base: Any, exponent: int) -> _Interval:
    low, high = _interval(base)
    if exponent < 0:  # what divides is not 0
        if is_integral(base) and low >= 0:
            low = max(low, Fraction(1))
        if not 0 < low <= high:
            return -inf, inf
        low, high = 1 / high if high != inf else Fraction(0), 1 / low
    return reduce(_times, [(low, high)] * abs(exponent))


def _times(one: _Interval, other: _Interval) -> _Interval:
    ends = [a * b if a and b else Fraction(0) for a in one for b in other]
    return min(ends), max(ends)
