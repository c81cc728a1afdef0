"""The outputs of a padded stack that differ from its merged convolution, and by how much, exactly.

Let U_h(m) be what step h is at position m on the unbounded grid, the input continued by zeros, and
let the stack end every hidden map at its border. Follow the output back through the stack: the
paths that stay on all maps are the stack, the others are what it lacks. Cut each of these where it
leaves a map for the first time, seen from the output. With G_h(m) the sum of the products of
weights over the paths from the output to position m of step h that stay on all maps before,

    difference  =  sum over hidden steps h and positions m outside of map h of  G_h(m) U_h(m),

a row of coefficients, one an input, and a constant. For inputs between -1 and 1 the difference is
at most the sum of their absolute values, and it is that much where every input has the sign of its
coefficient. Where nothing lies outside, the difference is 0 without rounding.

Along an axis, outputs that read the same positions inside and outside have the same row, moved: one
of each such *class* is worked out, for every combination of classes of the axes. What lies beyond
the input is left out of the sums afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import gcd, inf, lcm, prod
from typing import Any, NamedTuple

import numpy as np

from convalgebra.algebra.borders.regions import Region
from convalgebra.algebra.operators import grid_of, read_window, split_position
from convalgebra.algebra.plan import Axes, Plan, Step
from convalgebra.kernels.merging.blocks import Array, composed, widened
from convalgebra.kernels.merging.classes import AxisClasses, TooLong
from convalgebra.kernels.merging.composition import CALL, EXACT_COST, MAX_NUMBERS, Value
from convalgebra.kernels.merging.convolution import numbers
from convalgebra.kernels.merging.rounding import Noise, gamma
from convalgebra.kernels.merging.weights import Numbers

MAX_WORK = 2 * 10**11  # multiplications; about ten seconds on two cores
MAX_OUTPUTS = 4 * 10**6  # positions
MAX_SPOTS = 10**6  # outputs that are looked at, one by one; a few seconds

Window = tuple[tuple[int, int], ...]  # from, to (both included) per axis


class Differences(NamedTuple):
    """The most by which each output differs for inputs between -1 and 1.

    `errors` has an entry for each position of the output, the largest of its channels; `channel`
    and `position` are where the largest of all is. `inner` are the positions along each axis that
    read nothing beyond a hidden border, from and to, None if there are none. Where numbers are
    rounded, what differs by no more than rounding has no error, and `rounding` is the most by which
    it differs.
    """

    errors: Array
    channel: int
    position: Axes
    inner: tuple[tuple[int, int] | None, ...]
    rounding: Any = 0


def differences(
    plan: Plan,
    boxes: Sequence[Axes],
    values: list[Value],
    kernels: Mapping[int, Numbers],
    *,
    exact: bool,
    may: Region | None = None,
    most: int = MAX_WORK,
    noise: Noise | None = None,
) -> Differences:
    """By how much each output differs; `boxes` are the sides of the map of every step.

    Outputs outside of `may`, if it is given, are known not to differ. `noise` tells what is no more
    than rounding.

    Raises TooLong where it would take more than `most` multiplications.
    """
    if prod(boxes[-1]) > MAX_OUTPUTS:
        raise TooLong
    # What layers reach whatever the weights are: numbers that cancel in U may not cancel here.
    spans = grid_of(plan).spans[-1]
    along = [AxisClasses(plan, boxes, values, axis, spans[axis]) for axis in range(plan.axes)]
    rows = _Rows(plan, boxes, values, kernels, exact, most, spans)
    shape = [len(axis.spots) for axis in along]
    if prod(shape) > MAX_SPOTS:
        raise TooLong
    table = np.zeros(shape, dtype=object if exact else np.float64)
    best, where = None, (0, (0,) * plan.axes)
    sums: dict[Axes, _Sums] = {}
    rounding: Any = 0
    for key in np.ndindex(*shape):
        chosen = [axis.spots[number] for axis, number in zip(along, key, strict=True)]
        if not any(spot.outside for spot in chosen):
            continue
        place = tuple(spot.place for spot in chosen)
        if may is not None and not _holds(may, place):
            continue
        kind = tuple(spot.number for spot in chosen)
        if kind not in sums:
            one = tuple(axis.classes[n] for axis, n in zip(along, kind, strict=True))
            sums[kind] = rows.sums(one)
        errors = sums[kind].within([spot.clip for spot in chosen])
        if noise is not None:
            size = noise.sizes[:, split_position(values[-1].rate, place)[0]]
            count = 2 * (noise.operations + sums[kind].terms)
            small = (errors <= size * gamma(count, noise.unit)) & (errors < inf)
            left = errors[small]
            if noise.own:
                left = left + size[small] * gamma(count, noise.own)
            rounding = max(rounding, *left) if left.size else rounding
            errors = np.where(small, 0, errors)
        channel = int(np.argmax(errors))
        table[key] = errors[channel]
        if best is None or errors[channel] > best:
            best, where = errors[channel], (channel, place)
    found = table[np.ix_(*(axis.labels for axis in along))]
    return Differences(found, *where, tuple(axis.inner for axis in along), rounding)


def _holds(region: Region, place: Axes) -> bool:
    """Whether a position is in a region: a union of products of sets, each a row of bits."""
    return any(all(s >> n & 1 for s, n in zip(sets, place, strict=True)) for sets in region)


class _Held(NamedTuple):
    """G of a step, over a window of its positions: (groups, out, positions.., channels)."""

    array: Array
    denominator: int


class _Sums(NamedTuple):
    """The sums of absolute values of rows over the channels that come in: (out, extents), and the
    absolute values of the constants. At most `terms` were added up.
    """

    along: Array
    constant: Array
    denominator: int
    terms: int

    def within(self, clips: list[tuple[int, int]]) -> Array:
        """For each channel the sum over what lies on the input, with the constant."""
        kept = (
            slice(before, max(before, side - after))
            for (before, after), side in zip(clips, self.along.shape[1:], strict=True)
        )
        part = self.along[(slice(None), *kept)]
        total = part.sum(axis=tuple(range(1, part.ndim))) + self.constant
        return numbers(total, self.denominator)


class _Rows:
    """The rows of differences, one output position after another."""

    def __init__(
        self,
        plan: Plan,
        boxes: Sequence[Axes],
        values: list[Value],
        kernels: Mapping[int, Numbers],
        exact: bool,
        most: int,
        spans: Window,
    ) -> None:
        self.plan, self.boxes, self.values = plan, boxes, values
        self.kernels, self.exact, self.most = kernels, exact, most
        self.spans = spans
        self.out = plan.channels[1]
        self.groups = self._groups()
        self.work = 0

    def _groups(self) -> list[int]:
        """Into how many blocks the paths from the output to each step fall."""
        found = [0] * len(self.plan.steps)
        found[-1] = self.out
        for index in range(len(found) - 1, 0, -1):
            step = self.plan.steps[index]
            same = {"add": found[index]}.get(step.op, 1)
            if step.op in ("conv", "convt"):
                same = gcd(found[index], step.groups)
            for source in step.sources:
                found[source] = gcd(found[source], same)
        return found

    def sums(self, place: Axes) -> _Sums:
        """The sums of absolute values of the rows of an output, the input being unbounded."""
        windows = self.windows(place)
        held: list[_Held | None] = [None] * len(self.plan.steps)
        ones = np.ones((self.out, 1, *(1,) * len(place), 1), dtype=object if self.exact else float)
        held[-1] = _Held(ones, 1)
        total = _Total(self, place)
        for index in range(len(held) - 1, 0, -1):
            paths = held[index]
            if paths is None:
                continue
            step = self.plan.steps[index]
            paths = self.kept(index, windows[index], paths, total)
            for number, source in enumerate(step.sources):
                if source != 0:  # beyond the input there are zeros for both
                    held[source] = self.back(index, number, windows, paths, held[source])
            held[index] = None
        return total.sums()

    def windows(self, place: Axes) -> list[Window]:
        """The positions of every step that an output reads, as boxes."""
        found: list[Window] = [()] * len(self.plan.steps)
        found[-1] = tuple((n, n) for n in place)
        for index in range(len(found) - 1, 0, -1):
            step = self.plan.steps[index]
            if not found[index]:
                continue
            read = [read_window(step, axis, *ends) for axis, ends in enumerate(found[index])]
            for source in step.sources:
                other = found[source] or read
                found[source] = tuple(
                    (min(a, c), max(b, d)) for (a, b), (c, d) in zip(read, other, strict=True)
                )
        return found

    def kept(self, index: int, window: Window, paths: _Held, total: _Total) -> _Held:
        """The paths on the map of a step; those beyond its border go into the total."""
        box = tuple(
            slice(max(0, -low), max(0, min(high, side - 1) + 1 - low))
            for (low, high), side in zip(window, self.boxes[index], strict=True)
        )
        lengths = [high - low + 1 for low, high in window]
        if all(s.start == 0 and s.stop >= n for s, n in zip(box, lengths, strict=True)):
            return paths
        inside = np.zeros(lengths, dtype=bool)
        inside[box] = True
        used = np.any(paths.array != 0, axis=(0, 1, -1))
        for spot in zip(*np.nonzero(used & ~inside), strict=True):
            place = tuple(low + int(n) for (low, _), n in zip(window, spot, strict=True))
            blocks = paths.array[(slice(None), slice(None), *spot)]
            total.add(index, place, _Held(blocks, paths.denominator))
        kept = paths.array.copy()
        kept[:, :, ~inside] = 0
        return _Held(kept, paths.denominator)

    def back(
        self,
        index: int,
        number: int,
        windows: list[Window],
        paths: _Held,
        before: _Held | None,
    ) -> _Held:
        """The paths one step further, added to those that are there."""
        step = self.plan.steps[index]
        source = step.sources[number]
        channels = self.plan.steps[source].channels[1]
        groups = self.groups[source]
        lengths = [high - low + 1 for low, high in windows[source]]
        shape = (groups, self.out // groups, *lengths, channels // groups)
        if prod(shape) > MAX_NUMBERS:
            raise TooLong
        found = np.zeros(shape, dtype=object if self.exact else np.float64)
        denominator = paths.denominator
        if step.op in ("conv", "convt"):
            own = self.kernels[index]
            denominator *= own.denominator
            for tap, offset in enumerate(step.offsets()):
                here, there = _slices(step, offset, windows[index], windows[source])
                part = paths.array[(slice(None), slice(None), *here)]
                if part.size:
                    moved = self.through(part, own.kernel[tap], groups)
                    found[(slice(None), slice(None), *there)] += moved
        else:
            there = tuple(
                slice(low - least, high - least + 1)
                for (low, high), (least, _) in zip(windows[index], windows[source], strict=True)
            )
            if step.op == "add":
                found[(slice(None), slice(None), *there)] += _fewer(paths.array, groups)
            else:
                self.sorted_back(index, number, windows, _fewer(paths.array, 1), found, there)
        return _sum(before, _Held(found, denominator))

    def sorted_back(
        self,
        index: int,
        number: int,
        windows: list[Window],
        paths: Array,
        found: Array,
        there: tuple[slice, ...],
    ) -> None:
        """The paths back through a step that moves channels."""
        step = self.plan.steps[index]
        if step.op == "cat":
            widths = [self.plan.steps[source].channels[1] for source in step.sources]
            start = sum(widths[:number])
            found[(slice(None), slice(None), *there)] += paths[..., start : start + widths[number]]
        elif step.op == "pick":
            for column, channel in enumerate(step.picked):
                found[(slice(None), slice(None), *there, channel)] += paths[..., column]
        else:
            f, axes = step.factor, self.plan.axes
            (source,) = step.sources
            for block, place in enumerate(product(range(f), repeat=axes)):
                here, into = [], []
                for axis, rest in enumerate(place):
                    low, high = windows[index][axis]
                    first = low + (rest - low) % f
                    here.append(slice(first - low, high - low + 1, f))
                    count = len(range(first, high + 1, f))
                    start = first // f - windows[source][axis][0]
                    into.append(slice(start, start + count))
                part = paths[(slice(None), slice(None), *here)]
                if part.size:
                    found[(slice(None), slice(None), *into, slice(block, None, f**axes))] += part

    def through(self, part: Array, kernel: Array, groups: int) -> Array:
        """Paths times the matrix of a tap: (groups, out, positions.., channels of the source)."""
        blocks, _, *sides, inner = part.shape
        self.spend(part.size * kernel.shape[2] * max(1, kernel.shape[0] // max(blocks, 1)))
        flat = np.ascontiguousarray(part).reshape(blocks, -1, inner)
        found = widened(composed(flat, kernel), groups)
        return found.reshape(groups, self.out // groups, *sides, found.shape[-1])

    def spend(self, work: int) -> None:
        self.work += work * (EXACT_COST if self.exact else 1) + CALL
        if self.work > self.most:
            raise TooLong


def _fewer(array: Array, groups: int) -> Array:
    """The same paths as fewer, larger blocks."""
    blocks, out, *sides, inner = array.shape
    if blocks == groups:
        return array
    found = widened(np.ascontiguousarray(array).reshape(blocks, -1, inner), groups)
    return found.reshape(groups, blocks * out // groups, *sides, found.shape[-1])


def _sum(one: _Held | None, other: _Held) -> _Held:
    if one is None:
        return other
    common = lcm(one.denominator, other.denominator)
    array = other.array
    if common == 1:
        return _Held(one.array + array, 1)
    array = array * (common // other.denominator)
    return _Held(one.array * (common // one.denominator) + array, common)


def _slices(
    step: Step, offset: Axes, window: Window, source: Window
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """The positions of a step that read by a tap at `d u - p`, and those that they read."""
    here, there = [], []
    for o, s, (low, high), (least, _) in zip(offset, step.stride, window, source, strict=True):
        if step.op == "conv":
            here.append(slice(0, high - low + 1))
            start = s * low + o - least
            there.append(slice(start, start + s * (high - low) + 1, s))
            continue
        first = low + (o - low) % s
        count = len(range(first, high + 1, s))
        here.append(slice(first - low, high - low + 1, s))
        start = (first - o) // s - least
        there.append(slice(start, start + count))
    return tuple(here), tuple(there)


class _Total:
    """The row of differences of one output position, by channels."""

    def __init__(self, rows: _Rows, place: Axes) -> None:
        self.rows = rows
        value = rows.values[-1]
        _, steps = split_position(value.rate, place)
        along = zip(value.rate, steps, rows.spans, strict=True)
        self.starts = [a * q + low for (a, _), q, (low, _) in along]
        self.extent = [high - low + 1 for low, high in rows.spans]
        self.groups = value.kernel.shape[0]
        self.array: Array | None = None
        self.constant: Array | None = None
        self.denominator = 1
        self.terms = 1  # a product of paths with a value, and their sum

    def add(self, index: int, place: Axes, paths: _Held) -> None:
        """Add G U at one position beyond the border of a step."""
        rows = self.rows
        self.terms += paths.array.shape[-1]
        value = rows.values[index]
        number, steps = split_position(value.rate, place)
        into = []
        for axis, ((a, _), q) in enumerate(zip(value.rate, steps, strict=True)):
            start = a * q + value.low[axis] - self.starts[axis]
            into.append(slice(start, start + value.extent[axis]))
        common = self.scaled(paths.denominator * value.denominator)
        part = value.kernel[(slice(None), slice(None), slice(None), number)]
        rows.spend(paths.array.size * (part.size // part.shape[1]) // part.shape[0])
        found = widened(composed(paths.array, part), self.groups) * common
        if self.array is None:
            self.array = self.zeros()
        self.array[(slice(None), slice(None), slice(None), *into)] += found
        if value.constant is not None:
            column = value.constant[:, number].reshape(paths.array.shape[0], -1, 1)
            found = composed(paths.array, column).reshape(-1) * common
            self.constant = found if self.constant is None else self.constant + found

    def scaled(self, denominator: int) -> int:
        """Bring what is there to a common denominator; the factor of what comes."""
        common = lcm(self.denominator, denominator)
        factor = common // self.denominator
        if factor > 1:
            self.array = None if self.array is None else self.array * factor
            self.constant = None if self.constant is None else self.constant * factor
        self.denominator = common
        return common // denominator

    def zeros(self) -> Array:
        width = self.rows.plan.channels[0]
        out = self.rows.out // self.groups
        shape = (self.groups, out, width // self.groups, *self.extent)
        return np.zeros(shape, dtype=object if self.rows.exact else np.float64)

    def sums(self) -> _Sums:
        """The sums over the channels that come in, which no clipping tells apart."""
        dtype = object if self.rows.exact else np.float64
        shape = (self.rows.out, *self.extent)
        along: Array = np.zeros(shape, dtype=dtype)
        if self.array is not None:
            along = np.abs(self.array).sum(axis=2).reshape(shape)
        constant: Array = np.zeros(self.rows.out, dtype=dtype)
        if self.constant is not None:
            constant = np.abs(self.constant)
        terms = self.terms + prod(self.extent) * self.rows.plan.channels[0] + 1
        return _Sums(along, constant, self.denominator, terms)
