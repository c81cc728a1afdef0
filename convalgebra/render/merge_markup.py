"""A merged stack, and the names of its weights, as Markdown, LaTeX and HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convalgebra.render.merge_text import (
    arrays_shown,
    costs,
    not_shown,
    parameter_rows,
    picture,
    sentences,
    title,
)
from convalgebra.render.tables import code_escaped, latex_escaped, markdown_escaped

if TYPE_CHECKING:
    from convalgebra.kernels.merging.parameters import ParameterTable
    from convalgebra.kernels.merging.report import MergeReport


def merge_to_markdown(report: MergeReport) -> str:
    """Sentences, a small kernel as a matrix between double dollar signs, and what it costs."""
    parts = [f"**{markdown_escaped(title(report))}**"]
    parts += map(markdown_escaped, sentences(report))
    parts += [f"```text\n{rows}\n```" for rows in _picture(report)]
    for name, cells in arrays_shown(report):
        parts += [name, f"$$\n{_matrix(cells)}\n$$"]
    return "\n\n".join([*parts, *not_shown(report), costs(report).to_markdown()])


def merge_to_latex(report: MergeReport) -> str:
    """The same as LaTeX, for amsmath and booktabs."""
    parts = [latex_escaped(title(report)), *map(latex_escaped, sentences(report))]
    parts += [f"\\begin{{verbatim}}\n{rows}\n\\end{{verbatim}}" for rows in _picture(report)]
    for name, cells in arrays_shown(report):
        parts += [name, f"\\[\n{_matrix(cells)}\n\\]"]
    return "\n\n".join([*parts, *map(latex_escaped, not_shown(report)), costs(report).to_latex()])


def merge_to_html(report: MergeReport) -> str:
    """The same for Jupyter."""
    parts = [f"<p><b>{code_escaped(title(report))}</b></p>"]
    parts += [f"<p>{code_escaped(line)}</p>" for line in sentences(report)]
    parts += [f"<pre>{rows}</pre>" for rows in _picture(report)]
    for name, cells in arrays_shown(report):
        rows = "".join("<tr>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>" for row in cells)
        parts.append(f"<table><caption>{name}</caption><tbody>{rows}</tbody></table>")
    parts += [f"<p>{code_escaped(line)}</p>" for line in not_shown(report)]
    return f"<div>{''.join(parts)}{costs(report).to_html()}</div>"


def _picture(report: MergeReport) -> list[str]:
    rows = picture(report)
    return ["\n".join(rows)] if rows else []


def _matrix(cells: list[list[str]]) -> str:
    body = r" \\ ".join(" & ".join(map(_number, row)) for row in cells)
    return rf"\begin{{pmatrix}} {body} \end{{pmatrix}}"


def _number(text: str) -> str:
    """A number as a formula.

    >>> _number("1/3"), _number("1.5e-07"), _number("about -10^600")
    ('1/3', '1.5 \\\\cdot 10^{-7}', '\\\\approx -10^{600}')
    """
    about, mark, power = text.partition("10^")
    if mark:
        return rf"\approx {about.removeprefix('about ')}10^{{{power}}}"
    mantissa, mark, power = text.partition("e")
    return rf"{mantissa} \cdot 10^{{{int(power)}}}" if mark else text


def parameters_to_markdown(table: ParameterTable) -> str:
    """The names of weights with their shapes, as a pipe table."""
    return "\n\n".join([parameter_rows(table).to_markdown(), *map(markdown_escaped, table.notes)])


def parameters_to_latex(table: ParameterTable) -> str:
    """The same as LaTeX, for booktabs."""
    return "\n\n".join([parameter_rows(table).to_latex(), *map(latex_escaped, table.notes)])


def parameters_to_html(table: ParameterTable) -> str:
    """The same as HTML."""
    notes = (f"<p>{code_escaped(note)}</p>" for note in table.notes)
    return "<div>" + parameter_rows(table).to_html() + "".join(notes) + "</div>"
