"""One axis of a sliding window: what it reads and what it makes.

Letters, as in the literature: i inputs, o outputs, k taps, s stride, d dilation, p zeros of padding
before (left) and after (right). Output n reads the inputs `n s + t d - p_left`, t = 0 .. k-1. A
transposed window goes the other way: input n writes to the outputs `n s + t d - p_left`.

Sizes are ints or named sizes; every rule is written once for both.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from convalgebra.assumptions import Assumptions
from convalgebra.sizes import (
    Size,
    at_least,
    ceil_divide,
    exact_divide,
    floor_divide,
    has_choice,
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

    With `ceil` it is rounded up: the last window may hang over the right edge, but must begin on
    the input or on the padding before it (the rule of PyTorch's pooling). A result below 1 says
    that no window fits.

    >>> output_size(224, Window(7, stride=2, padding=(3, 3)))
    112
    >>> output_size(112, Window(3, stride=2), ceil=True)
    56
    """
    left, right = window.padding
    room = inputs + left + right - extent(window)
    if ceil:  # the last window begins no later than position i + p_l - 1
        room = minimum(room + window.stride - 1, inputs + left - 1)
    return floor_divide(room, window.stride) + 1


def transposed_output_size(inputs: Size, window: Window, output_padding: Size = 0) -> Size:
    """The outputs of a transposed window: `(i-1)s - p_l - p_r + d(k-1) + output_padding + 1`.

    >>> transposed_output_size(7, Window(3, stride=2, padding=(1, 1)), 1)
    14
    """
    left, right = window.padding
    return simplest((inputs - 1) * window.stride - left - right + extent(window) + output_padding)


def same_output_size(inputs: Size, stride: Size) -> Size:
    """The positions of a window with 'same' padding: `ceil(i/s)`.

    >>> same_output_size(5, 2)
    3
    """
    return ceil_divide(inputs, stride)


def same_padding(inputs: Size, taps: Size, stride: Size, dilation: Size) -> Pad:
    """The padding that gives `ceil(i/s)` outputs, the odd zero at the end (TensorFlow's 'SAME').

    >>> same_padding(224, 3, 2, 1), same_padding(5, 2, 1, 1)
    ((0, 1), (0, 1))
    """
    covered = extent(Window(taps, stride, dilation))
    last = (same_output_size(inputs, stride) - 1) * stride  # where the last window begins
    total = simplest(last + covered - inputs)
    # i - s <= last < i: never below 0 for a window as long as the stride, never above for one tap.
    if not at_least(covered, stride):
        total = 0 if covered == 1 else maximum(0, total)
    before = floor_divide(total, 2)
    return before, simplest(total - before)


def taps_on_data(
    inputs: Size, outputs: Size, window: Window, assumptions: Assumptions | None = None
) -> Size | None:
    """How many (output, tap) pairs read a real input: the rest read zeros of the padding.

    Tap t of output n is on data iff `0 <= n s + t d - p_left <= i - 1`. No window may hang over the
    padding, as in ceil mode. Numbers are counted in closed form. For named sizes the count is known
    without padding, at stride and dilation 1 for padding up to the taps, and else tap by tap where
    that comes out without a max(..); otherwise None. What has to hold of named sizes is noted in
    `assumptions`.

    >>> taps_on_data(4, 4, Window(3, padding=(1, 1)))
    10
    """
    taken = Assumptions() if assumptions is None else assumptions
    numbers = (inputs, outputs, *window[:3], *window.padding)
    if all(isinstance(number, int) for number in numbers):
        return _count(inputs, outputs, window)
    if window.padding == (0, 0):
        return simplest(window.taps * outputs)
    if window.stride == 1 and window.dilation == 1:
        count = _count_dense(inputs, outputs, window, taken)
        if count is not None:
            return count
    if isinstance(window.taps, int) and window.taps <= _MOST_TAPS:
        return _count_tap_by_tap(inputs, outputs, window, taken)
    return None


def transposed_taps_on_data(
    inputs: Size, outputs: Size, window: Window, assumptions: Assumptions | None = None
) -> Size | None:
    """How many (input, tap) pairs of a transposed window write to an output that is kept.

    >>> transposed_taps_on_data(7, 14, Window(3, stride=2, padding=(1, 1)))
    20
    """
    return taps_on_data(outputs, inputs, window, assumptions)


_MOST_TAPS = 64  # a formula with a floor for each tap is worked out; nobody reads more of them


def _count(inputs: Any, outputs: Any, window: Any) -> int:
    # On data or before it, less those before it.
    if outputs <= 0:
        return 0
    left = window.padding[0]
    reached = _pairs_up_to(left + inputs - 1, outputs, window)
    return reached - _pairs_up_to(left - 1, outputs, window)


def _pairs_up_to(last: int, outputs: int, window: Any) -> int:
    """The pairs (n, t) with `n s + t d <= last`, n < outputs, t < taps."""
    taps, stride, dilation = window[:3]
    # The first taps have all n, the next ones floor((last - t d)/s) + 1, the others none.
    some = max(0, min(taps, last // dilation + 1))
    full = max(0, min(taps, (last - (outputs - 1) * stride) // dilation + 1))
    rest = some - full
    top = last - (some - 1) * dilation  # of the last tap that has any, which counts backwards
    return int(full * outputs + rest + _floor_sum(rest, stride, dilation, top))


def _floor_sum(terms: int, divisor: int, slope: int, offset: int) -> int:
    """`sum of floor((slope n + offset)/divisor) for n < terms`, as Euclid's algorithm goes."""
    total = 0
    while terms > 0:
        total += (terms - 1) * terms // 2 * (slope // divisor) + terms * (offset // divisor)
        slope, offset = slope % divisor, offset % divisor
        top = slope * terms + offset
        terms, offset = divmod(top, divisor)
        divisor, slope = slope, divisor
    return total


def _count_dense(
    inputs: Size, outputs: Size, window: Window, assumptions: Assumptions
) -> Size | None:
    # With k - 1 zeros on both sides every tap meets every input. Else p zeros on one side take
    # p + (p-1) + .. + 1 pairs away, where the taps and the outputs reach as far, and nowhere else:
    # p <= k and p <= o. Of a transposed window, whose last outputs may be left free, the zeros at
    # the end are those that its windows reach. (A negative padding, which crops, takes none.)
    taps, left = window.taps, window.padding[0]
    right = simplest(outputs + taps - 1 - inputs - left)
    if at_least(left, taps - 1) and at_least(right, taps - 1):
        return simplest(taps * inputs)
    left, right = maximum(0, left), maximum(0, right)
    needed = [(most, zeros) for most in (taps, outputs) for zeros in (left, right)]
    if has_choice(left + right) or any(at_least(*pair) is False for pair in needed):
        return None
    for most, zeros in needed:
        assumptions.at_least(most, zeros)
    lost = exact_divide(left * (left + 1), 2) + exact_divide(right * (right + 1), 2)
    return simplest(taps * outputs - lost)


def _count_tap_by_tap(
    inputs: Size, outputs: Size, window: Window, assumptions: Assumptions
) -> Size | None:
    counts = []
    for tap in range(window.taps):
        offset = tap * window.dilation - window.padding[0]
        count = _positions_inside(inputs, outputs, window.stride, offset)
        if has_choice(count):
            return None  # a formula that nobody can read, with conditions that nobody can check
        counts.append(0 if at_least(count, 0) is False else count)
    for count in counts:
        assumptions.at_least(count, 0)
    return simplest(sum(counts))


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
