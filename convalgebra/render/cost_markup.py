"""Cost reports as Markdown, CSV, LaTeX and HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convalgebra.render.convention_text import account_table, account_title
from convalgebra.render.cost_text import cost_table, cost_title, summary
from convalgebra.render.tables import Table, code_escaped, markdown_list, powers_raised
from convalgebra.shapes import shape_text
from convalgebra.sizes import formula, is_named

if TYPE_CHECKING:
    from convalgebra.cost.report import CostReport, LayerCost
    from convalgebra.sizes import Size

_WIDE = 10_000  # summaries are not broken into lines


def size_latex(size: Size) -> str:
    """A size with `$..$` around it where it is a formula: `$49 C^{2}$`.

    >>> size_latex(1024)
    '1,024'
    """
    if not is_named(size):
        return formula(size)
    from convalgebra.size_text import typeset

    return f"${typeset(size)}$"


def size_marked(size: Size) -> str:
    """A size with `$..$` around it where it is a formula, for tables in HTML."""
    return f"${formula(size)}$" if is_named(size) else formula(size)


def size_csv(size: Any) -> str:
    """A figure for CSV: a named size as the language reads it, factored where that is shorter."""
    from convalgebra.cost.figures import plain

    if not getattr(size, "free_symbols", None):
        return "" if size is None else str(plain(size))
    from convalgebra.size_text import factored

    return str(plain(factored(size)))


def cost_to_markdown(report: CostReport, *, all_layers: bool = False) -> str:
    """A pipe table, then the totals as a list."""
    table = cost_table(report, all_layers=all_layers)
    shown = _markdown(cost_title(report), table, summary(report, _WIDE))
    if report.convention is None:
        return shown
    account = report.convention
    notes = [f"note: {note}" for note in account.notes]
    return f"{shown}\n\n{_markdown(account_title(account), account_table(account), notes)}"


def _markdown(title: str, table: Table, notes: list[str]) -> str:
    parts = (title, table.to_markdown(), markdown_list(notes))
    return "\n\n".join(part for part in parts if part)


def cost_to_csv(report: CostReport) -> str:
    """Every layer on a line, numbers without separators, named sizes as the language reads them.

    With a convention, what the tool counts in each layer stands under its name.
    """
    keys = ("params", "macs", "macs_exact", "flops", "activations", "bytes")
    account = report.convention
    tool = (account.convention,) if account else ()
    header = ("name", "layer", "output", *keys, *tool, "field", "jump")
    rows = []
    for number, layer in enumerate(report.layers):
        figures = layer.to_dict()
        field = figures["receptive_field"]
        rows.append(
            (
                figures["name"],
                figures["layer"],
                shape_text(layer.output),
                *("" if figures[key] is None else size_csv(getattr(layer, key)) for key in keys),
                *((size_csv(account.layers[number]),) if account else ()),
                *_seen(layer, field),
            )
        )
    return Table(header, tuple(rows)).to_csv()


def _seen(layer: LayerCost, field: dict[str, Any]) -> tuple[str, str]:
    if layer.field.is_global:
        return "all", ""
    size, jump = ("x".join(map(str, field[key] or ())) for key in ("size", "jump"))
    return size, jump


def cost_to_latex(report: CostReport, *, all_layers: bool = False) -> str:
    """A `tabular` for the booktabs package, and one for the convention of another tool."""
    tables = [cost_table(report, all_layers=all_layers, write=size_latex)]
    if report.convention is not None:
        tables.append(account_table(report.convention, write=size_latex))
    return "\n\n".join(table.to_latex() for table in tables)


def cost_to_html(report: CostReport, *, all_layers: bool = False) -> str:
    """A table and the totals, for Jupyter and for any page: it takes no MathJax."""
    table = cost_table(report, all_layers=all_layers, write=size_marked)
    notes = "".join(f"<li>{_prose(' '.join(n.split()))}</li>" for n in summary(report, _WIDE))
    title = f"<p>{_prose(cost_title(report))}</p>"
    account = ""
    if report.convention is not None:
        beside = account_table(report.convention, write=size_marked)
        said = [account_title(report.convention), *report.convention.notes]
        account = "".join(f"<p>{_prose(text)}</p>" for text in said) + beside.to_html()
    return f"<div>{title}{table.to_html()}<ul>{notes}</ul>{account}</div>"


def _prose(text: str) -> str:
    return powers_raised(code_escaped(text))
