"""The receptive field: figures that were counted, cases by hand, named sizes, and its limits."""

import csv
from fractions import Fraction
from pathlib import Path

import pytest

from convalgebra.cost import cost
from convalgebra.cost.receptive_field import Axis, Periodic, receptive_fields
from convalgebra.errors import UnsupportedError
from convalgebra.language import parse
from convalgebra.sizes import symbol

DATA = Path(__file__).parents[2] / "data"

# The rows of receptive_fields.csv, in the language; one axis each.
STACKS = {
    "conv k3 s2 p1, conv k5 p2, conv k3 s2 p1": "3s2p1, 5p2, 3s2p1",
    "conv k3 p1, conv k3 d2 p2, conv k3 d4 p4": "3p1, 3p2d2, 3p4d4",
    "add(conv k3 p1 then conv k3 p1, conv k1)": "(3p1, 3p1) + conv 1",
    "conv k3 p1, avgpool k2 s2, conv k3 p1": "3p1, avg2s2, 3p1",
}

with open(DATA / "receptive_fields.csv", newline="") as file:
    COUNTED = list(csv.DictReader(file, delimiter=";"))


def field_of(text, shape="1x64"):
    return cost(text, input=shape).receptive_field


def axis_of(text, shape="1x64"):
    (axis,) = field_of(text, shape).axes
    return axis


def part_of(text, shape="1x64"):
    (part,) = axis_of(text, shape).parts
    return part


@pytest.mark.parametrize("row", COUNTED, ids=lambda row: row["network"])
def test_counted_fields(row):
    axis = axis_of(STACKS[row["network"]])
    expected = tuple(int(row[key]) for key in ("size", "jump", "left_edge"))
    assert (axis.size, axis.jump, axis.left) == expected


def test_axes_are_apart():
    wide, high = field_of("3x5s2x1p1x0d1x2", "1x32x32").axes
    assert (wide.size, wide.jump, wide.left, wide.right) == (3, 2, -1, 1)
    assert (high.size, high.jump, high.left, high.right) == (9, 1, 0, 8)


def test_the_input_sees_itself():
    network = parse("input 3x8x8; relu")
    itself = Axis((Periodic(1, ((0, 0),)),), 8)
    assert [field.axes for field in receptive_fields(network)] == [(itself,) * 2] * 2


def test_two_phases_after_upsampling():
    # x x y y, then windows over three of them: 2 inputs from either phase.
    axis = axis_of("up2, 3p1")
    assert axis.parts == (Periodic(1, ((-1, 0), (0, 1))),)
    assert (axis.size, axis.jump) == (2, Fraction(1, 2))
    assert [axis.seen_by(unit) for unit in (0, 1, 2, 3)] == [(-1, 0), (0, 1), (0, 1), (1, 2)]


def test_down_and_up_again():
    axis = axis_of("2s2, convt2s2")
    assert axis.parts == (Periodic(2, ((0, 1), (0, 1))),)
    assert (axis.size, axis.jump) == (2, 1)


def test_units_that_see_nothing():
    # A stride of 3 with 1 tap leaves two of three outputs empty.
    axis = axis_of("convt1s3o2")
    assert axis.phases == ((0, 0), None, None)
    assert (axis.size, axis.jump) == (1, Fraction(1, 3))
    nothing = axis_of("convt1s2o1, crop1:0, 1s2, 3p1")
    assert (nothing.size, nothing.left, nothing.right, nothing.seen_by(5)) == (0, None, None, None)


def test_gap_sees_everything_and_keeps_the_windows_beside():
    field = field_of("3s2p1, gap, 1@10", "1x64")
    assert (field.is_global, field.axes) == (True, axis_and("3s2p1"))
    report = cost("3s2p1, gap", input="1x64").to_dict()["receptive_field"]
    windowed = {"size": [3], "jump": [2], "left": [-1], "right": [1]}
    expected = {
        "global": True, "windowed": windowed,
        "size": [64], "jump": None, "left": [0], "right": [63], "padding": [1], "centre": [0],
    }  # fmt: skip
    assert expected.items() <= report.items()


def axis_and(text):
    return (axis_of(text),)


def test_squeeze_excite_goes_on_with_the_windows():
    text = "3p1, mul(id | gap, 1@*2, relu, 1@/2, sigmoid), 5p2"
    field = field_of(text)
    assert (field.is_global, field.pooled, field.axes) == (True, False, axis_and("3p1, 5p2"))


def test_a_pooled_branch_that_is_stretched_by_upsampling():
    field = field_of("cat(1@4 | 3p6d6@4 | gap, 1@4, bilinear64)")
    assert (field.is_global, field.axes) == (True, axis_and("3p6d6"))


def test_windows_after_gap_add_nothing():
    assert field_of("3p1, gap, 3p1") == field_of("3p1, gap")


def test_flatten_alone_sees_no_more():
    field = field_of("3p1, flatten")
    assert (field.is_global, field.axes) == (False, axis_and("3p1"))
    assert field_of("3p1, flatten, relu, linear@5").is_global
    assert field_of("3p1, linear@5").is_global is False


def test_adaptive_pooling():
    # 64 to 4: windows of 16. 7 to 3: floor(7/3) .. ceil(14/3) - 1 is 2 .. 4.
    assert part_of("gap4") == Periodic(16, ((0, 15),))
    assert part_of("gap3", "1x7") == Periodic(7, ((0, 2), (2, 4), (4, 6)))
    assert axis_of("3p1, gap64") == axis_of("3p1")


def test_pooled_branches_meet_in_their_hull():
    assert field_of("cat(3p1, gap | 5p2, gmp)").axes == axis_and("5p2")


def test_branches_at_different_jumps():
    # 32 outputs of stride 2, and 32 by cropping: unit n sees 2n .. 2n + 1 and n + 16.
    axis = axis_of("2s2 + crop16")
    assert axis.jump is None
    assert [axis.seen_by(n) for n in (0, 15, 16, 31)] == [(0, 16), (30, 31), (32, 33), (47, 63)]
    assert (axis.size, axis.left, axis.right) == (17, 0, 16)
    assert cost("2s2 + crop16", input="1x64").to_dict()["receptive_field"]["jumps"] == [[2, 1]]


def test_branches_at_different_jumps_go_on():
    # Then two of them, two apart: unit n sees 4n .. 4n + 3 and 2n + 16 .. 2n + 17.
    axis = axis_of("2s2 + crop16, 2s2")
    assert [axis.seen_by(n) for n in (0, 7, 15)] == [(0, 17), (28, 31), (46, 63)]


def test_a_value_of_side_1_that_is_stretched():
    # It stands still while the unit beside it moves; a global one is told apart.
    axis = axis_of("mul(id | 60, 1, 5)")
    assert [axis.seen_by(n) for n in (0, 40, 63)] == [(0, 63)] * 3
    assert (axis.size, axis.jump) == (64, None)
    axis = axis_of("mul(id | crop31:32)")
    assert [axis.seen_by(n) for n in (0, 40, 63)] == [(0, 31), (31, 40), (31, 63)]
    assert field_of("mul(id | gap)").axes == axis_and("id")


def test_different_jumps_on_named_sizes():
    # The last unit sees 2L - 2 and L - 1, the first one 0 twice.
    (axis,) = cost("1s2 + crop0:L", input="1x(2*L)").receptive_field.axes
    assert (axis.jump, axis.size) == (None, symbol("L"))


def test_same_padding_follows_the_size():
    # 8 inputs need one zero, at the end; 7 inputs one on either side.
    assert axis_of("3s2psame", "1x8").left == 0
    assert axis_of("3s2psame", "1x7").left == -1


def test_unused_branches_are_not_seen():
    assert axis_of("3p1, unused(5p2, fc@7), 3p1") == axis_of("3p1, 3p1")


def test_the_first_of_several_outputs():
    report = cost("a = 3p1; b = 5p2; output b | a", input="1x64")
    assert report.receptive_field.axes[0].size == 7
    assert report.output == (1, 64)


def test_named_kernels_and_strides():
    k, s = symbol("k"), symbol("q")
    (axis,) = cost("conv ksqp(k//2), 3", input="CxL").receptive_field.axes
    assert (axis.size, axis.jump) == (k + 2 * s, s)
    assert axis.left == -(k // 2)


def test_named_sides_of_a_network_with_skips():
    report = cost("(max2x2s2, 3x3p1, up2) + id, 3x3p1", input="CxHxW")
    # Unit 0 sees -1 .. 1 of the sum; there even units see 2q-2 .. 2q+3, odd ones 2q-2 .. 2q+3.
    for axis in report.receptive_field.axes:
        assert axis.phases == ((-4, 3), (-2, 5))
        assert (axis.size, axis.jump) == (8, 1)
    taken = [set(fact.split(" = ")) for fact in report.assumptions]
    assert {"H", "2*(H//2)"} in taken
    assert {"W", "2*(W//2)"} in taken


@pytest.mark.parametrize(
    "text",
    [
        "3s2, up2, 3",  # the named size comes in with a summand
        "3s2, bilinear3, 3s2p1",
        "2, pixelshuffle2, 3",
        "2s2, bilinearto(3*((L - 2)//2 + 1)), 3",
        "max2s2, conv 1s1, resize(3*(L//2)), 2s2, 3",
    ],
)
def test_a_named_side_has_the_phases_that_its_numbers_have(text):
    (named,) = cost(text, input="4xL").receptive_field.axes
    for side in (40, 41, 54, 67):
        numbers = text.replace("((L - 2)//2 + 1)", str(side // 2)).replace("(L//2)", str(side // 2))
        (axis,) = cost(numbers, input=f"4x{side}").receptive_field.axes
        assert (named.size, named.jump, named.parts) == (axis.size, axis.jump, axis.parts)


def test_no_axes_at_all():
    field = field_of("linear@5, relu", "100")
    assert field.axes == ()


@pytest.mark.parametrize(
    "text",
    [
        "gap3",  # of 999,999,999
        "convt3s(99999999)",
        "up(999999), 3p1",
        "up(999), 3p1, up(997), 3p1, avg(995)s(993), 3p1",
        "2s(99999999)",
    ],
)
def test_large_numbers_are_answered_at_once(text):
    shape = "1x999999999" if text[0] in "g2" else "1x1001"
    field_of(text, shape)


def test_as_many_phases_as_are_looked_at():
    # 2^8 phases are followed through a window, 2^17 are not listed.
    assert len(axis_of("8*(up2), 3p1", "1x4").phases) == 256
    assert field_of("17*(up2)", "1x4").axes is None


def test_the_field_goes_on_through_opaque_layers_that_work_position_by_position() -> None:
    def axis(text):
        axes = cost(text).receptive_field.axes
        return None if axes is None else (axes[0].size, axes[0].jump)

    assert axis("input 3x9x9; 3x3, opaque(batch_norm, 3x7x7, 0, 0), 3x3s2") == (5, 2)
    assert axis("input 3x9x9; 3x3p1, opaque(add, 3x9x9, 0, 0 | id | 5x5p2), 3x3") == (9, 1)
    assert axis("input 3x9x9; 3x3, opaque(mix, 3x7x7, 0, 0), 3x3") is None
    assert axis("input 3x9x9; opaque(add, 3x3x3, 0, 0), 3x3") is None


@pytest.mark.parametrize(
    "after",
    ["opaque(rearrange, 3x7x7, 0, 0)", "opaque(lstm, 3x7x7, 9, ? | id | 3x3p1), relu", "id"],
)
def test_the_first_opaque_layer_on_the_way_is_why_a_field_is_not_known(after: str) -> None:
    report = cost(f"input 3x9x9; 3x3, opaque(attention, 3x7x7, 0, ?), {after}, 3x3")
    said = "what the opaque layer attention reads is not told"
    assert report.receptive_field.reason == report.paths().reason == said
    with pytest.raises(UnsupportedError, match=f"this unit sees is not worked out: {said}"):
        report.unit("[0,0]")
