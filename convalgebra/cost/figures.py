"""Figures as JSON takes them."""

from __future__ import annotations

from typing import Any

from convalgebra.sizes import text


def plain(value: Any) -> Any:
    """A figure for JSON: an int, or text: a named size as the language reads it, a fraction as 1/2.

    >>> from fractions import Fraction
    >>> from sympy import sqrt
    >>> plain(64), plain(Fraction(1, 2)), plain(sqrt(5) / 2)
    (64, '1/2', 'sqrt(5)/2')
    """
    if value is None or isinstance(value, int):
        return value
    return text(value) if getattr(value, "free_symbols", None) else str(value)
