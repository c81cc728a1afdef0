"""Operations at each position by itself: activations, norms, scales, sums, products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import Any

from convalgebra.layers import Layer
from convalgebra.readers.graphs.arrangements import Dimension, Dims, is_whole, shape_of
from convalgebra.readers.graphs.builder import (
    Builder,
    Constant,
    Operand,
    Stretched,
    Tensor,
    channels_in,
    channels_of,
    equal_shapes,
)
from convalgebra.shapes import Shape
from convalgebra.sizes import product, same


def elementwise(builder: Builder, tensor: Tensor, word: str) -> Tensor:
    """An activation, or another layer that makes one number of each."""
    return _layer(builder, Layer(word), word, tensor, [])


def _layer(
    builder: Builder,
    layer: Layer | None,
    name: str,
    tensor: Tensor,
    constants: Sequence[Constant],
    arrays: Mapping[str, Constant | None] | None = None,
) -> Tensor:
    """`layer`, or opaque where there is none, or none with these weights and sizes."""
    node = None
    if layer is not None:
        node = builder.layer(layer, [tensor.node], constants, arrays=arrays)
    return nameless(builder, name, tensor, constants) if node is None else Tensor(node, tensor.dims)


def nameless(builder: Builder, name: str, tensor: Tensor, constants: Sequence[Constant]) -> Tensor:
    """An operation on each number, or each position, that the language has no word for."""
    at = builder.shape_at(tensor)
    return Tensor(builder.opaque(name, [tensor.node], at, 0, constants), tensor.dims)


def each(builder: Builder, name: str, operands: Sequence[Operand], shape: Shape) -> Tensor:
    """An operation number by number that the language has no word for; `shape` comes out."""
    tensors = [operand for operand in operands if isinstance(operand, Tensor)]
    if len(tensors) == 1 and equal_shapes(tensors[0].shape, shape):
        constants = [operand for operand in operands if isinstance(operand, Constant)]
        return nameless(builder, name, tensors[0], constants)
    return builder.made(name, operands, shape, channels=channels_in(shape))


def softmax(builder: Builder, tensor: Tensor, dim: int) -> Tensor:
    """Softmax over one dimension: a word where that is the channels."""
    if is_whole(tensor.dims[dim], 0, builder.shape_at(tensor)):
        return elementwise(builder, tensor, "softmax")
    return builder.made("softmax", [tensor], tensor.shape)


def norm_layer(word: str, eps: Any, size: tuple[Any, ...] = ()) -> Layer | None:
    """The layer of a norm; None where what it adds to variances is not a number from 0."""
    known = isinstance(eps, (int, float)) and not isinstance(eps, bool) and 0 <= eps < inf
    return Layer(word, size, eps=eps) if known else None


def norm(
    builder: Builder,
    name: str,
    layer: Layer | None,
    tensor: Tensor,
    constants: Sequence[Constant],
    arrays: Mapping[str, Constant | None],
) -> Tensor:
    """A norm with channels in dimension 1: `layer`, or opaque where its weights are others."""
    if len(tensor.dims) < 2 or not is_whole(tensor.dims[1], 0, builder.shape_at(tensor)):
        tensor = builder.in_order(tensor)
    if layer is not None and not constants:
        layer = replace(layer, kind=f"plain{layer.kind}")
    known = layer if _has_channels(builder, tensor) else None
    return _layer(builder, known, name, tensor, constants, arrays)


def response_norm(builder: Builder, tensor: Tensor, size: Any) -> Tensor:
    """A local response norm over so many channels: a word where these are 5."""
    known = Layer("lrn") if size == 5 and _has_channels(builder, tensor) else None
    return _layer(builder, known, "local_response_norm", tensor, [])


def _has_channels(builder: Builder, tensor: Tensor) -> bool:
    """Whether the channels are dimension 1, and dimension 0 is a batch of 1."""
    at = builder.shape_at(tensor)
    return len(tensor.dims) > 1 and not tensor.dims[0] and is_whole(tensor.dims[1], 0, at)


def layer_norm(
    builder: Builder, tensor: Tensor, dims: int, constants: Sequence[Constant], name: str, eps: Any
) -> Tensor:
    """Layer norm over the last `dims` dimensions."""
    at, known = builder.shape_at(tensor), None
    if name == "layer_norm" and dims == 1:
        if not is_whole(tensor.dims[-1], 0, at):
            tensor = builder.in_order(tensor, len(tensor.dims) - 1)
        plain = norm_layer("plainln", eps)
        alone = len(constants) == 1 and same(constants[0].numel, builder.shape_at(tensor)[0])
        if plain is not None and alone:
            return scale(builder, "mul", _layer(builder, plain, name, tensor, []), constants[0])
        known = norm_layer("ln", eps) if constants else plain
    return _layer(builder, known, name, tensor, constants)


def prelu(builder: Builder, tensor: Tensor, slopes: Constant) -> Tensor:
    """A ReLU with slopes that are weights: one for each channel, or one for all."""
    known = None
    if same(product(slopes.shape), 1):
        known = Layer("sharedprelu")
    elif _per_channel(tensor.dims, builder.shape_at(tensor), slopes.shape):
        known = Layer("prelu")
    return _layer(builder, known, "prelu", tensor, [slopes])


def scale(builder: Builder, name: str, tensor: Tensor, constant: Constant) -> Tensor:
    """A product or sum with a constant: `scale` where it is one weight a channel."""
    at = builder.shape_at(tensor)
    shape = broadcast([tensor.shape, constant.shape])
    if name == "mul" and _per_channel(tensor.dims, at, constant.shape):
        arrays = {"weight": constant}
        node = builder.layer(Layer("scale"), [tensor.node], [constant], arrays=arrays)
        if node is not None:
            return Tensor(node, tensor.dims)
    if equal_shapes(shape, tensor.shape):
        return nameless(builder, name, tensor, [constant])
    return builder.made(name, [tensor, constant], shape, channels=len(shape) - 1)


def _per_channel(dims: Dims, at: Shape, shape: Shape) -> bool:
    long = (1,) * (len(dims) - len(shape)) + tuple(shape)
    return len(long) == len(dims) and all(
        same(size, at[0]) and is_whole(dimension, 0, at)
        if is_whole(dimension, 0, at)
        else same(size, 1)
        for dimension, size in zip(dims, long, strict=True)
    )


def met(builder: Builder, kind: str, operands: Sequence[Operand | Stretched]) -> Tensor:
    """`add` or `mul` of operands, constants among them."""
    settled = relaxed(operands, builder)
    tensors = [operand for operand in settled if isinstance(operand, Tensor)]
    constants = [operand for operand in settled if isinstance(operand, Constant)]
    if len(tensors) == len(constants) == 1:
        return scale(builder, kind, tensors[0], constants[0])
    return merged(builder, kind, settled) if len(operands) > 1 else tensors[0]


def merged(builder: Builder, kind: str, operands: Sequence[Operand]) -> Tensor:
    """`add` or `mul` of tensors, which are stretched where they have a size of 1."""
    shape = broadcast([operand.shape for operand in operands])
    tensors = [operand for operand in operands if isinstance(operand, Tensor)]
    if len(tensors) == len(operands):
        made = _met(builder, kind, tensors, shape)
        if made is None:
            channels = channels_of(tensors[0]) + len(shape) - len(tensors[0].dims)
            operands = tensors = [_padded(builder, t, len(shape), channels) for t in tensors]
            made = _met(builder, kind, tensors, shape)
        if made is not None:
            return made
    return builder.made(kind, operands, shape, channels=channels_in(shape))


def _padded(builder: Builder, tensor: Tensor, rank: int, channels: int) -> Tensor:
    missing = ((),) * (rank - len(tensor.dims))
    return builder.in_order(Tensor(tensor.node, missing + tensor.dims), channels)


def _met(builder: Builder, kind: str, tensors: Sequence[Tensor], shape: Shape) -> Tensor | None:
    values = [builder.shape_at(tensor) for tensor in tensors]
    if len({len(t.dims) for t in tensors}) > 1 or len(set(map(len, values))) > 1:
        return None
    dims: list[Dimension] = []
    for along in zip(*(tensor.dims for tensor in tensors), strict=True):
        several = {dimension for dimension in along if dimension}
        if len(several) > 1:
            return None
        dims.append(several.pop() if several else ())
    value = broadcast(values)
    # A dimension that is stretched must be an axis of its own in the value as well.
    if not equal_shapes(shape_of(tuple(dims)), shape) or not same(product(value), product(shape)):
        return None
    node = builder.layer(Layer(kind), [tensor.node for tensor in tensors], expected=value)
    return None if node is None else Tensor(node, tuple(dims))


def relaxed(operands: Sequence[Operand | Stretched], builder: Builder) -> list[Operand]:
    """Operands of a sum or product, not stretched where another operand stretches them."""
    full = [operand for operand in operands if not isinstance(operand, Stretched)]
    shape = broadcast([operand.shape for operand in full]) if full else ()
    settled: list[Operand] = []
    for operand in operands:
        if not isinstance(operand, Stretched):
            settled.append(operand)
        elif equal_shapes(shape, operand.shape):
            settled.append(operand.tensor)
        else:
            settled.append(builder.settled(operand))
    return settled


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """The shape that tensors are stretched to where they meet.

    >>> broadcast([(8, 1, 5), (4, 1)])
    (8, 4, 5)
    """
    rank = max(map(len, shapes))
    result = []
    for index in range(rank):
        sizes = [s[index - rank + len(s)] for s in shapes if index >= rank - len(s)]
        result.append(next((size for size in sizes if not same(size, 1)), 1))
    return tuple(result)
