"""Cost reports and comparisons as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from convalgebra.render.field_text import field_cells, field_lines
from convalgebra.render.tables import Table, filled
from convalgebra.shapes import shape_text
from convalgebra.sizes import formula, maximum, simplest

if TYPE_CHECKING:
    from convalgebra.cost.comparison import Comparison
    from convalgebra.cost.memory import Training
    from convalgebra.cost.receptive_field import Field
    from convalgebra.cost.report import CostReport, LayerCost
    from convalgebra.sizes import Size

MOST_ROWS = 40  # a longer network is shown by blocks
_MOST_BLOCKS = 24
_LONGEST_LABEL = 34
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
        total = tuple(cell if len(cell) <= _LONGEST_LABEL else "(below)" for cell in total)
        table = Table(table.header, (*others, total), table.left, table.rules)
    parts = [cost_title(report), table.to_text(), "\n".join(summary(report, width))]
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
    known = [layer for layer in layers if key not in layer.unknown]
    figure = write(simplest(sum(getattr(layer, key) for layer in known)))
    if len(known) == len(layers):
        return figure
    return f"{figure} + ?" if known else "?"


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
    unknown = {key for layer in report.layers for key in layer.unknown}
    params_from, macs_from = ("at least " if key in unknown else "" for key in ("params", "macs"))
    lines = [
        ("params", params_from + _with_parts(total.params, params)),
        ("MACs", f"{macs_from}{formula(total.macs)} dense; {exact} on real data (no padding)"),
        ("FLOPs", macs_from + _with_parts(total.flops, by_class)),
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


def _opaque_lines(report: CostReport) -> list[tuple[str, str]]:
    """The operations that the language has no word for, and what is not known of them."""
    opaque = [layer.layer for layer in report.layers if layer.layer.startswith("opaque ")]
    if not opaque:
        return []
    times = ", ".join(
        f"{opaque.count(name)} x {name.removeprefix('opaque ')}" for name in dict.fromkeys(opaque)
    )
    lines = [("opaque", f"{times}: figures as given, not counted by rules of ours")]
    unknown = {
        f"{'MACs' if key == 'macs' else key} of {layer.layer.removeprefix('opaque ')}"
        for layer in report.layers
        for key in layer.unknown
    }
    if unknown:
        lines.append(("not known", f"{', '.join(sorted(unknown))}"))
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


def _with_parts(total: Size, parts: Sequence[str]) -> str:
    return formula(total) + (f" = {' + '.join(parts)}" if len(parts) > 1 else "")


def traffic_sentence(report: CostReport) -> str:
    """The bytes that have to be moved, and the FLOPs for each of them."""
    total = report.total
    moved = f"{formula(total.bytes)} bytes at least ({report.dtype})"
    if total.bytes == 0:
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
        peak = f"{formula(memory.peak)} bytes ({report.dtype}) at the peak{where}"
    kept = f"{formula(memory.kept)} with every value kept"
    return f"{peak}; {kept}; weights {formula(memory.weights)} apart"


def training_sentence(training: Training) -> str:
    """The bytes that training takes, term by term."""
    parts = [
        f"{label} {formula(amount)}"
        for label, amount in (
            ("weights", training.weights),
            ("gradients", training.gradients),
            ("state", training.state),
            ("values kept", training.kept),
        )
        if amount != 0
    ]
    return f"{formula(training.total)} bytes with {training.optimizer} = {' + '.join(parts)}"


def overview_table(reports: Mapping[str, CostReport]) -> Table:
    """One network a line: name, input, params, MACs, and what a unit sees through windows.

    Where that differs from axis to axis the largest is shown.
    """
    rows = tuple(
        (
            name,
            shape_text(report.input),
            formula(report.total.params),
            formula(report.total.macs),
            _largest(report.receptive_field),
        )
        for name, report in reports.items()
    )
    return Table(("network", "input", "params", "MACs", "field"), rows, 2)


def _largest(field: Field) -> str:
    return formula(maximum(*(axis.size for axis in field.axes))) if field.axes else "?"


_COMPARED = {
    "params": "params",
    "macs": "MACs",
    "macs_exact": "MACs on real data",
    "flops": "FLOPs",
    "activations": "activations",
    "bytes": "traffic, bytes",
    "peak": "memory, bytes",
    "training": "training, bytes",
    "convention": "",
}


def comparison_table(comparison: Comparison, *, write: Callable[[Size], str] = formula) -> Table:
    """The figures of several stacks, one quantity a row; for two stacks with their ratio."""
    from convalgebra.cost.comparison import figure

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
    for key, label in compared_labels(comparison).items():
        figures = [figure(report, key) for report in reports]
        cells = ["?" if figure is None else write(figure) for figure in figures]
        ratio = [ratio_text(comparison.ratios[key][1])] if two else []
        body.append((label, *cells, *ratio))
    if not two:
        for key in ("params", "macs"):
            ratios = (ratio_text(ratio) for ratio in comparison.ratios[key])
            body.append((f"{_COMPARED[key]}, first/this", *ratios))
    header = ("", *comparison.titles, *(["first/second"] if two else []))
    return Table(header, tuple(body))


def crossover_sentences(comparison: Comparison) -> list[str]:
    """Where stacks change places: `params: less with A for C < 9/8, with B for C > 9/8`."""
    if not comparison.crossovers:
        return []
    from convalgebra.render.crossover_text import crossover_text

    figures: dict[str, list[str]] = {}
    for key, other, found in comparison.crossovers:
        titles = (comparison.titles[0], comparison.titles[other])
        figures.setdefault(crossover_text(found, titles), []).append(_COMPARED[key])
    return [f"{', '.join(labels)}: less {sentence}" for sentence, labels in figures.items()]


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


def comparison_to_text(comparison: Comparison, width: int = 80) -> str:
    """A table side by side; one quantity a paragraph where that is too wide."""
    table = comparison_table(comparison)
    title = "input " + " and ".join(
        dict.fromkeys(shape_text(report.input) for report in comparison.reports)
    )
    batch = comparison.reports[0].batch
    title += "" if batch == 1 else f", a batch of {formula(batch)}"
    assumed = dict.fromkeys(fact for r in comparison.reports for fact in r.assumptions)
    notes = crossover_sentences(comparison)
    notes += [f"assumed: {', '.join(assumed)}"] if assumed else []
    notes = [filled(note, width, after="  ") for note in notes]
    left_out: list[str] = []
    # The longest, and the least asked for.
    for label in ("", "memory, bytes", "MACs on real data", "traffic, bytes"):
        table = Table(table.header, tuple(row for row in table.rows if row[0] != label))
        left_out += [label] if label else []
        if table.width() <= width:
            if left_out:
                hidden = ", ".join(label.partition(",")[0] for label in left_out)
                notes.append(f"too wide to be shown: {hidden} (see --format md)")
            return "\n\n".join([title, table.to_text(), *notes])
    paragraphs = []
    for row in table.rows:
        lines = [
            f"  {name or 'ratio'}: {cell}"
            for name, cell in zip(table.header[1:], row[1:], strict=True)
        ]
        paragraphs.append("\n".join([row[0], *(line for line in lines if not line.endswith(": "))]))
    return "\n\n".join([title, *paragraphs, *notes])
