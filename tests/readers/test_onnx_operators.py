"""ONNX operators one by one: what each is in the language."""

import numpy as np
import pytest

import convalgebra as ca
from convalgebra.readers.onnx_file import read

onnx = pytest.importorskip("onnx")

from onnx import TensorProto  # noqa: E402

from .onnx_files import B, W, ints, model, tensor  # noqa: E402

MANY = [tensor(name, 3) for name in "ghij"]
OPERATORS = {
    "3x3s2p1@8b": ([("Conv", "x w b", "y", {"strides": [2, 2], "pads": [1, 1, 1, 1]})], [W, B]),
    "3x3psame@8": ([("Conv", "x w", "y", {"auto_pad": "SAME_UPPER"})], [W]),
    "3x3s2p1:0@8": ([("Conv", "x w", "y", {"auto_pad": "SAME_LOWER", "strides": [2, 2]})], [W]),
    "3x3p1:0x2:1d2@8": (
        [("Conv", "x w", "y", {"pads": [1, 2, 0, 1], "dilations": [2, 2]})],
        [W],
    ),
    "dw3x3@*2": ([("Conv", "x w", "y", {"group": 3})], [tensor("w", 6, 1, 3, 3)]),
    "convt3x3s2p1o1@8": (
        [
            (
                "ConvTranspose",
                "x w",
                "y",
                {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]},
            )
        ],
        [tensor("w", 3, 8, 3, 3)],
    ),
    "convt3x3s2p0:1@8": (
        [("ConvTranspose", "x w", "y", {"strides": [2, 2], "auto_pad": "SAME_UPPER"})],
        [tensor("w", 3, 8, 3, 3)],
    ),
    "convt3x3s2p1:0@8": (
        [("ConvTranspose", "x w", "y", {"strides": [2, 2], "auto_pad": "SAME_LOWER"})],
        [tensor("w", 3, 8, 3, 3)],
    ),
    "max3x3s2ceil": (
        [("MaxPool", "x", "y", {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1})],
        [],
    ),
    "avg3x3s1p1": (
        [
            (
                "AveragePool",
                "x",
                "y",
                {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1},
            )
        ],
        [],
    ),
    "avg3x3s1p1, opaque(rescale, 3x16x16, 0, 0)": (
        [("AveragePool", "x", "y", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]})],
        [],
    ),
    "prelu": ([("PRelu", "x s", "y", {})], [tensor("s", 3, 1, 1)]),
    "sharedprelu": ([("PRelu", "x s", "y", {})], [tensor("s", 1)]),
    "bn": ([("BatchNormalization", "x g h i j", "y", {})], MANY),
    # Attributes are floats of 32 bits: 1e-3 is stored as 0.0010000000474974513.
    "bn(1e-3)": ([("BatchNormalization", "x g h i j", "y", {"epsilon": 1e-3})], MANY),
    "bn(1.2345678e-4)": (
        [("BatchNormalization", "x g h i j", "y", {"epsilon": 1.2345678e-4})],
        MANY,
    ),
    "bn(0.0)": ([("BatchNormalization", "x g h i j", "y", {"epsilon": 0.0})], MANY),
    "in(1e-6)": ([("InstanceNormalization", "x g h", "y", {"epsilon": 1e-6})], MANY[:2]),
    "in": ([("InstanceNormalization", "x g h", "y", {})], MANY[:2]),
    "lrn": ([("LRN", "x", "y", {"size": 5})], []),
    "gap, fc@10b": (
        [
            ("GlobalAveragePool", "x", "p", {}),
            ("Flatten", "p", "f", {}),
            ("Gemm", "f w b", "y", {"transB": 1}),
        ],
        [tensor("w", 10, 3), tensor("b", 10)],
    ),
    "fc@10": (
        [("Reshape", "x s", "f", {}), ("MatMul", "f w", "y", {})],
        [ints("s", 0, -1), tensor("w", 768, 10)],
    ),
    "linear@4b": (
        [
            ("Transpose", "x", "t", {"perm": [0, 2, 3, 1]}),
            ("MatMul", "t w", "m", {}),
            ("Add", "b m", "a", {}),
            ("Transpose", "a", "y", {"perm": [0, 3, 1, 2]}),
        ],
        [tensor("w", 3, 4), tensor("b", 4)],
    ),
    "gap": ([("ReduceMean", "x", "y", {"axes": [2, 3]})], []),
    "gmp": ([("GlobalMaxPool", "x", "y", {})], []),
    "relu6, leakyrelu, hardswish, hardsigmoid, sigmoid, tanh, softmax": (
        [
            ("Clip", "x l u", "a", {}),
            ("LeakyRelu", "a", "b", {}),
            ("HardSwish", "b", "c", {}),
            ("HardSigmoid", "c", "d", {}),
            ("Sigmoid", "d", "e", {}),
            ("Tanh", "e", "f", {}),
            ("Softmax", "f", "y", {"axis": 1}),
        ],
        [tensor("l"), tensor("u", values=[6.0])],
    ),
    "silu, hardswish, mish": (
        [
            ("Sigmoid", "x", "a", {}),
            ("Mul", "x a", "b", {}),
            ("HardSigmoid", "b", "c", {"alpha": 1 / 6}),
            ("Mul", "c b", "d", {}),
            ("Softplus", "d", "e", {}),
            ("Tanh", "e", "f", {}),
            ("Mul", "d f", "y", {}),
        ],
        [],
    ),
    "gelu": (
        [
            ("Div", "x r", "a", {}),
            ("Erf", "a", "b", {}),
            ("Add", "b one", "c", {}),
            ("Mul", "x c", "d", {}),
            ("Mul", "d half", "y", {}),
        ],
        [
            tensor("r", values=[2**0.5]),
            tensor("one", values=[1.0]),
            tensor("half", values=[0.5]),
        ],
    ),
    "value_1 = [:1]; value_2 = input, [1:]; value_3 = value_1, relu; cat(value_3 | value_2)": (
        [
            ("Split", "x s", "a b", {"axis": 1}),
            ("Relu", "a", "c", {}),
            ("Concat", "c b", "y", {"axis": 1}),
        ],
        [ints("s", 1, 2)],
    ),
    "[1:], crop0x2:1": (
        [("Slice", "x s e a", "y", {})],
        [ints("s", 1, 2), ints("e", 2**62, -1), ints("a", 1, -1)],
    ),
    "1x1@6, shuffle2": (
        [
            ("Conv", "x w", "c", {}),
            ("Reshape", "c s", "a", {}),
            ("Transpose", "a", "b", {"perm": [0, 2, 1, 3, 4]}),
            ("Reshape", "b t", "y", {}),
        ],
        [tensor("w", 6, 3, 1, 1), ints("s", 1, 2, 3, 16, 16), ints("t", 1, 6, 16, 16)],
    ),
    "up2": ([("Resize", "x _ f", "y", {"mode": "nearest"})], [tensor("f", 4, values=[1, 1, 2, 2])]),
    "bilinear2": (
        [("Resize", "x e e s", "y", {"mode": "linear"})],
        [tensor("e", 0), ints("s", 1, 3, 32, 32)],
    ),
    "opaque(bilinear_resize, 3x32x32, 0, 0)": (
        [
            (
                "Resize",
                "x e e s",
                "y",
                {"mode": "linear", "coordinate_transformation_mode": "align_corners"},
            )
        ],
        [tensor("e", 0), ints("s", 1, 3, 32, 32)],
    ),
    "pad1x0:2": ([("Pad", "x p", "y", {})], [ints("p", 0, 0, 1, 0, 0, 0, 1, 2)]),
    "reflect1": ([("Pad", "x p", "y", {"mode": "reflect"})], [ints("p", 0, 0, 1, 1, 0, 0, 1, 1)]),
    "replicate1": ([("Pad", "x p", "y", {"mode": "edge"})], [ints("p", 0, 0, 1, 1, 0, 0, 1, 1)]),
    "1x1@4, pixelshuffle2": (
        [("Conv", "x w", "c", {}), ("DepthToSpace", "c", "y", {"blocksize": 2, "mode": "CRD"})],
        [tensor("w", 4, 3, 1, 1)],
    ),
    "scale + id": (
        [("Mul", "x g", "m", {}), ("Add", "m x", "y", {})],
        [tensor("g", 3, 1, 1)],
    ),
    "mul(id | gap, sigmoid)": (
        [
            ("GlobalAveragePool", "x", "p", {}),
            ("Sigmoid", "p", "s", {}),
            ("Expand", "s e", "w", {}),
            ("Mul", "x w", "y", {}),
        ],
        [ints("e", 1, 3, 16, 16)],
    ),
    "flatten": (
        [
            ("Shape", "x", "s", {}),
            ("Gather", "s zero", "n", {"axis": 0}),
            ("Unsqueeze", "n axes", "u", {}),
            ("Concat", "u rest", "t", {"axis": 0}),
            ("Reshape", "x t", "y", {}),
        ],
        [
            tensor("zero", kind=TensorProto.INT64, values=[0]),
            *(ints("axes", 0), ints("rest", -1)),
        ],
    ),
    "relu": ([("Clip", "x l", "y", {})], [tensor("l")]),
    "opaque(clip, 3x16x16, 0, 0)": (
        [("Exp", "l", "e", {}), ("Clip", "x l e", "y", {})],
        [tensor("l")],
    ),
    "max2x2s2, opaque(MaxUnpool, 3x16x16, 0, 0)": (
        [
            ("MaxPool", "x", "p i", {"kernel_shape": [2, 2], "strides": [2, 2]}),
            ("MaxUnpool", "p i", "y", {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ],
        [],
    ),
    "opaque(MyOp, 5x4x4, 24, ?)": ([("MyOp", "x w", "y", {})], [tensor("w", 8, 3)]),
    "opaque(NonMaxSuppression, 5x4x4, 0, ?)": ([("NonMaxSuppression", "x", "y", {})], []),
}


@pytest.mark.parametrize("written", OPERATORS)
def test_operators(written):
    nodes, stored = OPERATORS[written]
    content = model(
        nodes,
        stored,
        declared=[("y", [1, 5, 4, 4])] if "MyOp" in written or "NonM" in written else [],
    )
    network = read(content, "m.onnx")
    assert str(network).partition("; ")[2] == written
    assert ca.parse(str(network)) == network
    assert ca.cost(network).status == ("partial" if "?" in written else "complete")


@pytest.mark.parametrize(
    "attributes",
    [
        {"auto_pad": "SAME_LOWER"},
        {"auto_pad": "SAME_UPPER"},
        {"auto_pad": "SAME_LOWER", "output_shape": [11]},
        {"auto_pad": "SAME_UPPER", "output_shape": [8]},
        {"auto_pad": "SAME_LOWER", "output_padding": [1]},
        {"pads": [1, 0]},
    ],
)
def test_where_a_transposed_convolution_writes(attributes):
    """Against ONNX's own reference: a 1 at one place shows where its taps go."""
    from onnx.reference import ReferenceEvaluator

    taps = tensor("w", 1, 1, 4, values=[1, 2, 3, 4])
    nodes = [("ConvTranspose", "x w", "y", {"strides": [2], **attributes})]
    content = model(nodes, [taps], (1, 1, 5))
    network = read(content, "m.onnx")
    (layer,) = (node.layer for node in network.nodes[1:])
    (outputs,) = network.shapes[1][1:]
    for place in range(5):
        numbers = np.zeros((1, 1, 5), np.float32)
        numbers[0, 0, place] = 1
        (made,) = ReferenceEvaluator(onnx.load_from_string(content)).run(None, {"x": numbers})
        expected = np.zeros(outputs)
        for tap in range(4):
            at = 2 * place + tap - layer.padding[0][0]
            if 0 <= at < outputs:
                expected[at] = tap + 1
        assert made[0, 0].tolist() == expected.tolist()


def test_the_odd_padding_of_an_output_shape_is_before():
    # "Else pads[start_i] = total_padding[i] - (total_padding[i]/2)", says the operator's page: all
    # but SAME_UPPER, so that 2 x 4 + 4 - 11 = 1 zero stands before.
    nodes = [("ConvTranspose", "x w", "y", {"strides": [2], "output_shape": [11]})]
    network = read(model(nodes, [tensor("w", 1, 1, 4)], (1, 1, 5)), "m.onnx")
    assert str(network).endswith("convt4s2p1:0@1")


LONE = {
    "opaque(reducemean, 1, 0, 0)": [("ReduceMean", "x", "y", {"keepdims": 0})],
    "opaque(reducemean, 1, 0, 0), relu": [
        ("ReduceMean", "x", "m", {"keepdims": 0}),
        ("Relu", "m", "y", {}),
    ],
    "gmp, opaque(reducesum, 1, 0, 0)": [
        ("GlobalMaxPool", "x", "m", {}),
        ("ReduceSum", "m", "y", {"keepdims": 0}),
    ],
    "opaque(reducemean, 1, 0, 0) + opaque(reducemax, 1, 0, 0)": [
        ("ReduceMean", "x", "m", {"keepdims": 0}),
        ("ReduceMax", "x", "n", {"keepdims": 0}),
        ("Add", "m n", "y", {}),
    ],
}


@pytest.mark.parametrize("written", LONE)
def test_a_lone_number_is_one_channel(written):
    network = read(model(LONE[written]), "m.onnx")
    assert str(network).partition("; ")[2] == written
    assert ca.parse(str(network)) == network
    assert ca.cost(network).output == (1,)


def test_a_map_comes_before_the_number_beside_it():
    nodes = [("ReduceMean", "x", "m", {"keepdims": 0}), ("Relu", "x", "y", {})]
    network = read(model(nodes, outputs=("m", "y")), "m.onnx")
    assert [network.shapes[end] for end in network.outputs] == [(3, 16, 16), (1,)]


def test_shapes_are_those_of_the_inference_of_onnx():
    for nodes, stored in OPERATORS.values():
        content = model(nodes, stored)
        inferred = onnx.shape_inference.infer_shapes(onnx.load_model_from_string(content))
        (output,) = inferred.graph.output
        if not output.type.tensor_type.HasField("shape"):
            continue
        dims = [dim.dim_value for dim in output.type.tensor_type.shape.dim]
        if all(dims):
            assert list(ca.cost(read(content, "m.onnx")).output) == dims[1:], nodes
