"""Every fact of the table at many points, the functions written down here once more."""

import itertools
import math

import pytest

from convalgebra.algebra.activations.facts import ACROSS_CHANNELS, FACTS, is_bounded
from convalgebra.layers import ACTIVATIONS

ALPHA, SCALE = 1.6732632423543772, 1.0507009873554805


def relu6(x):
    return min(max(x, 0.0), 6.0)


def sigmoid(x):
    return 1 / (1 + math.exp(-x)) if x > 0 else math.exp(x) / (1 + math.exp(x))


def softplus(x):
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


FUNCTIONS = {
    "relu": lambda x: max(x, 0.0),
    "leakyrelu": lambda x: x if x > 0 else x / 100,
    "relu6": relu6,
    "elu": lambda x: x if x > 0 else math.expm1(x),
    "selu": lambda x: SCALE * (x if x > 0 else ALPHA * math.expm1(x)),
    "silu": lambda x: x * sigmoid(x),
    "gelu": lambda x: x * math.erfc(-x / math.sqrt(2)) / 2,
    "mish": lambda x: x * math.tanh(softplus(x)),
    "softplus": softplus,
    "sigmoid": sigmoid,
    "hardsigmoid": lambda x: relu6(x + 3) / 6,
    "hardswish": lambda x: x * relu6(x + 3) / 6,
    "tanh": math.tanh,
}
POINTS = [n / 16 for n in range(-16 * 12, 16 * 12 + 1)]
FAR = [-1e6, -1e3, 1e3, 1e6]


def test_every_activation_has_facts_and_a_function():
    assert set(FACTS) | ACROSS_CHANNELS == ACTIVATIONS
    assert set(FUNCTIONS) == set(FACTS)


@pytest.mark.parametrize("kind", sorted(FACTS))
class TestFacts:
    def test_injective(self, kind):
        close = [FUNCTIONS[kind](x) for x in POINTS if abs(x) < 8]
        rising = all(a < b for a, b in itertools.pairwise(close))
        assert rising == FACTS[kind].injective

    def test_pair(self, kind):
        s = FUNCTIONS[kind]
        slopes = [(s(x) - s(-x)) / x for x in [*POINTS, *FAR] if x]
        constant = max(slopes) - min(slopes) < 1e-9
        assert constant == (FACTS[kind].pair is not None)
        if constant:
            assert slopes[0] == pytest.approx(float(FACTS[kind].pair))

    def test_flat(self, kind):
        flat, s = FACTS[kind].flat, FUNCTIONS[kind]
        if flat is None:
            close = [s(x) for x in POINTS if abs(x) < 8]
            assert all(a != b for a, b in itertools.pairwise(close))
        else:
            assert len({s(x) for x in [*POINTS, *FAR] if x <= flat}) == 1
            assert s(flat + 1 / 16) != s(flat)

    def test_bounds(self, kind):
        facts, s = FACTS[kind], FUNCTIONS[kind]
        assert (max(map(s, FAR)) < 100 and min(map(s, FAR)) > -100) == facts.bounded
        assert (min(map(s, FAR)) > -100) == facts.bounded_below
        assert (min(map(s, [*POINTS, *FAR])) >= 0) == facts.nonnegative
        assert is_bounded(kind) == facts.bounded

    def test_zero(self, kind):
        assert (FUNCTIONS[kind](0.0) == 0) == FACTS[kind].zero

    def test_no_polynomial(self, kind):
        """Far out the differences of high order of a polynomial would not fall to 0."""
        s = FUNCTIONS[kind]

        def difference(x, order):
            return sum(
                (-1) ** (order - i) * math.comb(order, i) * s(x + i / 2) for i in range(order + 1)
            )

        near = max(abs(difference(x, 8)) for x in POINTS[::8])
        far = max(abs(difference(x, 8)) for x in (-30.0, 30.0))
        assert near > 1000 * far
        assert near > 1e-4


def test_units_with_bias_may_balance():
    """The ramps from 0 to 1 and from 1 to 2 are the ramp from 0 to 2: so relu6 is not `biased`."""
    for x in POINTS:
        one, two, both = relu6(6 * x), relu6(6 * x - 6), relu6(3 * x)
        assert one + two == pytest.approx(2 * both)
    assert not FACTS["relu6"].biased
    assert not FACTS["hardsigmoid"].biased


def independent(functions, points):
    """Whether functions are independent of one another and of affine ones, by Gram-Schmidt."""
    basis = []
    for f in [lambda x: 1.0, lambda x: x, *functions]:
        row = [f(x) for x in points]
        size = math.sqrt(sum(v * v for v in row))
        for other in basis:
            dot = sum(a * b for a, b in zip(row, other, strict=True))
            row = [a - dot * b for a, b in zip(row, other, strict=True)]
        left = math.sqrt(sum(v * v for v in row))
        if left < 1e-7 * size:
            return False
        basis.append([v / left for v in row])
    return True


@pytest.mark.parametrize("kind", sorted(FACTS))
def test_units_that_are_proportional(kind):
    """Two different widths with both signs: dependent exactly as the table's head says."""
    s = FUNCTIONS[kind]
    points = [n / 10 for n in range(-100, 101)]

    def unit(w):
        return lambda x: s(w * x)

    facts = FACTS[kind]
    odd_up_to_constants = kind in ("tanh", "sigmoid", "hardsigmoid")
    signs = independent([unit(1.0), unit(-1.0)], points)
    assert signs == (facts.pair is None and not odd_up_to_constants)
    widths = independent([unit(1.0), unit(1.5), unit(2.5)], points)
    assert widths == (kind not in ("relu", "leakyrelu"))  # all multiples of abs(t), up to t
    if facts.pair is None and not odd_up_to_constants:
        assert independent([unit(w) for w in (1.0, -1.0, 1.7, -1.7)], points)
