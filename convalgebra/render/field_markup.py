"""What units see as Markdown, CSV, LaTeX and HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convalgebra.render.field_text import view_lines, view_table
from convalgebra.render.tables import Table, code_escaped, markdown_escaped
from convalgebra.shapes import shape_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convalgebra.cost.receptive_field.units import View
    from convalgebra.cost.report import CostReport


def views_to_markdown(report: CostReport, views: Sequence[View]) -> str:
    """A title, a pipe table and a list for every unit."""
    parts = [f"input {shape_text(report.input)}"]
    for view in views:
        title, *notes = map(markdown_escaped, view_lines(report, view))
        parts += [title, view_table(view).to_markdown()]
        if notes:
            parts.append("\n".join(f"- {note}" for note in notes))
    return "\n\n".join(parts)


def views_to_html(report: CostReport, views: Sequence[View]) -> str:
    """A title, a table and a list for every unit."""
    parts = [f"<p>input {code_escaped(shape_text(report.input))}</p>"]
    for view in views:
        title, *notes = map(code_escaped, view_lines(report, view))
        listed = "".join(f"<li>{note}</li>" for note in notes)
        parts.append(f"<p>{title}</p>{view_table(view).to_html()}")
        parts.append(f"<ul>{listed}</ul>" if notes else "")
    return f"<div>{''.join(parts)}</div>"


def views_to_csv(report: CostReport, views: Sequence[View]) -> str:
    """Every axis of every unit on a line."""
    return _joined(views).to_csv()


def views_to_latex(report: CostReport, views: Sequence[View]) -> str:
    """A `tabular` for the booktabs package: every axis of every unit on a line."""
    return _joined(views).to_latex()


def _joined(views: Sequence[View]) -> Table:
    tables = [view_table(view) for view in views]
    rows = [
        (f"{view.name}[{','.join(map(str, view.unit))}]", *row)
        for view, table in zip(views, tables, strict=True)
        for row in table.rows
    ]
    return Table(("unit", *tables[0].header), tuple(rows))
