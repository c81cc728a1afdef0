"""Sliding windows against plain loops, and named sizes against numbers."""

from __future__ import annotations

from facts import all_hold
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from convalgebra.assumptions import Assumptions
from convalgebra.errors import SizeError
from convalgebra.sizes import at, symbol
from convalgebra.windows import (
    Window,
    extent,
    output_size,
    same_output_size,
    same_padding,
    taps_on_data,
    transposed_output_size,
    transposed_taps_on_data,
)

small = st.integers(1, 5)
zeros = st.integers(0, 6)
sides = st.integers(1, 14)
windows = st.builds(Window, small, small, small, st.tuples(zeros, zeros))


def begins(inputs: int, window: Window) -> list[int]:
    """Where the windows begin that fit on the input with its padding, by sliding along."""
    left, right = window.padding
    begin, places = -left, []
    while begin + extent(window) <= inputs + right:
        places.append(begin)
        begin += window.stride
    return places


def reads(begin: int, window: Window) -> list[int]:
    return [begin + tap * window.dilation for tap in range(window.taps)]


@settings(max_examples=200)
@given(sides, windows)
def test_output_size(inputs: int, window: Window) -> None:
    assert max(0, output_size(inputs, window)) == len(begins(inputs, window))


@settings(max_examples=200)
@given(sides, windows)
def test_output_size_rounded_up(inputs: int, window: Window) -> None:
    assume(output_size(inputs, window) >= 1)
    places = begins(inputs, window)
    _, right = window.padding
    if places[-1] + extent(window) < inputs + right:  # something is left over
        one_more = places[-1] + window.stride
        if one_more < inputs:  # and a window can begin before the input ends
            places.append(one_more)
    assume(places[-1] < inputs)  # else padding so wide that pooling layers refuse it
    assert output_size(inputs, window, ceil=True) == len(places)


@settings(max_examples=200)
@given(sides, windows)
def test_transposed_output_size(inputs: int, window: Window) -> None:
    left, right = window.padding
    last = (inputs - 1) * window.stride + extent(window) - 1
    written = last + 1 - left - right
    assert transposed_output_size(inputs, window) == written


@settings(max_examples=200)
@given(sides, small, small, small)
def test_same_padding(inputs: int, taps: int, stride: int, dilation: int) -> None:
    padding = same_padding(inputs, taps, stride, dilation)
    window = Window(taps, stride, dilation, padding)
    assert output_size(inputs, window) == same_output_size(inputs, stride) == -(-inputs // stride)
    left, right = padding
    assert right - left in (0, 1)
    if left:  # no more than needed
        short = window._replace(padding=(left - 1, right))
        assert output_size(inputs, short) < output_size(inputs, window)


@settings(max_examples=300)
@given(sides, st.integers(0, 14), windows)
def test_taps_on_data(inputs: int, outputs: int, window: Window) -> None:
    left, _ = window.padding
    pairs = [place for n in range(outputs) for place in reads(n * window.stride - left, window)]
    assert taps_on_data(inputs, outputs, window) == sum(0 <= place < inputs for place in pairs)


@settings(max_examples=200)
@given(sides, windows, st.integers(0, 4))
def test_transposed_taps_on_data(inputs: int, window: Window, extra: int) -> None:
    outputs = transposed_output_size(inputs, window, extra)
    assume(outputs >= 1)
    left, _ = window.padding
    pairs = [place for n in range(inputs) for place in reads(n * window.stride - left, window)]
    kept = sum(0 <= place < outputs for place in pairs)
    assert transposed_taps_on_data(inputs, outputs, window) == kept


@settings(max_examples=150)
@given(windows, st.lists(sides, min_size=6, max_size=6), st.booleans())
def test_named_inputs(window: Window, samples: list[int], ceil: bool) -> None:
    side, taken = symbol("H"), Assumptions()
    try:
        taken.at_least(side + sum(window.padding), extent(window))
        outputs = output_size(side, window, ceil=ceil)
        count = taps_on_data(side, output_size(side, window), window, taken)
    except SizeError:
        return
    assert count is not None
    for inputs in samples:
        if all_hold(taken.listed(), {"H": inputs}):
            assert at(outputs, {"H": inputs}) == output_size(inputs, window, ceil=ceil)
            number = output_size(inputs, window)
            assert at(count, {"H": inputs}) == taps_on_data(inputs, number, window)


@settings(max_examples=200)
@given(sides, small, zeros, zeros)
def test_named_taps(inputs: int, taps: int, left: int, right: int) -> None:
    side, k, taken = symbol("H"), symbol("k"), Assumptions()
    window = Window(k, padding=(left, right))
    taken.at_least(side + left + right, k)
    outputs = output_size(side, window)
    count = taps_on_data(side, outputs, window, taken)
    numbers = {"H": inputs, "k": taps}
    if all_hold(taken.listed(), numbers):
        number = output_size(inputs, Window(taps, padding=(left, right)))
        assert at(outputs, numbers) == number
        expected = taps_on_data(inputs, number, Window(taps, padding=(left, right)))
        assert at(count, numbers) == expected


@settings(max_examples=100)
@given(st.integers(1, 5), small, small, st.lists(sides, min_size=6, max_size=6))
def test_named_same_padding(taps: int, stride: int, dilation: int, samples: list[int]) -> None:
    side, taken = symbol("H"), Assumptions()
    padding = same_padding(side, taps, stride, dilation)
    window = Window(taps, stride, dilation, padding)
    count = taps_on_data(side, same_output_size(side, stride), window, taken)
    for inputs in samples:
        numbers = {"H": inputs}
        known = same_padding(inputs, taps, stride, dilation)
        assert tuple(at(zeros, numbers) for zeros in padding) == known
        if count is not None and all_hold(taken.listed(), numbers):
            outputs = same_output_size(inputs, stride)
            expected = taps_on_data(inputs, outputs, window._replace(padding=known))
            assert at(count, numbers) == expected
