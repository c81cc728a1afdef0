"""Inventories as Markdown, CSV and HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convalgebra.render.inventory_text import classes_table, modules_table, notes_of
from convalgebra.render.tables import Table, code_escaped, markdown_escaped

if TYPE_CHECKING:
    from convalgebra.inventory import Inventory


def _tables(inventory: Inventory, all_layers: bool) -> list[Table]:
    both = modules_table(inventory, all_layers=all_layers), classes_table(inventory)
    return [table for table in both if table.rows]


def inventory_to_markdown(inventory: Inventory, *, all_layers: bool = False) -> str:
    """Pipe tables of modules and of classes, then what is known and what is not as a list."""
    tables = _tables(inventory, all_layers)
    notes = "\n".join(f"- {label}: {markdown_escaped(text)}" for label, text in notes_of(inventory))
    title = f"the modules of {markdown_escaped(inventory.model)}"
    return "\n\n".join([title, *(table.to_markdown() for table in tables), notes])


def inventory_to_csv(inventory: Inventory) -> str:
    """Every module on a line, numbers without separators; no params where they are not known."""
    rows = tuple(
        (m.name, m.kind, m.layer, str(m.times), "" if m.params is None else str(m.params))
        for m in inventory.modules
    )
    return Table(("name", "class", "layer", "times", "params"), rows).to_csv()


def inventory_to_latex(inventory: Inventory, *, all_layers: bool = False) -> str:
    """A `tabular` for the booktabs package."""
    return modules_table(inventory, all_layers=all_layers).to_latex()


def inventory_to_html(inventory: Inventory, *, all_layers: bool = False) -> str:
    """Tables and what is known, for Jupyter."""
    tables = _tables(inventory, all_layers)
    notes = "".join(
        f"<li>{code_escaped(f'{label}: {text}')}</li>" for label, text in notes_of(inventory)
    )
    title = f"<p>the modules of {code_escaped(inventory.model)}</p>"
    return f"<div>{title}{''.join(table.to_html() for table in tables)}<ul>{notes}</ul></div>"
