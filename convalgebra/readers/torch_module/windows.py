"""PyTorch's functions that slide over axes: convolutions, pooling, resizing, borders."""

from __future__ import annotations

from typing import Any

from convalgebra.readers.graphs import moving, sliding
from convalgebra.readers.graphs.builder import (
    Constant,
    Tensor,
)
from convalgebra.readers.graphs.sliding import Slide
from convalgebra.readers.torch_module.calls import Made, Reading, Rule, spread


def convolution(
    r: Reading,
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Made:
    if isinstance(input, Constant):
        return None
    slide = _slide(len(weight.shape) - 2, stride, padding, dilation)
    name = {"name": r.name} if isinstance(weight, Tensor) or isinstance(bias, Tensor) else {}
    if isinstance(padding, str):
        r.builder.call += " with a padding word"
    return sliding.convolution(r.builder, input, weight, bias, slide, groups, r.shape, **name)


def transposed(
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
    if isinstance(input, Constant):
        return None
    axes = len(weight.shape) - 2
    slide, extra = _slide(axes, stride, padding, dilation), spread(output_padding, axes)
    name = {"name": r.name} if isinstance(weight, Tensor) or isinstance(bias, Tensor) else {}
    return sliding.transposed(r.builder, input, weight, bias, slide, extra, groups, r.shape, **name)


def max_pool(
    r: Reading,
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Made:
    kernel = spread(kernel_size, _axes(r))
    slide = _slide(len(kernel), stride or kernel, padding, dilation, ceil_mode)
    return sliding.pooling(r.builder, "max", input, kernel, slide, r.shape)


def avg_pool(
    r: Reading,
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Made:
    kernel = spread(kernel_size, _axes(r))
    slide = _slide(len(kernel), stride or kernel, padding, 1, ceil_mode)
    padded = any(map(any, slide.padding))
    rescaled = divisor_override is not None or (padded and not count_include_pad)
    return sliding.pooling(r.builder, "avg", input, kernel, slide, r.shape, rescaled)


def _axes(r: Reading) -> int:
    """The axes that a pool slides over: those in its name, as an input may lack the batch."""
    return next(int(letter) for letter in r.name if letter in "123")


def _slide(axes: int, stride: Any, padding: Any, dilation: Any, ceil: bool = False) -> Slide:
    around: Any = "same"
    if padding != "same":
        around = tuple((p, p) for p in spread(0 if padding == "valid" else padding, axes))
    return Slide(spread(stride, axes), around, spread(dilation, axes), ceil)


def adaptive(kind: str) -> Rule:
    def rule(r: Reading, input: Any, output_size: Any, return_indices: bool = False) -> Made:
        return sliding.adaptive(r.builder, kind, input, r.shape)

    return rule


def interpolate(
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


def pad(r: Reading, input: Any, pad: Any, mode: str = "constant", value: Any = None) -> Made:
    pairs = [(pad[at], pad[at + 1]) for at in range(0, len(pad), 2)][::-1]
    pads = [(0, 0)] * (len(input.shape) - len(pairs)) + pairs
    word = "pad" if mode == "constant" else mode
    return moving.border(r.builder, input, pads, word, zeros=not value)
