"""Families too large to be compared coefficient by coefficient, against that comparison.

The question is asked of a few channels, once as it is and once as if they were too many: then the
boxes of taps decide, with what padding, dilation and biases do to them.
"""

import pytest

import convalgebra as ca
from convalgebra.algebra import reach

YES = [  # the kernel covers the stack, where both lie on one input
    ("5x5", "3x3,3x3"),
    ("5x5p2", "3x3p1,3x3p1"),
    ("5x5b", "3x3b,3x3"),
    ("7x7p3", "3x3p1,3x3p1"),
    ("7x7p2:4", "3x3p1,3x3p1"),
    ("7x7p4:2", "3x3p1,3x3p1"),
]
NO = [  # it covers as much, but not there, not every tap, or not the constants
    ("5x5p2:1", "3x3p1,3x3p0:2"),
    ("5x5p1:2", "3x3p1:0,3x3p1:2"),
    ("5x5p1:3", "3x3p1,3x3p1"),
    ("5x5p3:1", "3x3p1,3x3p1"),
    ("6x6p1:4", "3x3p1,3x3p1"),
    ("6x6p4:1", "3x3p1,3x3p1"),
    ("3x3d2", "3x3,3x3"),
    ("3x3d2p2", "5x5p2"),
    ("3x3d2", "2x2"),
    ("5x5", "3x3b,3x3"),
    ("5x5", "3x3,3x3b"),
    ("3x3", "3x3b"),
]


@pytest.mark.parametrize(("kernel", "stack"), YES + NO)
@pytest.mark.parametrize("shape", [None, "2x12x12"])
def test_boxes_say_what_coefficients_say(monkeypatch, kernel, stack, shape):
    exact = ca.equiv(kernel, stack, channels=2, input=shape).left_reproduces_right.reach
    monkeypatch.setattr(reach, "_MOST_MATCHED", 0)
    boxes = ca.equiv(kernel, stack, channels=2, input=shape).left_reproduces_right.reach
    assert boxes.real in (exact.real, "unknown")
    if (kernel, stack) in YES:
        assert (exact.real, boxes.real) == ("all", "all")
    elif shape is not None:
        assert exact.real == "thin"


def test_as_many_channels_as_that():
    # 25 x 100 x 100 coefficients.
    assert ca.equiv("5x5", "3x3,3x3", channels=100).left_reproduces_right.reach.real == "all"
    moved = ca.equiv("5x5p1:3", "3x3p1,3x3p1", channels=100, input="100x12x12")
    assert moved.left_reproduces_right.reach.real != "all"
