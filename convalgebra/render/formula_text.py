"""Formulas as one writes them by hand: `a01 - a00*b01`, `a00*t^2 - a01*t + a02 = 0`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sympy import Eq, Expr


def expression_text(expression: Expr) -> str:
    """`expression` on one line, beginning with a term that is not negative if there is one.

    >>> from sympy.abc import a, b, t
    >>> expression_text(a - b * t**2), expression_text((b - a * t) / (a - 2 * t))
    ('a - b*t^2', '(b - a*t)/(a - 2*t)')
    """
    from sympy import fraction

    above, below = fraction(expression)
    if below.is_number:
        return _sum_text(expression)
    over, under = _sum_text(above), _sum_text(below)
    over = f"({over})" if above.is_Add else over
    return f"{over}/{under}" if below.is_Symbol or below.is_Pow else f"{over}/({under})"


def equation_text(equation: Eq) -> str:
    """An equation on one line.

    >>> from sympy import Eq
    >>> from sympy.abc import a, b, c
    >>> equation_text(Eq(a, b * c - b))
    'a = b*c - b'
    """
    return f"{expression_text(equation.lhs)} = {expression_text(equation.rhs)}"


def wrapped(text: str, width: int, first: str = "", after: str | None = None) -> list[str]:
    """`text` in lines of at most `width`, broken before signs, each but the first after `after`.

    >>> wrapped("x = aaa + bbb - ccc", 13, after="    ")
    ['x = aaa + bbb', '    - ccc']
    """
    after = " " * len(first) if after is None else after
    lines, line = [], first
    for number, piece in enumerate(_pieces(text)):
        if number and len(line) + 1 + len(piece) > width:
            lines.append(line)
            line = after + piece
        else:
            line += " " * (number > 0) + piece
    return [*lines, line]


def _pieces(text: str) -> Iterable[str]:
    """`text` cut before every ` + `, ` - ` and ` = `, the signs kept with what follows."""
    words = text.split(" ")
    piece = words[0]
    for before, word in zip(words, words[1:], strict=False):
        if before in _SIGNS or (word not in _SIGNS and "(" in piece and ")" not in piece):
            piece += " " + word
        else:
            yield piece
            piece = word
    yield piece


_SIGNS = ("+", "-", "=")


def _sum_text(expression: Any) -> str:
    terms = [str(term).replace("**", "^") for term in expression.as_ordered_terms()]
    terms.sort(key=lambda term: term.startswith("-"))
    written = terms[0]
    for term in terms[1:]:
        written += f" - {term[1:]}" if term.startswith("-") else f" + {term}"
    return written
