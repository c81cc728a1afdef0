"""The channels between pieces: how they fall into blocks, and stacks with fewer of them.

Next to an activation a piece has layers that keep channels apart (depthwise ones, averages, batch
norms), up to one that mixes them: the layer whose rows, or columns, are the channels. Its groups
cut the channels into blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from convalgebra.algebra.activations.pieces import MIXING, PER_CHANNEL, Piece, Stack
from convalgebra.layers import Channels, Layer, groups_of
from convalgebra.network import Node


def _groups(piece: Piece, index: int) -> int:
    node = piece.nodes[index]
    return int(groups_of(node.layer, piece.widths[node.inputs[0]]))


def keeps_apart(piece: Piece, index: int) -> bool:
    """Whether channel c of a node's value is made of channel c of its source alone."""
    node = piece.nodes[index]
    if node.layer.kind in PER_CHANNEL:
        return True
    width = piece.widths[index]
    return (
        node.layer.kind in MIXING
        and _groups(piece, index) == width == (piece.widths[node.inputs[0]])
    )


def side(piece: Piece, *, left: bool) -> list[int] | None:
    """The nodes from one end of a piece up to the first that mixes channels, that one included.

    `left`: the piece stands left of the activation, and the end is its last node. A piece that
    never mixes gives all its nodes. None where it branches there, shares weights, or moves
    channels around.
    """
    readers = [0] * len(piece.nodes)
    for node in piece.nodes:
        for source in node.inputs:
            readers[source] += 1
    shared = {node.weights for index, node in enumerate(piece.nodes) if node.weights != index}
    found: list[int] = []
    order = range(len(piece.nodes) - 1, 0, -1) if left else range(1, len(piece.nodes))
    expected = len(piece.nodes) - 1 if left else 1
    for index in order:
        node = piece.nodes[index]
        if index != expected or len(node.inputs) != 1 or node.weights != index:
            return None
        if index in shared:
            return None
        if readers[index] != (0 if index == len(piece.nodes) - 1 else 1):
            return None
        if not left and (readers[node.inputs[0]] != 1 or node.inputs[0] != index - 1):
            return None
        found.append(index)
        if not keeps_apart(piece, index):
            return found if node.layer.kind in MIXING else None
        expected = node.inputs[0] if left else index + 1
    return found if not left or expected == 0 else None


def mixer(piece: Piece, *, left: bool) -> int | None:
    """The node whose rows (left of an activation) or columns (right) are the channels, or None."""
    nodes = side(piece, left=left)
    if not nodes or keeps_apart(piece, nodes[-1]):
        return None
    return nodes[-1]


def blocks(piece: Piece, *, left: bool) -> int | None:
    """In how many blocks the channels at one end fall; None where it cannot be told.

    Two channels are in one block if they read the same inputs (left of the activation), or are read
    by the same outputs (right of it).

    >>> from convalgebra.algebra.activations.pieces import cut
    >>> from convalgebra.language import parse
    >>> first, last = cut(parse("1x1@6g2, dw3x3, relu, avg2x2s1, 3x3g3"), 4).pieces
    >>> blocks(first, left=True), blocks(last, left=False)
    (2, 3)
    """
    nodes = side(piece, left=left)
    if nodes is None:
        return None
    width = piece.out if left else piece.channels
    return width if not nodes or keeps_apart(piece, nodes[-1]) else _groups(piece, nodes[-1])


def narrowed(piece: Piece, channels: int, out: int) -> Piece | None:
    """The piece with fewer channels at its ends: a part of the family, the rest of the rows 0.

    The first channels of each block stay. None where the ends cannot be changed so.
    """
    nodes = list(piece.nodes)
    both = [(True, out, piece.out), (False, channels, piece.channels)]
    apart = all(keeps_apart(piece, index) for index in range(1, len(nodes)))
    if apart and piece.is_chain and channels != out:
        return None
    for left, new, old in both:
        if new == old:
            continue
        found = side(piece, left=left)
        if found is None or (not apart and keeps_apart(piece, found[-1])):
            return None
        for index in found:
            node = nodes[index]
            layer = _with_channels(piece, index, node.layer, new, left=left)
            if layer is None:
                return None
            nodes[index] = Node(layer, node.inputs, node.weights)
    return Piece(tuple(nodes), channels, piece.axes)


def _with_channels(piece: Piece, index: int, layer: Layer, new: int, *, left: bool) -> Layer | None:
    if layer.kind in PER_CHANNEL:
        return layer
    if keeps_apart(piece, index):
        groups = 1 if layer.kind in ("dw", "linear") else new
        return replace(layer, channels=Channels("=", new), groups=groups)
    if new % _groups(piece, index):
        return None
    if layer.kind == "dw" and not left:  # as many groups as channels: none can be left out
        return None
    return replace(layer, channels=Channels("=", new)) if left else layer


def block_sizes(stack: Stack) -> list[tuple[int, int] | None]:
    """For every activation: how many blocks its channels fall into, and how many each has.

    Two channels are in one block if they read the same inputs and are read by the same outputs.
    """
    found: list[tuple[int, int] | None] = []
    for before, after in zip(stack.pieces, stack.pieces[1:], strict=False):
        one, two = blocks(before, left=True), blocks(after, left=False)
        if one is None or two is None or (one % two and two % one):
            found.append(None)
        else:
            count = max(one, two)
            found.append((count, before.out // count))
    return found


def with_widths(stack: Stack, widths: Sequence[int]) -> tuple[Piece, ...] | None:
    """The pieces with these numbers of channels at the activations."""
    ends = [stack.first.channels, *widths, stack.last.out]
    found = []
    for piece, channels, out in zip(stack.pieces, ends, ends[1:], strict=False):
        new = narrowed(piece, channels, out)
        if new is None:
            return None
        found.append(new)
    return tuple(found)


def halved(stack: Stack) -> tuple[Piece, ...] | None:
    """The pieces with half of the channels of every block, rounded down; None if none are left.

    >>> from convalgebra.algebra.activations.pieces import cut, joined
    >>> from convalgebra.language import parse
    >>> str(joined(halved(cut(parse("2x2@5, relu, 2x2@1"), 1)), ()))
    '2x2@2, 2x2@1'
    """
    sizes = block_sizes(stack)
    widths = []
    for size in sizes:
        if size is None or size[1] < 2:
            return None
        widths.append(size[0] * (size[1] // 2))
    return with_widths(stack, widths)


def without_spare_channels(piece: Piece) -> Piece:
    """A chain of convolutions of which no hidden width is wider than it can be of use.

    Between two layers that mix all channels, of c -> h and h -> c' channels with n and n' taps, the
    family depends only on the products of a column and a row: on a matrix of c' n' rows and c n
    columns (one more for a bias of the first layer) and of rank at most h. So a larger h than the
    smaller of the two numbers makes no difference.

    >>> from convalgebra.algebra.activations.pieces import cut
    >>> from convalgebra.language import parse
    >>> (piece,) = cut(parse("3x3@64, 2x2@40, 1x1@3"), 1).pieces
    >>> str(without_spare_channels(piece).network)
    '3x3@9, 2x2@3, 1x1'
    """
    if not piece.is_chain:
        return piece
    nodes = list(piece.nodes)
    changed = True
    while changed:
        changed = False
        for index in range(1, len(nodes) - 1):
            one, two = nodes[index].layer, nodes[index + 1].layer
            if any(
                layer.kind not in ("conv", "linear") or layer.groups != 1 for layer in (one, two)
            ):
                continue
            width = int(one.channels.size)
            inside = piece.channels if index == 1 else _out(nodes, index - 1, piece)
            most = min(
                inside * prod(map(int, one.size)) + one.bias,
                int(two.channels.size) * prod(map(int, two.size)),
            )
            if most < width:
                layer = replace(one, channels=Channels("=", most))
                nodes[index] = nodes[index]._replace(layer=layer)
                changed = True
    return Piece(tuple(nodes), piece.channels, piece.axes)


def _out(nodes: list[Node], index: int, piece: Piece) -> int:
    return Piece(tuple(nodes[: index + 1]), piece.channels, piece.axes).out
