"""Ratios of figures, exactly."""

from __future__ import annotations

from typing import Any

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
    from sympy import cancel

    quotient = cancel(first / second)
    if quotient.is_Rational:
        return Fraction(int(quotient.p), int(quotient.q))
    return simplest(quotient) if quotient.is_polynomial() else quotient
