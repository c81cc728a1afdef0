"""The sign of a formula in named sizes, each a whole number of at least 1."""

from __future__ import annotations

from functools import lru_cache
from math import lcm
from typing import Any


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

    if expression.is_Rational:
        return bool(expression.is_Integer)
    if expression.is_Symbol or isinstance(expression, floor):
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
    from sympy import Symbol

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
    from sympy import Add, Integer, Rational, floor

    total = Integer(0)
    for term in Add.make_args(expression):
        coefficient, monomial = term.as_coeff_Mul()
        if isinstance(monomial, floor):
            (inside,) = monomial.args
            n = denominator(inside)
            if not is_integral((n * inside).expand()):
                return None
            if (coefficient > 0) == below:
                inside = inside - Rational(n - 1, n)
            total += coefficient * inside
        elif monomial.has(floor):
            return None
        else:
            total += term
    return total.expand()
