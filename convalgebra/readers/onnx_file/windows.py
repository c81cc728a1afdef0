"""ONNX operators that slide over axes: convolutions, pooling, resizing, borders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from math import floor
from typing import Any

from convalgebra.errors import SizeError
from convalgebra.layers import Channels, Layer
from convalgebra.readers.graphs import moving, sliding
from convalgebra.readers.graphs.builder import (
    Constant,
    Tensor,
)
from convalgebra.readers.graphs.sliding import Slide
from convalgebra.readers.onnx_file.nodes import (
    Made,
    NotKnown,
    Reading,
    Rule,
    place_of,
    tensor_in,
)
from convalgebra.shapes import Shape, output_shape
from convalgebra.sizes import Size, exact_divide, floor_divide, same, simplest
from convalgebra.windows import Pad


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
    if auto not in _AUTO_PADS:
        raise r.fault(f"auto_pad={auto!r:.40} is none of {', '.join(_AUTO_PADS)}")
    if r.attributes.get("kernel_shape", kernel) != kernel:
        raise r.fault("its kernel_shape is not that of its weight")
    if auto == "VALID":
        around = ((0, 0),) * axes
    elif auto == "SAME_UPPER" and not transposed:
        around = "same"
    elif auto.startswith("SAME"):
        around = _same_pads(r, auto, kernel, shape, found["strides"], found["dilations"])
    ceil = bool(r.attributes.get("ceil_mode", 0))
    return Slide(found["strides"], around, found["dilations"], ceil)


_AUTO_PADS = ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")


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


def convolution(r: Reading) -> Made:
    x, weight, bias = tensor_in(r), r.get(1), r.get(2)
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
    return sliding.convolution(r.builder, x, weight, bias, slide, groups, shape)


def of_whole_numbers(*places: int) -> Rule:
    """A convolution whose input, weight and bias stand among scales and zero points."""

    def rule(r: Reading) -> Made:
        given = (r.get(place) for place in places)
        inputs = [replace(x, held=None) if isinstance(x, Constant) else x for x in given]
        return convolution(r._replace(inputs=inputs))

    return rule


def transposed(r: Reading) -> Made:
    x, weight, bias = tensor_in(r), r.get(1), r.get(2)
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
    """The padding with which a transposed convolution makes `sides`.

    The odd one is at the end for SAME_UPPER, and for everything else at the beginning: so ONNX has
    it for an output_shape alone, too.
    """
    around: list[Pad] = []
    upper = r.attributes.get("auto_pad") == "SAME_UPPER"
    for i, k, s, d, e, side in zip(
        shape[2:], kernel, slide.stride, slide.dilation, extra, sides, strict=True
    ):
        total = simplest(s * (i - 1) + e + (k - 1) * d + 1 - side)
        if not isinstance(total, int) or total < 0:
            raise r.fault("its output_shape cannot be made by padding")
        half = total // 2
        around.append((half, total - half) if upper else (total - half, half))
    return tuple(around)


def pooling(kind: str) -> Rule:
    def rule(r: Reading) -> Made:
        x, kernel = tensor_in(r), r.attributes.get("kernel_shape")
        if x is None or not isinstance(kernel, tuple) or len(kernel) != len(x.shape) - 2:
            raise r.fault("expected a kernel_shape for each axis")
        slide = _slide(r, kernel, x.shape)
        auto = r.attributes.get("auto_pad", "NOTSET")
        if auto.startswith("SAME") and any(d != 1 for d in slide.dilation):
            raise r.fault(f"auto_pad={auto} of a dilated window, which no two runtimes read alike")
        # The windows of both kinds are those of `max`, which may be dilated.
        layer = Layer("max", kernel, slide.stride, slide.dilation, slide.padding, ceil=slide.ceil)
        shape = _slid(r, layer, x.shape)
        if kind == "avg" and any(d != 1 for d in slide.dilation):
            return r.builder.made("dilated_avg_pool", [x], shape)
        padded = slide.padding == "same" or any(map(any, slide.padding))
        rescaled = kind == "avg" and padded and not r.attributes.get("count_include_pad", 0)
        made = sliding.pooling(r.builder, kind, x, kernel, slide, shape, rescaled)
        return [made, Constant(shape)]  # and where the largest numbers were found

    return rule


def global_pooling(kind: str) -> Rule:
    def rule(r: Reading) -> Made:
        x = tensor_in(r)
        if x is None:
            return None
        shape = (*x.shape[:2], *[1] * (len(x.shape) - 2))
        return sliding.adaptive(r.builder, kind, x, shape)

    return rule


def resize(r: Reading) -> Made:
    x = tensor_in(r)
    if x is None:
        return None
    shape, scales = _resized_shape(r, x.shape)
    mode = {"linear": "bilinear"}.get(r.attributes.get("mode", "nearest"), r.attributes.get("mode"))
    mode = mode or "nearest"
    where = r.attributes.get("coordinate_transformation_mode", "half_pixel")
    rounds = r.attributes.get("nearest_mode", "round_prefer_floor")
    if r.op == "Upsample" or r.opset < 11:
        where, rounds = "asymmetric", "floor"
    halves = where in ("half_pixel", "pytorch_half_pixel")
    times = scales is None or all(float(f).is_integer() for f in scales)
    # By one factor for all axes, places are m/f and not m i/o.
    times = times and r.attributes.get("keep_aspect_ratio_policy", "stretch") == "stretch"
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
    if isinstance(given, Tensor) or (isinstance(given, Constant) and given.values is None):
        raise NotKnown
    factors = given.values if isinstance(given, Constant) else r.attributes.get("scales")
    policy = r.attributes.get("keep_aspect_ratio_policy", "stretch")
    if r.attributes.get("coordinate_transformation_mode") == "tf_crop_and_resize":
        raise NotKnown  # of a part of the image, which is another input
    result = list(shape)
    if sizes:
        if len(sizes) != len(axes):
            raise r.fault("as many sizes as axes are needed")
        if policy != "stretch":
            sizes = _in_proportion(policy, sizes, [shape[axis] for axis in axes])
        for axis, size in zip(axes, sizes, strict=True):
            result[place_of(r, axis, len(shape))] = size
        return tuple(result), None
    if not factors or len(factors) != len(axes):
        raise r.fault("what it resizes to is not known from the file")
    for axis, factor in zip(axes, factors, strict=True):
        index = place_of(r, axis, len(shape))
        result[index] = _scaled(r, result[index], factor)
    return tuple(result), tuple(factors)


def _in_proportion(policy: str, sizes: Sequence[Any], before: Sequence[Size]) -> tuple[int, ...]:
    """The sizes after a resize by one factor, with which none is larger, or smaller, than told."""
    numbers = [size for size in (*sizes, *before) if isinstance(size, int) and size > 0]
    if policy not in ("not_larger", "not_smaller") or len(numbers) < 2 * len(sizes):
        raise NotKnown
    choose = min if policy == "not_larger" else max
    was = numbers[len(sizes) :]
    factor = choose(Fraction(size, one) for size, one in zip(sizes, was, strict=True))
    return tuple(floor(factor * one + Fraction(1, 2)) for one in was)


def _scaled(r: Reading, size: Size, factor: Any) -> Size:
    if not isinstance(factor, (int, float)) or not 0 < factor < 10**9:
        raise r.fault(f"a factor of {factor}")
    ratio = Fraction(factor)
    return floor_divide(simplest(size * ratio.numerator), ratio.denominator)


def pad(r: Reading) -> Made:
    x, pads = tensor_in(r), r.values(1, "pads")
    if x is None or pads is None:
        raise r.fault("how much it pads is not known from the file")
    rank = len(x.shape)
    axes = r.values(3) or tuple(range(rank))
    if len(pads) != 2 * len(axes):
        raise r.fault(f"{len(pads)} pads for {len(axes)} axes")
    around: list[Pad] = [(0, 0)] * rank
    for axis, begin, end in zip(axes, pads[: len(axes)], pads[len(axes) :], strict=True):
        around[place_of(r, axis, rank)] = (begin, end)
    mode = r.attributes.get("mode", "constant")
    word = {"constant": "pad", "edge": "replicate", "wrap": "circular"}.get(mode, mode)
    value = r.get(2)
    fill: Any = (r.attributes.get("value", 0),)
    if value is not None:
        fill = value.values if isinstance(value, Constant) else None
    zeros = fill is not None and not any(fill)
    for (begin, end), size in zip(around, x.shape, strict=True):
        if same(simplest(size + begin + end), 0) or not all(
            isinstance(p, int) for p in (begin, end)
        ):
            raise r.fault("nothing is left")
    return moving.border(r.builder, x, around, word, zeros)


def depth_to_space(r: Reading) -> Made:
    x, block = tensor_in(r), r.attributes.get("blocksize", 0)
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
