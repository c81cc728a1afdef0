"""Which units an output reads, along one axis: a window, a transposed one, an interpolation.

`reads(m)` may go past the units that there are: padding stands there.
"""

from __future__ import annotations

from collections.abc import Callable
from math import gcd

from convalgebra.cost.receptive_field.axes import in_numbers
from convalgebra.windows import Window

Reads = Callable[[int], range]


def numbers_of(window: Window) -> tuple[int, int, int, int]:
    """Its taps, stride, dilation and padding before; NamedSizeError where one is named."""
    taps, stride, dilation, (before, _) = window
    return in_numbers(taps), in_numbers(stride), in_numbers(dilation), in_numbers(before)


def of_window(window: Window) -> Reads:
    """What output m of a sliding window reads: `m s + t d - p`, t = 0 .. k-1.

    >>> list(of_window(Window(3, 2, 1, (1, 1)))(4))
    [7, 8, 9]
    """
    taps, stride, dilation, before = numbers_of(window)

    def reads(m: int) -> range:
        first = m * stride - before
        return range(first, first + taps * dilation, dilation)

    return reads


def of_transposed(window: Window) -> Reads:
    """What output m of a transposed window reads: `(m + p - t d)/s` where that is whole.

    >>> [list(of_transposed(Window(3, 2))(m)) for m in (4, 5)]
    [[1, 2], [2]]
    """
    taps, stride, dilation, before = numbers_of(window)
    # Every (s/g)th tap, d/g apart.
    common = gcd(stride, dilation)
    every, apart = stride // common, dilation // common

    def reads(m: int) -> range:
        for tap in range(min(taps, every)):
            last, rest = divmod(m + before - tap * dilation, stride)
            if not rest:
                more = (taps - 1 - tap) // every
                return range(last - more * apart, last + 1, apart)
        return range(0)

    return reads


def nearest(inputs: int, outputs: int) -> Reads:
    """What output m of a nearest-neighbour resize reads: `floor(m i/o)`."""

    def reads(m: int) -> range:
        first = m * inputs // outputs
        return range(first, first + 1)

    return reads


def bilinear(inputs: int, outputs: int) -> Reads:
    """What output m of a bilinear resize reads: the units around its centre.

    The centre lies at `(m + 1/2) i/o - 1/2 = ((2m + 1) i - o) / (2 o)`.
    """

    def reads(m: int) -> range:
        first, rest = divmod((2 * m + 1) * inputs - outputs, 2 * outputs)
        return range(first, first + (2 if rest else 1))

    return reads


def adaptive(inputs: int, outputs: int) -> Reads:
    """What output m of an adaptive pooling reads: `floor(m i/o) .. ceil((m + 1) i/o) - 1`.

    >>> [list(adaptive(7, 3)(m)) for m in range(3)]
    [[0, 1, 2], [2, 3, 4], [4, 5, 6]]
    """

    def reads(m: int) -> range:
        return range(m * inputs // outputs, -((m + 1) * inputs // -outputs))

    return reads
