"""Which inputs the units of every value see: one rule per kind of layer.

A field is a statement about all channels of a unit together: some channel sees its first input, and
some its last. Channels are not told apart, so that behind a slice it is what is seen or more.

A global layer (gap, fc) sees everything: the field through windows alone is kept beside that fact,
and goes on where a global branch meets others (squeeze-excite). The statistics of instance, group
and layer norms are not counted as seeing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from convalgebra.cost.figures import worked_out
from convalgebra.cost.receptive_field.axes import Axis, Periodic, each_axis, meet
from convalgebra.cost.receptive_field.moves import Move, moves, still
from convalgebra.cost.receptive_field.opaque import is_pointwise, not_told
from convalgebra.errors import NotKnownError
from convalgebra.layers import ACTIVATIONS, BORDERS, KINDS, LIKE, NORMS, SLOPES, Layer
from convalgebra.network import Network, Node
from convalgebra.shapes import Shape
from convalgebra.sizes import Size, same


class Field(NamedTuple):
    """What a unit sees: through windows along each axis (None: not known), and whether everything.

    `pooled`: the positions are gone (after gap, fc, flatten), so that later windows add nothing.
    `reason` says why a field is not known.
    """

    axes: tuple[Axis, ...] | None
    is_global: bool = False
    pooled: bool = False
    reason: str = ""


class Way(NamedTuple):
    """A value that a layer reads, and how the field moves on the way; None: not at all."""

    source: int
    moves: tuple[Move, ...] | None


def receptive_fields(network: Network) -> tuple[Field, ...]:
    """The field of every node of `network`, the input first.

    >>> from convalgebra.language import parse
    >>> last = receptive_fields(parse("input 3x32x32; 3x3s2p1, 5x5p2"))[-1].axes[0]
    >>> last.size, last.jump, last.left, last.right
    (11, 2, -5, 5)
    """
    fields = [input_field(network)]
    for index in range(1, len(network.nodes)):
        fields.append(field_after(network, fields, index))
    return tuple(fields)


def is_cut(network: Network, index: int) -> bool:
    """Whether channels are cut off on the way to a node, which may see less than its field then.

    >>> from convalgebra.language import parse
    >>> network = parse("input 4x8; cat([:2] | [2:], 3p1); 5p2")
    >>> is_cut(network, 2), is_cut(network, 5), is_cut(parse("input 4x8; 3p1"), 1)
    (True, True, False)
    """
    on_the_way = zip(network.nodes, network.read_by(index), strict=True)
    return any(needed and node.layer.kind == "slice" for node, needed in on_the_way)


def input_field(network: Network) -> Field:
    """The field of the input: every unit sees itself."""
    itself = Periodic(1, ((0, 0),))
    return Field(tuple(Axis((itself,), side) for side in network.shapes[0][1:]))


def field_after(network: Network, fields: Sequence[Field], index: int) -> Field:
    """The field of one node, from those of the nodes that it reads."""
    node = network.nodes[index]
    first = fields[node.inputs[0]]
    if node.layer.kind in _UNCHANGED:
        return first
    if not is_told(network, fields, index):
        # Where the field was lost before, that is why: the first culprit on the way.
        lost = next((fields[source].reason for source in node.inputs if fields[source].reason), "")
        return Field(None, reason=lost or not_told(node.layer))
    pooled, is_global = _FLAGS[node.layer.kind](first, network.shapes[index])
    if len(node.read) > 1:
        is_global = any(fields[source].is_global for source in node.read)
        pooled = all(fields[source].pooled for source in node.read)
    ways = ways_to(network, fields, index)
    if len(ways) == 1 and ways[0].moves is None:
        return fields[ways[0].source]._replace(is_global=is_global, pooled=pooled)
    unknown = next((fields[way.source] for way in ways if fields[way.source].axes is None), None)
    if unknown is not None:
        return unknown._replace(is_global=is_global, pooled=pooled)
    axes, reason = worked_out(lambda: _axes(ways, fields, network.shapes[index]))
    return Field(axes, is_global, pooled, reason)


def ways_to(network: Network, fields: Sequence[Field], index: int) -> tuple[Way, ...]:
    """The values whose fields make up that of a node, and the moves in between.

    A pooled branch has no part in the field through windows, unless there are no others.
    """
    node = network.nodes[index]
    kind, slides = node.layer.kind, node.layer.window is not None
    if not is_told(network, fields, index):
        nowhere = partial(_nowhere, node.layer)
        axes = len(network.shapes[0]) - 1
        return tuple(Way(source, (nowhere,) * axes) for source in node.inputs)
    if len(node.read) == 1 or (slides and not fields[node.inputs[0]].pooled):
        source = node.inputs[0]
        if fields[source].pooled or _FLAGS[kind](fields[source], network.shapes[index])[0]:
            return (Way(source, None),)
        along = moves(node.layer, network.shapes[source], network.shapes[index])
        if node.layer.works_as.kind == "opaque":
            along = _stretched(network, node, index, source)
        return (Way(source, along),)
    placed = [source for source in node.inputs if not fields[source].pooled]
    stretches = kind in ("mul", "opaque")
    return tuple(
        Way(source, _stretched(network, node, index, source) if stretches and placed else None)
        for source in placed or node.inputs
    )


def _stretched(network: Network, node: Node, index: int, source: int) -> tuple[Move, ...] | None:
    # A side of 1 that shows at every position of the product does not move with it.
    sides = list(zip(network.shapes[source][1:], network.shapes[index][1:], strict=True))
    if all(same(side, out) for side, out in sides):
        return None
    return tuple(
        _as_it_is if same(side, out) else still if same(side, 1) else _perhaps_still
        for side, out in sides
    )


def is_told(network: Network, fields: Sequence[Field], index: int) -> bool:
    """Whether a layer has a rule: all but some opaque ones.

    One that works as a convolution has, if weights that come from the input are the same at all
    positions: then they are seen like other pooled values.
    """
    node, output = network.nodes[index], network.shapes[index]
    if node.layer.window is not None:
        return all(fields[source].pooled for source in node.inputs[1:])
    return node.layer.kind != "opaque" or all(
        is_pointwise(node.layer, network.shapes[source], output) for source in node.inputs
    )


def _nowhere(layer: Layer, part: Periodic) -> Periodic:
    raise NotKnownError(not_told(layer))


def _perhaps_still(part: Periodic) -> Periodic:
    raise NotKnownError("a side of named size may be 1, and stretched in a product")


def _as_it_is(part: Periodic) -> Periodic:
    return part


def _axes(ways: Sequence[Way], fields: Sequence[Field], output: Shape) -> tuple[Axis, ...]:
    branches = [moved(fields[way.source].axes or (), way.moves, output) for way in ways]
    first, *others = branches
    if all(other is first for other in others):
        return first
    return each_axis(_hull, *branches)


def _hull(*along: Axis) -> Axis:
    first, *others = along
    return meet(along, first.units) if any(other != first for other in others) else first


def moved(
    axes: tuple[Axis, ...], along: tuple[Move, ...] | None, output: Shape
) -> tuple[Axis, ...]:
    """The field of a value after a layer that moves it by `along` and gives it a shape."""
    if along is None:
        return axes
    return each_axis(_moved, axes, along, output[1:])


def _moved(axis: Axis, move: Move, units: Size) -> Axis:
    after = Axis(tuple([move(part) for part in axis.parts]), units)
    return after if len(after.parts) == 1 else meet([after], units)


_Flags = Callable[[Field, Shape], tuple[bool, bool]]  # pooled, and whether it sees everything


def _placed(field: Field, output: Shape) -> tuple[bool, bool]:
    return field.pooled, field.is_global


def _global(field: Field, output: Shape) -> tuple[bool, bool]:
    if all(same(size, 1) for size in output[1:]):
        return True, True
    return field.pooled, field.is_global


def _everything(field: Field, output: Shape) -> tuple[bool, bool]:
    return True, True


def _flatten(field: Field, output: Shape) -> tuple[bool, bool]:
    return True, field.is_global


def _linear(field: Field, output: Shape) -> tuple[bool, bool]:
    # Over the channels of what was flattened: over everything.
    return field.pooled, field.is_global or field.pooled


_UNCHANGED = ACTIVATIONS | SLOPES | NORMS
_UNCHANGED |= {"scale", "shuffle", "dropout", "slice", "input", "unused"}

_FLAGS: dict[str, _Flags] = {
    **dict.fromkeys(("conv", "dw", "convt", "max", "avg"), _placed),
    **dict.fromkeys(("gap", "gmp"), _global),
    "fc": _everything,
    "flatten": _flatten,
    "linear": _linear,
    **dict.fromkeys(("up", "resize", "pixelshuffle", "bilinear", "bilinearto"), _placed),
    **dict.fromkeys(BORDERS, _placed),
    **dict.fromkeys(LIKE | {"add", "cat", "mul", "opaque"}, _placed),
    **dict.fromkeys(_UNCHANGED, _placed),
}
assert _FLAGS.keys() == KINDS.keys(), "a kind of layer has no rule for its receptive field"
