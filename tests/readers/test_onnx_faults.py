"""ONNX files that were once read wrongly: params, MACs and output, by hand and by onnxruntime.

The files were written by the exporters of PyTorch or with `onnx.helper`; `DATA` holds them.
"""

from pathlib import Path

import numpy as np
import pytest

import convalgebra as ca
from convalgebra.readers.onnx_file import read, read_on

pytest.importorskip("onnx")

from .onnx_files import B, W, ints, model, tensor

DATA = Path(__file__).parents[1] / "data" / "onnx"

# file, input: params, MACs, output
COUNTED = {
    # 8 filters of 3x3x3; 216 at each of 16x16 places
    ("weights_in_constant_node", None): (216, 55_296, (8, 16, 16)),
    # a comment in the file looks like print(model): 216 at 8x8 places
    ("doc_strings_like_a_print_out", None): (216, 13_824, (8, 8, 8)),
    # x - mean and / std take no weights: 4*3*9 + 4, at 6x6 places
    ("mean_and_std_buffers", None): (112, 3_888, (4, 6, 6)),
    # 20 rows of 8 numbers into 10
    ("open_first_dimension", (8, 20)): (80, 1_600, (20, 1, 10)),
    # 3x3 1->8 at 32x64, 3x3 8->16 at 16x32, two directions of 48*(16 + 12) in 32 steps, 24 into 10;
    # the zeros that an LSTM begins with are no params: 80 + 1168 + 2*(48*28 + 96) + 250
    ("crnn_open_width", (1, 32, 64)): (4_378, 147_456 + 589_824 + 86_016 + 7_680, (32, 1, 10)),
    # a row of 8 numbers for each of 3 channels, then 4*3*3 at 8 places
    ("range_of_floats", None): (36, 288, (4, 8)),
    # 3x3 taps two apart reach over 5: 12 -> 8; then 12 at 8x8 places
    ("average_pool_dilated", None): (12, 768, (4, 8, 8)),
    # 12x12 in 24x18 by one factor, 1.5: 18x18
    ("resize_not_larger", None): (12, 3_888, (4, 18, 18)),
    # int8 weights 8*3*9 and int32 biases; scales and zero points are no params; 216 at 14x14
    ("qdq_per_channel", None): (224, 42_336, (8, 14, 14)),
    ("qlinearconv", None): (224, 42_336, (8, 14, 14)),
    ("weights_dequantized", None): (216, 42_336, (8, 14, 14)),
    # 3 gates of 16 x (8 + 16), one step; 4 gates, 20 steps
    ("gru", None): (1_152, 1_152, (1, 1, 16)),
    ("lstm", None): (1_664, 30_720, (20, 1, 1, 16)),
    ("lstm_last_state", None): (1_664, 30_720, (1, 16)),
    # Attention and DeformConv: not known, at least the products before them
    ("attention", None): (3_072, None, (10, 32)),
    ("deformable_convolution", None): (702, None, (8, 8, 8)),
    ("bias_behind_identity", None): (800, 202_752, (8, 16, 16)),
    # a lone number is no param, whatever its shape
    ("scalar_of_shape_1", None): (12, 768, (4, 8, 8)),
    # ONNX has no instance norm without weights: ones and zeros of no name may be none
    ("instance_norm_exported", None): (None, 7_776, (8, 6, 6)),
    ("flatten_without_batch", None): (0, 0, (3, 90)),
    ("and_not_of_shapes", None): (0, 0, (1, 96)),
    # bchw,oc without an arrow is bhow: 9*5*10 sums of 3
    ("einsum_no_arrow", None): (15, 1_350, (9, 5, 10)),
}


@pytest.mark.parametrize("name", COUNTED)
def test_files_read_wrongly_before(name):
    file, shape = name
    params, macs, output = COUNTED[name]
    report = ca.cost(ca.from_onnx(DATA / f"{file}.onnx", shape))
    unknown = {figure for layer in report.layers for figure in layer.unknown}
    assert report.output == output
    assert ("params" in unknown) is (params is None)
    assert ("macs" in unknown) is (macs is None)
    if params is not None:
        assert report.total.params == params
    if macs is not None:
        assert report.total.macs == macs


def test_weights_in_a_constant_node_have_a_field():
    report = ca.cost(ca.from_onnx(DATA / "weights_in_constant_node.onnx"))
    assert report.total.macs_exact == 24 * 46 * 46  # 3*16 - 2 taps on data a side
    assert report.receptive_field.axes[0].size == 3


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("if_on_a_shape", "holds a graph of its own"),
        ("two_inputs", "one input here, and the graph has 2"),
        ("batch_of_4", "made for a batch of 4"),
    ],
)
def test_files_that_are_refused(file, message):
    with pytest.raises(ca.ConvalgebraError, match=message):
        ca.from_onnx(DATA / f"{file}.onnx")


def figures(content, input=None):
    total = ca.cost(read_on(content, "m.onnx", input)).total
    return total.params, total.macs


Q = tensor("q", 8, 3, 3, 3, kind=3)


@pytest.mark.parametrize(
    ("nodes", "stored"),
    [
        ([("Identity", "w", "v", {})], [W]),
        ([("Cast", "w", "v", {"to": 1})], [W]),
        ([("Cast", "q", "v", {"to": 1})], [Q]),
        ([("Transpose", "t", "v", {"perm": [3, 2, 0, 1]})], [tensor("t", 3, 3, 3, 8)]),
        ([("Reshape", "r s", "v", {})], [tensor("r", 8, 27), ints("s", 8, 3, 3, 3)]),
        ([("Unsqueeze", "r s", "v", {})], [tensor("r", 8, 3, 3), ints("s", 3)]),
        ([("DequantizeLinear", "q s", "v", {})], [Q, tensor("s")]),
        (
            [("DequantizeLinear", "q s z", "v", {"axis": 0})],
            [Q, tensor("s", 8), tensor("z", 8, kind=3)],
        ),
        (
            [("QuantizeLinear", "w s", "u", {}), ("DequantizeLinear", "u s", "v", {})],
            [W, tensor("s")],
        ),
        ([("Constant", "", "u", {"value": W}), ("Identity", "u", "v", {})], []),
        (
            [("Cast", "q", "u", {"to": 1}), ("Mul", "u s", "v", {})],
            [Q, tensor("s", 8, 1, 1, 1, values=[0.5] * 8)],
        ),
    ],
)
def test_weights_count_wherever_they_stand(nodes, stored):
    kernel = (3, 1) if nodes[0][0] == "Unsqueeze" else (3, 3)
    count = 24 * kernel[0] * kernel[1]
    content = model([*nodes, ("Conv", "x v", "y", {})], stored)
    sides = [17 - k for k in kernel]
    assert figures(content) == (count, count * sides[0] * sides[1])


def test_a_lone_number_is_no_param_and_a_bias_of_one_channel_is():
    lone = [("Mul", "x s", "a", {}), ("Conv", "a w b", "y", {})]
    stored = [tensor("s", 1), tensor("w", 1, 3, 1, 1), tensor("b", 1)]
    assert figures(model(lone, stored)) == (3 + 1, 3 * 256)


@pytest.mark.parametrize("op", ["Where", "ScatterND", "GridSample"])
def test_what_a_constant_is_to_an_operator_may_not_be_known(op):
    data = tensor("w", 1, 3, 16, 16)
    inputs = {"Where": "c x w", "ScatterND": "w i x", "GridSample": "x g"}[op]
    stored = [
        *([data] if op != "GridSample" else [tensor("g", 1, 16, 16, 2)]),
        *([tensor("c", 16, kind=9)] if op == "Where" else []),
        *([ints("i", 0)] if op == "ScatterND" else []),
    ]
    if op == "ScatterND":
        stored[-1] = tensor("i", 1, 1, kind=7)
    content = model([(op, inputs, "y", {})], stored)
    report = ca.cost(read(content, "m.onnx"))
    assert any("params" in layer.unknown for layer in report.layers)


def test_norms_without_weights():
    ones = tensor("1.weight", 3, values=[1.0] * 3)
    zeros = tensor("1.bias", 3)
    of_a_module = model([("InstanceNormalization", "x 1.weight 1.bias", "y", {})], [ones, zeros])
    assert figures(of_a_module) == (6, 0)  # untrained, and called by its path in a module
    scale = tensor("s", 3, values=[1.0, 1.0, 2.0])
    for shift, params in (([0.5] * 3, 6), ([0.0] * 3, None)):  # zeros: one without biases, maybe
        stored = [scale, tensor("b", 3, values=shift)]
        trained = model([("InstanceNormalization", "x s b", "y", {})], stored)
        assert figures(trained) == (params, 0)


def test_a_constant_of_the_code_is_no_weight():
    one = tensor("", 3, 1, 1, values=[1.0] * 3)
    nodes = [("Constant", "", "k", {"value": one}), ("Add", "x k", "a", {})]
    assert figures(model([*nodes, ("Conv", "a w", "y", {})], [W])) == (216, 216 * 14 * 14)


@pytest.mark.parametrize(
    ("op", "inputs", "attributes"),
    [
        ("MaxPool", "x", {"kernel_shape": [3, 3], "of_tomorrow": 2}),
        ("Relu", "x", {"of_tomorrow": 2}),
        ("BatchNormalization", "x b b b b", {"training_mode": 1}),
        ("Add", "x b", {"axis": 1, "broadcast": 1}),
    ],
)
def test_an_attribute_that_is_not_read_makes_the_node_opaque(op, inputs, attributes):
    declared = [("y", [1, 3, 16, 16])]
    content = model([(op, inputs, "y", attributes)], [tensor("b", 3)], declared=declared)
    report = ca.cost(read(content, "m.onnx"))
    assert report.layers[0].opaque == op.replace("_", "")
    assert report.layers[0].unknown


def test_an_input_that_is_there_and_not_known_is_not_its_default():
    axes = [
        ("ReduceMax", "x", "n", {}),
        ("Reshape", "n one", "m", {}),
        ("Cast", "m", "i", {"to": 7}),
    ]
    for nodes in (
        [*axes, ("Squeeze", "x i", "y", {})],
        [*axes, ("Slice", "x a a i", "y", {})],
        [*axes, ("Slice", "x a a a i", "y", {})],
    ):
        with pytest.raises(ca.ConvalgebraError, match="not known from the file"):
            read(model(nodes, [ints("a", 1), ints("one", 1)], shape=(1, 1, 4, 4)), "m.onnx")
    padded = model(
        [*axes, ("Pad", "x p i", "y", {})], [ints("p", *[0, 0, 1, 1] * 2), ints("one", 1)]
    )
    assert "opaque(pad" in str(read(padded, "m.onnx"))  # with what, is not known


def test_sparse_tensors_are_refused():
    # 5 numbers of 8*3*3*3 are stored: 216 weights, or 5?
    from onnx import helper, numpy_helper

    def sparse(name):
        values = numpy_helper.from_array(np.ones(5, np.float32), name)
        places = numpy_helper.from_array(np.array([0, 5, 9, 30, 100]), "places")
        return helper.make_sparse_tensor(values, places, [8, 3, 3, 3])

    def convolution(*before, stored=()):
        graph = helper.make_graph(
            [*before, helper.make_node("Conv", ["x", "w"], ["y"])],
            "g",
            [helper.make_tensor_value_info("x", 1, [1, 3, 8, 8])],
            [helper.make_tensor_value_info("y", 1, [1, 8, 6, 6])],
        )
        graph.sparse_initializer.extend(stored)
        return helper.make_model(graph).SerializeToString()

    constant = helper.make_node("Constant", [], ["w"], sparse_value=sparse(""))
    for content in (convolution(constant), convolution(stored=[sparse("w")])):
        with pytest.raises(ca.ConvalgebraError, match="sparse tensor"):
            read(content, "m.onnx")


def test_an_open_size_is_not_1():
    stored = [tensor("w", 8, 3, 3, 3)]
    nodes = [("Conv", "x w", "a", {}), ("MyOp", "a", "b", {}), ("Relu", "b", "y", {})]
    same_name = model(nodes, stored, ("N", 3, 8, "W"), declared=[("b", ["N", 8, 6, "W"])])
    assert ca.cost(read_on(same_name, "m.onnx", (3, 8, 9))).output == (8, 6, 9)
    for sizes in ([None, 8, 6, 6], ["M", 8, 6, 6]):
        other = model(nodes, stored, ("N", 3, 8, 8), declared=[("b", sizes)])
        with pytest.raises(ca.ConvalgebraError, match="does not say the shape"):
            read(other, "m.onnx")


def test_a_constant_of_a_shape_that_is_not_known_is_no_lone_number():
    nodes = [("MyOp", "b", "c", {}), ("Mul", "x c", "y", {})]
    with pytest.raises(ca.ConvalgebraError, match="shape of `c` is not known"):
        read(model(nodes, [B]), "m.onnx")


def test_an_operator_of_another_domain_is_not_that_of_onnx():
    from onnx import load_from_string

    content = load_from_string(model([("Relu", "x", "y", {})], declared=[("y", [1, 3, 16, 16])]))
    content.graph.node[0].domain = "my.company"
    network = read(content.SerializeToString(), "m.onnx")
    assert str(network) == "input 3x16x16; opaque(my_company_Relu, 3x16x16, 0, ?)"


@pytest.mark.parametrize(("kind", "name", "size"), [(1, "float32", 4), (10, "float16", 2)])
def test_bytes_are_those_of_the_numbers_of_the_file(kind, name, size):
    content = model([("Conv", "x w", "y", {})], [tensor("w", 8, 3, 3, 3, kind=kind)])
    report = ca.cost(read(content, "m.onnx"))
    assert report.dtype == name
    assert report.total.bytes == size * (3 * 256 + 216 + 8 * 196)


def test_a_bias_that_two_convolutions_have_is_no_layer_of_its_own():
    report = ca.cost(ca.from_onnx(DATA / "bias_behind_identity.onnx"))
    assert report.total.activations == 4 * 8 * 256  # two convolutions, two ReLUs
    assert report.receptive_field.axes[0].size == 5
    assert report.total.flops == 2 * 202_752 + 4 * 8 * 256  # MACs, biases, ReLUs


def test_what_a_later_version_of_onnx_says_is_not_known():
    with pytest.raises(ca.ConvalgebraError, match="of version 29, and versions up to 28 are known"):
        read(model([("Relu", "x", "y", {})], opset=29), "m.onnx")
