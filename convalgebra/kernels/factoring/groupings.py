"""The search for groups: which parts go into which layer.

The degrees of a product add up along every axis, so a group fits a layer iff its degrees add up to
no more than the layer has room for. (The layer's lattice is seen to by the parts, see `parts`.)
Layers with the same taps are interchangeable: groupings that differ by their order are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from convalgebra.algebra.one_channel.chains import Exponent
from convalgebra.algebra.one_channel.work import Work
from convalgebra.kernels.factoring.parts import Part


class Layer(NamedTuple):
    """The room of a layer along every axis, in steps of the grid, and the lattice of its taps."""

    room: Exponent
    lattice: Exponent


Group = tuple[int, ...]  # atoms by number, with repetition
Grouping = tuple[Group, ...]  # one for each layer


def exists(layers: list[Layer], parts: list[tuple[Part, int]], work: Work) -> list[int] | None:
    """A layer for each part (as often as it occurs) such that all fit; None if there is none.

    Parts of the same degree are the same here, so all layers must have the same lattice.

    >>> two = [Layer((1, 1), (1, 1))] * 2
    >>> exists(two, [(Part((0,), (0, 1)), 2), (Part((1,), (1, 1)), 1)], Work(100)) is None
    True

    Raises Exhausted when the work runs out.
    """
    listed = [part for part, times in parts for _ in range(times)]
    kinds = sorted({part.degree for part in listed}, key=lambda d: (-sum(d), d))
    counts = tuple(sum(part.degree == kind for part in listed) for kind in kinds)
    order = sorted(range(len(layers)), key=lambda n: layers[n].room)
    failed: set[tuple[int, tuple[int, ...]]] = set()
    chosen: dict[int, tuple[int, ...]] = {}
    axes = len(layers[0].room) if layers else 0
    left_room = [_sum((layers[n].room for n in order[at:]), axes) for at in range(len(order) + 1)]

    def fill(at: int, counts: tuple[int, ...]) -> bool:
        if not any(counts):
            return True
        if at == len(order) or (at, counts) in failed:
            return False
        total = _sum((_times(kind, n) for kind, n in zip(kinds, counts, strict=True)), axes)
        if not _inside(total, left_room[at]):
            return False
        for taken in _takings(kinds, counts, layers[order[at]].room, work):
            rest = tuple(a - b for a, b in zip(counts, taken, strict=True))
            if fill(at + 1, rest):
                chosen[order[at]] = taken
                return True
        failed.add((at, counts))
        return False

    if not fill(0, counts):
        return None
    pools = {kind: [n for n, part in enumerate(listed) if part.degree == kind] for kind in kinds}
    home = [0] * len(listed)
    for layer, taken in chosen.items():
        for kind, times in zip(kinds, taken, strict=True):
            for _ in range(times):
                home[pools[kind].pop(0)] = layer
    return home


def _takings(
    kinds: list[Exponent], counts: tuple[int, ...], room: Exponent, work: Work
) -> Iterator[tuple[int, ...]]:
    """How many of each kind a layer may take, as many as possible first."""
    if not kinds:
        yield ()
        return
    most = min([counts[0]] + [r // size for size, r in zip(kinds[0], room, strict=True) if size])
    for times in range(most, -1, -1):
        work.spend(1)
        rest = tuple(r - times * size for r, size in zip(room, kinds[0], strict=True))
        for others in _takings(kinds[1:], counts[1:], rest, work):
            yield (times, *others)


def groupings(
    layers: list[Layer],
    parts: dict[Exponent, tuple[Part, ...]],
    counts: tuple[int, ...],
    degrees: tuple[Exponent, ...],
    work: Work,
) -> Iterator[Grouping]:
    """All ways to share out atoms, which occur `counts` times, among layers, by parts.

    `parts` has those of each lattice. Layers with a coarser lattice are filled first.

    >>> parts = (Part((0,), (1,)), Part((1,), (1,)))
    >>> two = [Layer((1,), (1,))] * 2
    >>> list(groupings(two, {(1,): parts}, (1, 1), ((1,), (1,)), Work(100)))
    [((0,), (1,))]

    Raises Exhausted when the work runs out.
    """
    order = sorted(range(len(layers)), key=lambda n: (layers[n].lattice, layers[n].room, -n))
    order.reverse()
    axes = len(layers[0].room) if layers else 0
    room_after = [_sum((layers[n].room for n in order[at + 1 :]), axes) for at in range(len(order))]
    tail = len(order)  # from here on all layers are equal
    while tail and layers[order[tail - 1]] == layers[order[-1]]:
        tail -= 1

    def fill(
        at: int, counts: tuple[int, ...], groups: tuple[Group, ...]
    ) -> Iterator[tuple[Group, ...]]:
        if at == len(order):
            if not any(counts):
                yield groups
            return
        if not any(counts):
            yield groups + ((),) * (len(order) - at)
            return
        layer = layers[order[at]]
        total = _sum((_times(d, n) for d, n in zip(degrees, counts, strict=True)), axes)
        if not _inside(total, _sum((layer.room, room_after[at]), axes)):
            return
        least = tuple(t - r for t, r in zip(total, room_after[at], strict=True))
        # The same groups in another order are left out: equal layers at the end take the first atom
        # that is left, each in turn; others have their groups in order.
        first = next(n for n, count in enumerate(counts) if count) if at >= tail else None
        limit = groups[-1] if at and layers[order[at - 1]] == layer else ()
        for left, group in _groups(parts[layer.lattice], counts, layer.room, least, first, work):
            if group >= limit:
                yield from fill(at + 1, left, (*groups, group))

    for groups in fill(0, counts, ()):
        placed: list[Group] = [()] * len(layers)
        for n, group in zip(order, groups, strict=True):
            placed[n] = group
        yield tuple(placed)


def _groups(
    parts: tuple[Part, ...],
    counts: tuple[int, ...],
    room: Exponent,
    least: Exponent,
    first: int | None,
    work: Work,
) -> Iterator[tuple[tuple[int, ...], Group]]:
    """The groups that fit in the room and have the least degree, with the counts that are left.

    Each has atom `first`, if one is named.
    """
    choices = [part for part in parts if _most(part, counts, room)]
    choices.sort(key=lambda part: first not in part.atoms)
    if first is not None and (not choices or first not in choices[0].atoms):
        return
    ahead = [(0,) * len(room)]  # the degree that the choices from each on can make up, last first
    for part in reversed(choices):
        ahead.append(_sum((ahead[-1], _times(part.degree, _most(part, counts, room))), len(room)))
    ahead.reverse()

    def chosen(
        at: int, counts: tuple[int, ...], room: Exponent, least: Exponent
    ) -> Iterator[tuple[tuple[int, ...], Group]]:
        work.spend(1 + len(counts) // 8)  # the counts are copied
        if not _inside(least, ahead[at]):
            return
        if at == len(choices) or not any(room):
            if all(size <= 0 for size in least):
                yield counts, ()
            return
        part = choices[at]
        fewest = 1 if at == 0 and first is not None else 0
        for times in range(_most(part, counts, room), fewest - 1, -1):
            after = counts
            if times:
                changed = list(counts)
                for atom in part.atoms:
                    changed[atom] -= times
                after = tuple(changed)
            used = _times(part.degree, times)
            rest = tuple(a - b for a, b in zip(room, used, strict=True))
            still = tuple(a - b for a, b in zip(least, used, strict=True))
            for left, group in chosen(at + 1, after, rest, still):
                yield left, tuple(sorted(part.atoms * times + group))

    yield from chosen(0, counts, room, least)


def _most(part: Part, counts: tuple[int, ...], room: Exponent) -> int:
    """How often a part can be taken at most."""
    held = min(counts[atom] for atom in part.atoms)
    return min(held, *(r // size for size, r in zip(part.degree, room, strict=True) if size))


def _sum(exponents: Iterable[Exponent], axes: int) -> Exponent:
    return tuple(map(sum, zip((0,) * axes, *exponents, strict=True)))


def _times(exponent: Exponent, times: int) -> Exponent:
    return tuple(times * power for power in exponent)


def _inside(total: Exponent, room: Exponent) -> bool:
    return all(a <= b for a, b in zip(total, room, strict=True))
