"""'same' padding, which depends on the size of the input, by remainder and by number.

Published endpoints of networks with such padding: see tests/zoo/test_slim.py.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convalgebra.cost import cost
from convalgebra.cost.receptive_field.remainders import Remainders, by_remainder
from convalgebra.sizes import at, floor_divide, symbol


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


@pytest.mark.parametrize("layer", ["(3s2psame) + 1s2", "(3s2psame) + (4s2psame) + 1s2"])
def test_repeated_shortcuts_are_what_numbers_give(layer):
    text = ", ".join([layer] * 5)
    report = cost(text, input="1xL")
    (axis,) = report.receptive_field.axes
    found = by_remainder(axis.left)
    assert found is not None
    assert 32 % len(found.values) == 0
    assert axis.size == cost(text, input="1x77").receptive_field.axes[0].size
    for side in (64, 77, 95, 130):
        (expected,) = cost(text, input=f"1x{side}").receptive_field.axes
        assert found.values[side % len(found.values)] == expected.left


def test_long_chains_of_shortcuts_end():
    # It would take minutes, and memory without end, if the edges were not decided.
    report = cost(", ".join(["(3s2psame) + 1s2"] * 12), input="1xL")
    assert report.receptive_field.axes[0].size == 2**13 - 1
    text = " ".join(str(report).split())
    assert "0 to 4,095 before the input: it depends on L mod 4096" in text
    assert "where L mod 32 is one of 16 numbers" in text


def test_past_the_modulus_it_is_not_known():
    text = " ".join(str(cost(", ".join(["3s2psame, 5s3psame"] * 8), input="1xL")).split())
    assert "an amount that depends on L (numbers, --at, tell which) before the input" in text


@pytest.mark.slow
def test_an_edge_that_takes_too_much_work_is_not_known():
    text = " ".join(str(cost(", ".join(["(3s2psame) + 1s2"] * 24), input="1xL")).split())
    assert "not known" in text
    assert "--at" in text
