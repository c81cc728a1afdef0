"""Sizes that may be fractions: jumps after upsampling, centres, variances.

(The library's fractions are imported by the first one: plain networks have none.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from convalgebra.sizes import Size, at_least, same, simplest

if TYPE_CHECKING:
    from fractions import Fraction

Amount: TypeAlias = "Size | Fraction"


def divided(amount: Any, number: int) -> Amount:
    """`amount / number`, an int where it is one.

    >>> divided(6, 3), divided(1, 2)
    (2, Fraction(1, 2))
    """
    if isinstance(amount, int):
        if amount % number == 0:
            return amount // number
        from fractions import Fraction

        return Fraction(amount, number)
    if is_formula(amount):
        return simplest(amount / number)
    quotient = amount / number
    return quotient.numerator if quotient.denominator == 1 else quotient


def is_formula(amount: Any) -> bool:
    """Whether it is in named sizes, rather than an int or a fraction."""
    return hasattr(amount, "free_symbols")


def equal(one: Amount, two: Amount) -> bool | None:
    """Whether two amounts are equal; None where it depends on the named sizes."""
    if is_formula(one) or is_formula(two):
        return same(one, two)
    return one == two


def decided(size: Size, bound: Size) -> bool | None:
    """Whether `size >= bound` for every choice of the named sizes, by their values if need be.

    Edges behind 'same' padding are sums of floors: for one name those come back after a period.

    >>> from convalgebra.sizes import floor_divide, symbol
    >>> H = symbol("H")
    >>> decided(2 * floor_divide(floor_divide(H, 2) + H, 2), H - 1)
    True
    """
    known = at_least(size, bound)
    if known is not None:
        return known
    from convalgebra.size_values import is_never_negative

    return is_never_negative(simplest(size - bound))
