"""A packing written out: which layer of the maker takes which roots of the made chain.

The format is `packs` of the certificates: whole layers, the roots of layers along one axis by their
turns, roots of unity by theirs, and the shift of every layer; a reader has only sums to check.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from math import gcd
from typing import Any, NamedTuple

from convalgebra.algebra.one_channel.atoms import (
    Pattern,
    Question,
    cyclotomic,
    rational_cuts,
    shape,
)
from convalgebra.algebra.one_channel.chains import Chain, Exponent
from convalgebra.algebra.one_channel.cycles import (
    Options,
    Piece,
    Vector,
    added,
    improves,
    options,
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
    if not maker.weights:
        return None if made.weights else (_claim(field, [], [], [], []), place)
    try:
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
    except (Exhausted, _TooLong):
        return None


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


def _claim(
    field: str, shifts: list[Any], whole: list[Any], roots: list[Any], unity: list[Any]
) -> dict[str, Any]:
    return {
        "claim": "packs",
        "maker": "maker",
        "made": "made",
        "field": field,
        "shifts": shifts,
        "whole": whole,
        "roots": roots,
        "unity": unity,
    }


class _Filling:
    """The layers of the maker, filled one part after another."""

    def __init__(self, question: Question, packed: Packed, place: Exponent, field: str) -> None:
        self.question, self.packed, self.place, self.field = question, packed, place, field
        self.layers = [f for f in question.maker.factors if f.free]
        self.left = [shape(factor) for factor in self.layers]
        self.made = [factor for factor in question.made.factors if factor.free]
        if len(self.layers) + len(self.made) > _MOST_ENTRIES:
            raise _TooLong
        self.roots: list[Any] = []
        self.unity: list[Any] = []

    def whole(self) -> dict[str, Any]:
        """All layers whole, and the roots of unity as the rational pieces have them."""
        taken: dict[Shape, list[int]] = defaultdict(list)
        for part, layer in self._moved():
            taken[part].append(layer)
        whole = []
        for number, factor in enumerate(self.made):
            if factor.axes:
                whole.append([number, taken[shape(factor)].pop()])
        for axis, orders in enumerate(self.question.orders):
            if orders:
                self._rational_unity(axis, taken)
        return _claim(self.field, self._shifts(), whole, [], self.unity)

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
        return _claim(self.field, self._shifts(), whole, self.roots, self.unity)

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
        names: list[Any] = [("unity",)] if self.question.orders[axis] else []
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
        for name in [name for name in filled if name == ("unity",)]:
            ((cycle, taken),) = filled[name]
            self._unity(axis, cycle, taken)
        for number, factor in enumerate(self.made):
            if factor.axes == (axis,):
                self._layer(number, axis, factor.dilation[axis], factor.taps[axis] - 1, filled)

    def _ways(self, axis: int, name: Any) -> Options:
        question = self.question
        if name == ("unity",):
            mirror = 0 if self.field == "real" else None
            lattices = question.lattices[axis]
            return options(question.unity(axis), lattices, mirror, question.work)
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
                self._entry({"layer": number, "shares": _listed(_shared(cycle, slots))})
            return
        positive, negative, _ = self.question.kinds(axis, step)
        for _ in range(count // 2):
            cycle, slots = filled["pair", step].pop()
            vector = _count(cycle, self.question.lattices[axis])
            real = {}
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
                real[signs] = [
                    _listed(_shared(cut[:split], places[:split])),
                    _listed(_shared(cut[split:], places[split:])),
                ]
            pair = _listed(_shared(cycle, slots))
            self._entry({"layer": number, "pair": pair, "real": real})
        if count % 2:
            cycle, slots = filled["-", step].pop()
            vector = _count(cycle, self.question.lattices[axis])
            better = next(way for way in positive if improves(way, vector))
            places = _refilled(list(positive[better]), cycle, slots)
            by_sign = {
                "+": _listed(_shared(list(positive[better]), places)),
                "-": _listed(_shared(cycle, slots)),
            }
            self._entry({"layer": number, "real": by_sign}, once=True)

    def _entry(self, entry: dict[str, Any], *, once: bool = False) -> None:
        """Adds an entry, or counts it once more."""
        if self.roots and not once:
            last = self.roots[-1]
            if {key: value for key, value in last.items() if key != "times"} == entry:
                last["times"] += 1
                return
        self.roots.append({**entry, "times": 1})

    def _unity(self, axis: int, cycle: list[Piece], slots: list[Slot]) -> None:
        length = self.question.length(axis)
        shares: dict[int, list[int]] = defaultdict(lambda: [0] * length)
        for piece, slot in zip(cycle, slots, strict=True):
            for turn in piece.turns:
                shares[slot.layer][turn] += 1
        self._unity_entry(axis, shares)

    def _unity_entry(self, axis: int, shares: dict[int, list[int]]) -> None:
        listed: list[list[Any]] = [[layer, shares[layer]] for layer in sorted(shares)]
        length = self._common_length(axis)
        if length != self.question.length(axis):
            times = length // self.question.length(axis)
            for entry in listed:
                spread = [0] * length
                spread[::times] = entry[1]
                entry[1] = spread
        if length * (1 + len(listed)) > _MOST_ENTRIES:
            raise _TooLong
        self.unity.append({"axis": axis, "order": length, "shares": listed})

    def _common_length(self, axis: int) -> int:
        """A common order of all roots of unity of the fixed layers, those of the maker too."""
        length = self.question.length(axis)
        for chain in (self.question.maker, self.question.made):
            for factor in chain.factors:
                taps, step = factor.progressions[axis]
                if not factor.free and taps > 1:
                    length = length * taps * step // gcd(length, taps * step)
        return length

    def _rational_unity(self, axis: int, taken: dict[Shape, list[int]]) -> None:
        """The roots of unity where each layer takes cyclotomic polynomials in powers of z^d."""
        question, axes = self.question, len(self.place)
        orders, length = question.orders[axis], question.length(axis)
        for cut in rational_cuts(orders, question.lattices[axis], question.work):
            shapes: Counter[Shape] = Counter()
            for (lattice, order), count in cut.items():
                shapes[cyclotomic(axes, axis, lattice, order)] += count
            if any(len(taken[part]) < count for part, count in shapes.items()):
                continue
            shares: dict[int, list[int]] = defaultdict(lambda: [0] * length)
            for (lattice, order), count in cut.items():
                for _ in range(count):
                    layer = taken[cyclotomic(axes, axis, lattice, order)].pop()
                    for turn in range(length):
                        its = length // gcd(length, turn)
                        shares[layer][turn] += its // gcd(its, lattice) == order
            return self._unity_entry(axis, shares)
        raise AssertionError("the parts that were packed are those of some cut")

    def _shifts(self) -> list[Any]:
        """Steps of each layer's lattice that together make the shift to the place."""
        steps = [[0] * len(self.place) for _ in self.layers]
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
