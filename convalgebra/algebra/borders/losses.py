"""What the zeros around hidden maps take away, output by output.

Let U(n) be the value of a step at position n on the unbounded grid, the input continued by zeros,
and B(n) its value in the network, where every map ends at its own border and is continued by zeros.
Both are polynomials in the weights, the biases and the numbers of the input.

**Lemma.** U(n) - B(n) has no negative coefficient. It vanishes identically iff along no path back
from n to a hidden map there is a position outside that map where U of the map is not identically
zero.

Proof. All fixed numbers of the steps (averages, upsampling, ones) are positive, so U has positive
coefficients only: by induction along the steps, no two terms cancel. A step with taps w_t that
reads m_t makes U(n) - B(n) = sum of w_t (U(m_t) - B(m_t)) over the m_t inside the map, plus the sum
of w_t U(m_t) over those outside; the bias stands on both sides and goes. By induction all of these
are sums of terms with positive coefficients, so the whole vanishes iff each of them does, and w_t
times a polynomial vanishes iff the polynomial does. Sums, concatenation and moved channels add such
differences, and weights used twice stay positive. QED.

So no arithmetic is needed: which positions "read", and which U "is not zero", are sets, and a step
turns products of sets along the axes into such products. The bias is in the lemma: continued, a map
with a bias is the bias far out, and a padded zero is not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product as places_of
from math import log2
from typing import NamedTuple

from convalgebra.algebra.borders.regions import (
    Product,
    Region,
    count,
    every,
    full,
    gathered,
    restricted,
    spread,
    united,
)
from convalgebra.algebra.operators import read_window
from convalgebra.algebra.plan import Axes, Plan, Step
from convalgebra.algebra.supports import smeared
from convalgebra.errors import UnsupportedError

MAX_WINDOW = 4 * 10**6  # positions along one axis
MAX_WORK = 10**9  # positions moved; a second or two, and at most 125 MB of sets
_OVERHEAD = 4000  # positions that are moved in the time that it takes to begin

INPUT, CONSTANT = 0, 1  # why a continued map is not zero: it sees the input, or a bias


class Label(NamedTuple):
    """Beyond which end of which axis something was not zero, and why."""

    axis: int
    end: int  # 0 before, 1 after
    cause: int


def labels(axes: int) -> list[Label]:
    """All labels, in the order of `State.lost`."""
    return [Label(*label) for label in places_of(range(axes), (0, 1), (INPUT, CONSTANT))]


class State(NamedTuple):
    """What is known of one channel of a step."""

    reach: tuple[Region, Region]  # where U is not zero: for the input, for a bias
    lost: tuple[Region, ...]  # where U - B is not zero, by label
    blame: int  # bit j: step j read beyond a border


Window = tuple[tuple[int, int], ...]  # from, to (both included) per axis


@dataclass(frozen=True)
class Losses:
    """The states of the output, and the windows of positions that its sets are about."""

    plan: Plan
    boxes: tuple[Axes, ...]
    states: tuple[State, ...]  # of each channel, or one for all
    work: int = 0  # what it took, in the unit of MAX_WORK

    @property
    def sides(self) -> Axes:
        """The output positions along each axis."""
        return self.boxes[-1]

    @cached_property
    def regions(self) -> dict[State, Region]:
        """Where a channel in this state differs."""
        return {s: united(p for region in s.lost for p in region) for s in set(self.states)}

    @cached_property
    def differ(self) -> Region:
        """Where any channel differs."""
        return united(product for region in self.regions.values() for product in region)

    @cached_property
    def by_label(self) -> dict[Label, Region]:
        """Where any channel differs, by what was beyond which border."""
        return {
            label: united(p for state in set(self.states) for p in state.lost[number])
            for number, label in enumerate(labels(self.plan.axes))
        }

    @cached_property
    def blame(self) -> int:
        """Bit j: step j read something beyond a border that is not zero there."""
        found = 0
        for state in set(self.states):
            found |= state.blame
        return found

    def count(self) -> int:
        """The positions at which some channel differs."""
        return count(self.differ)


def windows_of(plan: Plan, boxes: Sequence[Axes]) -> tuple[Window | None, ...]:
    """The positions of every step that the outputs see on the unbounded grid, and its own map.

    Raises UnsupportedError where they are too many.
    """
    last = len(plan.steps) - 1
    seen: list[Window | None] = [None] * len(plan.steps)
    seen[last] = tuple((0, side - 1) for side in boxes[last])
    for index in range(last, 0, -1):
        window, step = seen[index], plan.steps[index]
        if window is None:
            continue
        read = tuple(read_window(step, axis, low, high) for axis, (low, high) in enumerate(window))
        if any(high - low >= MAX_WINDOW for low, high in read):
            raise UnsupportedError(
                f"the outputs of {plan.text} see more than {MAX_WINDOW:,} positions along an axis; "
                "borders are counted on smaller inputs"
            )
        for source in step.sources:
            other = seen[source] or read
            seen[source] = tuple(
                (min(a, c), max(b, d)) for (a, b), (c, d) in zip(read, other, strict=True)
            )
    return tuple(seen)


def losses_of(plan: Plan, boxes: Sequence[Axes], only: int | None = None) -> Losses:
    """What is lost of every output; with `only`, what that step takes away.

    `boxes` are the sides of the map of each step. The plan must be padded with zeros everywhere.
    What step j takes away are the paths back from an output that leave a map for the first time
    where step j reads it: they are what the output would gain if step j alone read the continued
    map. Every path that is lost is taken away by one step.

    Raises UnsupportedError where the sets become too large.
    """
    return _Propagation(plan, tuple(boxes), only).losses()


class _Propagation:
    def __init__(self, plan: Plan, boxes: tuple[Axes, ...], only: int | None) -> None:
        self.plan, self.boxes, self.only = plan, boxes, only
        self.windows = windows_of(plan, boxes)
        self.labels = labels(plan.axes)
        self.nothing: tuple[Region, ...] = ((),) * len(self.labels)
        self.states: list[tuple[State, ...]] = []
        self.work = 0

    def losses(self) -> Losses:
        if self.nothing_beyond():
            self.states = [(State(((), ()), self.nothing, 0),)]
            return Losses(self.plan, self.boxes, self.states[-1])
        for index, step in enumerate(self.plan.steps):
            window = self.windows[index]
            self.states.append(() if window is None else self.after(index, step))
        return Losses(self.plan, self.boxes, self.states[-1], self.work)

    def nothing_beyond(self) -> bool:
        """Whether every window stays on the hidden maps: then no sets are needed."""
        return all(
            low >= 0 and high < side
            for window, box in zip(self.windows[1:], self.boxes[1:], strict=True)
            for (low, high), side in zip(window or (), box if window else (), strict=True)
        )

    def window(self, index: int) -> Window:
        window = self.windows[index]
        assert window is not None
        return window

    def whole(self, index: int) -> Product:
        """All positions of the window of a step."""
        return tuple(full(high - low + 1) for low, high in self.window(index))

    def box(self, index: int) -> Product:
        """The map of a step, as far as it lies in the window."""
        found = []
        for (low, high), side in zip(self.window(index), self.boxes[index], strict=True):
            first, stop = max(low, 0), min(high + 1, side)
            found.append(full(stop - first) << first - low if stop > first else 0)
        return tuple(found)

    def after(self, index: int, step: Step) -> tuple[State, ...]:
        """The states of the channels of a step; one where all are the same."""
        if step.op == "input":
            return (State((united([self.box(0)]), ()), self.nothing, 0),)
        if step.op == "cat":
            found: list[State] = []
            for s in step.sources:
                moved = self.moved(s, index)
                found += moved * (self.plan.steps[s].channels[1] if len(moved) == 1 else 1)
            return self.shortened(found)
        if step.op == "add":
            return self.added(index, step)
        source = step.sources[0]
        if step.op == "pick":
            before = self.moved(source, index)
            return before if len(before) == 1 else self.shortened([before[c] for c in step.picked])
        if step.op == "depth_to_space":
            return self.unfolded(index, step)
        return self.convolved(index, step)

    def shortened(self, states: Sequence[State]) -> tuple[State, ...]:
        return (states[0],) if len(set(states)) == 1 else tuple(states)

    def moved(self, source: int, index: int) -> tuple[State, ...]:
        """The states of a source, in the window of a step that reads it place by place."""
        ends = zip(self.window(index), self.window(source), strict=True)
        shift = [a - b for (a, _), (b, _) in ends]
        whole = self.whole(index)

        def change(product: Product) -> Product:
            return tuple(m >> s & w for m, s, w in zip(product, shift, whole, strict=True))

        memory: dict[State, State] = {}
        for state in set(self.states[source]):
            self.spend(state, index)
            memory[state] = self.mapped(state, change)
        return tuple(memory[state] for state in self.states[source])

    def mapped(self, state: State, change: Callable[[Product], Product]) -> State:
        reach, lost = (
            [united(change(product) for product in region) for region in regions]
            for regions in (state.reach, state.lost)
        )
        return State((reach[INPUT], reach[CONSTANT]), tuple(lost), state.blame)

    def joined(self, states: Sequence[State]) -> State:
        """The state of a sum."""
        if len(states) == 1:
            return states[0]
        blame = 0
        for state in states:
            blame |= state.blame
        reach = [united(p for s in states for p in s.reach[cause]) for cause in (INPUT, CONSTANT)]
        lost = tuple(
            united(p for state in states for p in state.lost[number])
            for number in range(len(self.labels))
        )
        return State((reach[INPUT], reach[CONSTANT]), lost, blame)

    def added(self, index: int, step: Step) -> tuple[State, ...]:
        sources = [self.moved(source, index) for source in step.sources]
        if all(len(states) == 1 for states in sources):
            return (self.joined(list(dict.fromkeys(states[0] for states in sources))),)
        channels = step.channels[1]
        spelled = [states * channels if len(states) == 1 else states for states in sources]
        memory: dict[tuple[State, ...], State] = {}
        found = []
        for states in zip(*spelled, strict=True):
            different = tuple(dict.fromkeys(states))
            if different not in memory:
                memory[different] = self.joined(different)
            found.append(memory[different])
        return self.shortened(found)

    def convolved(self, index: int, step: Step) -> tuple[State, ...]:
        before = self.states[step.sources[0]]
        memory: dict[tuple[State, ...], State] = {}

        def convolve(read: tuple[State, ...]) -> State:
            if read not in memory:
                memory[read] = self.convolution(index, step, self.joined(read))
            return memory[read]

        if len(before) == 1:
            return (convolve(before),)
        width, out = step.channels[0] // step.groups, step.channels[1] // step.groups
        found: list[State] = []
        for group in range(step.groups):
            read = tuple(dict.fromkeys(before[group * width : (group + 1) * width]))
            found += [convolve(read)] * out
        return self.shortened(found)

    def convolution(self, index: int, step: Step, state: State) -> State:
        """The state of the channels that read one in this state: where reads meet its sets."""
        source = step.sources[0]
        sources, target = self.window(source), self.window(index)

        def reading(product: Product) -> Product:
            return tuple(
                _reading(step, axis, members, sources[axis][0], *target[axis])
                for axis, members in enumerate(product)
            )

        taps = sum(int(log2(size)) + 1 for size in step.size)
        self.spend(state, source, taps)
        self.spend(state, index, 1)
        moved = self.mapped(state, reading)
        reach = list(moved.reach)
        if step.bias:
            reach[CONSTANT] = united([self.whole(index)])
        box, lost, blame = self.box(index), list(moved.lost), moved.blame
        if self.only in (None, index):
            for number, label in enumerate(self.labels):
                beyond = self.beyond(source, state.reach[label.cause], label)
                new = restricted(united(reading(product) for product in beyond), box)
                if new:
                    blame |= 1 << index
                    lost[number] = united((*lost[number], *new))
        lost = [restricted(region, box) for region in lost]
        return State((reach[INPUT], reach[CONSTANT]), tuple(lost), blame)

    def beyond(self, source: int, region: Region, label: Label) -> Region:
        """The part of a region beyond one end of one axis of the map of a step."""
        low, high = self.window(source)[label.axis]
        if label.end == 0:
            outside = full(min(-low, high - low + 1)) if low < 0 else 0
        else:
            first = max(self.boxes[source][label.axis], low)
            outside = full(high - first + 1) << first - low if first <= high else 0
        if not outside:
            return ()
        whole = self.whole(source)
        return restricted(region, (*whole[: label.axis], outside, *whole[label.axis + 1 :]))

    def unfolded(self, index: int, step: Step) -> tuple[State, ...]:
        source, f = step.sources[0], step.factor
        before = self.states[source]
        sources, target = self.window(source), self.window(index)
        block = list(places_of(range(f), repeat=self.plan.axes))

        def placed(state: State, place: Axes) -> State:
            def change(product: Product) -> Product:
                found = []
                for axis, members in enumerate(product):
                    low, high = target[axis]
                    up = sources[axis][0] * f + place[axis] - low
                    moved = spread(members, f)
                    found.append((moved << up if up >= 0 else moved >> -up) & full(high - low + 1))
                return tuple(found)

            self.spend(state, index, 1)
            return self.mapped(state, change)

        memory: dict[tuple[State, ...], State] = {}
        found = []
        for channel in range(step.channels[1] if len(before) > 1 else 1):
            states = before * len(block)
            if len(before) > 1:
                states = before[channel * len(block) : (channel + 1) * len(block)]
            if states not in memory:
                parts = [placed(*pair) for pair in zip(states, block, strict=True)]
                memory[states] = self.joined(parts)
            found.append(memory[states])
        return self.shortened(found)

    def spend(self, state: State, index: int, times: int = 1) -> None:
        pieces = 2 + sum(map(len, state.reach)) + sum(map(len, state.lost))
        length = sum(high - low + _OVERHEAD for low, high in self.window(index))
        self.work += pieces * length * times
        if self.work > MAX_WORK:
            raise UnsupportedError(
                f"counting the border of {self.plan.text} would take too long; ask on a smaller "
                "input, or for fewer layers"
            )


def _reading(step: Step, axis: int, members: int, first: int, low: int, high: int) -> int:
    """The positions low .. high that read a set along an axis; its bit 0 is position `first`."""
    s, d, p, k = (field[axis] for field in (step.stride, step.dilation, step.padding, step.size))
    if step.op == "conv":
        wanted = gathered(members, k, d)  # bit i: a window that begins at first + i reads it
        return every(wanted >> s * low - p - first, s) & full(high - low + 1)
    written = smeared(spread(members, s), k, d)  # bit i: position s first - p + i
    up = s * first - p - low
    return (written << up if up >= 0 else written >> -up) & full(high - low + 1)
