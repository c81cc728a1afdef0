"""Operations that move numbers and make none: views, slices, concatenation, borders."""

from __future__ import annotations

from collections.abc import Sequence

from convalgebra.layers import Layer
from convalgebra.readers.graphs.arrangements import (
    Atom,
    Dimension,
    Dims,
    is_whole,
    permuted,
    regrouped,
    straight,
    whole,
)
from convalgebra.readers.graphs.builder import (
    Builder,
    Operand,
    Stretched,
    Tensor,
    channels_of,
    equal_shapes,
)
from convalgebra.shapes import Shape
from convalgebra.sizes import Size, product, same, simplest
from convalgebra.windows import Pad


def view(builder: Builder, tensor: Tensor, shape: Shape) -> Tensor:
    """The same numbers in order, in another shape."""
    dims = regrouped(tensor.dims, shape)
    if dims is not None:
        return Tensor(tensor.node, dims)
    return builder.made("reshape", [tensor], shape)


def flattened(shape: Shape, start: int, end: int) -> Shape:
    """`shape` with its dimensions `start` .. `end` (included) as one."""
    return (*shape[:start], product(shape[start : end + 1]), *shape[end + 1 :])


def permute(tensor: Tensor, order: Sequence[int]) -> Tensor:
    """The dimensions in another order."""
    return Tensor(tensor.node, permuted(tensor.dims, order))


def squeeze(tensor: Tensor, gone: Sequence[int]) -> Tensor:
    """The tensor without some dimensions, of size 1."""
    dims = tuple(d for index, d in enumerate(tensor.dims) if index not in gone)
    return Tensor(tensor.node, dims)


def unsqueeze(tensor: Tensor, at: int) -> Tensor:
    """The tensor with one more dimension of size 1, which is the dimension `at`."""
    return Tensor(tensor.node, (*tensor.dims[:at], (), *tensor.dims[at:]))


def narrow(builder: Builder, tensor: Tensor, dim: int, start: Size, stop: Size) -> Tensor:
    """What of a tensor lies at `start` .. `stop` - 1 of one dimension.

    The most significant digit of an axis is cut by cutting the axis.
    """
    if same(start, 0) and same(stop, tensor.shape[dim]):
        return tensor
    lies = tensor if len(tensor.dims[dim]) < 2 else builder.in_order(tensor)
    shape = list(tensor.shape)
    shape[dim] = simplest(stop - start)
    if len(lies.dims[dim]) == 1:
        at, (atom,) = builder.shape_at(lies), lies.dims[dim]
        size, stride = at[atom.axis], atom.stride
        if same(atom.size * stride, size):
            first, last = simplest(start * stride), simplest(stop * stride)
            node = builder.layer(_cut(atom.axis, len(at), first, last, size), [lies.node])
            if node is not None:
                kept = () if same(shape[dim], 1) else (Atom(atom.axis, shape[dim], stride),)
                return Tensor(node, _with(lies.dims, dim, kept))
    return builder.made("slice", [tensor], tuple(shape), channels=channels_of(tensor))


def _cut(axis: int, rank: int, start: Size, stop: Size, size: Size) -> Layer:
    if axis == 0:
        begin = None if same(start, 0) else start
        return Layer("slice", bounds=(begin, None if same(stop, size) else stop))
    pads: list[Pad] = [(0, 0)] * (rank - 1)
    pads[axis - 1] = (start, simplest(size - stop))
    return Layer("crop", pads=tuple(pads))


def _with(dims: Dims, index: int, dimension: Dimension) -> Dims:
    changed = list(dims)
    changed[index] = dimension
    return tuple(changed)


def expand(tensor: Tensor, shape: Shape) -> Tensor | Stretched:
    """A tensor repeated along its dimensions of size 1."""
    return tensor if equal_shapes(tensor.shape, shape) else Stretched(tensor, shape)


def concatenate(builder: Builder, operands: Sequence[Operand], dim: int) -> Tensor:
    """Tensors one after another along one dimension."""
    shape = list(operands[0].shape)
    shape[dim] = simplest(sum((operand.shape[dim] for operand in operands), 0))
    tensors = [operand for operand in operands if isinstance(operand, Tensor)]
    if len(tensors) == len(operands) == 1:
        return tensors[0]
    if len(tensors) < len(operands):
        return builder.made("cat", operands, tuple(shape), channels=len(shape) - 1)
    if not _fit(builder, tensors, dim):
        tensors = [builder.in_order(tensor) for tensor in tensors]
    if _fit(builder, tensors, dim):
        node = builder.layer(Layer("cat"), [tensor.node for tensor in tensors])
        if node is not None:
            channels = whole(0, builder.shapes[node][0])
            return Tensor(node, _with(tensors[0].dims, dim, channels))
    return builder.made("cat", tensors, tuple(shape))


def _fit(builder: Builder, tensors: Sequence[Tensor], dim: int) -> bool:
    """Whether `dim` is the channels of all, and everything else lies in the same way."""
    others = _with(tensors[0].dims, dim, ())
    return all(
        is_whole(tensor.dims[dim], 0, builder.shape_at(tensor))
        and _with(tensor.dims, dim, ()) == others
        for tensor in tensors
    )


def border(
    builder: Builder, tensor: Tensor, pads: Sequence[Pad], mode: str, zeros: bool = True
) -> Tensor:
    """A tensor with a border: `pads` before and after each dimension, negative where cut off.

    `mode` is `pad` (with zeros, unless `zeros` is false), `reflect`, `replicate` or `circular`.
    """
    shape = tuple(simplest(s + a + b) for s, (a, b) in zip(tensor.shape, pads, strict=True))
    around = [(max(0, a), max(0, b)) for a, b in pads]
    less = [(max(0, -a), max(0, -b)) for a, b in pads]
    known = zeros or not any(map(any, around))
    if known and not any(map(any, pads[:2])):
        tensor = builder.in_order(tensor)
        if len(builder.shape_at(tensor)) == len(pads) - 1:
            node: int | None = tensor.node
            for kind, each in ((mode, around), ("crop", less)):
                if node is not None and any(map(any, each)):
                    node = builder.layer(Layer(kind, pads=tuple(each[2:])), [node])
            if node is not None and equal_shapes(builder.shapes[node], shape[1:]):
                return Tensor(node, straight(shape[1:]))
    return builder.made("pad" if mode == "pad" else f"{mode}_pad", [tensor], shape)
