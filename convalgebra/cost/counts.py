"""What one use of a layer costs: one rule per kind, for ints and named sizes.

MACs are multiply-accumulates of convolutions and dense layers. Dense MACs count every (output, tap)
pair (transposed: every (input, tap) pair), exact MACs only the pairs where both ends are real: not
a zero of the padding, of a `pad` directly before, nor an output that is cropped away. FLOPs are two
per MAC and, each in its class, what the table `FLOPS_PER` says. Of an opaque layer they are known
where it has MACs and does no more, or only moves numbers: no rule counts what others do. How many
of its MACs meet zeros of the padding is not known where there are any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import gcd
from typing import NamedTuple

from convalgebra.assumptions import Assumptions
from convalgebra.cost.figures import worked_out
from convalgebra.errors import SizeError
from convalgebra.layers import (
    ACTIVATIONS,
    BORDERS,
    KINDS,
    MIXED,
    MOVING,
    NORMS,
    PADDED,
    PLAIN_NORMS,
    SLOPES,
    Layer,
    groups_of,
)
from convalgebra.shapes import Shape, windows
from convalgebra.sizes import (
    Size,
    at_least,
    exact_divide,
    formula,
    is_whole,
    product,
    same,
    simplest,
)
from convalgebra.windows import Pad, Window, taps_on_data, transposed_taps_on_data

# Per output element, unless the rule says otherwise.
FLOPS_PER = {
    "mac": 2,  # a multiplication and an addition
    "bias": 1,
    "bn": 2,  # a scale and a shift: the statistics are known
    "plainbn": 2,
    "ln": 5,  # mean, variance, subtract, divide, and the affine map, as one counts them
    "gn": 5,
    "in": 5,
    "plainln": 4,
    "plaingn": 4,
    "plainin": 4,
    "lrn": 9,  # over 5 channels: square, 4 additions, scale, shift, power, divide
    "activation": 1,
    "softmax": 3,  # exponential, sum, divide
    "scale": 1,
    "merge": 1,  # for each operand after the first
}

FLOP_CLASSES = ("mac", "bias", "norm", "activation", "pooling", "merge", "scale", "interpolation")


class Use(NamedTuple):
    """One use of a layer: what comes in, what goes out, and the zeros put around it before."""

    layer: Layer
    inputs: Sequence[Shape]
    output: Shape
    zeros: tuple[Pad, ...]  # from `pad` layers directly before, per axis
    assumptions: Assumptions


class Counts(NamedTuple):
    """What one use of a layer costs. None is not known; `macs_exact` also where no formula is.

    `flops` are by class; those of an opaque layer that are not known stand in the class `opaque`.
    """

    weights: Size | None = 0
    biases: Size | None = 0
    norms: Size = 0
    macs: Size | None = 0
    macs_exact: Size | None = 0
    flops: tuple[tuple[str, Size | None], ...] = ()

    @property
    def params(self) -> Size | None:
        """Weights, biases, and the weights of norms and scales."""
        if self.weights is None or self.biases is None:
            return None
        return simplest(self.weights + self.biases + self.norms)

    def times(self, batch: Size) -> Counts:
        """The same weights, at work on a batch."""

        def times(amount: Size | None) -> Size | None:
            return None if amount is None else simplest(batch * amount)

        return self._replace(
            macs=times(self.macs),
            macs_exact=times(self.macs_exact),
            flops=tuple((name, times(amount)) for name, amount in self.flops),
        )


def count(use: Use) -> Counts:
    """The cost of one use of a layer.

    >>> layer = Layer("conv", (3, 3), padding=((1, 1),))
    >>> use = Use(layer, [(8, 4, 4)], (8, 4, 4), ((0, 0), (0, 0)), Assumptions())
    >>> count(use).macs, count(use).macs_exact
    (9216, 6400)
    """
    return _RULES[use.layer.kind](use)


def _matrix(use: Use, weights: Size, macs: Size, exact: Size | None) -> Counts:
    outputs = use.output[0]
    flops: list[tuple[str, Size | None]] = [("mac", FLOPS_PER["mac"] * macs)]
    biases: Size = 0
    if use.layer.bias:
        biases = outputs
        flops.append(("bias", FLOPS_PER["bias"] * product(use.output)))
    return Counts(weights, biases, 0, macs, exact, tuple(flops))


def _convolution(use: Use) -> Counts:
    shape, layer = use.inputs[0], use.layer
    fan_in = exact_divide(shape[0], groups_of(layer, shape[0]))
    weights = product([*layer.size, fan_in, use.output[0]])
    macs = simplest(weights * product(use.output[1:]))

    def pairs(taken: Assumptions) -> Iterator[Size | None]:
        for i, o, window, zeros in zip(
            shape[1:], use.output[1:], windows(layer, shape), use.zeros, strict=True
        ):
            data, around = _without_zeros(i, window, zeros)
            yield taps_on_data(data, o, around, taken)

    return _matrix(use, weights, macs, _on_real_data(use, pairs, fan_in * use.output[0]))


def _without_zeros(inputs: Size, window: Window, zeros: Pad) -> tuple[Size, Window]:
    # A `pad` before a convolution is padding of that convolution, on a smaller input.
    left, right = window.padding
    around = window._replace(padding=(left + zeros[0], right + zeros[1]))
    return _inside(inputs, zeros), around


def _inside(inputs: Size, zeros: Pad) -> Size:
    return simplest(inputs - zeros[0] - zeros[1])


def _transposed(use: Use) -> Counts:
    shape, layer = use.inputs[0], use.layer
    fan_out = exact_divide(use.output[0], layer.groups)
    weights = product([*layer.size, shape[0], fan_out])
    macs = simplest(weights * product(shape[1:]))

    def pairs(taken: Assumptions) -> Iterator[Size | None]:
        for i, o, window, zeros in zip(
            shape[1:], use.output[1:], windows(layer, shape), use.zeros, strict=True
        ):
            # Input n after z zeros writes to n s + z s + t d - p: padding p - z s, a smaller input.
            sides = zip(window.padding, zeros, strict=True)
            left, right = (p - z * window.stride for p, z in sides)
            around = window._replace(padding=(left, right))
            counted = zeros == (0, 0) or isinstance(window.taps, int)
            data = _inside(i, zeros)
            yield transposed_taps_on_data(data, o, around, taken) if counted else None

    return _matrix(use, weights, macs, _on_real_data(use, pairs, shape[0] * fan_out))


def _on_real_data(
    use: Use, pairs: Callable[[Assumptions], Iterable[Size | None]], factor: Size
) -> Size | None:
    """`factor` times the pairs along each axis, where these are known.

    What has to hold of named sizes for it is only taken for granted then.
    """
    taken = use.assumptions.copy()
    along, _ = worked_out(lambda: list(pairs(taken)))
    if along is None or None in along:
        return None
    use.assumptions.take(taken)
    return product([factor, *(pair for pair in along if pair is not None)])


def _fc(use: Use) -> Counts:
    channels, *sides = use.inputs[0]
    weights = simplest(product(use.inputs[0]) * use.output[0])
    return _matrix(use, weights, weights, _on_data(channels * use.output[0], sides, use.zeros))


def _linear(use: Use) -> Counts:
    weights = simplest(use.inputs[0][0] * use.output[0])
    sides = use.output[1:]
    macs = simplest(weights * product(sides))
    return _matrix(use, weights, macs, _on_data(weights, sides, use.zeros))


def _on_data(each: Size, sides: Sequence[Size], zeros: Sequence[Pad]) -> Size:
    return product([each, *map(_inside, sides, zeros)])


def _pooling(use: Use) -> Counts:
    window = product(use.layer.size)
    return Counts(flops=(("pooling", simplest(window * product(use.output))),))


def _global(use: Use) -> Counts:
    covered = [
        _covered(i, o, use.assumptions)
        for i, o in zip(use.inputs[0][1:], use.output[1:], strict=True)
    ]
    return Counts(flops=(("pooling", product([use.output[0], *covered])),))


def _covered(inputs: Size, outputs: Size, assumptions: Assumptions) -> Size:
    # Window j of o on i inputs covers floor(j i/o) .. ceil((j+1) i/o) - 1. Summed over j, with
    # sum floor(j i/o) = ((i - 1)(o - 1) + gcd(i, o) - 1)/2: i + o - gcd(i, o).
    if isinstance(inputs, int) and isinstance(outputs, int):
        return inputs + outputs - gcd(inputs, outputs)
    if same(inputs, outputs):
        return inputs
    rest = 0
    if isinstance(outputs, int):  # what is left over is the same for all sizes, or taken to be 0
        rests = range(min(outputs, _MOST_RESTS))
        rest = next((r for r in rests if is_whole((inputs - r) / outputs) is not False), 0)
    assumptions.divides(outputs, simplest(inputs - rest))
    return inputs if rest == 0 else simplest(inputs + outputs - gcd(rest, outputs))


_MOST_RESTS = 64


def _norm(use: Use) -> Counts:
    kind = use.layer.kind
    flops = (("norm", simplest(FLOPS_PER[kind] * product(use.output))),)
    return Counts(norms=0 if kind in PLAIN_NORMS else 2 * use.output[0], flops=flops)


def _slope(use: Use) -> Counts:
    weights = 1 if use.layer.kind == "sharedprelu" else use.output[0]
    return _activation(use)._replace(norms=weights)


def _activation(use: Use) -> Counts:
    each = FLOPS_PER.get(use.layer.kind, FLOPS_PER["activation"])
    return Counts(flops=(("activation", simplest(each * product(use.output))),))


def _scale(use: Use) -> Counts:
    flops = simplest(FLOPS_PER["scale"] * product(use.output))
    return Counts(norms=use.output[0], flops=(("scale", flops),))


def _merge(use: Use) -> Counts:
    extra = len(use.inputs) - 1
    return Counts(flops=(("merge", simplest(FLOPS_PER["merge"] * extra * product(use.output))),))


def _bilinear(use: Use) -> Counts:
    # A product for each corner, and their sum: 4 + 3 on two axes.
    corners = 2 ** (len(use.output) - 1)
    flops = simplest((2 * corners - 1) * product(use.output))
    return Counts(flops=(("interpolation", flops),))


def _opaque(use: Use) -> Counts:
    assert use.layer.opaque is not None
    name, params, macs, biases = use.layer.opaque
    held = Counts(
        weights=None if params is None else params - biases,
        biases=None if params is None else biases,
    )
    if macs is not None and use.layer.window is not None:
        window = count(use._replace(layer=use.layer.window))
        exact, more = window.macs_exact, simplest(macs - (window.macs or 0))
        if at_least(more, 0) is False:
            raise SizeError(
                f"the opaque layer {name} has {macs:,} MACs, fewer than the {formula(macs - more)} "
                "of the convolution that it works as"
            )
        return held._replace(
            macs=macs,
            macs_exact=None if exact is None else simplest(exact + more),
            flops=(("mac", FLOPS_PER["mac"] * macs), *window.flops[1:]),
        )
    flops: list[tuple[str, Size | None]] = []
    if macs != 0:
        flops.append(("mac", None if macs is None else FLOPS_PER["mac"] * macs))
    if name in MIXED or name in PADDED or (macs == 0 and name not in MOVING):
        flops.append(("opaque", None))
    hidden = macs != 0 and (name in PADDED or any(zeros != (0, 0) for zeros in use.zeros))
    return held._replace(macs=macs, macs_exact=None if hidden else macs, flops=tuple(flops))


def _free(use: Use) -> Counts:
    return Counts()


_FREE = [
    *("up", "resize", "resizelike", "pixelshuffle", "shuffle", "slice", "flatten", "dropout"),
    *BORDERS,
    *("cat", "unused", "input"),
]

_RULES: dict[str, Callable[[Use], Counts]] = {
    "conv": _convolution,
    "dw": _convolution,
    "convt": _transposed,
    "fc": _fc,
    "linear": _linear,
    "max": _pooling,
    "avg": _pooling,
    "gap": _global,
    "gmp": _global,
    **dict.fromkeys(NORMS, _norm),
    **dict.fromkeys(ACTIVATIONS, _activation),
    **dict.fromkeys(SLOPES, _slope),
    "scale": _scale,
    "add": _merge,
    "mul": _merge,
    "bilinear": _bilinear,
    "opaque": _opaque,
    **dict.fromkeys(("bilinearto", "bilinearlike"), _bilinear),
    **dict.fromkeys(_FREE, _free),
}
assert _RULES.keys() == KINDS.keys(), "a kind of layer has no cost rule"
