"""The borders of two stacks: where they differ from one another, and where that is not decided."""

import pytest

from convalgebra.algebra.borders import compare_borders
from convalgebra.errors import ShapeError
from convalgebra.language import parse


def compared(left, right):
    return compare_borders(parse(f"input {left}"), parse(f"input {right}"))


def test_a_kernel_and_a_stack():
    found = compared("1x12x12; 5x5p2", "1x12x12; 3x3p1, 3x3p1")
    assert (found.exactly_one, found.both, found.at_most, found.decided) == (44, 0, 44, True)


def test_the_same_stack_twice():
    found = compared("1x9; 3p1, 3p1", "1x9; 3p1, 3p1")
    assert (found.exactly_one, found.both, found.note) == (0, 0, "the two stacks are the same")


def test_two_stacks_that_both_differ_from_the_merged_one():
    found = compared("1x9; 3p1, 3p1", "1x9; 3p1, 1, 3p1")
    assert (found.exactly_one, found.both, found.decided) == (0, 2, False)
    # The right one differs at outputs 0, 7 and 8: its second layer reads place 9 for its own place
    # 8, which the third layer reads for 7 and 8; the third reads place -1 as well.
    found = compared("1x9; 3p1, 3p1", "1x9; 2p1:0, 2p0:1, 3p1")
    assert (found.left.differ, found.right.differ) == (2, 3)
    assert (found.exactly_one, found.both, found.at_most) == (1, 2, 3)


def test_only_one_side_has_padding():
    found = compared("1x12x12; 5x5", "1x12x12; 3x3p1, 3x3p1")
    assert (found.exactly_one, found.both, found.at_most) == (None, None, None)
    assert not found.decided
    assert "5x5 makes 1x8x8 of 1x12x12 and 3x3p1,3x3p1 makes 1x12x12 of 1x12x12" in found.note
    assert found.right.differ == 44


def test_kernels_at_different_places():
    found = compared("1x9; 3p0:2", "1x9; 2p1:0, 2p1:0")
    assert found.at_most is None
    assert "the outputs see the positions 0 to 10 and -2 to 8" in found.note
    assert compared("1x9; 3p1", "1x9; 2p1:0, 2p1:0").at_most is None
    assert compared("1x9; 3p2:0", "1x9; 2p1:0, 2p1:0").exactly_one == 0
    # A kernel that sees more can be the other one.
    assert compared("1x9; 5p2", "1x9; 2p1:0, 2p1:0").exactly_one == 0


def test_a_side_that_is_refused_leaves_the_other():
    found = compared("1x9; 3p1", "1x9; 2, relu, 2p1")
    assert found.left.agrees
    assert found.right is None
    assert "`relu` is not linear" in found.note
    both = compared("1x9; 3p1, relu", "1x9; 2, relu, 2p1")
    assert (both.left, both.right) == (None, None)


def test_sizes_that_do_not_fit_are_errors():
    with pytest.raises(ShapeError):
        compared("1x4; 3p1", "1x4; 7")


def test_plain_values():
    import json

    found = compared("1x9; 3p1", "1x9; 3p1, relu").to_dict()
    assert found["right"] is None
    found = json.loads(json.dumps(compared("1x12x12; 5x5p2", "1x12x12; 3x3p1, 3x3p1").to_dict()))
    assert (found["differ"], found["may_differ"], found["note"]) == (44, 0, None)
    assert found["right"]["mended"] == "3x3p2,3x3"
    assert found["right"]["ring"] == [[1, 1], [1, 1]]
    assert found["right"]["blame"][0]["layer"] == 2
