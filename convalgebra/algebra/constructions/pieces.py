"""Kernels of a run of the maker's layers that make one operator."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod

from convalgebra.algebra.constructions.paths import Path
from convalgebra.algebra.constructions.targets import Operator
from convalgebra.algebra.plan import Axes, Plan, Step
from convalgebra.algebra.weight_polynomials import Polynomial
from convalgebra.algebra.width import least_cover
from convalgebra.budget import Budget

_MOST_SHIFTS = 2_000

Kernel = dict[tuple[int, int, int], Polynomial]  # (out, in, tap) -> weight


@dataclass(frozen=True)
class Piece:
    """Some steps of the maker that make one operator, moved by `offset`.

    `write` gives their kernels, and the biases of the last of them where the operator has
    constants. `one_layer`: a layer without fixed entries has the operator's taps among its own, so
    that nothing has to be multiplied out to know that it makes it.
    """

    offset: Axes
    way: str
    write: Callable[[], dict[int, Kernel]]
    biases: Callable[[], tuple[int, Mapping[int, Polynomial]] | None] = lambda: None
    one_layer: bool = False


class Pieces:
    """The layers on one way through the maker, run by run."""

    def __init__(self, plan: Plan, path: Path, budget: Budget) -> None:
        self.plan, self.path, self.budget = plan, path, budget
        self.steps = [plan.steps[index] for index in path.steps]

    def piece(self, step: int, end: int, target: Operator) -> Piece | None:
        """The steps from `step` on, before `end`, as an operator; None where that is not seen."""
        run = self.steps[step:end]
        if run[0].channels[0] < target.channels[0] or run[-1].channels[1] < target.channels[1]:
            return None
        if total_stride(run, self.plan.axes) != target.stride:
            return None
        if any(s.weights is None for s in run):
            return self.fixed_piece(run, target)
        if target.biased and not run[-1].bias:
            return None
        if len(run) == 1:
            return self.single(step, target)
        return self.shifted(step, end, target, front=True) or self.shifted(
            step, end, target, front=False
        )

    def fixed_piece(self, run: list[Step], target: Operator) -> Piece | None:
        """Equal fixed kernels on both sides."""
        if len(run) > 1 or target.biased or run[0].taps is None:
            return None
        wanted = dict(zip(run[0].offsets(), run[0].taps, strict=True))
        count = target.channels[1]
        if len(target.places) != count * len(wanted) or any(o != i for o, i in target.pairs):
            return None
        moved = minus(min(wanted), target.support[0])
        if any(wanted.get(plus(e, moved)) != v.number() for _, _, e, v in target.entries()):
            return None
        return Piece(moved, "", dict)

    def single(self, step: int, target: Operator) -> Piece | None:
        """The operator's taps sit in those of one layer."""
        layer = self.steps[step]
        self.budget.spend(prod(layer.size), on=f"{prod(layer.size):,} taps of {self.plan.text}")
        places = {offset: tap for tap, offset in enumerate(layer.offsets())}
        moved = self.shift(target, places)
        if moved is None or not _groups_fit(layer, target):
            return None
        index = self.path.steps[step]

        def write() -> dict[int, Kernel]:
            return {index: {(o, i, places[plus(e, moved)]): v for o, i, e, v in target.entries()}}

        way = f"step {index} passes its input on" if target.identity else ""
        return Piece(moved, way, write, lambda: (index, target.constants), one_layer=True)

    def shifted(self, step: int, end: int, target: Operator, *, front: bool) -> Piece | None:
        """Shifts in front (or behind) and all taps in the last (first) layer."""
        run = self.steps[step:end]
        if any(s.groups > 1 for s in run):
            return None
        axes = self.plan.axes
        taps = sum(prod(layer.size) for layer in run)
        self.budget.spend(taps, on=f"{taps:,} taps of {self.plan.text}")
        scales = [total_stride(run[:place], axes) for place in range(len(run))]
        tables = [_table(layer, scale) for layer, scale in zip(run, scales, strict=True)]
        holder = len(run) - 1 if front else 0
        movers = [place for place in range(len(run)) if place != holder]
        room = min((layer.channels[1] for layer in run[:-1]), default=_MOST_SHIFTS)
        cover = _cover_of(tables, holder, room // target.channels[0 if front else 1])
        if cover is None:
            return None
        shifts, ways = cover
        window = {place: tap for tap, place in enumerate(tables[holder])}
        size = len(shifts) * len(window)
        self.budget.spend(size, on=f"{size:,} places that the layers of {self.plan.text} reach")
        covered = {plus(shift, place) for shift in shifts for place in window}
        moved = self.shift(target, covered)
        if moved is None:
            return None
        numbers = {shift: n for n, shift in enumerate(shifts)}

        def write() -> dict[int, Kernel]:
            # Channel (c, shift) of the seams is c * len(shifts) + number of the shift.
            one = Polynomial.constant(1)
            kernels: dict[int, Kernel] = {}
            for place in movers:
                kernel = kernels[self.path.steps[step + place]] = {}
                outer = place == (0 if front else len(run) - 1)
                for shift, number in numbers.items():
                    tap = ways[shift][movers.index(place)]
                    for c in range(target.channels[0 if front else 1]):
                        inside = c * len(shifts) + number
                        if front:
                            kernel[inside, c if outer else inside, tap] = one
                        else:
                            kernel[c if outer else inside, inside, tap] = one
            kernel = kernels[self.path.steps[step + holder]] = {}
            for o, i, e, value in target.entries():
                at = plus(e, moved)
                shift, tap = next(
                    (s, window[minus(at, s)]) for s in shifts if minus(at, s) in window
                )
                inside = (i if front else o) * len(shifts) + numbers[shift]
                kernel[(o, inside, tap) if front else (inside, i, tap)] = value
            return kernels

        last = self.path.steps[end - 1]
        way = self.told(step, end, front=front)
        return Piece(moved, way, write, lambda: (last, target.constants))

    def shift(self, target: Operator, places: Collection[Axes]) -> Axes | None:
        """The shortest shift that puts all taps on places; None where there is none.

        What is subtracted stays where it is: then they are not shifted.
        """
        self.budget.spend(len(places), on=f"{len(places):,} taps of {self.plan.text}")
        shifts: list[Axes] = [(0,) * self.plan.axes]
        if target.support and self.path.is_plain:
            first = target.support[0]
            shifts = [minus(place, first) for place in places]
            shifts.sort(key=lambda shift: (sum(map(abs, shift)), shift))
        for shift in shifts:
            tried = next(
                (n for n, e in enumerate(target.support) if plus(e, shift) not in places), None
            )
            if tried is None:
                return shift
            self.budget.spend(tried, on="the shifts that put taps on taps")
        return None

    def told(self, step: int, end: int, *, front: bool) -> str:
        indices = self.path.steps[step:end]
        pickers, holder = (indices[:-1], indices[-1]) if front else (indices[1:], indices[0])
        picks = f"step {pickers[0]} picks" if len(pickers) == 1 else (
            f"steps {pickers[0]} to {pickers[-1]} pick"
        )  # fmt: skip
        return f"{picks} shifts of the {'inputs' if front else 'outputs'}, step {holder} holds " + (
            "the taps"
        )


def total_stride(steps: list[Step], axes: int) -> Axes:
    return tuple(prod(step.stride[axis] for step in steps) for axis in range(axes))


def _table(step: Step, scale: Axes) -> list[Axes]:
    """Where its taps lie on the input of the run."""
    return [tuple(s * o for s, o in zip(scale, at, strict=True)) for at in step.offsets()]


def plus(one: Axes, two: Axes) -> Axes:
    return tuple(a + b for a, b in zip(one, two, strict=True))


def minus(one: Axes, two: Axes) -> Axes:
    return tuple(a - b for a, b in zip(one, two, strict=True))


def _groups_fit(layer: Step, target: Operator) -> bool:
    width = layer.channels[0] // layer.groups
    out = layer.channels[1] // layer.groups
    return all(o // out == i // width for o, i in target.pairs)


def _cover_of(
    tables: list[list[Axes]], holder: int, most: int
) -> tuple[list[Axes], dict[Axes, list[int]]] | None:
    """The fewest shifts whose windows cover the support, and the tap of each mover for each.

    Boxes are products of what they are along each axis, so the axes are covered one by one. None
    where that takes more shifts than `most`.
    """
    movers = [table for place, table in enumerate(tables) if place != holder]
    along = []
    for axis in range(len(tables[0][0])):
        sums = {0}
        for table in movers:
            sums = {a + b for a in sums for b in {place[axis] for place in table}}
        along.append(least_cover(sorted(sums), sorted({p[axis] for p in tables[holder]})))
    if prod(map(len, along)) > most:
        return None
    ways: dict[Axes, list[int]] = {(0,) * len(tables[0][0]): []}
    for table in movers:
        if len(ways) * len(table) > 100 * _MOST_SHIFTS:
            return None
        longer: dict[Axes, list[int]] = {}
        for shift, taps in ways.items():
            for tap, place in enumerate(table):
                longer.setdefault(plus(shift, place), [*taps, tap])
        ways = longer
        if len(ways) > _MOST_SHIFTS:
            return None
    return list(product(*along)), ways
