"""A stack cut at its activations: linear pieces, and the activation between each two of them.

Only an activation that every path passes is a place to cut. The pieces are networks of their own,
in plain form: no dropout, every padding and every number of channels written out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from convalgebra.algebra.activations.facts import is_nonnegative
from convalgebra.algebra.families import Family
from convalgebra.algebra.plan import plan_of, stack_text
from convalgebra.layers import (
    ACTIVATIONS,
    BORDERS,
    CONVOLUTIONS,
    KEPT,
    Channels,
    Layer,
    out_channels,
    padding_of,
)
from convalgebra.network import INPUT, Network, Node
from convalgebra.shapes import slice_bounds
from convalgebra.windows import Pad, same_padding

MIXING = CONVOLUTIONS | {"linear"}  # kinds whose layers have a number of channels
FREE = MIXING | {"bn", "scale"}  # kinds with weights
PER_CHANNEL = frozenset({"bn", "scale", "avg", "up", "bilinear"}) | BORDERS
_UPWARDS = frozenset({"convt", "up", "bilinear", "pixelshuffle"})


@dataclass(frozen=True)
class Piece:
    """A linear network between two activations; `channels` come in.

    A piece without layers is the identity. The layers' channels are absolute numbers.
    """

    nodes: tuple[Node, ...]
    channels: int
    axes: int

    @property
    def is_empty(self) -> bool:
        """Whether it has no layers at all."""
        return len(self.nodes) == 1

    @property
    def is_identity(self) -> bool:
        """Whether it passes its input on: no layers, or one average over a single place."""
        one = Layer("avg", (1,) * self.axes)
        return self.is_empty or (len(self.nodes) == 2 and self.nodes[1].layer == one)

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """The channels of every node's value."""
        return _widths(self.nodes, self.channels, self.axes)

    @property
    def out(self) -> int:
        """The channels that go out."""
        return self.widths[-1]

    @cached_property
    def network(self) -> Network:
        """The piece for the linear engine; the identity is written as an average over one."""
        if self.is_empty:
            return _network([self.nodes[0], Node(Layer("avg", (1,) * self.axes), (0,), 1)])
        widths, nodes = self.widths, []
        for index, node in enumerate(self.nodes):
            if node.layer.kind in MIXING and widths[index] == widths[node.inputs[0]]:
                node = node._replace(layer=replace(node.layer, channels=KEPT))
            nodes.append(node)
        return _network(nodes)

    @cached_property
    def family(self) -> Family:
        """The family of it: the plan has a step for every node."""
        return Family(plan_of(self.network, self.channels, self.axes))

    @property
    def is_chain(self) -> bool:
        """Whether every layer reads only the one before, and no weights are shared."""
        return all(
            node.inputs == (index - 1,) and node.weights == index
            for index, node in enumerate(self.nodes[1:], 1)
        )

    @property
    def has_bias(self) -> bool:
        """Whether it may add constants."""
        return any(node.layer.bias or node.layer.kind == "bn" for node in self.nodes)

    @property
    def is_free(self) -> bool:
        """Whether some layer of a chain has weights: then the family is closed under scaling."""
        return self.is_chain and any(node.layer.kind in FREE for node in self.nodes)

    @property
    def goes_up(self) -> bool:
        """Whether some layer makes its input larger."""
        return any(node.layer.kind in _UPWARDS for node in self.nodes)

    def without_bias(self) -> Piece:
        """The same kernels without constants."""
        nodes = []
        for node in self.nodes:
            layer = node.layer
            if layer.kind == "bn":
                layer = Layer("scale")
            elif layer.bias:
                layer = replace(layer, bias=False)
            nodes.append(node._replace(layer=layer))
        return replace(self, nodes=tuple(nodes))


def _network(nodes: list[Node] | tuple[Node, ...]) -> Network:
    return Network(None, tuple(nodes), (len(nodes) - 1,))


def _widths(nodes: tuple[Node, ...], channels: int, axes: int) -> tuple[int, ...]:
    widths = [channels]
    for node in nodes[1:]:
        layer, (first, *others) = node.layer, (widths[source] for source in node.inputs)
        if layer.kind in MIXING:
            first = int(out_channels(layer, first))
        elif layer.kind == "cat":
            first += sum(others)
        elif layer.kind == "slice":
            start, stop = slice_bounds(layer, first)
            first = int(stop) - int(start)
        elif layer.kind == "pixelshuffle":
            first //= int(layer.size[0]) ** axes
        widths.append(first)
    return tuple(widths)


@dataclass(frozen=True)
class Stack:
    """Pieces with activations between them: one more piece than activations.

    `shared`: layers of different pieces have the same weights. `idle`: ReLUs that never do anything
    were left out.
    """

    text: str
    pieces: tuple[Piece, ...]
    kinds: tuple[str, ...]
    shared: bool
    idle: bool = False

    @property
    def first(self) -> Piece:
        """The piece before the first activation."""
        return self.pieces[0]

    @property
    def last(self) -> Piece:
        """The piece after the last activation."""
        return self.pieces[-1]

    @property
    def has_bias(self) -> bool:
        """Whether a layer may add constants."""
        return any(piece.has_bias for piece in self.pieces)

    @cached_property
    def skeleton(self) -> Network:
        """The stack without its activations."""
        return joined(self.pieces, ())

    def network(self) -> Network:
        """The stack as one network."""
        return joined(self.pieces, self.kinds)

    def before_last(self) -> Stack:
        """The stack up to its last activation, which it drops."""
        text = stack_text(joined(self.pieces[:-1], self.kinds[:-1])) or "id"
        return replace(self, text=text, pieces=self.pieces[:-1], kinds=self.kinds[:-1])


def joined(pieces: tuple[Piece, ...], kinds: tuple[str, ...]) -> Network:
    """The pieces one after another, with activations between them if there are any."""
    nodes: list[Node] = [Node(INPUT, (), 0)]
    for number, piece in enumerate(pieces):
        start = len(nodes) - 1
        tidy = piece.nodes if piece.is_empty else piece.network.nodes
        for node in tidy[1:]:
            sources = tuple(start + source for source in node.inputs)
            nodes.append(Node(node.layer, sources, start + node.weights))
        if number < len(kinds):
            last = len(nodes)
            nodes.append(Node(Layer(kinds[number]), (last - 1,), last))
    if len(nodes) == 1:
        return Piece((nodes[0],), pieces[0].channels, pieces[0].axes).network
    return _network(nodes)


def merged(pieces: tuple[Piece, ...]) -> Piece:
    """The pieces, without the activations between them, as one."""
    first = pieces[0]
    if all(piece.is_empty for piece in pieces):
        return first
    nodes = joined(pieces, ()).nodes
    return replace(first, nodes=_absolute(nodes, first.channels, first.axes))


def cut(network: Network, channels: int, axes: int | None = None) -> Stack | None:
    """The pieces of a stack; None if some path goes around an activation.

    >>> from convalgebra.language import parse
    >>> stack = cut(parse("3x3@8b, relu, dropout, (1x1 + id), tanh"), 1)
    >>> [str(piece.network) for piece in stack.pieces if not piece.is_empty], stack.kinds
    (['3x3@8b', '1x1 + id'], ('relu', 'tanh'))

    Raises UnsupportedError and ShapeError as `plan_of` does, activations apart.
    """
    dropped = Layer("dropout")
    linear = replace(
        network,
        nodes=tuple(
            node._replace(layer=dropped) if node.layer.kind in ACTIVATIONS else node
            for node in network.nodes
        ),
    )
    plan = plan_of(linear, channels, axes)
    nodes = _plain(network, plan.channels[0], plan.axes)
    cuts = [index for index, node in enumerate(nodes) if node.layer.kind in ACTIVATIONS]
    if not _on_every_path(nodes, cuts):
        return None
    widths = _widths(nodes, plan.channels[0], plan.axes)
    pieces, shared = [], False
    start = 0
    for end in [*cuts, len(nodes)]:
        inside = [Node(INPUT, (), 0)]
        for index in range(start + 1, end):
            node = nodes[index]
            shared |= node.weights <= start
            sources = tuple(source - start for source in node.inputs)
            inside.append(Node(node.layer, sources, max(node.weights - start, 0)))
        pieces.append(Piece(tuple(inside), widths[start], plan.axes))
        start = end
    kinds = [nodes[index].layer.kind for index in cuts]
    return _without_idle(Stack(stack_text(network), tuple(pieces), tuple(kinds), shared))


def _plain(network: Network, channels: int, axes: int) -> tuple[Node, ...]:
    """The live nodes, each with its padding and channels as numbers."""
    place = {0: 0}
    first: dict[int, int] = {}
    found = [Node(INPUT, (), 0)]
    for index, node in enumerate(network.nodes):
        if not index or not network.live[index]:
            continue
        sources = tuple(place[source] for source in node.read)
        if node.layer.kind in ("dropout", "unused"):
            place[index] = sources[0]
            continue
        layer = node.layer
        if layer.padding == "same":
            layer = replace(layer, padding=_written_out(network, index, layer))
        weights = first.setdefault(node.weights, len(found))
        place[index] = len(found)
        found.append(Node(layer, sources, weights))
    last = place[network.outputs[0]]
    return _absolute(tuple(found[: last + 1]), channels, axes)


def _written_out(network: Network, index: int, layer: Layer) -> tuple[Pad, ...]:
    if network.shape is not None:
        return padding_of(layer, network.shapes[network.nodes[index].inputs[0]][1:])
    sizes = zip(layer.size, layer.dilation, strict=True)
    return tuple(same_padding(1, k, 1, d) for k, d in sizes)


def _on_every_path(nodes: tuple[Node, ...], cuts: list[int]) -> bool:
    """Whether no edge jumps over any of the nodes `cuts`."""
    reach = [min(node.inputs, default=0) for node in nodes]
    least = len(nodes)
    marked = set(cuts)
    for index in range(len(nodes) - 1, 0, -1):
        if index in marked and least < index:
            return False
        least = min(least, reach[index])
    return True


def _without_idle(stack: Stack) -> Stack:
    """The stack without ReLUs that never do anything.

    Between them and an activation without negative values there are only fixed layers, whose taps
    are positive.
    """
    pieces = [stack.pieces[0]]
    kinds: list[str] = []
    for kind, piece in zip(stack.kinds, stack.pieces[1:], strict=True):
        quiet = (
            kind == "relu"
            and kinds
            and is_nonnegative(kinds[-1])
            and not any(node.layer.kind in FREE for node in pieces[-1].nodes)
        )
        if quiet:
            before = pieces.pop()
            if before.is_empty:
                pieces.append(piece)
                continue
            pieces.append(merged((before, piece)))
        else:
            kinds.append(kind)
            pieces.append(piece)
    idle = len(kinds) < len(stack.kinds)
    return replace(stack, pieces=tuple(pieces), kinds=tuple(kinds), idle=idle)


def _absolute(nodes: tuple[Node, ...], channels: int, axes: int) -> tuple[Node, ...]:
    """The nodes with every number of channels absolute."""
    widths = _widths(nodes, channels, axes)
    return tuple(
        node._replace(layer=replace(node.layer, channels=Channels("=", width)))
        if node.layer.kind in MIXING
        else node
        for node, width in zip(nodes, widths, strict=True)
    )
