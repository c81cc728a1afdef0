"""Outputs along an axis that read alike: the same positions, inside the maps and beyond."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from convalgebra.algebra.plan import Axes, Plan, Step
from convalgebra.kernels.merging.blocks import Array
from convalgebra.kernels.merging.composition import Value

MAX_CLASSES = 2_000  # along one axis


class TooLong(Exception):
    """It would take too many multiplications, or too much memory."""


class Class(NamedTuple):
    """Outputs along an axis whose rows are the same: one of them, and whether it reads outside."""

    place: int
    outside: bool


def interior(plan: Plan, boxes: Sequence[Axes], axis: int) -> Array:
    """Whether each output along an axis reads nothing beyond any border, the input's included."""
    steps, count = plan.steps, boxes[-1][axis]
    seen: list[tuple[Array, Array] | None] = [None] * len(steps)
    seen[-1] = (np.arange(count), np.arange(count))
    good = np.ones(count, dtype=bool)
    for index in range(len(steps) - 1, -1, -1):
        ends = seen[index]
        if ends is None:
            continue
        good &= (ends[0] >= 0) & (ends[1] < boxes[index][axis])
        low, high = reads(steps[index], axis, *ends)
        for source in steps[index].sources:
            other = seen[source]
            seen[source] = (
                (low, high)
                if other is None
                else (np.minimum(low, other[0]), np.maximum(high, other[1]))
            )
    return good


class AxisClasses:
    """The classes of the outputs along one axis."""

    def __init__(self, plan: Plan, boxes: Sequence[Axes], values: list[Value], axis: int) -> None:
        self.plan, self.boxes, self.values, self.axis = plan, boxes, values, axis
        inside = interior(plan, boxes, axis)
        members = np.flatnonzero(inside)
        self.inner = (int(members[0]), int(members[-1])) if members.size else None
        self.classes: list[Class] = []
        self.labels = np.zeros(len(inside), dtype=np.intp)
        known: dict[object, int] = {}
        phases = values[-1].rate[axis][1]
        inner: dict[int, int] = {}
        for place in range(len(inside)):
            if inside[place]:  # all of one phase read alike
                if place % phases not in inner:
                    inner[place % phases] = len(self.classes)
                    self.classes.append(Class(place, False))
                continue
            signature, outside = self.signature(place)
            if signature not in known:
                known[signature] = len(self.classes)
                self.classes.append(Class(place, outside))
                if len(self.classes) > MAX_CLASSES:
                    raise TooLong
            self.labels[place] = known[signature]
        for phase, number in inner.items():
            self.labels[phase::phases][inside[phase::phases]] = number

    def signature(self, place: int) -> tuple[object, bool]:
        """What an output reads, as seen from where it stands; and whether outside a hidden map."""
        steps = self.plan.steps
        stride, phases = self.values[-1].rate[self.axis]
        origin = place // phases * stride
        read: list[set[int]] = [set() for _ in steps]
        read[-1] = {place}
        outside = False
        found: list[object] = [place % phases]
        for index in range(len(steps) - 1, -1, -1):
            step, side = steps[index], self.boxes[index][self.axis]
            a, b = self.values[index].rate[self.axis]
            places = []
            for m in sorted(read[index]):
                start = m // b * a
                good = 0 <= m < side
                clip = (0, 0) if good else self.clipped(index, start)
                outside |= not good and index > 0
                places.append((m % b, start - origin, good, clip))
                if good:
                    for source in step.sources:
                        read[source] |= set(sources_of(step, self.axis, m))
            found.append(tuple(places))
        return tuple(found), outside

    def clipped(self, index: int, start: int) -> tuple[int, int]:
        """How much of the window of a value on the input lies before the input, and after it."""
        value = self.values[index]
        low = start + value.low[self.axis]
        high = low + value.extent[self.axis] - 1
        return max(0, -low), max(0, high - self.boxes[0][self.axis] + 1)


def reads(step: Step, axis: int, low: Array, high: Array) -> tuple[Array, Array]:
    """The first and the last positions that the positions low .. high of a step read."""
    if step.op == "depth_to_space":
        return low // step.factor, high // step.factor
    if step.op not in ("conv", "convt"):
        return low, high
    s, d, p, k = (field[axis] for field in (step.stride, step.dilation, step.padding, step.size))
    if step.op == "conv":
        return s * low - p, s * high + d * (k - 1) - p
    first, last = -(-(low + p - d * (k - 1)) // s), (high + p) // s
    return first, np.maximum(first, last)  # between two inputs nothing is read


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
