"""Sums of a stack with activations and a linear one: residual blocks.

A member F = A + L is affine if and only if A is. So what is known of the affine members of A is
known of F: if A has no others than constants, the linear members of the sum are those of L; if A is
undone by pairs of channels, they are those of the halved stack plus L; and if almost no member of A
is affine, almost none of the sum is. The two branches share nothing but the input.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from convalgebra.algebra.activations.doubling import pairs_text, undone
from convalgebra.algebra.activations.linear_pieces import (
    STRENGTH,
    PieceAnswers,
    thin,
    unknown,
    with_witness,
)
from convalgebra.algebra.activations.pieces import Piece, Stack, cut, joined, merged
from convalgebra.algebra.activations.structure import (
    can_be_zero,
    halving_is_exact,
    is_rarely_linear,
    keeps_zero,
    only_constants,
)
from convalgebra.algebra.answers import COMPLEX, Reach
from convalgebra.algebra.plan import stack_text
from convalgebra.layers import ACTIVATIONS, Layer
from convalgebra.network import INPUT, Network, Node


@dataclass(frozen=True)
class Sum:
    """The sum of a stack with activations and one without, which both read the input."""

    text: str
    network: Network
    active: Stack
    linear: Stack


def sum_of(network: Network, channels: int, axes: int) -> Sum | None:
    """The two parts of a sum; None if the stack is none, or its branches have more in common.

    >>> from convalgebra.language import parse
    >>> found = sum_of(parse("(3x3p1@4, relu, 3x3p1@1) + 1x1 + id"), 1, 2)
    >>> found.active.text, found.linear.text
    ('3x3p1@4,relu,3x3p1@1', '1x1 + id')
    """
    last = network.outputs[0]
    while network.nodes[last].layer.kind == "dropout":
        (last,) = network.nodes[last].inputs
    if network.nodes[last].layer.kind != "add":
        return None
    branches = [(source, _closure(network, source)) for source in network.nodes[last].inputs]
    active = [found for found in branches if _is_active(network, found[1])]
    passive = [found for found in branches if not _is_active(network, found[1])]
    if len(active) != 1 or not passive:
        return None
    ((end, inside),) = active
    others = frozenset[int]().union(*(found for _, found in passive))
    if inside & others != {0} or any(
        network.nodes[index].weights not in part for part in (inside, others) for index in part
    ):
        return None
    one = cut(_part(network, inside, [end], axes), channels, axes)
    two = cut(_part(network, others, [source for source, _ in passive], axes), channels, axes)
    if one is None or two is None or one.shared:
        return None
    if len(others) == 1:
        two = replace(two, text="id")
    return Sum(stack_text(network), network, one, two)


def _closure(network: Network, end: int) -> frozenset[int]:
    found, waiting = {0}, [end]
    while waiting:
        index = waiting.pop()
        if index not in found:
            found.add(index)
            node = network.nodes[index]
            waiting += node.read
    return frozenset(found)


def _is_active(network: Network, nodes: frozenset[int]) -> bool:
    return any(network.nodes[index].layer.kind in ACTIVATIONS for index in nodes)


def _part(network: Network, inside: frozenset[int], ends: list[int], axes: int) -> Network:
    """The nodes `inside` as a network of their own, the sum of `ends` coming out."""
    place = {index: number for number, index in enumerate(sorted(inside))}
    nodes = [Node(INPUT, (), 0)]
    for index in sorted(inside - {0}):
        node = network.nodes[index]
        sources = tuple(place[source] for source in node.inputs if source in place)
        nodes.append(Node(node.layer, sources, place[node.weights]))
    at = [place[end] for end in ends]
    if at == [0]:
        nodes.append(Node(Layer("avg", (1,) * axes), (0,), 1))
    elif len(at) > 1:
        nodes.append(Node(Layer("add"), tuple(at), len(nodes)))
    last = len(nodes) - 1 if at == [0] or len(at) > 1 else at[0]
    return replace(network, nodes=tuple(nodes), outputs=(last,))


def linear_of_sum(answers: PieceAnswers, maker: Sum, made: Stack) -> Reach:
    """What a sum reproduces of a linear stack."""
    active, linear = maker.active, maker.linear.first
    why = only_constants(active)
    if why is not None and (not made.has_bias or keeps_zero(active)):
        rest = linear if made.has_bias else linear.without_bias()
        exact, possible = True, can_be_zero(active)
        reason = f"nothing linear comes from {active.text} ({why}); for the rest of the sum: "
        notes: tuple[str, ...] = ()
    else:
        small = undone(active)
        if small is None:
            return unknown(f"which linear maps {maker.text} contains is not decided")
        rest = _added(merged(small), linear)
        exact, possible = halving_is_exact(active, made.first), True
        text = f"({stack_text(joined(small, ()))}) + {maker.linear.text}"
        reason = f"pairs of channels undo the activations; then as for {text}: "
        notes = (f"{pairs_text(active)} {maker.text} contains the linear maps of that",)
    found = _at_its_place(answers.piece(rest, made.first), maker, rest)
    known = exact if found.real == "thin" else possible and STRENGTH[found.real] > 0
    if not known:
        undecided = reason + found.reason if found.real == "unknown" and found.reason else ""
        return unknown(undecided or f"which linear maps {maker.text} contains is not decided")
    return replace(
        found,
        complex="unknown",
        rational=found.rational if exact or found.rational != "thin" else "unknown",
        reason=reason + found.reason,
        witnesses=found.witnesses if exact else (),
        codimension=found.codimension if exact and possible else None,
        degree=found.degree if exact and possible else None,
        notes=(*notes, *found.notes, COMPLEX),
        claims=(),  # they are about the rest alone
    )


def _at_its_place(found: Reach, maker: Sum, rest: Piece) -> Reach:
    """The answer for a part of a sum, its offsets counted from the first input of the sum."""
    if found.real == "thin":
        return found
    first = rest.family.offset
    whole = _added(merged(maker.active.pieces), maker.linear.first).family.offset
    moved = (
        tuple(o + a - s for o, a, s in zip(offset, first, whole, strict=True))
        for offset in found.offsets
    )
    return replace(found, offsets=tuple(moved))


def _added(one: Piece, two: Piece) -> Piece:
    """The sum of two pieces."""
    shift = len(one.nodes) - 1
    nodes = list(one.nodes)
    for node in () if two.is_identity else two.nodes[1:]:
        sources = tuple(source + shift if source else 0 for source in node.inputs)
        nodes.append(Node(node.layer, sources, node.weights + shift))
    end = 0 if two.is_identity else len(nodes) - 1
    nodes.append(Node(Layer("add"), (shift, end), len(nodes)))
    return Piece(tuple(nodes), one.channels, one.axes)


def sum_made(maker: Stack, made: Sum) -> Reach:
    """What a linear stack reproduces of a sum."""
    if not is_rarely_linear(made.active):
        return unknown(f"which members of {made.text} are linear is not decided")
    reason = f"almost no member of {made.text} is linear, as almost none of {made.active.text} is"
    first = maker.first
    return with_witness(thin(reason), made.network, made.text, first.channels, first.axes)
