"""ONNX files that are damaged or made to hurt: refused, with the reason, and soon."""

from contextlib import suppress

import pytest
from calls import counted
from hypothesis import given, settings
from hypothesis import strategies as st

import convalgebra as ca
from convalgebra.readers.onnx_file import read

onnx = pytest.importorskip("onnx")

from onnx import helper  # noqa: E402

from .onnx_files import RELU, B, W, ints, model, tensor  # noqa: E402


def loop():
    body = helper.make_graph([], "body", [], [])
    return helper.make_node("Loop", ["", "", "x"], ["y"], body=body)


def wrapped(field, payload):
    """A message as a field of another, in the wire format of protobuf."""
    size, digits = len(payload), []
    while size > 127:
        digits.append(size % 128 + 128)
        size //= 128
    return bytes([field * 8 + 2, *digits, size]) + payload


def nested(depth):
    """A graph in an attribute of a node of a graph, and so on."""
    graph = b""
    for _ in range(depth):
        graph = wrapped(1, wrapped(5, wrapped(6, graph)))
    return bytes([8, 8]) + wrapped(7, graph)


def graph_with(*nodes):
    made = onnx.load_model_from_string(model(RELU))
    del made.graph.node[:]
    made.graph.node.extend(nodes)
    return made.SerializeToString()


def negative():
    made = onnx.load_model_from_string(model([("Conv", "x w", "y", {})], [W]))
    made.graph.initializer[0].dims[0] = -8
    return made.SerializeToString()


def two_inputs():
    made = onnx.load_model_from_string(model([("Add", "x z", "y", {})]))
    made.graph.input.add().CopyFrom(made.graph.input[0])
    made.graph.input[1].name = "z"
    return made.SerializeToString()


def functions_that_call_each_other_twice(depth):
    """Inference would go through 2^depth calls."""
    opsets = [helper.make_opsetid("my", 1), helper.make_opsetid("", 17)]
    made = onnx.load_model_from_string(
        graph_with(helper.make_node("F0", ["x"], ["y"], domain="my"))
    )
    for index in range(depth):
        name = f"F{index + 1}"
        calls = [helper.make_node(name, [one], [two], domain="my") for one, two in ("at", "tb")]
        made.functions.append(helper.make_function("my", f"F{index}", "a", "b", calls, opsets))
    made.opset_import.append(opsets[0])
    return made.SerializeToString()


def contradiction():
    """ONNX's own inference raises an error: no version of `my.own` is told."""
    node = helper.make_node("Strange", ["x"], ["z"], domain="my.own")
    return graph_with(node, helper.make_node("Relu", ["z"], ["y"]))


def too_short():
    made = onnx.load_model_from_string(model([("Reshape", "x s", "y", {})], [ints("s", 1, -1)]))
    made.graph.initializer[0].dims[0] = 3
    return made.SerializeToString()


def bytes_for_a_name():
    return model([("Conv", "x www b", "y", {})], [W, B]).replace(b"www", b"w\x9cw")


DOUBLING = [("Mul", "a a", "b", {})] + [
    (
        "Mul",
        f"{'b' if not index else f'v{index}'} {'b' if not index else f'v{index}'}",
        f"v{index + 1}",
        {},
    )
    for index in range(200)
]
HOSTILE = {
    "empty": (b"", "an ONNX model without a graph"),
    "noise": (b"\x08\x07\x12" + bytes(range(256)), "is no ONNX model, or a damaged one"),
    "cut off": (model([("Conv", "x w", "y", {})], [W])[:-30], "is no ONNX model, or a damaged one"),
    "circle": (
        model([("Relu", "b", "a", {}), ("Relu", "a", "b", {}), ("Add", "x a", "y", {})]),
        "wait for each other in a circle",
    ),
    "itself": (model([("Add", "x y", "y", {})]), "wait for each other in a circle"),
    "missing initializer": (model([("Conv", "x w", "y", {})]), "reads `w`, which is neither"),
    "no output": (model([("Relu", "x", "z", {})]), "no node makes the output `y`"),
    "twice": (model([*RELU, ("Tanh", "x", "y", {})]), "two things are called `y`"),
    "stored twice": (model(RELU, [B, B]), "two initializers are called `b`"),
    "negative size": (negative(), r"the tensor `w` has the sizes \[-8, 3, 3, 3\]"),
    "a huge input": (model(RELU, shape=(1, 3, 2**62, 4)), "dimension of size 4611686018427387904"),
    "a huge reshape": (
        model([("Reshape", "x s", "y", {})], [ints("s", 1, 2**62)]),
        "768 numbers cannot be",
    ),
    "a huge tensor": (
        model(
            [("ConstantOfShape", "s", "c", {}), ("Add", "x c", "y", {})], [ints("s", 2**40, 2**40)]
        ),
        None,
    ),
    "squares of squares": (
        model([*DOUBLING, ("Reshape", "x v200", "y", {})], [ints("a", 3)]),
        "the shape that it makes is not known",
    ),
    "a huge kernel": (
        model([("MaxPool", "x", "y", {"kernel_shape": [2**62, 1]})]),
        "does not fit on an input of 16",
    ),
    "a huge pad": (
        model([("Pad", "x p", "y", {})], [ints("p", *[0] * 7, 2**62)]),
        "more than 15 digits|has more than|SizeError|digits",
    ),
    "a huge stride": (
        model([("Conv", "x w", "y", {"strides": [2**62, 1], "group": 2**40})], [W]),
        "3 channels come in",
    ),
    "stride 0": (model([("Conv", "x w", "y", {"strides": [0, 1]})], [W]), "at least 1, not 0"),
    "doubling functions": (
        functions_that_call_each_other_twice(40),
        r"where it is a function of the file, onnx\.inliner can write out",
    ),
    "what inference cannot take": (contradiction(), "this operator is not known here"),
    "too few numbers": (too_short(), "the tensor `s` does not hold the 3 numbers that it should"),
    "a name of other bytes": (bytes_for_a_name(), "damaged one|which is neither"),
    "control flow": (graph_with(loop()), r"a graph of its own.*onnx\.utils\.extract_model writes"),
    "nested control flow": (nested(30), "holds a graph of its own"),
    "absurd nesting": (nested(300), "is no ONNX model, or a damaged one"),
    "two inputs": (two_inputs(), r"the graph has 2 \(x, z\); export a model that takes the image"),
    "a batch of 4": (model(RELU, shape=(4, 3, 8, 8)), "made for a batch of 4"),
    "an unknown operator without a shape": (
        graph_with(helper.make_node("Strange", ["x"], ["y"], domain="my.own")),
        "this operator is not known here",
    ),
    "other channels": (
        model([("Conv", "x w", "y", {})], [tensor("w", 8, 5, 3, 3)]),
        "3 channels come in",
    ),
    "other sizes": (
        model([("Add", "x g", "y", {})], [tensor("g", 7, 1, 1)]),
        "do not fit each other",
    ),
    "an axis too many": (model([("Softmax", "x", "y", {"axis": 9})]), "there is no axis 9 of 4"),
    "a wrong order": (
        model([("Transpose", "x", "y", {"perm": [0, 0, 1, 2]})]),
        "is no order of 4 axes",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files(name):
    content, message = HOSTILE[name]
    with counted(5_000_000), pytest.raises(ca.ConvalgebraError, match=message):
        ca.cost(read(content, "m.onnx"))


@pytest.mark.parametrize("operator", [("Relu", {}), ("LRN", {"size": 5})])
def test_layers_past_the_sizes_of_the_language_are_opaque(operator):
    op, attributes = operator
    nodes = [("Reshape", "x s", "a", {}), (op, "a", "y", attributes)]
    network = read(model(nodes, [ints("s", 1, 10**18)], (1, 10**9, 10**9)), "m.onnx")
    assert network.nodes[-1].layer.kind == "opaque"


def test_a_long_chain_needs_no_recursion():
    nodes = [
        ("Relu", "x" if not index else f"v{index}", f"v{index + 1}", {}) for index in range(5000)
    ]
    network = read(model([*nodes, ("Relu", "v5000", "y", {})]), "m.onnx")
    assert len(network) == 5001


WHOLE = model(
    [
        ("Conv", "x w b", "a", {"strides": [2, 2]}),
        ("Shape", "a", "s", {}),
        ("Gather", "s zero", "n", {}),
        ("Concat", "n rest", "t", {"axis": 0}),
        ("Reshape", "a t", "f", {}),
        ("Gemm", "f v", "y", {}),
    ],
    [W, B, ints("zero", 0), ints("rest", -1), tensor("v", 392, 5)],
)


@settings(max_examples=150)
@given(st.data())
def test_damaged_files(data):
    """Wherever bytes are changed, an answer or an error of ours comes out."""
    content = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.none(), st.integers(0, len(content))))
    with suppress(ca.ConvalgebraError):
        ca.cost(read(bytes(content[:cut]), "m.onnx")).to_dict()
