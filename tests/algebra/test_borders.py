"""Borders: cases counted by hand, the rule for two layers, who is to blame, what is refused."""

import re
from math import ceil

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from convalgebra.algebra.borders import borders
from convalgebra.algebra.borders import losses as losses_module
from convalgebra.errors import ConvalgebraError, ShapeError, UnsupportedError
from convalgebra.language import parse


def of(text):
    return borders(parse(f"input {text}"))


# Counted by hand


@pytest.mark.parametrize(
    ("text", "differ", "outputs", "mended"),
    [
        # The second layer reads one place beyond each side: a ring of width 1, 12^2 - 10^2.
        ("1x12x12; 3x3p1, 3x3p1", 44, 144, "3x3p2,3x3"),
        # One channel or many, the places are the same.
        ("64x12x12; 3x3p1, 3x3p1", 44, 144, "3x3p2,3x3"),
        # Two rings: 12^2 - 8^2.
        ("1x12x12; 3x3p1, 3x3p1, 3x3p1", 80, 144, "3x3p3,3x3,3x3"),
        # The shell of a cube: 5^3 - 3^3.
        ("1x5x5x5; 3x3x3p1, 3x3x3p1", 98, 125, "3x3x3p2,3x3x3"),
        # Both ends of a row.
        ("1x9; 3p1, 3p1", 2, 9, "3p2,3"),
        # 224 -> 112 -> 56: at the top and the left output 0 reads place -1, which sees the input
        # at -5 .. 1; at the other end output 55 reads place 111, the last. 56 + 55.
        ("3x224x224; 7x7s2p3@64, 3x3s2p1@64", 111, 56 * 56, "7x7s2p5@64,3x3s2@64"),
        # Output 0 reads place -1 of the first map, which sees the input at -3 .. -1: nothing.
        ("1x8; 3s2p1, 3s2p1", 0, 2, None),
        # A layer of one tap has no place beyond its border that sees anything.
        ("1x9; 1, 3p1", 0, 9, None),
        # .. but with a bias it is the bias there.
        ("1x9; 1b, 3p1", 2, 9, "1p1b,3"),
        # Padded so widely that place -1 sees nothing: p1 >= d1 (k1 - 1).
        ("1x9; 3p2, 3p1", 0, 11, None),
        ("1x9; 3p4d2, 3p1", 0, 13, None),
        ("1x9; 3p3d2, 3p1", 2, 11, "3p4d2,3"),
        # A transposed layer that cuts nothing off makes nothing beyond its border.
        ("1x5; convt3s2, 3p1", 0, 11, None),
        ("1x5; convt3s2p1, 3p1", 2, 9, "convt3s2,3"),
        # No padding after the first layer, or none at all.
        ("1x9; 3p1, 3", 0, 7, None),
        ("1x9; 3, 3", 0, 5, None),
        # One layer is its own merged convolution, however it is padded.
        ("1x9; 3p7b", 0, 21, None),
        # The zeros of `pad` are zeros in the middle of the stack as well.
        ("1x9; 3p1, pad1, 3", 2, 9, "3p2,3"),
        # A cut map is continued by zeros where it went on: places -1 and 9 of 9.
        ("1x9; pad1, crop1, 3p1", 0, 9, None),
        ("1x11; crop1, 3p1", 2, 9, "3"),
        # A sum of layers of which one sees beyond.
        ("1x9; 1 + 3p1, 3p1", 2, 9, "(1p1 + 3p2),3"),
    ],
)
def test_counted_by_hand(text, differ, outputs, mended):
    found = of(text)
    assert (found.differ, found.outputs, found.mended_text) == (differ, outputs, mended)
    assert found.agrees == (differ == 0)
    assert bool(found.blame) == bool(found.reason) == (differ > 0)


def test_a_mask_by_hand():
    found = of("1x3x5; 1x3p0x1, 2x2p1:0")
    # Layer 2 reads the row and the column before; layer 1 sees beyond the left side only.
    assert ["".join(".#"[one] for one in row) for row in found.mask] == ["#....", "#....", "#...."]
    assert found.widths == ((0, 0), (1, 0))
    assert found.whole_ring


def test_the_widths_of_a_ring_that_is_not_full():
    found = of("1x12x12; 3x3p1, 3x3p3d3")
    # Output 0 reads places -3, 0, 3; of these -3 is past place -1, the last that sees the input.
    # Only outputs 2 and 9 read places -1 and 12.
    assert found.widths == ((3, 3), (3, 3))
    assert not found.whole_ring
    assert [row[5] for row in found.mask] == [n in (2, 9) for n in range(12)]
    assert found.differ == 144 - 100


TAPS, PADDING, STRIDE, DILATION = (
    st.integers(1, 4),
    st.integers(0, 5),
    st.integers(1, 3),
    st.integers(1, 3),
)


@given(TAPS, DILATION, PADDING, TAPS, DILATION, PADDING, st.booleans(), st.integers(5, 14))
def test_the_rule_for_two_layers_at_stride_1(k1, d1, p1, k2, d2, p2, bias, side):
    """All agree iff p2 = 0, or p1 >= d1 (k1 - 1) without a bias, where place -1 is read at all.

    Output p2 - 1 reads it with its first tap. Place -1 of the first layer then sees the input: its
    taps are at most 3 apart and the input is longer, so they do not jump over it.
    """
    hidden = side + 2 * p1 - d1 * (k1 - 1)
    outputs = hidden + 2 * p2 - d2 * (k2 - 1)
    assume(hidden > 0 and outputs >= max(1, p2))
    found = of(f"1x{side}; {k1}p{p1}d{d1}{'b' * bias}, {k2}p{p2}d{d2}")
    assert found.agrees == (p2 == 0 or (p1 >= d1 * (k1 - 1) and not bias))


@given(TAPS, PADDING, STRIDE, TAPS, PADDING, STRIDE, st.booleans(), st.integers(5, 14))
def test_the_ring_of_two_layers(k1, p1, s1, k2, p2, s2, bias, side):
    """Output n reads before place 0 only if s2 n < p2: a ring of width ceil(p2 / s2) at most."""
    hidden = (side + 2 * p1 - k1) // s1 + 1
    assume(side + 2 * p1 >= k1 and hidden + 2 * p2 >= k2)
    found = of(f"1x{side}; {k1}p{p1}s{s1}{'b' * bias}, {k2}p{p2}s{s2}")
    assert all(width <= ceil(p2 / s2) for pair in found.widths for width in pair)


# What is to blame


def test_what_is_to_blame():
    (first, second) = of("1x12x12; 3x3p1, 3x3p1, 3x3p1").blame
    assert (first.layer, first.text, first.reads, first.differ) == (2, "3x3p1", (1,), 80)
    assert (second.layer, second.reads, second.differ) == (3, (2,), 44)
    assert first.ends == ((True, True), (True, True))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1x9; 3p1, 3p1", "layer 1, continued beyond its border, is not zero"),
        (
            "1x9; 3p1b, 3p1",
            "layer 1, continued beyond its border, is not zero, and carries a bias besides",
        ),
        (
            "1x9; 1b, 3p1",
            "layer 1, continued beyond its border, is the constant that its bias makes",
        ),
        (
            "1x9; 3p1 + 1, 3p1",
            "layer 1 and layer 2, continued beyond their border, are not zero",
        ),
    ],
)
def test_reasons(text, reason):
    found = of(text)
    assert found.reason == f"layer {found.blame[0].layer} (3p1) reads zeros where {reason}"


def test_what_is_cropped_away_again_is_nobodys_fault():
    found = of("1x9; 3p1, 3p1, crop1")
    assert found.agrees
    assert found.blame == ()


def test_many_layers_to_blame_are_counted():
    found = of("1x40; 12*(3p1)")
    assert len(found.blame) == 8
    assert found.more_blame == 3


def test_channels_are_counted_apart():
    # The first channel takes a layer of one tap, the second one of three; then each on its own.
    found = of("2x9; cat([:1], 1 | [1:], 3p1), 3p1g2")
    assert found.channels == ((2, 1), (0, 1))
    assert found.differ == 2


# Mending


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("1x9; shared c = 3p1; c, c", "shared shared_1 = 3; pad2,2*(shared_1)"),
        ("1x8; 3p1, avg2s2, 3p1", "3p3,avg2s2,3"),
        ("1x8; avg3s1p1, avg3s1p1", "pad2,avg3s1,avg3s1"),  # frameworks pad half a window at most
        ("1x9; 3p1 + id, 3p1", "(3p2 + pad1),3"),
        ("1x9; 3p1, 3p1 + id, 3p1", "3p3,(3 + crop1),3"),
        ("1x5; 3p1, up2, 3p1", "3p2,up2,crop1,3"),
        ("1x5; convt3s2p1, 3p1", "convt3s2,3"),  # what it cuts off is wanted, and no zeros
        ("1x9; 3p1, unused(3p4), dropout, 3p1", "3p2,3"),
        ("1x9; 3p1, circular0, 3p1", "3p2,3"),
        ("1x9; dropout, 3p1, 3p1", "3p2,3"),  # a layer that does nothing has no map of its own
        ("1x9; dropout, dropout, 2, pad1", "2p1"),
        ("1x9; 2p1, ((dropout, 1) + 3p1), 2p1", "2p3,((crop1,1) + 3),2"),
        ("1x8; 4psame, 4psame", "4p2:4,4"),
        ("1x8; 3p1, avg2s2ceil, 3p1", "3p3,avg2s2,3"),
    ],
)
def test_mended_with_other_layers(text, mended):
    found = of(text)
    assert found.mended_text == mended
    shape = re.match("[^;]*", text).group()
    assert of(f"{shape}; {mended}").agrees
    assert of(f"{shape}; {mended}").output == found.output


# What is refused, and why


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1x9; 3, circular1, 3", "`circular1` continues a map by the other side; borders are told"),
        ("1x9; reflect1, 3", "`reflect1` continues a map by reflection"),
        ("1x9; replicate1:0, 3", "`replicate1:0` continues a map by the edge"),
        ("1x9; 3, bilinear2, 3", "`bilinear2` continues a map by the edge"),
        ("1x9; 3p1, relu, 3p1", "borders are told for linear stacks, and `relu` is not linear"),
        ("1x9; 3p1, max2s2", "`max2s2` (max pooling) is not linear"),
        ("1x9; 3p1, gap", "`gap`"),
        ("1x7; 3p1, avg2s2ceil", "the last window of `avg2s2ceil` hangs over the border"),
        ("1xH; 3p1, 3p1", "equiv works on numbers, and H is"),
    ],
)
def test_what_is_refused(text, reason):
    with pytest.raises(UnsupportedError, match=re.escape(reason)):
        of(text)


@pytest.mark.parametrize("text", ["1x9; 3, circular0, 3", "1x8; avg2s2ceil, 3p1"])
def test_what_looks_alike_and_is_told(text):
    of(text)


@pytest.mark.parametrize("text", ["1x3x3; 5x5", "1x4; 3, 3", "1x3; 2, 2, 2p0:1, 4"])
def test_an_input_that_is_too_small(text):
    with pytest.raises(ShapeError, match="does not fit on an input of"):
        of(text)


def test_a_stack_without_an_input():
    with pytest.raises(ConvalgebraError, match="input"):
        borders(parse("3p1, 3p1"))


# Limits: what is counted is the sets, never the positions


@pytest.mark.parametrize(
    ("text", "differ"),
    [
        ("1x1000000x1000000; 3x3p1, 3x3p1", 4 * 10**6 - 4),
        ("1x1000000x1000000; 500*(1x1)", 0),
        ("512x2000x2000; 500*(3x3p1)", 2000**2 - 1002**2),
        ("1x12x12; 500*(3x3p1b)", 144),
        ("1x100x100x100; 60*(3x3x3p1)", 10**6),
        ("1x30x30; 100*(3x3p1 + 1x1 + id)", 900),
    ],
)
def test_large_stacks(text, differ):
    found = of(text)
    assert found.differ == differ
    assert found.mask is None or found.outputs <= 65_536


def test_a_budget_stops_what_takes_too_long(monkeypatch):
    text = "1x50; 20*(3p1)"
    assert of(text).differ == 38
    monkeypatch.setattr(losses_module, "MAX_WORK", 10**4)
    with pytest.raises(UnsupportedError, match="would take too long; ask on a smaller input"):
        of(text)


def test_a_window_that_is_too_long():
    with pytest.raises(UnsupportedError, match="more than 4,000,000 positions along an axis"):
        of("1x5000000; 3p1, 3p1")
