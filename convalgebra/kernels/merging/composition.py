"""What every step of a plan is on the unbounded grid, at given weights, as arrays.

The numbers of `algebra.operators`, for whole layers at once. A value with the rate (a, b) has b
outputs for every a inputs along an axis; with r the phase,

    y[c, b m + r]  =  constant + sum over sources i and exponents e of  K[c, r, i, e] x[i, a m + e],

and a step that reads it at `b q + r` adds a product of matrices per tap, moved by `a q`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from math import gcd, lcm, prod
from typing import NamedTuple

import numpy as np

from convalgebra import progress
from convalgebra.algebra.operators import Rate, grid_of, split_position, taps_read
from convalgebra.algebra.plan import Axes, Plan, Step
from convalgebra.errors import UnsupportedError
from convalgebra.kernels.merging.blocks import (
    EXACT,
    Array,
    check_bits,
    composed,
    most,
    whole,
    widened,
)
from convalgebra.kernels.merging.weights import Numbers

MAX_NUMBERS = 2**26  # in one array: 512 MiB of floats
EXACT_SIZE = 8  # floats in the memory of a whole number
MAX_HELD = 2**28  # in the arrays of all steps: 2 GiB
MAX_WORK = 5 * 10**11  # multiplications of floats; less than a minute on two cores
EXACT_COST = 30  # floats in the time of a whole number
CALL = 10**6  # multiplications in the time that it takes to begin
_ALL = (slice(None),) * 3  # groups, and the channels of one


class Value(NamedTuple):
    """A step on the unbounded grid, over one denominator.

    `kernel` is (groups, out, in, phases, extent along each axis), its exponents beginning at `low`.
    `present` (phases, extents) says which of them the layers reach, whatever the weights are.
    `constant` is (out, phases), None where no layer has a bias.
    """

    rate: Rate
    low: Axes
    kernel: Array
    present: Array
    constant: Array | None
    denominator: int = 1

    @property
    def extent(self) -> Axes:
        """The exponents along each axis, from the first to the last."""
        return tuple(self.kernel.shape[4:])

    @property
    def channels(self) -> tuple[int, int]:
        """The channels that come in and that go out."""
        groups, out, width = self.kernel.shape[:3]
        return groups * width, groups * out


def values_of(
    plan: Plan, numbers: Mapping[int, Numbers], exact: bool, most: int = MAX_WORK
) -> list[Value]:
    """The values of all steps, by at most so many multiplications.

    Raises UnsupportedError where arrays become too large or it would take too long, ShapeError
    where branches of different stride meet.
    """
    rates = grid_of(plan).rates
    run = _Composition(exact, most)
    values: list[Value] = []
    for index, step in enumerate(plan.steps):
        progress.report(f"step {index:,} of {len(plan.steps) - 1:,} is merged")
        sources = [values[source] for source in step.sources]
        if step.op == "input":
            values.append(run.identity(step.channels[1], rates[index]))
        elif step.op in ("conv", "convt"):
            values.append(run.convolved(step, sources[0], rates[index], numbers[index]))
        else:
            values.append(_RULES[step.op](run, step, sources, rates[index]))
        run.hold(values[-1])
    return values


class _Composition:
    def __init__(self, exact: bool, most: int) -> None:
        self.exact, self.most = exact, most
        self.work = self.held = 0

    def zeros(self, shape: tuple[int, ...], exact: bool | None = None) -> Array:
        most = MAX_NUMBERS // (EXACT_SIZE if self.exact else 1)
        if prod(shape) > most:
            raise UnsupportedError(
                f"the merged kernel is an array of {prod(shape):,} numbers, and {most:,} are the "
                "most; merge fewer layers, or fewer channels"
            )
        exact = self.exact if exact is None else exact
        return np.zeros(shape, dtype=object if exact else np.float64)

    def hold(self, value: Value) -> None:
        """Count the numbers of a value that stays: borders may need those of every step."""
        self.held += value.kernel.size * (EXACT_SIZE if self.exact else 1)
        if self.held > MAX_HELD:
            raise UnsupportedError(
                f"the kernels of the layers before, merged one after another, have more than "
                f"{MAX_HELD:,} numbers; merge fewer layers"
            )

    def spend(self, work: int, calls: int) -> None:
        self.work += work * (EXACT_COST if self.exact else 1) + CALL * calls
        if self.work > self.most:
            raise UnsupportedError(
                f"merging takes more than {self.most:.0e} multiplications; merge fewer layers"
            )

    def identity(self, channels: int, rate: Rate) -> Value:
        ones = (1,) * len(rate)
        kernel = self.zeros((channels, 1, 1, 1, *ones)) + 1
        return Value(rate, (0,) * len(rate), kernel, np.ones((1, *ones), dtype=bool), None)

    def convolved(self, step: Step, source: Value, rate: Rate, numbers: Numbers) -> Value:
        phases = list(product(*(range(b) for _, b in rate)))
        reads = [
            (phase, tap, number, tuple(a * q for (a, _), q in zip(source.rate, steps, strict=True)))
            for phase, place in enumerate(phases)
            for tap, number, steps in taps_read(step, source.rate, place)
        ]
        low, extent = _hull([r[3] for r in reads], source)
        groups = gcd(step.groups, source.kernel.shape[0])
        width, out = source.channels[0], step.channels[1]
        shape = (groups, out // groups, width // groups, len(phases), *extent)
        inner = step.channels[0] // step.groups
        each = width // source.kernel.shape[0] * prod(source.extent)
        self.spend(len(reads) * out * inner * each, len(reads))
        kernel, base = numbers.kernel, source.kernel
        denominator = source.denominator * numbers.denominator
        small = False
        if self.exact:
            # Of zero times a large number both are to be floats: at least 1.
            bound = max(most(kernel), 1) * max(most(base), 1) * inner * len(reads)
            small = bound < EXACT
            check_bits(bound, denominator)
        if small:  # whole numbers that floats hold: as quick as floats, and exact
            kernel, base = kernel.astype(np.float64), base.astype(np.float64)
        found = self.zeros(shape, exact=self.exact and not small)
        present: Array = np.zeros((len(phases), *extent), dtype=bool)
        for phase, tap, number, move in reads:
            place = _window(move, source, low)
            found[(*_ALL, phase, *place)] += composed(kernel[tap], base[(*_ALL, number)])
            present[(phase, *place)] |= source.present[number]
        constant = self.constant(step, source, reads, len(phases), numbers)
        if self.exact and constant is not None:
            check_bits(most(constant))
        return Value(rate, low, whole(found) if small else found, present, constant, denominator)

    def constant(
        self,
        step: Step,
        source: Value,
        reads: Sequence[tuple[int, int, int, Axes]],
        phases: int,
        numbers: Numbers,
    ) -> Array | None:
        if source.constant is None and numbers.bias is None:
            return None
        out = step.channels[1]
        found = self.zeros((out, phases))
        if source.constant is not None:
            parts = source.constant.reshape(step.groups, -1, source.constant.shape[1])
            for phase, tap, number, _ in reads:
                one = composed(numbers.kernel[tap], parts[:, :, number][:, :, None])
                found[:, phase] += one.reshape(out)
        if numbers.bias is not None:
            found = found + (numbers.bias * source.denominator)[:, None]
        return found

    def added(self, step: Step, sources: list[Value], rate: Rate) -> Value:
        parts = self.together(sources, rate)
        groups = gcd(*(part.kernel.shape[0] for part in parts))
        total = parts[0]._replace(kernel=widened(parts[0].kernel, groups))
        for part in parts[1:]:
            total = total._replace(
                kernel=total.kernel + widened(part.kernel, groups),
                present=total.present | part.present,
                constant=_sum(total.constant, part.constant),
            )
        return total

    def joined(self, step: Step, sources: list[Value], rate: Rate) -> Value:
        parts = self.together(sources, rate)
        phases = parts[0].kernel.shape[3]
        rows = sum(part.channels[1] for part in parts)
        shape = (1, rows, parts[0].channels[0], phases, *parts[0].extent)
        kernel, constant = self.zeros(shape), None
        if any(part.constant is not None for part in parts):
            constant = self.zeros((rows, phases))
        at = 0
        present = parts[0].present
        for part in parts:
            stop = at + part.channels[1]
            kernel[:, at:stop] = widened(part.kernel, 1)
            if constant is not None and part.constant is not None:
                constant[at:stop] = part.constant
            present = present | part.present
            at = stop
        return parts[0]._replace(kernel=kernel, present=present, constant=constant)

    def picked(self, step: Step, sources: list[Value], rate: Rate) -> Value:
        (source,) = sources
        if step.picked == tuple(range(source.channels[1])):
            return source
        kernel = widened(source.kernel, 1)[:, list(step.picked)]
        # Of branches of different size the largest may be left behind.
        used = source.present & np.any(kernel != 0, axis=(0, 1, 2))
        constant = None if source.constant is None else source.constant[list(step.picked)]
        return trimmed(source._replace(kernel=kernel, constant=constant), used)

    def unfolded(self, step: Step, sources: list[Value], rate: Rate) -> Value:
        (source,) = sources
        f = step.factor
        block = f ** len(rate)
        out = step.channels[1]
        phases = list(product(*(range(b) for _, b in rate)))
        base = widened(source.kernel, 1)[0]
        base = base.reshape(out, block, *base.shape[1:])
        kernel = self.zeros((1, out, source.channels[0], len(phases), *source.extent))
        present: Array = np.zeros((len(phases), *source.extent), dtype=bool)
        constant = None if source.constant is None else self.zeros((out, len(phases)))
        for number, phase in enumerate(phases):
            place = 0
            for r in phase:
                place = place * f + r % f
            before, _ = split_position(source.rate, tuple(r // f for r in phase))
            kernel[0, :, :, number] = base[:, place, :, before]
            present[number] = source.present[before]
            if constant is not None and source.constant is not None:
                constant[:, number] = source.constant.reshape(out, block, -1)[:, place, before]
        return Value(rate, source.low, kernel, present, constant, source.denominator)

    def together(self, sources: list[Value], rate: Rate) -> list[Value]:
        """The values at one rate, over the same exponents and one denominator."""
        lifted = [self.lifted(source, rate) for source in sources]
        low = tuple(min(ends) for ends in zip(*(v.low for v in lifted), strict=True))
        stops = (tuple(a + n for a, n in zip(v.low, v.extent, strict=True)) for v in lifted)
        high = tuple(max(ends) for ends in zip(*stops, strict=True))
        extent = tuple(b - a for a, b in zip(low, high, strict=True))
        denominator = lcm(*(value.denominator for value in lifted))
        found = []
        for value in lifted:
            place = _window((0,) * len(low), value, low)
            grown: Array = np.zeros((value.present.shape[0], *extent), dtype=bool)
            grown[(slice(None), *place)] = value.present
            kernel = value.kernel
            if extent != value.extent:
                kernel = self.zeros((*value.kernel.shape[:4], *extent))
                kernel[(Ellipsis, *place)] = value.kernel
            factor = denominator // value.denominator
            constant = value.constant
            if factor > 1:
                kernel = kernel * factor
                constant = None if constant is None else constant * factor
            found.append(Value(rate, low, kernel, grown, constant, denominator))
        return found

    def lifted(self, value: Value, rate: Rate) -> Value:
        """The value with a longer period; its later phases lie further."""
        if value.rate == rate:
            return value
        places = [
            split_position(value.rate, place) for place in product(*(range(b) for _, b in rate))
        ]
        moves = [
            tuple(a * q for (a, _), q in zip(value.rate, steps, strict=True)) for _, steps in places
        ]
        low, extent = _hull(moves, value)
        kernel = self.zeros((*value.kernel.shape[:3], len(places), *extent))
        present: Array = np.zeros((len(places), *extent), dtype=bool)
        constant = None
        if value.constant is not None:
            constant = np.stack([value.constant[:, number] for number, _ in places], axis=1)
        for phase, ((number, _), move) in enumerate(zip(places, moves, strict=True)):
            place = _window(move, value, low)
            kernel[(*_ALL, phase, *place)] = value.kernel[(*_ALL, number)]
            present[(phase, *place)] = value.present[number]
        return Value(rate, low, kernel, present, constant, value.denominator)


_RULES: dict[str, Callable[[_Composition, Step, list[Value], Rate], Value]] = {
    "add": _Composition.added,
    "cat": _Composition.joined,
    "pick": _Composition.picked,
    "depth_to_space": _Composition.unfolded,
}


def _hull(moves: Sequence[Axes], source: Value) -> tuple[Axes, Axes]:
    """The least exponent and the extents of a value moved by each of `moves`."""
    lows = tuple(min(along) for along in zip(*moves, strict=True))
    highs = tuple(max(along) for along in zip(*moves, strict=True))
    low = tuple(base + least for base, least in zip(source.low, lows, strict=True))
    extent = tuple(
        n + most - least for n, least, most in zip(source.extent, lows, highs, strict=True)
    )
    return low, extent


def _window(move: Axes, source: Value, low: Axes) -> tuple[slice, ...]:
    """Where a value that is moved stands in an array that begins at `low`."""
    along = zip(move, source.low, low, source.extent, strict=True)
    return tuple(slice(m + own - least, m + own - least + n) for m, own, least, n in along)


def trimmed(value: Value, used: Array) -> Value:
    """The value without the outer exponents that are not `used`; all of it, if none is."""
    if not used.any():
        return value
    low, place = list(value.low), []
    for axis in range(len(value.extent)):
        others = tuple(a for a in range(used.ndim) if a != axis + 1)
        members = np.flatnonzero(used.any(axis=others))
        first, last = int(members[0]), int(members[-1])
        low[axis] += first
        place.append(slice(first, last + 1))
    return value._replace(
        low=tuple(low),
        kernel=np.ascontiguousarray(value.kernel[(Ellipsis, *place)]),
        present=used[(slice(None), *place)],
    )


def _sum(one: Array | None, other: Array | None) -> Array | None:
    if one is None or other is None:
        return other if one is None else one
    return one + other
