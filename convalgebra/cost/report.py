"""The cost of a Network: layer by layer, and in total."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from convalgebra import progress
from convalgebra.assumptions import Assumptions
from convalgebra.cost.counts import FLOP_CLASSES, Counts, Use, count
from convalgebra.cost.dtypes import bytes_of
from convalgebra.cost.figures import plain, sum_of_known, summed, worked_out
from convalgebra.cost.memory import VIEWS, Memory, Training, memory_of
from convalgebra.cost.ratios import ratio, ratio_written
from convalgebra.cost.receptive_field import Field, receptive_fields
from convalgebra.cost.receptive_field.fields import input_field
from convalgebra.errors import Defect
from convalgebra.language.layer_text import layer_text
from convalgebra.layers import CONVOLUTIONS, MERGES, Layer
from convalgebra.network import Network
from convalgebra.shapes import Shape, border
from convalgebra.sizes import Size, product, simplest, total
from convalgebra.windows import Pad

if TYPE_CHECKING:
    from convalgebra.cost.conventions import Account
    from convalgebra.cost.receptive_field.alignment import Meeting
    from convalgebra.cost.receptive_field.paths import Paths
    from convalgebra.cost.receptive_field.remedies import Finding
    from convalgebra.cost.receptive_field.spread import Spread
    from convalgebra.cost.receptive_field.units import View


class LayerCost(NamedTuple):
    """What one use of a layer costs, and what its units see.

    `name` says where it stands, outermost block first; `value` is what the text calls its output,
    "" where it has no name. Work and data are those of the batch, one
    input unless the report says more. A layer that only `unused(..)` reads, and a second use of
    shared weights, show what they add: no work, or no params. `opaque` is the name of an operation
    that the language has no word for. A figure that is not known is None; `values_moved` are the
    bytes without those of the weights.
    """

    name: str
    layer: str
    block: tuple[str, ...]
    value: str
    output: Shape
    counts: Counts
    activations: Size
    bytes: Size | None
    values_moved: Size
    field: Field
    is_convolution: bool
    opaque: str = ""

    @property
    def params(self) -> Size | None:
        """Weights and biases, those of norms and scales included."""
        return self.counts.params

    @property
    def macs(self) -> Size | None:
        """Dense multiply-accumulates."""
        return self.counts.macs

    @property
    def unknown(self) -> tuple[str, ...]:
        """Which of params and MACs are not known: "params", "macs"."""
        figures = {"params": self.params, "macs": self.macs}
        return tuple(key for key, figure in figures.items() if figure is None)

    @property
    def macs_exact(self) -> Size | None:
        """Multiply-accumulates on real data only."""
        return self.counts.macs_exact

    @property
    def flops(self) -> Size | None:
        """FLOPs of all classes."""
        return summed(amount for _, amount in self.counts.flops)

    @property
    def intensity(self) -> Any:
        """FLOPs a byte of traffic, exactly; None where nothing is moved, or not all is known."""
        return ratio(self.flops, self.bytes)

    def to_dict(self) -> dict[str, Any]:
        """The figures under stable keys; named sizes as text that the language reads."""
        from convalgebra.cost.receptive_field.dictionaries import field_to_dict

        return {
            "name": self.name,
            "layer": self.layer,
            "block": list(self.block),
            "value": self.value or None,
            "output": [plain(size) for size in self.output],
            "params": plain(self.params),
            "macs": plain(self.macs),
            "macs_exact": plain(self.macs_exact),
            "flops": plain(self.flops),
            "activations": plain(self.activations),
            "bytes": plain(self.bytes),
            "intensity": ratio_written(self.flops, self.bytes),
            "receptive_field": field_to_dict(self.field),
        }


_SUMS = (
    *("params", "weights", "biases", "norms", "macs", "macs_exact", "flops"),
    *("activations", "conv_outputs", "bytes"),
)


class Bounds(NamedTuple):
    """Lower bounds of the `Totals` of the same names: the sums of what is known."""

    weights: Size
    biases: Size
    norms: Size
    params: Size
    macs: Size
    macs_exact: Size
    flops: Size
    flops_by_class: dict[str, Size]
    activations: Size
    conv_outputs: Size
    bytes: Size


class Totals(NamedTuple):
    """Sums over layers. `flops` by class: see `FLOP_CLASSES`.

    A sum with a part that is not known is None, and `at_least` has its lower bound. `unknown` says
    which of params and MACs are not known: the report's `status` is `partial` then. FLOPs of opaque
    layers that are not known are in no class. `bounds` are there where a sum is None.
    """

    weights: Size | None
    biases: Size | None
    norms: Size
    params: Size | None
    macs: Size | None
    macs_exact: Size | None
    flops: Size | None
    flops_by_class: dict[str, Size | None]
    activations: Size
    conv_outputs: Size
    bytes: Size | None
    unknown: tuple[str, ...] = ()
    bounds: Bounds | None = None

    @property
    def at_least(self) -> Bounds:
        """Lower bounds of all sums: where everything is known, the sums."""
        figures: Any = {key: getattr(self, key) for key in Bounds._fields}
        return self.bounds or Bounds(**figures)

    @property
    def intensity(self) -> Any:
        """FLOPs a byte of traffic, exactly; None where nothing is moved, or not all is known."""
        return ratio(self.flops, self.bytes)

    def to_dict(self) -> dict[str, Any]:
        """The totals under stable keys; `at_least` where one of them is not known."""
        found = _sums_to_dict(self)
        found["intensity"] = ratio_written(self.flops, self.bytes)
        return found | ({"at_least": _sums_to_dict(self.bounds)} if self.bounds else {})


def _sums_to_dict(sums: Totals | Bounds) -> dict[str, Any]:
    figures = {key: plain(getattr(sums, key)) for key in _SUMS}
    by_class = {name: plain(amount) for name, amount in sums.flops_by_class.items()}
    return figures | {"flops_by_class": by_class}


class CostReport(NamedTuple):
    """What a network costs, exactly. Shown as a table by `print`, and as HTML in Jupyter.

    `layers` are in the order in which they run. `receptive_field` is that of the (first) output.
    `assumptions` are what has to hold of named sizes, `least` the smallest numbers that names are
    taken to be. Bytes are those of `dtype`, work and data those of a batch of `batch` inputs.
    `training` and `convention` are there if asked for.
    """

    network: Network
    layers: tuple[LayerCost, ...]
    total: Totals
    receptive_field: Field
    memory: Memory
    assumptions: tuple[str, ...] = ()
    dtype: str = "float32"
    batch: Size = 1
    training: Training | None = None
    convention: Account | None = None
    least: tuple[tuple[str, int], ...] = ()

    @property
    def input(self) -> Shape:
        """The shape of the input: channels, then sizes."""
        return self.network.shapes[0]

    @property
    def output(self) -> Shape:
        """The shape of the (first) output."""
        return self.network.shapes[self.network.outputs[0]]

    @property
    def weights_at_least(self) -> Size:
        """The bytes that the weights take, of those that are known."""
        return simplest(bytes_of(self.dtype) * self.total.at_least.params)

    @property
    def status(self) -> str:
        """`complete`: params and MACs of every layer are known; `partial`: there are bounds."""
        return "partial" if self.total.unknown else "complete"

    def to_dict(self) -> dict[str, Any]:
        """The report under the keys of `convalgebra.cost/1`."""
        from convalgebra.cost.receptive_field.dictionaries import (
            alignment_to_dict,
            output_field_to_dict,
        )

        return {
            "schema": "convalgebra.cost/1",
            "network": str(self.network),
            "input": [plain(size) for size in self.input],
            "batch": plain(self.batch),
            "dtype": self.dtype,
            "layers": [layer.to_dict() for layer in self.layers],
            "total": self.total.to_dict(),
            "memory": self.memory.to_dict()
            | ({"training": self.training.to_dict()} if self.training else {})
            | (
                {"at_least": {"weights": plain(self.weights_at_least)}}
                if self.memory.weights is None
                else {}
            ),
            **({"convention": self.convention.to_dict()} if self.convention else {}),
            "receptive_field": output_field_to_dict(self),
            "alignment": alignment_to_dict(self),
            "assumptions": list(self.assumptions),
            "status": self.status,
        }

    @property
    def fields(self) -> tuple[Field, ...]:
        """The receptive fields of all nodes of the network, the input first."""
        return (input_field(self.network), *(layer.field for layer in self.layers))

    def meetings(self) -> tuple[Meeting, ...]:
        """The places where branches meet, and whether they look at the same place of the input."""
        from convalgebra.cost.receptive_field.alignment import meetings

        return tuple(meetings(self.network, self.fields))

    def findings(self, meetings: Sequence[Meeting] | None = None) -> tuple[Finding, ...]:
        """The branches that are not aligned where they meet others, and what would align them.

        At some `meetings`, or at all of them.
        """
        places = self.meetings() if meetings is None else meetings
        off = [meeting for meeting in places if meeting.verdict != "aligned"]
        if not off:
            return ()
        from convalgebra.cost.receptive_field.remedies import findings

        return findings(self.network, self.fields, off)

    def paths(self) -> Paths:
        """The paths to the (first) output: how many, the smallest and the largest field of one."""
        from convalgebra.cost.receptive_field.paths import paths_to

        return paths_to(self.network, self.fields, self.network.outputs[0])

    def spread(self) -> Spread | None:
        """How far the effective receptive field spreads, for a chain of windows."""
        from convalgebra.cost.receptive_field.spread import spread_of

        end = self.network.outputs[0]
        return worked_out(lambda: spread_of(self.network, self.fields, end))[0]

    def unit(self, unit: str) -> View:
        """Which inputs a unit sees: `e4[3,5]` of a value, block or layer, `[3,5]` of the output.

        >>> from convalgebra.language import parse
        >>> cost_of(parse("input 1x16; 3p1, 3p2d2")).unit("[8]").seen
        (((5, 11),),)

        Raises InputError for a name that is not there and for a position outside.
        """
        from convalgebra.cost.receptive_field.naming import read_unit
        from convalgebra.cost.receptive_field.units import view

        name, node, place = read_unit(self.network, unit)
        return view(self.network, self.fields, node, place, name)

    def __repr__(self) -> str:
        total = self.total
        return f"CostReport({len(self.layers)} layers, params={total.params}, macs={total.macs})"

    def __str__(self) -> str:
        from convalgebra.render.cost_text import cost_to_text

        return cost_to_text(self)

    def _repr_html_(self) -> str:
        from convalgebra.render.cost_markup import cost_to_html

        return cost_to_html(self)


def cost_of(network: Network, *, dtype: str = "float32", batch: Size = 1) -> CostReport:
    """The cost of a network whose input shape is known, on a batch of inputs.

    >>> from convalgebra.language import parse
    >>> report = cost_of(parse("input 3x224x224; 7x7s2p3@64"))
    >>> report.total.params, report.total.macs
    (9408, 118013952)

    Raises ShapeError where the input is not known or layers do not fit.
    """
    progress.report(f"{len(network):,} layers are counted")
    number = bytes_of(dtype)
    assumptions = network.assumptions
    assumptions.whole(batch, 1)
    fields = receptive_fields(network)
    # Blocks repeat: the same use, the same cost.
    met: dict[tuple[Any, ...], tuple[Counts, str]] = {}
    layers = []
    for index in range(1, len(network.nodes)):
        use = use_of(network, index, assumptions)
        key = (id(use.layer), use.inputs, use.zeros)
        if key not in met:
            met[key] = (count(use), _label(use.layer))
        layers.append(_layer_cost(network, index, use, *met[key], fields[index], number, batch))
    totals, least = _total(layers), assumptions.least()
    _check(totals, layers)
    return CostReport(
        network=network,
        layers=tuple(layers),
        total=totals,
        receptive_field=fields[network.outputs[0]],
        memory=memory_of(network, totals.params, number, batch, least),
        assumptions=assumptions.listed(),
        dtype=dtype,
        batch=batch,
        least=tuple(least.items()),
    )


def use_of(network: Network, index: int, assumptions: Assumptions) -> Use:
    """What goes into and comes out of a node, for the rules of `counts`."""
    node, shapes = network.nodes[index], network.shapes
    inputs = tuple(shapes[source] for source in node.inputs)
    zeros = _zeros_before(network, index)
    return Use(node.layer, inputs, shapes[index], zeros, assumptions)


def _label(layer: Layer) -> str:
    if layer.opaque is not None:
        return f"opaque {layer.opaque.name}"
    return layer.kind if layer.kind in MERGES else layer_text(layer)


def _layer_cost(
    network: Network,
    index: int,
    use: Use,
    counts: Counts,
    label: str,
    field: Field,
    number: int,
    batch: Size,
) -> LayerCost:
    node, kind = network.nodes[index], use.layer.kind
    made: Size = 0
    moved: Size = 0
    weights: Size | None = 0
    if not network.live[index]:
        counts = counts._replace(macs=0, macs_exact=0, flops=())
    else:
        if batch != 1:
            counts = counts.times(batch)
        made = 0 if kind == "unused" else simplest(batch * product(use.output))
        if kind not in VIEWS:  # a batch shares the weights: they are read once
            read = batch * sum((product(network.shapes[source]) for source in node.read), 0)
            moved = simplest(number * (read + made))
            weights = None if counts.params is None else number * counts.params
    if node.weights != index:
        counts = counts._replace(weights=0, biases=0, norms=0)
    return LayerCost(
        name=network.shown_name(index),
        layer=label,
        block=node.block,
        value=node.name,
        output=use.output,
        counts=counts,
        activations=made,
        bytes=summed((moved, weights)),
        values_moved=moved,
        field=field,
        is_convolution=use.layer.works_as.kind in CONVOLUTIONS,
        opaque=use.layer.opaque.name if use.layer.opaque else "",
    )


def _zeros_before(network: Network, index: int) -> tuple[Pad, ...]:
    """The zeros that `pad` layers directly before a node put around its input, per axis."""
    source = network.nodes[index].inputs[0]
    zeros: tuple[Pad, ...] = ((0, 0),) * (len(network.shapes[source]) - 1)
    while network.nodes[source].layer.kind == "pad":
        around = border(network.nodes[source].layer, len(zeros))
        zeros = tuple((a + c, b + d) for (a, b), (c, d) in zip(zeros, around, strict=True))
        source = network.nodes[source].inputs[0]
    return zeros


def _total(layers: Sequence[LayerCost]) -> Totals:
    classes: dict[str, list[Size | None]] = {name: [] for name in (*FLOP_CLASSES, "opaque")}
    for layer in layers:
        for name, amount in layer.counts.flops:
            classes[name].append(amount)
    amounts: dict[str, list[Size | None]] = {
        "weights": [layer.counts.weights for layer in layers],
        "biases": [layer.counts.biases for layer in layers],
        "norms": [layer.counts.norms for layer in layers],
        "params": [layer.params for layer in layers],
        "macs": [layer.macs for layer in layers],
        "macs_exact": [layer.macs_exact for layer in layers],
        "activations": [layer.activations for layer in layers],
        "conv_outputs": [layer.activations for layer in layers if layer.is_convolution],
        "bytes": [layer.bytes for layer in layers],
    }
    figures: dict[str, Any] = {key: summed(parts) for key, parts in amounts.items()}
    by_class = {name: summed(parts) for name, parts in classes.items()}
    figures["flops"] = summed(by_class.values())
    figures["flops_by_class"] = {
        name: by_class[name] for name in FLOP_CLASSES if by_class[name] != 0
    }
    unknown = tuple(key for key in ("params", "macs") if figures[key] is None)
    if None not in figures.values():
        return Totals(**figures)
    bounds: dict[str, Any] = {key: sum_of_known(parts) for key, parts in amounts.items()}
    # Of weights that are not known the values are moved all the same.
    bounds["bytes"] = total(
        layer.values_moved if layer.bytes is None else layer.bytes for layer in layers
    )
    least = {name: sum_of_known(parts) for name, parts in classes.items()}
    bounds["flops"] = total(least.values())
    bounds["flops_by_class"] = {name: amount for name, amount in least.items() if amount != 0}
    return Totals(**figures, unknown=unknown, bounds=Bounds(**bounds))


def _added(rows: Sequence[Any]) -> Any:
    if all(isinstance(row, int) for row in rows):
        return sum(rows)
    from sympy import Add

    return Add(*rows)


def _check(totals: Totals, layers: Sequence[LayerCost]) -> None:
    """Raise a Defect where totals are not the sums of their rows, added up one by one."""
    least, classes = totals.at_least, totals.at_least.flops_by_class
    outputs = [layer.activations for layer in layers if layer.is_convolution]
    pairs: list[tuple[Any, Any]] = [
        (least.params, least.weights + least.biases + least.norms),
        (least.flops, sum(classes.values())),
        (2 * least.macs, classes.get("mac", 0)),
        (totals.conv_outputs, _added(outputs)),
    ]
    for key in ("params", "macs", "macs_exact", "flops", "activations", "bytes"):
        rows = [getattr(layer, key) for layer in layers]
        pairs.append((getattr(totals, key), None if None in rows else _added(rows)))
    known = [(getattr(totals, key), getattr(least, key)) for key in _SUMS]
    known += [(amount, classes.get(name)) for name, amount in totals.flops_by_class.items()]
    for one, other in [*pairs, *(pair for pair in known if pair[0] is not None)]:
        differ = one is not other if None in (one, other) else simplest(one - other) != 0
        if differ:
            raise Defect(f"the totals are not the sums of the layers: {one} and {other}")
