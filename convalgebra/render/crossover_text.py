"""Where stacks change places, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convalgebra.cost.crossovers import Crossover

_DIGITS = 5
_LONGEST = 24


def crossover_text(found: Crossover, titles: Sequence[str]) -> str:
    """Which stack it is in which range: `with 3x3@C for C < 9/8, with dw3x3,1x1@C for C > 9/8`."""
    return ", ".join(
        f"with {titles[stack]} for {_between(found.name, low, high)}"
        for stack, low, high in found.ranges()
    )


def _between(name: str, low: Any, high: Any) -> str:
    if low is None:
        return f"{name} < {number_text(high)}"
    if high is None:
        return f"{name} > {number_text(low)}"
    return f"{number_text(low)} < {name} < {number_text(high)}"


def number_text(number: Any) -> str:
    """An exact number as one reads it: `9/8`, `sqrt(5)/2 = 1.11803..`; a long one by its digits.

    >>> from sympy import Rational, sqrt
    >>> number_text(Rational(9, 8)), number_text(sqrt(5) / 2)
    ('9/8', 'sqrt(5)/2 = 1.11803..')
    """
    if number.is_Rational:
        return str(number)
    digits = f"{_cut_off(number)}.."
    return f"{number} = {digits}" if len(str(number)) <= _LONGEST else digits


def _cut_off(number: Any) -> str:
    """The first digits, not rounded."""
    from sympy import floor

    whole, rest = divmod(int(floor(number * 10**_DIGITS)), 10**_DIGITS)
    return f"{whole:,}.{rest:0{_DIGITS}}"
