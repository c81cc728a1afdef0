"""Places along one axis as the bits of an int: bit n is set where exponent n occurs.

The taps of a layer are an arithmetic progression along every axis, so what a chain of layers covers
is a box too: a set of places for each axis, and every combination of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

Box = tuple[int, ...]  # a set of places for each axis


def progression(count: int, step: int) -> int:
    """The places 0, step, .., (count - 1) step.

    >>> listed(progression(3, 2))
    [0, 2, 4]
    """
    return _spread(1, count - 1, step)


def sums(progressions: Iterable[tuple[int, int]], places: int = 1) -> int:
    """The sums of one of `places` and one place out of each progression, given as (count, step).

    >>> listed(sums([(2, 3), (2, 1)]))
    [0, 1, 3, 4]
    """
    lengths: Counter[int] = Counter()
    for count, step in progressions:
        lengths[step] += count - 1
    for step, length in lengths.items():
        places = _spread(places, length, step)
    return places


def shifts(held: int, count: int, step: int) -> int:
    """The shifts that put all of `held`, which begins at 0, on the places of a progression.

    >>> listed(shifts(progression(2, 2), 5, 1)), listed(shifts(progression(3, 1), 5, 2))
    ([0, 1, 2], [])
    """
    steps = (held.bit_length() - 1) // step
    if steps >= count or held & ~progression(steps + 1, step):
        return 0
    return progression(count - steps, step)


def listed(places: int) -> list[int]:
    """The places in order."""
    return [place for place, bit in enumerate(reversed(f"{places:b}")) if bit == "1"]


def holds(places: int, place: int) -> bool:
    """Whether a place, which may be negative, is among the places."""
    return place >= 0 and bool(places >> place & 1)


def _spread(places: int, steps: int, step: int) -> int:
    """The places shifted by 0, step, .., steps * step; doubled, so that long chains stay cheap."""
    done = 0
    while done < steps:
        more = min(done + 1, steps - done)
        places |= places << (more * step)
        done += more
    return places
