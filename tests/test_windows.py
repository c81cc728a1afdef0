"""One axis of a sliding window, by hand."""

from __future__ import annotations

import csv
from itertools import product
from pathlib import Path

import pytest
from calls import counted

from convalgebra.assumptions import Assumptions
from convalgebra.sizes import Size, at, floor_divide, simplest, symbol
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

H, k, p, s = (symbol(name) for name in ("H", "k", "p", "s"))


@pytest.mark.parametrize(
    ("inputs", "window", "outputs"),
    [
        (224, Window(7, 2, 1, (3, 3)), 112),
        (5, Window(5), 1),
        (4, Window(5), 0),  # below 1: nothing fits
        (7, Window(3, 2), 3),
        (7, Window(3, 1, 2), 3),
        (7, Window(3, 1, 3), 1),
        (7, Window(2, 1, 1, (1, 0)), 7),
        (H, Window(3, 1, 1, (1, 1)), H),
        (H, Window(3, 2, 1, (1, 1)), floor_divide(H + 1, 2)),
        (H, Window(k), H - k + 1),
        (H, Window(2, s), floor_divide(H - 2, s) + 1),
        (2 * H, Window(2, 2), H),
    ],
)
def test_output_size(inputs: Size, window: Window, outputs: Size) -> None:
    assert output_size(inputs, window) == outputs


@pytest.mark.parametrize(
    ("inputs", "window", "outputs"),
    [
        (112, Window(3, 2), 56),
        (7, Window(3, 2), 3),
        (8, Window(3, 2), 4),
        (5, Window(1, 3), 2),  # the third window would begin past the input
        (6, Window(2, 4, 1, (1, 1)), 2),  # the last may begin on the input only
        (H, Window(2, 2), floor_divide(H + 1, 2)),
        (H, Window(3, 2), floor_divide(H, 2)),
        (H, Window(1, 3), floor_divide(H - 1, 3) + 1),
        (H, Window(2, 2, 1, (1, 1)), floor_divide(H, 2) + 1),
    ],
)
def test_output_size_rounded_up(inputs: Size, window: Window, outputs: Size) -> None:
    assert output_size(inputs, window, ceil=True) == outputs


def test_transposed_output_size() -> None:
    assert transposed_output_size(7, Window(3, 2, 1, (1, 1)), 1) == 14
    assert transposed_output_size(H, Window(2, 2)) == 2 * H
    assert transposed_output_size(H, Window(k, s), 0) == H * s - s + k


@pytest.mark.parametrize(
    ("inputs", "taps", "stride", "dilation", "padding"),
    [
        (224, 3, 2, 1, (0, 1)),  # the odd zero at the end
        (225, 3, 2, 1, (1, 1)),
        (5, 2, 1, 1, (0, 1)),
        (5, 3, 1, 2, (2, 2)),
        (6, 1, 2, 1, (0, 0)),
        (5, 2, 3, 1, (0, 0)),
        (4, 2, 3, 1, (0, 1)),
        (H, 3, 1, 1, (1, 1)),
        (H, 4, 1, 1, (1, 2)),
        (H, 1, 2, 1, (0, 0)),
    ],
)
def test_same_padding(
    inputs: Size, taps: int, stride: int, dilation: int, padding: tuple[int, int]
) -> None:
    assert same_padding(inputs, taps, stride, dilation) == padding
    window = Window(taps, stride, dilation, padding)
    assert output_size(inputs, window) == same_output_size(inputs, stride)


def test_taps_on_data_by_hand() -> None:
    # 3 taps, one zero on each side of 4 inputs: 12 pairs, the first and the last on a zero.
    assert taps_on_data(4, 4, Window(3, 1, 1, (1, 1))) == 10
    # Stride 2 from -1: positions -1 0 1, 1 2 3: one zero.
    assert taps_on_data(4, 2, Window(3, 2, 1, (1, 1))) == 5
    # More zeros than inputs: one tap of three on the one input, wherever the window stands.
    assert taps_on_data(1, 3, Window(3, 1, 1, (2, 2))) == 3
    assert transposed_taps_on_data(7, 14, Window(3, 2, 1, (1, 1))) == 20


def test_named_counts() -> None:
    taken = Assumptions()
    assert taps_on_data(H, H - 2, Window(3), taken) == 3 * H - 6
    assert taps_on_data(H, H, Window(3, 1, 1, (1, 1)), taken) == 3 * H - 2
    assert taken.listed() == ()
    assert taps_on_data(H, H, Window(7, 1, 1, (3, 3)), taken) == 7 * H - 12
    assert taken.listed() == ("H >= 3",)
    count = taps_on_data(H, H - k + 1 + 2 * p, Window(k, 1, 1, (p, p)), taken)
    assert count == simplest(k * (H - k + 1 + 2 * p) - p * (p + 1))
    assert taken.listed() == ("H >= 3", "k >= p", "H + p >= k - 1")
    assert taps_on_data(H, floor_divide(H, s), Window(k, s, 1, (p, p))) is None
    assert taps_on_data(H, H, Window(10_001, 2, 1, (5000, 5000))) is None


@pytest.mark.parametrize("taps", [1, 2, 3, 4])
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (1, 2), (3, 2)])
def test_named_counts_by_loops_for_padding_of_any_size(
    taps: int, stride: int, dilation: int
) -> None:
    known = 0
    for left, right in product((-1, 0, 1, 2, 5, 9), repeat=2):
        window, taken = Window(taps, stride, dilation, (left, right)), Assumptions()
        count = taps_on_data(H, output_size(H, window), window, taken)
        if count is None:
            continue
        known += 1
        (least,) = taken.least().values() or (1,)
        assert taken.listed() in ((), (f"H >= {least}",))
        for inputs in range(least, least + 7):
            outputs = max(0, int(output_size(inputs, window)))
            reads = (n * stride + t * dilation - left for n in range(outputs) for t in range(taps))
            counted = sum(0 <= place < inputs for place in reads)
            assert at(count, {"H": inputs}) == counted or outputs == 0, (window, inputs)
    assert known > 20


def test_huge_windows_are_counted_at_once() -> None:
    n = 999_999_999
    # k (k + 1)/2 pairs on either side of the middle tap.
    m = n // 2
    with counted(200_000):
        assert taps_on_data(n, n, Window(n, 1, 1, (m, m))) == n * n - m * (m + 1)
        # From -1, m - 2 and 2m - 3 on 2m + 1 inputs: m - 1, m and 4 taps on data.
        assert taps_on_data(n, 3, Window(m, m - 1, 1, (1, 1))) == 2 * m + 3
        assert taps_on_data(H, H, Window(n, 1, 1, (m, m))) == n * H - m * (m + 1)


def rows() -> list[dict[str, str]]:
    path = Path(__file__).parent / "data" / "layers.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


# kernel, stride, dilation and padding of each axis; channels that each output reads.
WINDOWS = {
    "Conv2d(8,8,3,stride=2,padding=2,dilation=2,groups=8)": (2 * [Window(3, 2, 2, (2, 2))], 1),
    "Conv2d(4,8,3,padding=1,groups=4,bias=False)": (2 * [Window(3, 1, 1, (1, 1))], 1),
    "Conv2d(3,5,(4,3),padding='same',dilation=(2,1))": (
        [Window(4, 1, 2, (3, 3)), Window(3, 1, 1, (1, 1))],
        3,
    ),
    "ConvTranspose2d(6,4,3,stride=2,padding=1,output_padding=1)": (
        2 * [Window(3, 2, 1, (1, 1))],
        6,
    ),
    "Conv3d(2,4,(3,1,1),stride=(1,2,2),padding=(1,0,0))": (
        [Window(3, 1, 1, (1, 1)), Window(1, 2), Window(1, 2)],
        2,
    ),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_layers_counted_with_plain_loops(name: str) -> None:
    row = next(row for row in rows() if row["layer"] == name)
    inputs, outputs = (tuple(map(int, row[side].split("x"))) for side in ("input", "output"))
    axes, channels = WINDOWS[name]
    transposed = name.startswith("ConvTranspose")
    dense = exact = channels * outputs[0]
    for i, o, window in zip(inputs[1:], outputs[1:], axes, strict=True):
        if transposed:
            assert transposed_output_size(i, window, 1) == o
            count = transposed_taps_on_data(i, o, window)
        else:
            assert output_size(i, window) == o
            count = taps_on_data(i, o, window)
        dense *= window.taps * (i if transposed else o)
        exact *= count
    assert (dense, exact) == (int(row["dense_macs"]), int(row["exact_macs"]))


def test_extent() -> None:
    assert extent(Window(3, 1, 2)) == 5
    assert extent(Window(1, 1, 9)) == 1
    assert at(extent(Window(k, 1, 2)), {"k": 4}) == 7
