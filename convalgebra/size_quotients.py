"""Quotients that have to come out whole, as parts of the sizes of a text: the W/8 of `(W/8)//2`.

Where a text divides with `/`, it says that nothing is left over. Of `C/2` alone a layer needs that
anyway; of `(W/8)//2` and `2*(C/2)` nobody would know it of the size that comes out. Nor would
anybody know of `0*(C/2)`, or `1//(C//12)` less itself, that C is not any number: what a size needs
stays in it as a part that is 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd, lcm
from typing import Any

from sympy import Add, Function, Integer, Pow, floor, nan, sympify, zoo

from convalgebra.errors import SizeError
from convalgebra.size_signs import is_integral
from convalgebra.sizes import at_least, floor_divide


class Quotient(Function):  # type: ignore[misc]
    """A fraction that is whole."""

    @classmethod
    def eval(cls, fraction: Any) -> Any:
        """A number is no part of its own."""
        return fraction if fraction.is_Rational else None


class Zero(Function):  # type: ignore[misc]
    """0 wherever its part is a number: a quotient that is whole, or 1 by what is not 0."""


def has_quotient(size: Any) -> bool:
    """Whether a quotient is in it, or what is left of one."""
    return bool(size.has(Quotient, Zero))


def with_needs(result: Any, sign: str, left: Any, right: Any) -> Any:
    """The `result` of an operation, with what it no longer shows of the needs of its operands."""
    left, right = sympify(left), sympify(right)
    shown: set[Any] = set()
    needed: set[Any] = set()
    if isinstance(result, int) or sign in "+-":
        shown = set() if isinstance(result, int) else result.atoms(Quotient, Zero)
        needed = left.atoms(Quotient, Zero) | right.atoms(Quotient, Zero)
    if isinstance(result, int):
        needed |= {power for size in (left, right) for power in size.atoms(Pow) if power.exp < 0}
        needed |= {1 / right} if sign in ("/", "//") and not right.is_Rational else set()
    for part in sorted(needed - shown, key=str):
        if any(other.has(part) for other in needed - {part}):
            continue  # inside another one
        if not part.is_Pow or not at_least(plain(part.base), 1):
            result = result + (part if isinstance(part, Zero) else Zero(part))
    return result


def quotient_of(fraction: Any) -> Any:
    """A fraction that is whole, in canonical form.

    Whole terms stand outside, and so do common factors: `(3C + 2)/2` is 1 and 3 times `C/2`.
    """
    fraction = settled_once(fraction)
    terms = Add.make_args(fraction)
    whole = Add(*(term for term in terms if is_integral(term)))
    broken = fraction - whole
    if not broken:
        return whole
    common = 1
    if is_integral((_below(broken) * broken).expand()):  # of 12/C it is not known what is reduced
        common = gcd(*(term.as_coeff_Mul()[0].p for term in Add.make_args(broken)))
    if broken.could_extract_minus_sign():
        common = -common
    return whole + common * Quotient((broken / common).expand())


def settled_once(whole: Any) -> Any:
    """A formula that is whole, without the quotients of which its being whole says that they are.

    If `p y/(n z) + r` is whole for whole numbers n and z, so is `p y + n z r`; and then y is, where
    n z r is whole, and p has no factor with the denominator of y.
    """
    whole = whole.expand()
    for term in Add.make_args(whole):
        number, product = term.as_coeff_Mul()
        factors = product.as_powers_dict()
        quotients = [base for base in factors if isinstance(base, Quotient) and factors[base] == 1]
        if len(quotients) == 1:
            (inside,) = quotients[0].args
            below, rest = _below(inside), product / quotients[0]
            apart = abs(number.p) == 1 or (
                is_integral((below * inside).expand()) and gcd(number.p, below) == 1
            )
            others = (number.q * (whole - term) / rest).expand()
            if apart and is_integral(1 / rest) and is_integral(others):
                return settled_once(whole - term + number * inside * rest)
    return whole


def _below(fraction: Any) -> int:
    return lcm(*(int(term.as_coeff_Mul()[0].q) for term in Add.make_args(fraction)))


def plain(size: Any) -> Any:
    """A size with its quotients as fractions."""
    size = size.replace(Zero, lambda part: Integer(0)).replace(Quotient, lambda fraction: fraction)
    size = size.replace(floor, lambda inside: floor_divide(inside, Integer(1)))
    if size.has(zoo, nan):
        raise SizeError("division by zero")
    return size


def needs(size: Any) -> Iterator[tuple[str, Any]]:
    """What a size needs to be one: a "quotient" that is whole, a "divisor" that is not 0.

    From the inside to the outside.
    """
    for part in size.args:
        yield from needs(part)
    if isinstance(size, Quotient):
        yield "quotient", plain(size)
    elif size.is_Pow and size.exp < 0:
        yield "divisor", plain(size.base)
