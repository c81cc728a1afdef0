"""ONNX operators that multiply matrices, and their MACs."""

from __future__ import annotations

from dataclasses import replace

from convalgebra.readers.graphs import dense
from convalgebra.readers.graphs.builder import (
    Constant,
    Tensor,
)
from convalgebra.readers.onnx_file.nodes import Made, Reading, fitting, tensor_in
from convalgebra.shapes import Shape
from convalgebra.sizes import product, same, simplest


def gemm(r: Reading) -> Made:
    x, weight, bias = tensor_in(r), r.get(1), r.get(2)
    turned = bool(r.attributes.get("transB", 0))
    if x is None or not isinstance(weight, Constant) or r.attributes.get("transA", 0):
        return None
    if len(x.shape) != 2:
        raise r.fault("expected two matrices")
    if len(weight.shape) != 2 or same(x.shape[-1], weight.shape[1 if turned else 0]) is False:
        raise r.fault("the matrix does not fit what comes in")
    out = weight.shape[0 if turned else 1]
    if isinstance(bias, Tensor) or (bias is not None and not same(bias.numel, out)):
        return None
    if not turned or r.attributes.get("alpha", 1.0) != 1:
        weight = replace(weight, held=None)
    if bias is not None and r.attributes.get("beta", 1.0) != 1:
        bias = replace(bias, held=None)
    return dense.linear(r.builder, x, weight, bias, out)


def matmul(r: Reading) -> Made:
    x, weight, bias = tensor_in(r), r.get(1), r.get(2)
    if x is None or not isinstance(weight, Constant) or len(weight.shape) != 2:
        return None
    if same(x.shape[-1], weight.shape[0]) is False:
        raise r.fault("the matrices do not fit each other")
    held = bias if isinstance(bias, Constant) else None
    turned = replace(weight, held=None)  # (in, out)
    return dense.linear(r.builder, x, turned, held, weight.shape[1])


def product_macs(r: Reading) -> tuple[Shape, int | None]:
    one, other = r.get(0), r.get(1)
    if one is None or other is None or not one.shape or not other.shape:
        raise r.fault("expected two matrices")
    if same(one.shape[-1], other.shape[-2 if len(other.shape) > 1 else 0]) is False:
        raise r.fault("the matrices do not fit each other")
    fitting(r, [one.shape[:-2], other.shape[:-2]])
    shape = dense.product_shape(one.shape, other.shape)
    return shape, dense.product_macs(one.shape, other.shape)


def gemm_macs(r: Reading) -> tuple[Shape, int | None]:
    one, other = r.get(0), r.get(1)
    if one is None or other is None or len(one.shape) != 2 or len(other.shape) != 2:
        raise r.fault("expected two matrices")
    left = one.shape[::-1] if r.attributes.get("transA", 0) else one.shape
    right = other.shape[::-1] if r.attributes.get("transB", 0) else other.shape
    return dense.product_shape(left, right), dense.product_macs(left, right)


def einsum(r: Reading) -> tuple[Shape, int | None]:
    shapes = [operand.shape for operand in r.inputs if operand is not None]
    equation = str(r.attributes.get("equation", ""))
    read = dense.einsum_terms(equation, shapes)
    sizes = None if read is None else dense.einsum_sizes(read[0], shapes)
    if read is None or sizes is None:
        raise r.fault("an equation that is not read")
    return tuple(sizes[letter] for letter in read[1]), dense.einsum_macs(equation, shapes)


def recurrent_macs(r: Reading) -> int | None:
    """Every weight of the two matrices once at each step."""
    x, matrices = r.get(0), [r.get(1), r.get(2)]
    if x is None or any(m is None or len(m.shape) != 3 for m in (x, *matrices)):
        raise r.fault("expected a sequence and two stacks of matrices")
    weights = sum((matrix.numel for matrix in matrices if isinstance(matrix, Constant)), 0)
    if any(isinstance(matrix, Tensor) for matrix in matrices):
        return None
    return dense.number(simplest(product(x.shape[:2]) * weights))
