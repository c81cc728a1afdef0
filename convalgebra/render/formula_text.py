"""Formulas as one writes them by hand: `a01 - a00*b01`, `a00*t^2 - a01*t + a02 = 0`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sympy import Expr


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


def relation_text(relation: Any) -> str:
    """An equation or an inequality on one line.

    >>> from sympy import Eq, Ge
    >>> from sympy.abc import a, b, c
    >>> relation_text(Eq(a, b * c - b)), relation_text(Ge(a, 0))
    ('a = b*c - b', 'a >= 0')
    """
    sign = {"==": "="}.get(relation.rel_op, relation.rel_op)
    return f"{expression_text(relation.lhs)} {sign} {expression_text(relation.rhs)}"


def wrapped(text: str, width: int, first: str = "", after: str | None = None) -> list[str]:
    """`text` in lines of at most `width`, broken before signs, each but the first after `after`.

    What stands in parentheses is kept together, if it fits on a line.

    >>> wrapped("x = aaa + bbb - ccc", 13, after="    ")
    ['x = aaa + bbb', '    - ccc']
    >>> wrapped("x = a + (b + c)*d", 13, after="  ")
    ['x = a', '  + (b + c)*d']
    """
    after = " " * len(first) if after is None else after
    pieces: list[str] = []
    for piece in _pieces(text, 0):
        pieces += [piece] if len(after) + len(piece) <= width else _pieces(piece, 1)
    lines, line = [], first
    for number, piece in enumerate(pieces):
        if number and len(line) + 1 + len(piece) > width:
            lines.append(line)
            line = after + piece
        else:
            line += " " * (number > 0) + piece
    return [*lines, line]


def _pieces(text: str, deepest: int) -> list[str]:
    """`text` cut before the signs that stand in at most `deepest` parentheses."""
    pieces, piece, depth = [], "", 0
    for before, word in zip(["", *text.split(" ")], text.split(" "), strict=False):
        if piece and (before in _SIGNS or depth > deepest or word not in _SIGNS):
            piece += " " + word
        else:
            pieces.append(piece)
            piece = word
        depth += word.count("(") - word.count(")")
    return [piece for piece in (*pieces, piece) if piece]


_SIGNS = frozenset({"+", "-", "=", ">=", "!="})


def ordered_terms(expression: Any) -> list[Any]:
    """The terms of a sum as one writes them, beginning with one that is not negative.

    >>> from sympy.abc import a, b, t
    >>> ordered_terms(a - b * t)
    [a, -b*t]
    """
    # Sums of products with sums in them (a collected formula) come in the order that is meant.
    collected = expression.is_Add and any(f.is_Add for term in expression.args for f in term.args)
    terms = list(expression.args if collected else expression.as_ordered_terms())
    first = next((n for n, t in enumerate(terms) if not t.could_extract_minus_sign()), 0)
    return [terms[first], *terms[:first], *terms[first + 1 :]]


def factors_of(term: Any) -> tuple[list[Any], Any]:
    """The sums in a product, and the rest of it.

    >>> from sympy.abc import a, b, x
    >>> factors_of(x * (a + b))
    ([a + b], x)
    """
    from sympy import Mul

    factors = Mul.make_args(term)
    sums = [factor for factor in factors if factor.is_Add]
    return sums, Mul(*(factor for factor in factors if not factor.is_Add))


def _sum_text(expression: Any) -> str:
    first, *others = map(_term_text, ordered_terms(expression))
    return first + "".join(f" - {t[1:]}" if t.startswith("-") else f" + {t}" for t in others)


def _term_text(term: Any) -> str:
    """A product, sums in it first: (b00*c01 + b01*c00)*x01."""
    sums, others = factors_of(term)
    rest = str(others).replace("**", "^")
    if not sums:
        return rest
    sign = "-" if rest.startswith("-") else ""
    rest = rest.removeprefix("-")
    return sign + "*".join([*(f"({_sum_text(s)})" for s in sums), *([] if rest == "1" else [rest])])
