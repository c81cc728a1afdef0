"""Halved stacks, and the weights that put them inside a stack with activations, exactly."""

from fractions import Fraction
from itertools import pairwise
from random import Random

import pytest

from convalgebra.algebra.activations import activation_reach
from convalgebra.algebra.activations.doubling import apply, doubled
from convalgebra.algebra.activations.pieces import cut, joined
from convalgebra.algebra.activations.widths import (
    blocks,
    halved,
    narrowed,
    without_spare_channels,
)
from convalgebra.algebra.answers import Reach
from convalgebra.algebra.families import Family
from convalgebra.language import parse

from .oracles import rank_mod
from .relu_networks import EXACT, Conv, count_weights, run, text_of

PRIME = 2_147_483_647


def halved_layers(layers, widths):
    """The layers without activations, those named in `widths` with as many channels."""
    found = []
    for index, layer in enumerate(layers):
        if isinstance(layer, str):
            continue
        out = widths.get(index, layer.out)
        groups = out if layer.groups == layer.out and index in widths else layer.groups
        found.append(Conv(layer.taps, out, groups, layer.stride, layer.dilation, layer.bias))
    return found


def random_weights(random, count):
    return [Fraction(random.randint(-9, 9), random.randint(1, 4)) for _ in range(count)]


def random_signal(random, channels, length):
    return [[Fraction(random.randint(-9, 9)) for _ in range(length)] for _ in range(channels)]


CASES = [  # channels that come in, layers, the widths of the halved stack by layer
    (1, [Conv(2, 2), "relu", Conv(2, 1)], {0: 1}),
    (1, [Conv(2, 5), "relu", Conv(3, 2)], {0: 2}),
    (2, [Conv(2, 4, bias=True), "relu", Conv(2, 3, bias=True)], {0: 2}),
    (2, [Conv(2, 4, stride=2), "relu", Conv(2, 1, dilation=2)], {0: 2}),
    (2, [Conv(2, 8, groups=2), "relu", Conv(2, 2)], {0: 4}),
    (2, [Conv(1, 8), "relu", Conv(2, 6, groups=2)], {0: 4}),
    (2, [Conv(2, 6, groups=2), "relu", Conv(2, 2, groups=2)], {0: 2}),
    (1, [Conv(2, 4), Conv(3, 4, groups=4), "relu", Conv(1, 1)], {0: 2, 1: 2}),
    (1, [Conv(2, 4), "relu", Conv(3, 4, groups=4, bias=True), Conv(1, 2)], {0: 2, 2: 2}),
    (1, [Conv(2, 4, bias=True), Conv(2, 4, groups=4, bias=True), "relu", Conv(1, 2)], {0: 2, 1: 2}),
    (1, [Conv(2, 4), "relu", Conv(2, 6, bias=True), "relu", Conv(2, 1)], {0: 2, 2: 3}),
    (2, [Conv(1, 8), "relu", Conv(2, 8, groups=2), "relu", Conv(2, 2)], {0: 4, 2: 4}),
    (1, [Conv(2, 4), "relu", Conv(2, 3), Conv(1, 4), "relu", Conv(2, 1)], {0: 2, 3: 2}),
    (
        1,
        [Conv(2, 3), "relu", Conv(2, 3), "relu", Conv(2, 3), "relu", Conv(1, 2)],
        {0: 1, 2: 1, 4: 1},
    ),
]


@pytest.mark.parametrize("kind", sorted(EXACT))
@pytest.mark.parametrize(("channels", "layers", "widths"), CASES)
def test_the_doubled_stack_is_the_halved_one(channels, layers, widths, kind):
    random = Random(1)
    layers = [kind if isinstance(layer, str) else layer for layer in layers]
    stack = cut(parse(text_of(layers)), channels)
    small = halved(stack)
    linear = halved_layers(layers, widths)
    assert joined(small, ()) == cut(parse(text_of(linear)), channels).pieces[0].network
    copied = doubled(stack, small)
    assert len(copied) == count_weights(layers, channels)
    for _ in range(3):
        weights = random_weights(random, count_weights(linear, channels))
        signal = random_signal(random, channels, 14)
        outputs = run(layers, apply(copied, weights, Fraction(0)), signal)
        assert outputs == run(linear, weights, signal)
        assert any(value for row in outputs for value in row)


def test_a_layer_between_two_activations_has_four_times_the_weights():
    stack = cut(parse("2@2, relu, 2@2, relu, 2@1"), 1)
    uses = [at[0] for at in doubled(stack, halved(stack))]
    assert [uses.count(index) for index in range(6)] == [2, 2, 4, 4, 2, 2]


@pytest.mark.parametrize(
    "text",
    [
        "2@1, relu, 2@1",  # one channel makes no pair
        "2@4, relu, dw2, relu, 1@1",  # a depthwise layer between two ReLUs cannot join a pair
        "dw2, relu, 1@1",
        "2@4, relu, 2@8g4, 1@1",  # each group of columns has one channel
        "2@4, shuffle2, relu, 1@1",
        "(2@4 + 2@4), relu, 1@1",
    ],
)
def test_stacks_that_are_not_halved(text):
    assert halved(cut(parse(text), 4)) is None


@pytest.mark.parametrize(
    ("text", "left", "right"),
    [
        ("2@6, relu, 2@1", 1, 1),
        ("2@6g2, relu, 2@3g3", 2, 3),
        ("dw2, relu, dw3", 6, 6),
        ("2@6g3, dw2, relu, avg2s1, 2@1", 3, 1),
        ("dw1, relu, bn", 6, 6),
        ("cat(2@3 | 2@3), relu, (2 + id)", None, None),
        ("2@6, [0:6], relu, shuffle2, 2", None, None),
    ],
)
def test_blocks_of_channels(text, left, right):
    first, last = cut(parse(text), 6).pieces
    assert (blocks(first, left=True), blocks(last, left=False)) == (left, right)


def test_narrowed_pieces_keep_their_groups():
    (piece,) = cut(parse("3x3@8g2, 2x2@8g4"), 4).pieces
    assert narrowed(piece, 4, 4).out == 4
    assert narrowed(piece, 4, 6) is None  # 6 channels in 4 groups
    assert narrowed(piece, 2, 8).channels == 2
    assert narrowed(piece, 3, 8) is None


def dimension(piece, random):
    family = Family(piece.family.plan)
    point = [random.randrange(PRIME) for _ in range(family.weights)]
    rows = family.jacobian(point, PRIME)
    width = len(family.coordinates)
    return rank_mod([[row.get(at, 0) for at in range(width)] for row in rows], PRIME)


@pytest.mark.parametrize(
    ("text", "channels", "narrow"),
    [
        ("2@5, 2@1", 1, "2@2, 2@1"),
        ("2@9, 3@2", 2, "2@4, 3@2"),
        ("2@9b, 3@2", 2, "2@5b, 3@2"),
        ("2@9b, 1@2b", 2, "2b, 1b"),
        ("1@7, 2@7, 1@1", 2, "1, 2@1, 1"),
        ("2@9s2, 2d2@9, 1@3", 1, "2s2@2, 2d2@3, 1"),
    ],
)
def test_spare_channels_make_no_difference(text, channels, narrow):
    (piece,) = cut(parse(text), channels).pieces
    small = without_spare_channels(piece)
    assert str(small.network) == str(cut(parse(narrow), channels).pieces[0].network)
    assert small.widths != piece.widths
    assert dimension(small, Random(0)) == dimension(piece, Random(0))


def test_one_channel_fewer_makes_a_difference():
    (piece,) = cut(parse("1@9, 1@3"), 3).pieces
    small = without_spare_channels(piece)
    assert small.widths == (3, 3, 3)
    (fewer,) = cut(parse("1@2, 1@3"), 3).pieces
    assert dimension(small, Random(0)) == 9
    assert dimension(fewer, Random(0)) == 8  # matrices of rank 2


def evaluated(polynomial, values):
    total = Fraction(0)
    for coefficient, powers in polynomial:
        term = Fraction(coefficient)
        for index, power in powers:
            term *= values[index] ** power
        total += term
    return total


@pytest.mark.parametrize(("channels", "layers", "widths"), CASES)
def test_the_claim_holds(channels, layers, widths):
    """The filters, at random weights of what is made."""
    linear = halved_layers(layers, widths)

    def never(maker, made, channels):
        return Reach("unknown", "unknown", "unknown", "not asked for equal stacks")

    def same(maker, made, channels):
        return Reach("all", "all", "all", "equal", ((0,),)) if maker == made else never(0, 0, 0)

    reach = activation_reach(parse(text_of(layers)), parse(text_of(linear)), channels, same)
    assert (reach.real, reach.rational, reach.complex) == ("all", "all", "unknown")
    assert reach.offsets == ((0,),)
    (claim,) = reach.claims
    assert claim["claim"] == "reproduces"
    random = Random(2)
    weights = random_weights(random, count_weights(linear, channels))
    filters = [evaluated(polynomial, weights) for polynomial in claim["filters"]]
    signal = random_signal(random, channels, 14)
    assert run(layers, filters, signal) == run(linear, weights, signal)


def test_the_claim_of_the_halved_stack_is_carried_over():
    """2@1,2@1 of weights (a, b) and (c, d) makes the kernel 1 of weight w as w, 0 and 1, 0."""
    filters = [[[1, [[0, 1]]]], [], [[1, []]], []]
    claim = {"claim": "reproduces", "maker": "left", "offset": [0]}

    def linear(maker, made, channels):
        return Reach("all", "all", "all", "r", ((0,),), claims=({**claim, "filters": filters},))

    reach = activation_reach(parse("2@2, relu, 2@1"), parse("1"), 1, linear)
    (found,) = reach.claims
    assert (found["maker"], found["offset"]) == ("left", [0])
    layers = [Conv(2, 2), "relu", Conv(2, 1)]
    weights = [evaluated(polynomial, [Fraction(7)]) for polynomial in found["filters"]]
    assert weights == [7, 0, -7, 0, 1, 0, -1, 0]
    (row,) = run(layers, weights, [[1, -2, 3, -4]])
    assert row == [7, -14]


def test_no_claim_where_relus_were_left_out():
    reach = activation_reach(parse("2@2, relu, relu, 2@1"), parse("2, 2"), 1, _yes)
    assert reach.real == "all"
    assert reach.claims == ()


def _yes(maker, made, channels):
    assert [str(maker), str(made)] == ["2*(2)"] * 2
    return Reach("all", "all", "all", "equal", ((0,),))


def test_every_case_has_an_activation():
    for _, layers, _ in CASES:
        assert any(isinstance(layer, str) for layer in layers)
        assert not any(isinstance(a, str) and isinstance(b, str) for a, b in pairwise(layers))
