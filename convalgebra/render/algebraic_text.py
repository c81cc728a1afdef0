"""Exact numbers as text: fractions, elements of number fields, and the polynomials behind them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from convalgebra.kernels.factoring.factorizations import Filter
    from convalgebra.kernels.factoring.fields import Element, Field
    from convalgebra.kernels.sources import Number


def number_text(value: Number) -> str:
    """A number that is short, else to six digits.

    >>> from fractions import Fraction
    >>> number_text(Fraction(1, 3)), number_text(10**40)
    ('1/3', '1e+40')
    """
    text = exact_text(value)
    return text if len(text) <= 16 else _rounded(value)


def _rounded(value: Number) -> str:
    try:
        return f"{float(value):.6g}"
    except OverflowError:
        return f"about 10^{len(exact_text(abs(int(value)))) - 1}"


MOST_BITS = 12_000  # Python writes no whole numbers of more than 4,300 digits


def exact_text(value: Number) -> str:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) < MOST_BITS:
        return str(value)
    from flint import fmpz

    above, below = str(fmpz(value.numerator)), str(fmpz(value.denominator))
    return above if below == "1" else f"{above}/{below}"


def decimal_text(value: complex, digits: int = 6) -> str:
    """A number to so many digits.

    >>> decimal_text(0.5 - 0.25j), decimal_text(3 + 0j)
    ('0.5-0.25i', '3')
    """
    if max(abs(value.real), abs(value.imag)) == float("inf"):
        return "beyond 1e308"
    if not value.imag:
        return f"{value.real:.{digits}g}"
    if not value.real:
        return f"{value.imag:.{digits}g}i"
    return f"{value.real:.{digits}g}{value.imag:+.{digits}g}i"


def element_text(element: Element, field: Field) -> str:
    """An element of Q(a), square roots written out where the field has degree 2.

    >>> from fractions import Fraction
    >>> from convalgebra.kernels.factoring.fields import Field
    >>> element_text((1, Fraction(-1, 2)), Field((3, 0, 1)))
    '1 - 1/2*i*sqrt(3)'
    >>> element_text((0, 1, 2), Field((-2, 0, 0, 1)))
    'a + 2*a^2'
    """
    written = ""
    for power, value in enumerate(element):
        if not value:
            continue
        name = power_text(power, field)
        size = exact_text(-value if value < 0 else value)
        term = name if name and size == "1" else f"{size}*{name}" if name else size
        sign = "-" if value < 0 else "+"
        written += f" {sign} {term}" if written else term if sign == "+" else f"-{term}"
    return written or "0"


def power_text(power: int, field: Field) -> str:
    if not power:
        return ""
    square = square_root(field)
    if square is None:
        return "a" if power == 1 else f"a^{power}"
    if square > 0:
        return f"sqrt({square})"
    return "i" if square == -1 else f"i*sqrt({-square})"


def square_root(field: Field) -> int | None:
    """The whole number whose square root generates a field that is written so, else None."""
    if field.degree == 2 and field.modulus[1:] == (0, 1):
        return -field.modulus[0]
    return None


_LETTERS = "abcdfghjklmnopqrstuvwxyz"  # i is the imaginary unit, e would be Euler's number


def generator_names(filters: Sequence[Filter]) -> list[str]:
    """A letter for each filter: that of its generator, different numbers having different ones."""
    letters: dict[str, str] = {}
    for filter in filters:
        text = generator_text(filter)
        if text and text not in letters:
            letters[text] = _LETTERS[min(len(letters), len(_LETTERS) - 1)]
    return [letters.get(generator_text(filter), "a") for filter in filters]


def _named(text: str, name: str) -> str:
    return re.sub(r"\ba\b", name, text)


def generator_text(filter: Filter, name: str = "a") -> str:
    """What the generator is, where it is no square root; empty if the filter has none."""
    if filter.entries is None or all(len(entry) < 2 for entry in filter.entries):
        return ""
    if square_root(filter.field) is not None:
        return ""
    near = decimal_text(filter.generator, filter.digits)
    return f"{name} = {near}.., a root of {_named(polynomial_text(filter.field), name)}"


def polynomial_text(field: Field) -> str:
    """The minimal polynomial of a.

    >>> from convalgebra.kernels.factoring.fields import Field
    >>> polynomial_text(Field((-2, 0, 3)))
    '3*a^2 - 2'
    """
    terms = []
    for power in range(field.degree, -1, -1):
        value = field.modulus[power]
        if value:
            name = {0: "", 1: "a"}.get(power, f"a^{power}")
            size = exact_text(abs(value))
            term = name if name and size == "1" else f"{size}*{name}" if name else size
            terms.append((value < 0, term))
    (negative, first), *rest = terms
    return (
        ("-" if negative else "")
        + first
        + "".join(f" {'-' if below else '+'} {term}" for below, term in rest)
    )


def filter_texts(filter: Filter, name: str = "a") -> list[str] | None:
    """The entries exactly, as texts in the generator's name; None where there is no exact form."""
    if filter.entries is None:
        return None
    return [_named(element_text(entry, filter.field), name) for entry in filter.entries]
