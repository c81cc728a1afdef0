"""How a layer moves the field along an axis: one rule per kind that slides, widens or resizes.

A move takes a periodic field to the one after the layer. With windows alone it is
`left -= p jump`, `right += (d(k-1) - p) jump`, `jump *= s`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import gcd

from convalgebra.cost.receptive_field.axes import (
    Periodic,
    each_axis,
    through,
)
from convalgebra.cost.receptive_field.readings import (
    Reads,
    adaptive,
    bilinear,
    nearest,
    of_transposed,
    of_window,
)
from convalgebra.errors import NotKnownError
from convalgebra.layers import ACTIVATIONS, BORDERS, KINDS, NORMS, SLOPES, Layer
from convalgebra.shapes import Shape, border, windows
from convalgebra.sizes import Size, same, simplest
from convalgebra.windows import Window, extent

Move = Callable[[Periodic], Periodic]


def moves(layer: Layer, shape: Shape, output: Shape) -> tuple[Move, ...] | None:
    """One move for each axis of `shape`; None for a layer that leaves positions alone.

    >>> (along,) = moves(Layer("conv", (3,), stride=(2,), padding=((1, 1),)), (1, 8), (1, 4))
    >>> along(Periodic(2, ((0, 4),)))
    Periodic(step=4, phases=((-2, 6),))
    """
    layer = layer.works_as
    rule = _RULES[layer.kind]
    return None if rule is None else rule(layer, shape, output)


def still(part: Periodic) -> Periodic:
    """The field of one unit that is shown at every position: it does not move."""
    return Periodic(0, part.phases[:1])


def _window(part: Periodic, window: Window) -> Periodic:
    if len(part.phases) == 1:
        step = simplest(part.step * window.stride)
        if part.phases[0] is None:
            return Periodic(step, (None,))
        left, right = part.phases[0]
        before = window.padding[0]
        after = extent(window) - 1 - before
        seen = simplest(left - before * part.step), simplest(right + after * part.step)
        return Periodic(step, (seen,))
    return through(part, window.stride, 1, of_window(window))


def _transposed(part: Periodic, window: Window) -> Periodic:
    return through(part, 1, window.stride, of_transposed(window))


def _slide(layer: Layer, shape: Shape, output: Shape) -> tuple[Move, ...]:
    return each_axis(lambda window: partial(_window, window=window), windows(layer, shape))


def _slide_transposed(layer: Layer, shape: Shape, output: Shape) -> tuple[Move, ...]:
    return each_axis(lambda window: partial(_transposed, window=window), windows(layer, shape))


def _shift(layer: Layer, shape: Shape, output: Shape) -> tuple[Move, ...]:
    return tuple([partial(_window, window=window) for window in border_windows(layer, shape)])


def border_windows(layer: Layer, shape: Shape) -> tuple[Window, ...]:
    """`pad`, `crop`, .. as windows of one tap, with a negative padding where they crop."""
    sign = -1 if layer.kind == "crop" else 1
    return tuple(
        Window(1, padding=(sign * before, sign * after))
        for before, after in border(layer, len(shape) - 1)
    )


def _resize(
    reads: Callable[[int, int], Reads],
) -> Callable[[Layer, Shape, Shape], tuple[Move, ...]]:
    def rule(layer: Layer, shape: Shape, output: Shape) -> tuple[Move, ...]:
        return tuple(
            partial(_resampled, inputs=i, outputs=o, reads=reads)
            for i, o in zip(shape[1:], output[1:], strict=True)
        )

    return rule


def _resampled(
    part: Periodic, inputs: Size, outputs: Size, reads: Callable[[int, int], Reads]
) -> Periodic:
    if same(inputs, outputs):
        return part
    if isinstance(inputs, int) and isinstance(outputs, int):
        common = gcd(inputs, outputs)
        period, phases = inputs // common, outputs // common
    else:
        from sympy import cancel

        factor = cancel(outputs / inputs)
        if not factor.is_Rational:
            raise NotKnownError("a resize by a factor that is not known")
        period, phases = int(factor.q), int(factor.p)
    return through(part, period, phases, reads(period, phases))


_Rule = Callable[[Layer, Shape, Shape], tuple[Move, ...]]

_RULES: dict[str, _Rule | None] = {  # None: positions are left alone
    **dict.fromkeys(("conv", "dw", "max", "avg"), _slide),
    "convt": _slide_transposed,
    **dict.fromkeys(BORDERS, _shift),
    **dict.fromkeys(("up", "resize", "resizelike", "pixelshuffle"), _resize(nearest)),
    **dict.fromkeys(("bilinear", "bilinearto", "bilinearlike"), _resize(bilinear)),
    **dict.fromkeys(("gap", "gmp"), _resize(adaptive)),  # to one position: see `fields`
    **dict.fromkeys(ACTIVATIONS | SLOPES | NORMS, None),
    **dict.fromkeys(("scale", "linear", "shuffle", "dropout", "slice", "input"), None),
    **dict.fromkeys(("add", "cat", "mul", "unused"), None),
    **dict.fromkeys(("fc", "flatten", "opaque"), None),  # everything, or as it is: see `fields`
}
assert _RULES.keys() == KINDS.keys(), "a kind of layer has no rule for how it moves the field"

WINDOWS = frozenset(kind for kind, rule in _RULES.items() if rule is _slide)
