"""Sets of positions along one axis, as runs; what a layer reads for them.

A set is a tuple of runs (first, last), sorted, neither overlapping nor touching.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from convalgebra.cost.receptive_field.axes import MOST_LOOKS
from convalgebra.cost.receptive_field.readings import Reads, numbers_of, of_transposed
from convalgebra.errors import NotKnownError
from convalgebra.windows import Window

Run = tuple[int, int]
Places = tuple[Run, ...]


def places_of(runs: Iterable[Run]) -> Places:
    """Some runs as a set.

    >>> places_of([(4, 5), (0, 1), (2, 2)])
    ((0, 2), (4, 5))
    """
    found: list[Run] = []
    for first, last in sorted(runs):
        if found and first <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(found[-1][1], last)
        else:
            found.append((first, last))
    return tuple(found)


def number_of(places: Places) -> int:
    """How many positions there are in a set."""
    return sum(last - first + 1 for first, last in places)


def within(inner: Places, outer: Places) -> bool:
    """Whether every position of one set is in another."""
    return places_of(inner + outer) == outer


def clipped(places: Places, side: int) -> Places:
    """The positions that there are: from 0 to `side - 1`."""
    kept = ((max(first, 0), min(last, side - 1)) for first, last in places)
    return tuple((first, last) for first, last in kept if first <= last)


def read_by_window(places: Places, window: Window, side: int) -> Places:
    """The inputs that a window reads for some outputs, those in its padding left out.

    >>> read_by_window(((0, 0), (3, 3)), Window(3, 2, 1, (1, 1)), 8)
    ((0, 1), (5, 7))
    """
    return clipped(places_of(_limited(_window_runs(places, window))), side)


def _window_runs(places: Places, window: Window) -> Iterator[Run]:
    taps, stride, dilation, before = numbers_of(window)
    reach = (taps - 1) * dilation
    for first, last in places:
        outputs = last - first + 1
        if (dilation == 1 and (outputs == 1 or taps >= stride)) or (
            stride == 1 and (taps == 1 or outputs >= dilation)
        ):
            yield first * stride - before, last * stride - before + reach
        elif stride == 1:
            yield from (
                (first + at, last + at) for at in range(-before, reach - before + 1, dilation)
            )
        elif dilation == 1:
            starts = range(first * stride - before, last * stride - before + 1, stride)
            yield from ((at, at + reach) for at in starts)
        else:
            for start in range(first * stride - before, last * stride - before + 1, stride):
                yield from ((at, at) for at in range(start, start + reach + 1, dilation))


def _limited(runs: Iterator[Run]) -> Iterator[Run]:
    for number, run in enumerate(runs):
        if number > MOST_LOOKS:
            raise NotKnownError(f"the set has more than {MOST_LOOKS:,} pieces")
        yield run


def read_by_transposed(places: Places, window: Window, side: int) -> Places:
    """The inputs that a transposed window reads for some outputs."""
    taps, stride, dilation, _ = numbers_of(window)
    return _read(places, of_transposed(window), side, touching=dilation == 1 and taps >= stride)


def read_by_resize(places: Places, reads: Reads, side: int, outputs: int) -> Places:
    """The inputs that an interpolation reads for some of its outputs."""
    return _read(places, reads, side, touching=outputs >= side)


def read_by_pooling(places: Places, reads: Reads, side: int) -> Places:
    """The inputs that an adaptive pooling reads for some of its outputs."""
    return _read(places, reads, side, touching=True)


def _read(places: Places, reads: Reads, side: int, *, touching: bool) -> Places:
    """What is read; `touching` says that neighbouring outputs read one run together."""

    def runs() -> Iterator[Run]:
        for first, last in places:
            if touching:
                yield reads(first)[0], reads(last)[-1]
                continue
            if last - first >= MOST_LOOKS:
                raise NotKnownError(f"{last - first + 1:,} units are too many to ask one by one")
            for output in range(first, last + 1):
                read = reads(output)
                if len(read) and read.step == 1:
                    yield read[0], read[-1]
                else:
                    for at in read:
                        yield at, at

    return clipped(places_of(_limited(runs())), side)


def read_by_border(places: Places, kind: str, before: int, side: int) -> Places:
    """The inputs that `pad`, `crop`, `reflect`, .. show at some of their outputs.

    >>> read_by_border(((0, 1),), "reflect", 2, 8), read_by_border(((0, 1),), "circular", 2, 8)
    (((1, 2),), ((6, 7),))
    """
    moved = [(first - before, last - before) for first, last in places]
    shown = list(clipped(tuple(moved), side))
    for first, last in moved:
        for low, high in ((first, min(last, -1)), (max(first, side), last)):
            if low <= high and kind in _OUTSIDE:
                shown.append(_OUTSIDE[kind](low, high, side))
    return places_of(shown)


def _reflected(first: int, last: int, side: int) -> Run:
    return (-last, -first) if last < 0 else (2 * (side - 1) - last, 2 * (side - 1) - first)


def _around(first: int, last: int, side: int) -> Run:
    turn = side if last < 0 else -side
    return first + turn, last + turn


def _repeated(first: int, last: int, side: int) -> Run:
    return (0, 0) if last < 0 else (side - 1, side - 1)


_OUTSIDE = {"reflect": _reflected, "circular": _around, "replicate": _repeated}
