"""Convolutions, pooling and resizing: what works on the axes behind the channels.

The MACs of an opaque convolution are counted as those of a layer are: the elements of the weight,
at every position of the output (of the input, for a transposed one).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from convalgebra.assumptions import Assumptions
from convalgebra.errors import SizeError
from convalgebra.layers import KEPT, Channels, Layer
from convalgebra.readers.graphs.arrangements import Dims, covers, straight
from convalgebra.readers.graphs.builder import Builder, Operand, Tensor, equal_shapes
from convalgebra.readers.graphs.pointwise import nameless
from convalgebra.shapes import Shape, output_shape
from convalgebra.sizes import Size, product, same, simplest
from convalgebra.windows import Pad


class Slide(NamedTuple):
    """How a window slides. `padding` is `same` for PyTorch's rule at stride 1."""

    stride: tuple[Size, ...]
    padding: tuple[Pad, ...] | Literal["same"]
    dilation: tuple[Size, ...]
    ceil: bool = False


def placed(builder: Builder, tensor: Tensor, axes: int) -> Tensor | None:
    """The tensor lying straight in a value with so many axes; None where it has others, or a batch.

    What works on positions needs them in place.
    """
    if len(tensor.dims) != axes + 2 or tensor.dims[0]:
        return None
    lies = builder.in_order(tensor)
    return lies if lies.dims == straight(builder.shape_at(lies)) else None


def convolution(
    builder: Builder,
    tensor: Tensor,
    weight: Operand,
    bias: Operand | None,
    slide: Slide,
    groups: int,
    shape: Shape,
    name: str = "convolution",
) -> Tensor:
    """A convolution with a weight of (out, in / groups, k, ...), which may depend on the input.

    `name` is what it is called where it is opaque.
    """
    out, kernel = weight.shape[0], tuple(weight.shape[2:])
    channels = tensor.shape[1] if len(tensor.shape) > 1 else 1
    depthwise = groups > 1 and same(channels, groups)
    layer = Layer(
        "dw" if depthwise else "conv",
        kernel,
        slide.stride,
        slide.dilation,
        slide.padding,
        groups=1 if depthwise else groups,
        channels=_multiple(out, groups) if depthwise else Channels("=", out),
        bias=bias is not None,
    )
    macs = convolution_macs(weight.shape, shape)
    return _with_weights(builder, name, layer, tensor, weight, bias, shape, macs)


def _multiple(out: Size, groups: int) -> Channels:
    return Channels("*", simplest(out // groups)) if out != groups else KEPT


def transposed(
    builder: Builder,
    tensor: Tensor,
    weight: Operand,
    bias: Operand | None,
    slide: Slide,
    output_padding: tuple[Size, ...],
    groups: int,
    shape: Shape,
    name: str = "transposed_convolution",
) -> Tensor:
    """A transposed convolution with a weight of (in, out / groups, k, ...): see `convolution`."""
    layer = Layer(
        "convt",
        tuple(weight.shape[2:]),
        slide.stride,
        slide.dilation,
        slide.padding,
        output_padding,
        groups,
        Channels("=", simplest(weight.shape[1] * groups)),
        bias=bias is not None,
    )
    macs = convolution_macs(weight.shape, tensor.shape)
    return _with_weights(builder, name, layer, tensor, weight, bias, shape, macs)


def convolution_macs(weight: Shape, positions: Shape) -> int | None:
    """The MACs of a convolution: each weight once at each position (of the input, if transposed).

    >>> convolution_macs((64, 3, 7, 7), (1, 64, 112, 112))
    118013952
    """
    axes = len(weight) - 2
    macs = product([*weight, *positions[: -1 - axes], *positions[-axes:]])
    return macs if isinstance(macs, int) else None


def _with_weights(
    builder: Builder,
    name: str,
    layer: Layer,
    tensor: Tensor,
    weight: Operand,
    bias: Operand | None,
    shape: Shape,
    macs: int | None,
) -> Tensor:
    if len(tensor.dims) == len(layer.size) + 1:  # one without a batch, as PyTorch takes it
        alone = Tensor(tensor.node, ((), *tensor.dims))
        made = _with_weights(builder, name, layer, alone, weight, bias, (1, *shape), macs)
        return Tensor(made.node, made.dims[1:])
    if isinstance(weight, Tensor) or isinstance(bias, Tensor):
        operands = [tensor, weight, *([] if bias is None else [bias])]
        at = builder.shape_at(tensor)
        apart = all(o.node != tensor.node for o in operands[1:] if isinstance(o, Tensor))
        known = apart and builder.is_straight(tensor) and has_shape(layer, at, shape[1:])
        if known:
            return builder.made(name, operands, shape, macs, window=layer)
        return builder.made(_out_of_place(name, layer), operands, shape, macs)
    constants = [weight, *([] if bias is None else [bias])]
    lies = placed(builder, tensor, len(layer.size))
    if lies is not None:
        arrays = {"weight": weight, "bias": bias}
        node = builder.layer(layer, [lies.node], constants, shape[1:], arrays)
        if node is not None:
            return Tensor(node, straight(builder.shapes[node]))
        if has_shape(layer, builder.shape_at(lies), shape[1:]):
            biases = constants[1:]
            node = builder.opaque(
                name, [lies.node], tuple(shape[1:]), macs, constants, layer, biases
            )
            return Tensor(node, straight(builder.shapes[node]))
    return builder.made(_out_of_place(name, layer), [tensor, *constants], shape, macs)


def _out_of_place(name: str, layer: Layer) -> str:
    """What a convolution is called that does not work on a value as it lies: on a batch, say."""
    return name if all(pair == (0, 0) for pair in layer.padding) else f"padded_{name}"


def has_shape(layer: Layer, shape: Shape, expected: Shape) -> bool:
    """Whether a layer makes `expected` of an input of `shape`."""
    try:
        return equal_shapes(output_shape(layer, [shape], Assumptions()), expected)
    except SizeError:
        return False


def pooling(
    builder: Builder,
    kind: str,
    tensor: Tensor,
    kernel: tuple[Size, ...],
    slide: Slide,
    shape: Shape,
    rescaled: bool = False,
) -> Tensor:
    """`max` or `avg`; `rescaled` where the sum is divided by another number than that of the taps.

    An average that leaves its padding out is one that counts it, times a factor at each position.
    """
    lies = placed(builder, tensor, len(kernel))
    if lies is not None:
        dilation = slide.dilation if kind == "max" else ()
        layer = Layer(kind, kernel, slide.stride, dilation, slide.padding, ceil=slide.ceil)
        node = builder.layer(layer, [lies.node], expected=shape[1:])
        if node is not None:
            made = Tensor(node, straight(builder.shapes[node]))
            return nameless(builder, "rescale", made, []) if rescaled else made
    return builder.made(f"{kind}_pool", [tensor], shape)


def adaptive(builder: Builder, kind: str, tensor: Tensor, shape: Shape) -> Tensor:
    """`gap` or `gmp` to the sizes of `shape`."""
    lies = placed(builder, tensor, len(shape) - 2)
    if lies is not None:
        sizes = tuple(shape[2:])
        layer = Layer(kind, () if all(same(size, 1) for size in sizes) else sizes)
        node = builder.layer(layer, [lies.node], expected=shape[1:])
        if node is not None:
            return Tensor(node, straight(builder.shapes[node]))
    return builder.made(f"{kind}_pool", [tensor], shape)


def reduced(
    builder: Builder, kind: str, name: str, tensor: Tensor, gone: Sequence[int], shape: Shape
) -> Tensor:
    """The mean or the maximum over some dimensions: `gap` or `gmp` over all positions."""
    at = builder.shape_at(tensor)
    dims = [tensor.dims[index] for index in gone]
    if not any(dims):
        return Tensor(tensor.node, _left(tensor, gone, shape))
    if kind and len(at) > 1 and covers(dims, range(1, len(at)), at):
        node = builder.layer(Layer(kind), [tensor.node])
        if node is not None:
            builder.nodes[node] = builder.nodes[node]._replace(call="mean")
            return Tensor(node, _left(tensor, gone, shape))
    return builder.made(name, [tensor], shape)


def _left(tensor: Tensor, gone: Sequence[int], shape: Shape) -> Dims:
    kept = len(shape) == len(tensor.dims)
    return tuple(
        () if index in gone else dimension
        for index, dimension in enumerate(tensor.dims)
        if kept or index not in gone
    )


def resized(builder: Builder, mode: str, tensor: Tensor, shape: Shape, exact: bool) -> Tensor:
    """A tensor resized to `shape`; `exact` where output m of o reads around the place m i/o.

    `mode` is `nearest` (the input at floor(m i/o)), `linear`, `bilinear` or `trilinear` (around
    (m + 1/2) i/o - 1/2), or the name of another rule.
    """
    lies = placed(builder, tensor, len(shape) - 2) if exact and mode in _RESIZED else None
    if lies is not None:
        sizes = tuple(shape[2:])
        before = builder.shape_at(lies)[1:]
        factors = tuple(_times(o, i) for i, o in zip(before, sizes, strict=True))
        if None not in factors:
            layer = Layer(_RESIZED[mode], factors)
        else:
            layer = Layer("resize" if mode == "nearest" else "bilinearto", sizes)
        node = builder.layer(layer, [lies.node], expected=shape[1:])
        if node is not None:
            return Tensor(node, straight(builder.shapes[node]))
    return builder.made(f"{mode}_resize", [tensor], shape)


_RESIZED = {"nearest": "up", **dict.fromkeys(("linear", "bilinear", "trilinear"), "bilinear")}


def _times(outputs: Size, inputs: Size) -> Size | None:
    if isinstance(outputs, int) and isinstance(inputs, int):
        return None if outputs % inputs else outputs // inputs
    factor = simplest(outputs / inputs)
    return factor if isinstance(factor, int) else None


def depth_to_space(builder: Builder, tensor: Tensor, factor: int, shape: Shape) -> Tensor:
    """Blocks of channels as blocks of positions, in the order of PyTorch's pixel shuffle."""
    lies = placed(builder, tensor, len(shape) - 2)
    if lies is not None:
        node = builder.layer(Layer("pixelshuffle", (factor,)), [lies.node], expected=shape[1:])
        if node is not None:
            return Tensor(node, straight(builder.shapes[node]))
    return builder.made("pixel_shuffle", [tensor], shape)


def shuffled(builder: Builder, tensor: Tensor, groups: int) -> Tensor:
    """A channel shuffle."""
    lies = placed(builder, tensor, len(tensor.dims) - 2)
    if lies is not None:
        node = builder.layer(Layer("shuffle", (groups,)), [lies.node])
        if node is not None:
            return Tensor(node, lies.dims)
    return builder.made("channel_shuffle", [tensor], tensor.shape)
