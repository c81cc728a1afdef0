"""Convolutions, pooling, borders and resizing of torch.nn: what slides over the axes."""

from __future__ import annotations

from math import prod
from typing import Any

from convalgebra.inventory import Takes
from convalgebra.layers import Channels, Layer
from convalgebra.readers.printed.told import LAZY, Reading, Told, axes_of, same_around
from convalgebra.words import counted


def convolution(kind: str, read: Reading) -> Told:
    axes = axes_of(kind)
    is_lazy, is_transposed = kind.startswith("Lazy"), "Transpose" in kind
    channels, out = read.count(), read.count(1)
    kernel = read.sizes(read.take("kernel_size"), axes, 1)
    stride = read.sizes(read.take("stride"), axes, 1)
    dilation = read.sizes(read.take("dilation", 1), axes, 1)
    extra = read.sizes(read.take("output_padding", 0), axes, 0)
    if any(extra) and not is_transposed:
        raise read.unfit("no output padding", extra)
    groups, has_bias = read.whole(read.take("groups", 1), 1), read.flag("bias", True)
    around = read.take("padding", 0)
    if around == "same" and (is_transposed or stride != (1,) * axes):
        raise read.unfit("padding in numbers", around)
    pads = _padding(read, around, axes, kernel, dilation)
    mode = read.take("padding_mode", "zeros")
    if mode != "zeros" and (mode not in _MODES or is_transposed):
        raise read.unfit("zeros" if is_transposed else f"one of {', '.join(_MODES)}", mode)
    read.end()
    if channels % groups or out % groups or (channels and is_lazy):
        raise read.contradicts(f"{counted(out, 'channel')} of {channels:,} in {groups:,} groups")
    if not channels and not is_lazy:
        return Told(has_bias * out, lacks="it has no inputs")
    layer: dict[str, Any] = {"stride": stride, "dilation": dilation, "bias": has_bias}
    layer |= {"channels": Channels("=", out), "padding": pads}
    before: tuple[Layer, ...] = ()
    if is_transposed:
        layer |= {"kind": "convt", "output_padding": extra, "groups": groups}
    elif groups == channels > 1:
        layer |= {"kind": "dw"}
    else:
        layer |= {"kind": "conv", "groups": groups}
    if mode != "zeros":
        before = (Layer(mode, pads=pads),) if any(map(any, pads)) else ()
        layer["padding"] = ()
    elif around == "same":
        layer["padding"] = "same"
    layers = (*before, Layer(size=kernel, **layer))
    if is_lazy:
        return Told(None, layers, Takes(kind, None, (axes,)), LAZY)
    weights = prod(kernel) * (channels // groups) * out
    return Told(weights + has_bias * out, layers, Takes(kind, channels, (axes,)))


_MODES = ("circular", "reflect", "replicate")  # layers here, too


def _padding(
    read: Reading, around: object, axes: int, kernel: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[tuple[int, int], ...]:
    """Padding before and after each axis. PyTorch puts the odd one of `same` at the end."""
    if around == "valid":
        return ((0, 0),) * axes
    if around == "same":
        totals = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        return tuple((total // 2, total - total // 2) for total in totals)
    return same_around(read.sizes(around, axes, 0))


def max_pool(kind: str, read: Reading) -> Told:
    axes = axes_of(kind)
    kernel, stride = (read.sizes(read.take(k), axes, 1) for k in ("kernel_size", "stride"))
    padding, dilation = read.sizes(read.take("padding"), axes, 0), read.take("dilation")
    pool = Layer(
        "max",
        kernel,
        stride=stride,
        padding=same_around(padding),
        dilation=read.sizes(dilation, axes, 1),
        ceil=read.flag("ceil_mode"),
    )
    read.end()
    return Told(0, (pool,), Takes(kind, None, (axes,)))


def average_pool(kind: str, read: Reading) -> Told:
    axes = axes_of(kind)
    kernel, stride = (read.sizes(read.take(k), axes, 1) for k in ("kernel_size", "stride"))
    padding = same_around(read.sizes(read.take("padding"), axes, 0))
    read.end()
    pool = Layer("avg", kernel, stride=stride, padding=padding)
    return Told(0, (pool,), Takes(kind, None, (axes,), hides_ceil=True))


def adaptive_pool(kind: str, read: Reading) -> Told:
    axes, size = axes_of(kind), read.take("output_size")
    read.end()
    values = size if isinstance(size, tuple) else (size,) * axes
    if None in values:
        return Told(lacks="a side that is kept (None) has no word")
    sizes = read.sizes(values, axes, 1)
    word = "gmp" if "Max" in kind else "gap"
    layer = Layer(word) if set(sizes) == {1} else Layer(word, sizes)
    return Told(0, (layer,), Takes(kind, None, (axes,)))


def border(kind: str, read: Reading) -> Told:
    axes = axes_of(kind)
    given = read.take("padding", None)
    if given is None:
        given = read.next()
    flat = given if isinstance(given, tuple) else (given,) * (2 * axes)
    if len(flat) != 2 * axes or not all(type(pad) is int for pad in flat):
        raise read.unfit(f"{2 * axes} whole numbers in parentheses", given)
    value = read.take("value", 0)
    read.end()
    if min(flat) < 0:
        return Told(lacks="what takes away is `crop` there, and may not be mixed with padding")
    if value != 0:
        return Told(lacks="`pad` is with zeros")
    pads = tuple((flat[2 * axis], flat[2 * axis + 1]) for axis in reversed(range(axes)))
    return Told(0, (Layer(BORDERS[kind[:-5]], pads=pads),), Takes(kind, None, (axes,)))


BORDERS = {
    "Zero": "pad",
    "Constant": "pad",
    "Reflection": "reflect",
    "Replication": "replicate",
    "Circular": "circular",
}


def upsample(kind: str, read: Reading) -> Told:
    word = "size" if "size" in read.names else "scale_factor"
    given, mode = read.take(word), read.take("mode")
    read.end("align_corners")
    if kind == "UpsamplingBilinear2d":
        return Told(lacks="`bilinear2` is with align_corners=False")
    values = given if isinstance(given, tuple) else (given,)
    whole = tuple(int(value) for value in values if _is_whole(value))
    layer_word = _RESIZING.get((word, mode))
    axes = (2,) if mode == "bilinear" else (len(values),) if isinstance(given, tuple) else ()
    of_all_axes = word == "scale_factor" and not isinstance(given, tuple)
    if layer_word is None or whole != values or not (of_all_axes or (len(whole),) == axes != (0,)):
        lacks = "resizing is `up2`, `bilinear2`, `resize28x28` and `bilinearto28x28` there"
        return Told(lacks=lacks)
    guess = "align_corners=False in Upsample" if mode == "bilinear" else ""
    return Told(0, (Layer(layer_word, whole),), Takes(kind, None, axes), assumed=guess)


def _is_whole(value: object) -> bool:
    return isinstance(value, (int, float)) and 1 <= value < 10**9 and value == int(value)


_RESIZING = {
    ("scale_factor", "nearest"): "up",
    ("scale_factor", "nearest-exact"): "up",
    ("scale_factor", "bilinear"): "bilinear",
    ("size", "nearest"): "resize",
    ("size", "bilinear"): "bilinearto",
}


def channel_shuffle(kind: str, read: Reading) -> Told:
    groups = read.whole(read.take("groups"), 1)
    read.end()
    return Told(0, (Layer("shuffle", (groups,)),))


def pixel_shuffle(kind: str, read: Reading) -> Told:
    factor = read.whole(read.take("upscale_factor"), 1)
    read.end()
    return Told(0, (Layer("pixelshuffle", (factor,)),), Takes(kind, None, (2,)))
