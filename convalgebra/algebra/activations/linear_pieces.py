"""What linear pieces make of one another, and the answers that stacks with activations get."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from convalgebra.algebra.activations.odd import nonlinear, odd_witness
from convalgebra.algebra.activations.pieces import Piece, Stack
from convalgebra.algebra.activations.structure import fits
from convalgebra.algebra.activations.widths import without_spare_channels
from convalgebra.algebra.answers import COMPLEX, Answer, Reach
from convalgebra.algebra.families import Family, family_of
from convalgebra.errors import UnsupportedError
from convalgebra.layers import ACTIVATIONS, BORDERS, spread_over
from convalgebra.network import Network, Node

Linear = Callable[[Network, Network, int], Reach]

STRENGTH: dict[Answer, int] = {"unknown": -1, "thin": 0, "part": 1, "dense": 2, "all": 3}


def all_of_it(reason: str, offsets: tuple[tuple[int, ...], ...]) -> Reach:
    """The answer `all` over all fields."""
    return Reach("all", "all", "all", reason, offsets, codimension=0)


def thin(reason: str) -> Reach:
    """The answer `thin` where activations decide."""
    return Reach("thin", "unknown", "thin", reason, notes=(COMPLEX,))


def unknown(reason: str) -> Reach:
    """No answer."""
    return Reach("unknown", "unknown", "unknown", reason)


def family(stack: Stack) -> Family:
    """The family of a stack without its activations: what its members can depend on."""
    return family_of(stack.skeleton, stack.first.channels, stack.first.axes)


def with_witness(found: Reach, made: Network, text: str, channels: int, axes: int) -> Reach:
    """The answer with a concrete input on which a member of `made` is not linear, if it has one.

    Only ReLUs without biases have such a witness. It goes with what linear stacks do not make.
    """
    if {node.layer.kind for node in made.nodes} & ACTIVATIONS != {"relu"}:
        return found
    claim = nonlinear(made, channels, axes, "made")
    witness = odd_witness(made, channels, axes)
    return replace(
        found,
        notes=(witness.sentence(text), *found.notes) if witness else found.notes,
        claims=(*found.claims, claim) if claim else found.claims,
    )


def without_padding(piece: Piece) -> tuple[Piece, tuple[int, ...]]:
    """A chain without its padding, and how far that was: its kernel begins so much earlier.

    A piece with branches, or one that makes its input larger, stays as it is.

    >>> from convalgebra.algebra.activations.pieces import cut
    >>> from convalgebra.language import parse
    >>> (piece,) = cut(parse("3x3s2p1, pad1, 3x3p2"), 1).pieces
    >>> bare, pad = without_padding(piece)
    >>> str(bare.network), pad
    ('3x3s2, 3x3', (7, 7))
    """
    zero = (0,) * piece.axes
    if not piece.is_chain or piece.goes_up:
        return piece, zero
    total, stride = list(zero), [1] * piece.axes
    nodes: list[Node] = [piece.nodes[0]]
    for node in piece.nodes[1:]:
        layer, at = node.layer, len(nodes)
        pads = spread_over(layer.pads, piece.axes, "padding") if layer.pads else layer.padding
        sign = -1 if layer.kind == "crop" else 1
        for axis, pad in enumerate(pads):
            assert not isinstance(pad, str)
            total[axis] += sign * stride[axis] * int(pad[0])
        if layer.kind in BORDERS:
            continue
        for axis, step in enumerate(layer.stride):
            stride[axis] *= int(step)
        nodes.append(Node(replace(layer, padding=()), (at - 1,), at))
    return replace(piece, nodes=tuple(nodes)), tuple(total)


class PieceAnswers:
    """What linear pieces make of one another, by a function that decides linear stacks.

    `anywhere` has the answers up to a shift; `aligned`: the others are those as the pieces lie.
    """

    def __init__(self, linear: Linear, anywhere: Linear | None = None) -> None:
        self.ask, self.aligned = linear, anywhere is not None
        self.anywhere = self if anywhere is None else PieceAnswers(anywhere)
        self.known: dict[tuple[Network, Network, int], Reach] = {}

    def linear(self, maker: Piece, made: Piece) -> Reach:
        """The answer for two linear pieces."""
        if maker.is_empty and made.is_empty:
            return all_of_it("both are the identity", ((0,) * maker.axes,))
        question = (maker.network, made.network, maker.channels)
        if question not in self.known:
            self.known[question] = self.decided(maker, made)
        return self.known[question]

    def decided(self, maker: Piece, made: Piece) -> Reach:
        """The answer as they stand, or without channels to spare: these hide what is the same."""
        narrow = without_spare_channels(maker), without_spare_channels(made)
        refused: UnsupportedError | None = None
        found = unknown("")
        try:
            found = self.ask(maker.network, made.network, maker.channels)
        except UnsupportedError as error:
            refused = error
        if found.real != "all" and narrow != (maker, made):
            again = self.ask(narrow[0].network, narrow[1].network, maker.channels)
            if refused or STRENGTH[again.real] > STRENGTH[found.real]:
                return replace(again, claims=())
        if refused:
            raise refused
        return found

    def piece(self, maker: Piece, made: Piece) -> Reach:
        """The same for pieces that `linear` may refuse."""
        try:
            return self.linear(maker, made)
        except UnsupportedError as error:
            return unknown(str(error))


def sees_less(maker: Stack, made: Stack, *, aligned: bool) -> bool:
    """Whether generic members of `made` depend on inputs that `maker` does not see."""
    try:
        return fits(family(maker), family(made), aligned=aligned) is False
    except UnsupportedError:
        return False
