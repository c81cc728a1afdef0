"""Kernels of a run of the maker's layers that make one operator."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import product
from math import prod

from convalgebra.algebra.constructions.paths import Path
from convalgebra.algebra.constructions.targets import Operator
from convalgebra.algebra.plan import Axes, Plan, Step
from convalgebra.algebra.weight_polynomials import Polynomial
from convalgebra.algebra.width import least_cover

_MOST_SHIFTS = 2_000

Kernel = dict[tuple[int, int, int], Polynomial]  # (out, in, tap) -> weight


class Piece:
    """Kernels and biases of some steps of the maker that make one operator, moved by `offset`."""

    def __init__(self, offset: Axes, way: str) -> None:
        self.offset, self.way = offset, way
        self.kernels: dict[int, Kernel] = {}
        self.biases: dict[int, Mapping[int, Polynomial]] = {}


class Pieces:
    """The layers on one way through the maker, run by run."""

    def __init__(self, plan: Plan, path: Path) -> None:
        self.plan, self.path = plan, path
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
        if target.constants and not run[-1].bias:
            return None
        if len(run) == 1:
            return self.single(step, target)
        return self.shifted(step, end, target, front=True) or self.shifted(
            step, end, target, front=False
        )

    def fixed_piece(self, run: list[Step], target: Operator) -> Piece | None:
        """Equal fixed kernels on both sides."""
        if len(run) > 1 or target.constants or run[0].taps is None:
            return None
        wanted = dict(zip(run[0].offsets(), run[0].taps, strict=True))
        moved = target.support and tuple(
            a - b for a, b in zip(min(wanted), target.support[0], strict=True)
        )
        if not moved:
            return None
        for c in range(target.channels[1]):
            for other in range(target.channels[0]):
                taps = target.entries.get((c, other), {})
                want = wanted if c == other else {}
                found = {plus(e, moved): value.number() for e, value in taps.items()}
                if found != want:
                    return None
        return Piece(moved, "")

    def single(self, step: int, target: Operator) -> Piece | None:
        """The operator's taps sit in those of one layer."""
        layer = self.steps[step]
        places = {offset: tap for tap, offset in enumerate(layer.offsets())}
        moved = self.shift(target, places)
        if moved is None or not _groups_fit(layer, target):
            return None
        index = self.path.steps[step]
        piece = Piece(moved, f"step {index} passes its input on" if target.identity else "")
        piece.kernels[index] = {
            (o, i, places[plus(e, moved)]): value
            for (o, i), taps in target.entries.items()
            for e, value in taps.items()
        }
        piece.biases[index] = target.constants
        return piece

    def shifted(self, step: int, end: int, target: Operator, *, front: bool) -> Piece | None:
        """Shifts in front (or behind) and all taps in the last (first) layer."""
        run = self.steps[step:end]
        if any(s.groups > 1 for s in run):
            return None
        axes = self.plan.axes
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
        covered = {plus(shift, place) for shift in shifts for place in window}
        moved = self.shift(target, covered)
        if moved is None:
            return None
        piece = Piece(moved, self.told(step, end, front=front))
        one = Polynomial.constant(1)
        numbers = {shift: n for n, shift in enumerate(shifts)}
        # Channel (c, shift) of the seams is c * len(shifts) + number of the shift.
        for place in movers:
            kernel: Kernel = {}
            outer = place == (0 if front else len(run) - 1)
            for shift, number in numbers.items():
                tap = ways[shift][movers.index(place)]
                for c in range(target.channels[0 if front else 1]):
                    inside = c * len(shifts) + number
                    if front:
                        kernel[inside, c if outer else inside, tap] = one
                    else:
                        kernel[c if outer else inside, inside, tap] = one
            piece.kernels[self.path.steps[step + place]] = kernel
        kernel = {}
        for (o, i), taps in target.entries.items():
            for e, value in taps.items():
                at = plus(e, moved)
                shift, tap = next(
                    (s, window[minus(at, s)]) for s in shifts if minus(at, s) in window
                )
                inside = (i if front else o) * len(shifts) + numbers[shift]
                kernel[(o, inside, tap) if front else (inside, i, tap)] = value
        piece.kernels[self.path.steps[step + holder]] = kernel
        piece.biases[self.path.steps[end - 1]] = target.constants
        return piece

    def shift(self, target: Operator, places: Collection[Axes]) -> Axes | None:
        """The shortest shift that puts all taps on places; None where there is none.

        What is subtracted stays where it is: then they are not shifted.
        """
        shifts: list[Axes] = [(0,) * self.plan.axes]
        if target.support and self.path.is_plain:
            first = target.support[0]
            shifts = [minus(place, first) for place in places]
            shifts.sort(key=lambda shift: (sum(map(abs, shift)), shift))
        fitting = (s for s in shifts if all(plus(e, s) in places for e in target.support))
        return next(fitting, None)

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
    return all(o // out == i // width for o, i in target.entries)


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
        longer: dict[Axes, list[int]] = {}
        for shift, taps in ways.items():
            for tap, place in enumerate(table):
                longer.setdefault(plus(shift, place), [*taps, tap])
        ways = longer
        if len(ways) > _MOST_SHIFTS:
            return None
    return list(product(*along)), ways
