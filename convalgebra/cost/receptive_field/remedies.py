"""The padding that would align a branch with the one beside it, verified before it is proposed.

One zero more before and one less after a window move its field by one jump of the values that it
reads, and keep its output size. Where no layer of the branch has padding to give, `pad` and `crop`
do the same to any of its values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

from convalgebra.assumptions import Assumptions
from convalgebra.cost.receptive_field.alignment import Amount, Branch, Meeting, centres, whole
from convalgebra.cost.receptive_field.axes import Axis, NotKnownError
from convalgebra.cost.receptive_field.fields import Field, moved
from convalgebra.cost.receptive_field.moves import moves
from convalgebra.errors import SizeError
from convalgebra.layers import BORDERS, Layer, padding_of, spread_over
from convalgebra.network import Network
from convalgebra.shapes import Shape, output_shape
from convalgebra.windows import Pad

_WINDOWS = frozenset({"conv", "dw", "max", "avg"})


class Remedy(NamedTuple):
    """What aligns a branch: `new` layers in place of the `old` ones at a node.

    `old` is empty where layers are put in: after the node.
    """

    node: int
    old: tuple[Layer, ...]
    new: tuple[Layer, ...]


class Stretch(NamedTuple):
    """The layers of a branch that nothing else reads, from the value they begin at."""

    start: int
    nodes: tuple[int, ...]


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
    offsets = branch.means
    if not all(isinstance(offset, (int, Fraction)) for offset in offsets):
        return None
    numbers = [Fraction(offset) for offset in offsets]  # type: ignore[arg-type]
    sides = [(branch, meeting.reference, numbers)]
    if len(meeting.others) == 1:
        sides.append((meeting.reference, branch, [-offset for offset in numbers]))
    for proposals in (_shifted, _put_in):
        for one, other, offset in sides:
            stretch = readers.stretch(one.source)
            for remedy in proposals(network, fields, stretch, offset):
                if _aligns(network, fields, stretch, remedy, one, other):
                    return remedy
    return None


def can_be_aligned(fields: Sequence[Field], stretch: Stretch, branch: Branch) -> bool | None:
    """Whether padding on a stretch may align its branch: False if it is off by part of a jump."""
    for at, offset in enumerate(branch.means):
        for node in (stretch.start, *stretch.nodes):
            axes = fields[node].axes
            jump = axes[at].jump if axes else None
            if not isinstance(jump, (int, Fraction)) or not isinstance(offset, (int, Fraction)):
                return None
            if jump and (Fraction(offset) / Fraction(jump)).denominator == 1:
                break
        else:
            return False
    return True


def _shifted(
    network: Network, fields: Sequence[Field], stretch: Stretch, offsets: Sequence[Fraction]
) -> Iterator[Remedy]:
    """Layers of the stretch with zeros moved from one side to the other; symmetric ones first."""
    found = []
    for index in stretch.nodes:
        node = network.nodes[index]
        shape = network.shapes[node.inputs[0]]
        padding = _padding(node.layer, shape)
        if padding is None:
            continue
        steps = _steps(fields, index, node.inputs[0], node.layer)
        shifts = [_times(offset, step) for offset, step in zip(offsets, steps, strict=True)]
        if any(shift is None for shift in shifts):
            continue
        pads = tuple(
            (before + (shift or 0), after - (shift or 0))
            for (before, after), shift in zip(padding, shifts, strict=True)
        )
        if all(isinstance(side, int) and side >= 0 for pad in pads for side in pad):
            field = "pads" if node.layer.kind in BORDERS else "padding"
            new = replace(node.layer, **{field: pads})  # type: ignore[arg-type]
            lopsided = any(before != after for before, after in pads)
            found.append((lopsided, Remedy(index, (node.layer,), (new,))))
    yield from (remedy for _, remedy in sorted(found, key=lambda pair: pair[0]))


def _padding(layer: Layer, shape: Shape) -> tuple[Pad, ...] | None:
    if layer.kind in _WINDOWS or layer.kind == "convt":
        return padding_of(layer, shape[1:])
    return spread_over(layer.pads, len(shape) - 1, "padding") if layer.kind in BORDERS else None


def _steps(fields: Sequence[Field], index: int, source: int, layer: Layer) -> list[Amount | None]:
    """How far the field moves to the left for one zero more before, along each axis."""
    if layer.kind in ("convt", "crop"):
        return [_minus(axis.jump) for axis in fields[index].axes or ()]
    return [axis.jump for axis in fields[source].axes or ()]


def _minus(amount: Amount | None) -> Amount | None:
    return None if amount is None else -amount


def _times(offset: Fraction, step: Amount | None) -> int | None:
    """How many steps make an offset, None if that is no whole number."""
    if not offset:
        return 0
    if not isinstance(step, (int, Fraction)) or not step:
        return None
    times = whole(offset / step)
    return times if isinstance(times, int) else None


def _put_in(
    network: Network, fields: Sequence[Field], stretch: Stretch, offsets: Sequence[Fraction]
) -> Iterator[Remedy]:
    """A `pad` and a `crop` after a value of the stretch, the last one first."""
    for index in reversed((stretch.start, *stretch.nodes)):
        steps = [axis.jump for axis in fields[index].axes or ()]
        shifts = [_times(offset, step) for offset, step in zip(offsets, steps, strict=True)]
        if any(shift is None for shift in shifts):
            continue
        before = tuple(max(0, shift or 0) for shift in shifts)
        after = tuple(max(0, -(shift or 0)) for shift in shifts)
        pad = Layer("pad", pads=tuple(zip(before, after, strict=True)))
        crop = Layer("crop", pads=tuple(zip(after, before, strict=True)))
        yield Remedy(index, (), (pad, crop))


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
    period = len(one.phases) * len(two.phases)
    first, second = centres(one, period), centres(two, period)
    pairs = [
        (a, b)
        for a, b in zip(first.doubled, second.doubled, strict=True)
        if a is not None and b is not None
    ]
    return first.jump == second.jump and sum(a for a, _ in pairs) == sum(b for _, b in pairs)
