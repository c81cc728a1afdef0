"""Tables with formulas that are too long for a line: those stand below, numbered."""

from __future__ import annotations

from convalgebra.render.formula_text import wrapped
from convalgebra.render.tables import Table


def numbered(table: Table, width: int) -> str:
    """A table in lines of at most `width`: as many of its longest formulas as it takes go below.

    Equal formulas share a number.

    >>> rows = ("one", "9H W + 3H + 3W + 1"), ("two", "9H W + 3H + 3W + 1"), ("three", "7H W")
    >>> print(numbered(Table(("layer", "MACs"), rows), 18))
    layer  MACs
    one     (1)
    two     (1)
    three  7H W
    <BLANKLINE>
    (1)  9H W + 3H
           + 3W + 1
    """
    lengths = {len(cell) for row in table.rows for cell in row[table.left :]}
    shorter, below = table, list[str]()
    for longest in sorted(lengths, reverse=True):
        if shorter.width() <= width:
            break
        shorter, below = _with_numbers(table, longest)
    if not below:
        return table.to_text()
    room = len(_number(len(below))) + 2
    lines = [
        line
        for at, formula in enumerate(below, 1)
        for line in wrapped(formula, width, _number(at).ljust(room), " " * (room + 2))
    ]
    return "\n\n".join([shorter.to_text(), "\n".join(lines)])


def _with_numbers(table: Table, longest: int) -> tuple[Table, list[str]]:
    """The table with numbers for formulas of `longest` characters or more; and those formulas."""
    numbers: dict[str, str] = {}

    def cell(text: str) -> str:
        if len(text) < longest or len(text) <= len(_number(len(numbers) + 1)):
            return text
        return numbers.setdefault(text, _number(len(numbers) + 1))

    rows = tuple((*row[: table.left], *map(cell, row[table.left :])) for row in table.rows)
    return table._replace(rows=rows), list(numbers)


def _number(at: int) -> str:
    return f"({at})"
