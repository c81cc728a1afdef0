"""ONNX files: against the reader of modules, operator by operator, and files made to hurt."""

import io
import subprocess
import sys
import time
import warnings
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import convalgebra as ca
from convalgebra.readers.onnx_file import read, read_on, recognises

onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper  # noqa: E402


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


def text(content, input=None):
    return str(read_on(content, "m.onnx", input)).partition("; ")[2]


W = tensor("w", 8, 3, 3, 3)
B = tensor("b", 8)
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
    "opaque(MyOp, 5x4x4, 24, ?)": ([("MyOp", "x w", "y", {})], [tensor("w", 8, 3)]),
    "opaque(NonMaxSuppression, 5x4x4, 0, ?)": ([("NonMaxSuppression", "x", "y", {})], []),
}


@pytest.mark.parametrize("written", OPERATORS)
def test_operators(written):
    nodes, stored = OPERATORS[written]
    content = model(
        nodes,
        stored,
        declared=[("y", [1, 5, 4, 4])] if "opaque(M" in written or "NonM" in written else [],
    )
    network = read(content, "m.onnx")
    assert str(network).partition("; ")[2] == written
    assert ca.parse(str(network)) == network
    assert ca.cost(network).status == ("partial" if "?" in written else "complete")


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


def test_params_are_the_elements_of_the_initializers_that_are_used():
    nodes = [("Conv", "x w b", "a", {}), ("Conv", "a v b", "c", {}), ("Mul", "c two", "y", {})]
    stored = [W, B, tensor("v", 8, 8, 1, 1), tensor("two", values=[2.0]), tensor("never", 99)]
    report = ca.cost(read(model(nodes, stored), "m.onnx"))
    assert report.total.params == 8 * 27 + 8 + 64  # the bias of both convolutions once
    assert report.receptive_field.axes[0].size == 3


def test_weights_used_twice():
    square = tensor("w", 3, 3, 3, 3)
    around = {"pads": [1, 1, 1, 1]}
    twice = [("Conv", "x w", "a", around), ("Relu", "a", "b", {}), ("Conv", "b w", "y", around)]
    written = "shared shared_1 = 3x3p1@3; shared_1, relu, shared_1"
    assert text(model(twice, [square])) == written


def test_sizes_left_open_are_named():
    nodes = [
        ("Conv", "x w", "a", {"strides": [2, 2], "pads": [1, 1, 1, 1]}),
        ("Shape", "x", "s", {}),
        ("Slice", "s two four", "t", {}),
        ("Concat", "n t", "sizes", {"axis": 0}),
        ("Resize", "a e e sizes", "y", {"mode": "nearest"}),
    ]
    stored = [W, ints("two", 2), ints("four", 4), ints("n", 1, 8), tensor("e", 0)]
    content = model(nodes, stored, shape=("batch", 3, "height", None))
    network = read(content, "m.onnx")
    assert [str(size) for size in network.shape] == ["3", "height", "W"]
    assert [str(size) for size in ca.cost(network).output] == ["8", "height", "W"]
    assert text(content, (3, 32, 48)) == "3x3s2p1@8, up2"
    with pytest.raises(ca.ConvalgebraError, match=r"made for an input of 3xheightx\?"):
        read_on(content, "m.onnx", (4, 32, 48))


def test_data_outside_the_file_is_never_read(tmp_path):
    outside = tensor("w", 8, 3, 3, 3)
    outside.ClearField("float_data")
    outside.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "/etc/passwd"), ("offset", "0"), ("length", "864")):
        outside.external_data.add(key=key, value=value)
    path = tmp_path / "model.onnx"
    path.write_bytes(model([("Conv", "x w", "y", {})], [outside]))
    assert ca.cost(ca.from_onnx(path)).total.params == 216


def test_recognised_by_content(tmp_path):
    content = model([("Relu", "x", "y", {})])
    path = tmp_path / "model.bin"
    path.write_bytes(content)
    assert recognises(content, "model.bin")
    assert str(ca.parse(path)) == "input 3x16x16; relu"
    with pytest.raises(ca.ConvalgebraError, match="the graph is made for an input of 3x16x16"):
        ca.parse(path, "3x9x9")


def run(path, *options):
    command = [sys.executable, "-m", "convalgebra", "cost", "--layers", str(path), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_the_command_line(tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(model([("Conv", "x w", "y", {})], [W], shape=("n", 3, "h", "w_")))
    assert "216" in run(path, "--input", "3x32x32").stdout
    path.write_bytes(path.read_bytes()[:-40])
    done = run(path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_torch_is_not_imported(tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(model([("Conv", "x w", "y", {})], [W]))
    code = "import sys, convalgebra as ca; ca.from_onnx(sys.argv[1])"
    code += "; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)


RELU = [("Relu", "x", "y", {})]


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
    "control flow": (graph_with(loop()), "holds a graph of its own"),
    "nested control flow": (nested(30), "holds a graph of its own"),
    "absurd nesting": (nested(300), "is no ONNX model, or a damaged one"),
    "two inputs": (two_inputs(), r"one input here, and the graph has 2 \(x, z\)"),
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
    started = time.perf_counter()
    with pytest.raises(ca.ConvalgebraError, match=message):
        ca.cost(read(content, "m.onnx"))
    assert time.perf_counter() - started < 5


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


def exported(module, shape, **options):
    torch = pytest.importorskip("torch")
    for tensor_ in [*module.parameters(), *module.buffers()]:
        if tensor_.is_floating_point():  # equal weights would be stored once
            torch.nn.init.uniform_(tensor_, 0.1, 1)
    with warnings.catch_warnings(), io.BytesIO() as file:
        warnings.simplefilter("ignore")
        image = torch.zeros(1, *shape)
        torch.onnx.export(module.eval(), (image,), file, dynamo=False, **options)
        return file.getvalue()


NETWORKS = ["resnet18", "MobileNetV2", "ShuffleNetV2", "DenseNet121", "ConvNeXt", "UNet"]


@pytest.mark.parametrize("name", NETWORKS)
def test_exported_networks_agree_with_their_modules(name):
    pytest.importorskip("torch")
    from . import torch_networks as known

    module = known.resnet((2, 2, 2, 2), False) if name == "resnet18" else getattr(known, name)()
    shape = (3, 64, 64)
    wanted = ca.cost(module, input=shape)
    report = ca.cost(read(exported(module, shape), "m.onnx"))
    assert report.total.macs == wanted.total.macs
    assert report.output == wanted.output
    assert report.receptive_field.axes == wanted.receptive_field.axes
    assert (report.status, wanted.status) == ("complete", "complete")
    # The exporter folds batch norms behind convolutions: 2 params a channel become a bias.
    lost = wanted.total.params - report.total.params
    norms = sum(node.layer.kind == "bn" for node in ca.from_torch(module, shape).nodes)
    assert (lost > 0) == (norms > 0)
