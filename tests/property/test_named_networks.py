"""A network in named sizes and the same network in numbers, where its assumptions hold."""

from __future__ import annotations

from dataclasses import replace

from facts import all_hold
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import layers

from convalgebra.errors import ConvalgebraError
from convalgebra.language import parse_shape
from convalgebra.layers import KINDS, MERGES, Layer
from convalgebra.network import INPUT, Network, Node
from convalgebra.sizes import at

ON_A_PLANE = tuple(sorted(KINDS.keys() - MERGES - {"input", "fc", "linear", "flatten", "opaque"}))
samples = st.lists(
    st.fixed_dictionaries({name: st.integers(1, 24) for name in "CHW"}), min_size=6, max_size=6
)


@st.composite
def planes(draw: st.DrawFn) -> Network:
    """A chain on an image of CxHxW, its channels and sides seldom the same as before."""
    nodes = [Node(INPUT, (), 0)]
    for index in range(1, draw(st.integers(1, 4)) + 1):
        layer = draw(layers(kinds=ON_A_PLANE, named=False))
        if layer.axes is not None:
            layer = replace(
                layer,
                size=(draw(st.integers(1, 4)), 3),
                stride=layer.stride[:1],
                dilation=layer.dilation[:1],
                padding="same" if layer.padding == "same" else layer.padding[:1],
                output_padding=layer.output_padding[:1],
            )
        nodes.append(Node(layer, (index - 1,), index))
    if draw(st.booleans()):
        nodes.append(Node(Layer("add"), (len(nodes) - 1, 0), len(nodes)))
    return Network(parse_shape("CxHxW"), tuple(nodes), (len(nodes) - 1,))


@settings(max_examples=120)
@given(planes(), samples)
def test_shapes(network: Network, numbers: list[dict[str, int]]) -> None:
    try:
        named = network.shapes
    except ConvalgebraError:
        never_fits(network, numbers)
        return
    facts = network.assumptions.listed()
    for sample in numbers:
        try:
            plain = network.at(sample).shapes
        except ConvalgebraError:
            assert not all_hold(facts, sample)
            continue
        assert all_hold(facts, sample)  # nothing is asked for that is not needed
        assert tuple(tuple(at(size, sample) for size in shape) for shape in named) == plain


def never_fits(network: Network, numbers: list[dict[str, int]]) -> None:
    for sample in numbers:
        try:
            _ = network.at(sample).shapes
        except ConvalgebraError:
            continue
        raise AssertionError(f"refused with names, and fine at {sample}")


def test_the_layers_fit_often_enough() -> None:
    fits = [0]

    @settings(max_examples=100)
    @given(planes())
    def count(network: Network) -> None:
        assume(len(network.nodes) > 2)
        try:
            _ = network.at({"C": 24, "H": 24, "W": 24}).shapes
        except ConvalgebraError:
            return
        fits[0] += 1

    count()
    assert fits[0] >= 20
