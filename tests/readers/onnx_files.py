"""ONNX files put together in the tests."""

from __future__ import annotations

from onnx import TensorProto, helper


def tensor(name, *shape, kind=TensorProto.FLOAT, values=None):
    """A stored tensor; without values its numbers are 0."""
    count = 1
    for size in shape:
        count *= size
    return helper.make_tensor(name, kind, shape, [0] * count if values is None else values)


def ints(name, *values):
    return tensor(name, len(values), kind=TensorProto.INT64, values=values)


def named(names):
    """The inputs of a node; `_` is none."""
    return ["" if name == "_" else name for name in names.split()]


def model(nodes, stored=(), shape=(1, 3, 16, 16), outputs=("y",), opset=17, declared=()):
    """The content of a file; a node is (operator, inputs, outputs, attributes)."""
    made = [
        helper.make_node(op, named(ins), outs.split(), name=f"n{index}", **attributes)
        for index, (op, ins, outs, attributes) in enumerate(nodes)
    ]
    graph = helper.make_graph(
        made,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        list(stored),
        value_info=[
            helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes)
            for name, sizes in declared
        ],
    )
    made_model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    return made_model.SerializeToString()


W = tensor("w", 8, 3, 3, 3)
B = tensor("b", 8)
RELU = [("Relu", "x", "y", {})]
