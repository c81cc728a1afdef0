"""'same' padding against published endpoints, and against every input size in a range.

slim_endpoints.csv: the table published with "Computing Receptive Fields of Convolutional Neural
Networks" (Araujo, Norris, Sim, Distill 2019). A `-` there is a padding that depends on the input.
"""

import csv
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convalgebra.cost import cost
from convalgebra.cost.receptive_field.fields import receptive_fields
from convalgebra.cost.receptive_field.remainders import Remainders, by_remainder
from convalgebra.language import parse
from convalgebra.sizes import at, floor_divide, symbol

with open(Path(__file__).parents[2] / "data" / "slim_endpoints.csv", newline="") as file:
    ROWS = list(csv.DictReader(file))

# A value's name has no slash: `conv1/conv1_1` is conv1_1 here.
NETWORKS = {
    "alexnet_v2": """
        conv1 = 11x11s4@64; pool1 = max3x3s2; conv2 = 5x5psame@192; max3x3s2
        conv3 = 3x3psame@384; conv4 = 3x3psame@384; conv5 = 3x3psame@256; pool5 = max3x3s2
    """,
    "vgg_a": """
        def pool = max2x2s2
        conv1_1 = 3x3psame@64; pool1 = pool; conv2_1 = 3x3psame@128; pool2 = pool
        conv3_1 = 3x3psame@256; conv3_2 = 3x3psame@256; pool3 = pool
        conv4_1 = 3x3psame@512; conv4_2 = 3x3psame@512; pool4 = pool
        conv5_1 = 3x3psame@512; conv5_2 = 3x3psame@512; pool5 = pool
    """,
    "mobilenet_v1": """
        def sep(S) = dw3x3sSpsame, 1x1
        Conv2d_0 = 3x3s2psame@32
        Conv2d_1_pointwise = sep(1);  Conv2d_2_pointwise = sep(2);  Conv2d_3_pointwise = sep(1)
        Conv2d_4_pointwise = sep(2);  Conv2d_5_pointwise = sep(1);  Conv2d_6_pointwise = sep(2)
        Conv2d_7_pointwise = sep(1);  Conv2d_8_pointwise = sep(1);  Conv2d_9_pointwise = sep(1)
        Conv2d_10_pointwise = sep(1); Conv2d_11_pointwise = sep(1)
        Conv2d_12_pointwise = sep(2); Conv2d_13_pointwise = sep(1)
    """,
    # The stride stands in the last unit of a block, where the shortcut is a pooling of one tap.
    "resnet_v1_50": """
        def neck(C, S) = 1x1@C, 3x3sSp1, 1x1@4C
        def block(C, n) = neck(C, 1) + 1x1@4C, n*(neck(C, 1) + id)
        def halve(C) = neck(C, 2) + max1x1s2
        7x7s2p3@64, max3x3s2psame
        block1 = block(64, 1), halve(64); block2 = block(128, 2), halve(128)
        block3 = block(256, 4), halve(256); block4 = block(512, 2)
    """,
}
CHECKED = [row for row in ROWS if row["cnn"] in NETWORKS]


@cache
def fields_of(name, side):
    network = parse(f"input 3x{side}; " + NETWORKS[name])
    return network, receptive_fields(network)


def axis_of(row, side):
    network, fields = fields_of(row["cnn"], f"{side}x{side}")
    one, two = fields[network.index_of(row["endpoint"].split("/")[-1])].axes
    assert (one.size, one.jump, one.left) == (two.size, two.jump, two.left)
    return one


@pytest.mark.parametrize("row", CHECKED, ids=lambda row: f"{row['cnn']}-{row['endpoint']}")
def test_published_endpoints(row):
    for side in (224, 321):
        axis = axis_of(row, side)
        expected = tuple(int(row[key]) for key in ("rf", "stride", f"pad_{side}"))
        assert (axis.size, axis.jump, -axis.left) == expected


@pytest.mark.parametrize("row", CHECKED, ids=lambda row: f"{row['cnn']}-{row['endpoint']}")
def test_published_endpoints_on_an_unknown_input(row):
    axis = axis_of(row, "H")
    assert (axis.size, axis.jump) == (int(row["rf"]), int(row["stride"]))
    if row["pad_None"] == "-":
        found = by_remainder(axis.left)
        assert len(found.values) > 1
        for side in (224, 321):
            assert -found.values[side % len(found.values)] == int(row[f"pad_{side}"])
    else:
        assert -axis.left == int(row["pad_None"])


def test_what_the_table_says_of_an_unknown_input():
    # One zero at the end of an even side, one on either side of an odd one.
    report = cost("3x3s2psame@8, 3x3psame", input="3xHxW").to_dict()
    assert report["receptive_field"]["padding"] == [
        {"depends_on": side, "modulus": 2, "by_remainder": [2, 3]} for side in "HW"
    ]
    assert cost("3x3psame", input="3xHxW").to_dict()["receptive_field"]["padding"] == [1, 1]


LAYERS = st.lists(
    st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 2)), min_size=1, max_size=3
)


@settings(max_examples=5)
@given(LAYERS, st.lists(st.integers(30, 400), min_size=6, max_size=6))
def test_by_remainder_is_what_numbers_give(layers, sides):
    text = ", ".join(f"conv {k}s{s}d{d}psame" for k, s, d in layers)
    (axis,) = cost(text, input="1xL").receptive_field.axes
    found = by_remainder(axis.left)
    for side in sides:
        (expected,) = cost(text, input=f"1x{side}").receptive_field.axes
        left = axis.left if isinstance(axis.left, int) else at(axis.left, {"L": side})
        assert left == expected.left
        if found is not None:
            assert found.values[side % len(found.values)] == expected.left


def test_what_is_not_a_matter_of_remainders():
    h, w = symbol("H"), symbol("W")
    assert by_remainder(3) is None
    assert by_remainder(h) is None
    assert by_remainder(floor_divide(h, 2)) is None
    assert by_remainder(2 * floor_divide(h, 2) - h + 2 * floor_divide(w, 2) - w) is None
    assert by_remainder(4 * floor_divide(h + 1, 4) - h) == Remainders("H", (0, -1, -2, 1))
    assert by_remainder(floor_divide(h, 2) - floor_divide(h + 1, 2)) == Remainders("H", (0, -1))


def test_shortcuts_that_agree_for_odd_inputs_alone():
    # 3x3s2psame begins at -1 on odd sides and at 0 on even ones, the shortcut at 0.
    text = "(3s2psame) + 1s2"
    verdicts = [cost(text, input=f"1x{side}").meetings()[0].verdict for side in (32, 33)]
    assert verdicts == ["off", "aligned"]
    report = cost(text, input="1xL")
    assert report.meetings()[0].verdict == "depends"
    assert "coincides with branch 2, 1s2, where L mod 2 is 1" in " ".join(str(report).split())
    offset = report.to_dict()["alignment"]["findings"][0]["offset"]
    assert offset == [{"depends_on": "L", "modulus": 2, "by_remainder": [1, 0]}]
