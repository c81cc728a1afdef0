"""Inventories as text: modules (parts, for a long model), classes, and why there are no MACs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from convalgebra.inventory import params_at_least, params_of
from convalgebra.render.cost_text import shortened
from convalgebra.render.tables import Table, filled, one_line
from convalgebra.words import first_of

if TYPE_CHECKING:
    from convalgebra.inventory import Inventory, Module

MOST_ROWS = 40  # a longer model is shown by parts
_MOST_PARTS = 24
_MOST_NAMED = 4


def inventory_to_text(inventory: Inventory, width: int = 80, *, all_layers: bool = False) -> str:
    """A table of modules or parts, one of classes, then what is known and what is not."""
    table = modules_table(inventory, all_layers=all_layers)
    for title in ("layer", "class"):
        if table.width() > width and title in table.header:
            table = _without(table, table.header.index(title))
    notes = "\n".join(
        filled(text, width, f"{label:<12}", " " * 12) for label, text in notes_of(inventory)
    )
    tables = [one.to_text() for one in (table, classes_table(inventory)) if one.rows]
    return "\n\n".join([f"the modules of {one_line(inventory.model)}", *tables, notes])


def _without(table: Table, column: int) -> Table:
    def cut(line: tuple[str, ...]) -> tuple[str, ...]:
        return line[:column] + line[column + 1 :]

    return Table(cut(table.header), tuple(map(cut, table.rows)), table.left - 1, table.rules)


def modules_table(inventory: Inventory, *, all_layers: bool = False) -> Table:
    """Module by module, or part by part where there are more than `MOST_ROWS`."""
    modules = inventory.modules
    rules = (len(modules),)
    if all_layers or len(modules) <= MOST_ROWS:
        rows = tuple(
            (shortened(_name(m)), shortened(m.kind), shortened(m.layer), _params([m]))
            for m in modules
        )
        total = ("total", "", "", _params(modules))
        return Table(("module", "class", "layer", "params"), (*rows, total), 3, rules)
    parts = tuple((shortened(name), _count(held), _params(held)) for name, held in _parts(modules))
    whole = ("total", _count(modules), _params(modules))
    return Table(("part", "modules", "params"), (*parts, whole), 1, (len(parts),))


def _name(module: Module) -> str:
    return f"{module.name} ({module.times:,} times)" if module.times > 1 else module.name


def _count(modules: Sequence[Module]) -> str:
    return f"{sum(module.times for module in modules):,}"


def _params(modules: Sequence[Module]) -> str:
    """The params of some modules: `?` if none are known, `>=` before if some are not."""
    params, known = params_of(modules), params_at_least(modules)
    if params is not None:
        return f"{params:,}"
    return f">= {known:,}" if known else "?"


def _parts(modules: Sequence[Module]) -> list[tuple[str, list[Module]]]:
    """The parts of a model, as deep inside as leaves them few."""
    deepest = max(module.name.count(".") for module in modules)
    for depth in range(deepest, 0, -1):
        parts = _by_path(modules, depth)
        if len(parts) <= _MOST_PARTS:
            return parts
    each = -(-len(modules) // _MOST_PARTS)
    return [
        (f"{held[0].name} to {held[-1].name}", list(held))
        for held in (modules[at : at + each] for at in range(0, len(modules), each))
    ]


def _by_path(modules: Sequence[Module], depth: int) -> list[tuple[str, list[Module]]]:
    found: list[tuple[str, list[Module]]] = []
    for module in modules:
        name = ".".join(module.name.split(".")[:depth])
        if not found or found[-1][0] != name:
            found.append((name, []))
        found[-1][1].append(module)
    return found


def classes_table(inventory: Inventory) -> Table:
    """How many modules there are of each class that has params, and the params."""
    rows = tuple(
        (shortened(kind), _count(held), _params(held))
        for kind, held in inventory.by_class().items()
        if any(module.params != 0 for module in held)
    )
    return Table(("class", "modules", "params"), rows)


def notes_of(inventory: Inventory) -> list[tuple[str, str]]:
    """What is known and what is not, in words, with a label each."""
    unknown = inventory.unknown
    exact = "at least " if unknown else ""
    notes = [("params", f"{exact}{inventory.at_least.params:,} in the modules that are printed")]
    notes += [("unknown", text) for text in _unknown(unknown)]
    notes += [("not printed", text) for text in inventory.not_printed()]
    notes += [("assumed", fact) for fact in inventory.assumed]
    return [
        *notes,
        ("MACs, field", f"not known: {inventory.refusal}"),
        ("instead", inventory.instead),
    ]


def _unknown(modules: Sequence[Module]) -> list[str]:
    """The modules of which the params are not known, by class."""
    found: dict[tuple[str, str], list[Module]] = {}
    for module in modules:
        found.setdefault((module.kind, module.reason), []).append(module)
    lines = []
    for (kind, reason), held in found.items():
        names = first_of((module.name or "the whole" for module in held), _MOST_NAMED)
        times = sum(m.times for m in held)
        count = f"{times:,} times " if times > 1 else ""
        lines.append(f"{count}{kind} ({names}): {reason}")
    return lines
