"""Several stacks side by side, with exact ratios, and where they change places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from convalgebra.cost.figures import plain
from convalgebra.cost.ratios import ratio
from convalgebra.cost.report import CostReport
from convalgebra.sizes import Size, has_choice, is_named

if TYPE_CHECKING:
    from convalgebra.cost.crossovers import Crossover

COMPARED = (
    *("params", "macs", "macs_exact", "flops", "activations", "conv_outputs", "bytes"),
    *("peak", "training", "convention"),
)
_IF_ASKED = frozenset({"training", "convention"})
_CROSSED = ("params", "macs", "macs_exact", "flops", "activations", "bytes")


@dataclass(frozen=True)
class Comparison:
    """Reports of several stacks. `ratios[key]` has the first stack's figure over each one's.

    A ratio is an exact Fraction, a formula in named sizes, or None where it says nothing.
    `crossovers` has (key, number of the other stack, where it and the first change places).
    """

    titles: tuple[str, ...]
    reports: tuple[CostReport, ...]
    ratios: dict[str, tuple[Any, ...]]
    crossovers: tuple[tuple[str, int, Crossover], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The comparison under the keys of `convalgebra.comparison/1`."""
        return {
            "schema": "convalgebra.comparison/1",
            "stacks": [report.to_dict() for report in self.reports],
            "ratios": {key: [plain(ratio) for ratio in row] for key, row in self.ratios.items()},
            "crossovers": [
                {
                    "figure": key,
                    "stacks": [0, other],
                    "name": found.name,
                    "points": [str(point) for point in found.points],
                    "cheaper": [other if stack == 1 else stack for stack in found.cheaper],
                }
                for key, other, found in self.crossovers
            ],
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
        figures = [figure(report, key) for report in reports]
        if key not in _IF_ASKED or None not in figures:
            rows[key] = tuple(_ratio(figures[0], other) for other in figures)
    named = tuple(titles) or tuple(str(report.network) for report in reports)
    return Comparison(named, tuple(reports), rows, tuple(_crossovers(reports)))


def figure(report: CostReport, key: str) -> Size | None:
    """One of the figures in `COMPARED`: a total, bytes of memory, or what a tool counts."""
    if key == "peak":
        return report.memory.peak
    if key == "training":
        return report.training and report.training.total
    if key == "convention":
        return report.convention and report.convention.total
    found: Size | None = getattr(report.total, key)
    return found


def _ratio(first: Size | None, second: Size | None) -> Any:
    # Of a max(..) there is no quotient that would be simpler than the two.
    chosen = any(size is not None and has_choice(size) for size in (first, second))
    if chosen and first != second:
        return None
    return ratio(first, second)


def _crossovers(reports: Sequence[CostReport]) -> Iterator[tuple[str, int, Crossover]]:
    first, *others = reports
    for key in _CROSSED:
        one = figure(first, key)
        for number, report in enumerate(others, 1):
            other = figure(report, key)
            if one is None or other is None or not (is_named(one) or is_named(other)):
                continue
            from convalgebra.cost.crossovers import crossover

            shapes = (*first.network.shapes, *report.network.shapes)
            sides = frozenset(size for shape in shapes for size in shape)
            found = crossover(one, other, sides)
            if found is not None:
                yield key, number, found
