"""Outputs along an axis that read alike: the same positions, inside the maps and beyond."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from convalgebra.algebra.operators import read_window
from convalgebra.algebra.plan import Axes, Plan, Step
from convalgebra.kernels.merging.blocks import Array
from convalgebra.kernels.merging.composition import Value

MAX_CLASSES = 2_000  # along one axis
MAX_PLACES = 4 * 10**6  # that outputs at the borders read, one by one; a few seconds


class TooLong(Exception):
    """It would take too many multiplications, or too much memory."""


class Spot(NamedTuple):
    """Outputs along an axis that differ by the same: one of them, its class, and whether it reads
    outside of a hidden map; and how much of what it sees lies before the input, and after it.
    """

    place: int
    number: int
    outside: bool
    clip: tuple[int, int]


def interior(plan: Plan, boxes: Sequence[Axes], axis: int, *, hidden: bool = False) -> Array:
    """Whether each output along an axis reads nothing beyond any border; with `hidden`, beyond that
    of any map but the input.
    """
    steps, count = plan.steps, boxes[-1][axis]
    seen: list[tuple[Array, Array] | None] = [None] * len(steps)
    seen[-1] = (np.arange(count), np.arange(count))
    good = np.ones(count, dtype=bool)
    for index in range(len(steps) - 1, -1, -1):
        ends = seen[index]
        if ends is None:
            continue
        if index or not hidden:
            good &= (ends[0] >= 0) & (ends[1] < boxes[index][axis])
        low, high = read_window(steps[index], axis, *ends)
        for source in steps[index].sources:
            other = seen[source]
            seen[source] = (
                (low, high)
                if other is None
                else (np.minimum(low, other[0]), np.maximum(high, other[1]))
            )
    return good


class AxisClasses:
    """The classes of the outputs along one axis, and the spots that they fall into.

    `classes` has one output of each class, `labels` the number of the spot of every output; `inner`
    are the first and the last that read nothing beyond a hidden border, None if there are none.
    """

    def __init__(
        self,
        plan: Plan,
        boxes: Sequence[Axes],
        values: list[Value],
        axis: int,
        span: tuple[int, int],
    ) -> None:
        self.plan, self.boxes, self.values, self.axis = plan, boxes, values, axis
        self.span = span
        inside = interior(plan, boxes, axis)
        hidden = interior(plan, boxes, axis, hidden=True)
        members = np.flatnonzero(hidden)
        self.inner = (int(members[0]), int(members[-1])) if members.size else None
        self.classes: list[int] = []
        self.spots: list[Spot] = []
        self.seen = 0
        self.labels = np.zeros(len(inside), dtype=np.intp)
        self.known: dict[object, int] = {}
        spots: dict[object, int] = {}
        phases = values[-1].rate[axis][1]
        for place in map(int, np.flatnonzero(~inside)):
            # All of one phase that read nothing outside read alike.
            signature: tuple[object, bool] = (place % phases, False)
            if not hidden[place]:
                signature = self.signature(place)
            self.labels[place] = self.spot(spots, place, signature, self.clip(place))
        for phase in range(phases):
            free = inside[phase::phases]
            if free.any():
                place = phase + phases * int(np.argmax(free))
                number = self.spot(spots, place, (phase, False), (0, 0))
                self.labels[phase::phases][free] = number

    def spot(
        self,
        spots: dict[object, int],
        place: int,
        signature: tuple[object, bool],
        clip: tuple[int, int],
    ) -> int:
        """The number of a spot, and a new one if there is none yet."""
        if signature[0] not in self.known:
            self.known[signature[0]] = len(self.classes)
            self.classes.append(place)
        number = self.known[signature[0]]
        if (number, clip) not in spots:
            spots[number, clip] = len(self.spots)
            self.spots.append(Spot(place, number, signature[1], clip))
            if len(self.spots) > MAX_CLASSES:
                raise TooLong
        return spots[number, clip]

    def signature(self, place: int) -> tuple[object, bool]:
        """What an output reads of hidden maps, from where it stands; and whether outside of one."""
        steps = self.plan.steps
        stride, phases = self.values[-1].rate[self.axis]
        origin = place // phases * stride
        read: list[set[int]] = [set() for _ in steps]
        read[-1] = {place}
        outside = False
        found: list[object] = [place % phases]
        for index in range(len(steps) - 1, 0, -1):
            step, side = steps[index], self.boxes[index][self.axis]
            a, b = self.values[index].rate[self.axis]
            places = []
            self.seen += len(read[index])
            if self.seen > MAX_PLACES:
                raise TooLong
            for m in sorted(read[index]):
                good = 0 <= m < side
                outside |= not good
                places.append((m % b, m // b * a - origin, good))
                if good:
                    for source in step.sources:
                        read[source] |= set(sources_of(step, self.axis, m))
            found.append(tuple(places))
        return tuple(found), outside

    def clip(self, place: int) -> tuple[int, int]:
        """How much of what an output sees lies before the input, and how much after it."""
        stride, phases = self.values[-1].rate[self.axis]
        low, high = (place // phases * stride + end for end in self.span)
        return max(0, -low), max(0, high + 1 - self.boxes[0][self.axis])


def sources_of(step: Step, axis: int, place: int) -> list[int]:
    """The positions that one position of a step reads, along an axis."""
    if step.op == "depth_to_space":
        return [place // step.factor]
    if step.op not in ("conv", "convt"):
        return [place]
    s, d, p, k = (field[axis] for field in (step.stride, step.dilation, step.padding, step.size))
    if step.op == "conv":
        return list(range(s * place - p, s * place - p + d * k, d))
    taps = range(place + p, place + p - d * k, -d)
    return [tap // s for tap in taps if tap % s == 0]
