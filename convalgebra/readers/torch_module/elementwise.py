"""PyTorch's functions at each position: activations, norms, sums and products."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from convalgebra.readers.graphs import moving, pointwise
from convalgebra.readers.graphs.builder import (
    Constant,
    Stretched,
    Tensor,
)
from convalgebra.readers.torch_module.calls import Made, Reading, Rule, constants_in, place_of


def activation(word: str) -> Rule:
    def rule(r: Reading, input: Any, *_: Any, **__: Any) -> Made:
        return pointwise.elementwise(r.builder, input, word)

    return rule


def hardtanh(
    r: Reading, input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Made:
    if (min_val, max_val) == (0, 6):
        return pointwise.elementwise(r.builder, input, "relu6")
    return pointwise.nameless(r.builder, "hardtanh", input, [])


def clamp(r: Reading, input: Any, min: Any = None, max: Any = None) -> Made:
    bounds = [None if isinstance(b, (Tensor, Constant)) else b for b in (min, max)]
    if bounds == [0, 6]:
        return pointwise.elementwise(r.builder, input, "relu6")
    if bounds == [0, None] and max is None:
        return pointwise.elementwise(r.builder, input, "relu")
    return nameless(r, input, min, max)


def prelu(r: Reading, input: Any, weight: Any) -> Made:
    if not isinstance(weight, Constant):
        return nameless(r, input, weight)
    along = (1,) * (len(input.shape) - 2)  # the slopes are those of dimension 1
    return pointwise.prelu(r.builder, input, replace(weight, shape=(*weight.shape, *along)))


def softmax(r: Reading, input: Any, dim: Any = None, *_: Any, **__: Any) -> Made:
    return None if dim is None else pointwise.softmax(r.builder, input, place_of(dim, len(r.shape)))


def glu(r: Reading, input: Any, dim: int = -1) -> Made:
    index = place_of(dim, len(r.shape))
    half, size = r.shape[index], input.shape[index]
    value = moving.narrow(r.builder, input, index, 0, half)
    gate = moving.narrow(r.builder, input, index, half, size)
    opened = pointwise.elementwise(r.builder, gate, "sigmoid")
    return pointwise.merged(r.builder, "mul", [value, opened])


def with_statistics(name: str, word: str) -> Rule:
    """A norm with running statistics.

    `torch.batch_norm` takes its weights before them, `torch.nn.functional.batch_norm` behind them,
    and both go by one name: of the four its weights are those that are parameters. Both take eps as
    the eighth argument; only the first has a ninth.
    """
    weights, statistics = ("weight", "bias"), ("running_mean", "running_var")

    def rule(r: Reading, input: Any, *rest: Any, **named: Any) -> Made:
        held = [c for c in constants_in(*rest[:4], *named.values()) if c.parameters]
        eps = rest[6] if len(rest) > 6 else named.get("eps", 1e-5)
        before = len(rest) > 7 or "cudnn_enabled" in named
        roles = (*weights, *statistics) if before else (*statistics, *weights)
        arrays = dict.fromkeys(roles) | dict(zip(roles, rest, strict=False))
        arrays |= {role: named[role] for role in roles if role in named}
        if rest[4] if len(rest) > 4 else named.get("training"):  # statistics of the input
            arrays |= dict.fromkeys(statistics)
        return pointwise.norm(r.builder, name, pointwise.norm_layer(word, eps), input, held, arrays)

    return rule


def group_norm(
    r: Reading,
    input: Any,
    num_groups: int,
    weight: Any = None,
    bias: Any = None,
    eps: Any = 1e-5,
    *_: Any,
    **__: Any,
) -> Made:
    held = constants_in(weight, bias)
    layer = pointwise.norm_layer("gn", eps, (num_groups,))
    return pointwise.norm(r.builder, "group_norm", layer, input, held, {})


def layer_norm(
    r: Reading,
    input: Any,
    normalized_shape: Any,
    weight: Any = None,
    bias: Any = None,
    eps: Any = 1e-5,
    *_: Any,
    **__: Any,
) -> Made:
    dims = len(normalized_shape) if isinstance(normalized_shape, (tuple, list)) else 1
    held = constants_in(weight, bias if not isinstance(bias, float) else None)
    return pointwise.layer_norm(r.builder, input, dims, held, r.name.strip("_"), eps)


def response_norm(r: Reading, input: Any, size: int, *_: Any, **__: Any) -> Made:
    return pointwise.response_norm(r.builder, input, size)


def nameless(r: Reading, *operands: Any, **others: Any) -> Made:
    """An operation number by number, on operands that are stretched where need be."""
    every = [o for o in (*operands, *others.values()) if isinstance(o, (Tensor, Constant))]
    word = r.name.strip("_")
    return pointwise.each(r.builder, WORDS.get(word, word), every, r.shape)


# Operators and methods under one name.
WORDS = {
    **dict.fromkeys(("truediv", "rtruediv", "itruediv", "divide", "true_divide"), "div"),
    **dict.fromkeys(("isub", "rsub", "subtract"), "sub"),
    **dict.fromkeys(("ipow", "rpow", "float_power"), "pow"),
    **dict.fromkeys(("floordiv", "rfloordiv", "ifloordiv"), "floor_divide"),
}


def add(r: Reading, input: Any, other: Any, *, alpha: float = 1, out: Any = None) -> Made:
    if alpha == 1:
        return _met("add", r, input, other)
    return nameless(r, *pointwise.relaxed([input, other], r.builder))


def mul(r: Reading, input: Any, other: Any, *, out: Any = None) -> Made:
    return _met("mul", r, input, other)


def _met(word: str, r: Reading, input: Any, other: Any) -> Made:
    numbers = [part for part in (input, other) if isinstance(part, (int, float, complex))]
    operands = [part for part in (input, other) if part not in numbers]
    if not numbers:
        return pointwise.met(r.builder, word, operands)
    (one,) = (r.builder.settled(o) if isinstance(o, Stretched) else o for o in operands)
    if numbers == [0 if word == "add" else 1]:  # sum([..]) begins with 0
        return one
    return pointwise.nameless(r.builder, word, one, [])


def dropout(r: Reading, input: Any, *_: Any, **__: Any) -> Made:
    return pointwise.elementwise(r.builder, input, "dropout")
