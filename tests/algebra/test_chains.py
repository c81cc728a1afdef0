"""The normal form of a chain, against what its layers do to one output."""

from collections import Counter
from itertools import product
from math import prod
from random import Random

import pytest

from convalgebra import layers as kinds
from convalgebra.algebra.one_channel.chains import MAX_LAYERS, Factor, chain_of
from convalgebra.algebra.one_channel.places import holds, listed, progression, shifts, sums
from convalgebra.errors import ShapeError, UnsupportedError
from convalgebra.language import parse
from convalgebra.network import INPUT, Network, Node

from .oracles import Layer, plus, random_stack, random_weights, response, text_of


def merged(chain, weights):
    """The product of the factors with these weights, moved by the offset."""
    kernel = {chain.offset: 1}
    for factor, taps in zip(chain.factors, weights, strict=True):
        grown = Counter()
        for exponent, weight in zip(factor.exponents(), taps.values(), strict=True):
            for place, value in kernel.items():
                grown[plus(place, exponent)] += value * weight
        kernel = grown
    return {place: value for place, value in kernel.items() if value}


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_merged_kernel(axes):
    random = Random(axes)
    for _ in range(25):
        layers = random_stack(
            random,
            axes,
            random.randint(1, 4 if axes < 3 else 3),
            strides=(1, 1, 2, 3),
            dilations=(1, 1, 2, 3),
            paddings=(0, 0, 1, 2),
            averages=0.2,
        )
        weights = random_weights(random, layers)
        chain = chain_of(parse(text_of(layers)))
        assert merged(chain, weights) == response(layers, weights)


def test_support_and_receptive_field():
    random = Random(0)
    for _ in range(40):
        layers = random_stack(random, 2, 3, strides=(1, 2), dilations=(1, 2, 3))
        ones = [dict.fromkeys(layer.places(), 1) for layer in layers]
        places = response(layers, ones)
        chain = chain_of(parse(text_of(layers)))
        assert set(product(*map(listed, chain.support))) == set(places)
        assert chain.ambient == len(places)
        assert chain.receptive_field == tuple(
            1 + max(along) - min(along) for along in zip(*places, strict=True)
        )


def test_macs_per_output():
    # On a torus of any size that the strides divide, every layer is applied at each position.
    random = Random(0)
    for _ in range(20):
        layers = random_stack(random, 2, 3, strides=(1, 2, 3), averages=0.2)
        positions = 6**6
        macs = 0
        for layer in layers:
            positions //= prod(layer.stride)
            macs += 0 if layer.average else positions * prod(layer.taps)
        assert chain_of(parse(text_of(layers))).macs_per_output * positions == macs


def test_macs_per_output_counted_by_hand():
    assert chain_of(parse("2x2, 2x2")).macs_per_output == 8  # 4 + 4
    assert chain_of(parse("2x2, 2x2s2")).macs_per_output == 20  # 4 * 4 + 4


def test_same_padding():
    # k = 2: the zero is at the end; k = 3: one on each side; k = 3, d = 2: two on each side.
    assert chain_of(parse("2psame")).offset == (0,)
    assert chain_of(parse("2psame")).padded
    assert chain_of(parse("3psame, 3d2psame")).offset == (-3,)


def test_padding_at_the_end_only_counts_as_written():
    assert chain_of(parse("2x2p0:1")).padded
    assert not chain_of(parse("2x2p0")).padded


def test_a_dilation_along_a_single_tap_means_nothing():
    assert Factor((1, 3), (5, 2)) == Factor((1, 3), (1, 2))
    assert chain_of(parse("1x2s4x1, 1x2")).factors == (Factor((1, 2), (1, 1)),) * 2


def test_equal_neighbours_are_folded_in_the_text():
    assert chain_of(parse("3x3, 3x3")).text == "3x3,3x3"
    assert chain_of(parse("5*(3x3)")).text == "5*(3x3)"
    assert chain_of(parse("input 1x32x32; 4*(3x3), 1x1")).text == "4*(3x3),1x1"


def test_dropout_does_nothing():
    assert chain_of(parse("2x2, dropout, 2x2")).factors == chain_of(parse("2x2, 2x2")).factors


@pytest.mark.parametrize(
    ("stack", "said"),
    [
        ("2x2, relu, 2x2", "activation (here: `relu`)"),
        ("3x3b", "a bias (here: `3x3b`)"),
        ("3x3@4, 3x3@1", "several channels (here: `3x3@4`)"),
        ("3x3@*2", "several channels (here: `3x3@*2`)"),
        ("3x3@/4", "several channels (here: `3x3@/4`)"),
        ("3x3g2", "groups (here: `3x3g2`)"),
        ("(2x2) + (2x2)", "branches and named values (here: `2x2`)"),
        ("cat(2x2 | 2x2)", "branches and named values (here: `2x2`)"),
        ("a = 2x2; b = 3x3; output b | a", "outputs before the end (here: `2x2`)"),
        ("kxk", "a named size (here: `kxk`)"),
        ("3x3@C", "a named size (here: `3x3@C`)"),
        ("3x3sS", "a named size (here: `3x3sS`)"),
        ("shared f = 2x2; f, f", "shared weights (here: `2x2`)"),
        ("convt2x2s2", "transposed convolution (here: `convt2x2s2`)"),
        ("max2x2s1, 2x2", "max pooling (here: `max2x2s1`)"),
        ("pad1, 3x3", "zeros around (here: `pad1`)"),
        ("3x3, bn", "batch norm (here: `bn`)"),
        ("2x2s2psame", "psame with a stride depends on the input size"),
        ("id", "there is no kernel in this stack"),
        ("input 3x8x8; 3x3", "this input has 3 channels"),
        ("input CxHxW; 3x3", "this input has C channels"),
        ("1001x1001", "a receptive field of 1001x1001 has more than 250,000 places"),
        ("2d999999", "a receptive field of 1000000 has more than 250,000 places"),
        (f"{MAX_LAYERS + 1}*(1x1)", "10,001 layers are too many for equiv"),
    ],
)
def test_refused(stack, said):
    with pytest.raises(UnsupportedError) as caught:
        chain_of(parse(stack))
    assert said in str(caught.value)


def test_kernels_with_different_numbers_of_axes():
    # The language does not let them be written.
    nodes = [Node(INPUT, (), 0)]
    for index, size in enumerate([(3, 3), (3,)], 1):
        nodes.append(Node(kinds.Layer("conv", size), (index - 1,), index))
    with pytest.raises(UnsupportedError, match="another number of axes than 2"):
        chain_of(Network(None, tuple(nodes), (2,)))


def test_a_network_that_cannot_run_on_its_input():
    with pytest.raises(ShapeError, match="does not fit on an input of 2"):
        chain_of(parse("input 1x2x2; 3x3"))


def test_one_channel_may_be_said():
    written = "input 1x8x8; conv 2x2g1@1, dw2x2"
    assert chain_of(parse(written)).factors == chain_of(parse("2x2, 2x2")).factors


# Places along an axis


def test_sums_of_progressions():
    random = Random(0)
    for _ in range(50):
        progressions = [
            (random.randint(1, 4), random.randint(1, 5)) for _ in range(random.randint(0, 4))
        ]
        ranges = [range(0, count * step, step) for count, step in progressions]
        assert listed(sums(progressions)) == sorted({sum(places) for places in product(*ranges)})


def test_shifts_onto_a_progression():
    random = Random(0)
    for _ in range(300):
        held = sums([(random.randint(1, 3), random.randint(1, 3)) for _ in range(2)])
        count, step = random.randint(1, 8), random.randint(1, 3)
        taps = set(range(0, count * step, step))
        found = [t for t in range(40) if {t + place for place in listed(held)} <= taps]
        assert listed(shifts(held, count, step)) == found


def test_a_negative_place_is_in_no_set():
    assert holds(progression(2, 3), 3)
    assert not holds(progression(2, 3), 2)
    assert not holds(progression(2, 3), -3)


def test_random_layers_are_written_as_they_are_meant():
    layer = Layer((2, 3), (1, 2), (2, 1), (0, 1))
    assert layer.text() == "conv 2x3s1x2p0x1d2x1"
