"""A packing written out: which layer of the maker takes which roots of the made chain.

The format is `packs` of the certificates: layers along one axis are split, step by step, then every
layer goes into one of the maker, which may be shifted; a reader has only sums to check. An average
is a layer like any other of its taps here: what holds for all weights holds for equal ones.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from convalgebra.algebra.one_channel.atoms import (
    Pattern,
    Question,
    shape,
)
from convalgebra.algebra.one_channel.chains import Chain, Exponent
from convalgebra.algebra.one_channel.cycles import Options, Piece, Vector
from convalgebra.algebra.one_channel.packing import Packed, Shape, remaining, unlinked
from convalgebra.algebra.one_channel.search import STEPS, again, search
from convalgebra.algebra.one_channel.work import Work
from convalgebra.budget import Exhausted
from convalgebra.errors import Defect

_MOST_ENTRIES = 4_000  # of a packing in a certificate

Turns = tuple[int, ...]
Owners = tuple[int, ...]  # by turn the layer of the maker that takes it
Cycles = tuple[Owners, int | None, int]  # with the mirror and how many roots


def packs(
    maker: Chain, made: Chain, field: str, place: Exponent, *, fixed: bool
) -> tuple[dict[str, Any], Exponent] | None:
    """The packing that shows that all of `made` is made over a field, and its place.

    The given place if it can be, and else another one, unless it is `fixed`. Where all layers go in
    whole, that is shown over every field. With the field "part" it is shown over the reals for
    some members. None if it is too long, or not found within a budget.
    """
    same = _cancelled(maker, made)
    if same is None:
        return None
    whole, rooms, parts = same
    if not rooms:
        return None if parts else (_claim(field, [], whole, []), place)
    count = len(made.factors)
    maker = replace(maker, factors=tuple(maker.factors[j] for j in rooms))
    averages = {number for number, i in enumerate(parts) if not made.factors[i].free}
    made = replace(made, factors=tuple(replace(made.factors[i], free=True) for i in parts))
    try:
        found = _filled(maker, made, averages, field, place, fixed=fixed)
    except (Exhausted, _TooLong):
        return None
    if found is None:
        return None
    claim, place = found
    return _renumbered(claim, whole, rooms, parts, count), place


def _cancelled(maker: Chain, made: Chain) -> tuple[list[list[int]], list[int], list[int]] | None:
    """The averages that both have, then the layers of the maker and of the made chain beside them.

    None where the maker has an average that the made chain has not.
    """
    whole = []
    parts = [i for i, factor in enumerate(made.factors) if factor.free or factor.axes]
    for j, average in enumerate(maker.factors):
        if not average.free and average.axes:
            equal = next((i for i in parts if made.factors[i] == average), None)
            if equal is None:
                return None
            parts.remove(equal)
            whole.append([equal, j])
    return whole, [j for j, factor in enumerate(maker.factors) if factor.free], parts


def _renumbered(
    claim: dict[str, Any], whole: list[list[int]], rooms: list[int], parts: list[int], count: int
) -> dict[str, Any]:
    """A claim about some layers of two chains, in the numbers of all; `count` are made."""

    def part(i: int) -> int:
        return parts[i] if i < len(parts) else i - len(parts) + count

    return {
        **claim,
        "splits": [[how, part(i), number] for how, i, number in claim["splits"]],
        "into": whole + [[part(i), rooms[j]] for i, j in claim["into"]],
        "shifts": [[rooms[j], shift] for j, shift in claim["shifts"]],
    }


def _filled(
    maker: Chain, made: Chain, averages: set[int], field: str, place: Exponent, *, fixed: bool
) -> tuple[dict[str, Any], Exponent] | None:
    question = Question(maker, made, Work(STEPS))
    whole = _packed(question, place, fixed, rational=True)
    if whole:
        return _Filling(question, *whole, averages, field).whole(), whole[1]
    if field == "rational":
        return None
    pattern: Pattern | None = None
    if field == "real":
        pattern = {group[:2]: group.worst for group in question.groups}
    question = again(question)
    shared = _packed(question, place, fixed, pattern)
    if shared is None:
        return None
    return _Filling(question, *shared, averages, field).shared(pattern), shared[1]


def _packed(
    question: Question,
    place: Exponent,
    fixed: bool,
    pattern: Pattern | None = None,
    *,
    rational: bool = False,
) -> tuple[Packed, Exponent] | None:
    """A packing that reaches the place, or the first place of some packing."""
    found = search(question, pattern, rational=rational, place=place).found
    if found:
        return found[0], place
    if fixed:
        return None
    anywhere = search(again(question), pattern, rational=rational).found
    if not anywhere:
        return None
    return anywhere[0], tuple((places & -places).bit_length() - 1 for places in anywhere[0].box)


class _TooLong(Exception):
    pass


def _claim(field: str, splits: list[Any], into: list[Any], shifts: list[Any]) -> dict[str, Any]:
    return {
        "claim": "packs",
        "maker": "maker",
        "field": "real" if field == "part" else field,
        "splits": splits,
        "into": into,
        "shifts": shifts,
    }


class _Filling:
    """The layers of the maker, filled one part after another."""

    def __init__(
        self, question: Question, packed: Packed, place: Exponent, averages: set[int], field: str
    ) -> None:
        self.question, self.packed, self.place, self.field = question, packed, place, field
        self.averages = averages  # their roots have no signs to choose
        self.left = [shape(factor) for factor in question.maker.factors]
        self.made = question.made.factors
        if len(self.left) + len(self.made) > _MOST_ENTRIES:
            raise _TooLong
        self.splits: list[Any] = []
        self.into: list[list[int]] = []
        self.count = len(self.made)  # of all layers and pieces so far

    def whole(self) -> dict[str, Any]:
        """All layers whole."""
        taken: dict[Shape, list[int]] = defaultdict(list)
        for part, layer in self._moved():
            taken[part].append(layer)
        into = [
            [number, taken[shape(factor)].pop()]
            for number, factor in enumerate(self.made)
            if factor.axes
        ]
        return _claim(self.field, [], into, self._shifts())

    def shared(self, pattern: Pattern | None) -> dict[str, Any]:
        """Layers with several axes whole, the roots of the others by the piece."""
        taken: dict[Shape, list[int]] = defaultdict(list)
        for part, layer in self._moved():
            taken[part].append(layer)
        self.into = [
            [number, taken[shape(factor)].pop()]
            for number, factor in enumerate(self.made)
            if len(factor.axes) > 1
        ]
        along = self.question.lines(pattern)
        for axis, line in enumerate(along):
            vector = next(
                vector
                for vector, places in self.packed.ways[axis].items()
                if places >> self.place[axis] & 1
            )
            used = unlinked(line.totals[vector])
            names = self._names(axis, pattern)
            self._along(axis, [(names[number], way, times) for number, way, times in used])
        return _claim(self.field, self.splits, self.into, self._shifts())

    def _moved(self) -> list[tuple[Shape, int]]:
        """Every part that was put somewhere, with the layer."""
        by_room: dict[Shape, list[int]] = defaultdict(list)
        for layer, room in enumerate(self.left):
            by_room[room].append(layer)
        moved = []
        for part, room in unlinked(self.packed.moves):
            layer = by_room[room].pop()
            self.left[layer] = remaining(part, room)
            by_room[self.left[layer]].append(layer)
            moved.append((part, layer))
        return moved

    def _names(self, axis: int, pattern: Pattern | None) -> list[Any]:
        """The demands along an axis, in the order of `Question.lines`."""
        names: list[Any] = []
        for group in self.question.groups:
            if group.axis == axis:
                if pattern is None:
                    names.append(("any", group.step))
                else:
                    counts = zip(("+", "-", "pair"), pattern[group[:2]], strict=True)
                    names += [(kind, group.step) for kind, count in counts if count]
        return names

    def _along(self, axis: int, used: list[tuple[Any, Vector, int]]) -> None:
        """Puts all roots along an axis into layers: pairs before singles, which fit anywhere."""
        pieces: list[tuple[Any, list[Piece]]] = []
        pool: dict[Any, list[list[Piece]]] = defaultdict(list)
        for name, vector, times in used:
            ways = self._ways(axis, name)
            if times * len(ways[vector]) > _MOST_ENTRIES:
                raise _TooLong
            for _ in range(times):
                pool[name].append(list(ways[vector]))
        for name in pool:
            pieces += [(name, cycle) for cycle in pool[name]]
        if sum(len(cycle) for _, cycle in pieces) > _MOST_ENTRIES:
            raise _TooLong
        slots: list[list[int | None]] = [[None] * len(cycle) for _, cycle in pieces]
        for size in (2, 1):
            for at, (_, cycle) in enumerate(pieces):
                for number, piece in enumerate(cycle):
                    if piece.places == size:
                        slots[at][number] = self._slot(axis, piece)
        filled: dict[Any, list[Owners]] = defaultdict(list)
        for (name, cycle), here in zip(pieces, slots, strict=True):
            turns = {
                turn: slot
                for piece, slot in zip(cycle, here, strict=True)
                for turn in piece.turns
                if slot is not None
            }
            filled[name].append(tuple(turns[turn] for turn in range(len(turns))))
        for number, factor in enumerate(self.made):
            if factor.axes == (axis,):
                self._layer(number, axis, factor.dilation[axis], factor.taps[axis] - 1, filled)

    def _ways(self, axis: int, name: Any) -> Options:
        question = self.question
        kind, step = name
        if kind == "any":
            return question.cut(axis, step, None)
        return question.kinds(axis, step)[("+", "-", "pair").index(kind)]

    def _slot(self, axis: int, piece: Piece) -> int:
        """A layer with room for a piece, and one place less in it."""
        size = piece.lattice * piece.places
        for layer, room in enumerate(self.left):
            if room.lattice[axis] == piece.lattice and room.extent[axis] >= size:
                extent = tuple(size if a == axis else 0 for a in range(len(room.extent)))
                self.left[layer] = remaining(Shape(room.lattice, extent), room)
                return layer
        raise Defect("a packing has no room for one of its pieces")

    def _layer(
        self, number: int, axis: int, step: int, count: int, filled: dict[Any, list[Owners]]
    ) -> None:
        """Splits a layer of the made chain along an axis."""
        if self.field == "real":
            cycles = Counter(filled["pair", step].pop() for _ in range(count // 2))
            found: list[Cycles] = [(owners, None, 2 * times) for owners, times in cycles.items()]
            if count % 2:
                found.append((filled["-", step].pop(), -1, 1))
            self._cut(number, axis, found)
            return
        cycles = Counter(filled["any", step].pop() for _ in range(count))
        whole = len(cycles) == len({layer for owners in cycles for layer in owners}) == 1
        if self.field == "complex" or (number in self.averages and whole):
            self._cut(number, axis, [(owners, None, times) for owners, times in cycles.items()])
            return
        by_sign: dict[int, list[Cycles]] = {0: [], -1: []}
        for owners, times in cycles.items():
            mirror = next((mirror for mirror in (0, -1) if _is_symmetric(owners, mirror)), None)
            if mirror is None or number in self.averages:
                raise _TooLong
            by_sign[mirror].append((owners, mirror, times))
        positive = sum(times for _, _, times in by_sign[0])
        signs = [cycles for cycles in by_sign.values() if cycles]
        pieces = self._split("signs", number, positive, len(signs))
        for part, alike in zip(pieces, signs, strict=True):
            self._cut(part, axis, alike)

    def _cut(self, part: int, axis: int, cycles: Sequence[Cycles]) -> None:
        """Cuts a part into those that are turned in the same way."""
        left = sum(roots for _, _, roots in cycles)
        for owners, mirror, roots in cycles:
            own = part
            if roots < left:
                own, part = self._split("cut", part, roots, 2)
                left -= roots
            self._turned(own, tuple(range(len(owners))), mirror, owners, axis)

    def _split(self, how: str, part: int, number: int, pieces: int) -> range:
        """The numbers of the pieces of a layer."""
        self.splits.append([how, part, number])
        self.count += pieces
        return range(self.count - pieces, self.count)

    def _turned(
        self, part: int, turns: Turns, mirror: int | None, owners: Owners, axis: int
    ) -> None:
        """Puts a part with these turns into a layer, or splits it.

        With a mirror c its conjugate turns are c - k: then there is a real root, which gives real
        roots and pairs of conjugate ones, of which only one is looked at.
        """
        taken = {owners[turn] for turn in turns}
        if len(taken) == 1:
            (layer,) = taken
            if len(turns) % self.question.maker.factors[layer].dilation[axis] == 0:
                self.into.append([part, layer])
                return
        order = len(owners)
        for number in (n for n in range(2, len(turns) + 1) if len(turns) % n == 0):
            pieces = [turns[first::number] for first in range(number)]
            if not _is_cut(pieces, owners, self.question.maker, axis):
                continue
            alone: list[Turns] = []
            if mirror is not None:
                images = [frozenset((mirror - turn) % order for turn in piece) for piece in pieces]
                alone = [p for p, image in zip(pieces, images, strict=True) if set(p) == image]
                alone.sort(key=lambda piece: piece[0] != 0)  # a positive root comes first
                pieces = [p for p, i in zip(pieces, images, strict=True) if p[0] < min(i)]
            listed = [*((p, mirror) for p in alone), *((p, None) for p in pieces)]
            numbers = self._split("turn", part, number, len(listed))
            for piece, (own, image) in zip(numbers, listed, strict=True):
                self._turned(piece, own, image, owners, axis)
            return
        raise _TooLong  # other ways to cut a cycle need three different primes

    def _shifts(self) -> list[Any]:
        """Steps of each layer's lattice that together make the shift to the place."""
        steps = [[0] * len(self.place) for _ in self.left]
        for axis, place in enumerate(self.place):
            for layer, count in _steps_to(place, [_free(room, axis) for room in self.left]):
                steps[layer][axis] = count
        return [[layer, found] for layer, found in enumerate(steps) if any(found)]


def _free(room: Shape, axis: int) -> tuple[int, int]:
    return room.lattice[axis], room.extent[axis] // room.lattice[axis]


def _steps_to(place: int, rooms: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """So many steps of each room that add up to the place; the coarse lattices first.

    The counts of each lattice are found from the sums that the finer ones can make.
    """
    lattices = sorted({step for step, count in rooms if count}, reverse=True)
    totals = {step: sum(count for s, count in rooms if s == step) for step in lattices}

    def counts(at: int, left: int) -> list[int] | None:
        if at == len(lattices):
            return [] if left == 0 else None
        step = lattices[at]
        for count in range(min(totals[step], left // step), -1, -1):
            rest = counts(at + 1, left - count * step)
            if rest is not None:
                return [count, *rest]
        return None

    wanted = dict(zip(lattices, counts(0, place) or (), strict=False))
    found = []
    for layer, (step, count) in enumerate(rooms):
        taken = min(count, wanted.get(step, 0))
        if taken:
            wanted[step] -= taken
            found.append((layer, taken))
    return found


def _is_symmetric(owners: Owners, mirror: int) -> bool:
    """Whether conjugate turns go to the same layer."""
    order = len(owners)
    return all(owners[turn] == owners[(mirror - turn) % order] for turn in range(order))


def _is_cut(pieces: list[Turns], owners: Owners, maker: Chain, axis: int) -> bool:
    """Whether no layer takes a coset that is torn apart."""
    (length,) = set(map(len, pieces))
    return all(
        length % maker.factors[owner].dilation[axis] == 0
        for piece in pieces
        for owner in {owners[turn] for turn in piece}
    )
