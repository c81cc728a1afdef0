"""A packing written out: which layer of the maker takes which roots of the made chain.

The format is `packs` of the certificates: whole layers, the roots of layers along one axis by their
turns, and the shift of every layer; a reader has only sums to check. An average is a layer like any
other of its taps here: what holds for all weights holds for equal ones.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any, NamedTuple

from convalgebra.algebra.one_channel.atoms import (
    Pattern,
    Question,
    shape,
)
from convalgebra.algebra.one_channel.chains import Chain, Exponent
from convalgebra.algebra.one_channel.cycles import (
    Options,
    Piece,
    Vector,
    added,
    improves,
)
from convalgebra.algebra.one_channel.packing import Packed, Shape, remaining, unlinked
from convalgebra.algebra.one_channel.search import STEPS, again, search
from convalgebra.algebra.one_channel.work import Exhausted, Work

_MOST_ENTRIES = 4_000  # of a packing in a certificate

Share = dict[int, list[int]]  # turns by layer of the maker


class Slot(NamedTuple):
    """Places in one layer of the maker: 1, or 2 for a pair."""

    layer: int
    places: int


def packs(
    maker: Chain, made: Chain, field: str, place: Exponent, *, fixed: bool
) -> tuple[dict[str, Any], Exponent] | None:
    """The packing that shows that all of `made` is made over a field, and its place.

    The given place if it can be, and else another one, unless it is `fixed`. Where all layers go in
    whole, that is shown over every field. None if it is too long, or not found within a budget.
    """
    same = _cancelled(maker, made)
    if same is None:
        return None
    whole, rooms, parts = same
    if not rooms:
        return None if parts else (_claim(field, [], whole, []), place)
    maker = replace(maker, factors=tuple(maker.factors[j] for j in rooms))
    made = replace(made, factors=tuple(replace(made.factors[i], free=True) for i in parts))
    try:
        found = _filled(maker, made, field, place, fixed=fixed)
    except (Exhausted, _TooLong):
        return None
    if found is None:
        return None
    claim, place = found
    return _renumbered(claim, whole, rooms, parts), place


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
    claim: dict[str, Any], whole: list[list[int]], rooms: list[int], parts: list[int]
) -> dict[str, Any]:
    """A claim about some layers of two chains, in the numbers of all."""

    def shares(listed: list[Any]) -> list[Any]:
        return [[rooms[j], turns] for j, turns in listed]

    roots = [
        {
            **entry,
            "layer": parts[entry["layer"]],
            "ways": {sign: list(map(shares, way)) for sign, way in entry["ways"].items()},
        }
        for entry in claim["roots"]
    ]
    return {
        **claim,
        "shifts": [[rooms[j], shift] for j, shift in claim["shifts"]],
        "whole": whole + [[parts[i], rooms[j]] for i, j in claim["whole"]],
        "roots": roots,
    }


def _filled(
    maker: Chain, made: Chain, field: str, place: Exponent, *, fixed: bool
) -> tuple[dict[str, Any], Exponent] | None:
    question = Question(maker, made, Work(STEPS))
    whole = _packed(question, place, fixed, rational=True)
    if whole:
        return _Filling(question, *whole, field).whole(), whole[1]
    if field == "rational":
        return None
    pattern: Pattern | None = None
    if field == "real":
        pattern = {group[:2]: group.worst for group in question.groups}
    question = again(question)
    shared = _packed(question, place, fixed, pattern)
    return (_Filling(question, *shared, field).shared(pattern), shared[1]) if shared else None


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


def _claim(field: str, shifts: list[Any], whole: list[Any], roots: list[Any]) -> dict[str, Any]:
    return {
        "claim": "packs",
        "maker": "maker",
        "field": field,
        "shifts": shifts,
        "whole": whole,
        "roots": roots,
    }


class _Filling:
    """The layers of the maker, filled one part after another."""

    def __init__(self, question: Question, packed: Packed, place: Exponent, field: str) -> None:
        self.question, self.packed, self.place, self.field = question, packed, place, field
        self.left = [shape(factor) for factor in question.maker.factors]
        self.made = question.made.factors
        if len(self.left) + len(self.made) > _MOST_ENTRIES:
            raise _TooLong
        self.roots: list[Any] = []

    def whole(self) -> dict[str, Any]:
        """All layers whole."""
        taken: dict[Shape, list[int]] = defaultdict(list)
        for part, layer in self._moved():
            taken[part].append(layer)
        whole = []
        for number, factor in enumerate(self.made):
            if factor.axes:
                whole.append([number, taken[shape(factor)].pop()])
        return _claim(self.field, self._shifts(), whole, [])

    def shared(self, pattern: Pattern | None) -> dict[str, Any]:
        """Layers with several axes whole, the roots of the others by the piece."""
        taken: dict[Shape, list[int]] = defaultdict(list)
        for part, layer in self._moved():
            taken[part].append(layer)
        whole = [
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
        return _claim(self.field, self._shifts(), whole, self.roots)

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
        slots: list[list[Slot | None]] = [[None] * len(cycle) for _, cycle in pieces]
        for size in (2, 1):
            for at, (_, cycle) in enumerate(pieces):
                for number, piece in enumerate(cycle):
                    if piece.places == size:
                        slots[at][number] = self._slot(axis, piece)
        filled: dict[Any, list[tuple[list[Piece], list[Slot]]]] = defaultdict(list)
        for (name, cycle), here in zip(pieces, slots, strict=True):
            filled[name].append((cycle, [slot for slot in here if slot is not None]))
        for number, factor in enumerate(self.made):
            if factor.axes == (axis,):
                self._layer(number, axis, factor.dilation[axis], factor.taps[axis] - 1, filled)

    def _ways(self, axis: int, name: Any) -> Options:
        question = self.question
        kind, step = name
        if kind == "any":
            return question.cut(axis, step, None)
        return question.kinds(axis, step)[("+", "-", "pair").index(kind)]

    def _slot(self, axis: int, piece: Piece) -> Slot:
        """A layer with room for a piece, and one place less in it."""
        size = piece.lattice * piece.places
        for layer, room in enumerate(self.left):
            if room.lattice[axis] == piece.lattice and room.extent[axis] >= size:
                extent = tuple(size if a == axis else 0 for a in range(len(room.extent)))
                self.left[layer] = remaining(Shape(room.lattice, extent), room)
                return Slot(layer, piece.places)
        raise AssertionError("a packing has room for all its pieces")

    def _layer(
        self,
        number: int,
        axis: int,
        step: int,
        count: int,
        filled: dict[Any, list[tuple[list[Piece], list[Slot]]]],
    ) -> None:
        """The entries for one layer of the made chain along an axis."""
        if self.field == "complex":
            for _ in range(count):
                cycle, slots = filled["any", step].pop()
                self._entry(number, {"c": [_listed(_shared(cycle, slots))]})
            return
        positive, negative, _ = self.question.kinds(axis, step)
        for _ in range(count // 2):
            cycle, slots = filled["pair", step].pop()
            vector = _count(cycle, self.question.lattices[axis])
            pair = _listed(_shared(cycle, slots))
            ways = {"pp": [pair, pair]}
            for signs, one, two in (
                ("++", positive, positive),
                ("+-", positive, negative),
                ("--", negative, negative),
            ):
                first, second = next(
                    (a, b) for a in one for b in two if improves(added(a, b), vector)
                )
                cut = [*one[first], *two[second]]
                places = _refilled(cut, cycle, slots)
                split = len(one[first])
                ways[signs] = [
                    _listed(_shared(cut[:split], places[:split])),
                    _listed(_shared(cut[split:], places[split:])),
                ]
            self._entry(number, ways)
        if count % 2:
            cycle, slots = filled["-", step].pop()
            vector = _count(cycle, self.question.lattices[axis])
            better = next(way for way in positive if improves(way, vector))
            places = _refilled(list(positive[better]), cycle, slots)
            by_sign = {
                "+": [_listed(_shared(list(positive[better]), places))],
                "-": [_listed(_shared(cycle, slots))],
            }
            self._entry(number, by_sign, once=True)

    def _entry(self, layer: int, ways: dict[str, Any], *, once: bool = False) -> None:
        """Adds an entry, or counts it once more."""
        if self.roots and not once:
            last = self.roots[-1]
            if (last["layer"], last["ways"]) == (layer, ways):
                last["times"] += 1
                return
        self.roots.append({"layer": layer, "times": 1, "ways": ways})

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


def _count(cycle: list[Piece], lattices: tuple[int, ...]) -> Vector:
    return tuple(
        (
            sum(piece.lattice == d and piece.places == 1 for piece in cycle),
            sum(piece.lattice == d and piece.places == 2 for piece in cycle),
        )
        for d in lattices
    )


def _refilled(cut: list[Piece], cycle: list[Piece], slots: list[Slot]) -> list[Slot]:
    """The slots of one cycle given to the pieces of a better cut, lattice by lattice."""
    pairs: dict[int, list[int]] = defaultdict(list)
    singles: dict[int, list[int]] = defaultdict(list)
    for piece, slot in zip(cycle, slots, strict=True):
        (pairs if slot.places == 2 else singles)[piece.lattice].append(slot.layer)
    given: dict[int, Slot] = {}
    for number, piece in enumerate(cut):
        if piece.places == 2:
            given[number] = Slot(pairs[piece.lattice].pop(), 2)
    for number, piece in enumerate(cut):
        if piece.places == 1:
            if not singles[piece.lattice]:
                singles[piece.lattice] += [pairs[piece.lattice].pop()] * 2
            given[number] = Slot(singles[piece.lattice].pop(), 1)
    return [given[number] for number in range(len(cut))]


def _shared(pieces: list[Piece], slots: list[Slot]) -> Share:
    share: Share = defaultdict(list)
    for piece, slot in zip(pieces, slots, strict=True):
        share[slot.layer] += piece.turns
    return share


def _listed(share: Share) -> list[Any]:
    return [[layer, sorted(share[layer])] for layer in sorted(share)]
