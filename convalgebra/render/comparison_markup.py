"""Comparisons of costs as Markdown, CSV, LaTeX and HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convalgebra.cost.comparison import figure
from convalgebra.render.comparison_text import comparison_notes, comparison_table
from convalgebra.render.cost_markup import size_csv, size_latex, size_marked
from convalgebra.render.tables import Table, code_escaped, latex_prose, markdown_list, powers_raised

if TYPE_CHECKING:
    from convalgebra.cost.comparison import Comparison


def comparison_to_markdown(comparison: Comparison) -> str:
    """A pipe table, which stack is cheaper where, and what is taken for granted."""
    table, notes = comparison_table(comparison).to_markdown(), comparison_notes(comparison)
    return f"{table}\n\n{markdown_list(notes)}" if notes else table


def comparison_to_csv(comparison: Comparison) -> str:
    """One quantity a line, numbers without separators."""
    rows = []
    for key in comparison.ratios:
        figures = [figure(report, key) for report in comparison.reports]
        rows.append((key, *map(size_csv, (*figures, *comparison.ratios[key]))))
    header = ("", *comparison.titles, *(f"first / {title}" for title in comparison.titles))
    return Table(header, tuple(rows)).to_csv()


def comparison_to_latex(comparison: Comparison) -> str:
    """A `tabular` for the booktabs package, and a paragraph for every sentence below it."""
    table = comparison_table(comparison, write=size_latex).to_latex()
    notes = comparison_notes(comparison, write=size_latex)
    return "\n\n".join([table, *map(latex_prose, notes)])


def comparison_to_html(comparison: Comparison) -> str:
    """A table, which stack is cheaper where, and what is taken for granted, for Jupyter."""
    table = comparison_table(comparison, write=size_marked).to_html()
    said = comparison_notes(comparison)
    notes = "".join(f"<p>{powers_raised(code_escaped(text))}</p>" for text in said)
    return f"<div>{table}{notes}</div>"
