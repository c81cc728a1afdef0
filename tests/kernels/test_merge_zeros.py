"""Whether a stack is merged, and into what, does not depend on a weight being zero."""

import numpy as np
import pytest

import convalgebra as ca
from convalgebra.errors import ConvalgebraError
from convalgebra.kernels.merging import parameter_table

STACKS = [
    "1x1s1x2, convt1x1s2@1",
    "1s2, convt1s2",
    "3s2p1, up2, 3p1",
    "3s2p1b, convt2s2b, 3p1b",
    "2s2, convt2s2, 2s2, convt2s2",
    "1s2, up2, 1s2, up2",
    "convt2s2, 2s2",
    "convt4s4b, 2s2",
    "up2, 3p1, avg2s2",
    "2x2s2, convt2x2s2b",
    "2x2s2x1, convt3x3s1x2",
    "2s4, convt4s2",
    "cat(1@1 | 2s2, convt2s2@1), 1@1",
    "cat(id | 2s2, convt2s2), [:1]",
    "(2s2, convt2s2) + (1s2, up2), 1",
    "1x1@8, pixelshuffle2, 3x3p1",
    "3p1, 3p1",
    "(3p1b, bn) + id",
]


def weights_of(stack, input, zeros):
    """Whole numbers without zeros, but for the layers in `zeros`; each variance is 1."""
    rng = np.random.default_rng(7)
    found = {}
    for p in parameter_table(stack, input=input, channels=None if input else 1):
        array = rng.integers(1, 50, p.shape)
        array = np.ones_like(array) if p.role == "running_var" else array
        empty = p.role in ("weight", "bias") and p.layer_number in zeros
        found[p.name] = array * 0 if empty else array
    return found


def outcome(stack, input, zeros):
    weights = weights_of(stack, input, zeros)
    try:
        report = ca.merge(stack, weights, input=input, channels=None if input else 1, eps=0)
    except ConvalgebraError as error:
        return str(error), None, None
    return report.kind, report.stride, report


@pytest.mark.parametrize("sides", [None, (8, 8), (12, 9)])
@pytest.mark.parametrize("stack", STACKS)
def test_the_verdict_with_and_without_zeros(stack, sides):
    axes = ca.parse(stack).axes
    input = None if sides is None else (1, *sides[:axes])
    kind, stride, report = outcome(stack, input, ())
    numbers = sorted({p.layer_number for p in parameter_table(stack, channels=1)})
    for zeros in (numbers[:1], numbers[-1:], numbers):
        other_kind, other_stride, other = outcome(stack, input, zeros)
        assert (other_kind, other_stride) == (kind, stride)
        if report is not None and report.exact:
            assert other.exact
