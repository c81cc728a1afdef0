"""Several stacks side by side, with exact ratios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from convalgebra.cost.ratios import ratio
from convalgebra.cost.report import CostReport, plain

COMPARED = ("params", "macs", "macs_exact", "flops", "activations", "conv_outputs", "bytes")


@dataclass(frozen=True)
class Comparison:
    """Reports of several stacks. `ratios[key]` has the first stack's figure over each one's.

    A ratio is an exact Fraction, a formula in named sizes, or None where it says nothing.
    """

    titles: tuple[str, ...]
    reports: tuple[CostReport, ...]
    ratios: dict[str, tuple[Any, ...]]

    def to_dict(self) -> dict[str, Any]:
        """The comparison under the keys of `convalgebra.comparison/1`."""
        return {
            "schema": "convalgebra.comparison/1",
            "stacks": [report.to_dict() for report in self.reports],
            "ratios": {key: [plain(ratio) for ratio in row] for key, row in self.ratios.items()},
        }

    def __str__(self) -> str:
        from convalgebra.render.cost_text import comparison_to_text

        return comparison_to_text(self)

    def _repr_html_(self) -> str:
        from convalgebra.render.cost_markup import comparison_to_html

        return comparison_to_html(self)


def compare(reports: Sequence[CostReport], titles: Sequence[str] = ()) -> Comparison:
    """Stacks side by side, the first over each.

    >>> from convalgebra.cost import cost
    >>> wide, deep = (cost(s, input="CxHxW") for s in ("7x7p3@C", "3*(3x3p1@C)"))
    >>> compare([wide, deep]).ratios["params"]
    (Fraction(1, 1), Fraction(49, 27))
    """
    rows = {}
    for key in COMPARED:
        figures = [getattr(report.total, key) for report in reports]
        rows[key] = tuple(ratio(figures[0], figure) for figure in figures)
    named = tuple(titles) or tuple(str(report.network) for report in reports)
    return Comparison(named, tuple(reports), rows)
