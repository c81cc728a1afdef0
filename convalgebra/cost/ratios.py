"""Ratios of figures, exactly."""

from __future__ import annotations

from functools import lru_cache
from math import gcd
from typing import Any

from convalgebra.cost.figures import plain
from convalgebra.sizes import Size, simplest


def ratio(first: Size | None, second: Size | None) -> Any:
    """`first / second`, exactly: a Fraction or a formula; None where it says nothing.

    >>> ratio(49, 27)
    Fraction(49, 27)
    """
    from fractions import Fraction

    if first is None or second is None or second == 0:
        return None
    if isinstance(first, int) and isinstance(second, int):
        return Fraction(first, second)
    return _formula(first, second)


@lru_cache(maxsize=4096)
def _formula(first: Any, second: Any) -> Any:
    from fractions import Fraction

    from sympy import cancel

    quotient = cancel(first / second)
    if quotient.is_Rational:
        return Fraction(int(quotient.p), int(quotient.q))
    return simplest(quotient) if quotient.is_polynomial() else quotient


def ratio_written(first: Size | None, second: Size | None) -> str | None:
    """`first / second` as text for JSON: `49/27`, or a formula that the language reads.

    None where one of them is not known, or it says nothing.

    >>> ratio_written(98, 54), ratio_written(4, 2), ratio_written(4, 0)
    ('49/27', '2', None)
    """
    if not (isinstance(first, int) and isinstance(second, int)):
        written: str | None = plain(ratio(first, second))
        return written
    if second == 0:
        return None
    common = gcd(first, second)  # a report of plain numbers does without the fractions module
    return str(first // common) if second == common else f"{first // common}/{second // common}"
