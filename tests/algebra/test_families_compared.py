"""`equiv` for stacks with several channels, branches, biases, groups, transposed convolutions."""

import csv
from fractions import Fraction
from itertools import product
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convalgebra.algebra import equiv
from convalgebra.algebra.families import family_of
from convalgebra.errors import ConvalgebraError, ShapeError, UnsupportedError
from convalgebra.language import parse

DATA = Path(__file__).parent.parent / "data"


def answers(direction):
    return direction.reach.real, direction.reach.complex, direction.reach.rational


def rows_with_channels():
    with (DATA / "algebra.csv").open() as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    return [row for row in rows if set(row["channels"].split("-")) != {"1"}]


@pytest.mark.parametrize("row", rows_with_channels(), ids=lambda row: row["channels"])
def test_published_figures(row):
    first, *widths = row["channels"].split("-")
    layers = row["stack"].split(",")
    stack = ",".join(f"{k}@{c}" for k, c in zip(layers, widths, strict=True))
    report = equiv(f"{row['target']}@{widths[-1]}", stack, channels=int(first))
    side, back = report.right, report.right_reproduces_left
    assert side.dimension.proved
    assert side.dimension.value == int(row["dimension"])
    assert report.left.family.ambient == int(row["ambient"])
    assert back.codimension == int(row["codimension"])
    assert answers(report.left_reproduces_right) == ("all", "all", "all")
    if int(row["codimension"]):
        assert answers(back) == ("thin", "thin", "thin")
    else:
        assert back.reach.complex in ("dense", "all")


def test_every_row_with_channels_is_there():
    assert len(rows_with_channels()) == 4


def test_depthwise_then_pointwise():
    """F2: 4 channels have dimension 48: a torus acts at the seam, not GL(4)."""
    report = equiv("3x3", "dw3x3,1x1", channels=4)
    assert report.right.dimension.value == 48
    assert report.right.dimension.proved
    assert report.right_reproduces_left.codimension == 144 - 48


def test_one_input_channel_has_more_symmetries():
    """F2: 1-2-2 of 3x3,3x3 is 48, not the 50 of 2*9*1 + 2*2*9 - 4."""
    assert equiv("5x5@2", "3x3@2,3x3@2").right.dimension.value == 48


def test_wide_seams():
    """F3: 3x3 from 3x1,1x3 with 4 hidden channels is 9, not 8; 1-8-1-1 of three 3x3 is 33."""
    assert equiv("3x3", "3x1@4,1x3@1").right.dimension.value == 9
    found = equiv("7x7", "3x3@8,3x3@1,3x3@1").right.dimension
    assert found.value == 33
    assert found.proved


@pytest.mark.parametrize(
    ("maker", "made", "channels"),
    [
        ("3x3p1 + 1x1 + id", "3x3p1", 2),  # id and 1x1 are taken off the 3x3
        ("3x3p1", "3x3p1 + 1x1 + id", 2),
        ("3x3b", "3x3, bn", 2),
        ("3x3@6, 3x3@4", "2x2@6, 2x2@4", 4),  # layer by layer
        ("3x3@4", "dw3x3, 1x1", 4),
        ("convt3s2p1", "up2, 2", 1),
    ],
)
def test_contained(maker, made, channels):
    reach = equiv(maker, made, channels=channels).left_reproduces_right.reach
    assert (reach.real, reach.complex, reach.rational) == ("all", "all", "all"), reach.reason


@pytest.mark.parametrize(
    ("maker", "made", "channels"),
    [
        ("dw3x3", "3x3", 2),  # no taps between channels
        ("3x3", "3x3b", 2),  # no bias
        ("2x2", "3x3", 2),
        ("1", "2s2, convt2s2", 1),  # commutes with shifts by 2, not by 1
        ("1x1@1, 1x1@2", "1x1@2", 2),  # of rank 1
        ("3x3, 3x3", "5x5", 3),
    ],
)
def test_not_contained(maker, made, channels):
    assert answers(equiv(maker, made, channels=channels).left_reproduces_right) == ("thin",) * 3


@pytest.mark.parametrize(
    "stack",
    ["2x2@3, 2x2@2", "3x3p1@2 + 1x1@2", "dw3x3, 1x1@2", "2s2b, convt2s2", "cat(3 | 1), 1@2"],
)
def test_a_stack_is_equivalent_to_itself(stack):
    assert equiv(stack, stack, channels=2).equivalent is True


def test_total_strides_that_differ():
    with pytest.raises(UnsupportedError) as raised:
        equiv("3x3s2", "3x3, 3x3", channels=2)
    assert str(raised.value) == (
        "the total strides differ: 3x3s2 is a kernel of 3x3 at stride 2, 3x3,3x3 a kernel of 5x5 "
        "at stride 1; no weights make them equal"
    )


@pytest.mark.parametrize(
    ("left", "right", "message"),
    [
        ("3x3@2", "3x3@4", "2 channels go out in 3x3@2, 4 in 3x3@4"),
        ("3x3", "3", "3x3 works on 2 axes, 3 on 1 axis"),
        ("3x3", "3x3, max2x2s1", "max2x2s1` (max pooling) is not linear"),
        ("3x3", "3x3, gap", "linear on a given input size only"),
        ("3x3", "3x3@C, 3x3", "C is a named size"),
    ],
)
def test_refusals(left, right, message):
    with pytest.raises(UnsupportedError) as raised:
        equiv(left, right, channels=2)
    assert message in str(raised.value)


def test_channels_that_do_not_fit():
    with pytest.raises(ShapeError, match="groups do not divide"):
        equiv("3x3", "3x3g2", channels=3)
    with pytest.raises(ConvalgebraError, match="at least 1"):
        equiv("3x3", "3x3", channels=0)
    with pytest.raises(ConvalgebraError, match="branches of 2 and 3 channels"):
        equiv("3x3", "3x3p1 + 1x1@3", channels=2)


STACKS = st.sampled_from(
    [
        "3",
        "2,2",
        "3p1 + 1",
        "2@1,2@2",
        "2@3,2@2",
        "dw3,1",
        "1,dw3",
        "3b",
        "2b,2b",
        "dw2,2",
        "2,dw2",
        "2,1,2",
    ]
)


@settings(max_examples=25, deadline=None)
@given(STACKS, STACKS, STACKS)
def test_only_all_composes(one, two, three):
    """F13: C makes all of B and B makes all of A, so C makes all of A; never a thin one."""
    first = equiv(two, one, channels=2).left_reproduces_right.reach
    second = equiv(three, two, channels=2).left_reproduces_right.reach
    if first.real == second.real == "all":
        third = equiv(three, one, channels=2).left_reproduces_right.reach
        assert third.real in ("all", "unknown")


def by_loops(network_text, channels, weights):
    """The merged kernel of a chain of bias-free 1-D convolutions, stride 1, by plain loops."""
    layers = parse(network_text).nodes[1:]
    total = {(c, c, 0): Fraction(1) for c in range(channels)}
    width, at = channels, 0
    for node in layers:
        layer = node.layer
        out = int(layer.channels.size) if layer.channels.rule == "=" else width
        taps = int(layer.size[0])
        grown = {}
        for o, i, u in product(range(out), range(width), range(taps)):
            w = weights[at]
            at += 1
            for (mid, source, place), value in total.items():
                if mid == i:
                    key = (o, source, place + u)
                    grown[key] = grown.get(key, 0) + w * value
        total, width = grown, out
    return total


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(["2,2", "2@3,2@1", "3@2,1@4,2@1", "1@1,3@2"]), st.integers(0, 10**6))
def test_values_by_plain_loops(text, seed):
    family = family_of(parse(text), 2)
    weights = [Random(seed + n).randint(-9, 9) for n in range(family.weights)]
    expected = by_loops(text, 2, weights)
    found = family.exact_values(weights)
    assert len(found) == len(family.coordinates)
    for coordinate, value in zip(family.coordinates, found, strict=True):
        key = (coordinate.out, coordinate.source, coordinate.exponent[0])
        assert value == expected.get(key, 0)


def test_huge_stacks_get_a_partial_answer():
    found = equiv("5x5", "3x3,3x3", channels=512)
    side = found.right.dimension
    assert side.upper == 17 * 512**2
    assert answers(found.right_reproduces_left) == ("thin", "thin", "thin")
    assert answers(found.left_reproduces_right) == ("all", "all", "all")


def test_hundred_by_hundred():
    found = equiv("101x101", "50*(3x3)")
    assert answers(found.left_reproduces_right) == ("all", "all", "all")
    assert answers(found.right_reproduces_left) == ("thin", "thin", "thin")
    assert found.right_reproduces_left.codimension == 101**2 - (1 + 50 * 8)


def test_one_kernel_for_two_phases_that_differ():
    """`2s2, convt2s2` tells even and odd places apart; a convolution treats all alike."""
    assert family_of(parse("5")).at_period((2,)).ambient == 10
    for kernel in ("5", "3", "5x5"):
        stack = "2s2,convt2s2" if "x" not in kernel else "2x2s2,convt2x2s2"
        report = equiv(kernel, stack)
        assert report.left_reproduces_right.reach.real != "all"
        assert report.right_reproduces_left.reach.real == "thin"
