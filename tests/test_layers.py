"""Layers as values: canonical on construction, and what cannot be."""

from __future__ import annotations

import pytest

from convalgebra.assumptions import Assumptions
from convalgebra.errors import SizeError
from convalgebra.layers import (
    ACTIVATIONS,
    BORDERS,
    CONVOLUTIONS,
    DENSE,
    KEPT,
    KINDS,
    MERGES,
    NORMS,
    WORDS,
    Channels,
    Layer,
    Opaque,
    axes_text,
    groups_of,
    out_channels,
    padding_of,
    spread_over,
)
from convalgebra.sizes import at, symbol

C, k = symbol("C"), symbol("k")


def test_one_value_for_all_axes() -> None:
    assert Layer("conv", (3, 3), (2,)) == Layer("conv", (3, 3), (2, 2))
    assert Layer("conv", (3, 3)) == Layer("conv", (3, 3), (1, 1), (1, 1), ((0, 0),))
    assert Layer("pad", pads=((1, 2), (1, 2))) == Layer("pad", pads=((1, 2),))
    assert Layer("up", (2, 2)) == Layer("up", (2,))
    assert Layer("conv", (3, 3), (2, 1)) != Layer("conv", (3, 3), (1, 2))
    assert Layer("conv", (3,), channels=Channels("/", 1)).channels == KEPT
    assert Layer("conv", (k, k), (1,)).stride == (1, 1)
    assert hash(Layer("conv", (k,))) == hash(Layer("conv", (symbol("k"),)))


def test_axes() -> None:
    assert Layer("conv", (3, 3, 3)).axes == 3
    assert Layer("max", (2,), (2,)).axes == 1
    assert Layer("relu").axes is None
    assert Layer("gap", (7, 7)).axes is None
    assert [axes_text(n) for n in (0, 1, 2)] == ["no axes", "1 axis", "2 axes"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"size": (0, 3)}, "a size must be at least 1, not 0"),
        ({"size": (3, -1)}, "a size must be at least 1, not -1"),
        ({"stride": (0,)}, "a stride must be at least 1, not 0"),
        ({"dilation": (0,)}, "a dilation must be at least 1, not 0"),
        ({"padding": ((0, -1),)}, "padding must be at least 0, not -1"),
        ({"output_padding": (-1,)}, "output padding must be at least 0, not -1"),
        ({"groups": 0}, "a number of groups must be at least 1, not 0"),
        ({"channels": Channels("=", 0)}, "a number of channels must be at least 1, not 0"),
        ({"channels": Channels("=", -C)}, "a number of channels must be at least 1, not 0 - C"),
        ({"stride": (1, 2, 3)}, "3 values of stride for 2 axes"),
        ({"padding": ((0, 1), (0, 1), (0, 1))}, "3 values of padding for 2 axes"),
        ({"output_padding": (0, 1, 0)}, "3 values of output padding for 2 axes"),
    ],
)
def test_layers_that_cannot_be(fields: dict[str, object], message: str) -> None:
    with pytest.raises(SizeError) as caught:
        Layer("convt", **{"size": (3, 3), **fields})  # type: ignore[arg-type]
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (("gn", (0,)), "a number of groups must be at least 1, not 0"),
        (("shuffle", (0,)), "a number of groups must be at least 1, not 0"),
        (("pixelshuffle", (0,)), "a factor must be at least 1, not 0"),
        (("up", (0,)), "a factor must be at least 1, not 0"),
        (("resize", (7, 0)), "a size must be at least 1, not 0"),
    ],
)
def test_arguments_that_cannot_be(layer: tuple[str, tuple[int, ...]], message: str) -> None:
    with pytest.raises(SizeError) as caught:
        Layer(*layer)
    assert str(caught.value) == message


def test_half_a_channel() -> None:
    with pytest.raises(SizeError, match="a number of channels must be a whole number, not"):
        Layer("conv", (3,), channels=Channels("=", C + C / (2 * C)))
    assert Layer("conv", (3,), channels=Channels("=", C / 2)).named() == {"C"}


def test_channels() -> None:
    conv = {rule: Layer("conv", (1,), channels=Channels(rule, 4)) for rule in "=*/"}
    assert [out_channels(conv[rule], 8) for rule in "=*/"] == [4, 32, 2]
    assert out_channels(conv["*"], C) == 4 * C
    assert out_channels(conv["/"], C) == C / 4
    assert out_channels(Layer("conv", (1,)), C) == C
    with pytest.raises(SizeError):
        out_channels(conv["/"], 6)


def test_groups_and_padding() -> None:
    assert groups_of(Layer("dw", (3, 3)), 16) == 16
    assert groups_of(Layer("conv", (3, 3), groups=4), 16) == 4
    same = Layer("conv", (3, 2), (2, 1), padding="same")
    assert padding_of(same, (7, 7)) == ((1, 1), (0, 1))
    assert padding_of(Layer("conv", (3, 2), padding=((1, 0),)), (7, 7)) == ((1, 0), (1, 0))
    assert spread_over((2,), 3, "factor") == (2, 2, 2)
    assert spread_over((2, 3), 2, "factor") == (2, 3)
    with pytest.raises(SizeError, match="2 values of factor for no axes"):
        spread_over((2, 3), 0, "factor")


def test_named_sizes_of_a_layer() -> None:
    s, g, d = (symbol(name) for name in "SGD")
    layer = Layer("conv", (k, 3), (s,), padding=((1, C),), groups=g, channels=Channels("*", d))
    assert layer.named() == {"k", "S", "C", "G", "D"}
    assert Layer("slice", bounds=(None, C)).named() == {"C"}
    numbers = {"k": 3, "S": 2, "C": 1, "G": 4, "D": 2}
    assert layer.map_sizes(lambda size: at(size, numbers)) == Layer(
        "conv", (3, 3), (2, 2), padding=((1, 1),), groups=4, channels=Channels("*", 2)
    )
    same = Layer("conv", (k,), padding="same")
    assert same.map_sizes(lambda size: at(size, {"k": 5})) == Layer("conv", (5,), padding="same")
    taken = Assumptions()
    Layer("conv", (k - 1,), padding=((C - 2, 0),), channels=Channels("=", C / 4)).assume(taken)
    assert set(taken.listed()) == {"k >= 2", "C >= 2", "4 divides C"}


def test_every_kind_has_its_place() -> None:
    groups = (ACTIVATIONS, NORMS, BORDERS, MERGES, CONVOLUTIONS, DENSE)
    assert sum(map(len, groups)) == len(frozenset().union(*groups))
    assert frozenset().union(*groups) <= KINDS.keys()
    assert KINDS.keys() - WORDS == MERGES | {"slice", "input", "opaque"}
    for kind in CONVOLUTIONS | DENSE:
        assert KINDS[kind].weights == "matrix"


def test_biases_are_some_of_the_params() -> None:
    unknown = Layer("opaque", (4,), opaque=Opaque("head", None, 0, biases=3))
    assert unknown == Layer("opaque", (4,), opaque=Opaque("head", None, 0))
    for biases in (-1, 26):
        with pytest.raises(SizeError, match="of 25 params cannot be biases"):
            Layer("opaque", (4,), opaque=Opaque("head", 25, 0, biases))
