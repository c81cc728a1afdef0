"""A dense matrix as text: the grid of its entries, and what ties them, in a sentence."""

from __future__ import annotations

import re
from itertools import product
from string import ascii_lowercase, ascii_uppercase
from typing import TYPE_CHECKING

from convalgebra.letters import tap_name
from convalgebra.render.formula_text import expression_text, wrapped
from convalgebra.render.tables import article
from convalgebra.shapes import shape_text
from convalgebra.words import counted

if TYPE_CHECKING:
    from sympy import Expr

    from convalgebra.symbolic.matrix import DenseMatrix

ZERO = "."
_MOST_ROWS = 64
_MOST_LEGEND = 24
_MOST_LINES = 3  # for one entry
_MOST_BIASES = 6
_LETTERS = ascii_uppercase + ascii_lowercase  # of the different entries, in the compact map
_OTHER = "#"  # an entry that is not zero, where there are more kinds than letters


def matrix_to_text(report: DenseMatrix, width: int = 80) -> str:
    """The matrix as a grid with `.` for what is always zero, and a summary.

    Entries stand in full where they fit, else one letter for each different entry, with a legend.

    >>> from convalgebra.language import parse
    >>> from convalgebra.symbolic import matrix
    >>> print(matrix_to_text(matrix(parse("2"), (4,))))
    2 on 1x4 -> 1x3: a 3 x 4 matrix, a row for each output and a column for each
    input
    <BLANKLINE>
         x0 x1 x2 x3
    y0   a0 a1  .  .
    y1    . a0 a1  .
    y2    .  . a0 a1
    <BLANKLINE>
    12 entries: 2 free weights 3 times each, 6 zeros
    """
    maps = f"{shape_text(report.input_shape)} -> {shape_text(report.output_shape)}"
    size = f"{article(report.rows)} {report.rows:,} x {report.columns:,} matrix"
    title = f"{report.stack} on {maps}: {size}, a row for each output and a column for each input"
    lines = _folded(title, width)
    names = _names("x", report.input_shape)
    cell = max(map(len, names))
    cells: dict[Expr, str] | None = None
    different = dict.fromkeys(entry.value for entry in report.entries)
    # Else no entry fits either, and there may be many; a sum has more letters than terms.
    if _grid_width(report, cell, 1) <= width and all(len(v.args) <= width for v in different):
        cells = {value: expression_text(value) for value in different}
        cell = max(map(len, [*cells.values(), *names]))
    if cells is not None and _grid_width(report, cell, 1) <= width:
        lines += ["", *_grid(report, cells, names, cell, 1, report.columns)]
    else:
        lines += ["", *_map(report, width)]
    lines += ["", *_folded(summary(report), width)]
    biases = [value for value in report.bias if value != 0]
    if biases:
        lines += ["", *_bias(biases, width)]
    return "\n".join(lines)


def _bias(biases: list[Expr], width: int) -> list[str]:
    lines = ["Apart from the matrix, a bias is added to each row:"]
    different = list(dict.fromkeys(biases))
    for value in different[:_MOST_BIASES]:
        lines += _cut(wrapped(expression_text(value), width, "  ", "    "), value)
    if len(different) > _MOST_BIASES:
        lines.append(f"  ({len(different) - _MOST_BIASES:,} more)")
    return lines


def _cut(lines: list[str], value: Expr) -> list[str]:
    """The lines of an entry, or the first one and how many terms there are."""
    if len(lines) <= _MOST_LINES:
        return lines
    return [*lines[: _MOST_LINES - 1], f"    .. ({len(value.args):,} terms)"]


def summary(report: DenseMatrix) -> str:
    """What ties the entries of the matrix, in one line.

    >>> from convalgebra.language import parse
    >>> from convalgebra.symbolic import matrix
    >>> summary(matrix(parse("3x3"), (4, 4)))
    '64 entries: 9 free weights 4 times each, 28 zeros'
    >>> summary(matrix(parse("2x2, 2x2"), (4, 4)))
    '64 entries: 9 different sums of products of 8 weights 4 times each, 28 zeros'
    >>> summary(matrix(parse("3x3p1"), (4, 4)))
    '256 entries: 9 free weights 9 to 16 times each, 156 zeros'
    """
    parts = []
    if report.copies:
        least, most = min(report.copies.values()), max(report.copies.values())
        times = "once each" if most == 1 else f"{least:,} times each"
        if least != most:
            times = f"{least:,} to {most:,} times each"
        if report.is_plain:
            parts.append(f"{counted(len(report.free), 'free weight')} {times}")
        else:
            weights = counted(len(report.free), "weight")
            parts.append(f"{len(report.copies):,} different sums of products of {weights} {times}")
    if report.fixed:
        parts.append(counted(report.fixed, "fixed number"))
    parts.append(counted(report.zeros, "zero") if report.zeros else "no zeros")
    return f"{counted(report.size, 'entry')}: {', '.join(parts)}"


def _folded(text: str, width: int) -> list[str]:
    from textwrap import wrap

    return wrap(text, width, break_long_words=False, break_on_hyphens=False)


def _names(letter: str, shape: tuple[int, ...]) -> list[str]:
    # One channel is not numbered (x00, not x000), nor is one position of several channels.
    channels, *sides = shape
    if channels == 1 and sides:
        return [tap_name(letter, place, sides) for place in product(*map(range, sides))]
    if all(side == 1 for side in sides):
        return [tap_name(letter, (channel,), (channels,)) for channel in range(channels)]
    return [tap_name(letter, place, shape) for place in product(*map(range, shape))]


def block(report: DenseMatrix) -> int:
    """The columns between two rules: one row of the input, if rows have several entries."""
    row = report.input_shape[-1]
    return row if len(report.input_shape) > 2 and row > 1 else report.columns


def _grid_width(report: DenseMatrix, cell: int, gap: int) -> int:
    return _label_width(report) + _cells_width(report, cell, gap, report.columns)


def _label_width(report: DenseMatrix) -> int:
    return max(map(len, _names("y", report.output_shape))) + 2


def _cells_width(report: DenseMatrix, cell: int, gap: int, columns: int) -> int:
    rules = (columns - 1) // block(report)
    return columns * (cell + gap) + rules * (1 + gap)


def _grid(
    report: DenseMatrix,
    cells: dict[Expr, str],
    names: list[str] | None,
    cell: int,
    gap: int,
    columns: int,
) -> list[str]:
    labels = _names("y", report.output_shape)
    wide = max(map(len, labels)) + 2
    shown: dict[int, dict[int, str]] = {}
    for row, column, value in report.entries:
        if row < _MOST_ROWS and column < columns:
            shown.setdefault(row, {})[column] = cells[value]
    between = block(report)

    def line(label: str, texts: list[str]) -> str:
        padded = [" " * gap + text.rjust(cell) for text in texts]
        blocks = ["".join(padded[at : at + between]) for at in range(0, len(padded), between)]
        return (label.ljust(wide) + (" " * gap + "|").join(blocks)).rstrip()

    lines = [] if names is None else [line("", names)]
    for row in range(min(report.rows, _MOST_ROWS)):
        entries = shown.get(row, {})
        lines.append(line(labels[row], [entries.get(c, ZERO) for c in range(columns)]))
    if report.rows > _MOST_ROWS:
        lines.append(f"({report.rows - _MOST_ROWS:,} more rows)")
    return lines


def _map(report: DenseMatrix, width: int) -> list[str]:
    """The grid with one letter for each different entry, and what the letters stand for."""
    different = list(dict.fromkeys(entry.value for entry in report.entries))
    if report.is_plain:
        different.sort(key=_natural)
    letters = iter(_LETTERS)
    signs = {}
    for value in different:
        single = value.is_Integer and 0 < value < 10
        signs[value] = str(value) if single else next(letters, _OTHER)
    gap = 1 if _grid_width(report, 1, 1) <= width else 0
    columns, room = report.columns, width - _label_width(report)
    while columns > 1 and _cells_width(report, 1, gap, columns) > room:
        columns -= 1
    lines = _grid(report, signs, None, 1, gap, columns)
    if columns < report.columns:
        lines.append(f"(the first {columns:,} of {report.columns:,} columns)")
    return [*lines, "", *_legend(signs, width)]


def _natural(value: Expr) -> list[str | int]:
    """A key that puts a_0_9 before a_0_10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", str(value))]


def _legend(signs: dict[Expr, str], width: int) -> list[str]:
    """What the letters stand for; short ones several a line."""
    named = [
        (v, f"{sign} = ") for v, sign in signs.items() if not (v.is_Integer and sign == str(v))
    ]
    shown = [(v, sign, expression_text(v)) for v, sign in named[: len(_LETTERS)]]
    widest = max((len(sign + text) for _, sign, text in shown), default=0) + 3
    many = max(1, (width - 2) // widest)
    if many > 1:
        cells = [(sign + text).ljust(widest) for _, sign, text in shown]
        lines = [
            ("  " + "".join(cells[at : at + many])).rstrip() for at in range(0, len(cells), many)
        ]
        told = len(shown)
    else:
        lines, told = [], 0
        for value, sign, text in shown:
            if len(lines) >= _MOST_LEGEND:
                break
            lines += _cut(wrapped(text, width, f"  {sign}", " " * (len(sign) + 2)), value)
            told += 1
    if told < len(named):
        lines.append(f"  ({len(named) - told:,} more different entries)")
    return lines
