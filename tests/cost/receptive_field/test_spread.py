"""The spread of the effective receptive field, against gradients under all choices of signs."""

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from convalgebra.cost import cost


def gradient(layers, weights, unit):
    """The derivative of a unit after windows with given weights by each input: {place: amount}."""
    places = {unit: 1}
    for (_, stride, dilation), taps in zip(reversed(layers), reversed(weights), strict=True):
        before = {}
        for place, amount in places.items():
            for tap, weight in enumerate(taps):
                at = place * stride + tap * dilation
                before[at] = before.get(at, 0) + amount * weight
        places = before
    return places


def variance(amounts):
    """The variance of a place that is drawn with some weights."""
    total = sum(amounts.values())
    mean = Fraction(sum(place * amount for place, amount in amounts.items()), total)
    return sum(amount * (place - mean) ** 2 for place, amount in amounts.items()) / Fraction(total)


def spread(layers):
    text = ", ".join(f"conv {k}s{s}d{d}" for k, s, d in layers)
    (found,) = cost(text, input="1x1500").spread().variances
    return found


LAYERS = st.lists(
    st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3)), min_size=1, max_size=4
)


@given(LAYERS)
def test_equal_weights(layers):
    ones = [[1] * k for k, _, _ in layers]
    assert spread(layers) == variance(gradient(layers, ones, 7))


@settings(max_examples=25)
@given(LAYERS)
def test_random_signs(layers):
    """The squared gradient on average over all signs of all weights: independent, of mean 0."""
    taps = [k for k, _, _ in layers]
    assume(sum(taps) <= 9)
    squares = {}
    for signs in product((1, -1), repeat=sum(taps)):
        rest = iter(signs)
        weights = [[next(rest) for _ in range(k)] for k in taps]
        for place, amount in gradient(layers, weights, 7).items():
            squares[place] = squares.get(place, 0) + amount * amount
    assert spread(layers) == variance(squares)


def test_by_hand():
    # 3 taps: 8/12. Two at jump 1: 3/12 more. Three, 2 apart at jump 2: 16 * 8/12.
    assert cost("3x3p1, max2x2s2", input="1x9x9").spread().variances == (Fraction(11, 12),) * 2
    assert cost("3s2, 3d2", input="1x99").spread().variances == (Fraction(136, 12),)
    assert cost("1x3, 3x1", input="1x9x9").spread().variances == (Fraction(2, 3),) * 2


def test_chains_that_end_in_a_pooling():
    report = cost("3s2p1, bn, relu, 3p1, gap, dropout, fc@10", input="1x64")
    assert report.spread().variances == (Fraction(8 + 32, 12),)
    assert "standard deviation 1.826 under random weights" in str(report)


@pytest.mark.parametrize(
    "text", ["3p1 + id", "up2, 3p1", "shared f = 3p1; f, f", "convt3", "gap4", "up2", "2s2 + crop8"]
)
def test_what_is_no_chain_of_windows(text):
    assert cost(text, input="1x32").spread() is None


def test_named_kernels():
    (found,) = cost("conv k, max2s2", input="CxL").spread().variances
    assert str(found) == "k**2/12 + 1/6"
