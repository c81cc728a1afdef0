"""What ONNX operators are in the language: one rule for each, in the table `RULES`.

A rule gives the operand that comes out; None where the language has no word for it. Then the node
becomes an opaque layer. Its shape and MACs are those of the table `PRODUCTS`; other operators have
the shape that the file declares, and no MACs if they are in `FREE`; of every other one they are not
known.
"""

from __future__ import annotations

from collections.abc import Callable

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

MEETING = ("Add", "Sum", "Mul")  # they stretch what they read

# Nothing of these is a product of matrices.
FREE = (RULES.keys() - PRODUCTS.keys()) | {
    *("ArgMax", "ArgMin", "Constant", "ConstantOfShape", "CumSum", "EyeLike", "GatherElements"),
    *("GatherND", "GridSample", "Hardmax", "LpPool", "GlobalLpPool", "MaxRoiPool"),
    *("MaxUnpool", "MeanVarianceNormalization", "LpNormalization", "NonZero", "OneHot", "Range"),
    *("ReduceLogSum", "ReduceLogSumExp", "ReverseSequence", "RoiAlign", "ScatterElements"),
    *("ScatterND", "Shape", "Size", "SpaceToDepth", "Tile", "TopK", "Trilu", "Unique"),
}
