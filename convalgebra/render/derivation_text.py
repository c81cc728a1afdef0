"""A derivation as text: as on paper, one step after the other, long lines shortened."""

from __future__ import annotations

from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING, Any, cast

from convalgebra.render.formula_text import relation_text, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convalgebra.symbolic.derivation import Derivation
    from convalgebra.symbolic.steps import Line

_MOST_FORMULAS = 30  # of one step; of more, the first and the last are shown
_SHOWN_FORMULAS = 12
_MOST_ALIKE = 4  # of a step that repeats itself
_MOST_LINES = 7  # of one formula; of a longer one, the first are shown
_SHOWN_LINES = 2
_TEXT = "   "
_INDENT = "     "
_BETWEEN = "    "
_MORE = "  "  # before what goes on on the next line


def derivation_to_text(derivation: Derivation, width: int = 80) -> str:
    r"""The derivation, step by step, in lines of at most `width`.

    >>> from convalgebra.language import parse
    >>> from convalgebra.symbolic import derive
    >>> text = derivation_to_text(derive(parse("3"), parse("2, 2")))
    >>> print(text[text.index("The 3 equations") : text.index("6. Solution")].rstrip())
    The 3 equations
       The single kernel gives a0*x0 + a1*x1 + a2*x2 of the same inputs. The two are
       equal for every input if and only if the same number stands before each x:
    <BLANKLINE>
         a0 = b0*c0
         a1 = b0*c1 + b1*c0
         a2 = b1*c1
    """
    blocks = [f"{derivation.single} against {derivation.stack}"]
    for number, step in enumerate(derivation.steps, start=1):
        lines = [f"{number}. {step.title}"]
        for is_text, parts in groupby(step.parts, key=lambda part: isinstance(part, str)):
            if is_text:
                for text in parts:
                    lines += wrap(str(text), width, initial_indent=_TEXT, subsequent_indent=_TEXT)
            else:
                lines += ["", *_formulas(cast("list[Line]", list(parts)), width, step.repeats), ""]
        blocks.append("\n".join(lines).rstrip("\n"))
    return "\n\n".join(blocks)


def _formulas(lines: list[Line], width: int, repeats: bool) -> Iterator[str]:
    tables = [line for line in lines if getattr(line.formula, "is_Matrix", False)]
    yield from _beside(tables, width)
    others = [line for line in lines if line not in tables]
    shown = others
    most, first = (_MOST_ALIKE, 2) if repeats else (_MOST_FORMULAS, _SHOWN_FORMULAS)
    if len(others) > most:
        shown = [*others[:first], others[-1]]
    column = max((len(line.label) for line in shown), default=0)
    column += 3 if column else 0
    for line in shown:
        if line is others[-1] and len(shown) < len(others):
            yield f"{_INDENT}({len(others) - len(shown):,} more like these)"
        label = f"{line.label}:" if line.label else ""
        yield from _formula(line, _INDENT + label.ljust(column), width)


def _formula(line: Line, first: str, width: int) -> Iterator[str]:
    indent = " " * len(first)
    if type(line.formula) is tuple:
        yield from _several(line.formula, first, indent, width)
        return
    text = relation_text(line.formula)
    if line.other is None:
        yield from _cut(line.formula, text, first, indent, width)
        return
    other = relation_text(line.other)
    together = f"{first}{text}, {line.joint} {other}"
    if len(together) <= width:
        yield together
        return
    yield from _cut(line.formula, f"{text},", first, indent, width)
    yield from _cut(line.other, other, f"{indent}{line.joint} ", indent, width)


def _several(relations: tuple[Any, ...], first: str, indent: str, width: int) -> Iterator[str]:
    """Formulas beside each other, those that are long on lines of their own."""
    line = first
    for relation in relations:
        text = relation_text(relation)
        if line.strip() and len(line) + 3 + len(text) > width:
            yield line
            line = indent
        line += f",  {text}" if line.strip() else text
        if len(line) > width:
            yield from _cut(relation, text, indent, indent, width)
            line = indent
    if line.strip():
        yield line


def _cut(relation: Any, text: str, first: str, indent: str, width: int) -> list[str]:
    """The lines of a formula, or the first of them and how many terms there are."""
    lines = wrapped(text, width, first, indent + _MORE)
    if len(lines) <= _MOST_LINES:
        return lines
    from sympy import Add, fraction

    terms = max(len(Add.make_args(fraction(side)[0])) for side in (relation.lhs, relation.rhs))
    return [*lines[:_SHOWN_LINES], f"{indent}{_MORE}.. ({terms:,} terms in all)"]


def _beside(tables: list[Line], width: int) -> Iterator[str]:
    """Tables of symbols side by side, as many as fit."""
    blocks = [_table(table) for table in tables]
    while blocks:
        many = 1
        while many < len(blocks) and _joined_width(blocks[: many + 1]) <= width:
            many += 1
        height = max(map(len, blocks[:many]))
        for row in range(height):
            cells = [
                block[row] if row < len(block) else " " * len(block[0]) for block in blocks[:many]
            ]
            yield (_INDENT + _BETWEEN.join(cells)).rstrip()
        blocks = blocks[many:]
        if blocks:
            yield ""


def _joined_width(blocks: list[list[str]]) -> int:
    return len(_INDENT) + sum(len(block[0]) for block in blocks) + len(_BETWEEN) * (len(blocks) - 1)


def _table(line: Line) -> list[str]:
    rows = [[str(entry) for entry in row] for row in line.formula.tolist()]
    cell = max(len(text) for row in rows for text in row)
    head = f"{line.label} = "
    return [
        (head if not at else " " * len(head)) + " ".join(text.ljust(cell) for text in row)
        for at, row in enumerate(rows)
    ]
