"""Which coefficients of a plan's operator are not identically zero: a question of paths alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from math import prod
from typing import Any

from convalgebra.algebra.operators import (
    CONSTANT,
    Grid,
    Rate,
    places_read,
    split_position,
    taps_read,
)
from convalgebra.algebra.plan import Axes, Step
from convalgebra.budget import Budget
from convalgebra.errors import UnsupportedError

Spread = tuple[Axes, Axes, int]  # how many along each axis, how far apart, the first
Support = dict[int, int]  # {source: its exponents as bits}; the constant as 1


def bits_of(mask: int) -> Iterator[int]:
    """The numbers of the bits that are set, in order.

    >>> list(bits_of(0b1011 << 70))
    [70, 71, 73]
    """
    # Word by word: an operation on the whole mask for each of its bits would be quadratic.
    packed = mask.to_bytes((mask.bit_length() + 7) // 8, "little")
    for start in range(0, len(packed), 8):
        word = int.from_bytes(packed[start : start + 8], "little")
        while word:
            low = word & -word
            yield 8 * start + low.bit_length() - 1
            word ^= low


def smeared(members: int, times: int, distance: int) -> int:
    """A set united with its shifts upwards by distance, 2 distance, .. (times - 1) distance.

    >>> bin(smeared(0b1, 3, 2))
    '0b10101'
    """
    done = 1
    while done < times:
        more = min(done, times - done)
        members |= members << distance * more
        done += more
    return members


def shifts_into(
    pairs: Sequence[tuple[Iterable[Axes], Iterable[Axes]]], budget: Budget
) -> list[Axes]:
    """The shifts that put the first set of every pair into the second, in order.

    >>> shifts_into([([(0,), (1,)], [(4,), (5,), (6,)])], Budget(100))
    [(4,), (5,)]

    Sets are bits, so that one member of the first set moves all of the second at once. Raises
    Exhausted, before the work, where that is beyond the budget: a unit is a word of 64 bits.
    """
    own = list(zip(*(e for exponents, _ in pairs for e in exponents), strict=True))
    room = list(zip(*(e for _, places in pairs for e in places), strict=True))
    if not own or not room:
        return []
    low, first = [min(along) for along in own], [min(along) for along in room]
    span = [max(along) - min(along) for along in own]
    # Places are counted from `first - span`, so that what is moved back stays on its line.
    widths = [s + max(along) - min(along) + 1 for s, along in zip(span, room, strict=True)]

    def packed(place: Axes, start: list[int]) -> int:
        number = 0
        for at, begin, width in zip(place, start, widths, strict=True):
            number = number * width + at - begin
        return number

    words = prod(widths) // 64 + 1
    budget.spend(words * len(own[0]) + len(room[0]), on=f"{len(own[0]):,} places that are moved")
    found: int | None = None
    start = [f - s for f, s in zip(first, span, strict=True)]
    for exponents, places in pairs:
        bits = bytearray(8 * words)
        for place in places:
            at = packed(place, start)
            bits[at // 8] |= 1 << at % 8
        mask = int.from_bytes(bits, "little")
        for exponent in exponents:
            moved = mask >> packed(exponent, low)
            found = moved if found is None else found & moved
            if not found:
                return []
    shifts = []
    for bit in bits_of(found or 0):
        rest, shift = bit, []
        for begin, least, width in zip(
            reversed(start), reversed(low), reversed(widths), strict=True
        ):
            rest, at = divmod(rest, width)
            shift.append(at + begin - least)
        shifts.append(tuple(reversed(shift)))
    return shifts


MAX_SUPPORT_WORK = 4_000_000  # moves and unions of bits, entries of rows: two seconds, 400 MB


def supports(grid: Grid) -> list[list[list[Support]]]:
    """The exponents of every row of every step, as bits for each source; the output's come last.

    Rows that are equal for a reason (all outputs of a group read the same) are one object, so that
    wide layers cost no more than narrow ones.

    Raises UnsupportedError where that is too much work.
    """
    return _Supports(grid).found


class _Supports:
    def __init__(self, grid: Grid) -> None:
        self.grid, self.done = grid, 0
        self.keep: list[Any] = []  # objects whose ids are keys: they must not go away
        self.found: list[list[list[Support]]] = []
        if grid.places > 50_000_000:
            raise UnsupportedError(f"{grid.plan.text} has too many places for equiv")
        for index, step in enumerate(grid.plan.steps):
            self.found.append(self.step(index, step))
        if len(grid.rates) > len(grid.plan.steps):
            self.found.append(self.lifted(len(grid.plan.steps) - 1, grid.rates[-1]))

    def spend(self, work: int) -> None:
        self.done += work
        if self.done > MAX_SUPPORT_WORK:
            raise UnsupportedError(
                f"{self.grid.plan.text} has too many paths between its channels for equiv"
            )

    def step(self, index: int, step: Step) -> list[list[Support]]:
        if step.op == "input":
            zero = (0,) * self.grid.plan.axes
            bit = 1 << self.grid.key(0, zero)
            return [[{c: bit}] for c in range(step.channels[1])]
        if step.op == "pick":
            return [self.found[step.sources[0]][channel] for channel in step.picked]
        rate = self.grid.rates[index]
        if step.op == "cat":
            return [row for s in step.sources for row in self.lifted(s, rate)]
        if step.op == "add":
            parts = [self.lifted(s, rate) for s in step.sources]
            known: dict[tuple[int, ...], Support] = {}
            return [
                [
                    self.union(tuple((row, 0) for row in rows), known)
                    for rows in zip(*both, strict=True)
                ]
                for both in zip(*parts, strict=True)
            ]
        if step.op == "depth_to_space":
            return self.depth_to_space(index, step)
        if step.op not in ("conv", "convt"):
            raise UnsupportedError(f"{step.op} is not linear")
        return self.convolution(index, step)

    def lifted(self, index: int, rate: Rate) -> list[list[Support]]:
        own = self.grid.rates[index]
        if own == rate:
            return self.found[index]
        known: dict[tuple[int, ...], Support] = {}
        return [
            [
                self.at(phases, own, position, known)
                for position in product(*(range(b) for _, b in rate))
            ]
            for phases in self.found[index]
        ]

    def at(
        self,
        phases: list[Support],
        rate: Rate,
        position: Axes,
        known: dict[tuple[int, ...], Support],
    ) -> Support:
        number, steps = split_position(rate, position)
        return self.union(((phases[number], self.grid.shift(rate, steps)),), known)

    def union(
        self,
        rows: tuple[tuple[Support, int], ...],
        known: dict[tuple[int, ...], Support],
    ) -> Support:
        """The exponents of moved rows together; the same rows give the same object."""
        name = tuple(sorted({(id(row), shift) for row, shift in rows}))
        flat = tuple(number for pair in name for number in pair)
        if flat in known:
            return known[flat]
        by_name = {(id(row), shift): row for row, shift in rows}
        total: Support = {}
        same: dict[tuple[int, int], int] = {}  # equal masks are moved, and joined, once
        joined: dict[tuple[int, int], int] = {}
        for (_, shift), row in sorted(by_name.items(), key=lambda item: item[0]):
            self.spend(len(row))
            for source, mask in row.items():
                if source != CONSTANT:
                    key = (id(mask), shift)
                    moved = same.get(key)
                    if moved is None:
                        self.spend(mask.bit_length() >> 9)
                        moved = same[key] = mask << shift if shift >= 0 else mask >> -shift
                    mask = moved
                old = total.get(source)
                if old is None:
                    total[source] = mask
                elif old is not mask:
                    pair = (id(old), id(mask))
                    both = joined.get(pair)
                    if both is None:
                        both = joined[pair] = old | mask
                        self.keep.append((old, mask))
                    total[source] = both
        known[flat] = total
        self.keep.append(rows)
        return total

    def depth_to_space(self, index: int, step: Step) -> list[list[Support]]:
        source, own = self.found[step.sources[0]], self.grid.rates[step.sources[0]]
        block = list(product(range(step.factor), repeat=self.grid.plan.axes))
        found = []
        for channel in range(step.channels[1]):
            phases = []
            for phase in product(*(range(b) for _, b in self.grid.rates[index])):
                place = block.index(tuple(r % step.factor for r in phase))
                number, _ = split_position(own, tuple(r // step.factor for r in phase))
                phases.append(source[channel * len(block) + place][number])
            found.append(phases)
        return found

    def convolution(self, index: int, step: Step) -> list[list[Support]]:
        source, own = self.found[step.sources[0]], self.grid.rates[step.sources[0]]
        width, out = step.channels[0] // step.groups, step.channels[1] // step.groups
        if all(b == 1 for _, b in own):
            return self.spread_out(index, step, [phases[0] for phases in source], own)
        known: dict[tuple[int, ...], Support] = {}
        done: dict[tuple[int, ...], list[Support]] = {}  # by the rows of a group
        found: list[list[Support]] = []
        reads: list[set[tuple[int, int]]] = []
        for position in product(*(range(b) for _, b in self.grid.rates[index])):
            read = taps_read(step, own, position)
            reads.append({(number, self.grid.shift(own, steps)) for _, number, steps in read})
            self.spend(len(reads[-1]))
        for group in range(step.groups):
            rows_in = source[group * width : (group + 1) * width]
            name = tuple(map(id, rows_in))
            self.spend(1 + width)
            if name not in done:
                done[name] = phases = []
                for places in reads:
                    self.spend(width * len(places) // 8)
                    distinct = {
                        (id(rows[number]), shift): (rows[number], shift)
                        for rows in rows_in
                        for number, shift in places
                    }
                    row = self.union(tuple(distinct.values()), known)
                    phases.append({**row, CONSTANT: 1} if step.bias else row)
            found += [done[name]] * out
        return found

    def spread_out(
        self, index: int, step: Step, source: list[Support], own: Rate
    ) -> list[list[Support]]:
        """A layer on a source with one phase: every mask moved by all taps, axis after axis.

        The places that a phase reads are evenly spaced along each axis.
        """
        width, out = step.channels[0] // step.groups, step.channels[1] // step.groups
        axes = range(len(step.size))
        spreads: list[Spread | None] = []
        phases_out = [b for _, b in self.grid.rates[index]]
        self.spend(sum(b * size for b, size in zip(phases_out, step.size, strict=True)))
        read_along = [
            [sorted(n for _, n in places_read(step, axis, at)) for at in range(phases_out[axis])]
            for axis in axes
        ]
        for along in product(*read_along):
            self.spend(1)
            if not all(along):
                spreads.append(None)
                continue
            steps = [places[1] - places[0] if len(places) > 1 else 0 for places in along]
            units = [
                self.grid.shift(own, tuple(steps[axis] * (at == axis) for at in axes))
                for axis in axes
            ]
            first = self.grid.shift(own, tuple(places[0] for places in along))
            spreads.append((tuple(map(len, along)), tuple(units), first))
        known: dict[tuple[int, ...], Support] = {}
        phases: dict[int, list[Support]] = {}  # spread out, by the id of what they were
        masks: dict[tuple[int, Any], int] = {}
        found: list[list[Support]] = []
        for group in range(step.groups):
            read = {id(row): row for row in source[group * width : (group + 1) * width]}
            self.spend(width)
            (below, *more) = read.values()
            if more:
                below = self.union(tuple((row, 0) for row in read.values()), known)
            if id(below) not in phases:
                phases[id(below)] = [
                    self.spread_row(below, spread, masks, bias=step.bias) for spread in spreads
                ]
            found += [phases[id(below)]] * out
        return found

    def spread_row(
        self,
        below: Support,
        spread: Spread | None,
        masks: dict[tuple[int, Any], int],
        *,
        bias: bool,
    ) -> Support:
        row: Support = {}
        if spread is not None:
            for key, mask in below.items():
                name = (id(mask), spread)
                if key != CONSTANT and name not in masks:
                    self.spend(mask.bit_length() >> 9)
                    self.keep.append(mask)
                    masks[name] = _spread(mask, *spread)
                row[key] = mask if key == CONSTANT else masks[name]
        self.spend(len(row))
        if bias:
            row[CONSTANT] = 1
        return row


def _spread(mask: int, size: Axes, units: Sequence[int], first: int) -> int:
    """The bits moved by `first` and by every sum of so many multiples of the units, joined.

    >>> bin(_spread(1, (3, 2), [1, 8], 0))
    '0b11100000111'
    """
    mask = mask << first if first >= 0 else mask >> -first
    for count, unit in zip(size, units, strict=True):
        mask = smeared(mask, count, unit)
    return mask
