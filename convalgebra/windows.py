"""One axis of a sliding window: what it reads and what it makes.

Letters, as in the literature: i inputs, o outputs, k taps, s stride, d dilation, p zeros of padding
before (left) and after (right). Output n reads the inputs `n s + t d - p_left`, t = 0 .. k-1. A
transposed window goes the other way: input n writes to the outputs `n s + t d - p_left`.

Sizes are ints or named sizes; every rule is written once for both.
"""

from __future__ import annotations

from typing import NamedTuple

from convalgebra.sizes import (
    Assumptions,
    Size,
    at_least,
    ceil_divide,
    exact_divide,
    floor_divide,
    maximum,
    minimum,
    simplest,
)

Pad = tuple[Size, Size]


class Window(NamedTuple):
    """A sliding window along one axis."""

    taps: Size
    stride: Size = 1
    dilation: Size = 1
    padding: Pad = (0, 0)


def extent(window: Window) -> Size:
    """The inputs from the first tap to the last, both counted: `d(k - 1) + 1`.

    >>> extent(Window(3, dilation=2))
    5
    """
    return window.dilation * (window.taps - 1) + 1


def output_size(inputs: Size, window: Window, *, ceil: bool = False) -> Size:
    """The positions of a window on `inputs`: `floor((i + p_l + p_r - d(k-1) - 1)/s) + 1`.

    With `ceil` the last window may hang over the right edge, but must begin on the input or on the
    padding before it (the rule of PyTorch's pooling). The result may be below 1: no window fits.

    >>> output_size(224, Window(7, stride=2, padding=(3, 3)))
    112
    >>> output_size(112, Window(3, stride=2), ceil=True)
    56
    """
    left, right = window.padding
    room = inputs + left + right - extent(window)
    if not ceil:
        return floor_divide(room, window.stride) + 1
    rounded = ceil_divide(room, window.stride)
    begun = floor_divide(inputs + left - 1, window.stride)  # last position that begins in time
    return minimum(rounded, begun) + 1


def transposed_output_size(inputs: Size, window: Window, output_padding: Size = 0) -> Size:
    """The outputs of a transposed window: `(i-1)s - p_l - p_r + d(k-1) + output_padding + 1`.

    >>> transposed_output_size(7, Window(3, stride=2, padding=(1, 1)), 1)
    14
    """
    left, right = window.padding
    return simplest((inputs - 1) * window.stride - left - right + extent(window) + output_padding)


def same_padding(inputs: Size, taps: Size, stride: Size, dilation: Size) -> Pad:
    """The padding that gives `ceil(i/s)` outputs, the odd zero at the end (TensorFlow's 'SAME').

    >>> same_padding(224, 3, 2, 1), same_padding(5, 2, 1, 1)
    ((0, 1), (0, 1))
    """
    outputs = ceil_divide(inputs, stride)
    total = maximum(0, simplest((outputs - 1) * stride + dilation * (taps - 1) + 1 - inputs))
    before = floor_divide(total, 2)
    return before, simplest(total - before)


def taps_on_data(
    inputs: Size, outputs: Size, window: Window, assumptions: Assumptions | None = None
) -> Size | None:
    """How many (output, tap) pairs read a real input: the rest read zeros of the padding.

    Counted tap by tap: tap t of output n is on data iff `0 <= n s + t d - p_left <= i - 1`.
    With a named number of taps there is no tap by tap, and the count is known without padding, and
    at stride and dilation 1 (where p zeros on one side take `p(p+1)/2` pairs away, given p < k and
    p <= i); else None. What has to hold of named sizes is noted in `assumptions`.

    >>> taps_on_data(4, 4, Window(3, padding=(1, 1)))
    10
    """
    left, right = window.padding
    if not isinstance(window.taps, int):
        if left == 0 and right == 0:
            return simplest(window.taps * outputs)
        if window.stride == 1 and window.dilation == 1:
            if assumptions is not None:
                assumptions.at_least(window.taps - 1, maximum(left, right))
                assumptions.at_least(inputs, maximum(left, right))
            lost = exact_divide(left * (left + 1), 2) + exact_divide(right * (right + 1), 2)
            return simplest(window.taps * outputs - lost)
        return None
    total: Size = 0
    for tap in range(window.taps):
        offset = tap * window.dilation - left
        count = _positions_inside(inputs, outputs, window.stride, offset)
        if isinstance(count, int):
            count = max(0, count)
        elif assumptions is not None:
            assumptions.at_least(count, 0)
        total = total + count
    return simplest(total)


def transposed_taps_on_data(
    inputs: Size, outputs: Size, window: Window, assumptions: Assumptions | None = None
) -> Size | None:
    """How many (input, tap) pairs of a transposed window write to an output that is kept.

    >>> transposed_taps_on_data(7, 14, Window(3, stride=2, padding=(1, 1)))
    20
    """
    return taps_on_data(outputs, inputs, window, assumptions)


def _positions_inside(inputs: Size, outputs: Size, stride: Size, offset: Size) -> Size:
    # The n in 0 .. outputs-1 with 0 <= n stride + offset <= inputs - 1.
    first = maximum(0, ceil_divide(-offset, stride))
    reach = inputs - 1 - offset
    if at_least(reach, stride * (outputs - 1)):
        last = outputs - 1
    elif at_least(stride * (outputs - 1), reach - stride + 1):
        last = floor_divide(reach, stride)
    else:
        last = minimum(outputs - 1, floor_divide(reach, stride))
    return simplest(last - first + 1)
