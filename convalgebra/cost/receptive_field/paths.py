"""The smallest and the largest field over the paths from the input, without listing the paths.

Field A lies within field B if, after some move of A along the input, every unit of A sees only what
the same unit of B sees. Every layer keeps that order, since it reads the same units of either; so
that at each value only the fields within which no other lies (for the smallest), and those that lie
within no other (for the largest), have to be kept. With windows alone fields of one speed differ in
size and place only: one of each is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple

from convalgebra.cost.figures import worked_out
from convalgebra.cost.receptive_field.amounts import decided
from convalgebra.cost.receptive_field.axes import (
    Periodic,
    at_same_speed,
    each_axis,
    side_by_side,
)
from convalgebra.cost.receptive_field.fields import Field, Way, is_told, ways_to
from convalgebra.errors import NotKnownError
from convalgebra.network import Network
from convalgebra.sizes import Size, maximum, minimum

_MOST_KEPT = 64  # fields of one value, of which none lies within another


class Paths(NamedTuple):
    """The paths from the input to a value, through windows: pooled branches are not followed.

    `number` counts them. `smallest` and `largest` are sizes of fields of single paths along each
    axis (along another axis another path may be the one), None where they are not known; `reason`
    says why.
    """

    number: int
    smallest: tuple[Size, ...] | None
    largest: tuple[Size, ...] | None
    reason: str = ""


_Kept = tuple[Periodic, ...]


def paths_to(network: Network, fields: Sequence[Field], index: int) -> Paths:
    """The paths to one node of `network`, of which `fields` are the fields.

    >>> from convalgebra.cost.receptive_field.fields import receptive_fields
    >>> from convalgebra.language import parse
    >>> network = parse("input 1x32; 3*(3p1 + id)")
    >>> paths_to(network, receptive_fields(network), len(network.nodes) - 1)
    Paths(number=8, smallest=(1,), largest=(7,), reason='')
    """
    axes = len(network.shapes[0]) - 1
    ways = _ways(network, fields, index)
    numbers = _numbers(ways, index)
    lost = next((at for at in sorted(ways) if not is_told(network, fields, at)), None)
    if lost is not None:
        return Paths(numbers, None, None, fields[lost].reason)
    ends, reason = worked_out(
        lambda: (
            _sizes(ways, index, axes, lies_within, minimum),
            _sizes(ways, index, axes, lambda one, two: lies_within(two, one), maximum),
        )
    )
    smallest, largest = ends or (None, None)
    return Paths(numbers, smallest, largest, reason)


def _ways(network: Network, fields: Sequence[Field], index: int) -> dict[int, tuple[Way, ...]]:
    """The ways into every node from which the field of `index` is made up."""
    found: dict[int, tuple[Way, ...]] = {}
    wanted = {index}
    for at in range(index, 0, -1):
        if at in wanted:
            found[at] = ways_to(network, fields, at)
            wanted.update(way.source for way in found[at])
    return found


def _numbers(ways: dict[int, tuple[Way, ...]], index: int) -> int:
    number = {0: 1}
    for at in sorted(ways):
        number[at] = sum(number[way.source] for way in ways[at])
    return number[index]


def _sizes(
    ways: dict[int, tuple[Way, ...]],
    index: int,
    axes: int,
    beats: Callable[[Periodic, Periodic], bool],
    choose: Callable[..., Size],
) -> tuple[Size, ...]:
    kept: dict[int, tuple[_Kept, ...]] = {0: ((Periodic(1, ((0, 0),)),),) * axes}
    for at in sorted(ways):
        branches = [_moved(way, kept[way.source]) for way in ways[at]]
        if len(branches) == 1:
            kept[at] = branches[0]
        else:
            kept[at] = each_axis(partial(_best, beats), *branches)
    return tuple(choose(*(part.size for part in along), decide=decided) for along in kept[index])


def _moved(way: Way, kept: tuple[_Kept, ...]) -> tuple[_Kept, ...]:
    if way.moves is None:
        return kept
    return each_axis(lambda move, parts: tuple(map(move, parts)), way.moves, kept)


def _best(beats: Callable[[Periodic, Periodic], bool], *branches: _Kept) -> _Kept:
    best: list[Periodic] = []
    for part in dict.fromkeys(chain(*branches)):
        if any(beats(other, part) for other in best):
            continue
        best = [other for other in best if not beats(part, other)]
        best.append(part)
    if len(best) > _MOST_KEPT:
        raise NotKnownError(f"more than {_MOST_KEPT} paths whose fields cannot be compared")
    return tuple(best)


def lies_within(one: Periodic, two: Periodic) -> bool:
    """Whether `one`, moved along the input, lies within `two` at every unit."""
    if not at_same_speed(one, two):
        return False
    furthest_left: Size | None = None
    furthest_right: Size | None = None
    for inner, outer in side_by_side(one, two):
        if inner is None:
            continue
        if outer is None:
            return False
        left, right = outer[0] - inner[0], outer[1] - inner[1]
        furthest_left = (
            left if furthest_left is None else maximum(furthest_left, left, decide=decided)
        )
        furthest_right = (
            right if furthest_right is None else minimum(furthest_right, right, decide=decided)
        )
    if furthest_left is None or furthest_right is None:
        return True
    return bool(decided(furthest_right, furthest_left))
