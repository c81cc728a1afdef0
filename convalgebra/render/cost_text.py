"""Cost reports and comparisons as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from convalgebra.render.field_text import field_cells, field_lines
from convalgebra.render.tables import Table, filled
from convalgebra.shapes import shape_text
from convalgebra.sizes import formula, simplest

if TYPE_CHECKING:
    from convalgebra.cost.comparison import Comparison
    from convalgebra.cost.report import CostReport, LayerCost
    from convalgebra.sizes import Size

MOST_ROWS = 40  # a longer network is shown by blocks
_MOST_BLOCKS = 24
_LONGEST_LABEL = 34


class Row(NamedTuple):
    """Neighbouring layers that are shown as one."""

    label: str
    layers: tuple[LayerCost, ...]


def cost_to_text(report: CostReport, width: int = 80, *, all_layers: bool = False) -> str:
    """A table of layers (of blocks, for a long network), then the totals."""
    title = f"input {shape_text(report.input)}, output {shape_text(report.output)}"
    table = cost_table(report, all_layers=all_layers)
    while table.width() > width and len(table.header) > 3:
        table = _without(table, _column_to_drop(table))
    if table.width() > width:  # long formulas: the totals stand below, where they are wrapped
        *others, total = table.rows
        total = tuple(cell if len(cell) <= _LONGEST_LABEL else "(below)" for cell in total)
        table = Table(table.header, (*others, total), table.left, table.rules)
    return "\n\n".join([title, table.to_text(), "\n".join(summary(report, width))])


def _column_to_drop(table: Table) -> int:
    for title in ("jump", "field", "output"):
        if title in table.header:
            return table.header.index(title)
    return len(table.header) - 1


def _without(table: Table, column: int) -> Table:
    def cut(line: tuple[str, ...]) -> tuple[str, ...]:
        return line[:column] + line[column + 1 :]

    return Table(cut(table.header), tuple(map(cut, table.rows)), table.left, table.rules)


def cost_table(
    report: CostReport, *, all_layers: bool = False, write: Callable[[Size], str] = formula
) -> Table:
    """Layer by layer, or block by block where there are more than `MOST_ROWS` layers."""
    groups = rows(report.layers, len(report.layers) if all_layers else MOST_ROWS)
    body = [
        (
            shortened(row.label),
            shape_text(row.layers[-1].output),
            write(simplest(sum(layer.params for layer in row.layers))),
            write(simplest(sum(layer.macs for layer in row.layers))),
            *field_cells(row.layers[-1].field),
        )
        for row in groups
    ]
    total = report.total
    body.append(("total", "", write(total.params), write(total.macs), "", ""))
    header = ("layer", "output", "params", "MACs", "field", "jump")
    return Table(header, tuple(body), 1, (len(groups),))


def shortened(label: str) -> str:
    """A label that leaves room for the figures."""
    return label if len(label) <= _LONGEST_LABEL else label[: _LONGEST_LABEL - 3] + "..."


def rows(layers: Sequence[LayerCost], most: int) -> list[Row]:
    """The layers one by one if they are at most `most`, else by the deepest blocks that are few."""
    if len(layers) <= most:
        return [Row(layer.layer, (layer,)) for layer in layers]
    deepest = max(len(layer.block) for layer in layers)
    for depth in range(deepest, 0, -1):
        grouped = _by_block(layers, depth)
        if len(grouped) <= _MOST_BLOCKS and not _leaves_rests(grouped):
            return grouped
    return grouped if deepest and len(grouped) <= most else _by_number(layers, _MOST_BLOCKS)


def _by_block(layers: Sequence[LayerCost], depth: int) -> list[Row]:
    found: list[tuple[tuple[str, ...], list[LayerCost]]] = []
    for layer in layers:
        block = layer.block[:depth]
        if not found or found[-1][0] != block:
            found.append((block, []))
        found[-1][1].append(layer)
    return [
        Row(" ".join(block) or ", ".join(layer.layer for layer in members), tuple(members))
        for block, members in found
    ]


def _leaves_rests(grouped: Sequence[Row]) -> bool:
    """Whether a block stands in pieces: one of its parts on a line, and its rest on another."""
    blocks = [row.layers[0].block for row in grouped]
    depth = max(map(len, blocks))
    parts = {block[:length] for block in blocks for length in range(1, len(block[:depth]))}
    return any(0 < len(block) < depth and block in parts for block in blocks)


def _by_number(layers: Sequence[LayerCost], most: int) -> list[Row]:
    each = -(-len(layers) // most)
    return [
        Row(f"layers {at + 1} to {min(at + each, len(layers))}", tuple(layers[at : at + each]))
        for at in range(0, len(layers), each)
    ]


def summary(report: CostReport, width: int) -> list[str]:
    """The totals in words, one quantity a line."""
    total = report.total
    params = [
        f"{name} {formula(amount)}"
        for name, amount in (
            ("weights", total.weights),
            ("biases", total.biases),
            ("norms and scales", total.norms),
        )
        if amount != 0
    ]
    exact = "not known in closed form" if total.macs_exact is None else formula(total.macs_exact)
    by_class = [
        f"{_CLASS_NAMES[name]} {formula(amount)}" for name, amount in total.flops_by_class.items()
    ]
    lines = [
        ("params", _with_parts(total.params, params)),
        ("MACs", f"{formula(total.macs)} dense; {exact} on real data (no padding)"),
        ("FLOPs", _with_parts(total.flops, by_class)),
        (
            "activations",
            f"{formula(total.activations)} numbers, {formula(total.conv_outputs)} of convolutions",
        ),
        ("traffic", f"{formula(total.bytes)} bytes at least (float32)"),
        *field_lines(report),
    ]
    lines += [("assumed", fact) for fact in report.assumptions]
    return [filled(text, width, f"{label:<12}", " " * 12) for label, text in lines]


_CLASS_NAMES = {
    "mac": "2 x MACs",
    "bias": "bias",
    "norm": "norm",
    "activation": "activation",
    "pooling": "pooling",
    "merge": "sums and products",
    "scale": "scale",
    "interpolation": "interpolation",
}


def _with_parts(total: Size, parts: Sequence[str]) -> str:
    return formula(total) + (f" = {' + '.join(parts)}" if len(parts) > 1 else "")


def overview_table(reports: Mapping[str, CostReport]) -> Table:
    """One network a line: its name, input, params, MACs and receptive field through windows."""
    rows = tuple(
        (
            name,
            shape_text(report.input),
            formula(report.total.params),
            formula(report.total.macs),
            field_cells(report.receptive_field._replace(is_global=False))[0],
        )
        for name, report in reports.items()
    )
    return Table(("network", "input", "params", "MACs", "field"), rows, 2)


_COMPARED = {
    "params": "params",
    "macs": "MACs",
    "macs_exact": "MACs on real data",
    "flops": "FLOPs",
    "activations": "activations",
    "bytes": "traffic, bytes",
}


def comparison_table(comparison: Comparison, *, write: Callable[[Size], str] = formula) -> Table:
    """The figures of several stacks, one quantity a row; for two stacks with their ratio."""
    reports = comparison.reports
    two = len(reports) == 2
    body = [
        ("output", *(shape_text(report.output) for report in reports), *([""] if two else [])),
        (
            "receptive field",
            *(field_cells(report.receptive_field)[0] for report in reports),
            *([""] if two else []),
        ),
    ]
    for key, label in _COMPARED.items():
        figures = [getattr(report.total, key) for report in reports]
        cells = ["?" if figure is None else write(figure) for figure in figures]
        ratio = [ratio_text(comparison.ratios[key][1])] if two else []
        body.append((label, *cells, *ratio))
    if not two:
        for key in ("params", "macs"):
            ratios = (ratio_text(ratio) for ratio in comparison.ratios[key])
            body.append((f"{_COMPARED[key]}, first/this", *ratios))
    header = ("", *comparison.titles, *(["first/second"] if two else []))
    return Table(header, tuple(body))


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


def comparison_to_text(comparison: Comparison, width: int = 80) -> str:
    """A table side by side; one quantity a paragraph where that is too wide."""
    table = comparison_table(comparison)
    title = "input " + " and ".join(
        dict.fromkeys(shape_text(report.input) for report in comparison.reports)
    )
    assumed = dict.fromkeys(fact for r in comparison.reports for fact in r.assumptions)
    notes = [f"assumed: {', '.join(assumed)}"] if assumed else []
    notes = [filled(note, width) for note in notes]
    left_out: list[str] = []
    for label in (
        "",
        "MACs on real data",
        "traffic, bytes",
    ):  # the longest, and the least asked for
        table = Table(table.header, tuple(row for row in table.rows if row[0] != label))
        left_out += [label] if label else []
        if table.width() <= width:
            if left_out:
                notes.append(f"too wide to be shown: {', '.join(left_out)} (see --format md)")
            return "\n\n".join([title, table.to_text(), *notes])
    paragraphs = []
    for row in table.rows:
        lines = [
            f"  {name or 'ratio'}: {cell}"
            for name, cell in zip(table.header[1:], row[1:], strict=True)
        ]
        paragraphs.append("\n".join([row[0], *(line for line in lines if not line.endswith(": "))]))
    return "\n\n".join([title, *paragraphs, *notes])
