"""The operator that a plan is on an unbounded grid, at given weights: its coefficients, exactly.

A value with the rate (a, b) along an axis has b outputs for every a inputs. Its row for channel c
and phase r (0 <= r < b per axis) says

    y[c, b m + r]  =  constant + sum over sources i and exponents e of  K[c, r, i, e] x[i, a m + e].

A convolution of stride s turns (a, b) into (a s b' / b, b') with b' = b / gcd(b, s), a transposed
one into (a, s b); branches meet at the least common a. That is the polyphase form: with b = 1 it is
the polynomial K(z) with the stride a.

Numbers may be ints, Fractions, residues of a modulus or any other exact ring with + and *.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product
from math import gcd, lcm, prod
from typing import Any, NamedTuple

from convalgebra.algebra.plan import Axes, Plan, Step
from convalgebra.errors import ShapeError, UnsupportedError

CONSTANT = -1  # the key of the constant of a row
Row = dict[int, Any]  # source and exponent as one int (see Grid.key) -> coefficient
Rate = tuple[tuple[int, int], ...]  # (a, b) per axis

MAX_PHASES = 4_096
MAX_EXTENT = 10**9


class Coordinate(NamedTuple):
    """One coefficient of the operator; a constant has source -1 and exponent ()."""

    out: int
    phase: Axes
    source: int
    exponent: Axes


@dataclass(frozen=True)
class Grid:
    """Rates and extents of every step of a plan, and how exponents are packed into one int."""

    plan: Plan
    rates: tuple[Rate, ...]
    spans: tuple[tuple[tuple[int, int], ...], ...]  # the exponents of a step's rows: from, to

    @cached_property
    def _packing(self) -> tuple[Axes, Axes, int]:
        """Per axis the unit and the least exponent; and the unit of a source."""
        low = [min(span[axis][0] for span in self.spans) for axis in range(self.plan.axes)]
        high = [max(span[axis][1] for span in self.spans) for axis in range(self.plan.axes)]
        units = []
        unit = 1
        for least, most in zip(reversed(low), reversed(high), strict=True):
            units.append(unit)
            unit *= most - least + 1
        return tuple(reversed(units)), tuple(low), unit

    @property
    def places(self) -> int:
        """How many exponents there are in the box around all spans."""
        return self._packing[2]

    def key(self, source: int, exponent: Axes) -> int:
        """A source and an exponent as one int."""
        units, low, unit = self._packing
        return source * unit + sum(
            (e - least) * u for e, least, u in zip(exponent, low, units, strict=True)
        )

    def unpacked(self, key: int) -> tuple[int, Axes]:
        """The source and the exponent of a key."""
        units, low, unit = self._packing
        source, rest = divmod(key, unit)
        exponent = []
        for least, u in zip(low, units, strict=True):
            place, rest = divmod(rest, u)
            exponent.append(place + least)
        return source, tuple(exponent)

    def box(self, mask: int) -> list[tuple[int, int]]:
        """Along each axis the least and the greatest of some exponents, given as bits (not 0)."""
        units, low, _ = self._packing
        found = []
        for least, unit in zip(low, units, strict=True):
            first = ((mask & -mask).bit_length() - 1) // unit
            last = (mask.bit_length() - 1) // unit
            found.append((first + least, last + least))
            rows = 1  # all rows along this axis joined in the first one
            while rows <= last:
                mask |= mask >> rows * unit
                rows *= 2
            mask &= (1 << unit) - 1
        return found

    def shift(self, rate: Rate, steps: Axes) -> int:
        """What is added to the keys of a row when its position moves by `steps` periods."""
        units = self._packing[0]
        return sum(a * step * unit for (a, _), step, unit in zip(rate, steps, units, strict=True))


def grid_of(plan: Plan, step: Axes | None = None) -> Grid:
    """The rates and extents of a plan; `step` is the period a that the output is brought to.

    Raises ShapeError where branches of different stride meet.
    """
    rates: list[Rate] = []
    spans: list[tuple[tuple[int, int], ...]] = []
    for index, op in enumerate(plan.steps):
        if op.op == "input":
            rates.append(((1, 1),) * plan.axes)
            spans.append(((0, 0),) * plan.axes)
            continue
        before = [rates[source] for source in op.sources]
        rate = _rate(op, before)
        if prod(b for _, b in rate) > MAX_PHASES:
            raise UnsupportedError(f"more than {MAX_PHASES:,} phases are too many for equiv")
        rates.append(rate)
        spans.append(
            tuple(
                _span(op, axis, [(rates[s][axis], spans[s][axis]) for s in op.sources], rate[axis])
                for axis in range(plan.axes)
            )
        )
        if any(high - low > MAX_EXTENT for low, high in spans[-1]) or any(
            a > MAX_EXTENT for a, _ in rate
        ):
            raise UnsupportedError(f"step {index} of {plan.text} sees too far for equiv")
    if step is not None:
        # The spans reach as far as those of the lifted rows: later phases lie one period further.
        lifted = tuple((a, b * (a // own)) for a, (own, b) in zip(step, rates[-1], strict=True))
        spans.append(
            tuple(
                (low, high + a - own)
                for (low, high), a, (own, _) in zip(spans[-1], step, rates[-1], strict=True)
            )
        )
        rates.append(lifted)
    return Grid(plan, tuple(rates), tuple(spans))


def _rate(op: Step, before: list[Rate]) -> Rate:
    first = before[0]
    if op.op == "conv":
        return tuple(
            (a * (s // gcd(b, s)), b // gcd(b, s))
            for (a, b), s in zip(first, op.stride, strict=True)
        )
    if op.op == "convt":
        return tuple((a, b * s) for (a, b), s in zip(first, op.stride, strict=True))
    if op.op == "depth_to_space":
        return tuple((a, b * op.factor) for a, b in first)
    found = []
    for along in zip(*before, strict=True):
        period = lcm(*(a for a, _ in along))
        counts = {Fraction(a, b) for a, b in along}
        if len(counts) > 1:
            what = "added" if op.op == "add" else "joined"
            listed = " and ".join(str(count) for count in sorted(counts))
            raise ShapeError(f"branches of total stride {listed} cannot be {what}")
        a, b = along[0]
        found.append((period, b * (period // a)))
    return tuple(found)


def _span(
    op: Step,
    axis: int,
    before: list[tuple[tuple[int, int], tuple[int, int]]],
    rate: tuple[int, int],
) -> tuple[int, int]:
    """From the least to the greatest exponent in any row of the step, along one axis; wide enough.

    A row of phase r at position b q + r reaches `a q` further.
    """
    lows, highs = [], []
    for (a, b), (low, high) in before:
        if op.op in ("conv", "convt"):
            s, d, p, k = (f[axis] for f in (op.stride, op.dilation, op.padding, op.size))
            if op.op == "conv":
                first, last = -p, s * (rate[1] - 1) + d * (k - 1) - p
            else:
                first, last = -(-(p - d * (k - 1)) // s), (s * b - 1 + p) // s
            lows.append(low + a * (first // b))
            highs.append(high + a * (last // b))
        else:
            lows.append(low)
            highs.append(high + rate[0] - a)
    return min(lows), max(highs)


class Evaluation:
    """All values of a plan at given weights: rows of every step, by channel and phase."""

    def __init__(self, grid: Grid, point: Sequence[Any], modulus: int | None = None) -> None:
        self.grid, self.point, self.modulus = grid, point, modulus
        self.plan = grid.plan
        self.rows: list[list[list[Row]]] = []  # of each step: [channel][phase, row-major]
        for index, step in enumerate(self.plan.steps):
            self.rows.append(self._step(index, step))

    def kernel(self, step: Step) -> Sequence[Any]:
        """The entries (out, in of its group, taps) of a step with a free kernel."""
        assert step.weights is not None
        start = self.plan.blocks[step.weights].start
        return self.point[start : start + step.kernel_weights]

    def biases(self, step: Step) -> Sequence[Any]:
        """One for each channel that goes out; empty without."""
        if not step.bias or step.weights is None:
            return ()
        block = self.plan.blocks[step.weights]
        return self.point[block.start + step.kernel_weights : block.stop]

    def fixed(self, step: Step) -> list[Any]:
        """The taps of a fixed kernel in the ring."""
        assert step.taps is not None
        if self.modulus is None:
            return [int(tap) if tap.denominator == 1 else tap for tap in step.taps]
        p = self.modulus
        return [tap.numerator * pow(tap.denominator, -1, p) % p for tap in step.taps]

    def _step(self, index: int, step: Step) -> list[list[Row]]:
        if step.op == "input":
            zero = (0,) * self.plan.axes
            return [[{self.grid.key(c, zero): 1}] for c in range(step.channels[1])]
        if step.op == "pick":
            source = self.rows[step.sources[0]]
            return [source[channel] for channel in step.picked]
        if step.op == "cat":
            return [row for s in step.sources for row in self._lifted(s, self.grid.rates[index])]
        if step.op == "add":
            parts = [self._lifted(s, self.grid.rates[index]) for s in step.sources]
            return [
                [self._sum(rows) for rows in zip(*phases, strict=True)]
                for phases in zip(*parts, strict=True)
            ]
        if step.op == "depth_to_space":
            return self._depth_to_space(index, step)
        if step.op not in ("conv", "convt"):
            raise UnsupportedError(f"{step.op} is not linear")
        return self._convolution(index, step)

    def output(self) -> list[list[Row]]:
        """The rows of the output, at the period that the grid was asked for."""
        return self._lifted(len(self.plan.steps) - 1, self.grid.rates[-1])

    def _lifted(self, index: int, rate: Rate) -> list[list[Row]]:
        own = self.grid.rates[index]
        if own == rate:
            return self.rows[index]
        return [
            [self._at(phases, own, position) for position in _phases(rate)]
            for phases in self.rows[index]
        ]

    def _at(self, phases: list[Row], rate: Rate, position: Axes) -> Row:
        """The row of the output at a position of the grid, not only of the first period."""
        number, steps = split_position(rate, position)
        shift = self.grid.shift(rate, steps)
        row = phases[number]
        if not shift:
            return row
        return {key if key == CONSTANT else key + shift: v for key, v in row.items()}

    def _sum(self, rows: Sequence[Row]) -> Row:
        total = dict(rows[0])
        for row in rows[1:]:
            for key, value in row.items():
                total[key] = total[key] + value if key in total else value
        return self._reduced(total)

    def _reduced(self, row: Row) -> Row:
        if self.modulus is None:
            return row
        return {key: value % self.modulus for key, value in row.items()}

    def _depth_to_space(self, index: int, step: Step) -> list[list[Row]]:
        source = self.rows[step.sources[0]]
        own = self.grid.rates[step.sources[0]]
        block = list(product(range(step.factor), repeat=self.plan.axes))
        found = []
        for channel in range(step.channels[1]):
            phases = []
            for phase in _phases(self.grid.rates[index]):
                place = block.index(tuple(r % step.factor for r in phase))
                number, _ = split_position(own, tuple(r // step.factor for r in phase))
                phases.append(source[channel * len(block) + place][number])
            found.append(phases)
        return found

    def _convolution(self, index: int, step: Step) -> list[list[Row]]:
        source, own = self.rows[step.sources[0]], self.grid.rates[step.sources[0]]
        width, out = step.channels[0] // step.groups, step.channels[1] // step.groups
        kernel = None if step.weights is None else self.kernel(step)
        fixed = self.fixed(step) if kernel is None else []
        biases = self.biases(step)
        size = prod(step.size)
        reads = [list(taps_read(step, own, phase)) for phase in _phases(self.grid.rates[index])]
        shifts = [
            [(tap, number, self.grid.shift(own, steps)) for tap, number, steps in read]
            for read in reads
        ]
        found = []
        for channel in range(step.channels[1]):
            group = channel // out
            phases = []
            for read in shifts:
                row: Row = {}
                for i in range(width):
                    at = source[group * width + i]
                    start = (channel * width + i) * size
                    for tap, number, shift in read:
                        w = fixed[tap] if kernel is None else kernel[start + tap]
                        if not w:
                            continue  # at sparse points rows stay short
                        for key, value in at[number].items():
                            if key != CONSTANT:
                                key += shift
                            row[key] = row[key] + w * value if key in row else w * value
                if biases:
                    b = biases[channel]
                    row[CONSTANT] = row[CONSTANT] + b if CONSTANT in row else b
                phases.append(self._reduced(row))
            found.append(phases)
        return found


def _phases(rate: Rate) -> Iterator[Axes]:
    return product(*(range(b) for _, b in rate))


def split_position(rate: Rate, position: Axes) -> tuple[int, Axes]:
    """A position as the number of its phase (row-major) and the periods before it."""
    number, steps = 0, []
    for (_, b), place in zip(rate, position, strict=True):
        step, phase = divmod(place, b)
        number = number * b + phase
        steps.append(step)
    return number, tuple(steps)


def taps_read(step: Step, rate: Rate, position: Axes) -> Iterator[tuple[int, int, Axes]]:
    """The taps by which a position of the output reads: (tap, phase of the source, its periods)."""
    along = [list(places_read(step, axis, at)) for axis, at in enumerate(position)]
    for read in product(*along):
        tap = 0
        for (u, _), size in zip(read, step.size, strict=True):
            tap = tap * size + u
        yield (tap, *split_position(rate, tuple(place for _, place in read)))


def places_read(step: Step, axis: int, position: int) -> Iterator[tuple[int, int]]:
    """Along one axis: the taps, and where they read."""
    s, d, p, k = (f[axis] for f in (step.stride, step.dilation, step.padding, step.size))
    for u in range(k):
        if step.op == "conv":
            yield u, s * position + d * u - p
        elif (position - d * u + p) % s == 0:
            yield u, (position - d * u + p) // s


def read_window(step: Step, axis: int, low: Any, high: Any) -> tuple[Any, Any]:
    """The first and the last position that those from low to high of a step read: ints or arrays.

    A transposed convolution may read nothing, between two inputs: then it is said to read one.
    """
    if step.op == "depth_to_space":
        return low // step.factor, high // step.factor
    if step.op not in ("conv", "convt"):
        return low, high
    s, d, p, k = (field[axis] for field in (step.stride, step.dilation, step.padding, step.size))
    if step.op == "conv":
        return s * low - p, s * high + d * (k - 1) - p
    first, last = -(-(low + p - d * (k - 1)) // s), (high + p) // s
    return first, last + (first - last) * (last < first)


def source_place(step: Step, position: Axes, offset: Axes) -> Axes | None:
    """Where a tap at `offset` = d u - p reads when the output stands at `position`; or nowhere."""
    if step.op == "conv":
        along = zip(position, step.stride, offset, strict=True)
        return tuple(s * n + o for n, s, o in along)
    place = []
    for m, s, o in zip(position, step.stride, offset, strict=True):
        n, rest = divmod(m - o, s)
        if rest:
            return None
        place.append(n)
    return tuple(place)


def work_of(grid: Grid, index: int) -> int:
    """An upper bound for the multiplications that one step takes in an `Evaluation`."""
    step = grid.plan.steps[index]
    if step.op not in ("conv", "convt"):
        return 0
    spans = grid.spans[step.sources[0]]
    seen = prod(high - low + 1 for low, high in spans) * grid.plan.channels[0] + 1
    phases = prod(b for _, b in grid.rates[index])
    pairs = step.channels[0] * step.channels[1] // step.groups
    return pairs * prod(step.size) * phases * seen
