"""How many hidden channels it takes, as a section of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convalgebra.render.tables import Table, sentence_case

if TYPE_CHECKING:
    from convalgebra.algebra.width import WidthReport


def width_section(found: WidthReport) -> tuple[str, list[str]]:
    """The title and the lines: a sentence, and a table of the widths that were tried."""
    title = f"How many hidden channels in {found.stack} until the dimension is full"
    lines = [sentence_case(found.reason, found.stack, found.kernel).rstrip(".") + "."]
    if found.tried:
        rows = tuple(
            (
                f"{one.hidden:,}",
                f"{one.weights:,}",
                ("" if one.proved else "at least ") + f"{one.dimension:,} of {found.target:,}",
            )
            for one in found.tried
        )
        lines += Table(("hidden", "weights", "dimension"), rows).to_text("  ").split("\n")
    lines.append(f"A {found.kernel} kernel has {found.kernel_weights:,} weights.")
    return title, lines
