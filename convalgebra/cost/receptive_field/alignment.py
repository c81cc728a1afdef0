"""Where branches meet: whether they look at the same place of the input.

The centre of what a unit sees is the middle between its edges. Branches are aligned if the centres
of their units coincide, unit by unit. Branches at one jump are otherwise off by a fixed number of
inputs, or, where one of them was upsampled, by a number for each phase; those may cancel on
average, which is as near as upsampling by repetition comes. Branches at different jumps drift
apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from math import lcm
from typing import Any, NamedTuple

from convalgebra.cost.figures import worked_out
from convalgebra.cost.receptive_field.amounts import Amount, divided, equal
from convalgebra.cost.receptive_field.axes import MOST_LOOKS, Axis
from convalgebra.cost.receptive_field.fields import Field, moved, ways_to
from convalgebra.errors import NotKnownError
from convalgebra.network import Network
from convalgebra.sizes import Size, simplest


class Branch(NamedTuple):
    """One of the branches that meet, beside the one that the others are compared with.

    `number` counts the branches as they are written, from 1; `source` is the node it ends in.
    `offsets` are, along each axis, how far the centres lie after those of the reference, phase by
    phase; None along an axis where the jump differs.
    """

    number: int
    source: int
    axes: tuple[Axis, ...]
    offsets: tuple[tuple[Amount, ...] | None, ...]

    @property
    def means(self) -> tuple[Amount | None, ...]:
        """How far it lies after the reference along each axis, on average over the phases."""
        return tuple(None if along is None else _mean(along) for along in self.offsets)

    @property
    def verdict(self) -> str:
        """`aligned`, `on average`, `off`, `depends` (on named sizes) or `other jump`."""
        if any(along is None for along in self.offsets):
            return "other jump"
        means = [equal(mean, 0) for mean in self.means]
        if False in means:
            return "off"
        if None in means:
            return "depends"
        every = [equal(offset, 0) for along in self.offsets for offset in along or ()]
        return "aligned" if all(every) else "on average"


class Meeting(NamedTuple):
    """A place where branches meet: the node, the branch compared with, and the other ones."""

    node: int
    reference: Branch
    others: tuple[Branch, ...]
    reason: str = ""  # why nothing is known

    @property
    def verdict(self) -> str:
        """The worst of its branches: `other jump`, `off`, `depends`, `on average`, `aligned`.

        `unknown` where the field of a branch is not known.
        """
        if self.reason:
            return "unknown"
        return min((branch.verdict for branch in self.others), key=_WORST_FIRST.index)


_WORST_FIRST = ("other jump", "off", "depends", "on average", "aligned")


def meetings(network: Network, fields: Sequence[Field]) -> Iterator[Meeting]:
    """The places on the way to an output where two or more branches with positions meet.

    Branches are compared with the one whose place most of them share; between equals, with the one
    that sees the least, and then with the first.

    >>> from convalgebra.cost.receptive_field.fields import receptive_fields
    >>> from convalgebra.language import parse
    >>> network = parse("input 1x32; 3p0:2 + id")
    >>> (meeting,) = meetings(network, receptive_fields(network))
    >>> meeting.verdict, meeting.others[0].number, meeting.others[0].means
    ('off', 1, (1,))
    """
    for index, node in enumerate(network.nodes):
        if len(node.read) > 1 and network.live[index] and node.layer.kind != "opaque":
            meeting = meeting_at(network, fields, index)
            if meeting is not None:
                yield meeting


def meeting_at(network: Network, fields: Sequence[Field], index: int) -> Meeting | None:
    """The meeting of the branches at one node, None if fewer than two of them have positions."""
    inputs, output = network.nodes[index].inputs, network.shapes[index]
    ways = [way for way in ways_to(network, fields, index) if not fields[way.source].pooled]
    if len(ways) < 2 or len(output) == 1:
        return None
    numbers = [at for at, source in enumerate(inputs, 1) if not fields[source].pooled]
    unknown = next((fields[way.source] for way in ways if fields[way.source].axes is None), None)
    nobody = Branch(numbers[0], ways[0].source, (), ())
    if unknown is not None:
        return Meeting(index, nobody, (), unknown.reason)

    def compared() -> tuple[Branch, tuple[Branch, ...]]:
        branches = [
            (number, way.source, moved(fields[way.source].axes or (), way.moves, output))
            for number, way in zip(numbers, ways, strict=True)
        ]
        return _compared(branches)

    branches, reason = worked_out(compared)
    return Meeting(index, *(branches or (nobody, ())), reason)


def _compared(
    branches: Sequence[tuple[int, int, tuple[Axis, ...]]],
) -> tuple[Branch, tuple[Branch, ...]]:
    periods = []
    for along in zip(*(axes for _, _, axes in branches), strict=True):
        periods.append(lcm(*(len(axis.phases) for axis in along)))
        if periods[-1] * len(branches) > MOST_LOOKS:
            raise NotKnownError("there are too many phases to compare")
    places = [
        tuple(centres(axis, period) for axis, period in zip(axes, periods, strict=True))
        for _, _, axes in branches
    ]
    shared = Counter(places)
    order = sorted(
        range(len(branches)), key=lambda at: (-shared[places[at]], *_breadth(branches[at][2]))
    )
    reference = order[0]
    found = [
        Branch(*branch, tuple(map(_offsets, place, places[reference])))
        for branch, place in zip(branches, places, strict=True)
    ]
    return found[reference], tuple(found[:reference] + found[reference + 1 :])


class Centres(NamedTuple):
    """Twice the centres of the units of one period, and how far a unit moves."""

    jump: Any
    doubled: tuple[Size | None, ...]


def centres(axis: Axis, period: int) -> Centres:
    """The centres of a field; of one whose parts drift apart there are none."""
    if len(axis.parts) > 1:
        return Centres(None, ())
    seen = [axis.seen_by(unit) for unit in range(period)]
    return Centres(axis.jump, tuple([s and simplest(s[0] + s[1]) for s in seen]))


def _breadth(axes: tuple[Axis, ...]) -> tuple[int, int]:
    """How much is seen, to compare: named sizes are taken to be larger than numbers."""
    sizes = [axis.size for axis in axes]
    numbers = [size for size in sizes if isinstance(size, int)]
    return len(sizes) - len(numbers), sum(numbers)


def _offsets(one: Centres, two: Centres) -> tuple[Amount, ...] | None:
    if one.jump is None or two.jump is None or equal(one.jump, two.jump) is not True:
        return None
    return tuple(
        divided(a - b, 2)
        for a, b in zip(one.doubled, two.doubled, strict=True)
        if a is not None and b is not None
    )


def _mean(offsets: tuple[Amount, ...]) -> Amount:
    total: Any = sum(offsets[1:], offsets[0]) if offsets else 0
    return divided(total, max(1, len(offsets)))
