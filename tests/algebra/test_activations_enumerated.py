"""Small stacks with activations, one after another: which of them are linear; and witnesses."""

from fractions import Fraction
from itertools import product
from random import Random

import pytest

from convalgebra.algebra.activations import odd_witness
from convalgebra.language import parse

from .relu_networks import UNKNOWN, Conv, answers, count_weights, reach, run, text_of


def is_linear(layers, weights, channels, width):
    """Whether a stack without biases is a linear map on a grid fine enough for its weights."""
    points = range(-2, 3)
    unit = []
    for at in range(width):
        signal = [[int(n == at) for n in range(width)]]
        unit.append(run(layers, weights, signal)[0][0])
    for signal in product(points, repeat=width):
        expected = sum(u * x for u, x in zip(unit, signal, strict=True))
        if run(layers, weights, [list(signal)])[0][0] != expected:
            return None
    return unit


def linear_members(layers, width, values=(-1, 0, 1)):
    for weights in product(values, repeat=count_weights(layers, 1)):
        found = is_linear(layers, weights, 1, width)
        if found is not None:
            yield weights, found


@pytest.mark.parametrize(
    ("layers", "width"),
    [
        ([Conv(2, 1), "relu", Conv(2, 1)], 3),
        ([Conv(2, 1), "leakyrelu", Conv(2, 1)], 3),
        ([Conv(2, 1), "hardswish", Conv(2, 1)], 3),
        ([Conv(1, 1), "relu", Conv(2, 1), "relu", Conv(2, 1)], 3),
        ([Conv(1, 1), "relu", Conv(2, 2), "relu", Conv(1, 1)], 2),  # one channel at the first
        ([Conv(2, 2), "relu", Conv(1, 1), "relu", Conv(1, 1)], 2),  # at the last
    ],
)
def test_only_zero_is_linear(layers, width):
    assert "only 0" in reach(text_of(layers), str(width)).reason
    members = list(linear_members(layers, width))
    assert members
    assert all(not any(kernel) for _, kernel in members)


def test_two_channels_make_products_of_two_and_nothing_else():
    """2@2,relu,2@1: what is linear has the real roots that a product of two pairs has."""
    kernels = {tuple(k) for _, k in linear_members([Conv(2, 2), "relu", Conv(2, 1)], 3)}
    assert kernels == {
        (a * c, a * d + b * c, b * d) for a, b, c, d in product((-1, 0, 1), repeat=4)
    }
    assert all(b * b >= 4 * a * c for a, b, c in kernels)
    assert answers("2@2, relu, 2@1", "3") == ("part", "unknown", "thin")


def test_two_leaky_relus_may_be_linear_with_one_channel():
    """leakyrelu(-leakyrelu(x)) = -x/100: so nothing is said of deeper ones."""
    layers = [Conv(1, 1), "leakyrelu", Conv(1, 1), "leakyrelu"]
    assert is_linear(layers, [1, -1], 1, 1) == [Fraction(-1, 100)]
    assert answers("1, leakyrelu, 1, leakyrelu", "1") == UNKNOWN
    assert answers("1", "1, leakyrelu, 1, leakyrelu") == UNKNOWN


def test_generic_members_are_not_linear():
    """The weights of linear members lie on b = 0, c = 0 or on b1 parallel to b2."""
    for weights, kernel in linear_members([Conv(2, 2), "relu", Conv(1, 1)], 2):
        (a, b, c, d), (v, w) = weights[:4], weights[4:]
        assert a * d == b * c or not v or not w
        assert kernel is not None


def test_dead_relus_are_an_open_set():
    random = Random(3)
    layers = [Conv(2, 2), "relu", Conv(2, 2), "relu", Conv(1, 1)]
    for _ in range(50):
        weights = [random.uniform(-5, 5) for _ in range(count_weights(layers, 1))]
        weights[4:12] = [-abs(w) for w in weights[4:12]]
        signal = [[random.uniform(-5, 5) for _ in range(6)]]
        assert not any(run(layers, weights, signal)[0])
    assert answers("3", text_of(layers)) == ("part", "unknown", "unknown")


def test_relu_tells_linear_maps_apart():
    functionals = list(product((-1, 0, 1, 2), repeat=2))
    points = list(product(range(-2, 3), repeat=2))
    seen = {}
    for f in functionals:
        values = tuple(max(0, f[0] * x + f[1] * y) for x, y in points)
        assert seen.setdefault(values, f) == f


# Witnesses


@pytest.mark.parametrize(
    ("layers", "channels"),
    [
        ([Conv(2, 1), "relu", Conv(2, 1)], 1),
        ([Conv(3, 4, stride=2), "relu", Conv(2, 3, dilation=2), "relu", Conv(1, 2)], 2),
        ([Conv(2, 4, groups=2), "relu", Conv(1, 4, groups=4)], 2),
    ],
)
def test_the_witness_by_plain_loops(layers, channels):
    witness = odd_witness(parse(text_of(layers)), channels)
    (length,) = witness.size
    signal = [list(row) for row in witness.rows()]
    assert [len(row) for row in signal] == [length] * channels
    for sign, outputs in ((1, witness.plus), (-1, witness.minus)):
        made = run(layers, witness.weights, [[sign * x for x in row] for row in signal])
        assert made == [[value] for value in outputs]
    assert all(total > 0 for total in witness.sums)


@pytest.mark.parametrize("text", ["3x3", "3x3b, relu", "2x2, avg2x2s1, relu", "900x900, relu"])
def test_no_witness(text):
    assert odd_witness(parse(text)) is None
