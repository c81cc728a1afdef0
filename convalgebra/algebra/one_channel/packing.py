"""Packing: parts with an extent and a lattice along every axis into layers with room for them.

What a layer takes must, after a shift, lie on its taps: its parts' extents add up to no more than
its own, and along each axis on which a part extends the layer's lattice contains the part's. Parts
that are whole go into one layer each; the roots along one axis are shared out by the piece (see
`cycles`). What room is left is filled by monomials, which move the product about: the places that
a packing reaches are, along each axis, the sums of so many steps of every lattice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from convalgebra.algebra.one_channel.chains import Exponent
from convalgebra.algebra.one_channel.cycles import Options, Vector, added, best, places
from convalgebra.algebra.one_channel.places import Box, holds, sums
from convalgebra.algebra.one_channel.work import Work


class Shape(NamedTuple):
    """How far a part or the room of a layer extends along each axis, and on which lattice.

    The lattice is 1 along an axis on which it does not extend.
    """

    lattice: Exponent
    extent: Exponent


class Demand(NamedTuple):
    """So many cycles of roots along an axis, of one kind, each cut up in one of these ways."""

    name: Any
    options: Options
    cycles: int


class Lines(NamedTuple):
    """All roots along one axis, as sums over the demands: each vector with how it comes about."""

    lattices: tuple[int, ...]
    totals: dict[Vector, Any]  # to linked tuples (rest, (demand, vector, times))


class Packed(NamedTuple):
    """One way to pack: the whole parts, then the roots along each axis; where the product can be.

    `moves` are linked tuples `(rest, (part, room before))`; `rooms` is what is left after them.
    `ways` gives for each axis the places each vector of `Lines.totals` can bring the product to.
    """

    moves: Any
    rooms: tuple[tuple[Shape, int], ...]
    ways: tuple[dict[Vector, int], ...]

    @property
    def box(self) -> Box:
        """All the places that it can bring the product to."""
        box = []
        for way in self.ways:
            bits = 0
            for reached in way.values():
                bits |= reached
            box.append(bits)
        return tuple(box)

    def reaches(self, place: Exponent) -> bool:
        """Whether it brings the product to this place."""
        return all(map(holds, self.box, place))


def unlinked(linked: Any) -> list[Any]:
    """The entries of linked tuples `(rest, entry)`, the first one first."""
    entries = []
    while linked is not None:
        linked, entry = linked
        entries.append(entry)
    return entries[::-1]


def fits(part: Shape, room: Shape) -> bool:
    """Whether a part fits in the room that a layer has left."""
    return all(
        extent == 0 or (extent <= left and lattice % step == 0)
        for extent, lattice, left, step in zip(
            part.extent, part.lattice, room.extent, room.lattice, strict=True
        )
    )


def lines(
    lattices: tuple[int, ...], demands: list[Demand], rooms: dict[Shape, int], axis: int, work: Work
) -> Lines:
    """All that the demands along an axis can take of the lattices, within the room there is."""
    most = [size for size, _ in _room(rooms, lattices, axis)]
    totals: dict[Vector, Any] = {((0, 0),) * len(lattices): None}
    for number, demand in enumerate(demands):
        if len(demand.options) == 1:
            (vector,) = demand.options
            entry = (number, vector, demand.cycles)
            totals = {
                added(total, vector, demand.cycles): (way, entry) for total, way in totals.items()
            }
            totals = {total: way for total, way in totals.items() if _within(total, most)}
            continue
        for _ in range(demand.cycles):
            more: dict[Vector, Any] = {}
            work.spend(1 + len(totals) * len(demand.options))
            for total, way in totals.items():
                for vector in demand.options:
                    new = added(total, vector)
                    if new not in more and _within(new, most):
                        more[new] = (way, (number, vector, 1))
            totals = best(more)
    return Lines(lattices, totals)


def _within(total: Vector, most: list[int]) -> bool:
    return all(taken <= size for taken, size in zip(places(total), most, strict=True))


def _room(rooms: dict[Shape, int], lattices: tuple[int, ...], axis: int) -> list[tuple[int, int]]:
    """For each lattice the places along an axis, and how many pairs of them within one layer."""
    found = dict.fromkeys(lattices, (0, 0))
    for room, count in rooms.items():
        left = room.extent[axis] // room.lattice[axis]
        if left:
            size, pairs = found[room.lattice[axis]]
            found[room.lattice[axis]] = (size + count * left, pairs + count * (left // 2))
    return list(found.values())


def packings(
    parts: dict[Shape, int],
    rooms: dict[Shape, int],
    along: tuple[Lines, ...],
    work: Work,
) -> Iterator[Packed]:
    """Ways to pack, such that every place that any way reaches is reached by one of these.

    A part that would fill a layer exactly, lattice and all, is put there at once. (In a packing
    where that layer holds other things, these can be exchanged with the part: they lie on its
    lattice, so wherever it lies, and are no larger.) The rest is a search, the largest parts first
    and the tightest rooms first, over states in which layers with the same room left are the same.

    If each axis has one lattice only, all packings leave the same room, and one is enough.

    Raises Exhausted when the work runs out; what was yielded before holds all the same.
    """
    parts, rooms = dict(parts), dict(rooms)
    moves: Any = None
    for part in list(parts):
        exact = min(parts[part], rooms.get(part, 0))
        for _ in range(exact):
            moves = (moves, (part, part))
        if exact:
            parts[part] -= exact
            _move(rooms, part, part, exact)
    order = sorted((part for part in parts if parts[part]), key=_size, reverse=True)
    alike = all(len(line.lattices) <= 1 for line in along)
    known: list[dict[Any, dict[Vector, int]]] = [{} for _ in along]
    counts = tuple(parts[part] for part in order)
    start = (counts, _state(rooms))
    seen = {start}
    stack = [(start, moves)]
    while stack:
        (counts, state), moves = stack.pop()
        work.spend(1 + len(state))
        rooms = dict(state)
        at = next((at for at, count in enumerate(counts) if count), None)
        if at is None:
            ways = tuple(
                _ways(line, rooms, axis, known[axis], work) for axis, line in enumerate(along)
            )
            if all(ways):
                yield Packed(moves, state, ways)
                if alike:
                    return
            continue
        if any(_copies(part, rooms, n) < n for part, n in zip(order, counts, strict=True) if n):
            continue
        left = (*counts[:at], counts[at] - 1, *counts[at + 1 :])
        candidates = [room for room in rooms if fits(order[at], room)]
        for room in sorted(candidates, key=_size, reverse=True):
            after = dict(rooms)
            _move(after, order[at], room, 1)
            new = (left, _state(after))
            if new not in seen:
                seen.add(new)
                stack.append((new, (moves, (order[at], room))))


def _size(shape: Shape) -> tuple[int, Shape]:
    return sum(shape.extent), shape


def remaining(part: Shape, room: Shape) -> Shape:
    """The room that is left beside a part."""
    extent = tuple(a - b for a, b in zip(room.extent, part.extent, strict=True))
    lattice = tuple(d if e else 1 for d, e in zip(room.lattice, extent, strict=True))
    return Shape(lattice, extent)


def _move(rooms: dict[Shape, int], part: Shape, room: Shape, count: int) -> None:
    rooms[room] -= count
    if not rooms[room]:
        del rooms[room]
    left = remaining(part, room)
    rooms[left] = rooms.get(left, 0) + count


def _state(rooms: dict[Shape, int]) -> tuple[tuple[Shape, int], ...]:
    return tuple(sorted(rooms.items()))


def _copies(part: Shape, rooms: dict[Shape, int], enough: int) -> int:
    """How many copies of a part alone the rooms hold, or `enough`."""
    held = 0
    for room, count in rooms.items():
        if fits(part, room):
            sizes = zip(part.extent, room.extent, strict=True)
            held += count * min((left // size for size, left in sizes if size), default=enough)
            if held >= enough:
                return enough
    return held


def _ways(
    line: Lines, rooms: dict[Shape, int], axis: int, known: dict[Any, dict[Vector, int]], work: Work
) -> dict[Vector, int]:
    """The totals that fit in the rooms, with the places to which the left-over room brings them."""
    room = tuple(_room(rooms, line.lattices, axis))
    if room not in known:
        known[room] = {}
        for total in line.totals:
            work.spend(1)
            spare = [size - taken for (size, _), taken in zip(room, places(total), strict=True)]
            fit = all(pairs <= most for (_, pairs), (_, most) in zip(total, room, strict=True))
            if fit and min(spare, default=0) >= 0:
                steps = zip(spare, line.lattices, strict=True)
                known[room][total] = sums((count + 1, step) for count, step in steps)
    return known[room]
