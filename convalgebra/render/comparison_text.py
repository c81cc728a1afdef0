"""Comparisons of costs as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from convalgebra.cost.comparison import COMPARED, figure, lower_bound, together
from convalgebra.render.cost_text import starts_text
from convalgebra.render.field_text import field_cells
from convalgebra.render.tables import Table, filled
from convalgebra.shapes import shape_text
from convalgebra.sizes import formula

if TYPE_CHECKING:
    from convalgebra.cost.comparison import Comparison
    from convalgebra.cost.report import CostReport
    from convalgebra.sizes import Size

_LONGEST_TITLE = 30

# What figures are called; None: that of another one tells enough.
_LABELS: dict[str, str | None] = {
    "params": "params",
    "macs": "MACs",
    "macs_exact": "MACs on real data",
    "flops": "FLOPs",
    "activations": "activations",
    "conv_outputs": None,
    "bytes": "traffic, bytes",
    "peak": "memory, bytes",
    "training": "training, bytes",
    "convention": "",
}
assert _LABELS.keys() == set(COMPARED), "a figure is compared without a label"
_COMPARED = {key: label for key, label in _LABELS.items() if label is not None}


def comparison_table(comparison: Comparison, *, write: Callable[[Size], str] = formula) -> Table:
    """The figures of several stacks, one quantity a row; for two stacks with their ratio."""
    reports = comparison.reports
    two = len(reports) == 2

    def cell(report: CostReport, key: str) -> str:
        found = figure(report, key)
        if found is not None:
            return write(found)
        # What is not known of a layer comes on top. (MACs on real data are hardly half known.)
        bound = None if key == "macs_exact" else lower_bound(report, key)
        return "?" if bound is None else f"{write(bound)} + ?"

    no_ratio = [""] if two else []
    body = [
        ("output", *(shape_text(report.output) for report in reports), *no_ratio),
        (
            "receptive field",
            *(field_cells(report.receptive_field)[0] for report in reports),
            *no_ratio,
        ),
    ]
    for key, label in compared_labels(comparison).items():
        ratio = [ratio_text(comparison.ratios[key][1])] if two else []
        body.append((label, *(cell(report, key) for report in reports), *ratio))
    if not two:
        for key in ("params", "macs"):
            ratios = (ratio_text(ratio) for ratio in comparison.ratios[key])
            body.append((f"{_COMPARED[key]}, first/this", *ratios))
    header = ("", *comparison.titles, *(["first/second"] if two else []))
    return Table(header, tuple(body))


def compared_labels(comparison: Comparison) -> dict[str, str]:
    """What is shown of a comparison, and what it is called."""
    labels = {key: label for key, label in _COMPARED.items() if key in comparison.ratios}
    report = comparison.reports[0]
    if "convention" in labels and report.convention is not None:
        each = "" if report.batch == 1 else " (one input)"
        labels["convention"] = (
            f"{report.convention.calls_it} of {report.convention.convention}{each}"
        )
    return labels


def ratio_text(ratio: Any) -> str:
    """`49/27 = 1.8148`; the decimals alone where the fraction is long."""
    if ratio is None:
        return ""
    if not hasattr(ratio, "free_symbols") and hasattr(ratio, "denominator"):
        if ratio.denominator == 1:
            return f"{ratio.numerator:,}"
        decimals = f"{float(ratio):.4f}"
        return f"{ratio} = {decimals}" if len(str(ratio)) <= 9 else decimals
    return formula(ratio)


def comparison_notes(
    comparison: Comparison,
    titles: Sequence[str] = (),
    write: Callable[[Any], str] | None = None,
) -> list[str]:
    """Which stack is the cheaper one where, and what is taken for granted, in sentences.

    Stacks are called by `titles`, else as they are written, between backticks. `write` is for the
    sizes in them.
    """
    notes = []
    if comparison.crossovers:
        from convalgebra.render.crossover_text import bound_text, crossover_sentences

        called = titles or [f"`{title}`" for title in comparison.titles]
        notes += crossover_sentences(comparison, _COMPARED, called, write or bound_text)
    starts = together(report.memory.least for report in comparison.reports)
    notes += [f"memory: for {starts_text(tuple(starts.items()))}"] if starts else []
    assumed = dict.fromkeys(fact for r in comparison.reports for fact in r.assumptions)
    least = together(report.least for report in comparison.reports)
    for name, number in (bound for report in comparison.reports for bound in report.least):
        if number < least[name]:  # H >= 2, where another stack needs H >= 4
            assumed.pop(starts_text([(name, number)]), None)
    return [*notes, f"assumed: {', '.join(assumed)}"] if assumed else notes


def comparison_to_text(comparison: Comparison, width: int = 80) -> str:
    """The figures side by side, in lines of at most `width`; what is left out is said.

    Where columns side by side are too wide, every stack has its line, in several tables; stacks
    with long names are numbered.
    """
    shapes = dict.fromkeys(shape_text(report.input) for report in comparison.reports)
    batch = comparison.reports[0].batch
    title = f"input {' and '.join(shapes)}"
    parts = [filled(title if batch == 1 else f"{title}, a batch of {formula(batch)}", width)]
    table = comparison_table(comparison)
    titles: list[str] = []
    shorter, left_out = _shorter(table, width)
    if shorter.width() > width and max(map(len, comparison.titles)) > _LONGEST_TITLE:
        titles = [f"stack {number}" for number in range(1, len(comparison.titles) + 1)]
        parts.append(_legend(titles, comparison.titles, width))
        table = table._replace(header=("", *titles, *table.header[len(titles) + 1 :]))
        shorter, left_out = _shorter(table, width)
    if shorter.width() <= width:
        parts.append(shorter.to_text())
    else:
        left_out = []
        parts += _line_by_line(table, width)
    notes = comparison_notes(comparison, titles)
    if left_out:
        notes.append(f"too wide to be shown: {', '.join(left_out)} (see --format md)")
    if notes:
        parts.append("\n".join(filled(note, width, after="  ") for note in notes))
    return "\n\n".join(parts)


def _shorter(table: Table, width: int) -> tuple[Table, list[str]]:
    """The table without the longest and least asked for lines, if that helps; and those."""
    left_out: list[str] = []
    for label in ("memory, bytes", "MACs on real data", "traffic, bytes"):
        if table.width() <= width:
            break
        table = table._replace(rows=tuple(row for row in table.rows if row[0] != label))
        left_out.append(label.partition(",")[0])
    return table, left_out


def _legend(titles: Sequence[str], stacks: Sequence[str], width: int) -> str:
    room = max(map(len, titles)) + 2
    lines: list[str] = []
    for title, stack in zip(titles, stacks, strict=True):
        first, *more = _broken(stack, width - room)
        lines += [title.ljust(room) + first, *(" " * room + piece for piece in more)]
    return "\n".join(lines)


def _broken(stack: str, room: int) -> Iterator[str]:
    """A stack, or the name of a file, in pieces of at most `room` characters."""
    while len(stack) > room:
        cut = max(stack.rfind(mark, 0, room) for mark in " ,/") + 1 or room
        yield stack[:cut]
        stack = stack[cut:].lstrip()
    yield stack


def _line_by_line(table: Table, width: int) -> Iterator[str]:
    """One stack a line, in as many tables as it takes; a quantity that is too wide as a list."""
    stacks = table.header[1:]

    def side_by_side(columns: Sequence[tuple[str, ...]]) -> Table:
        labels, cells = zip(*((label, cells) for label, *cells in columns), strict=True)
        lines = zip(stacks, *cells, strict=True)
        return Table(("", *labels), tuple(line for line in lines if any(line[1:])))

    columns: list[tuple[str, ...]] = []
    for row in table.rows:
        if side_by_side([*columns, row]).width() <= width:
            columns.append(row)
            continue
        if columns:
            yield side_by_side(columns).to_text()
        columns = [row]
        if side_by_side(columns).width() > width:
            columns = []
            lines = ((name, cell) for name, cell in zip(stacks, row[1:], strict=True) if cell)
            shown = (filled(cell, width, f"  {name}  ", "    ") for name, cell in lines)
            yield "\n".join([row[0], *shown])
    if columns:
        yield side_by_side(columns).to_text()
