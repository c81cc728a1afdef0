"""What is said of borders, against values computed position by position."""

from itertools import product
from math import prod

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from convalgebra.algebra.borders import borders, compare_borders
from convalgebra.errors import ConvalgebraError
from convalgebra.language import parse

from .border_oracle import PRIME, Grid, matrices


def flat(mask):
    return [one for row in mask for one in row]


def positions_that_differ(grid, one, other):
    """Whether any channel differs, position by position."""
    channels = grid.shapes[grid.output][0]
    size = len(one) // channels
    return [
        any(one[c * size + n] != other[c * size + n] for c in range(channels)) for n in range(size)
    ]


def check(text, seed=0):
    """Compare everything that `borders` says of a stack with the oracle; return what it says."""
    network = parse(text)
    found = borders(network)
    grid = Grid(network, seed)
    cut, continued = grid.outputs(grid.cut), grid.outputs(grid.continued)
    differ = positions_that_differ(grid, cut, continued)
    assert flat(found.mask) == differ, text
    assert found.differ == sum(differ)
    assert found.output == grid.shapes[grid.output]
    check_channels(found, cut, continued)
    check_ring(found, grid, differ)
    check_blame(found, network, seed)
    if found.differ:
        assert found.mended is not None, found.note
        mended = Grid(found.mended, seed)
        assert mended.outputs(mended.cut) == continued, found.mended_text
        assert borders(found.mended).agrees
        shape = "x".join(map(str, found.input))
        assert borders(parse(f"input {shape}; {found.mended_text}")).agrees
    return found


def check_channels(found, cut, continued):
    channels = found.output[0]
    size = len(cut) // channels
    counts = {}
    for c in range(channels):
        one, other = (values[c * size : (c + 1) * size] for values in (cut, continued))
        many = sum(a != b for a, b in zip(one, other, strict=True))
        counts[many] = counts.get(many, 0) + 1
    assert dict(found.channels) == counts


def check_ring(found, grid, differ):
    sides = grid.shapes[grid.output][1:]
    for n, differs in zip(product(*map(range, sides)), differ, strict=True):
        in_ring = any(
            at < before or at >= side - after
            for at, side, (before, after) in zip(n, sides, found.widths, strict=True)
        )
        assert in_ring or not differs
        if found.whole_ring:
            assert differs == in_ring


def check_blame(found, network, seed):
    """Every layer gains at as many outputs as is said, and from what is said, or at none.

    Only of the first eight to blame something is said.
    """
    assert not found.more_blame or len(found.blame) == 8
    grid = Grid(network, seed)
    cut = grid.outputs(grid.cut)
    of_input = Grid(network, seed, biases=False)
    of_biases = Grid(network, seed, source=lambda c, n: 0)
    said = {blame.layer: blame for blame in found.blame}
    number = 0
    for index, node in enumerate(network.nodes):
        if len(node.inputs) != 1:
            continue
        number += 1
        if number not in said and found.more_blame:
            continue
        gained = sum(positions_that_differ(grid, cut, grid.gaining(index)))
        assert gained == (said[number].differ if number in said else 0)
        if number not in said:
            continue
        for one, claim in ((of_input, "sees_input"), (of_biases, "constant")):
            gains = one.gaining(index) != one.outputs(one.cut)
            assert gains == getattr(said[number], claim)
        for axis, ends in enumerate(said[number].ends):
            assert ends == tuple(grid.gaining(index, (axis, end)) != cut for end in (0, 1))


STACKS = [
    "1x9; dropout, 3p1, 3p1",
    "1x8; 2p1, ((dropout, 1) + 3p1), 2p1, dropout",
    # strides
    "1x9x9; 3x3s2p1, 3x3s2p1",
    "1x10x10; 3x3s2p1, 3x3s2p1",
    "1x17; 7s2p3, 3s2p1, 3p1",
    "1x8x9; 1x1s2p1, 2x3s1x2p1x2",
    "1x11; 2s3p2, 2s3p2",
    # dilations
    "1x9x9; 3x3p2d2, 3x3p1",
    "1x9x9; 3x3p1, 3x3p2d2",
    "1x14; 3p1d3, 2p3d4",
    # one side only, and sides that differ
    "1x9; 3p2:0, 3p0:2",
    "1x7x7; 3x3p1:0x0:2, 2x3p0:1x2:1",
    "1x8; 2p1:0, 2p0:1",
    # more padding than the kernel is wide
    "1x6; 2p4, 2p3",
    "1x5x5; 1x1p2, 3x3p4",
    "1x6; 3p5, 1p2, 2",
    # the first layer has seen everything
    "1x8; 3p2, 3p1",
    "1x8; 3p2b, 3p1",
    "1x6x6; 3x3p2, 3x3p2, 3x3",
    "1x9; 1, 1p1, 3",
    "1x9; 1b, 1p1, 3",
    # biases
    "1x8; 1b, 3p1",
    "1x6x6; 3x3p1b, 3x3p1b",
    "1x8; 3b, 3p1, bn, 3p1",
    "2x6; linear@2b, 3p1",
    # padding and cropping of their own
    "1x8; 3p1, pad1, 3",
    "1x8; pad2, 3, 3",
    "1x9; 3p1, crop1, 3p1",
    "1x9x9; crop1:0x2:1, 3x3p1, crop1, 3x3p1",
    "1x9; 3p1, 3p1, crop1",
    # several channels
    "2x6x6; 3x3p1@3, 3x3p1g3@3, 1x1@2",
    "2x7; dw3p1, dw3p1",
    "4x7; 3p1g2, shuffle2, 1@2, 3p1",
    "3x7; cat([:1] | [1:], 3p1@2), 3p1g3, [1:], 3p1@1",
    # sums
    "1x8x8; 3x3p1 + 1x1 + id",
    "1x8x8; 3x3p1 + 1x1 + id, 3x3p1 + id",
    "1x9; 5p2 + 3p1b, 3p1",
    # averages
    "1x8x8; 3x3p1, avg3x3s1p1",
    "1x8x8; avg2x2s2, 3x3p1",
    "1x8; avg3s1p1, avg3s1p1, scale",
    "1x8; 3p1, avg2s2ceil, 3p1",
    # transposed, upsampling
    "1x5; convt3s2p1, 3p1",
    "1x5; 3p1, convt4s2p1",
    "1x5; convt3s2p1o1, convt2s3, 3p1",
    "1x4x4; up2, 3x3p1, 3x3p1",
    "1x5; 3p1, up2, 3p1",
    "4x3x3; 3x3p1, pixelshuffle2, 3x3p1",
    # 3-D
    "1x4x4x4; 3x3x3p1, 2x1x3p1x0x1",
    # same
    "1x9x9; 3x3psame, 3x3s2psame",
    "1x8; 4psame, 3psame, 5s2psame",
    # weights used twice
    "1x8; shared c = 3p1\nc, c",
]


@pytest.mark.parametrize("text", STACKS)
def test_every_output_is_what_loops_say(text):
    check(f"input {text}")


# Random stacks


def pads(draw, most):
    before, after = draw(st.integers(0, most)), draw(st.integers(0, most))
    return f"{before}:{after}"


@st.composite
def windows(draw, axes, kinds=("", "", "", "avg", "convt"), most=3):
    """A layer with a window, padded as it comes: too little, on one side, or wider than itself."""
    kind = draw(st.sampled_from(kinds))
    small = st.integers(1, most)
    size = "x".join(str(draw(small)) for _ in range(axes))
    stride = "x".join(str(draw(st.sampled_from((1, 1, 2, 3)))) for _ in range(axes))
    padding = "x".join(pads(draw, most if kind != "avg" else 1) for _ in range(axes))
    text = f"{kind or 'conv '}{size}s{stride}p{padding}"
    if kind != "avg":
        text += "d" + "x".join(str(draw(st.sampled_from((1, 1, 2, 3)))) for _ in range(axes))
        text += draw(st.sampled_from(("", "@1", "@2"))) + draw(st.sampled_from(("", "b")))
    return text


def branches(axes):
    """Sums whose branches keep the sides, however they are padded."""

    def ones(size):
        return "x".join([str(size)] * axes)

    shifted = f"{ones(3)}p2:0"
    parts = ("id", ones(1), f"{ones(3)}p1", shifted, f"{ones(3)}p2d2b", f"{ones(5)}psame", "bn")
    return st.lists(st.sampled_from(parts), min_size=2, max_size=3, unique=True).map(
        lambda chosen: "(" + " + ".join(chosen) + ")"
    )


@st.composite
def stacks(draw, axes):
    extra = ["crop1:0", "pad1:2", "bn", "scale", "up2", "crop0:1", "pad1"]
    layer = st.one_of(
        windows(axes), windows(axes), windows(axes), branches(axes), st.sampled_from(extra)
    )
    layers = draw(st.lists(layer, min_size=2, max_size=4 if axes < 3 else 3))
    sides = [draw(st.integers(2, {1: 12, 2: 6, 3: 4}[axes])) for _ in range(axes)]
    channels = draw(st.sampled_from((1, 1, 2)))
    return f"input {'x'.join(map(str, (channels, *sides)))}; {', '.join(layers)}"


def drawn(text, most):
    """The text, if it is a stack with an output that is not too large for loops."""
    try:
        shapes = parse(text).shapes
    except ConvalgebraError:
        assume(False)
    assume(all(prod(sides) <= most for _, *sides in shapes))
    return text


@pytest.mark.slow
@settings(max_examples=100)
@given(st.data())
def test_random_stacks_in_one_dimension(data):
    check(drawn(data.draw(stacks(1)), 30))


@settings(max_examples=25)
@given(st.data())
def test_random_stacks_in_two_dimensions(data):
    check(drawn(data.draw(stacks(2)), 50))


@pytest.mark.slow
@settings(max_examples=6)
@given(st.data())
def test_random_stacks_in_three_dimensions(data):
    check(drawn(data.draw(stacks(3)), 40))


# Explicit matrices


@pytest.mark.parametrize(
    "text",
    [
        "1x5x5; 3x3p1, 3x3p1",
        "2x6; 3p1b@3, 3p2s2b@2",
        "1x7; 3p2:0d2b, 2p1",
        "1x6; 3p1 + 1b, avg3s1p1",
        "1x3x4; convt2x3s2p1, 3x3p1",
    ],
)
def test_the_matrix_of_a_stack_differs_from_that_of_its_continuation_in_those_rows(text):
    network = parse(f"input {text}")
    found = borders(network)
    cut, continued = matrices(network)
    size = found.outputs
    channels = found.output[0]
    differ = [
        any(cut[c * size + n] != continued[c * size + n] for c in range(channels))
        for n in range(size)
    ]
    assert found.differ > 0
    assert flat(found.mask) == differ
    assert found.mended is not None
    mended, _ = matrices(found.mended)
    assert mended == continued


# Two stacks


def merged_by_loops(network, sides, pads):
    """A stack of one channel at stride 1 as one kernel, and that kernel with zero padding.

    Output n sees the input at n + u - p: the kernel is what output p makes of units at u.
    """
    middle = tuple(before for before, _ in pads)
    taps = {}
    for u in product(*(range(size) for size in sides)):
        unit = Grid(network, source=lambda c, n, u=u: int(n == u))
        empty = Grid(network, source=lambda c, n: 0)
        value = [g.continued(g.output, 0, middle) for g in (unit, empty)]
        taps[u] = (value[0] - value[1]) % PRIME
    assert any(taps.values())
    grid = Grid(network)
    constant = empty.continued(empty.output, 0, middle)
    found = []
    for _, n in grid.places():
        total = constant
        for u, weight in taps.items():
            place = tuple(a + b - p for a, b, (p, _) in zip(n, u, pads, strict=True))
            if grid.inside(0, place):
                total += weight * grid.random_input(0, place)
        found.append(total % PRIME)
    return found


@pytest.mark.parametrize(
    ("kernel", "stack", "sides", "pads"),
    [
        ("5x5p2", "3x3p1, 3x3p1", (5, 5), [(2, 2), (2, 2)]),
        ("5p2b", "3p1b, 3p1", (5,), [(2, 2)]),
        ("5p3:1", "3p2:0, 3p1", (5,), [(3, 1)]),
        ("7p3", "3p1d2, 3p2", (7,), [(3, 3)]),
        ("7p3", "3p1, 3p1, 3p1", (7,), [(3, 3)]),
    ],
)
def test_a_kernel_and_a_stack_that_it_reproduces(kernel, stack, sides, pads):
    start = f"input {'x'.join(['1', *['9'] * len(sides)])}; "
    one, other = parse(start + kernel), parse(start + stack)
    found = compare_borders(one, other)
    assert found.decided
    grid = Grid(other)
    pairs = zip(grid.outputs(grid.cut), merged_by_loops(other, sides, pads), strict=True)
    assert found.exactly_one == sum(a != b for a, b in pairs) > 0
    assert compare_borders(other, one).exactly_one == found.exactly_one


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("1x9; 3p2:0, 3p0:2", "1x9; 3p1, 3p1"),
        ("1x9; 3p0:2, 3p2:0", "1x9; 3p2:0, 3p0:2"),
        ("1x7x7; 3x3p1, 3x3p1", "1x7x7; 3x3p0:2x1, 3x3p2:0x1"),
        ("1x9; 3p1b, 3p1", "1x9; 3p2b, 3"),
        ("1x8; 3p1, 3p1, 3p1", "1x8; 3p2, 3p1, 3"),
    ],
)
def test_two_stacks_with_the_same_weights(left, right):
    one, other = parse(f"input {left}"), parse(f"input {right}")
    found = compare_borders(one, other)
    grids = Grid(one), Grid(other)
    values = [grid.outputs(grid.cut) for grid in grids]
    assert grids[0].outputs(grids[0].continued) == grids[1].outputs(grids[1].continued)
    exactly_one = both = 0
    masks = (flat(side.mask) for side in (found.left, found.right))
    for first, second, a, b in zip(*masks, *values, strict=True):
        if first != second:
            assert a != b
        if not first and not second:
            assert a == b
        exactly_one += first != second
        both += first and second
    assert (found.exactly_one, found.both) == (exactly_one, both)
    assert found.at_most == exactly_one + both
    assert found.decided is (both == 0)
