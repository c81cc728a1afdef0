"""Filters that make one stack out of another: explicit weights, polynomials in the other's.

Four ways, put together: layers of the made stack are merged and sit in one layer of the maker; a
layer of the maker that has nothing to do passes its channels on; layers in front pick shifts of the
inputs (or behind, of the outputs) and the last (first) one holds all taps; and branches of a sum
are set to zero, or subtracted where they have no weights. What comes out is multiplied out and
compared, coefficient by coefficient, before it is returned.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import product
from math import prod
from typing import Any

from convalgebra.algebra.families import Family
from convalgebra.algebra.operators import Coordinate
from convalgebra.algebra.plan import Axes, Plan, Step
from convalgebra.algebra.weight_polynomials import Polynomial
from convalgebra.algebra.width import least_cover
from convalgebra.errors import UnsupportedError

MAX_WORK = 300_000  # products of weights in the made stack, and in the check


@dataclass(frozen=True)
class Construction:
    """`filters[j]` is weight j of the maker, a polynomial in the weights of the made stack.

    With them the maker's operator is the made one's, moved by `offset`. `way` says how in words.
    """

    maker: Family
    made: Family
    offset: Axes
    filters: tuple[Polynomial, ...]
    way: str

    def to_claim(self, maker: str) -> dict[str, Any]:
        """The claim `reproduces` of a certificate."""
        return {
            "claim": "reproduces",
            "maker": maker,
            "offset": list(self.offset),
            "filters": [weight.to_list() for weight in self.filters],
        }

    def weights_for(self, point: list[Any]) -> list[Any]:
        """The maker's weights for given weights of the made stack."""
        return [weight.at(point) for weight in self.filters]


def construct(maker: Family, made: Family) -> Construction | None:
    """Weights with which `maker` is any member of `made`; None where no such way was found.

    >>> from convalgebra.algebra.families import family_of
    >>> from convalgebra.language import parse
    >>> found = construct(family_of(parse("2x2@4, 2x2@1")), family_of(parse("3x3")))
    >>> found.way
    'step 1 picks shifts of the inputs, step 2 holds the taps'
    >>> construct(family_of(parse("2x2, 2x2")), family_of(parse("3x3"))) is None
    True

    Dense convolutions on the maker's side, or groups equal to the made layer's; no transposed ones.
    None proves nothing.
    """
    if (maker.channels_in, maker.channels_out) != (made.channels_in, made.channels_out):
        return None
    if maker.rate != made.rate or any(b != 1 for _, b in made.rate):
        return None
    if made.work > MAX_WORK or maker.plan.weights > MAX_WORK:
        return None
    try:
        for path in _paths(maker.plan):
            found = _Construction(maker, made, path).found()
            if found is not None:
                return found
    except UnsupportedError:  # too many coefficients to be listed
        return None
    return None


@dataclass(frozen=True)
class _Path:
    """Steps from the input to the output through one branch of every sum; the others' parts."""

    steps: tuple[int, ...]
    fixed: tuple[int, ...] = ()  # outputs of branches without weights, that are added at the end

    @property
    def is_plain(self) -> bool:
        return not self.fixed


def _paths(plan: Plan) -> Iterator[_Path]:
    """The ways through: all others branches of sums can be set to zero, or are fixed."""
    if any(step.op not in ("input", "conv", "add") for step in plan.steps):
        return
    if any(step.weights not in (None, index) for index, step in enumerate(plan.steps)):
        return
    ways: list[list[_Path]] = [[_Path(())]]
    for index, step in enumerate(plan.steps[1:], 1):
        found: list[_Path] = []
        if step.op == "conv":
            for path in ways[step.sources[0]]:
                if path.is_plain:  # a layer after a sum with a fixed part would change that part
                    found.append(_Path((*path.steps, index)))
        else:
            for place, source in enumerate(step.sources):
                others = [s for other, s in enumerate(step.sources) if other != place]
                fixed = [s for s in others if not _can_be_zero(plan, s)]
                if all(_is_fixed(plan, s) for s in fixed):
                    for path in ways[source]:
                        # Steps of the way itself must not feed what is to be zero or subtracted.
                        if not any(_reaches(plan, set(path.steps), s) for s in others):
                            found.append(_Path(path.steps, (*path.fixed, *fixed)))
        ways.append(found[:_MOST_PATHS])
    yield from ways[-1]


_MOST_PATHS = 8


def _can_be_zero(plan: Plan, index: int) -> bool:
    """Whether the value of a step is 0 when all its weights are: one lies on every way to it."""
    step = plan.steps[index]
    if step.op == "input":
        return False
    if step.weights is not None:
        return True
    return all(_can_be_zero(plan, source) for source in step.sources)


def _is_fixed(plan: Plan, index: int) -> bool:
    step = plan.steps[index]
    return step.weights is None and all(_is_fixed(plan, source) for source in step.sources)


def _reaches(plan: Plan, steps: set[int], index: int) -> bool:
    """Whether a step depends on one of some others."""
    if index in steps:
        return True
    return any(_reaches(plan, steps, source) for source in plan.steps[index].sources)


Taps = dict[Axes, Polynomial]  # of one (out, in): exponent -> coefficient


@dataclass(frozen=True)
class _Operator:
    """A matrix of polynomials in shifts, with a stride and constants."""

    channels: tuple[int, int]
    stride: Axes
    entries: Mapping[tuple[int, int], Taps]
    constants: Mapping[int, Polynomial]
    identity: bool = False

    @cached_property
    def support(self) -> list[Axes]:
        return sorted({exponent for taps in self.entries.values() for exponent in taps})


Kernel = dict[tuple[int, int, int], Polynomial]  # (out, in, tap) -> weight


class _Piece:
    """Kernels and biases of some steps of the maker that make one operator, moved by `offset`."""

    def __init__(self, offset: Axes, way: str) -> None:
        self.offset, self.way = offset, way
        self.kernels: dict[int, Kernel] = {}
        self.biases: dict[int, Mapping[int, Polynomial]] = {}


class _Construction:
    """One way through the maker, tried on all ways to group the made layers."""

    def __init__(self, maker: Family, made: Family, path: _Path) -> None:
        self.maker, self.made, self.path = maker, made, path
        self.steps = [maker.plan.steps[index] for index in path.steps]
        self.chain = made.plan.is_chain and path.is_plain
        self.layers = len(made.plan.steps) - 1 if self.chain else 1
        self.merged: dict[tuple[int, int], _Operator | None] = {}
        self.pieces: dict[tuple[int, int, int, int], _Piece | None] = {}

    def found(self) -> Construction | None:
        """The first grouping that works, checked."""
        if not self.steps:
            return None
        for groups in self.groupings():
            made = self.put_together(groups)
            if made is not None:
                return made
        return None

    def groupings(self) -> Iterator[list[tuple[int, int, int, int]]]:
        """Runs of the maker's steps with runs of made layers: (first, end, first made, end made).

        Depth first, with a memory of what cannot be finished.
        """
        dead: set[tuple[int, int]] = set()

        def extend(step: int, layer: int) -> Iterator[list[tuple[int, int, int, int]]]:
            if step == len(self.steps):
                if layer == self.layers:
                    yield []
                return
            if (step, layer) in dead:
                return
            alive = False
            for end in range(step + 1, len(self.steps) + 1):
                for last in range(self.layers, layer - 1, -1):
                    if last == layer and end > step + 1:
                        continue  # steps that pass on are taken one by one
                    if not self.fits(step, end, layer, last):
                        continue
                    for rest in extend(end, last):
                        alive = True
                        yield [(step, end, layer, last), *rest]
            if not alive:
                dead.add((step, layer))

        yield from extend(0, 0)

    def fits(self, step: int, end: int, layer: int, last: int) -> bool:
        """Whether a run of the maker makes a run of the made layers, with room in the channels."""
        key = (step, end, layer, last)
        if key not in self.pieces:
            self.pieces[key] = self.piece(*key)
        return self.pieces[key] is not None

    def operator(self, layer: int, last: int) -> _Operator | None:
        """The made layers from `layer` up to `last`, merged."""
        key = (layer, last)
        if key not in self.merged:
            self.merged[key] = self.operator_of(layer, last)
        return self.merged[key]

    def operator_of(self, layer: int, last: int) -> _Operator | None:
        plan = self.made.plan
        axes = plan.axes
        if layer == last:
            count = plan.steps[layer].channels[1]
            one = {(0,) * axes: Polynomial.constant(1)}
            return _Operator(
                (count, count), (1,) * axes, {(c, c): one for c in range(count)}, {}, True
            )
        if self.chain:
            family, start = self.made.run(layer + 1, last), _start(plan, layer + 1)
        else:
            family, start = self.made, 0
        if any(b != 1 for _, b in family.rate):
            return None
        variables = [Polynomial.variable(start + j) for j in range(family.weights)]
        values = dict(zip(family.coordinates, family.exact_values(variables), strict=True))
        if not self.path.is_plain:
            values = self.less_fixed(values)
        entries: dict[tuple[int, int], Taps] = {}
        constants: dict[int, Polynomial] = {}
        for coordinate, value in values.items():
            value = Polynomial.of(value)
            if not value:
                continue
            if coordinate.source < 0:
                constants[coordinate.out] = value
            else:
                entries.setdefault((coordinate.out, coordinate.source), {})[coordinate.exponent] = (
                    value
                )
        stride = tuple(a for a, _ in family.rate)
        return _Operator((family.channels_in, family.channels_out), stride, entries, constants)

    def less_fixed(self, values: Mapping[Coordinate, Any]) -> dict[Coordinate, Any]:
        """The made operator less the branches of the maker that have no weights."""
        found = dict(values)
        plan = self.maker.plan
        for index in self.path.fixed:
            steps = plan.steps[: index + 1]
            if index < len(steps) - 1 or steps[-1].op == "input":
                one = Step("pick", (0,), steps[0].channels, picked=tuple(range(plan.channels[0])))
                one = one._replace(channels=(plan.channels[0],) * 2)
                steps = (steps[0], one)
            branch = Family(_closed(replace(plan, steps=steps)))
            for coordinate, value in zip(branch.coordinates, branch.exact_values([]), strict=True):
                before = Polynomial.of(found.get(coordinate, 0))
                found[coordinate] = before + Polynomial.constant(-Fraction(value))
        return found

    def piece(self, step: int, end: int, layer: int, last: int) -> _Piece | None:
        target = self.operator(layer, last)
        run = self.steps[step:end]
        if target is None:
            return None
        if run[0].channels[0] < target.channels[0] or run[-1].channels[1] < target.channels[1]:
            return None
        if _total_stride(run, self.maker.plan.axes) != target.stride:
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

    def fixed_piece(self, run: list[Step], target: _Operator) -> _Piece | None:
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
                found = {_plus(e, moved): value.number() for e, value in taps.items()}
                if found != want:
                    return None
        return _Piece(moved, "")

    def single(self, step: int, target: _Operator) -> _Piece | None:
        """The operator's taps sit in those of one layer."""
        layer = self.steps[step]
        places = {offset: tap for tap, offset in enumerate(layer.offsets())}
        moved = next(
            (
                shift
                for shift in self.shifts(target, list(places))
                if all(_plus(e, shift) in places for e in target.support)
            ),
            None,
        )
        if moved is None or not _groups_fit(layer, target):
            return None
        index = self.path.steps[step]
        piece = _Piece(moved, f"step {index} passes its input on" if target.identity else "")
        piece.kernels[index] = {
            (o, i, places[_plus(e, moved)]): value
            for (o, i), taps in target.entries.items()
            for e, value in taps.items()
        }
        piece.biases[index] = target.constants
        return piece

    def shifted(self, step: int, end: int, target: _Operator, *, front: bool) -> _Piece | None:
        """Shifts in front (or behind) and all taps in the last (first) layer."""
        run = self.steps[step:end]
        if any(s.groups > 1 for s in run):
            return None
        axes = self.maker.plan.axes
        scales = [_total_stride(run[:place], axes) for place in range(len(run))]
        tables = [_table(layer, scale) for layer, scale in zip(run, scales, strict=True)]
        holder = len(run) - 1 if front else 0
        movers = [place for place in range(len(run)) if place != holder]
        room = min((layer.channels[1] for layer in run[:-1]), default=_MOST_SHIFTS)
        cover = _cover_of(tables, holder, room // target.channels[0 if front else 1])
        if cover is None:
            return None
        shifts, ways = cover
        window = {place: tap for tap, place in enumerate(tables[holder])}
        covered = {_plus(shift, place) for shift in shifts for place in window}
        moved = next(
            (
                shift
                for shift in self.shifts(target, sorted(covered))
                if all(_plus(e, shift) in covered for e in target.support)
            ),
            None,
        )
        if moved is None:
            return None
        piece = _Piece(moved, self.told(step, end, front=front))
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
                at = _plus(e, moved)
                shift, tap = next(
                    (s, window[_minus(at, s)]) for s in shifts if _minus(at, s) in window
                )
                inside = (i if front else o) * len(shifts) + numbers[shift]
                kernel[(o, inside, tap) if front else (inside, i, tap)] = value
        piece.kernels[self.path.steps[step + holder]] = kernel
        piece.biases[self.path.steps[end - 1]] = target.constants
        return piece

    def shifts(self, target: _Operator, places: list[Axes]) -> list[Axes]:
        """The shifts that put the first tap on one of the places, the shortest first.

        What is subtracted stays where it is: then there is no shift.
        """
        none = (0,) * self.maker.plan.axes
        if not target.support or not self.path.is_plain:
            return [none]
        found = [_minus(place, target.support[0]) for place in places]
        return sorted(found, key=lambda shift: (sum(map(abs, shift)), shift))

    def told(self, step: int, end: int, *, front: bool) -> str:
        indices = self.path.steps[step:end]
        pickers, holder = (indices[:-1], indices[-1]) if front else (indices[1:], indices[0])
        picks = f"step {pickers[0]} picks" if len(pickers) == 1 else (
            f"steps {pickers[0]} to {pickers[-1]} pick"
        )  # fmt: skip
        return f"{picks} shifts of the {'inputs' if front else 'outputs'}, step {holder} holds " + (
            "the taps"
        )

    def put_together(self, groups: list[tuple[int, int, int, int]]) -> Construction | None:
        """All weights, zeros elsewhere; checked by multiplying out."""
        plan = self.maker.plan
        filters = [Polynomial.constant(0)] * plan.weights
        ways, offset = [], (0,) * plan.axes
        scale = (1,) * plan.axes
        for key in groups:
            piece = self.pieces[key]
            assert piece is not None
            if piece.way:
                ways.append(piece.way)
            offset = tuple(o + s * m for o, s, m in zip(offset, scale, piece.offset, strict=True))
            scale = tuple(
                s * t
                for s, t in zip(
                    scale, _total_stride(self.steps[key[0] : key[1]], plan.axes), strict=True
                )
            )
            for index, kernel in piece.kernels.items():
                _write(plan, index, kernel, piece.biases.get(index, {}), filters)
        if _check(self.maker, self.made, filters, offset):
            way = ", ".join(ways) or "layer by layer, with zeros around"
            return Construction(self.maker, self.made, offset, tuple(filters), way)
        return None


def _write(
    plan: Plan,
    index: int,
    kernel: Kernel,
    biases: Mapping[int, Polynomial],
    filters: list[Polynomial],
) -> None:
    step, block = plan.steps[index], plan.blocks[index]
    width, out = step.channels[0] // step.groups, step.channels[1] // step.groups
    size = prod(step.size)
    for (o, i, tap), value in kernel.items():
        filters[block.start + (o * width + i - o // out * width) * size + tap] = value
    for o, value in biases.items():
        filters[block.start + step.kernel_weights + o] = value


def _check(maker: Family, made: Family, filters: list[Polynomial], offset: Axes) -> bool:
    """Whether the maker's coefficients are the made ones, moved: exactly."""
    variables = [Polynomial.variable(j) for j in range(made.weights)]
    wanted: dict[tuple[int, int, Axes], Polynomial] = {}
    for c, value in zip(made.coordinates, made.exact_values(variables), strict=True):
        exponent = _plus(c.exponent, offset) if c.exponent else ()
        wanted[c.out, c.source, exponent] = Polynomial.of(value)
    found = {
        (c.out, c.source, c.exponent): Polynomial.of(value)
        for c, value in zip(maker.coordinates, maker.exact_values(filters), strict=True)
    }
    zero = Polynomial.constant(0)
    return all(found.get(key, zero) == wanted.get(key, zero) for key in {*found, *wanted})


def _closed(plan: Plan) -> Plan:
    """Only the steps that the last one needs, renumbered."""
    needed = {len(plan.steps) - 1, 0}
    for index in range(len(plan.steps) - 1, 0, -1):
        if index in needed:
            needed.update(plan.steps[index].sources)
    numbers = {old: new for new, old in enumerate(sorted(needed))}
    steps = []
    for step in map(plan.steps.__getitem__, sorted(needed)):
        weights = None if step.weights is None else numbers[step.weights]
        sources = tuple(numbers[source] for source in step.sources)
        steps.append(step._replace(sources=sources, weights=weights))
    return replace(plan, steps=tuple(steps))


def _start(plan: Plan, first: int) -> int:
    """The number of the first weight of the steps from `first` on."""
    return min((block.start for i, block in plan.blocks.items() if i >= first), default=0)


def _total_stride(steps: list[Step], axes: int) -> Axes:
    return tuple(prod(step.stride[axis] for step in steps) for axis in range(axes))


def _table(step: Step, scale: Axes) -> list[Axes]:
    """Where its taps lie on the input of the run."""
    return [tuple(s * o for s, o in zip(scale, at, strict=True)) for at in step.offsets()]


def _plus(one: Axes, two: Axes) -> Axes:
    return tuple(a + b for a, b in zip(one, two, strict=True))


def _minus(one: Axes, two: Axes) -> Axes:
    return tuple(a - b for a, b in zip(one, two, strict=True))


def _groups_fit(layer: Step, target: _Operator) -> bool:
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
                longer.setdefault(_plus(shift, place), [*taps, tap])
        ways = longer
        if len(ways) > _MOST_SHIFTS:
            return None
    return list(product(*along)), ways


_MOST_SHIFTS = 2_000
