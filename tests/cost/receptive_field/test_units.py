"""The set that one unit sees, against plain sets pushed forward; by hand; its errors."""

import contextlib
import json
from itertools import pairwise, product

import pytest
from click.testing import CliRunner
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from convalgebra.cli import main
from convalgebra.cost import cost
from convalgebra.cost.receptive_field.fields import receptive_fields
from convalgebra.cost.receptive_field.places import (
    number_of,
    places_of,
    read_by_window,
    within,
)
from convalgebra.cost.receptive_field.units import view
from convalgebra.errors import InputError, ShapeError, UnsupportedError
from convalgebra.language import parse
from convalgebra.sizes import at
from convalgebra.windows import Window

from . import sets_by_loops
from .graphs import networks


def listed(places):
    return frozenset(at for first, last in places for at in range(first, last + 1))


def check(text):
    try:
        network = parse(text)
        sides = [shape[1] for shape in network.shapes]
    except ShapeError:
        assume(False)
    expected = sets_by_loops.seen_by_all(network)
    fields = receptive_fields(network)
    for node, side in enumerate(sides):
        for unit in {0, 1, side // 2, side - 2, side - 1} & set(range(side)):
            found = view(network, fields, node, (unit,))
            seen = sets_by_loops.listed(expected[node][unit])
            assert listed(found.seen[0]) == frozenset(seen)
            assert found.inputs == len(seen)


@settings(max_examples=40)
@given(networks())
def test_units_of_every_value(text):
    check(text)


@pytest.mark.slow
@settings(max_examples=300)
@given(networks())
def test_units_of_every_value_at_length(text):
    check(text)


SETS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9)), max_size=5).map(
    lambda runs: places_of((first, first + more) for first, more in runs)
)


@given(SETS, st.integers(1, 6), st.integers(1, 4), st.integers(1, 4), st.integers(-3, 5))
def test_what_a_window_reads(places, taps, stride, dilation, before):
    side = 50
    window = Window(taps, stride, dilation, (before, 0))
    expected = {n * stride + t * dilation - before for n in listed(places) for t in range(taps)}
    assert listed(read_by_window(places, window, side)) == expected & set(range(side))


@given(SETS, SETS)
def test_sets_as_runs(one, two):
    assert listed(places_of(one + two)) == listed(one) | listed(two)
    assert within(one, two) == (listed(one) <= listed(two))
    assert number_of(one) == len(listed(one))
    assert all(b[0] > a[1] + 1 for a, b in pairwise(one))


def boxes_by_loops(layers, unit, sides):
    """The inputs of a unit after 3x1 and 1x3 windows and sums of them, as a set of pairs."""
    places = {unit}
    for windows in reversed(layers):
        places = {
            (y + dy, x + dx)
            for (y, x), (high, wide) in product(places, windows)
            for dy in range(-(high // 2), high // 2 + 1)
            for dx in range(-(wide // 2), wide // 2 + 1)
            if 0 <= y + dy < sides[0] and 0 <= x + dx < sides[1]
        }
    return places


@settings(max_examples=40)
@given(
    st.lists(st.lists(st.sampled_from([(1, 3), (3, 1), (1, 5), (5, 1)]), min_size=1, max_size=2)),
    st.integers(0, 8),
    st.integers(0, 8),
)
def test_boxes_of_two_axes(layers, y, x):
    written = ["relu"] + [
        " + ".join(f"({a}x{b}p{a // 2}x{b // 2})" for a, b in windows) for windows in layers
    ]
    report = cost(", ".join(written), input="1x9x9")
    found = report.unit(f"[{y},{x}]")
    seen = boxes_by_loops(layers, (y, x), (9, 9))
    assert tuple(map(listed, found.seen)) == tuple(
        {place[axis] for place in seen} for axis in (0, 1)
    )
    assert found.inputs in (None, len(seen))


def test_a_box_in_the_padding_is_seen_along_no_axis():
    # The second branch looks two rows above the input: none of its columns is seen.
    found = cost("(1x1) + (1x9p0x4, pad2:0x0, crop0:2x0)", input="1x9x9").unit("[0,4]")
    assert found.seen == (((0, 0),), ((4, 4),))
    assert found.field == ((-2, 0), (0, 8))


def test_holes_are_counted():
    found = cost("3d4, 3d4", input="1x40").unit("[5]")
    assert found.field == ((5, 21),)
    assert found.seen == (((5, 5), (9, 9), (13, 13), (17, 17), (21, 21)),)
    assert found.inputs == 5


def test_padding_inside_is_no_data():
    # The last value has 3 units, and its fourth would see input 7: padding stands there.
    found = cost("3s2, 3p1", input="1x8").unit("[2]")
    assert found.field == ((2, 8),)
    assert found.in_padding == ((0, 1),)
    assert found.seen == (((2, 6),),)


def test_a_unit_wholly_in_the_padding():
    found = cost("pad3, conv 1", input="1x8").unit("[13]")
    assert (found.field, found.in_padding, found.seen) == (((10, 10),), ((0, 1),), ((),))
    assert found.inputs == 0


def test_pooled_branches_beside_windows():
    report = cost("a = 3p1; mul(a | gap, 1, sigmoid)", input="1x20")
    found = report.unit("[0]")
    assert found.seen == (((0, 19),),)
    assert found.windowed == (((0, 1),),)
    assert report.unit("a[0]").windowed is None


def test_values_without_positions():
    report = cost("a = 3s2; head = fc@10", input="1x8")
    found = report.unit("head")
    assert (found.field, found.seen, found.inputs) == (None, (((0, 6),),), 7)
    assert report.unit("a[2]").seen == (((4, 6),),)


def test_names():
    report = cost("zoo:resnet50")
    for name, node in (
        ("layer2", 78), ("layer2/down(128, 2)", 48), ("layer2 down(128, 2)", 48), ("48", 48),
        ("layer2/down(128, 2)/48", 48), ("input", 0), ("stem/4", 4),
    ):  # fmt: skip
        assert report.unit(f"{name}[0,0]").node == node
    assert report.unit("").node == report.unit("output").node == 174


@pytest.mark.parametrize(
    ("unit", "message"),
    [
        ("layr1[0,0]", "nothing is called `layr1`; did you mean `layer1`, `layer4` or `layer3`?"),
        ("999[0,0]", "layers have the numbers 1 to 174"),
        (
            "layer1[3]",
            "layer1 is 256x56x56, with 2 axes: a unit has one index an axis, "
            "like layer1[0,0]; 1 is given",
        ),
        ("layer1", "like layer1[0,0]; none is given"),
        ("layer1[1,2,3]", "like layer1[0,0]; 3 are given"),
        ("head[0,0]", "head is 1000, with no axes: write head without indices"),
        ("layer1[56,0]", "56 is outside: layer1 is 256x56x56, 0 to 55"),
        ("layer1[-1,0]", "whole numbers from 0 on, like layer1[0,0], not `-1`"),
        ("layer1[y,x]", "not `y`"),
        ("layer1[1,]", "not ``"),
        ("layer1[1 1]", "not `1 1`"),
        ("layer1[" + "9" * 5000 + ",0]", "not `9999"),
        ("layer1[[0,0]]", "nothing is called"),
        ("\0[0]", "nothing is called"),
    ],
)
def test_errors(unit, message):
    with pytest.raises(InputError) as caught:
        cost("zoo:resnet50").unit(unit)
    assert message in str(caught.value)


def test_a_name_of_several_values():
    with pytest.raises(InputError, match="there are 2 values `x`; name the layer: #1/x/1, #2/x/3"):
        cost("2*(x = 3p1; relu)", input="1x8").unit("x[0]")


def test_named_channels_are_no_matter():
    found = cost("3x3p1@C, 5x5s2p2@(C//2)", input="Bx32x32").unit("[3,0]")
    assert found.field == ((3, 9), (-3, 3))
    assert (found.in_padding, found.seen) == (((0, 0), (3, 0)), (((3, 9),), ((0, 3),)))
    assert found.inputs == 28


@pytest.mark.parametrize(
    "text",
    ["3p1", "3s2, up2, 3", "3s2psame, 5s2psame, 3", "(2s2) + crop0:(L - L//2)", "conv kp(k//2)"],
)
def test_on_named_sides_the_field_of_a_unit_is_what_numbers_give(text):
    named = cost(text, input="1xL").unit("[3]")
    assert (named.seen, named.windowed, named.inputs, named.in_padding) == (None,) * 4
    for side, k in product((36, 37, 38, 51), (1, 4)):
        numbers = {"L": side} | ({"k": k} if "k" in text else {})
        found = cost(text, input="1xL", at=numbers).unit("[3]")
        first, last = (at(edge, {"L": side, "k": k}) for edge in named.field[0])
        inside = {place for place in range(first, last + 1) if 0 <= place < side}
        # Each of these has but one box, the hull of what is seen in it.
        assert inside == listed(((found.seen[0][0][0], found.seen[0][-1][-1]),))
        assert found.field == ((first, last),)


def test_what_is_said_of_a_unit_on_named_sides():
    arguments = ["cost", "mul(3x3p1@C | gap, 1x1, sigmoid)", "--input", "CxHxW", "--unit", "[3,0]"]
    result = CliRunner().invoke(main, arguments)
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["y", "2", "to", "4", "?", "?", "?"] in lines
    assert ["x", "-1", "to", "1", "?", "?", "?"] in lines
    shown = " ".join(result.stdout.split())
    assert "Through windows alone; with what was pooled it sees more." in shown
    assert "depends on named sizes: give numbers with --at C=64,H=224,W=224." in shown
    (unit,) = json.loads(CliRunner().invoke(main, [*arguments, "--format", "json"]).stdout)["units"]
    assert unit["field"] == [[2, 4], [-1, 1]]
    assert unit["seen"] is unit["in_padding"] is unit["through_windows"] is None
    for form in ("md", "csv", "latex", "html"):
        assert CliRunner().invoke(main, [*arguments, "--format", form]).exit_code == 0


def test_without_positions_named_sides_need_numbers():
    report = cost("conv kxk@C, gap, fc@10", input="3xHxW")
    with pytest.raises(UnsupportedError) as caught:
        report.unit("3")
    assert str(caught.value) == (
        "which inputs this unit sees depends on named sizes; "
        "give numbers with --at C=64,H=224,W=224,k=3"
    )


@pytest.mark.parametrize(
    "text",
    [
        "1s3, gap",
        "up3, 1s2, convt1s7, gap",
        "conv 3d(300)p(300), gap",
        "1s(999), convt1s(998), gap",
    ],
)
def test_large_inputs_are_answered_or_refused_at_once(text):
    report = cost(text, input="1x99999999")
    with contextlib.suppress(UnsupportedError):
        assert report.unit("[0]").inputs > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["3p1", "--input", "1x8", "--unit", "b[0]"], "error: nothing is called `b`"),
        (["3p1", "5p2", "--input", "1x8", "--unit", "[0]"], "error: --unit asks about one network"),
        (
            ["gap", "--input", "1xL", "--unit", "[0]"],
            "error: which inputs this unit sees depends on named sizes; give numbers with",
        ),
    ],
)
def test_errors_of_the_command(arguments, message):
    result = CliRunner().invoke(main, ["cost", *arguments])
    assert result.exit_code == 2
    assert result.stderr.startswith(message)
    assert result.stdout == ""


@pytest.mark.parametrize(
    "option", ["--batch 2", "--training sgd", "--convention fvcore", "--dtype int8", "--all-layers"]
)
def test_options_of_costs_mean_nothing_to_a_unit(option):
    given = ["cost", "3p1", "--input", "1x8", "--unit", "[0]", *option.split()]
    result = CliRunner().invoke(main, given)
    name = option.split()[0]
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {name} asks about costs, and with --unit only")


def test_numbers_for_named_sizes():
    result = CliRunner().invoke(
        main, ["cost", "3p1", "--input", "1xL", "--at", "L=9", "--unit", "[8]", "--format", "json"]
    )
    (unit,) = json.loads(result.stdout)["units"]
    assert (unit["field"], unit["in_padding"], unit["seen"]) == ([[7, 9]], [[0, 1]], [[[7, 8]]])
