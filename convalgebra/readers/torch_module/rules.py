"""What PyTorch's functions are in the language: one rule for each name, in the table `RULES`.

A rule takes the arguments of the function under the function's own names, with operands for
tensors, and gives the operand that comes out; None where the language has no word for it. Then the
call becomes an opaque layer, whose MACs are those of the table `MACS`, 0 for the names in `FREE`
(they add and multiply numbers one by one, or move them), and not known for every other name.
"""

from __future__ import annotations

from collections.abc import Callable

from convalgebra.readers.torch_module import elementwise, moves, products, windows
from convalgebra.readers.torch_module.calls import Rule

_ACTIVATIONS = {
    **{word: word for word in ("relu", "relu6", "elu", "selu", "silu", "gelu", "mish", "softplus")},
    **{word: word for word in ("sigmoid", "hardsigmoid", "hardswish", "tanh")},
    "leaky_relu": "leakyrelu",
}
_SUMS = ("add", "iadd", "radd")
_PRODUCTS = ("mul", "imul", "rmul", "multiply")
_AXES = ("1d", "2d", "3d")

# Names without the underscores around them: `add`, `add_`, `__iadd__` are `add`, `add`, `iadd`.
RULES: dict[str, Rule] = {
    **{f"conv{axes}": windows.convolution for axes in _AXES},
    **{f"conv_transpose{axes}": windows.transposed for axes in _AXES},
    **{
        f"max_pool{axes}{tail}": windows.max_pool
        for axes in _AXES
        for tail in ("", "_with_indices")
    },
    **{f"avg_pool{axes}": windows.avg_pool for axes in _AXES},
    **{f"adaptive_avg_pool{axes}": windows.adaptive("gap") for axes in _AXES},
    **{
        f"adaptive_max_pool{axes}{tail}": windows.adaptive("gmp")
        for axes in _AXES
        for tail in ("", "_with_indices")
    },
    "interpolate": windows.interpolate,
    "upsample": windows.interpolate,
    "pad": windows.pad,
    "linear": products.linear,
    **dict.fromkeys(("matmul", "mm"), products.matmul),
    **{name: elementwise.activation(word) for name, word in _ACTIVATIONS.items()},
    "hardtanh": elementwise.hardtanh,
    **dict.fromkeys(("clamp", "clip"), elementwise.clamp),
    "softmax": elementwise.softmax,
    "glu": elementwise.glu,
    "batch_norm": elementwise.with_statistics("batch_norm", "bn"),
    "instance_norm": elementwise.with_statistics("instance_norm", "in"),
    "group_norm": elementwise.group_norm,
    **dict.fromkeys(("layer_norm", "rms_norm"), elementwise.layer_norm),
    "local_response_norm": elementwise.response_norm,
    "prelu": elementwise.prelu,
    **dict.fromkeys(_SUMS, elementwise.add),
    **dict.fromkeys(_PRODUCTS, elementwise.mul),
    **dict.fromkeys(
        (
            *("sub", "isub", "rsub", "subtract", "div", "truediv", "rtruediv", "itruediv"),
            *("divide", "true_divide", "floor_divide", "floordiv", "rfloordiv", "ifloordiv"),
            *("pow", "ipow", "rpow", "float_power", "neg", "abs", "exp", "exp2", "expm1", "log"),
            *("log1p", "log2", "log10", "sqrt", "rsqrt", "square", "reciprocal", "erf", "erfc"),
            *("sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "asinh"),
            *("acosh", "atanh", "floor", "ceil", "round", "trunc", "frac", "sign", "mod"),
            *("remainder", "fmod", "threshold", "celu", "rrelu", "logsigmoid", "softsign"),
            *("tanhshrink", "hardshrink", "softshrink", "clamp_min", "clamp_max", "maximum"),
            *("minimum", "lerp", "where", "masked_fill", "addcmul", "addcdiv", "nan_to_num"),
            *("eq", "ne", "ge", "gt", "le", "lt", "logical_and", "logical_or", "logical_not"),
            *("isnan", "isinf", "log_sigmoid"),
        ),
        elementwise.nameless,
    ),
    **{
        f"{lead}dropout{axes}": elementwise.dropout
        for lead in ("", "feature_")
        for axes in ("", *_AXES)
    },
    **dict.fromkeys(("alpha_dropout", "feature_alpha_dropout"), elementwise.dropout),
    **dict.fromkeys(
        (
            *("contiguous", "clone", "detach", "to", "type", "type_as", "float", "half", "double"),
            *("as_subclass", "bfloat16", "cpu", "cuda", "data", "requires_grad", "alias", "real"),
            "positive",
        ),
        moves.unchanged,
    ),
    **dict.fromkeys(("expand", "expand_as", "broadcast_to"), moves.expand),
    **dict.fromkeys(
        (
            *("view", "view_as", "reshape", "reshape_as", "flatten", "ravel", "unflatten"),
            *("squeeze", "unsqueeze"),
        ),
        moves.view,
    ),
    "permute": moves.permute,
    **dict.fromkeys(("transpose", "swapaxes", "swapdims"), moves.transpose),
    **dict.fromkeys(("T", "mT", "t"), moves.turned),
    **dict.fromkeys(("movedim", "moveaxis"), moves.movedim),
    **dict.fromkeys(("cat", "concat", "concatenate"), moves.cat),
    **dict.fromkeys(("chunk", "split", "split_with_sizes", "tensor_split"), moves.pieces),
    "unbind": moves.unbind,
    "select": moves.select,
    "narrow": moves.narrow,
    "getitem": moves.getitem,
    **{f"new_{what}": moves.fresh for what in ("zeros", "ones", "full", "empty", "tensor")},
    **{f"{what}_like": moves.fresh for what in ("zeros", "ones", "full", "empty", "rand", "randn")},
    "mean": moves.reduced("gap"),
    **dict.fromkeys(("amax", "max"), moves.reduced("gmp")),
    "sum": moves.reduced(""),
    "pixel_shuffle": moves.pixel_shuffle,
    "channel_shuffle": moves.channel_shuffle,
}

# The same numbers in the same order, unless their type or their count is another.
ORDER_KEPT = {
    *("contiguous", "clone", "detach", "alias", "data", "requires_grad", "as_subclass", "cpu"),
    *("to", "type", "type_as", "float", "double", "half", "bfloat16", "cuda"),
    *("view", "view_as", "reshape", "reshape_as", "flatten", "ravel", "unflatten"),
    *("squeeze", "unsqueeze"),
}

# What stretches its operands by itself, and takes stretched ones.
MEETING = {*_SUMS, *_PRODUCTS}

# The MACs of what may be opaque, from its arguments.
MACS: dict[str, Callable[..., int | None]] = {
    "linear": products.linear_macs,
    **dict.fromkeys(("matmul", "mm", "bmm", "mv", "dot", "vdot"), products.product_macs),
    **dict.fromkeys(("addmm", "baddbmm", "addmv", "addbmm"), products.added_product_macs),
    "einsum": products.einsum_macs,
    "scaled_dot_product_attention": products.attention_macs,
    "multi_head_attention_forward": products.multi_head_macs,
    **dict.fromkeys(("lstm", "gru", "rnn_tanh", "rnn_relu"), products.recurrent_macs),
    **dict.fromkeys(
        ("lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell"), products.cell_macs
    ),
    **{f"conv{axes}": products.conv_macs for axes in _AXES},
    **{f"conv_transpose{axes}": products.transposed_macs for axes in _AXES},
}

# Nothing of these is a product of matrices. What is in RULES and not in MACS belongs here too.
FREE = (RULES.keys() - MACS.keys()) | {
    *("weight_norm", "norm_except_dim", "vector_norm", "linalg_vector_norm"),
    *("arange", "argmax", "argmin", "argsort", "any", "all", "as_strided", "bernoulli"),
    *("bitwise_not", "cummax", "cumprod", "cumsum", "bool", "channel_dropout", "diag"),
    *("diagonal", "diff", "embedding", "empty", "eye", "fill", "flip", "fold"),
    *("full", "gather", "grid_sample", "gumbel_softmax"),
    *("index", "index_add", "index_copy", "index_fill", "index_put", "index_select", "int"),
    *("item", "linspace", "log_softmax", "logsumexp", "long", "lp_pool1d", "lp_pool2d"),
    *("masked_scatter", "max_unpool1d", "max_unpool2d", "max_unpool3d", "meshgrid"),
    *("native_channel_shuffle", "norm", "normal", "normalize", "one_hot", "ones"),
    *("pixel_unshuffle", "prod", "rand", "randn", "randint", "repeat", "repeat_interleave"),
    *(
        "outer",
        "ger",
        "roll",
        "scatter",
        "scatter_add",
        "setitem",
        "sort",
        "stack",
        "std",
        "std_mean",
    ),
    *("softmin", "take", "tensor", "tile", "topk", "tril", "triu", "unfold"),
    *("upsample_nearest", "upsample_bilinear", "var", "var_mean", "vstack", "hstack"),
    *("dstack", "zero", "zeros", "empty_strided", "scalar_tensor", "as_tensor"),
    *("from_numpy", "fractional_max_pool2d", "min", "median", "copy", "uniform", "and"),
    *("or", "xor", "invert", "view_as_real", "view_as_complex", "polar", "outer_product"),
    "fill_diagonal",
}
