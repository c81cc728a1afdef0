"""How the roots of one cycle can be shared out among layers on several lattices.

The roots z of `z^e = u` are one of them times the e-th roots of unity: a *cycle*, numbered by its
turns k in Z/e. A layer in powers of z^d takes sets that the d-th roots of unity map to themselves:
unions of cosets of the d turns `0, e/d, 2e/d, ..`, if d divides e. Over R each layer also takes
with every root its conjugate: in the cycle of a real u > 0 that is the turn -k, for u < 0 it is
-k - 1. So a cycle is cut into *pieces*: one coset that is its own mirror image, which needs one
place in a layer (a single), or a coset with its mirror image, which needs two places in the same
layer (a pair).
"""

from __future__ import annotations

from math import lcm
from typing import NamedTuple

from convalgebra.algebra.one_channel.work import Work
from convalgebra.budget import Exhausted

Vector = tuple[tuple[int, int], ...]  # for each lattice: how many singles, how many pairs


class Piece(NamedTuple):
    """Turns that go to one layer of this lattice; `places` is 1 for a single, 2 for a pair."""

    lattice: int
    places: int
    turns: tuple[int, ...]


Options = dict[Vector, tuple[Piece, ...]]


def options(
    points: tuple[int, ...], lattices: tuple[int, ...], mirror: int | None, work: Work
) -> Options:
    """Every way to cut a cycle into pieces, as far as the layers can tell: counts, one example.

    `points[k]` is how often the root of turn k occurs, `lattices` are the divisors of the length
    that there are layers for (rising). With `mirror` c the conjugate of turn k is c - k, and
    `points` are symmetric; None asks for cosets only, as over C. Where two ways use as many places
    of every lattice, the one with fewer pairs is at least as good, and the other is left out.

    >>> sorted(options((1, 1), (1, 2), 0, Work(100)))  # the roots 1 and -1: both real
    [((0, 0), (1, 0)), ((2, 0), (0, 0))]
    >>> sorted(options((1, 1), (1, 2), -1, Work(100)))  # i and -i: a pair, or whole in z^2
    [((0, 0), (1, 0)), ((0, 1), (0, 0))]

    Raises Exhausted when the work runs out.
    """
    found: Options = {((0, 0),) * len(lattices): ()}
    if not any(points):
        return found
    if not lattices:
        return {}
    span = lcm(*lattices)
    parts = len(points) // span
    if len(lattices) == 1 and min(points) == max(points) == 1:
        return _one_lattice(parts, lattices[0], mirror)
    for part in range(parts):
        image = part if mirror is None else (mirror - part) % parts
        if image < part:
            continue
        turned = None
        if mirror is not None and image == part:
            turned = (mirror - 2 * part) // parts % span
        ways = _cosets_of_the_span(points[part::parts], lattices, turned, work)
        both = image != part and mirror is not None
        if both:
            ways = doubled(ways)
        here: Options = {}
        for vector, pieces in ways.items():
            placed = []
            for piece in pieces:
                turns = tuple(part + turn * parts for turn in piece.turns)
                if both and mirror is not None:
                    turns += tuple((mirror - turn) % len(points) for turn in turns)
                placed.append(piece._replace(turns=turns))
            here[vector] = tuple(placed)
        found = _all_sums(found, here, work)
    return found


def doubled(ways: Options) -> Options:
    """The ways to cut a cycle together with its mirror image elsewhere: every piece is a pair.

    The turns are those in the first cycle of the two.
    """
    return {
        tuple((0, singles) for singles, _ in vector): tuple(
            piece._replace(places=2) for piece in pieces
        )
        for vector, pieces in ways.items()
    }


def _one_lattice(parts: int, lattice: int, mirror: int | None) -> Options:
    """The only way to cut a simple cycle into cosets of one lattice."""
    pieces = []
    count = [0, 0]
    for part in range(parts):
        image = part if mirror is None else (mirror - part) % parts
        if image < part:
            continue
        both = image != part
        count[both] += 1
        turns = tuple(range(part, parts * lattice, parts))
        if both:
            turns += tuple(range(image, parts * lattice, parts))
        pieces.append(Piece(lattice, 1 + both, turns))
    return {((count[0], count[1]),): tuple(pieces)}


def _cosets_of_the_span(
    points: tuple[int, ...], lattices: tuple[int, ...], mirror: int | None, work: Work
) -> Options:
    """The ways for a cycle as long as the least common multiple of the lattices."""
    key = (points, lattices, mirror)
    if key not in work.cycles:
        if lattices[-1] == len(points):
            work.cycles[key] = _whole_ones_first(points, lattices, mirror, work)
        else:
            work.cycles[key] = _exact_covers(points, lattices, mirror, work)
    found: Options = work.cycles[key]
    return found


def _whole_ones_first(
    points: tuple[int, ...], lattices: tuple[int, ...], mirror: int | None, work: Work
) -> Options:
    """The ways where the coarsest lattice is the whole cycle: so often whole, the rest without."""
    found: Options = {}
    whole = Piece(lattices[-1], 1, tuple(range(len(points))))
    for times in range(min(points) + 1):
        rest = tuple(point - times for point in points)
        for vector, pieces in options(rest, lattices[:-1], mirror, work).items():
            found[(*vector, (times, 0))] = pieces + (whole,) * times
    return best(found)


_DEEPEST = 400  # roots in one cycle; deeper recursion would end in an error


def _exact_covers(
    points: tuple[int, ...], lattices: tuple[int, ...], mirror: int | None, work: Work
) -> Options:
    """The ways where no lattice is the whole cycle: every piece for the first root, and so on."""
    length = len(points)
    if sum(points) > _DEEPEST:
        raise Exhausted
    known: dict[tuple[int, ...], Options] = {}

    def cover(rest: tuple[int, ...]) -> Options:
        if not any(rest):
            return {((0, 0),) * len(lattices): ()}
        if rest in known:
            return known[rest]
        work.spend(length)
        first = next(turn for turn, point in enumerate(rest) if point)
        found: Options = {}
        for at, lattice in enumerate(lattices):
            step = length // lattice
            turns = tuple(range(first % step, length, step))
            image = turns if mirror is None else tuple((mirror - turn) % length for turn in turns)
            both = set(image) != set(turns)
            taken = turns + image if both else turns
            left = list(rest)
            for turn in taken:
                left[turn] -= 1
            if min(left) < 0:
                continue
            piece = Piece(lattice, 1 + both, taken)
            for vector, pieces in cover(tuple(left)).items():
                singles, pairs = vector[at]
                count = (singles, pairs + 1) if both else (singles + 1, pairs)
                work.spend(1)
                found[(*vector[:at], count, *vector[at + 1 :])] = (*pieces, piece)
        known[rest] = best(found)
        return known[rest]

    return cover(points)


def added(one: Vector, two: Vector, times: int = 1) -> Vector:
    """The pieces of one, and `times` those of the other."""
    return tuple((a + times * c, b + times * d) for (a, b), (c, d) in zip(one, two, strict=True))


def places(vector: Vector) -> tuple[int, ...]:
    """How many places of the layers of each lattice the pieces take."""
    return tuple(singles + 2 * pairs for singles, pairs in vector)


def _all_sums(one: Options, two: Options, work: Work) -> Options:
    sums: Options = {}
    for left, pieces in one.items():
        for right, more in two.items():
            work.spend(1 + (len(pieces) + len(more)) // 16)
            sums.setdefault(added(left, right), pieces + more)
    return best(sums)


def best(ways: Options) -> Options:
    """Those ways that no other one improves: as many places everywhere, and fewer pairs.

    Where a pair fits, two singles fit as well.
    """
    by_places: dict[tuple[int, ...], list[Vector]] = {}
    for vector in ways:
        by_places.setdefault(places(vector), []).append(vector)
    if len(by_places) == len(ways):
        return ways
    return {
        vector: ways[vector]
        for same in by_places.values()
        for vector in same
        if not any(other != vector and improves(other, vector) for other in same)
    }


def improves(one: Vector, two: Vector) -> bool:
    """Whether `one` takes the same places as `two`, with no more pairs: it fits where `two` does.

    >>> improves(((2, 0),), ((0, 1),)), improves(((0, 1),), ((2, 0),))
    (True, False)
    """
    return places(one) == places(two) and all(
        a <= b for (_, a), (_, b) in zip(one, two, strict=True)
    )
