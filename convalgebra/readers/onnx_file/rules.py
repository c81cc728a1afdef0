"""What ONNX operators are in the language: one rule for each, in the table `RULES`.

A rule gives the operand that comes out; None where the language has no word for it. Then the node
becomes an opaque layer, whose shape is found by `SHAPES`, where the file does not declare it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from convalgebra.errors import InputError, SizeError
from convalgebra.layers import Channels, Layer
from convalgebra.readers.graphs import dense, moving, pointwise, sliding
from convalgebra.readers.graphs.builder import (
    Builder,
    Constant,
    Operand,
    Stretched,
    Tensor,
    equal_shapes,
)
from convalgebra.readers.graphs.sliding import Slide
from convalgebra.readers.onnx_file.folding import sizes_in
from convalgebra.shapes import Shape, output_shape
from convalgebra.sizes import Size, exact_divide, floor_divide, product, same, simplest
from convalgebra.windows import Pad


class Reading(NamedTuple):
    """A node as a rule sees it: the builder, what comes in (None for nothing), the attributes."""

    builder: Builder
    title: str
    op: str
    inputs: Sequence[Any]
    attributes: dict[str, Any]
    opset: int

    def get(self, index: int) -> Operand | None:
        """The input of that number, None where there is none."""
        return self.inputs[index] if index < len(self.inputs) else None

    def values(self, index: int, name: str = "") -> tuple[Any, ...] | None:
        """Whole numbers that are an input or, in older files, an attribute."""
        given = self.get(index)
        if isinstance(given, Constant):
            return sizes_in(given.values)
        if name in self.attributes:
            found = self.attributes[name]
            return found if isinstance(found, tuple) else (found,)
        return None

    def fault(self, text: str) -> InputError:
        """An error at this node."""
        return InputError(f"the node {self.title} ({self.op}): {text}")


Value = Operand | Stretched
Made = Value | Sequence[Operand] | None
Rule = Callable[[Reading], Made]


def _tensor(r: Reading, index: int = 0) -> Tensor | None:
    found = r.get(index)
    return found if isinstance(found, Tensor) else None


def _constants(*operands: Operand | None) -> list[Constant]:
    return [operand for operand in operands if isinstance(operand, Constant)]


def _index(r: Reading, axis: Any, rank: int) -> int:
    if not isinstance(axis, int) or not -rank <= axis < rank:
        raise r.fault(f"there is no axis {axis} of {rank}")
    return axis % rank


# Windows


def _slid(r: Reading, layer: Layer, shape: Shape) -> Shape:
    """The shape that comes out of a layer; an error where the layer does not fit."""
    try:
        return (shape[0], *output_shape(layer, [shape[1:]], r.builder.assumptions))
    except SizeError as error:
        raise r.fault(str(error)) from None


def _slide(r: Reading, kernel: Shape, shape: Shape, transposed: bool = False) -> Slide:
    """Strides, pads and dilations, from the attributes."""
    axes = len(kernel)
    found = {name: r.attributes.get(name, (1,) * axes) for name in ("strides", "dilations")}
    pads = r.attributes.get("pads", (0,) * 2 * axes)
    if any(len(v) != axes for v in found.values()) or len(pads) != 2 * axes or len(shape) < 3:
        raise r.fault(f"its attributes are not those of {axes} axes")
    around: Any = tuple(zip(pads[:axes], pads[axes:], strict=True))
    auto = r.attributes.get("auto_pad", "NOTSET")
    if auto == "VALID":
        around = ((0, 0),) * axes
    elif auto == "SAME_UPPER" and not transposed:
        around = "same"
    elif auto.startswith("SAME"):
        around = _same_pads(r, auto, kernel, shape, found["strides"], found["dilations"])
    ceil = bool(r.attributes.get("ceil_mode", 0))
    return Slide(found["strides"], around, found["dilations"], ceil)


def _same_pads(
    r: Reading, auto: str, kernel: Shape, shape: Shape, strides: Shape, dilations: Shape
) -> tuple[Pad, ...]:
    around = []
    for i, k, s, d in zip(shape[2:], kernel, strides, dilations, strict=True):
        total: Any = (-(-i // s) - 1) * s + d * (k - 1) + 1 - i if isinstance(i, int) else None
        if total is None:
            raise r.fault(f"auto_pad={auto} of a side that is no number")
        half = max(0, total) // 2
        pair = (half, max(0, total) - half)
        around.append(pair[::-1] if auto == "SAME_LOWER" else pair)
    return tuple(around)


def _convolution(r: Reading) -> Made:
    x, weight, bias = _tensor(r), r.get(1), r.get(2)
    if x is None or weight is None or len(x.shape) != len(weight.shape) or len(x.shape) < 3:
        raise r.fault("expected an input and a weight of as many dimensions, 3 or more")
    groups = r.attributes.get("group", 1)
    if groups < 1 or same(x.shape[1], simplest(weight.shape[1] * groups)) is False:
        raise r.fault(
            f"{x.shape[1]} channels come in, and the weight is for {groups} groups of "
            f"{weight.shape[1]}"
        )
    kernel = tuple(weight.shape[2:])
    slide = _slide(r, kernel, x.shape)
    channels = Channels("=", weight.shape[0])
    layer = Layer("conv", kernel, slide.stride, slide.dilation, slide.padding, channels=channels)
    shape = _slid(r, layer, x.shape)
    if isinstance(weight, Tensor) or isinstance(bias, Tensor):
        macs = sliding.convolution_macs(weight.shape, shape)
        return r.builder.made(
            "convolution", [x, weight, *([] if bias is None else [bias])], shape, macs
        )
    return sliding.convolution(r.builder, x, weight, bias, slide, groups, shape)


def _transposed(r: Reading) -> Made:
    x, weight, bias = _tensor(r), r.get(1), r.get(2)
    if x is None or not isinstance(weight, Constant) or len(x.shape) != len(weight.shape):
        raise r.fault("expected an input, and a stored weight of as many dimensions")
    if isinstance(bias, Tensor) or same(x.shape[1], weight.shape[0]) is False:
        raise r.fault("the weight is for another number of channels")
    kernel, groups = tuple(weight.shape[2:]), r.attributes.get("group", 1)
    slide = _slide(r, kernel, x.shape, transposed=True)
    extra = r.attributes.get("output_padding", (0,) * len(kernel))
    wanted = r.attributes.get("output_shape")
    if wanted is not None or r.attributes.get("auto_pad", "NOTSET").startswith("SAME"):
        sides = wanted or tuple(
            simplest(i * s) for i, s in zip(x.shape[2:], slide.stride, strict=True)
        )
        slide = slide._replace(
            padding=_pads_for(r, x.shape, kernel, slide, extra, sides[-len(kernel) :])
        )
    channels = Channels("=", simplest(weight.shape[1] * groups))
    layer = Layer(
        "convt", kernel, slide.stride, slide.dilation, slide.padding, extra, groups, channels
    )
    shape = _slid(r, layer, x.shape)
    return sliding.transposed(r.builder, x, weight, bias, slide, extra, groups, shape)


def _pads_for(
    r: Reading, shape: Shape, kernel: Shape, slide: Slide, extra: Shape, sides: Shape
) -> tuple[Pad, ...]:
    """The padding with which a transposed convolution makes `sides`."""
    around: list[Pad] = []
    upper = r.attributes.get("auto_pad") != "SAME_LOWER"
    for i, k, s, d, e, side in zip(
        shape[2:], kernel, slide.stride, slide.dilation, extra, sides, strict=True
    ):
        total = simplest(s * (i - 1) + e + (k - 1) * d + 1 - side)
        if not isinstance(total, int) or total < 0:
            raise r.fault("its output_shape cannot be made by padding")
        half = total // 2
        around.append((half, total - half) if upper else (total - half, half))
    return tuple(around)


def _pooling(kind: str) -> Rule:
    def rule(r: Reading) -> Made:
        x, kernel = _tensor(r), r.attributes.get("kernel_shape")
        if x is None or not isinstance(kernel, tuple) or len(kernel) != len(x.shape) - 2:
            raise r.fault("expected a kernel_shape for each axis")
        slide = _slide(r, kernel, x.shape)
        dilation = slide.dilation if kind == "max" else ()
        layer = Layer(kind, kernel, slide.stride, dilation, slide.padding, ceil=slide.ceil)
        shape = _slid(r, layer, x.shape)
        if kind == "avg" and any(d != 1 for d in slide.dilation):
            return r.builder.made("avg_pool", [x], shape)
        padded = slide.padding == "same" or any(map(any, slide.padding))
        rescaled = kind == "avg" and padded and not r.attributes.get("count_include_pad", 0)
        return sliding.pooling(r.builder, kind, x, kernel, slide, shape, rescaled)

    return rule


def _global(kind: str) -> Rule:
    def rule(r: Reading) -> Made:
        x = _tensor(r)
        if x is None:
            return None
        shape = (*x.shape[:2], *[1] * (len(x.shape) - 2))
        return sliding.adaptive(r.builder, kind, x, shape)

    return rule


def _resize(r: Reading) -> Made:
    x = _tensor(r)
    if x is None:
        return None
    shape, scales = _resized_shape(r, x.shape)
    mode = {"linear": "bilinear"}.get(r.attributes.get("mode", "nearest"), r.attributes.get("mode"))
    mode = mode or "nearest"
    where = r.attributes.get("coordinate_transformation_mode", "half_pixel")
    rounds = r.attributes.get("nearest_mode", "round_prefer_floor")
    if r.op == "Upsample" or r.opset < 11:
        where, rounds = "asymmetric", "floor"
        halves = mode == "bilinear" and False
    else:
        halves = where in ("half_pixel", "pytorch_half_pixel")
    times = scales is None or all(float(f).is_integer() for f in scales)
    if mode == "nearest":
        # Each number f times: places m/f rounded down, or (m + 1/2)/f - 1/2 to the nearest.
        down = where == "asymmetric" and rounds == "floor"
        exact = times and (down or (halves and rounds.startswith("round") and _grows(x, shape)))
    else:
        exact = times and halves and not r.attributes.get("antialias", 0)
    return sliding.resized(r.builder, mode, x, shape, exact)


def _grows(x: Tensor, shape: Shape) -> bool:
    """Whether each side becomes a whole number of times what it was."""
    pairs = zip(shape, x.shape, strict=True)
    return all(isinstance(o, int) and isinstance(i, int) and o % i == 0 for o, i in pairs)


def _resized_shape(r: Reading, shape: Shape) -> tuple[Shape, tuple[float, ...] | None]:
    """The shape after a resize, and the factors where the file gives these."""
    axes = r.attributes.get("axes", tuple(range(len(shape))))
    sizes = r.values(3) if r.op == "Resize" and r.opset > 10 else None
    at = 1 if r.op == "Upsample" or r.opset <= 10 else 2
    given = r.get(at)
    factors = given.values if isinstance(given, Constant) else r.attributes.get("scales")
    result = list(shape)
    if sizes:
        if len(sizes) != len(axes):
            raise r.fault("as many sizes as axes are needed")
        for axis, size in zip(axes, sizes, strict=True):
            result[_index(r, axis, len(shape))] = size
        return tuple(result), None
    if not factors or len(factors) != len(axes):
        raise r.fault("what it resizes to is not known from the file")
    for axis, factor in zip(axes, factors, strict=True):
        index = _index(r, axis, len(shape))
        result[index] = _scaled(r, result[index], factor)
    return tuple(result), tuple(factors)


def _scaled(r: Reading, size: Size, factor: Any) -> Size:
    from fractions import Fraction

    if not isinstance(factor, (int, float)) or not 0 < factor < 10**9:
        raise r.fault(f"a factor of {factor}")
    ratio = Fraction(factor)
    return floor_divide(simplest(size * ratio.numerator), ratio.denominator)


def _pad(r: Reading) -> Made:
    x, pads = _tensor(r), r.values(1, "pads")
    if x is None or pads is None:
        raise r.fault("how much it pads is not known from the file")
    rank = len(x.shape)
    axes = r.values(3) or tuple(range(rank))
    if len(pads) != 2 * len(axes):
        raise r.fault(f"{len(pads)} pads for {len(axes)} axes")
    around: list[Pad] = [(0, 0)] * rank
    for axis, begin, end in zip(axes, pads[: len(axes)], pads[len(axes) :], strict=True):
        around[_index(r, axis, rank)] = (begin, end)
    mode = r.attributes.get("mode", "constant")
    word = {"constant": "pad", "edge": "replicate", "wrap": "circular"}.get(mode, mode)
    value = r.get(2)
    fill = value.values if isinstance(value, Constant) else (r.attributes.get("value", 0),)
    for (begin, end), size in zip(around, x.shape, strict=True):
        if same(simplest(size + begin + end), 0) or not all(
            isinstance(p, int) for p in (begin, end)
        ):
            raise r.fault("nothing is left")
    return moving.border(r.builder, x, around, word, zeros=not any(fill or ()))


def _depth_to_space(r: Reading) -> Made:
    x, block = _tensor(r), r.attributes.get("blocksize", 0)
    if x is None or len(x.shape) != 4 or not 0 < block < 10**6:
        raise r.fault("expected four dimensions and a blocksize")
    batch, channels, *sides = x.shape
    try:
        shape = (
            batch,
            exact_divide(channels, block * block),
            *(simplest(s * block) for s in sides),
        )
    except SizeError as error:
        raise r.fault(str(error)) from None
    if r.attributes.get("mode", "DCR") != "CRD":
        return r.builder.made("depth_to_space", [x], shape)
    return sliding.depth_to_space(r.builder, x, block, shape)


# Dense


def _gemm(r: Reading) -> Made:
    x, weight, bias = _tensor(r), r.get(1), r.get(2)
    turned = bool(r.attributes.get("transB", 0))
    if x is None or not isinstance(weight, Constant) or r.attributes.get("transA", 0):
        return None
    if len(weight.shape) != 2 or same(x.shape[-1], weight.shape[1 if turned else 0]) is False:
        raise r.fault("the matrix does not fit what comes in")
    out = weight.shape[0 if turned else 1]
    if isinstance(bias, Tensor) or (bias is not None and not same(bias.numel, out)):
        return None
    return dense.linear(r.builder, x, weight, bias, out)


def _matmul(r: Reading) -> Made:
    x, weight, bias = _tensor(r), r.get(1), r.get(2)
    if x is None or not isinstance(weight, Constant) or len(weight.shape) != 2:
        return None
    if same(x.shape[-1], weight.shape[0]) is False:
        raise r.fault("the matrices do not fit each other")
    held = bias if isinstance(bias, Constant) else None
    return dense.linear(r.builder, x, weight, held, weight.shape[1])


# Position by position


def _activation(word: str) -> Rule:
    def rule(r: Reading) -> Made:
        x = _tensor(r)
        return None if x is None else pointwise.elementwise(r.builder, x, word)

    return rule


def _clip(r: Reading) -> Made:
    x = _tensor(r)
    if x is None:
        return None
    bounds: list[Any] = []
    for index, name in ((1, "min"), (2, "max")):
        given = r.get(index)
        values = given.values if isinstance(given, Constant) else None
        bounds.append(values[0] if values else r.attributes.get(name))
    if bounds == [0, 6]:
        return pointwise.elementwise(r.builder, x, "relu6")
    if bounds == [0, None]:
        return pointwise.elementwise(r.builder, x, "relu")
    return pointwise.nameless(r.builder, "clip", x, [])


def _softmax(r: Reading) -> Made:
    x = _tensor(r)
    if x is None:
        return None
    axis = _index(r, r.attributes.get("axis", 1 if r.opset < 13 else -1), len(x.shape))
    if (
        r.opset < 13
        and axis < len(x.shape) - 1
        and not all(same(s, 1) for s in x.shape[axis + 1 :])
    ):
        return r.builder.made("softmax", [x], x.shape)  # over all dimensions from the axis on
    return pointwise.softmax(r.builder, x, axis)


def _norm(name: str, word: str, held: int) -> Rule:
    """A norm whose inputs 1 .. `held` are its weights; running statistics are no parameters."""

    def rule(r: Reading) -> Made:
        x = _tensor(r)
        if x is None:
            return None
        groups = (r.attributes.get("num_groups", 1),) if word == "gn" else ()
        constants = _constants(*r.inputs[1 : 1 + held])
        return pointwise.norm(r.builder, name, Layer(word, groups), x, constants)

    return rule


def _layer_norm(r: Reading) -> Made:
    x = _tensor(r)
    if x is None:
        return None
    rank = len(x.shape)
    dims = rank - _index(r, r.attributes.get("axis", -1), rank)
    name = "layer_norm" if r.op == "LayerNormalization" else "rms_norm"
    return pointwise.layer_norm(r.builder, x, dims, _constants(*r.inputs[1:3]), name)


def _response_norm(r: Reading) -> Made:
    x = _tensor(r)
    if x is None or r.attributes.get("size") == 5:
        return None if x is None else pointwise.elementwise(r.builder, x, "lrn")
    return pointwise.nameless(r.builder, "local_response_norm", x, [])


def _met(kind: str) -> Rule:
    def rule(r: Reading) -> Made:
        given = [operand for operand in r.inputs if operand is not None]
        _check_broadcast(r, given)
        operands = pointwise.relaxed(given, r.builder)
        if len(operands) == 1:
            return operands[0]
        tensors = [operand for operand in operands if isinstance(operand, Tensor)]
        if len(tensors) == len(operands):
            return pointwise.merged(r.builder, kind, operands)
        if len(operands) == 2:
            (constant,) = _constants(*operands)
            return pointwise.scale(r.builder, kind, tensors[0], constant)
        return None

    return rule


def _nameless(r: Reading) -> Made:
    """An operation number by number, on operands that are stretched where need be."""
    operands = [operand for operand in r.inputs if operand is not None]
    _check_broadcast(r, operands)
    shape = pointwise.broadcast([operand.shape for operand in operands])
    tensors = [operand for operand in operands if isinstance(operand, Tensor)]
    name = r.op.lower()
    if len(tensors) == 1 and equal_shapes(tensors[0].shape, shape):
        return pointwise.nameless(r.builder, name, tensors[0], _constants(*operands))
    return r.builder.made(name, operands, shape, channels=1 if len(shape) > 3 else len(shape) - 1)


def _check_broadcast(r: Reading, operands: Sequence[Value]) -> None:
    shape = pointwise.broadcast([operand.shape for operand in operands])
    for operand in operands:
        for size, full in zip(operand.shape[::-1], shape[::-1], strict=False):
            if same(size, 1) is not True and same(size, full) is False:
                raise r.fault(f"{size} and {full} do not fit each other")


# Moving numbers


def _identity(r: Reading) -> Made:
    return r.get(0)


def _dropout(r: Reading) -> Made:
    x = _tensor(r)
    return None if x is None else [pointwise.elementwise(r.builder, x, "dropout")]


def _reshape(r: Reading) -> Made:
    x, given = _tensor(r), r.values(1, "shape")
    if x is None or given is None:
        raise r.fault("the shape that it makes is not known from the file")
    return _viewed(r, x, _told_shape(r, x.shape, given))


def _viewed(r: Reading, x: Tensor, shape: Shape) -> Tensor:
    if same(product(shape), product(x.shape)) is False:
        raise r.fault(f"{product(x.shape)} numbers cannot be {list(shape)}")
    return moving.view(r.builder, x, shape)


def _told_shape(r: Reading, before: Shape, given: tuple[Any, ...]) -> Shape:
    """The shape of a Reshape: 0 keeps a size, -1 is what is left."""
    if len(given) > 16 or sum(1 for size in given if same(size, -1)) > 1:
        raise r.fault(f"a shape of {list(given)[:16]}")
    keeps = not r.attributes.get("allowzero", 0)
    sizes: list[Size] = []
    for index, size in enumerate(given):
        if same(size, 0) and not (keeps and index < len(before)):
            raise r.fault("a tensor without elements")
        sizes.append(before[index] if same(size, 0) else size)
    open_at = [index for index, size in enumerate(sizes) if same(size, -1)]
    if open_at:
        others = product(size for size in sizes if not same(size, -1))
        try:
            sizes[open_at[0]] = exact_divide(product(before), others)
        except SizeError as error:
            raise r.fault(str(error)) from None
    return tuple(sizes)


def _flatten(r: Reading) -> Made:
    x = _tensor(r)
    if x is None:
        return None
    rank, axis = len(x.shape), r.attributes.get("axis", 1)
    at = axis if axis == rank else _index(r, axis, rank)
    return _viewed(r, x, (product(x.shape[:at]), product(x.shape[at:])))


def _squeeze(r: Reading) -> Made:
    x = _tensor(r)
    if x is None:
        return None
    axes = r.values(1, "axes")
    if axes is None:
        gone = [index for index, size in enumerate(x.shape) if same(size, 1)]
    else:
        gone = [_index(r, axis, len(x.shape)) for axis in axes]
    if not all(same(x.shape[index], 1) for index in gone):
        raise r.fault("it squeezes a size that is not 1")
    return moving.squeeze(x, gone)


def _unsqueeze(r: Reading) -> Made:
    x, axes = _tensor(r), r.values(1, "axes")
    if x is None or axes is None:
        return None
    rank = len(x.shape) + len(axes)
    for axis in sorted(_index(r, axis, rank) for axis in axes):
        x = moving.unsqueeze(x, axis)
    return x


def _transpose(r: Reading) -> Made:
    x = _tensor(r)
    if x is None:
        return None
    order = r.attributes.get("perm", tuple(range(len(x.shape)))[::-1])
    if sorted(order) != list(range(len(x.shape))):
        raise r.fault(f"{list(order)[:16]} is no order of {len(x.shape)} axes")
    return moving.permute(x, order)


def _concat(r: Reading) -> Made:
    operands = [operand for operand in r.inputs if operand is not None]
    rank = len(operands[0].shape)
    axis = _index(r, r.attributes.get("axis", 1), rank)
    first = operands[0].shape
    for other in (operand.shape for operand in operands):
        differ = len(other) != rank or any(
            same(one, two) is False
            for index, (one, two) in enumerate(zip(first, other, strict=False))
            if index != axis
        )
        if differ:
            raise r.fault(f"{list(first)} and {list(other)} cannot stand side by side")
    return moving.concatenate(r.builder, operands, axis)


def _split(r: Reading) -> Made:
    x, count = _tensor(r), len(r.attributes["outputs"])
    if x is None:
        return None
    axis = _index(r, r.attributes.get("axis", 0), len(x.shape))
    size = x.shape[axis]
    sizes = r.values(1, "split")
    if sizes is None:
        each = -(-size // count) if isinstance(size, int) else exact_divide(size, count)
        rest = simplest(size - each * (count - 1))
        sizes = (*(each,) * (count - 1), rest)
    if len(sizes) != count or same(sum(sizes), size) is False:
        raise r.fault(f"{list(sizes)[:16]} does not split {size}")
    found, start = [], 0
    for part in sizes:
        found.append(_narrow(r, x, axis, start, simplest(start + part)))
        start = simplest(start + part)
    return found


def _narrow(r: Reading, x: Tensor, axis: int, start: Any, stop: Any) -> Tensor:
    if isinstance(start, int) and isinstance(stop, int) and start >= stop:
        raise r.fault("nothing is left")
    return moving.narrow(r.builder, x, axis, start, stop)


def _slice(r: Reading) -> Made:
    x, starts, stops = _tensor(r), r.values(1, "starts"), r.values(2, "ends")
    if x is None or starts is None or stops is None:
        raise r.fault("what it takes is not known from the file")
    axes = r.values(3, "axes") or tuple(range(len(starts)))
    steps = r.values(4) or (1,) * len(starts)
    if not len(starts) == len(stops) == len(axes) == len(steps):
        raise r.fault("as many starts, ends, axes and steps are needed")
    for start, stop, axis, step in zip(starts, stops, axes, steps, strict=True):
        index = _index(r, axis, len(x.shape))
        size = x.shape[index]
        if isinstance(size, int) and all(isinstance(v, int) for v in (start, stop, step)):
            if step == 0:
                raise r.fault("a step of 0")
            first, last, _ = slice(start, stop, step).indices(size)
            if step != 1:
                count = len(range(first, last, step))
                shape = (*x.shape[:index], count, *x.shape[index + 1 :])
                x = r.builder.made("slice", [x], shape)
                continue
            start, stop = first, last
        elif same(step, 1) is not True:
            raise r.fault("a step through a side that is no number")
        elif isinstance(stop, int) and stop >= 2**31 - 1:
            stop = size
        x = _narrow(r, x, index, start, stop)
    return x


def _gather(r: Reading) -> Made:
    x, places = r.get(0), r.get(1)
    if not isinstance(x, Tensor):
        return None
    axis = _index(r, r.attributes.get("axis", 0), len(x.shape))
    found = r.values(1)
    if found is not None and places is not None and not places.shape:
        size, (place,) = x.shape[axis], found
        if isinstance(size, int) and isinstance(place, int) and -size <= place < size:
            piece = _narrow(r, x, axis, place % size, place % size + 1)
            return moving.squeeze(piece, [axis])
    if places is None:
        return None
    shape = (*x.shape[:axis], *places.shape, *x.shape[axis + 1 :])
    return r.builder.made("gather", [x, places], shape, channels=len(shape) - 1)


def _expand(r: Reading) -> Made:
    x, given = _tensor(r), r.values(1)
    if x is None or given is None:
        return None
    shape = pointwise.broadcast([x.shape, given])
    return moving.expand(x, shape)


def _reduced(kind: str) -> Rule:
    def rule(r: Reading) -> Made:
        x = _tensor(r)
        if x is None:
            return None
        rank, axes = len(x.shape), r.values(1, "axes")
        if axes is None and r.get(1) is not None:
            raise r.fault("the axes are not known from the file")
        if not axes and r.attributes.get("noop_with_empty_axes", 0):
            return x
        gone = [_index(r, axis, rank) for axis in (axes or range(rank))]
        keeps = bool(r.attributes.get("keepdims", 1))
        shape = tuple(
            1 if index in gone else size
            for index, size in enumerate(x.shape)
            if keeps or index not in gone
        )
        return sliding.reduced(r.builder, kind, r.op.lower(), x, gone, shape)

    return rule


_ACTIVATIONS = {
    **{
        word: word.lower()
        for word in ("Relu", "Elu", "Selu", "Gelu", "Mish", "Softplus", "Sigmoid", "Tanh")
    },
    **{word: word.lower() for word in ("HardSigmoid", "HardSwish", "LeakyRelu")},
    "Swish": "silu",
}

RULES: dict[str, Rule] = {
    "Conv": _convolution,
    "ConvTranspose": _transposed,
    "MaxPool": _pooling("max"),
    "AveragePool": _pooling("avg"),
    "GlobalAveragePool": _global("gap"),
    "GlobalMaxPool": _global("gmp"),
    "Resize": _resize,
    "Upsample": _resize,
    "Pad": _pad,
    "DepthToSpace": _depth_to_space,
    "Gemm": _gemm,
    "MatMul": _matmul,
    **{op: _activation(word) for op, word in _ACTIVATIONS.items()},
    "Clip": _clip,
    "Softmax": _softmax,
    "BatchNormalization": _norm("batch_norm", "bn", 2),
    "InstanceNormalization": _norm("instance_norm", "in", 2),
    "GroupNormalization": _norm("group_norm", "gn", 2),
    **dict.fromkeys(("LayerNormalization", "RMSNormalization"), _layer_norm),
    "LRN": _response_norm,
    **dict.fromkeys(("Add", "Sum"), _met("add")),
    "Mul": _met("mul"),
    **dict.fromkeys(
        (
            *("Sub", "Div", "Pow", "Neg", "Abs", "Exp", "Log", "Sqrt", "Sin", "Cos", "Erf", "Max"),
            *("Min", "Mean", "PRelu", "Reciprocal", "Floor", "Ceil", "Round", "Sign", "Celu"),
            *("ThresholdedRelu", "Softsign", "Where", "Equal", "Less", "Greater", "Not", "And"),
            *("Or", "LessOrEqual", "GreaterOrEqual", "Shrink", "Mod", "IsNaN", "LogSoftmax"),
        ),
        _nameless,
    ),
    "Dropout": _dropout,
    **dict.fromkeys(("Identity", "Cast", "CastLike"), _identity),
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Transpose": _transpose,
    "Concat": _concat,
    "Split": _split,
    "Slice": _slice,
    "Gather": _gather,
    "Expand": _expand,
    "ReduceMean": _reduced("gap"),
    "ReduceMax": _reduced("gmp"),
    **dict.fromkeys(
        ("ReduceSum", "ReduceMin", "ReduceL2", "ReduceL1", "ReduceProd", "ReduceSumSquare"),
        _reduced(""),
    ),
}


def _product_macs(r: Reading) -> tuple[Shape, int | None]:
    one, other = r.get(0), r.get(1)
    if one is None or other is None or not one.shape or not other.shape:
        raise r.fault("expected two matrices")
    if same(one.shape[-1], other.shape[-2 if len(other.shape) > 1 else 0]) is False:
        raise r.fault("the matrices do not fit each other")
    shape = dense.product_shape(one.shape, other.shape)
    return shape, dense.product_macs(one.shape, other.shape)


def _gemm_macs(r: Reading) -> tuple[Shape, int | None]:
    one, other = r.get(0), r.get(1)
    if one is None or other is None or len(one.shape) != 2 or len(other.shape) != 2:
        raise r.fault("expected two matrices")
    left = one.shape[::-1] if r.attributes.get("transA", 0) else one.shape
    right = other.shape[::-1] if r.attributes.get("transB", 0) else other.shape
    return dense.product_shape(left, right), dense.product_macs(left, right)


def _einsum(r: Reading) -> tuple[Shape, int | None]:
    shapes = [operand.shape for operand in r.inputs if operand is not None]
    equation = str(r.attributes.get("equation", "")).replace(" ", "")
    left, arrow, result = equation.partition("->")
    sizes = {
        letter: size
        for term, shape in zip(left.split(","), shapes, strict=False)
        for letter, size in zip(term, shape, strict=False)
    }
    if not arrow or "." in equation or not set(result) <= sizes.keys():
        raise r.fault("an equation that is not read")
    return tuple(sizes[letter] for letter in result), dense.einsum_macs(equation, shapes)


# The shape and the MACs of what is opaque although its MACs are known.
PRODUCTS: dict[str, Callable[[Reading], tuple[Shape, int | None]]] = {
    "MatMul": _product_macs,
    "Gemm": _gemm_macs,
    "Einsum": _einsum,
}

MEETING = ("Add", "Sum", "Mul")  # they stretch what they read

# Nothing of these is a product of matrices.
FREE = (RULES.keys() - PRODUCTS.keys()) | {
    *("ArgMax", "ArgMin", "Constant", "ConstantOfShape", "CumSum", "EyeLike", "GatherElements"),
    *("GatherND", "GridSample", "Hardmax", "IsInf", "LpPool", "GlobalLpPool", "MaxRoiPool"),
    *("MaxUnpool", "MeanVarianceNormalization", "LpNormalization", "NonZero", "OneHot", "Range"),
    *("ReduceLogSum", "ReduceLogSumExp", "ReverseSequence", "RoiAlign", "ScatterElements"),
    *("ScatterND", "Shape", "Size", "SpaceToDepth", "Tile", "TopK", "Trilu", "Unique", "Xor"),
}
