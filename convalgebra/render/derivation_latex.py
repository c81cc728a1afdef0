"""A derivation as LaTeX, and as HTML for notebooks (which typeset `$$...$$`)."""

from __future__ import annotations

import re
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Any

from convalgebra.render.formula_text import factors_of, ordered_terms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from convalgebra.symbolic.derivation import Derivation
    from convalgebra.symbolic.steps import Line

_MOST_TERMS = 32  # of a sum; of a longer one, the first are shown
_SHOWN_TERMS = 4
_WIDTH = 60  # characters of a line, as plain text
_MOST_FORMULAS = 30  # of one step; of more, the first and the last are shown
_SHOWN_FORMULAS = 12
# What is a formula in the sentences: a00, a00*x00, b00 = 1, t, the kernel B. Sizes (3x3) are not.
_SYMBOL = r"\b(?:[a-z]\d+(?:_\d+)*|[stwxyz]\d*|[A-Z])\b"
_FORMULA = re.compile(rf"{_SYMBOL}(?:(?:\*| = ){_SYMBOL})*(?: = \d+)?")
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

    def written(formula: re.Match[str]) -> str:
        named = re.sub(_SYMBOL, lambda found: str(latex(Symbol(found.group()))), formula.group())
        return f"${named.replace('*', ' ')}$"

    return _FORMULA.sub(written, text)


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
        long = len(str(line.formula)) + len(str(line.other)) > _WIDTH
        between = " \\\\\n& \\qquad" if long else " \\quad"
        row += rf"{between} \text{{{line.joint}}} \quad {_relation(line.other)}"
    return row


def _relation(relation: Any) -> str:
    return f"{_expression(relation.lhs)} {_SIGNS[relation.rel_op]} {_expression(relation.rhs)}"


def _expression(expression: Any) -> str:
    from sympy import fraction

    above, below = fraction(expression)
    if below.is_number:
        return _sum(expression)
    return rf"\frac{{{_sum(above, broken=False)}}}{{{_sum(below, broken=False)}}}"


def _sum(expression: Any, broken: bool = True) -> str:
    """A sum, on several lines if it is long, or the first terms of it if it is very long."""
    terms = ordered_terms(expression)
    shown = terms if len(terms) <= _MOST_TERMS else terms[:_SHOWN_TERMS]
    written, width = "", 0
    for number, term in enumerate(shown):
        text = _term(term)
        width += len(str(term)) + 3
        if number and broken and width > _WIDTH:
            width = len(str(term)) + 3
            written += " \\\\\n& \\qquad {}"
        sign = "" if text.startswith("-") or not number else "+ "
        written += f" {sign}{text}" if number else text
    if len(shown) < len(terms):
        written += rf" + \cdots \; (\text{{{len(terms)} terms}})"
    return written


def _term(term: Any) -> str:
    from sympy import latex

    sums, others = factors_of(term)
    if not sums:
        return str(latex(others))
    rest = str(latex(others))
    sign = "-" if rest.startswith("-") else ""
    rest = rest.removeprefix("-").strip()
    product = " ".join(rf"\left({_sum(s, broken=False)}\right)" for s in sums)
    return sign + product + ("" if rest == "1" else f" {rest}")
