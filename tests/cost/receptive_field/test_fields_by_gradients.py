"""The receptive field against the gradients of the same network, made linear, in torch.

Units in the middle of a long input, all phases, the exact interval: first and last input seen.
"""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from convalgebra.cost.receptive_field import receptive_fields
from convalgebra.errors import ShapeError
from convalgebra.language import parse

torch = pytest.importorskip("torch")

from .linearised import seen_by_units  # noqa: E402  (only where there is torch)

LENGTH = 240
number = st.integers


def text(template, **sizes):
    """Texts by a template, each field from its strategy, or up to a number."""
    drawn = {k: number(0, v) if isinstance(v, int) else v for k, v in sizes.items()}
    return st.fixed_dictionaries(drawn).map(lambda values: template.format(**values))


def either(*words):
    return st.sampled_from(words)


TAPS, STRIDE, DILATION = number(1, 5), number(1, 3), number(1, 3)
FACTOR = number(2, 3)

# Layers of one axis, one channel in and out.
WINDOWS = st.one_of(
    text("conv {k}s{s}p{l}:{r}d{d}", k=TAPS, s=STRIDE, l=4, r=4, d=DILATION),
    text("{w}{k}s{s}p{p}", w=either("max", "avg"), k=number(2, 4), s=STRIDE, p=1),
    text("3s{s}psame", s=STRIDE),
)
BORDERS = text("{w}{l}:{r}", w=either("pad", "crop", "reflect", "replicate", "circular"), l=4, r=4)
WIDENING = st.one_of(
    text("convt{k}s{s}p{l}:{r}d{d}o{o}", k=TAPS, s=STRIDE, l=2, r=2, d=DILATION, o=2),
    text("{w}{f}", w=either("up", "bilinear"), f=FACTOR),
    text("conv 1@{f}, pixelshuffle{f}, conv 1@1", f=FACTOR),
)
CHAINS = st.lists(st.one_of(WINDOWS, BORDERS, WIDENING), min_size=1, max_size=6).map(", ".join)


@st.composite
def branches(draw, depth=2):
    """Text of a network that keeps its length and has two channels in and out."""
    kinds = ["window", "dilated", "down and up", "transposed", "border"]
    kinds += ["add", "cat", "slices", "series", "mul"] if depth else []
    kind = draw(st.sampled_from(kinds))
    inner = branches(depth - 1)
    taps = draw(st.sampled_from([2, 3, 4, 5]))
    if kind == "window":
        before = draw(number(0, taps - 1))
        return f"conv {taps}p{before}:{taps - 1 - before}@2"
    if kind == "dilated":
        before = draw(number(0, 2 * taps - 2))
        return f"dw{taps}p{before}:{2 * taps - 2 - before}d2, shuffle2"
    if kind == "down and up":
        factor = draw(st.sampled_from([2, 3]))
        up = draw(st.sampled_from([f"up{factor}", f"bilinear{factor}", f"convt{factor}s{factor}"]))
        return f"max{factor}s{factor}, 3p1@2, {up}"
    if kind == "transposed":
        before = draw(number(0, taps - 1))
        return f"convt{taps}p{before}:{taps - 1 - before}@2"
    if kind == "border":
        word = draw(st.sampled_from(["pad", "reflect", "replicate", "circular"]))
        return f"{word}{taps}:0, crop0:{taps}"
    if kind == "series":
        return f"{draw(inner)}, relu, {draw(inner)}"
    if kind in ("add", "mul"):
        second = draw(st.one_of(st.just("id"), inner))
        if kind == "mul":
            return f"mul({draw(inner)} | {second}, sigmoid)"
        return f"({draw(inner)}) + ({second})"
    if kind == "cat":
        return f"cat({draw(inner)} | {draw(inner)}), 1@2"
    # Channels are not told apart, so that slices are of values whose channels see the same.
    return f"1@2, cat([:1] | [1:], 1@2, {draw(inner)}, [:1]), 1@2"


def compared(network):
    """How many units in the middle were compared, with the gradients, all of them right."""
    field = receptive_fields(network)[network.outputs[0]]
    assert field.axes is not None
    assert not field.is_global
    sides = network.shapes[network.outputs[0]][1:]
    expected = {}
    for step in range(2 * max(len(axis.phases) for axis in field.axes) + 1):
        unit = tuple(side // 2 + step * (1 + axis) for axis, side in enumerate(sides))
        intervals = tuple(axis.seen_by(at) for axis, at in zip(field.axes, unit, strict=True))
        if all(at < side for at, side in zip(unit, sides, strict=True)) and all(
            # Near the border a unit sees less, or through a reflection something else.
            interval is None or (interval[0] >= 10 and interval[1] <= side - 11)
            for interval, side in zip(intervals, network.shape[1:], strict=True)
        ):
            expected[unit] = intervals
            for axis, interval in zip(field.axes, intervals, strict=True):
                assert interval is None or interval[1] - interval[0] + 1 <= axis.size
    assert dict(zip(expected, seen_by_units(network, expected), strict=True)) == expected
    return len(expected)


def check(text):
    network = parse(text)
    try:
        assume(compared(network))
    except ShapeError:
        assume(False)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(CHAINS)
def test_chains(chain):
    check(f"input 1x{LENGTH}; {chain}")


@settings(max_examples=300, deadline=None, derandomize=True)
@given(branches())
def test_branches(branch):
    check(f"input 2x{LENGTH}; {branch}")


@settings(max_examples=150, deadline=None, derandomize=True)
@given(branches(), st.lists(WIDENING, max_size=1), st.lists(WINDOWS, min_size=1, max_size=2))
def test_branches_between_other_layers(branch, before, after):
    chain = ", ".join([*before, "conv 1@2", f"({branch})", "conv 1@1", *after])
    check(f"input 1x{LENGTH}; {chain}")


@pytest.mark.parametrize(
    "text",
    [
        "3x5s2x1p1x0d1x2@2, 5x1, max3x3s2p1",
        "convt4x3s2x3p1, 3x3p0:1x2:0",
        "1x1@4, pixelshuffle2, 3x3p1, bilinear2x3",
        "(avg2x2s2, 3x3p1, up2) + 3x3p1, 1x3p0x1",
        "resize120x80, 3x3p1",
        "resize40x60, 3x3p1, bilinear3",
        "bilinearto60x120, 3x3p1",
        "3x3p1, bilinearto32x48, 3x3p1",
        "dw3x3p1, cat([:1] | [1:], 5x5p2), 1x1@2",
    ],
)
def test_two_axes(text):
    channels = 2 if text.startswith("dw") else 1
    assert compared(parse(f"input {channels}x80x80; {text}"))


def test_the_oracle_sees_what_can_be_seen_by_eye():
    # Outputs 4 and 5 of x x y y .. under three taps.
    network = parse("input 1x9; up2, 3p1")
    assert seen_by_units(network, [(4,), (5,)]) == [((1, 2),), ((2, 3),)]


def test_u_net():
    network = parse(
        "input 1x128; def two = 2*(3p1@2, relu); def down = max2s2, two; e1 = two; e2 = down; down;"
        "cat(e2 | convt2s2@2), two; cat(e1 | convt2s2@2), two"
    )
    assert compared(network) >= 4
