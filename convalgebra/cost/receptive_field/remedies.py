"""The padding that would align a branch with the one beside it, verified before it is proposed.

One zero more before and one less after a window move its field by one jump of the values that it
reads, and keep its output size. Where no layer of the branch has padding to give, `pad` and `crop`
do the same to any of its values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from math import gcd, lcm
from operator import itemgetter
from typing import NamedTuple

from convalgebra.assumptions import Assumptions
from convalgebra.cost.receptive_field.alignment import Branch, Meeting, centres
from convalgebra.cost.receptive_field.amounts import Amount
from convalgebra.cost.receptive_field.axes import MOST_LOOKS, Axis
from convalgebra.cost.receptive_field.fields import Field, moved
from convalgebra.cost.receptive_field.moves import WINDOWS, moves
from convalgebra.errors import NotKnownError, SizeError
from convalgebra.layers import BORDERS, Layer, padding_of, spread_over
from convalgebra.network import Network
from convalgebra.shapes import Shape, output_shape
from convalgebra.windows import Pad

_MOST_TRIED = 16  # the first proposal is right, but for windows that lose their last output


class Remedy(NamedTuple):
    """What aligns two branches: `new` layers in place of the `old` one at a node.

    `branch` is the number of the branch that is changed. `old` is empty where layers are put in:
    after the node, on that branch alone.
    """

    branch: int
    node: int
    old: tuple[Layer, ...]
    new: tuple[Layer, ...]


class Stretch(NamedTuple):
    """The layers of a branch that nothing else reads, from the value they begin at."""

    start: int
    nodes: tuple[int, ...]


class Finding(NamedTuple):
    """A branch that is not aligned where it meets others, and what would mend it.

    `layers` and `beside` are the stretches of the branch and of the reference. `remedy` is None
    where no padding was found; `hopeless` says that there is none along the branch: it is off by a
    part of every jump there.
    """

    meeting: Meeting
    branch: Branch
    layers: Stretch
    beside: Stretch
    remedy: Remedy | None = None
    hopeless: bool = False


class Readers:
    """How often every value of a network is read; outputs count as read."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.times = [0] * len(network.nodes)
        for node in network.nodes:
            for source in node.inputs:
                self.times[source] += 1
        for output in network.outputs:
            self.times[output] += 1

    def stretch(self, end: int) -> Stretch:
        """The layers before `end`, and itself, that only lead from one to the next."""
        nodes: list[int] = []
        at = end
        while at and self.times[at] == 1 and len(self.network.nodes[at].inputs) == 1:
            nodes.append(at)
            at = self.network.nodes[at].inputs[0]
        return Stretch(at, tuple(reversed(nodes)))


def findings(
    network: Network, fields: Sequence[Field], meetings: Sequence[Meeting]
) -> tuple[Finding, ...]:
    """Every branch of some meetings that is not aligned, with the padding that would align it."""
    readers = Readers(network)
    found = []
    for meeting in meetings:
        for branch in meeting.others:
            if branch.verdict == "aligned":
                continue
            layers, beside = (readers.stretch(one.source) for one in (branch, meeting.reference))
            finding = Finding(meeting, branch, layers, beside)
            if branch.verdict == "off":
                remedy = remedy_for(network, fields, readers, meeting, branch)
                hopeless = remedy is None and _is_hopeless(fields, layers, branch)
                finding = finding._replace(remedy=remedy, hopeless=hopeless)
            found.append(finding)
    return tuple(found)


def remedy_for(
    network: Network, fields: Sequence[Field], readers: Readers, meeting: Meeting, branch: Branch
) -> Remedy | None:
    """Padding that aligns `branch` with the reference (or, of two branches, that one with it).

    What is returned was checked: shapes stay, and the centres coincide, on average over phases.

    >>> from convalgebra.cost.receptive_field.alignment import meetings
    >>> from convalgebra.cost.receptive_field.fields import receptive_fields
    >>> from convalgebra.language import parse
    >>> network = parse("input 1x32; 3p0:2 + id")
    >>> fields = receptive_fields(network)
    >>> (meeting,) = meetings(network, fields)
    >>> remedy_for(network, fields, Readers(network), meeting, meeting.others[0]).new[0].padding
    ((1, 1),)
    """
    offsets = [offset for offset in map(_fraction, branch.means) if offset is not None]
    if len(offsets) < len(branch.means):
        return None
    sides = [(branch, meeting.reference, offsets)]
    if len(meeting.others) == 1:
        sides.append((meeting.reference, branch, [-offset for offset in offsets]))
    for propose in (_shifted, _put_in):
        proposals = [
            (better, remedy, one, other)
            for one, other, offset in sides
            for better, remedy in propose(network, fields, readers, one, offset)
        ]
        proposals.sort(key=itemgetter(0))
        for _, remedy, one, other in proposals[:_MOST_TRIED]:
            if _aligns(network, fields, readers.stretch(one.source), remedy, one, other):
                return remedy
    return None


def _is_hopeless(fields: Sequence[Field], stretch: Stretch, branch: Branch) -> bool:
    """Whether along some axis no sum of jumps, before the branch and in it, makes the offset."""
    for at, mean in enumerate(branch.means):
        offset = _fraction(mean)
        jumps = [_jumps(fields[node])[at] for node in (stretch.start, *stretch.nodes)]
        known = [jump for jump in jumps if jump]
        if offset is None or len(known) < len(jumps):
            return False
        whole = lcm(offset.denominator, *(jump.denominator for jump in known))
        if (offset * whole).numerator % gcd(*((jump * whole).numerator for jump in known)):
            return True
    return False


def _fraction(amount: Amount | None) -> Fraction | None:
    return Fraction(amount) if isinstance(amount, (int, Fraction)) else None


def _jumps(field: Field) -> list[Fraction | None]:
    return [_fraction(axis.jump) for axis in field.axes or ()]


_Proposals = Iterator[tuple[tuple[bool, bool], Remedy]]  # the best ones have the smallest keys


def _shifted(
    network: Network,
    fields: Sequence[Field],
    readers: Readers,
    branch: Branch,
    offsets: Sequence[Fraction],
) -> _Proposals:
    """Layers of the branch with zeros moved to the other side; those first that get symmetric."""
    for index in readers.stretch(branch.source).nodes:
        node = network.nodes[index]
        padding = _padding(node.layer, network.shapes[node.inputs[0]])
        if padding is None:
            continue
        shifts = _shifts(offsets, _steps(fields, index, node.inputs[0], node.layer.kind))
        if shifts is None:
            continue
        pads = tuple(
            (before + shift, after - shift)
            for (before, after), shift in zip(padding, shifts, strict=True)
        )
        if all(isinstance(side, int) and side >= 0 for pad in pads for side in pad):
            of_border = node.layer.kind in BORDERS
            new = replace(node.layer, pads=pads) if of_border else replace(node.layer, padding=pads)
            better = _lopsided(pads), not _lopsided(padding)
            yield better, Remedy(branch.number, index, (node.layer,), (new,))


def _lopsided(pads: tuple[Pad, ...]) -> bool:
    return any(before != after for before, after in pads)


def _padding(layer: Layer, shape: Shape) -> tuple[Pad, ...] | None:
    if layer.kind in WINDOWS or layer.kind == "convt":
        return padding_of(layer, shape[1:])
    return spread_over(layer.pads, len(shape) - 1, "padding") if layer.kind in BORDERS else None


def _steps(fields: Sequence[Field], index: int, source: int, kind: str) -> list[Fraction | None]:
    """How far the field moves to the left for one zero more before, along each axis."""
    if kind in ("convt", "crop"):
        return [None if jump is None else -jump for jump in _jumps(fields[index])]
    return _jumps(fields[source])


def _shifts(
    offsets: Sequence[Fraction], steps: Sequence[Fraction | None]
) -> tuple[int, ...] | None:
    """How many steps make every offset, None if that is no whole number along some axis."""
    found = []
    for offset, step in zip(offsets, steps, strict=True):
        if not offset:
            found.append(0)
        elif step and (offset / step).denominator == 1:
            found.append(int(offset / step))
        else:
            return None
    return tuple(found)


def _put_in(
    network: Network,
    fields: Sequence[Field],
    readers: Readers,
    branch: Branch,
    offsets: Sequence[Fraction],
) -> _Proposals:
    """A `pad` and a `crop` after a value of the branch, the last one first."""
    stretch = readers.stretch(branch.source)
    for index in reversed((stretch.start, *stretch.nodes)):
        shifts = _shifts(offsets, _jumps(fields[index]))
        if shifts is None:
            continue
        before = tuple(max(0, shift) for shift in shifts)
        after = tuple(max(0, -shift) for shift in shifts)
        pad = Layer("pad", pads=tuple(zip(before, after, strict=True)))
        crop = Layer("crop", pads=tuple(zip(after, before, strict=True)))
        yield (False, False), Remedy(branch.number, index, (), (pad, crop))


def _aligns(
    network: Network,
    fields: Sequence[Field],
    stretch: Stretch,
    remedy: Remedy,
    branch: Branch,
    other: Branch,
) -> bool:
    """Whether the branch, worked out anew with the remedy, lies where the other one does."""
    layers: list[Layer] = [] if remedy.old or remedy.node != stretch.start else [*remedy.new]
    for index in stretch.nodes:
        replaced = remedy.old and index == remedy.node
        layers += remedy.new if replaced else (network.nodes[index].layer,)
        if not remedy.old and index == remedy.node:
            layers += remedy.new
    shape, axes = network.shapes[stretch.start], fields[stretch.start].axes
    try:
        for layer in layers:
            output = output_shape(layer, [shape], Assumptions())
            axes = moved(axes or (), moves(layer, shape, output), output)
            shape = output
    except (NotKnownError, SizeError):
        return False
    same_shape = shape == network.shapes[branch.source]
    return same_shape and all(map(_coincide, axes or (), other.axes))


def _coincide(one: Axis, two: Axis) -> bool:
    period = lcm(len(one.phases), len(two.phases))
    if period > MOST_LOOKS:
        return False
    first, second = centres(one, period), centres(two, period)
    pairs = [
        (a, b)
        for a, b in zip(first.doubled, second.doubled, strict=True)
        if a is not None and b is not None
    ]
    return first.jump == second.jump and sum(a for a, _ in pairs) == sum(b for _, b in pairs)
