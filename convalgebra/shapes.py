"""The shape that comes out of a layer: one rule per kind, for ints and named sizes.

A shape is (channels, size, ...) without the batch. A rule raises SizeError where shapes do not fit,
and notes in `assumptions` what has to hold of named sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from convalgebra.assumptions import Assumptions, Message
from convalgebra.errors import SizeError
from convalgebra.layers import (
    ACTIVATIONS,
    BORDERS,
    KINDS,
    LIKE,
    NORMS,
    SLOPES,
    Layer,
    axes_text,
    groups_of,
    out_channels,
    padding_of,
    spread_over,
)
from convalgebra.sizes import (
    Size,
    at_least,
    exact_divide,
    formula,
    limited,
    product,
    same,
    simplest,
    text,
)
from convalgebra.windows import (
    Pad,
    Window,
    extent,
    output_size,
    same_output_size,
    transposed_output_size,
)

Shape = tuple[Size, ...]

_MAX_UNITS = 400  # names and numbers in a formula; nobody reads the half of it
_MAX_DIGITS = 15  # a side or channel count past it is a slip, and its powers would fill the memory


def shape_text(shape: Shape) -> str:
    """`shape` as it is written after `input`: `3x224x224`, `CxHxW`.

    >>> shape_text((3, 224, 224))
    '3x224x224'
    """
    parts = [text(size) for size in shape]
    return "x".join(part if _stands_alone(part) else f"({part})" for part in parts)


def _stands_alone(part: str) -> bool:
    return part.isdigit() or (len(part) == 1 and part not in "xXbdgops")


def output_shape(layer: Layer, inputs: Sequence[Shape], assumptions: Assumptions) -> Shape:
    """The shape that `layer` makes of `inputs` (several only where branches meet).

    >>> output_shape(Layer("conv", (3, 3), stride=(2, 2)), [(3, 224, 224)], Assumptions())
    (3, 111, 111)
    """
    if layer.axes is not None and layer.axes != len(inputs[0]) - 1:
        raise SizeError(_axes_differ(layer, inputs[0]))
    shape = _RULES[layer.kind](layer, inputs, assumptions)
    return tuple(limited(simplest(size), _MAX_DIGITS, _MAX_UNITS) for size in shape)


def _axes_differ(layer: Layer, shape: Shape) -> str:
    have = len(shape) - 1
    message = f"a kernel with {axes_text(len(layer.size))} cannot slide over {shape_text(shape)}"
    channels = "1 channel" if same(shape[0], 1) else f"{formula(shape[0])} channels"
    message += f" ({channels}, {axes_text(have)})"
    if layer.axes == 1 and have > 1:
        kernel = "x".join([text(layer.size[0])] * have)
        message += f"; a kernel with {axes_text(have)} is written {kernel}"
    return message


def windows(layer: Layer, shape: Shape) -> tuple[Window, ...]:
    """The window of each axis of a layer with a kernel, on an input of `shape`."""
    spatial = shape[1:]
    return tuple(
        Window(*axis)
        for axis in zip(
            layer.size, layer.stride, layer.dilation, padding_of(layer, spatial), strict=True
        )
    )


def _says(template: str, *sizes: Size) -> Message:
    """The text of an error, put together where it is shown: formulas take time to write."""
    return lambda: template.format(*map(formula, sizes))


def _slide(layer: Layer, shape: Shape, assumptions: Assumptions) -> Shape:
    if layer.padding == "same":
        axes = zip(shape[1:], layer.stride, strict=True)
        return tuple(same_output_size(inputs, stride) for inputs, stride in axes)
    out = []
    for inputs, window in zip(shape[1:], windows(layer, shape), strict=True):
        left, right = window.padding
        covered = simplest(extent(window))
        message = _says("a window over {} does not fit on an input of {}", covered, inputs)
        if window.padding != (0, 0):
            longer = "a window over {} does not fit on an input of {} with {} + {} of padding"
            message = _says(longer, covered, inputs, left, right)
        assumptions.at_least(inputs + left + right, covered, message)
        out.append(output_size(inputs, window, ceil=layer.ceil))
    return tuple(out)


def _convolution(layer: Layer, inputs: Sequence[Shape], assumptions: Assumptions) -> Shape:
    (shape,) = inputs
    out = _out_channels(layer, shape[0], assumptions)
    _check_groups(layer, shape[0], out, assumptions)
    return (out, *_slide(layer, shape, assumptions))


def _transposed(layer: Layer, inputs: Sequence[Shape], assumptions: Assumptions) -> Shape:
    (shape,) = inputs
    out = _out_channels(layer, shape[0], assumptions)
    _check_groups(layer, shape[0], out, assumptions)
    if layer.padding == "same":
        raise SizeError("psame says nothing for a transposed convolution; write the padding")
    sides = []
    for size, window, extra in zip(
        shape[1:], windows(layer, shape), layer.output_padding, strict=True
    ):
        side = transposed_output_size(size, window, extra)
        assumptions.at_least(side, 1, _says("the padding takes away the whole output"))
        sides.append(side)
    return (out, *sides)


def _check_groups(layer: Layer, channels: Size, out: Size, assumptions: Assumptions) -> None:
    groups = groups_of(layer, channels)
    for count, where in ((channels, "come in"), (out, "go out")):
        message = f"{{}} groups do not divide the {{}} channels that {where}"
        assumptions.divides(groups, count, _says(message, groups, count))


def _out_channels(layer: Layer, channels: Size, assumptions: Assumptions) -> Size:
    rule, size = layer.channels
    if rule == "/":
        message = _says("{} channels cannot be divided by {}", channels, size)
        assumptions.divides(size, channels, message)
    return out_channels(layer, channels)


def _pooling(layer: Layer, inputs: Sequence[Shape], assumptions: Assumptions) -> Shape:
    (shape,) = inputs
    return (shape[0], *_slide(layer, shape, assumptions))


def _global(layer: Layer, inputs: Sequence[Shape], assumptions: Assumptions) -> Shape:
    (shape,) = inputs
    return (shape[0], *spread_over(layer.size or (1,), len(shape) - 1, "size"))


def _fc(layer: Layer, inputs: Sequence[Shape], assumptions: Assumptions) -> Shape:
    features = product(inputs[0])
    return (_out_channels(layer, features, assumptions),)


def _linear(layer: Layer, inputs: Sequence[Shape], assumptions: Assumptions) -> Shape:
    (shape,) = inputs
    return (_out_channels(layer, shape[0], assumptions), *shape[1:])


def _unchanged(layer: Layer, inputs: Sequence[Shape], assumptions: Assumptions) -> Shape:
    return inputs[0]


def _grouped(layer: Layer, inputs: Sequence[Shape], assumptions: Assumptions) -> Shape:
    (groups,), channels = layer.size, inputs[0][0]
    message = _says("{} groups do not divide {} channels", groups, channels)
    assumptions.divides(groups, channels, message)
    return inputs[0]


def _upsample(layer: Layer, inputs: Sequence[Shape], assumptions: Assumptions) -> Shape:
    channels, *sides = inputs[0]
    factors = spread_over(layer.size, len(sides), "factor")
    return (channels, *(simplest(side * f) for side, f in zip(sides, factors, strict=True)))


def _resize(layer: Layer, inputs: Sequence[Shape], assumptions: Assumptions) -> Shape:
    channels, *sides = inputs[0]
    return (channels, *spread_over(layer.size, len(sides), "size"))


def _like(layer: Layer, inputs: Sequence[Shape], assumptions: Assumptions) -> Shape:
    first, second = inputs
    if len(first) != len(second) or len(first) == 1:
        what = f"{shape_text(first)} is not resized to the sides of {shape_text(second)}"
        raise SizeError(f"{what}: {axes_text(len(first) - 1)}, {axes_text(len(second) - 1)}")
    return (first[0], *second[1:])


def _border(layer: Layer, inputs: Sequence[Shape], assumptions: Assumptions) -> Shape:
    channels, *sides = inputs[0]
    out = []
    for side, (left, right) in zip(sides, border(layer, len(sides)), strict=True):
        if layer.kind == "crop":
            assumptions.at_least(side - left - right, 1, _says("nothing is left of {}", side))
            out.append(simplest(side - left - right))
            continue
        if layer.kind in ("reflect", "circular"):
            spare = 1 if layer.kind == "reflect" else 0
            for pad in (left, right):
                least = simplest(pad + spare)
                message = f"{layer.kind} by {{}} needs a side of at least {{}}, not {{}}"
                assumptions.at_least(side, least, _says(message, pad, least, side))
        out.append(simplest(side + left + right))
    return (channels, *out)


def border(layer: Layer, axes: int) -> tuple[Pad, ...]:
    """What `pad`, `crop`, .. put before and after each of `axes` axes."""
    return spread_over(layer.pads, axes, "padding")


def _pixelshuffle(layer: Layer, inputs: Sequence[Shape], assumptions: Assumptions) -> Shape:
    (factor,) = layer.size
    channels, *sides = inputs[0]
    block = product([factor] * len(sides))
    message = "pixelshuffle by {} needs a multiple of {} channels, not {}"
    assumptions.divides(block, channels, _says(message, factor, block, channels))
    return (exact_divide(channels, block), *(simplest(side * factor) for side in sides))


def _flatten(layer: Layer, inputs: Sequence[Shape], assumptions: Assumptions) -> Shape:
    return (product(inputs[0]),)


def _slice(layer: Layer, inputs: Sequence[Shape], assumptions: Assumptions) -> Shape:
    channels, *sides = inputs[0]
    start, stop = slice_bounds(layer, channels)
    assumptions.whole(start)
    assumptions.whole(stop)
    for larger, smaller, fault in (
        (start, 0, "begins before the first"),
        (stop - start, 1, "nothing is left"),
        (channels, stop, "there are not so many"),
    ):
        message = _says(f"[{{}}:{{}}] of {{}} channels: {fault}", start, stop, channels)
        assumptions.at_least(larger, smaller, message)
    return (simplest(stop - start), *sides)


def slice_bounds(layer: Layer, channels: Size) -> tuple[Size, Size]:
    """The channels from and to (exclusive) that a slice takes; negative ones count back."""
    start, stop = layer.bounds
    start = 0 if start is None else start
    stop = channels if stop is None else stop
    if at_least(start, 0) is False:
        start = simplest(channels + start)
    if at_least(stop, 0) is False:
        stop = simplest(channels + stop)
    return start, stop


def _add(layer: Layer, inputs: Sequence[Shape], assumptions: Assumptions) -> Shape:
    first, *others = inputs
    for other in others:
        if len(other) != len(first):
            raise SizeError(_differ("added", first, other))
        for one, two in zip(first, other, strict=True):
            assumptions.same(one, two, partial(_differ, "added", first, other))
    return first


def _mul(layer: Layer, inputs: Sequence[Shape], assumptions: Assumptions) -> Shape:
    result, *others = inputs
    for other in others:
        if len(other) != len(result):
            raise SizeError(_differ("multiplied", result, other))
        message = partial(_differ, "multiplied", result, other)
        result = tuple(
            _stretched(one, two, assumptions, message)
            for one, two in zip(result, other, strict=True)
        )
    return result


def _stretched(one: Size, two: Size, assumptions: Assumptions, message: Message) -> Size:
    """The side of a product of two sides, which are the same, or one of which is 1."""
    equal, first_is_one, second_is_one = same(one, two), same(one, 1), same(two, 1)
    if first_is_one or second_is_one or equal:
        return two if first_is_one else one
    if equal is None and second_is_one is None:
        assumptions.same_or_one(one, two)
        return one
    if equal is None and first_is_one is None:
        assumptions.same_or_one(two, one)
        return two
    if first_is_one is None and (second_is_one is False or at_least(two, one)):
        assumptions.same(one, 1)
        return two
    if second_is_one is None:
        assumptions.same(two, 1)
        return one
    assumptions.same(one, two, message)
    return one


def _cat(layer: Layer, inputs: Sequence[Shape], assumptions: Assumptions) -> Shape:
    first, *others = inputs
    channels = first[0]
    for other in others:
        if len(other) != len(first):
            raise SizeError(_differ("concatenated", first, other))
        for one, two in zip(first[1:], other[1:], strict=True):
            assumptions.same(one, two, partial(_differ, "concatenated", first, other))
        channels = channels + other[0]
    return (simplest(channels), *first[1:])


def _opaque(layer: Layer, inputs: Sequence[Shape], assumptions: Assumptions) -> Shape:
    if layer.window is not None:
        _check_window(layer, layer.window, inputs, assumptions)
    return layer.size


def _check_window(
    layer: Layer, window: Layer, inputs: Sequence[Shape], assumptions: Assumptions
) -> None:
    """Refuse an opaque layer that does not do what it says it works as."""
    made = output_shape(window, inputs[:1], assumptions)  # what comes after makes its weights
    if len(made) != len(layer.size) or not all(map(same, made, layer.size)):
        raise SizeError(
            f"an opaque layer that makes {shape_text(layer.size)} does not work as a convolution "
            f"that makes {shape_text(made)}"
        )


def _differ(verb: str, left: Shape, right: Shape) -> str:
    reason = "sizes differ"
    if len(left) != len(right):
        reason = "one has more axes"
    elif same(left[0], right[0]) is False and verb != "concatenated":
        reason = f"{formula(left[0])} channels and {formula(right[0])}"
    return f"branches of {shape_text(left)} and {shape_text(right)} cannot be {verb}: {reason}"


Rule = Callable[[Layer, Sequence[Shape], Assumptions], Shape]

_RULES: dict[str, Rule] = {
    "conv": _convolution,
    "dw": _convolution,
    "convt": _transposed,
    "max": _pooling,
    "avg": _pooling,
    "gap": _global,
    "gmp": _global,
    "fc": _fc,
    "linear": _linear,
    **dict.fromkeys(ACTIVATIONS | SLOPES | (NORMS - {"gn", "plaingn"}), _unchanged),
    **dict.fromkeys(("scale", "dropout", "input", "unused"), _unchanged),
    **dict.fromkeys(("gn", "plaingn", "shuffle"), _grouped),
    "up": _upsample,
    "bilinear": _upsample,
    "bilinearto": _resize,
    "resize": _resize,
    **dict.fromkeys(LIKE, _like),
    **dict.fromkeys(BORDERS, _border),
    "pixelshuffle": _pixelshuffle,
    "flatten": _flatten,
    "slice": _slice,
    "add": _add,
    "mul": _mul,
    "cat": _cat,
    "opaque": _opaque,
}
assert _RULES.keys() == KINDS.keys(), "a kind of layer has no shape rule"
