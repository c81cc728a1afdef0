"""Convolutions, pooling, borders and resizing of torch.nn: what slides over the axes."""

from __future__ import annotations

from math import prod
from typing import Any

from convalgebra.inventory import Takes
from convalgebra.layers import Channels, Layer
from convalgebra.readers.printed.told import LAZY, Reading, Told, axes_of, same_around, shown


def convolution(kind: str, read: Reading) -> Told:
    axes = axes_of(kind)
    is_lazy, is_transposed = kind.startswith("Lazy"), "Transpose" in kind
    channels, out = read.next(), read.whole(read.next(), 1)
    kernel = read.sizes(read.take("kernel_size"), axes, 1)
    stride = read.sizes(read.take("stride"), axes, 1)
    dilation = read.sizes(read.take("dilation", 1), axes, 1)
    extra = read.sizes(read.take("output_padding", 0), axes, 0)
    groups, has_bias = read.whole(read.take("groups", 1), 1), read.flag("bias", True)
    around, mode = read.take("padding", 0), read.take("padding_mode", "zeros")
    pads = _padding(read, around, axes, kernel, dilation)
    read.end()
    if channels % groups or out % groups or (channels == 0) != is_lazy:
        raise read.unfit(f"{channels} channels to {out} in {groups} groups")
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
        if mode not in _MODES or is_transposed:
            raise read.unfit(f"padding_mode={shown(mode)}")
        before = (Layer(mode, pads=pads),) if any(map(any, pads)) else ()
        layer["padding"] = ()
    elif around == "same" and stride == (1,) * axes:
        layer["padding"] = "same"
    layers = (*before, Layer(size=kernel, **layer))
    if is_lazy:
        return Told(None, layers, Takes(kind, None, (axes,)), LAZY)
    weights = prod(kernel) * (channels // groups) * out
    return Told(weights + has_bias * out, layers, Takes(kind, channels, (axes,)))


_MODES = frozenset({"circular", "reflect", "replicate"})  # layers here, too


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
        given = read.places.pop(0) if len(read.places) == 1 else tuple(read.places)
        read.places = []
    value = read.take("value", 0)
    read.end()
    flat = given if isinstance(given, tuple) else (given,) * (2 * axes)
    if len(flat) != 2 * axes or not all(type(pad) is int for pad in flat):
        raise read.unfit(shown(given))
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
    factor, size, mode = read.take("scale_factor", None), read.take("size", None), read.take("mode")
    read.end("align_corners")
    lacks = "resizing is `up2`, `bilinear2`, `resize28x28` and `bilinearto28x28` there"
    if kind == "UpsamplingBilinear2d":
        return Told(lacks="`bilinear2` is with align_corners=False")
    if factor is not None:
        factors = factor if isinstance(factor, tuple) else (factor,)
        if not all(isinstance(f, (int, float)) and 1 <= f < 10**9 and f == int(f) for f in factors):
            return Told(lacks=lacks)
        whole = tuple(map(int, factors))
        if mode in ("nearest", "nearest-exact"):
            return Told(0, (Layer("up", whole),))
        if mode == "bilinear":
            guess = "align_corners=False in Upsample"
            return Told(0, (Layer("bilinear", whole),), Takes(kind, None, (2,)), assumed=guess)
    elif mode == "nearest" and isinstance(size, tuple):
        layer = Layer("resize", read.sizes(size, len(size), 1))
        return Told(0, (layer,), Takes(kind, None, (len(size),)))
    elif mode == "bilinear" and isinstance(size, tuple):
        guess = "align_corners=False in Upsample"
        layer = Layer("bilinearto", read.sizes(size, 2, 1))
        return Told(0, (layer,), Takes(kind, None, (2,)), assumed=guess)
    return Told(lacks=lacks)


def channel_shuffle(kind: str, read: Reading) -> Told:
    groups = read.whole(read.take("groups"), 1)
    read.end()
    return Told(0, (Layer("shuffle", (groups,)),))


def pixel_shuffle(kind: str, read: Reading) -> Told:
    factor = read.whole(read.take("upscale_factor"), 1)
    read.end()
    return Told(0, (Layer("pixelshuffle", (factor,)),), Takes(kind, None, (2,)))
