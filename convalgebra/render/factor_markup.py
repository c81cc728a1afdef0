"""A factor report as Markdown and as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from convalgebra.render.algebraic_text import (
    decimal_text,
    filter_texts,
    generator_names,
    generator_text,
)
from convalgebra.render.factor_text import (
    WAYS_SHOWN,
    answer_lines,
    factor_to_text,
    headline,
    piece_text,
    rounding_sentence,
    way_title,
)
from convalgebra.render.tables import code_escaped, escaped, fenced, markdown_escaped

if TYPE_CHECKING:
    from convalgebra.kernels.factoring.factorizations import Filter
    from convalgebra.kernels.factoring.report import FactorReport
    from convalgebra.kernels.nearest.report import Filter as RoundedFilter


def factor_to_markdown(report: FactorReport, ways: int = WAYS_SHOWN) -> str:
    """The text in a code block, under the answer as a heading."""
    _, _, rest = factor_to_text(report, 80, ways).partition("\n\n")
    return f"### {markdown_escaped(headline(report))}\n\n{fenced(rest)}"


def factor_to_html(report: FactorReport, ways: int = WAYS_SHOWN) -> str:
    """The answer, the reasons and the filters as tables."""
    parts = [f"<p><b>{code_escaped(headline(report))}</b></p>"]
    parts.append("<p>" + "<br>".join(map(code_escaped, answer_lines(report))) + "</p>")
    if report.rounding is not None:
        parts.append(f"<p>{code_escaped(rounding_sentence(report.rounding))}</p>")
        if report.rounding.product:
            parts += map(_rounded_table, report.rounding.filters)
    if report.pieces:
        items = "".join(
            f"<li>{'x'.join(map(str, piece.shape))}: {escaped(piece_text(piece))}</li>"
            for piece in report.pieces
        )
        parts.append(f"<p>Its irreducible factors over the rationals</p><ul>{items}</ul>")
    for number, way in enumerate(report.factorizations[:ways], 1):
        parts.append(f"<p>Way {number}, {code_escaped(way_title(way))}</p>")
        names = generator_names(way.filters)
        for generator in dict.fromkeys(map(generator_text, way.filters, names)):
            if generator:
                parts.append(f"<p>{code_escaped(generator)}</p>")
        parts += map(_filter_table, way.filters, names)
    parts += [f"<p>{code_escaped(note)}</p>" for note in report.notes]
    return "<div>" + "".join(parts) + "</div>"


def _rounded_table(filter: RoundedFilter) -> str:
    cells = [decimal_text(float(value)) for value in filter.values.ravel()]
    return _table(code_escaped(filter.layer), cells, filter.values.shape[-1])


def _filter_table(filter: Filter, name: str) -> str:
    cells = filter_texts(filter, name) or [decimal_text(value) for value in filter.decimals]
    caption = code_escaped(filter.layer) + (" (fixed)" if filter.fixed else "")
    return _table(caption, cells, filter.taps[-1])


def _table(caption: str, cells: Sequence[str], width: int) -> str:
    rows = "".join(
        "<tr>" + "".join(f"<td>{escaped(cell)}</td>" for cell in cells[at : at + width]) + "</tr>"
        for at in range(0, len(cells), width)
    )
    return f"<table><caption>{caption}</caption><tbody>{rows}</tbody></table>"
