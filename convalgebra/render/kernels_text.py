"""The kernels that have a name, as text and as plain values."""

from __future__ import annotations

from typing import Any

from convalgebra.kernels.names import KERNELS, also_called
from convalgebra.kernels.sources import kernel_of
from convalgebra.render.tables import filled

_MOST_COLUMNS = 7  # of a kernel that is printed in full


def kernels(width: int = 80) -> str:
    """Every name with its other names, its entries, what it is and where it comes from."""
    parts = []
    for name, (_, note) in KERNELS.items():
        kernel = kernel_of(name)
        others = also_called(name)
        title = f"{name} ({', '.join(others)})" if others else name
        lines = [filled(title, width, after="    "), filled(note, width, "    ", "    ")]
        rows = [list(map(str, row)) for row in kernel.rows()]
        size = max(len(cell) for row in rows for cell in row)
        if len(rows[0]) <= _MOST_COLUMNS:
            lines += ["    " + "  ".join(cell.rjust(size) for cell in row) for row in rows]
        else:
            lines.append(f"    {'x'.join(map(str, kernel.shape))}, entries: --format json")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def kernels_to_dict() -> dict[str, Any]:
    """Every name with its rows, its note and its other names."""
    return {
        "schema": "convalgebra.kernels/1",
        "kernels": [
            {
                "name": name,
                "rows": kernel_of(name).rows(),
                "note": note,
                "also": list(also_called(name)),
            }
            for name, (_, note) in KERNELS.items()
        ],
    }
