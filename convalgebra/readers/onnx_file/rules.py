"""What ONNX operators are in the language: one rule for each, in the table `RULES`.

A rule gives the operand that comes out; None where the language has no word for it. Then the node
becomes an opaque layer. Its shape and MACs are those of the table `PRODUCTS`; other operators have
the shape that the file declares, and no MACs if they are in `FREE`; of every other one they are not
known. So it is with a node that states an attribute which `READ` does not list for its operator:
a rule is never asked about what it does not read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from convalgebra.readers.onnx_file import elementwise, moves, products, windows
from convalgebra.readers.onnx_file.nodes import Reading, Rule
from convalgebra.shapes import Shape

_ACTIVATIONS = {
    **{
        word: word.lower()
        for word in ("Relu", "Elu", "Selu", "Gelu", "Mish", "Softplus", "Sigmoid", "Tanh")
    },
    **{word: word.lower() for word in ("HardSigmoid", "HardSwish", "LeakyRelu")},
    "Swish": "silu",
}

RULES: dict[str, Rule] = {
    "Conv": windows.convolution,
    "QLinearConv": windows.of_whole_numbers(0, 3, 8),
    "ConvInteger": windows.of_whole_numbers(0, 1),
    "ConvTranspose": windows.transposed,
    "MaxPool": windows.pooling("max"),
    "AveragePool": windows.pooling("avg"),
    "GlobalAveragePool": windows.global_pooling("gap"),
    "GlobalMaxPool": windows.global_pooling("gmp"),
    "Resize": windows.resize,
    "Upsample": windows.resize,
    "Pad": windows.pad,
    "DepthToSpace": windows.depth_to_space,
    "Gemm": products.gemm,
    "MatMul": products.matmul,
    **{op: elementwise.activation(word) for op, word in _ACTIVATIONS.items()},
    "Clip": elementwise.clip,
    "Softmax": elementwise.softmax,
    "BatchNormalization": elementwise.norm("batch_norm", "bn", 2),
    "InstanceNormalization": elementwise.norm("instance_norm", "in", 2),
    "GroupNormalization": elementwise.norm("group_norm", "gn", 2),
    **dict.fromkeys(("LayerNormalization", "RMSNormalization"), elementwise.layer_norm),
    "LRN": elementwise.response_norm,
    "PRelu": elementwise.prelu,
    **dict.fromkeys(("Add", "Sum"), elementwise.met("add")),
    "Mul": elementwise.met("mul"),
    **dict.fromkeys(
        (
            *("Sub", "Div", "Pow", "Neg", "Abs", "Exp", "Log", "Sqrt", "Sin", "Cos", "Tan", "Asin"),
            *("Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh", "Erf", "Max", "Min"),
            *("Mean", "Reciprocal", "Floor", "Ceil", "Round", "Sign", "Celu", "ThresholdedRelu"),
            *("Softsign", "Shrink", "Mod", "Where", "Equal", "Less", "Greater", "LessOrEqual"),
            *("GreaterOrEqual", "Not", "And", "Or", "Xor", "IsNaN", "IsInf"),
        ),
        elementwise.nameless,
    ),
    "LogSoftmax": elementwise.log_softmax,
    "Dropout": moves.dropout,
    **dict.fromkeys(("Identity", "Cast", "CastLike"), moves.identity),
    "Reshape": moves.reshape,
    "Flatten": moves.flatten,
    "Squeeze": moves.squeeze,
    "Unsqueeze": moves.unsqueeze,
    "Transpose": moves.transpose,
    "Concat": moves.concat,
    "Split": moves.split,
    "Slice": moves.sliced,
    "Gather": moves.gather,
    "Expand": moves.expand,
    "ReduceMean": moves.reduced("gap"),
    "ReduceMax": moves.reduced("gmp"),
    **dict.fromkeys(
        ("ReduceSum", "ReduceMin", "ReduceL2", "ReduceL1", "ReduceProd", "ReduceSumSquare"),
        moves.reduced(""),
    ),
}

# The shape and the MACs of what is opaque although its MACs are known.
PRODUCTS: dict[str, Callable[[Reading], tuple[Shape, int | None]]] = {
    "MatMul": products.product_macs,
    "Gemm": products.gemm_macs,
    "Einsum": products.einsum,
}

# The MACs of what is always opaque.
MACS: dict[str, Callable[[Reading], int | None]] = {
    **dict.fromkeys(("GRU", "LSTM", "RNN"), products.recurrent_macs),
}

_SLIDES = "auto_pad dilations kernel_shape pads strides"

# The attributes that a rule reads, and those that change no shape, no count and no field. Where a
# value is written, no other value is read.
READ: dict[str, str] = {
    **dict.fromkeys(("Conv", "QLinearConv", "ConvInteger"), f"{_SLIDES} group"),
    "ConvTranspose": f"{_SLIDES} group output_padding output_shape",
    "MaxPool": f"{_SLIDES} ceil_mode storage_order",
    "AveragePool": f"{_SLIDES} ceil_mode count_include_pad",
    "Resize": "mode axes coordinate_transformation_mode nearest_mode keep_aspect_ratio_policy "
    "antialias cubic_coeff_a exclude_outside extrapolation_value scales",
    "Upsample": "mode scales",
    "Pad": "mode pads value",
    "DepthToSpace": "blocksize mode",
    "Gemm": "alpha beta transA transB",
    "Einsum": "equation",
    "Clip": "min max consumed_inputs",
    **dict.fromkeys(("Softmax", "LogSoftmax", "Flatten", "Concat", "Gather"), "axis"),
    "BatchNormalization": "epsilon momentum consumed_inputs training_mode=0 spatial=1 is_test=1",
    "InstanceNormalization": "epsilon consumed_inputs",
    "GroupNormalization": "epsilon num_groups stash_type",
    **dict.fromkeys(("LayerNormalization", "RMSNormalization"), "axis epsilon stash_type"),
    "LRN": "alpha beta bias size",
    "Dropout": "ratio seed is_test consumed_inputs",
    "Cast": "to saturate round_mode",
    "CastLike": "saturate round_mode",
    "Reshape": "shape allowzero consumed_inputs",
    **dict.fromkeys(("Squeeze", "Unsqueeze"), "axes"),
    "Transpose": "perm",
    "Split": "axis split num_outputs",
    "Slice": "starts ends axes",
    "Shape": "start end",
    "Constant": "value value_int value_ints value_float value_floats value_string value_strings",
    "ConstantOfShape": "value",
    "Mod": "fmod",
    "IsInf": "detect_negative detect_positive",
    "Gelu": "approximate",
    "Shrink": "bias lambd",
    **{op: "axes keepdims noop_with_empty_axes" for op in RULES if op.startswith("Reduce")},
}
_HARMLESS = "alpha beta gamma consumed_inputs"  # of what works number by number


def unread(op: str, attributes: Iterable[tuple[str, Any]]) -> str | None:
    """The name of an attribute that the rule of an operator does not read, None if it reads all."""
    if op not in RULES and op not in READ:  # it has no rule: nothing is taken for granted of it
        return None
    known = READ.get(op, _HARMLESS).split()
    return next((n for n, v in attributes if n not in known and f"{n}={v}" not in known), None)


# The inputs of an operator that hold weights, of whatever kind of numbers.
WEIGHTS: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(("Conv", "ConvTranspose"), (1, 2)),
    "DeformConv": (1, 3),
    **dict.fromkeys(("Gemm", "MatMul", "Einsum", "MatMulInteger", "ConvInteger"), (0, 1, 2)),
    "QLinearConv": (3, 8),
    "QLinearMatMul": (0, 3),
    "DequantizeLinear": (0,),
    **dict.fromkeys(("BatchNormalization", "InstanceNormalization", "GroupNormalization"), (1, 2)),
    **dict.fromkeys(("LayerNormalization", "RMSNormalization"), (1, 2)),
    "PRelu": (1,),
    **dict.fromkeys(("GRU", "RNN"), (1, 2, 3)),
    "LSTM": (1, 2, 3, 7),
    "Attention": (0, 1, 2, 3),
}
NORMS = tuple(op for op in WEIGHTS if op.endswith("Normalization"))

# The inputs that hold weights if they are no whole numbers: others are indices and sizes.
FLOATS: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(("Add", "Sum", "Mul", "Concat"), tuple(range(1000))),
    **dict.fromkeys(("Gather", "GatherElements", "GatherND", "Expand", "QuantizeLinear"), (0,)),
    **{op: (0,) for op, rule in RULES.items() if rule.__module__ == moves.__name__},
}

# Their constants are no weights: no module of a framework has weights that it subtracts, divides
# by or compares with.
WEIGHTLESS = frozenset((RULES.keys() | WEIGHTS.keys() | FLOATS.keys()) - {"Where"})

# The same numbers in the same order.
ORDER_KEPT = frozenset({"Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze"})

MEETING = ("Add", "Sum", "Mul")  # they stretch what they read

# Nothing of these is a product of matrices.
FREE = (RULES.keys() - PRODUCTS.keys()) | {
    *("ArgMax", "ArgMin", "Constant", "ConstantOfShape", "CumSum", "EyeLike", "GatherElements"),
    *("GatherND", "GridSample", "Hardmax", "LpPool", "GlobalLpPool", "MaxRoiPool"),
    *("MaxUnpool", "MeanVarianceNormalization", "LpNormalization", "NonZero", "OneHot", "Range"),
    *("ReduceLogSum", "ReduceLogSumExp", "ReverseSequence", "RoiAlign", "ScatterElements"),
    *("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear"),
    *("ScatterND", "Shape", "Size", "SpaceToDepth", "Tile", "TopK", "Trilu", "Unique"),
}
KNOWN = FREE | WEIGHTS.keys() | FLOATS.keys() | RULES.keys()
