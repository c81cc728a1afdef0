"""Figures as JSON takes them, their sums, and how those beside the main ones are worked out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from convalgebra.errors import NotKnownError, SizeError
from convalgebra.sizes import Size, text, total

Figure = TypeVar("Figure")


def worked_out(figure: Callable[[], Figure]) -> tuple[Figure | None, str]:
    """A figure beside the main ones, or None and why it is not known: it never refuses a report.

    >>> worked_out(lambda: 3 // 2)
    (1, '')
    """
    try:
        return figure(), ""
    except (NotKnownError, SizeError) as error:  # a size that cannot be: its formula does not hold
        return None, str(error)


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


def summed(amounts: Iterable[Size | None]) -> Size | None:
    """The sum of some amounts; None where one of them is not known.

    >>> summed([1, 2]), summed([1, None])
    (3, None)
    """
    known = []
    for amount in amounts:
        if amount is None:
            return None
        known.append(amount)
    return total(known)


def sum_of_known(amounts: Iterable[Size | None]) -> Size:
    """The sum of those amounts that are known: of costs, which are at least 0, a lower bound.

    >>> sum_of_known([1, None])
    1
    """
    return total(amount for amount in amounts if amount is not None)
