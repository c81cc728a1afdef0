"""parse(print(x)) == x, for layers, networks and sizes; and the printed text is a fixed point."""

from __future__ import annotations

from hypothesis import given, settings
from strategies import formulas, layers, networks

from convalgebra.language import parse
from convalgebra.language.layer_text import layer_text
from convalgebra.layers import Layer
from convalgebra.network import Network
from convalgebra.sizes import Size, text


@settings(max_examples=150)
@given(layers())
def test_layers(layer: Layer) -> None:
    network = parse(layer_text(layer))
    assert network.nodes[1].layer == layer
    assert str(network) == layer_text(layer)


@settings(max_examples=150)
@given(networks())
def test_networks(network: Network) -> None:
    printed = str(network)
    assert parse(printed) == network
    assert str(parse(printed)) == printed


@settings(max_examples=100)
@given(networks(6), networks(6))
def test_equal_networks_and_no_others_print_equally(one: Network, other: Network) -> None:
    assert (str(one) == str(other)) == (one == other)


@settings(max_examples=100)
@given(formulas())
def test_sizes(size: Size) -> None:
    assert parse(f"3x3@({text(size)})").nodes[1].layer.channels.size == size
