"""Dense and exact MACs against plain loops and against figures that were counted so."""

import csv
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from convalgebra.cost import cost
from convalgebra.errors import ShapeError

from . import plain_loops

DATA = Path(__file__).parents[1] / "data"

# The rows of layers.csv, in the language.
STACKS = {
    "Conv2d(8,8,3,stride=2,padding=2,dilation=2,groups=8)": "dw3x3s2p2d2b",
    "Conv2d(4,8,3,padding=1,groups=4,bias=False)": "3x3p1g4@8",
    "Conv2d(3,5,(4,3),padding='same',dilation=(2,1))": "4x3d2x1psame@5b",
    "ConvTranspose2d(6,4,3,stride=2,padding=1,output_padding=1)": "convt3x3s2p1o1@4b",
    "Conv3d(2,4,(3,1,1),stride=(1,2,2),padding=(1,0,0))": "3x1x1s1x2x2p1x0x0@4b",
    "the same Conv2d(4,4,3,padding=1,bias=False) applied twice": "shared f = 3x3p1; f, f",
    "cat[conv3x3(x)+x, conv1x1(x)] of 4 channels, bias-free": "cat(3x3p1 + id | 1x1)",
}

with open(DATA / "layers.csv", newline="") as file:
    COUNTED = list(csv.DictReader(file, delimiter=";"))


@pytest.mark.parametrize("row", COUNTED, ids=lambda row: row["layer"])
def test_counted_layers(row):
    report = cost(STACKS[row["layer"]], input=row["input"])
    total = report.total
    assert "x".join(map(str, report.output)) == row["output"]
    assert total.params == int(row["params"])
    assert total.macs == int(row["dense_macs"])
    assert total.macs_exact == int(row["exact_macs"])
    assert total.flops_by_class.get("bias", 0) == int(row["bias_adds"])


def listed(values):
    return "x".join(map(str, values))


def colons(pads):
    return "x".join(f"{left}:{right}" for left, right in pads)


@st.composite
def layers(draw, transposed=False):
    """Text, input shape, and the same in numbers: a convolution with `pad` layers before it."""
    axes = draw(st.integers(1, 3))
    small = 4 if axes == 3 else 7

    def each(least, most):
        return draw(st.lists(st.integers(least, most), min_size=axes, max_size=axes))

    def pairs(most):
        return list(zip(each(0, most), each(0, most), strict=True))

    kernel, stride, dilation = each(1, 3), each(1, 3), each(1, 2)
    before = [pairs(2) for _ in range(draw(st.integers(0, 2)))]
    padding, extra = pairs(2), each(0, 2) if transposed else [0] * axes
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    channels, out = (groups * draw(st.integers(1, 3)) for _ in range(2))
    written = f"{listed(kernel)}s{listed(stride)}p{colons(padding)}d{listed(dilation)}"
    written += f"o{listed(extra)}" if transposed else ""
    written += f"g{groups}@{out}"
    text = ", ".join([f"pad{colons(p)}" for p in before] + ["convt" * transposed + written])
    shape = (channels, *each(1, small))
    return text, shape, before, (kernel, stride, dilation, padding), channels * out // groups


def costed(text, shape):
    try:
        return cost(text, input=shape)
    except ShapeError:
        assume(False)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(layers())
def test_convolutions(case):
    text, shape, before, window, channels = case
    report = costed(text, shape)
    values = plain_loops.grid(shape[1:])
    for pads in before:
        values = plain_loops.padded(values, pads)
    dense, exact = plain_loops.convolution(values, report.output[1:], *window)
    assert report.total.macs == dense * channels
    assert report.total.macs_exact == exact * channels


@settings(max_examples=150, deadline=None, derandomize=True)
@given(layers(transposed=True))
def test_transposed_convolutions(case):
    text, shape, before, window, channels = case
    report = costed(text, shape)
    values = plain_loops.grid(shape[1:])
    for pads in before:
        values = plain_loops.padded(values, pads)
    dense, exact = plain_loops.transposed(values, report.output[1:], *window)
    assert report.total.macs == dense * channels
    assert report.total.macs_exact == exact * channels


def exact(text, shape="1x6x6"):
    total = cost(text, input=shape).total
    return total.macs, total.macs_exact


def test_a_pad_before_counts_as_padding():
    assert exact("pad1, 3x3") == exact("3x3p1") == (324, 256)
    assert exact("pad1, pad0:1x1:0, 3x3p1")[1] == exact("3x3p2:3x3:2")[1]


def test_other_borders_are_real_data():
    for word in ("reflect", "replicate", "circular"):
        assert exact(f"{word}1, 3x3") == (324, 324)


def test_one_layer_after_zeros_and_after_data():
    assert exact("def f = 3x3; cat(pad1, f | reflect1, f | f, pad1)") == (
        324 + 324 + 144,
        256 + 324 + 144,
    )


def test_what_stands_between_ends_the_padding():
    # After a bn, or a convolution, the border is no longer zeros of a pad layer directly before.
    assert exact("pad1, bn, 3x3") == (324, 324)
    assert exact("pad1, crop1, 3x3") == (144, 144)
    assert exact("pad1, 1x1, 3x3") == (64 + 324, 36 + 324)


def test_dense_layers_after_a_pad():
    # 6x6 real positions of 8x8: as many as the 1x1 convolution reads.
    assert exact("pad1, linear@5") == exact("pad1, 1x1@5") == (320, 180)
    assert exact("pad1, fc@5") == (320, 180)


def test_an_opaque_layer_after_a_pad_may_meet_zeros():
    # 5 sums of 64 numbers, 28 of them zeros; without MACs there are none to miss; with a window,
    # its 3x3 taps on 6x6 of 8x8 numbers.
    assert exact("pad1, opaque(mix, 5, 0, 320)") == (320, None)
    assert exact("pad1, opaque(sort, 1x8x8, 0, 0)") == (0, 0)
    assert exact("pad1, opaque(blur, 1x6x6, 0, 324, 3x3b)") == (324, 256)
    assert exact("relu, opaque(mix, 5, 0, 320)") == (320, 320)
    text = str(cost("pad1, opaque(mix, 5, 0, 320)", input="1x6x6"))
    assert "320 dense; not known on real data (no padding)" in text


def test_psame_counts_no_zeros():
    # 4 outputs of 2 taps on 7 inputs with stride 2: the last window hangs over the end.
    assert exact("2s2psame", "1x7") == (8, 7)


def test_a_pad_that_feeds_two_layers():
    assert exact("p = pad1; cat(p | p, 3x3p1)")[1] == exact("pad1, 3x3p1")[1]


def test_a_kernel_longer_than_its_input():
    # Each of the 5 outputs reads the one input with one of its 5 taps.
    assert exact("5p4", "1x1") == (25, 5)
