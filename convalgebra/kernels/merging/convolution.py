"""The one convolution that a value on the unbounded grid is, in the form that frameworks take.

With one output for every a inputs it is a convolution of stride a: the exponents e of its kernel
are `d u - p`. With b outputs for every input it is a transposed convolution of stride b if its
phases have one constant: output `b m + r` reads input m + e by the tap at `r - b e = d u - p`. With
b outputs for every a > 1 inputs it is b^axes convolutions of stride a side by side, whose channels
are laid out in space afterwards (a pixelshuffle by b).

Size and dilation are those of the taps that the layers reach whatever the weights are: a merged
Sobel filter is 3x3, though its middle is zero. So is the period: phases that are equal because a
weight is zero stay apart. Groups are read off the numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import gcd, prod
from typing import Literal

import numpy as np

from convalgebra.algebra.plan import Axes
from convalgebra.kernels.merging.blocks import Array, finest, regrouped
from convalgebra.kernels.merging.composition import Value, trimmed

Kind = Literal["conv", "convt", "phases"]


@dataclass(frozen=True, eq=False)
class Convolution:
    """One convolution: `weight` and `bias` as PyTorch keeps them, `before` the padding on the left.

    `kind` is `conv`, `convt` (transposed), or `phases`: then the channels of a strided convolution
    are laid out in space, `phases` along each axis.
    """

    kind: Kind
    weight: Array
    bias: Array | None
    stride: Axes
    dilation: Axes
    before: Axes
    groups: int
    phases: Axes

    @property
    def size(self) -> Axes:
        """The taps along each axis."""
        return tuple(self.weight.shape[2:])

    @property
    def extent(self) -> Axes:
        """From the first tap to the last, `d(k - 1) + 1` along each axis."""
        return tuple(d * (k - 1) + 1 for d, k in zip(self.dilation, self.size, strict=True))


def convolution_of(value: Value, generic: Value | None = None) -> Convolution:
    """The one convolution that a value is; `generic` is the same at weights without relations.

    Without it the period of the value is not shortened.
    """
    value = value if generic is None else _reduced(value, generic)
    if not value.present.any():  # no layer reaches anything: zeros, as many as there is room for
        value = value._replace(present=np.ones_like(value.present))
    strides, factors = (tuple(rate[i] for rate in value.rate) for i in (0, 1))
    if all(b == 1 for b in factors):
        return _plain("conv", value, strides, factors)
    if all(a == 1 for a in strides) and _one_constant(value):
        return _transposed(value, factors)
    return _plain("phases", value, strides, factors)


def numbers(array: Array, denominator: int) -> Array:
    """Whole numbers over a denominator as Fractions; floats as they are."""
    if array.dtype != object:
        return array
    found = np.empty(array.size, dtype=object)
    found[:] = [Fraction(entry, denominator) for entry in array.ravel()]
    return found.reshape(array.shape)


def _one_constant(value: Value) -> bool:
    constant = value.constant
    return constant is None or bool((constant == constant[:, :1]).all())


def _plain(kind: Kind, value: Value, strides: Axes, factors: Axes) -> Convolution:
    groups, out, width, phases, *extent = value.kernel.shape
    kernel = np.moveaxis(value.kernel, 3, 2).reshape(groups, out * phases, width, *extent)
    bias = None if value.constant is None else value.constant.reshape(-1)
    present = value.present.any(axis=0)
    steps = _lattice(present)
    kernel = kernel[(Ellipsis, *(slice(None, None, d) for d in steps))]
    groups = finest(kernel)
    blocks = regrouped(kernel, groups)
    return Convolution(
        kind=kind,
        weight=numbers(blocks.reshape(-1, *blocks.shape[2:]), value.denominator),
        bias=None if bias is None else numbers(bias, value.denominator),
        stride=strides,
        dilation=steps,
        before=tuple(-low for low in value.low),
        groups=groups,
        phases=factors,
    )


def _transposed(value: Value, factors: Axes) -> Convolution:
    groups, out, width = value.kernel.shape[:3]
    axes = range(len(factors))
    high = [low + n - 1 for low, n in zip(value.low, value.extent, strict=True)]
    first = [min(0, -b * high[a]) for a, b in enumerate(factors)]
    last = [b - 1 - b * low for b, low in zip(factors, value.low, strict=True)]
    sides = [max(b, 0) - a + 1 for a, b in zip(first, last, strict=True)]
    kernel: Array = np.zeros((groups, out, width, *sides), dtype=value.kernel.dtype)
    present: Array = np.zeros(sides, dtype=bool)
    for number, phase in enumerate(product(*map(range, factors))):
        # The tap of exponent e stands at r - b e: the exponents run backwards.
        place = tuple(
            slice(r - b * high[a] - first[a], r - b * value.low[a] - first[a] + 1, b)
            for a, (r, b) in enumerate(zip(phase, factors, strict=True))
        )
        backwards = tuple(slice(None, None, -1) for _ in axes)
        kernel[(Ellipsis, *place)] = value.kernel[:, :, :, number][(Ellipsis, *backwards)]
        present[place] = value.present[number][backwards]
    cut = []
    for axis in axes:
        members = np.flatnonzero(present.any(axis=tuple(a for a in axes if a != axis)))
        # The padding of a transposed convolution is not below 0: zeros stand for it.
        begin = min(int(members[0]), -first[axis])
        cut.append(slice(begin, max(int(members[-1]), begin) + 1))
        first[axis] += begin
    kernel, present = kernel[(Ellipsis, *cut)], present[tuple(cut)]
    steps = _lattice(present)
    kernel = kernel[(Ellipsis, *(slice(None, None, d) for d in steps))]
    groups = finest(kernel)
    blocks = np.swapaxes(regrouped(kernel, groups), 1, 2)
    constant = value.constant
    return Convolution(
        kind="convt",
        weight=numbers(blocks.reshape(-1, *blocks.shape[2:]), value.denominator),
        bias=None if constant is None else numbers(constant[:, 0], value.denominator),
        stride=factors,
        dilation=steps,
        before=tuple(-begin for begin in first),
        groups=groups,
        phases=(1,) * len(factors),
    )


def _lattice(present: Array) -> Axes:
    """Along each axis the greatest step by which all taps are reached from the first place."""
    found = []
    for axis in range(present.ndim):
        used = present.any(axis=tuple(a for a in range(present.ndim) if a != axis))
        found.append(gcd(present.shape[axis] - 1, *map(int, np.flatnonzero(used))) or 1)
    return tuple(found)


def _reduced(value: Value, generic: Value) -> Value:
    """The value with the shortest period: where later phases are the earlier ones, moved, whatever
    the weights are.
    """
    for axis in range(len(value.rate)):
        a, b = value.rate[axis]
        common = gcd(a, b)
        for times in range(common, 1, -1):
            both = (generic, value)
            if common % times == 0 and all(_repeats(part, axis, times) for part in both):
                generic, value = (_shortened(part, axis, times) for part in both)
                break
    return value


def _apart(value: Value) -> tuple[Array, Array, Array | None]:
    """Kernel, taps and constants with one axis for the phases of each axis, these first."""
    factors = [b for _, b in value.rate]
    groups, out, width = value.kernel.shape[:3]
    kernel = np.moveaxis(value.kernel, 3, 0).reshape(*factors, groups, out, width, *value.extent)
    present = value.present.reshape(*factors, *value.extent)
    constant = value.constant
    return kernel, present, None if constant is None else constant.T.reshape(*factors, -1)


def _repeats(value: Value, axis: int, times: int) -> bool:
    a, b = (n // times for n in value.rate[axis])
    kernel, _, constant = _apart(value)
    along = kernel.ndim - len(value.rate) + axis
    kernel = np.moveaxis(np.moveaxis(kernel, axis, 0), along, -1)
    if constant is not None:
        constant = np.moveaxis(constant, axis, 0)
        if (constant[b:] != constant[:-b]).any():
            return False
    if kernel.shape[-1] <= a:  # moved past one another: both must be zero
        return not (kernel[b:] != 0).any() and not (kernel[:-b] != 0).any()
    moved, still = kernel[b:], kernel[:-b]
    return not (
        (moved[..., a:] != still[..., :-a]).any()
        or (moved[..., :a] != 0).any()
        or (still[..., -a:] != 0).any()
    )


def _shortened(value: Value, axis: int, times: int) -> Value:
    kernel, present, constant = _apart(value)
    a, b = (n // times for n in value.rate[axis])
    rate = (*value.rate[:axis], (a, b), *value.rate[axis + 1 :])
    kept = (*(slice(None),) * axis, slice(0, b))
    phases = prod(n for _, n in rate)
    rest = kernel.shape[len(rate) :]
    present = present[kept].reshape(phases, *value.extent)
    shorter = value._replace(
        rate=rate,
        kernel=np.moveaxis(kernel[kept].reshape(phases, *rest), 0, 3),
        present=present,
        constant=None if constant is None else constant[kept].reshape(phases, -1).T,
    )
    return trimmed(shorter, present)
