"""What PyTorch's functions are in the language: one rule for each name, in the table `RULES`.

A rule takes the arguments of the function under the function's own names, with operands for
tensors, and gives the operand that comes out; None where the language has no word for it. Then the
call becomes an opaque layer, whose MACs are those of the table `MACS`, 0 for the names in `FREE`
(they add and multiply numbers one by one, or move them), and not known for every other name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple

from convalgebra.layers import Layer
from convalgebra.readers.graphs import dense, moving, pointwise, sliding
from convalgebra.readers.graphs.builder import (
    Builder,
    Constant,
    Operand,
    Stretched,
    Tensor,
    channels_in,
    equal_shapes,
)
from convalgebra.readers.graphs.sliding import Slide
from convalgebra.shapes import Shape


class Reading(NamedTuple):
    """What a rule needs beside the arguments: the builder, and the shapes that come out."""

    builder: Builder
    name: str
    shapes: list[Shape]

    @property
    def shape(self) -> Shape:
        """The shape of the first tensor that comes out."""
        return self.shapes[0]


Made = Operand | Stretched | Sequence[Operand] | None
Rule = Callable[..., Made]


def _tuple(value: Any, axes: int) -> tuple[int, ...]:
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    return values * axes if len(values) == 1 else values


def _index(dim: int, rank: int) -> int:
    return dim % rank if rank else 0


def _dims(dim: Any, rank: int) -> list[int]:
    if dim is None or dim == ():
        return list(range(rank))
    return [_index(d, rank) for d in (dim if isinstance(dim, (tuple, list)) else (dim,))]


def _tensors(*operands: Any) -> list[Constant]:
    return [operand for operand in operands if isinstance(operand, Constant)]


# Windows


def _convolution(
    r: Reading,
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Made:
    if isinstance(weight, Tensor) or isinstance(bias, Tensor) or isinstance(input, Constant):
        return None
    axes = len(weight.shape) - 2
    around: Any = "same"
    if padding != "same":
        around = tuple((p, p) for p in _tuple(0 if padding == "valid" else padding, axes))
    slide = Slide(_tuple(stride, axes), around, _tuple(dilation, axes))
    return sliding.convolution(r.builder, input, weight, bias, slide, groups, r.shape)


def _transposed(
    r: Reading,
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Made:
    if isinstance(weight, Tensor) or isinstance(bias, Tensor) or isinstance(input, Constant):
        return None
    axes = len(weight.shape) - 2
    around = tuple((p, p) for p in _tuple(padding, axes))
    slide = Slide(_tuple(stride, axes), around, _tuple(dilation, axes))
    extra = _tuple(output_padding, axes)
    return sliding.transposed(r.builder, input, weight, bias, slide, extra, groups, r.shape)


def _max_pool(
    r: Reading,
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Made:
    axes = len(r.shape) - 2
    kernel = _tuple(kernel_size, axes)
    around = tuple((p, p) for p in _tuple(padding, axes))
    step = kernel if stride in (None, (), []) else _tuple(stride, axes)
    slide = Slide(step, around, _tuple(dilation, axes), ceil_mode)
    return sliding.pooling(r.builder, "max", input, kernel, slide, r.shape)


def _avg_pool(
    r: Reading,
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Made:
    axes = len(r.shape) - 2
    kernel = _tuple(kernel_size, axes)
    around = tuple((p, p) for p in _tuple(padding, axes))
    step = kernel if stride in (None, (), []) else _tuple(stride, axes)
    slide = Slide(step, around, (1,) * axes, ceil_mode)
    rescaled = divisor_override is not None or (any(map(any, around)) and not count_include_pad)
    return sliding.pooling(r.builder, "avg", input, kernel, slide, r.shape, rescaled)


def _adaptive(kind: str) -> Rule:
    def rule(r: Reading, input: Any, output_size: Any, return_indices: bool = False) -> Made:
        return sliding.adaptive(r.builder, kind, input, r.shape)

    return rule


def _interpolate(
    r: Reading,
    input: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Made:
    # With a factor f that is no whole number, places are m/f and not m i/o.
    factors = scale_factor if isinstance(scale_factor, (tuple, list)) else (scale_factor,)
    whole = size is not None or all(float(f).is_integer() for f in factors)
    exact = (whole or bool(recompute_scale_factor)) and not align_corners and not antialias
    return sliding.resized(r.builder, mode, input, r.shape, exact)


def _pad(r: Reading, input: Any, pad: Any, mode: str = "constant", value: Any = None) -> Made:
    pairs = [(pad[at], pad[at + 1]) for at in range(0, len(pad), 2)][::-1]
    pads = [(0, 0)] * (len(input.shape) - len(pairs)) + pairs
    word = "pad" if mode == "constant" else mode
    return moving.border(r.builder, input, pads, word, zeros=not value)


# Dense


def _linear(r: Reading, input: Any, weight: Any, bias: Any = None) -> Made:
    if isinstance(weight, Tensor) or isinstance(bias, Tensor) or len(weight.shape) != 2:
        return None
    return dense.linear(r.builder, input, weight, bias, weight.shape[0])


def _matmul(r: Reading, input: Any, other: Any) -> Made:
    if isinstance(input, Tensor) and isinstance(other, Constant) and len(other.shape) == 2:
        return dense.linear(r.builder, input, other, None, other.shape[1])
    return None


# MACs, from the shape that comes out and the arguments.


def _numel(operand: Operand) -> int:
    return prod(size for size in operand.shape if isinstance(size, int))


def _linear_macs(shape: Shape, input: Operand, weight: Operand, bias: Any = None) -> int:
    return _numel(input) * (prod(weight.shape[:-1]))


def _product_macs(shape: Shape, one: Operand, other: Operand, *_: Any, **__: Any) -> int | None:
    return dense.product_macs(one.shape, other.shape)


def _added_product_macs(
    shape: Shape, added: Operand, one: Operand, other: Operand, **_: Any
) -> int | None:
    return dense.product_macs(one.shape, other.shape)


def _einsum_macs(shape: Shape, equation: Any, *operands: Any, **_: Any) -> int | None:
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    if not isinstance(equation, str) or len(operands) != 2:
        return None
    return dense.einsum_macs(equation, [operand.shape for operand in operands])


def _attention_macs(
    shape: Shape, query: Operand, key: Operand, value: Operand, *_: Any, **__: Any
) -> int | None:
    return dense.attention_macs(query.shape, key.shape, value.shape)


def _conv_macs(shape: Shape, input: Operand, weight: Operand, *_: Any, **__: Any) -> int | None:
    return sliding.convolution_macs(weight.shape, shape)


def _transposed_macs(
    shape: Shape, input: Operand, weight: Operand, *_: Any, **__: Any
) -> int | None:
    return sliding.convolution_macs(weight.shape, input.shape)


def _multi_head_macs(
    shape: Shape,
    query: Operand,
    key: Operand,
    value: Operand,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Any,
    in_proj_bias: Any,
    bias_k: Any,
    bias_v: Any,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Operand,
    *_: Any,
    **__: Any,
) -> int:
    """Four projections and two products; lengths come first, widths last."""
    width = embed_dim_to_check
    long = _length(key) + (bias_k is not None) + bool(add_zero_attn)
    projections = sum(_numel(operand) * width for operand in (query, key, value))
    positions = _numel(query) // width
    return projections + 2 * positions * long * width + positions * _numel(out_proj_weight)


def _recurrent_macs(shape: Shape, input: Operand, state: Any, weights: Any, *_: Any) -> int:
    """Every matrix of weights once at each step."""
    steps = prod(size for size in input.shape[:-1] if isinstance(size, int))
    return steps * sum(_numel(weight) for weight in weights if len(weight.shape) == 2)


def _length(operand: Operand) -> int:
    size = operand.shape[0]
    assert isinstance(size, int)
    return size


# Position by position


def _activation(word: str) -> Rule:
    def rule(r: Reading, input: Any, *_: Any, **__: Any) -> Made:
        return pointwise.elementwise(r.builder, input, word)

    return rule


def _hardtanh(
    r: Reading, input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Made:
    if (min_val, max_val) == (0, 6):
        return pointwise.elementwise(r.builder, input, "relu6")
    return pointwise.nameless(r.builder, "hardtanh", input, [])


def _clamp(r: Reading, input: Any, min: Any = None, max: Any = None) -> Made:
    bounds = [None if isinstance(b, (Tensor, Constant)) else b for b in (min, max)]
    if bounds == [0, 6]:
        return pointwise.elementwise(r.builder, input, "relu6")
    if bounds == [0, None] and max is None:
        return pointwise.elementwise(r.builder, input, "relu")
    return _nameless(r, input, min, max)


def _softmax(r: Reading, input: Any, dim: Any = None, *_: Any, **__: Any) -> Made:
    return None if dim is None else pointwise.softmax(r.builder, input, _index(dim, len(r.shape)))


def _glu(r: Reading, input: Any, dim: int = -1) -> Made:
    index = _index(dim, len(r.shape))
    half, size = r.shape[index], input.shape[index]
    value = moving.narrow(r.builder, input, index, 0, half)
    gate = moving.narrow(r.builder, input, index, half, size)
    opened = pointwise.elementwise(r.builder, gate, "sigmoid")
    return pointwise.merged(r.builder, "mul", [value, opened])


def _batch_norm(
    r: Reading,
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    *_: Any,
    **__: Any,
) -> Made:
    held = _tensors(weight, bias)
    return pointwise.norm(r.builder, "batch_norm", Layer("bn"), input, held)


def _instance_norm(
    r: Reading,
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    *_: Any,
    **__: Any,
) -> Made:
    held = _tensors(weight, bias)
    return pointwise.norm(r.builder, "instance_norm", Layer("in"), input, held)


def _group_norm(
    r: Reading,
    input: Any,
    num_groups: int,
    weight: Any = None,
    bias: Any = None,
    *_: Any,
    **__: Any,
) -> Made:
    held = _tensors(weight, bias)
    return pointwise.norm(r.builder, "group_norm", Layer("gn", (num_groups,)), input, held)


def _layer_norm(
    r: Reading,
    input: Any,
    normalized_shape: Any,
    weight: Any = None,
    bias: Any = None,
    *_: Any,
    **__: Any,
) -> Made:
    dims = len(normalized_shape) if isinstance(normalized_shape, (tuple, list)) else 1
    held = _tensors(weight, bias if not isinstance(bias, float) else None)
    return pointwise.layer_norm(r.builder, input, dims, held, r.name.strip("_"))


def _response_norm(r: Reading, input: Any, size: int, *_: Any, **__: Any) -> Made:
    if size == 5:
        return pointwise.elementwise(r.builder, input, "lrn")
    return pointwise.nameless(r.builder, "local_response_norm", input, [])


def _nameless(r: Reading, *operands: Any, **others: Any) -> Made:
    """An operation number by number, on operands that are stretched where need be."""
    every = [o for o in (*operands, *others.values()) if isinstance(o, (Tensor, Constant))]
    tensors = [operand for operand in every if isinstance(operand, Tensor)]
    name = _WORDS.get(r.name.strip("_"), r.name.strip("_"))
    if len(tensors) == 1 and equal_shapes(tensors[0].shape, r.shape):
        return pointwise.nameless(r.builder, name, tensors[0], _tensors(*every))
    return r.builder.made(name, every, r.shape, channels=channels_in(r.shape))


# Operators and methods under one name.
_WORDS = {"truediv": "div", "rtruediv": "div", "rsub": "sub", "rpow": "pow", "subtract": "sub"}


def _add(r: Reading, input: Any, other: Any, *, alpha: float = 1, out: Any = None) -> Made:
    if alpha == 1:
        return _met("add", r, input, other)
    return _nameless(r, *pointwise.relaxed([input, other], r.builder))


def _mul(r: Reading, input: Any, other: Any, *, out: Any = None) -> Made:
    return _met("mul", r, input, other)


def _met(word: str, r: Reading, input: Any, other: Any) -> Made:
    numbers = isinstance(other, (int, float, complex))
    if not numbers:
        input, other = pointwise.relaxed([input, other], r.builder)
    elif isinstance(input, Stretched):
        input = r.builder.settled(input)
    one, two = (input, other) if isinstance(input, Tensor) else (other, input)
    if isinstance(two, Tensor):
        return pointwise.merged(r.builder, word, [input, other])
    if isinstance(two, Constant):
        return pointwise.scale(r.builder, word, one, two)
    if two == (0 if word == "add" else 1):  # sum([..]) begins with 0
        return one
    return pointwise.nameless(r.builder, word, one, [])


def _dropout(r: Reading, input: Any, *_: Any, **__: Any) -> Made:
    return pointwise.elementwise(r.builder, input, "dropout")


# Moving numbers


def _same(r: Reading, input: Any, *_: Any, **__: Any) -> Made:
    return input if equal_shapes(input.shape, r.shape) else None


def _expand(r: Reading, input: Any, *_: Any, **__: Any) -> Made:
    return moving.expand(input, r.shape)


def _view(r: Reading, input: Any, *_: Any, **__: Any) -> Made:
    return moving.view(r.builder, input, r.shape)


def _permute(r: Reading, input: Any, *dims: Any, **named: Any) -> Made:
    given = named.get("dims", dims[0] if dims and isinstance(dims[0], (tuple, list)) else dims)
    return moving.permute(input, _dims(given, len(input.dims)))


def _transpose(r: Reading, input: Any, *dims: Any, **named: Any) -> Made:
    rank = len(input.dims)
    one, two = (_index(dim, rank) for dim in (*dims, *named.values()))
    order = list(range(rank))
    order[one], order[two] = two, one
    return moving.permute(input, order)


def _turned(r: Reading, input: Any) -> Made:
    order = list(range(len(input.dims)))
    order[-2:] = order[-2:][::-1]
    return moving.permute(input, order if r.name in ("mT", "t") else order[::-1])


def _movedim(r: Reading, input: Any, source: Any, destination: Any) -> Made:
    rank = len(input.dims)
    places = dict(zip(_dims(destination, rank), _dims(source, rank), strict=True))
    rest = iter(index for index in range(rank) if index not in places.values())
    return moving.permute(input, [places[i] if i in places else next(rest) for i in range(rank)])


def _cat(r: Reading, tensors: Any, dim: int = 0, **named: Any) -> Made:
    index = _index(named.get("axis", dim), len(r.shape))
    kept = [operand for operand in tensors if operand.shape != (0,)]
    return moving.concatenate(r.builder, kept, index)


def _pieces(r: Reading, input: Any, *args: Any, **named: Any) -> Made:
    """`chunk` and `split`: pieces one after another, whose sizes are those that came out."""
    given = named.get("dim", args[1] if len(args) > 1 else 0)
    index, start = _index(given, len(input.dims)), 0
    found = []
    for shape in r.shapes:
        stop = start + shape[index]
        found.append(moving.narrow(r.builder, input, index, start, stop))
        start = stop
    return found


def _unbind(r: Reading, input: Any, dim: int = 0) -> Made:
    index = _index(dim, len(input.dims))
    return [_select(r, input, index, at) for at in range(len(r.shapes))]


def _select(r: Reading, input: Any, dim: int, index: int) -> Tensor:
    dim = _index(dim, len(input.dims))
    index = index % input.shape[dim]
    piece = moving.narrow(r.builder, input, dim, index, index + 1)
    return moving.squeeze(piece, [dim])


def _narrow(r: Reading, input: Any, dim: int, start: Any, length: int) -> Made:
    if not isinstance(start, int):
        return None
    dim = _index(dim, len(input.dims))
    start = start % input.shape[dim]
    return moving.narrow(r.builder, input, dim, start, start + length)


def _getitem(r: Reading, input: Tensor, index: Any) -> Made:
    """Whole numbers, slices in steps of 1, None and `...`; anything else has no word."""
    parts = list(index) if isinstance(index, tuple) else [index]
    if not all(p is None or p is ... or type(p) in (int, slice) for p in parts):
        return None
    taken = sum(1 for part in parts if part is not None and part is not ...)
    whole = [slice(None)] * (len(input.dims) - taken)
    at = parts.index(...) if ... in parts else len(parts)
    parts[at : at + 1] = whole
    dim, tensor = 0, input
    for part in parts:
        if part is None:
            tensor = moving.unsqueeze(tensor, dim)
            dim += 1
        elif isinstance(part, int):
            tensor = _select(r, tensor, dim, part)
        else:
            start, stop, step = part.indices(tensor.shape[dim])
            if step != 1 or stop <= start:
                return None
            tensor = moving.narrow(r.builder, tensor, dim, start, stop)
            dim += 1
    return tensor


def _fresh(r: Reading, *_: Any, **__: Any) -> Made:
    """Of the input only the shape and the type of numbers are looked at."""
    return Constant(r.shape)


def _reduced(kind: str) -> Rule:
    def rule(r: Reading, input: Any, dim: Any = None, *args: Any, **named: Any) -> Made:
        given = named.get("axis", dim)
        if isinstance(given, (Tensor, Constant)):
            return _nameless(r, input, given)  # torch.max of two tensors
        gone = _dims(given, len(input.dims))
        name = r.name.strip("_")
        return sliding.reduced(r.builder, kind, name, input, gone, r.shape)

    return rule


def _pixel_shuffle(r: Reading, input: Any, upscale_factor: int) -> Made:
    return sliding.depth_to_space(r.builder, input, upscale_factor, r.shape)


def _channel_shuffle(r: Reading, input: Any, groups: int) -> Made:
    return sliding.shuffled(r.builder, input, groups)


_ACTIVATIONS = {
    **{
        word: word
        for word in (
            *("relu", "relu6", "selu", "silu", "gelu", "mish", "softplus", "sigmoid"),
            *("hardsigmoid", "hardswish", "tanh", "elu"),
        )
    },
    "leaky_relu": "leakyrelu",
}
_SUMS = ("add", "iadd", "radd")
_PRODUCTS = ("mul", "imul", "rmul", "multiply")
_AXES = ("1d", "2d", "3d")

# Names without the underscores around them: `add`, `add_`, `__iadd__` are `add`, `add`, `iadd`.
RULES: dict[str, Rule] = {
    **{f"conv{axes}": _convolution for axes in _AXES},
    **{f"conv_transpose{axes}": _transposed for axes in _AXES},
    **{f"max_pool{axes}{tail}": _max_pool for axes in _AXES for tail in ("", "_with_indices")},
    **{f"avg_pool{axes}": _avg_pool for axes in _AXES},
    **{f"adaptive_avg_pool{axes}": _adaptive("gap") for axes in _AXES},
    **{
        f"adaptive_max_pool{axes}{tail}": _adaptive("gmp")
        for axes in _AXES
        for tail in ("", "_with_indices")
    },
    "interpolate": _interpolate,
    "upsample": _interpolate,
    "pad": _pad,
    "linear": _linear,
    **dict.fromkeys(("matmul", "mm"), _matmul),
    **{name: _activation(word) for name, word in _ACTIVATIONS.items()},
    "hardtanh": _hardtanh,
    **dict.fromkeys(("clamp", "clip"), _clamp),
    "softmax": _softmax,
    "glu": _glu,
    "batch_norm": _batch_norm,
    "instance_norm": _instance_norm,
    "group_norm": _group_norm,
    **dict.fromkeys(("layer_norm", "rms_norm"), _layer_norm),
    "local_response_norm": _response_norm,
    **dict.fromkeys(_SUMS, _add),
    **dict.fromkeys(_PRODUCTS, _mul),
    **dict.fromkeys(
        (
            *("sub", "isub", "rsub", "subtract", "div", "truediv", "rtruediv", "itruediv"),
            *("pow", "ipow", "rpow", "neg", "abs", "exp", "log", "sqrt", "rsqrt", "square"),
            *("sin", "cos", "erf", "reciprocal", "floor", "ceil", "round", "sign", "threshold"),
            *("celu", "prelu", "rrelu", "logsigmoid", "softsign", "tanhshrink", "clamp_min"),
            *("clamp_max", "maximum", "minimum", "lerp", "where", "masked_fill", "addcmul"),
            *("hardshrink", "softshrink", "nan_to_num", "log1p", "expm1"),
        ),
        _nameless,
    ),
    **{f"{lead}dropout{axes}": _dropout for lead in ("", "feature_") for axes in ("", *_AXES)},
    **dict.fromkeys(("alpha_dropout", "feature_alpha_dropout"), _dropout),
    **dict.fromkeys(
        (
            *("contiguous", "clone", "detach", "to", "type", "type_as", "float", "half", "double"),
            *(
                "as_subclass",
                "bfloat16",
                "cpu",
                "cuda",
                "data",
                "requires_grad",
                "alias",
                "positive",
                "real",
            ),
        ),
        _same,
    ),
    **dict.fromkeys(("expand", "expand_as", "broadcast_to"), _expand),
    **dict.fromkeys(
        (
            *("view", "view_as", "reshape", "reshape_as", "flatten", "ravel", "unflatten"),
            *("squeeze", "unsqueeze"),
        ),
        _view,
    ),
    "permute": _permute,
    **dict.fromkeys(("transpose", "swapaxes", "swapdims"), _transpose),
    **dict.fromkeys(("T", "mT", "t"), _turned),
    **dict.fromkeys(("movedim", "moveaxis"), _movedim),
    **dict.fromkeys(("cat", "concat", "concatenate"), _cat),
    **dict.fromkeys(("chunk", "split", "split_with_sizes", "tensor_split"), _pieces),
    "unbind": _unbind,
    "select": _select,
    "narrow": _narrow,
    "getitem": _getitem,
    **{f"new_{what}": _fresh for what in ("zeros", "ones", "full", "empty", "tensor")},
    **{f"{what}_like": _fresh for what in ("zeros", "ones", "full", "empty", "rand", "randn")},
    "mean": _reduced("gap"),
    **dict.fromkeys(("amax", "max"), _reduced("gmp")),
    "sum": _reduced(""),
    "pixel_shuffle": _pixel_shuffle,
    "channel_shuffle": _channel_shuffle,
}

MEETING = {*_SUMS, *_PRODUCTS}

# The MACs of what may be opaque, from its arguments.
MACS: dict[str, Callable[..., int | None]] = {
    "linear": _linear_macs,
    **dict.fromkeys(("matmul", "mm", "bmm", "mv", "dot", "vdot", "inner"), _product_macs),
    **dict.fromkeys(("addmm", "baddbmm", "addmv", "addbmm"), _added_product_macs),
    "einsum": _einsum_macs,
    "scaled_dot_product_attention": _attention_macs,
    "multi_head_attention_forward": _multi_head_macs,
    **dict.fromkeys(("lstm", "gru", "rnn_tanh", "rnn_relu"), _recurrent_macs),
    **{f"conv{axes}": _conv_macs for axes in _AXES},
    **{f"conv_transpose{axes}": _transposed_macs for axes in _AXES},
}

# Nothing of these is a product of matrices. What is in RULES and not in MACS belongs here too.
FREE = (RULES.keys() - MACS.keys()) | {
    *("weight_norm", "norm_except_dim", "vector_norm", "linalg_vector_norm"),
    *("arange", "argmax", "argmin", "argsort", "any", "all", "as_strided", "bernoulli"),
    *("bitwise_not", "cummax", "cumprod", "cumsum", "bool", "channel_dropout", "diag"),
    *("diagonal", "diff", "embedding", "empty", "eq", "eye", "fill", "flip", "fold"),
    *("full", "gather", "ge", "grid_sample", "affine_grid", "gt", "gumbel_softmax"),
    *("index", "index_add", "index_copy", "index_fill", "index_put", "index_select", "int"),
    *("isinf", "isnan", "item", "le", "linspace", "log_softmax", "logical_and"),
    *("logical_not", "logical_or", "logsumexp", "long", "lp_pool1d", "lp_pool2d", "lt"),
    *("masked_scatter", "max_unpool1d", "max_unpool2d", "max_unpool3d", "meshgrid"),
    *("native_channel_shuffle", "ne", "norm", "normal", "normalize", "one_hot", "ones"),
    *("pixel_unshuffle", "prod", "rand", "randn", "randint", "repeat", "repeat_interleave"),
    *("roll", "scatter", "scatter_add", "setitem", "sort", "stack", "std", "std_mean"),
    *("softmin", "take", "tensor", "tile", "topk", "tril", "triu", "unfold"),
    *("upsample_nearest", "upsample_bilinear", "var", "var_mean", "vstack", "hstack"),
    *("dstack", "zero", "zeros", "empty_strided", "scalar_tensor", "as_tensor"),
    *("from_numpy", "fractional_max_pool2d", "min", "median", "copy", "uniform", "and"),
    *("or", "xor", "invert", "rfloordiv", "floordiv", "floor_divide", "mod", "remainder"),
    *("fmod", "view_as_real", "view_as_complex", "polar", "outer_product", "fill_diagonal"),
    *("clone_preserve_strides"),
}
