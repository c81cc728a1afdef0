"""A dense matrix as LaTeX, and as HTML for notebooks (which typeset `$$...$$`)."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from convalgebra.errors import UnsupportedError
from convalgebra.render.matrix_text import block, summary
from convalgebra.shapes import shape_text

if TYPE_CHECKING:
    from convalgebra.symbolic.matrix import DenseMatrix

_MOST_ROWS = 32
_MOST_COLUMNS = 40


def matrix_to_latex(report: DenseMatrix) -> str:
    r"""The matrix in LaTeX, with a dot for what is always zero and a rule after each input row.

    A bias is written as a column to be added.

    >>> from convalgebra.language import parse
    >>> from convalgebra.symbolic import matrix
    >>> print(matrix_to_latex(matrix(parse("2"), (3,))))
    \left(\begin{array}{ccc}
    a_{0} & a_{1} & \cdot \\
    \cdot & a_{0} & a_{1}
    \end{array}\right)

    Raises UnsupportedError for a matrix that is too large to be read.
    """
    if not _fits(report):
        raise UnsupportedError(
            f"a matrix of {report.rows:,} rows and {report.columns:,} columns is too large for a "
            f"page: {_MOST_ROWS} rows and {_MOST_COLUMNS} columns are the most"
        )
    from sympy import latex

    written = {value: latex(value) for value in {entry.value for entry in report.entries}}
    cells = [[r"\cdot"] * report.columns for _ in range(report.rows)]
    for row, column, value in report.entries:
        cells[row][column] = written[value]
    between = block(report)
    matrix = _array("|".join(["c" * between] * (report.columns // between)), cells)
    if not any(report.bias):
        return matrix
    return f"{matrix} x + {_array('c', [[latex(value)] for value in report.bias])}"


def _array(columns: str, cells: list[list[str]]) -> str:
    body = " \\\\\n".join(" & ".join(row) for row in cells)
    return f"\\left(\\begin{{array}}{{{columns}}}\n{body}\n\\end{{array}}\\right)"


def matrix_to_html(report: DenseMatrix) -> str:
    """The matrix for a notebook: what ties its entries, and the LaTeX where it is not too large."""
    maps = f"{shape_text(report.input_shape)} &rarr; {shape_text(report.output_shape)}"
    shown = f"<p><b>{escape(report.stack)}</b> on {maps}: {escape(summary(report))}</p>"
    if _fits(report):
        return f"{shown}\n$${matrix_to_latex(report)}$$"
    return f"{shown}\n<p>{report.rows:,} &times; {report.columns:,}: too large to show</p>"


def _fits(report: DenseMatrix) -> bool:
    return report.rows <= _MOST_ROWS and report.columns <= _MOST_COLUMNS
