"""PyTorch's products of matrices, and the MACs of whatever multiplies and adds."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

from convalgebra.readers.graphs import dense, sliding
from convalgebra.readers.graphs.builder import (
    Constant,
    Operand,
    Tensor,
)
from convalgebra.readers.torch_module.calls import Made, Reading
from convalgebra.shapes import Shape


def linear(r: Reading, input: Any, weight: Any, bias: Any = None) -> Made:
    if isinstance(weight, Tensor) or isinstance(bias, Tensor) or len(weight.shape) != 2:
        return None
    return dense.linear(r.builder, input, weight, bias, weight.shape[0])


def matmul(r: Reading, input: Any, other: Any) -> Made:
    if isinstance(input, Tensor) and isinstance(other, Constant) and len(other.shape) == 2:
        turned = replace(other, held=None)  # (in, out)
        return dense.linear(r.builder, input, turned, None, other.shape[1])
    return None


# MACs, from the shape that comes out and the arguments.


def _numel(operand: Operand) -> int:
    return prod(size for size in operand.shape if isinstance(size, int))


def linear_macs(shape: Shape, input: Operand, weight: Operand, bias: Any = None) -> int:
    return _numel(input) * (prod(weight.shape[:-1]))


def product_macs(shape: Shape, one: Operand, other: Operand, *_: Any, **__: Any) -> int | None:
    return dense.product_macs(one.shape, other.shape)


def added_product_macs(
    shape: Shape, added: Operand, one: Operand, other: Operand, **_: Any
) -> int | None:
    return dense.product_macs(one.shape, other.shape)


def einsum_macs(shape: Shape, equation: Any, *operands: Any, **_: Any) -> int | None:
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    if not isinstance(equation, str) or len(operands) != 2:
        return None
    return dense.einsum_macs(equation, [operand.shape for operand in operands])


def attention_macs(
    shape: Shape, query: Operand, key: Operand, value: Operand, *_: Any, **__: Any
) -> int | None:
    return dense.attention_macs(query.shape, key.shape, value.shape)


def conv_macs(shape: Shape, input: Operand, weight: Operand, *_: Any, **__: Any) -> int | None:
    return sliding.convolution_macs(weight.shape, shape)


def transposed_macs(
    shape: Shape, input: Operand, weight: Operand, *_: Any, **__: Any
) -> int | None:
    return sliding.convolution_macs(weight.shape, input.shape)


def multi_head_macs(
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


def recurrent_macs(shape: Shape, input: Operand, state: Any, weights: Any, *_: Any) -> int | None:
    """Every matrix of weights once at each step; not known where they stand in another place."""
    matrices = [weight for weight in weights if len(weight.shape) == 2]
    steps = prod(size for size in input.shape[:-1] if isinstance(size, int))
    return steps * sum(map(_numel, matrices)) if matrices else None


def cell_macs(shape: Shape, input: Operand, state: Any, *weights: Any) -> int | None:
    """One step of a recurrent layer."""
    return recurrent_macs(shape, input, state, [w for w in weights if isinstance(w, Constant)])


def _length(operand: Operand) -> int:
    size = operand.shape[0]
    assert isinstance(size, int)
    return size
