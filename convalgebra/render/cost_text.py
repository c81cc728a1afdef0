"""Cost reports as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from convalgebra.cost.counts import FLOP_CLASSES
from convalgebra.cost.figures import sum_of_known
from convalgebra.render.field_text import field_cells, field_lines
from convalgebra.render.numbered_text import numbered
from convalgebra.render.tables import Table, filled
from convalgebra.shapes import shape_text
from convalgebra.sizes import formula, maximum

if TYPE_CHECKING:
    from convalgebra.cost.memory import Training
    from convalgebra.cost.receptive_field import Field
    from convalgebra.cost.report import CostReport, LayerCost
    from convalgebra.sizes import Size

MOST_ROWS = 40  # a longer network is shown by blocks
_MOST_BLOCKS = 24
_LONGEST_LABEL = 34
_LONGEST_TOTAL = 20
_LONGEST_RATIO = 60


class Row(NamedTuple):
    """Neighbouring layers that are shown as one."""

    label: str
    layers: tuple[LayerCost, ...]


def cost_to_text(report: CostReport, width: int = 80, *, all_layers: bool = False) -> str:
    """A table of layers (of blocks, for a long network), then the totals."""
    table = cost_table(report, all_layers=all_layers)
    while table.width() > width and len(table.header) > 3:
        table = _without(table, _column_to_drop(table))
    if table.width() > width:  # long formulas: the totals stand below, where they are wrapped
        *others, total = table.rows
        total = tuple(cell if len(cell) <= _LONGEST_TOTAL else "(below)" for cell in total)
        table = table._replace(rows=(*others, total))
    parts = [cost_title(report), numbered(table, width), "\n".join(summary(report, width))]
    if report.convention is not None:
        from convalgebra.render.convention_text import account_to_text

        parts.append(account_to_text(report.convention, width))
    return "\n\n".join(parts)


def cost_title(report: CostReport) -> str:
    """What goes in and comes out: `input 3x32x32, output 10, in batches of 8`."""
    title = f"input {shape_text(report.input)}, output {shape_text(report.output)}"
    return title if report.batch == 1 else f"{title}, a batch of {formula(report.batch)}"


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
            sum_of("params", row.layers, write),
            sum_of("macs", row.layers, write),
            *field_cells(row.layers[-1].field),
        )
        for row in groups
    ]
    params, macs = (sum_of(key, report.layers, write) for key in ("params", "macs"))
    body.append(("total", "", params, macs, "", ""))
    header = ("layer", "output", "params", "MACs", "field", "jump")
    return Table(header, tuple(body), 1, (len(groups),))


def sum_of(key: str, layers: Sequence[LayerCost], write: Callable[[Size], str]) -> str:
    """The params or MACs of some layers: `?` where none is known, `12 + ?` where not all are."""
    figures = [getattr(layer, key) for layer in layers]
    figure = write(sum_of_known(figures))
    if None not in figures:
        return figure
    return f"{figure} + ?" if any(figure is not None for figure in figures) else "?"


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
    total, known = report.total, report.total.at_least
    params = [
        f"{name} {formula(amount)}"
        for name, amount in (
            ("weights", known.weights),
            ("biases", known.biases),
            ("norms and scales", known.norms),
        )
        if amount != 0
    ]
    by_class = [
        f"{_CLASS_NAMES[name]} {formula(amount)}" for name, amount in known.flops_by_class.items()
    ]
    plain = total.macs is None or isinstance(total.macs, int)
    exact = "not known" if plain else "not known in closed form"
    if total.macs_exact is not None:
        exact = formula(total.macs_exact)
    macs = f"{_from(total.macs)}{formula(known.macs)} dense"
    lines = [
        ("params", _from(total.params) + _with_parts(known.params, params)),
        ("MACs", f"{macs}; {exact} on real data (no padding)"),
        ("FLOPs", _from(total.flops) + _with_parts(known.flops, by_class)),
        (
            "activations",
            f"{formula(total.activations)} numbers, {formula(total.conv_outputs)} of convolutions",
        ),
        ("traffic", traffic_sentence(report)),
        ("memory", memory_sentence(report)),
    ]
    if report.training is not None:
        lines.append(("training", training_sentence(report.training)))
    lines += field_lines(report)
    lines += _opaque_lines(report)
    lines += [("assumed", fact) for fact in report.assumptions]
    return [filled(text, width, f"{label:<12}", " " * 12) for label, text in lines]


def _from(figure: Size | None) -> str:
    return "at least " if figure is None else ""


def _opaque_lines(report: CostReport) -> list[tuple[str, str]]:
    """The operations that the language has no word for, and what is not known of them."""
    # Convolutions among them are counted like others.
    opaque = [layer for layer in report.layers if layer.opaque and not layer.is_convolution]
    if not opaque:
        return []
    times = Counter(layer.opaque for layer in opaque)
    listed = ", ".join(f"{number} x {name}" for name, number in times.items())
    lines = [("opaque", f"{listed}: figures as given, not counted by rules of ours")]
    unknown = {
        f"{'MACs' if key == 'macs' else key} of {layer.opaque}"
        for layer in opaque
        for key in layer.unknown
    } | {f"FLOPs of {layer.opaque}" for layer in opaque if ("opaque", None) in layer.counts.flops}
    if unknown:
        lines.append(("not known", ", ".join(sorted(unknown))))
    return lines


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
assert _CLASS_NAMES.keys() == set(FLOP_CLASSES), "a class of FLOPs has no name"


def _with_parts(total: Size, parts: Sequence[str]) -> str:
    return formula(total) + (f" = {' + '.join(parts)}" if len(parts) > 1 else "")


def traffic_sentence(report: CostReport) -> str:
    """The bytes that have to be moved, and the FLOPs for each of them."""
    total = report.total
    moved = f"{formula(total.at_least.bytes)} bytes at least ({report.dtype})"
    if not total.bytes or total.flops is None:
        return moved
    if isinstance(total.bytes, int) and isinstance(total.flops, int):
        each = f"{total.flops / total.bytes:,.2f}"  # a Fraction would be imported for two digits
    else:
        each = total.intensity  # a formula, or a number where the named sizes cancel out
        each = formula(each) if hasattr(each, "free_symbols") else f"{float(each):,.2f}"
    return f"{moved}, {each} FLOPs a byte" if len(each) <= _LONGEST_RATIO else moved


def memory_sentence(report: CostReport) -> str:
    """The bytes at the peak, and what bounds them."""
    memory = report.memory
    peak = f"not known at the peak: {memory.reason}"
    if memory.peak is not None:
        kinds = {layer.name: layer.layer for layer in report.layers}
        layers = [f"{kinds[name]} ({name})" for name in memory.peak_layers if name in kinds]
        where = f" in {' or '.join(layers)}" if layers else ""
        start = f" for {starts_text(memory.least)}" if memory.least else ""
        peak = f"{formula(memory.peak)} bytes ({report.dtype}) at the peak{where}{start}"
    kept = f"{formula(memory.kept)} with every value kept"
    weights = _from(memory.weights) + formula(report.weights_at_least)
    return f"{peak}; {kept}; weights {weights} apart"


def starts_text(least: Sequence[tuple[str, int]]) -> str:
    """`H >= 7 and W >= 7`."""
    return " and ".join(f"{name} >= {formula(number)}" for name, number in least)


def training_sentence(training: Training) -> str:
    """The bytes that training takes, term by term."""
    known = training.at_least
    parts = [
        f"{label} {formula(amount)}"
        for label, amount in (
            ("weights", known.weights),
            ("gradients", known.gradients),
            ("state", known.state),
            ("values kept", known.kept),
        )
        if amount
    ]
    figure = _from(training.total) + formula(known.total or 0)
    return f"{figure} bytes with {training.optimizer} = {' + '.join(parts)}"


def overview_table(reports: Mapping[str, CostReport]) -> Table:
    """One network a line: name, input, params, MACs, and what a unit sees through windows.

    Where that differs from axis to axis the largest is shown.
    """
    rows = tuple(
        (
            name,
            shape_text(report.input),
            sum_of("params", report.layers, formula),
            sum_of("macs", report.layers, formula),
            _largest(report.receptive_field),
        )
        for name, report in reports.items()
    )
    return Table(("network", "input", "params", "MACs", "field"), rows, 2)


def _largest(field: Field) -> str:
    return formula(maximum(*(axis.size for axis in field.axes))) if field.axes else "?"
