"""A Network as a value: its order, its shapes, numbers for its names, what is live."""

from __future__ import annotations

import pytest

from convalgebra.errors import InputError, ShapeError, SizeError
from convalgebra.language import parse
from convalgebra.layers import Channels, Layer
from convalgebra.network import INPUT, Network, Node
from convalgebra.readers import read
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


# The part up to a name


def test_up_to_a_name() -> None:
    network = parse("input 3x32x32; stem = 3x3p1@8, relu; side = stem, 1x1; stem, 5x5p2; id + side")
    assert network.up_to("stem") == parse("input 3x32x32; 3x3p1@8, relu")
    assert network.up_to("side") == parse("input 3x32x32; 3x3p1@8, relu, 1x1")
    assert [node.name for node in network.up_to("side").nodes] == ["input", "", "stem", "side"]
    assert network.up_to("input") == parse("input 3x32x32; id")
    assert network.up_to("side").up_to("stem") == network.up_to("stem")


def test_what_stands_beside_is_left_out() -> None:
    network = parse("input 2x8x8; a = 3x3; b = input, 5x5; cat(a, crop1 | b, crop0), [:2]")
    assert network.up_to("b") == parse("input 2x8x8; 5x5")


def test_weights_whose_first_use_is_left_out() -> None:
    network = parse("shared f = 3x3p1; a = f; b = input, 1x1, f, f; a + b")
    part = network.up_to("b")
    assert part == parse("shared f = 3x3p1; 1x1, f, f")
    assert [node.weights for node in part.nodes] == [0, 1, 2, 2]


def test_unused_branches_on_the_way_stay() -> None:
    network = parse("a = 3x3, unused(gap, fc@9), relu; 1x1")
    assert network.up_to("a") == parse("3x3, unused(gap, fc@9), relu")


@pytest.mark.parametrize("name", ["resnet50", "unet", "inception_v3", "densenet121"])
def test_the_part_has_the_shapes_of_the_whole(name: str) -> None:
    whole = read(f"zoo:{name}")
    for node, shape in zip(whole.nodes, whole.shapes, strict=True):
        if node.name:
            part = whole.up_to(node.name)
            assert part.shapes[part.outputs[0]] == shape
            assert part.outputs == (len(part.nodes) - 1,)
            assert part.nodes[-1].name == node.name


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        (
            "stem = 3x3; body = 5x5; head = fc@9",
            "sten",
            "nothing is called `sten`; did you mean `stem`?",
        ),
        (
            "stem = 3x3; body = 5x5; head = fc@9",
            "q",
            "nothing is called `q`; names are stem, body, head; layers have the numbers 1 to 3",
        ),
        ("3x3, relu", "stem", "nothing is called `stem`; layers have the numbers 1 to 2"),
        ("3x3, relu", "3", "nothing is called `3`; layers have the numbers 1 to 2"),
        ("3x3, relu", "", "nothing is called ``; layers have the numbers 1 to 2"),
        ("b1 = 3x3; b2 = 5x5", "b", "nothing is called `b`; did you mean `b2` or `b1`?"),
        (
            "def f = (a = 3x3; relu); 2*f",
            "a",
            "there are 2 values `a`; name the layer: f #1/a/1, f #2/a/3",
        ),
        (
            "def f = 3x3, relu; f, 1x1, f",
            "f",
            "there are 2 values `f`; name the layer: f/2, f/5",
        ),
    ],
)
def test_names_that_lead_nowhere(text: str, name: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text).up_to(name)
    assert str(caught.value) == message


def test_a_long_list_of_names_is_cut() -> None:
    network = parse("; ".join(f"v{n} = 1x1" for n in range(100)))
    with pytest.raises(InputError, match=r"names are v0, .*v10, v11, \.\.; layers"):
        network.up_to("#")


# By hand: a stem of 4 layers, then 16 bottlenecks of 10 or, with their own shortcut, 12.
@pytest.mark.parametrize(
    ("name", "node"),
    [
        ("stem", 4),
        ("layer1", 4 + 12 + 2 * 10),
        ("layer1/down(64, 1)", 4 + 12),
        ("layer1 down(64, 1)", 4 + 12),
        ("layer1/keep(64) #1", 4 + 12 + 10),
        ("layer1/keep(64) #1/26", 26),
        ("17", 17),
        ("input", 0),
        ("output", 174),
    ],
)
def test_a_value_a_block_and_a_layer_by_its_name_or_number(name: str, node: int) -> None:
    network = read("zoo:resnet50")
    assert network.index_of(name) == node
    part = network.up_to(name)
    assert part.shapes[-1] == network.shapes[node]
    assert part.nodes[-1].layer == network.nodes[node].layer


def test_a_module_by_its_path_is_what_it_gives() -> None:
    # As readers of modules have it: a sum and a relu in the code of `a.0`, and a shared relu.
    conv, relu = Layer("conv", (3,), padding=((1, 1),)), Layer("relu")
    nodes = (
        Node(INPUT, (), 0),
        Node(conv, (0,), 1, "a.0.conv", ("a", "0", "conv")),
        Node(relu, (1,), 2, "a.0.relu", ("a", "0", "relu")),
        Node(Layer("add"), (0, 2), 3, "a.0", ("a", "0")),
        Node(relu, (3,), 4, "a.0.relu", ("a", "0", "relu")),
        Node(conv, (4,), 5, "a.1", ("a", "1")),
    )
    network = Network((1, 8), nodes, (5,))
    names = ("a.0", "a/0", "a", "a.0.conv", "a/0/3", "2", "a.1")
    assert [network.index_of(name) for name in names] == [4, 4, 5, 1, 3, 2, 5]
    with pytest.raises(InputError, match=r"2 values `a.0.relu`; .*: a/0/relu/2, a/0/relu/4"):
        network.index_of("a.0.relu")


def test_opaque_layers_were_counted_on_one_input() -> None:
    network = parse("input 3x9x9; 3x3, opaque(mix, 3x7x7, 0, 0)")
    assert network.with_input((3, 9, 9)) == network
    with pytest.raises(ShapeError, match="`mix` was counted on an input of 3x9x9"):
        network.with_input((3, 8, 8))
