"""Exact numbers as text: fractions, elements of number fields, and the polynomials behind them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from convalgebra.kernels.factoring.embeddings import Embedding
    from convalgebra.kernels.factoring.factorizations import Filter
    from convalgebra.kernels.factoring.fields import Element, Field
    from convalgebra.kernels.sources import Number


MOST_BITS = 12_000  # Python writes no whole numbers of more than 4,300 digits
_SHORT = 16  # characters of a number that is written out


def short_text(value: Number, decimal: bool = False) -> tuple[str, bool]:
    """A number, to six digits if it is long or a decimal is wanted; and whether that is exact.

    >>> from fractions import Fraction
    >>> short_text(Fraction(1, 3)), short_text(10**40), short_text(Fraction(1, 3), decimal=True)
    (('1/3', True), ('1e+40', True), ('0.333333', False))
    """
    text = exact_text(value)
    if len(text) <= _SHORT and not decimal:
        return text, True
    shown = _rounded(value)
    return shown, Fraction(shown) == value


def _rounded(value: Number) -> str:
    try:
        near = abs(float(value))
    except OverflowError:
        near = float("inf")
    if 1e-300 < near < 1e300 or not value:
        return f"{float(value):.6g}"
    from decimal import Context, Decimal

    below = Decimal(value.denominator)
    return f"{Context(prec=6).divide(Decimal(value.numerator), below).normalize():g}"


def exact_text(value: Number) -> str:
    """A number in full, however many digits it has."""
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


def element_text(element: Element, field: Field, name: str = "a") -> str:
    """An element of Q(a), square roots written out where the field has degree 2.

    >>> from convalgebra.kernels.factoring.fields import Field
    >>> element_text((1, Fraction(-1, 2)), Field((3, 0, 1)))
    '1 - 1/2*i*sqrt(3)'
    >>> element_text((0, 1, 2), Field((-2, 0, 0, 1)))
    'a + 2*a^2'
    """
    square = square_root(field)
    if square is not None:
        name = f"sqrt({abs(square)})" if square != -1 else "i"
        name = f"i*{name}" if square < -1 else name
    return polynomial_text(element, name)


def polynomial_text(
    coefficients: Sequence[Number], name: str = "a", *, falling: bool = False
) -> str:
    """A polynomial, the constant first; or last, if the powers are to fall.

    >>> polynomial_text((-2, 0, 3), falling=True)
    '3*a^2 - 2'
    """
    written = ""
    powers = range(len(coefficients))
    for power in reversed(powers) if falling else powers:
        value = coefficients[power]
        if not value:
            continue
        letter = {0: "", 1: name}.get(power, f"{name}^{power}")
        size = exact_text(-value if value < 0 else value)
        term = letter if letter and size == "1" else f"{size}*{letter}" if letter else size
        sign = "-" if value < 0 else "+"
        written += f" {sign} {term}" if written else term if sign == "+" else f"-{term}"
    return written or "0"


def square_root(field: Field) -> int | None:
    """The whole number whose square root generates a field that is written so, else None."""
    if field.degree == 2 and field.modulus[1:] == (0, 1):
        return -field.modulus[0]
    return None


_LETTERS = "abcdfghjklmnopqrstuvwxyz"  # i is the imaginary unit, e would be Euler's number


def generator_names(filters: Sequence[Filter]) -> list[str]:
    """A letter for each filter: that of its generator, different numbers having different ones."""
    letters: dict[Embedding, str] = {}
    for filter in filters:
        if generator_text(filter) and filter.embedding not in letters:
            again, letter = divmod(len(letters), len(_LETTERS))
            letters[filter.embedding] = f"{_LETTERS[letter]}{again or ''}"
    return [letters.get(filter.embedding, "a") for filter in filters]


def generator_text(filter: Filter, name: str = "a") -> str:
    """What the generator is, where it is no square root; empty if the filter has none."""
    if filter.field.degree == 1 or square_root(filter.field) is not None:
        return ""
    modulus = polynomial_text(filter.field.modulus, name, falling=True)
    return f"{name} = {root_text(filter.embedding)}, a root of {modulus}"


def root_text(root: Embedding) -> str:
    """A generator by as many digits as tell it from its conjugates."""
    return f"{decimal_text(root.generator, root.digits)}.."


def filter_texts(filter: Filter, name: str = "a") -> list[str] | None:
    """The entries exactly, as texts in the generator's name; None where there is no exact form."""
    if filter.entries is None:
        return None
    return [element_text(entry, filter.field, name) for entry in filter.entries]
