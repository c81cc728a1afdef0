"""Several stacks side by side, with exact ratios, and where they change places."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, combinations, product
from typing import TYPE_CHECKING, Any, NamedTuple

from convalgebra.arguments import as_numbers, as_text, numbers_of_each, shown
from convalgebra.cost.figures import plain, worked_out
from convalgebra.cost.ratios import ratio
from convalgebra.cost.report import CostReport
from convalgebra.errors import InputError
from convalgebra.sizes import Size, has_choice, is_named, text

if TYPE_CHECKING:
    from convalgebra.cost.crossovers import Case
    from convalgebra.readers import Input

COMPARED = (
    *("params", "macs", "macs_exact", "flops", "activations", "conv_outputs", "bytes"),
    *("peak", "training", "convention"),
)
_IF_ASKED = ("training", "convention")
_CROSSED = ("params", "macs", "macs_exact", "flops", "activations", "bytes")
_MOST_BY_PAIRS = 4  # of more stacks each is held against the first, as in the ratios


class Crossover(NamedTuple):
    """Which of two stacks, by number, has the smaller figure, case by case: see `crossovers`."""

    figure: str
    stacks: tuple[int, int]
    cases: tuple[Case, ...]

    def to_dict(self) -> dict[str, Any]:
        """The cases that are decided, under stable keys; `cheaper` has both where they agree."""
        return {
            "figure": self.figure,
            "stacks": list(self.stacks),
            "cases": [
                {
                    "cheaper": [
                        stack
                        for stack, dearer in zip(self.stacks, (1, -1), strict=True)
                        if case.sign != dearer
                    ],
                    "strictly": case.strict and case.sign != 0,
                    "where": [
                        f"{text(size)} {relation} {plain(bound)}"
                        for size, relation, bound in case.conditions
                    ],
                }
                for case in self.cases
                if case.sign is not None
            ],
            "decided": all(case.sign is not None for case in self.cases),
        }


@dataclass(frozen=True)
class Comparison:
    """Reports of several stacks. `ratios[key]` has the first stack's figure over each one's.

    A ratio is an exact Fraction, a formula in named sizes, or None where it says nothing.
    `crossovers` says of figures in named sizes which stack has the smaller one, wherever all stacks
    are there: for every two of at most four, and for the first and each other one of more.
    """

    titles: tuple[str, ...]
    reports: tuple[CostReport, ...]
    ratios: dict[str, tuple[Any, ...]]
    crossovers: tuple[Crossover, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The comparison under the keys of `convalgebra.comparison/1`."""
        return {
            "schema": "convalgebra.comparison/1",
            "stacks": [report.to_dict() for report in self.reports],
            "ratios": {key: [plain(ratio) for ratio in row] for key, row in self.ratios.items()},
            "crossovers": [crossover.to_dict() for crossover in self.crossovers],
        }

    def __str__(self) -> str:
        from convalgebra.render.comparison_text import comparison_to_text

        return comparison_to_text(self)

    def _repr_html_(self) -> str:
        from convalgebra.render.comparison_markup import comparison_to_html

        return comparison_to_html(self)


def not_implied(crossovers: Sequence[Crossover]) -> list[Crossover]:
    """Those that do not follow from others, of the same figure.

    Where stacks always have the same figure, the first one stands for all; where one is always
    between two others, these are not compared.
    """
    order: dict[tuple[str, int, int], int] = {}  # 2 where always dearer, 1 where never cheaper
    for key, (one, other), cases in crossovers:
        sign, conditions, strict = cases[0]
        if sign is not None and not conditions:
            much = 2 * sign if strict else sign
            order |= {(key, one, other): much, (key, other, one): -much}
    stacks = {stack for crossover in crossovers for stack in crossover.stacks}

    def follows(crossover: Crossover) -> bool:
        key, (one, other), _ = crossover
        much = order.get((key, one, other))
        if much and much < 0:
            one, other, much = other, one, -much
        for third in stacks:
            here, there = order.get((key, one, third)), order.get((key, third, other))
            if (third < one and here == 0) or (third < other and there == 0 != much):
                return True
            if much and here and there and min(here, there) > 0 and max(here, there) >= much:
                return True
        return False

    return [crossover for crossover in crossovers if not follows(crossover)]


def compare(
    *stacks: Any,
    titles: Sequence[str] = (),
    input: Input = None,
    at: Mapping[str, int] | None = None,
) -> Comparison:
    """Stacks side by side, the first over each: stacks of all kinds on an `input`, or their costs.

    They may be given as one list as well, with a list of `titles` behind it. `input` and `at` are
    those of `cost`; a cost report has its own.

    >>> compare("7x7p3@C", "3*(3x3p1@C)", input="CxHxW").ratios["params"]
    (Fraction(1, 1), Fraction(49, 27))
    >>> from convalgebra.cost import cost
    >>> compare([cost("3x3", input="1x9x9")], ["one"]).titles
    ('one',)

    Raises InputError for nothing to compare, and what `cost` raises.
    """
    if stacks and type(stacks[0]) in (list, tuple):
        stacks, *rest = stacks
        titles = rest.pop(0) if rest and not titles else titles
        if rest:
            raise InputError("after a list of stacks there are titles, and no more")
    if not stacks:
        raise InputError('nothing to compare: name stacks, like "3x3", "5x5", input="3x32x32"')
    reports = _reports(stacks, input, {} if at is None else as_numbers(at, "at"))
    if not isinstance(titles, (list, tuple)) or len(titles) not in (0, len(reports)):
        raise InputError(f"titles are a list of {len(reports)} texts, not {shown(titles)}")
    named = [as_text(title, "a title", "3x3 twice") for title in titles] or [
        os.fspath(stack) if isinstance(stack, (str, os.PathLike)) else str(report.network)
        for stack, report in zip(stacks, reports, strict=True)
    ]
    rows = {}
    for key in COMPARED:
        if key not in _IF_ASKED or all(getattr(report, key) for report in reports):
            figures = [figure(report, key) for report in reports]
            rows[key] = tuple(_ratio(figures[0], other) for other in figures)
    return Comparison(tuple(named), tuple(reports), rows, tuple(_crossovers(reports)))


def _reports(stacks: Sequence[Any], input: Input, at: Mapping[str, int]) -> list[CostReport]:
    from convalgebra.cost import cost
    from convalgebra.readers import read, read_model

    if (input is not None or at) and any(isinstance(stack, CostReport) for stack in stacks):
        raise InputError(
            "a cost report has an input of its own: leave input and at out, or put "
            "the stack itself in place of the report"
        )
    models = [
        stack if isinstance(stack, CostReport) else read_model(stack, input=input)
        for stack in stacks
    ]
    named = [read(model, input).named() for model in models if not isinstance(model, CostReport)]
    numbers = iter(numbers_of_each(at, named))
    return [
        model
        if isinstance(model, CostReport)
        else cost(model, input=input, at=next(numbers), dtype="float32")  # as the others
        for model in models
    ]


def figure(report: CostReport, key: str) -> Size | None:
    """One of the figures in `COMPARED`: a total, bytes of memory, or what a tool counts.

    None where it is not known.
    """
    if key == "peak":
        return report.memory.peak
    if key == "training":
        return report.training and report.training.total
    if key == "convention":
        return report.convention and report.convention.total
    found: Size | None = getattr(report.total, key)
    return found


def lower_bound(report: CostReport, key: str) -> Size | None:
    """What a figure is at least, where it is not known: the sum of its known parts, if any."""
    if key == "training":
        return report.training and report.training.at_least.total
    found: Size | None = getattr(report.total.at_least, key, None)
    return found


def _ratio(first: Size | None, second: Size | None) -> Any:
    # Of a max(..) there is no quotient that would be simpler than the two.
    chosen = any(size is not None and has_choice(size) for size in (first, second))
    if chosen and first != second:
        return None
    return ratio(first, second)


def _crossovers(reports: Sequence[CostReport]) -> Iterator[Crossover]:
    pairs = list(combinations(range(len(reports)), 2))
    if len(reports) > _MOST_BY_PAIRS:
        pairs = [pair for pair in pairs if pair[0] == 0]
    # Stacks are compared where all of them are there.
    sides = frozenset(size for r in reports for shape in r.network.shapes for size in shape)
    least = together(report.least for report in reports)
    for pair, key in product(pairs, _CROSSED):
        one, other = (figure(reports[number], key) for number in pair)
        if one is None or other is None or not (is_named(one) or is_named(other)):
            continue
        from convalgebra.cost.crossovers import Case, crossover

        cases, _ = worked_out(partial(crossover, one, other, sides, least))
        yield Crossover(key, pair, cases or (Case(None),))


def together(numbers: Iterable[Iterable[tuple[str, int]]]) -> dict[str, int]:
    """For each name the largest of the numbers that it is at least.

    >>> together([[("H", 3)], [("H", 2), ("W", 2)]])
    {'H': 3, 'W': 2}
    """
    found: dict[str, int] = {}
    for name, number in chain.from_iterable(numbers):
        found[name] = max(number, found.get(name, 1))
    return found
