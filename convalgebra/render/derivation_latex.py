"""A derivation as LaTeX, and as HTML for notebooks (which typeset `$$...$$`)."""

from __future__ import annotations

import re
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from convalgebra.symbolic.derivation import Derivation
    from convalgebra.symbolic.steps import Line

_MOST_TERMS = 16  # of a sum; of a longer one, the first are shown
_SHOWN_TERMS = 4
_MOST_FORMULAS = 30  # of one step; of more, the first and the last are shown
_SHOWN_FORMULAS = 12
# What is a symbol in the sentences: a00, t, the kernel B. Sizes (3x3) are not.
_SYMBOL = re.compile(r"\b(?:[a-z]\d+(?:_\d+)*|[stwxyz]\d*|[A-Z])\b")
_SIGNS = {"==": "=", ">=": r"\ge", "!=": r"\ne"}


def derivation_to_latex(derivation: Derivation) -> str:
    r"""The derivation in LaTeX: paragraphs, and `aligned` blocks of formulas.

    >>> from convalgebra.language import parse
    >>> from convalgebra.symbolic import derive
    >>> shown = derivation_to_latex(derive(parse("3"), parse("2, 2")))
    >>> r"& a_{1} = b_{0} c_{1} + b_{1} c_{0}" in shown
    True
    """
    title = f"{derivation.single} against {derivation.stack}"
    blocks = [rf"\paragraph{{{title}}}"]
    for number, title, parts in _steps(derivation, lambda text: text):
        blocks.append(rf"\subparagraph{{{number}. {title}}}")
        blocks += [part if is_text else f"\\[\n{part}\n\\]" for is_text, part in parts]
    return "\n\n".join(blocks)


def derivation_to_html(derivation: Derivation) -> str:
    """The derivation for a notebook."""
    blocks = [f"<h4>{escape(derivation.single)} against {escape(derivation.stack)}</h4>"]
    for number, title, parts in _steps(derivation, escape):
        blocks.append(f"<p><b>{number}. {title}</b></p>")
        blocks += [f"<p>{part}</p>" if is_text else f"$${part}$$" for is_text, part in parts]
    return "\n".join(blocks)


def _steps(
    derivation: Derivation, escaped: Callable[[str], str]
) -> Iterator[tuple[int, str, list[tuple[bool, str]]]]:
    """The number and title of every step, and its sentences (True) and formulas (False)."""
    for number, step in enumerate(derivation.steps, start=1):
        parts: list[tuple[bool, str]] = []
        for is_text, group in groupby(step.parts, key=lambda part: isinstance(part, str)):
            if is_text:
                parts += [(True, _with_symbols(escaped(str(text)))) for text in group]
            else:
                lines: Any = list(group)
                parts += [(False, block) for block in _blocks(lines)]
        yield number, _with_symbols(escaped(step.title)), parts


def _with_symbols(text: str) -> str:
    from sympy import Symbol, latex

    return _SYMBOL.sub(lambda found: f"${latex(Symbol(found.group()))}$", text)


def _blocks(lines: list[Line]) -> Iterator[str]:
    tables = [line for line in lines if getattr(line.formula, "is_Matrix", False)]
    if tables:
        from sympy import latex

        yield r" \quad ".join(
            f"{table.label} = {latex(table.formula, mat_str='matrix')}" for table in tables
        )
    others = [line for line in lines if line not in tables]
    if not others:
        return
    rows = [_row(line) for line in others]
    if len(rows) > _MOST_FORMULAS:
        more = len(rows) - _SHOWN_FORMULAS - 1
        rows = [*rows[:_SHOWN_FORMULAS], rf"& \text{{({more} more like these)}}", rows[-1]]
    yield "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"


def _row(line: Line) -> str:
    label = rf"\text{{{_with_symbols(line.label)}:}}\quad " if line.label else ""
    formulas = line.formula if type(line.formula) is tuple else (line.formula,)
    row = f"{label}& " + r", \quad ".join(map(_relation, formulas))
    if line.other is not None:
        row += rf" \quad \text{{{line.joint}}} \quad {_relation(line.other)}"
    return row


def _relation(relation: Any) -> str:
    return f"{_expression(relation.lhs)} {_SIGNS[relation.rel_op]} {_expression(relation.rhs)}"


def _expression(expression: Any) -> str:
    from sympy import Add, fraction, latex

    above, below = fraction(expression)
    if below.is_number:
        return _sum(expression, Add, latex)
    return rf"\frac{{{_sum(above, Add, latex)}}}{{{_sum(below, Add, latex)}}}"


def _sum(expression: Any, add: Any, latex: Any) -> str:
    terms = expression.as_ordered_terms()
    if len(terms) <= _MOST_TERMS:
        return str(latex(expression))
    first = latex(add(*terms[:_SHOWN_TERMS], evaluate=False))
    return rf"{first} + \cdots \; (\text{{{len(terms)} terms}})"
