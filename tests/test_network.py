"""A Network as a value: its order, its shapes, numbers for its names, what is live."""

from __future__ import annotations

import pytest

from convalgebra.errors import ShapeError, SizeError
from convalgebra.language import parse
from convalgebra.layers import Channels, Layer
from convalgebra.network import INPUT, Network, Node
from convalgebra.sizes import symbol

CONV = Layer("conv", (3, 3), padding=((1, 1),))
NODES = (Node(INPUT, (), 0), Node(CONV, (0,), 1), Node(Layer("add"), (1, 0), 2))


def test_equality_ignores_names() -> None:
    one = Network((3, 8, 8), NODES, (2,))
    named = tuple(node._replace(name="n", block=("b",)) for node in NODES)
    assert one == Network((3, 8, 8), named, (2,))
    assert one == parse("input 3x8x8; def block = 3x3p1 + id; stem = block")
    assert one != one.with_input((4, 8, 8))
    assert one != Network((3, 8, 8), NODES, (2, 1))
    assert one != parse("input 3x8x8; 3x3p1 + 3x3p1")
    assert hash(one) == hash(Network((3, 8, 8), named, (2,)))


@pytest.mark.parametrize(
    "nodes",
    [
        (Node(INPUT, (), 0), Node(CONV, (1,), 1)),
        (Node(INPUT, (), 0), Node(CONV, (2,), 1), Node(CONV, (0,), 2)),
        (Node(INPUT, (), 0), Node(CONV, (-1,), 1)),
        (Node(INPUT, (), 0), Node(CONV, (0,), 2)),
    ],
)
def test_wirings_that_cannot_run(nodes: tuple[Node, ...]) -> None:
    with pytest.raises(ValueError, match=r"topological order|a later node"):
        Network(None, nodes, (len(nodes) - 1,))


def test_size_and_names() -> None:
    network = parse("input CxHxW; 3x3p1@(D//2), relu, (1x1@D + kxkp(k//2)@D), [:n]")
    assert len(network) == 5
    assert network.named() == set("CHWDkn")
    assert parse("3x3, bn").named() == set()


def test_shapes_need_an_input() -> None:
    network = parse("3x3, relu")
    with pytest.raises(ShapeError, match="the input shape is not known"):
        _ = network.shapes
    assert network.with_input((3, 8, 8)).shapes == ((3, 8, 8), (3, 6, 6), (3, 6, 6))


def test_numbers_for_names() -> None:
    network = parse("input CxHxW; 3x3s2p1@2C, cat(id | 1x1@(D/2)), [C:]")
    some = network.at({"C": 4, "H": 8})
    assert some == parse("input 4x8xW; 3x3s2p1@8, cat(id | 1x1@(D/2)), [4:]")
    assert some.at({"W": 8, "D": 6}).shapes[-1] == (7, 4, 4)
    assert network.at({}) == network
    assert [n.block for n in some.nodes] == [n.block for n in network.nodes]


@pytest.mark.parametrize(
    ("text", "values", "message"),
    [
        ("3x3@(C-4)", {"C": 4}, "a number of channels must be at least 1, not 0"),
        ("3x3p(k-3)", {"k": 2}, "padding must be at least 0, not -1"),
        ("bn, 1x1@(C/4)", {"C": 6}, "C/4 is 3/2, not a whole number, at C=6"),
        ("3x3@C", {"C": 0}, "C=0: a named size is at least 1"),
        ("input CxHxH; bn", {"H": 0}, "H=0: a named size is at least 1"),
        ("input Cx(H-4)xH; bn", {"H": 4}, "a size of the input must be at least 1, not 0"),
    ],
)
def test_numbers_that_do_not_fit(text: str, values: dict[str, int], message: str) -> None:
    with pytest.raises((ShapeError, SizeError)) as caught:
        _ = parse(text).at(values).shapes
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("shared f = 3x3p1@4; f, f", False),
        ("shared f = 3x3p1@3; f, f", True),
        ("shared f = 1x1; f, max2x2s2, f", True),  # the same weights at another size
        ("shared f = fc@10; f, f", False),
        ("shared f = fc@192; f, f", True),  # 3x8x8 in, then the 192 that come out
        ("shared f = linear@4; f, f", False),
        ("shared f = bn; f, 1x1@4, f", False),
        ("shared f = dw3x3p1; f, 1x1@4, f", False),
        ("shared f = relu, max2x2s2; f, 1x1@4, f", True),
        ("shared f = gap; f, 1x1@4, f, flatten, fc@3", True),
    ],
)
def test_shared_weights_serve_equal_channels(text: str, fits: bool) -> None:
    network = parse(f"input 3x8x8; {text}")
    if fits:
        assert len(network.shapes) == len(network.nodes)
    else:
        with pytest.raises(ShapeError, match="the shared layer cannot serve"):
            _ = network.shapes


def test_an_error_says_in_which_block() -> None:
    network = parse("input 3x8x8\ndef f(C) = 3x3@C\nstem = 2*f(4)\nhead = 2*(2*f(5))")
    with pytest.raises(ShapeError, match=r"does not fit .* \(in head > #1 > f\(5\) #2\)"):
        _ = network.shapes


def test_live() -> None:
    network = parse("a = 3x3p1; unused(gap, fc@10); b = bn; output b")
    kinds = {n.layer.kind: live for n, live in zip(network.nodes, network.live, strict=True)}
    assert kinds == {
        "input": True,
        "conv": True,
        "gap": False,
        "fc": False,
        "unused": True,
        "bn": True,
    }


def test_depthwise_and_relative_channels_follow_what_comes_in() -> None:
    network = parse("input 4x8x8; dw3x3p1@*2, 1x1@*3, 1x1@/6, cat(id | id), dw3x3p1")
    assert [shape[0] for shape in network.shapes] == [4, 8, 24, 4, 8, 8]
    assert network.nodes[2].layer.channels == Channels("*", 3)


def test_ten_thousand_layers_and_no_recursion() -> None:
    nodes = [Node(INPUT, (), 0)]
    nodes += [Node(CONV, (index,), index + 1) for index in range(10_000)]
    network = Network((symbol("C"), 8, 8), tuple(nodes), (10_000,))
    assert network.shapes[-1] == (symbol("C"), 8, 8)
    assert network.live == (True,) * 10_001
    assert str(network) == "input Cx8x8; 10000*(3x3p1)"


def test_opaque_layers_were_counted_on_one_input() -> None:
    network = parse("input 3x9x9; 3x3, opaque(mix, 3x7x7, 0, 0)")
    assert network.with_input((3, 9, 9)) == network
    with pytest.raises(ShapeError, match="`mix` was counted on an input of 3x9x9"):
        network.with_input((3, 8, 8))
