"""How far rounding can take the numbers of a merged stack from the true ones.

A float of u = 2^-53 (2^-24 for weights of 32 bits) rounds a sum, product, quotient or root to
`(1 + d)` times its value, `|d| <= u`, unless it underflows. An entry of a merged kernel, or of the
row of a difference, is a sum of products of weights. If every product goes through at most n
operations on its way, whatever the order in which sums are taken, it comes out as itself times n
factors `(1 + d)`, so that the entry is wrong by at most

    gamma_n M,    gamma_n = n u / (1 - n u),

M the same sum with absolute values in place of the weights (Higham, Accuracy and Stability of
Numerical Algorithms, lemma 3.1). M is worked out in floats as well: `gamma_2n >= gamma_n/(1 -
gamma_n)` makes up for that. A bias of a batch norm, `bias - mean factor`, counts with
`|bias| + |mean factor|`: where the two cancel, all that is left may be rounding.

An output for which the stack and its merged convolution differ by more than `gamma_2n M` does
differ. Where they differ by less, they are equal to rounding: so much may be lost when one is run.
"""

from __future__ import annotations

from fractions import Fraction
from math import inf, log2, nextafter, prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from convalgebra.algebra.plan import Plan
from convalgebra.kernels.merging.blocks import Array

if TYPE_CHECKING:
    from convalgebra.kernels.merging.composition import Value
    from convalgebra.kernels.merging.weights import Given

UNIT = 2.0**-53
BATCH_NORM = 6  # operations in `bias - mean weight / sqrt(var + eps)`, eps and var made floats
_LEAST_POWER = -1000  # of 2, for products of weights: what is smaller may underflow


class Noise(NamedTuple):
    """The sums M for the outputs of a stack, by channel and phase, and what multiplies them.

    What a border makes differ is a part of the products that make an output: M is at least that of
    the difference, too. `operations` are those that a product goes through. `unit` is that of the
    weights, and `own` that of the floats in which differences are worked out, 0 where they are
    exact.
    """

    sizes: Array
    operations: int
    unit: float
    own: float


def gamma(operations: int, unit: float) -> float:
    """By which part of itself a number is wrong at most after so many operations; inf if unknown.

    >>> 3 * UNIT < gamma(3, UNIT) < 3.01 * UNIT, gamma(10, 0.0), gamma(2**53, UNIT)
    (True, 0.0, inf)
    """
    lost = operations * unit
    return inf if lost >= 0.5 else lost / (1 - lost) * (1 + 2.0**-40)


def operations(plan: Plan, given: Given, *, merged: bool) -> int:
    """The most operations that a product of weights goes through.

    With `merged` those to the kernel of the stack, else those to a row of differences. The weights
    of a layer that reads the input are taken as they are: products with 1.
    """
    found = [0] * len(plan.steps)
    for index, step in enumerate(plan.steps):
        before = max((found[source] for source in step.sources), default=0)
        if step.op in ("conv", "convt"):
            inner, out = (width // step.groups for width in step.channels)
            terms = (inner if merged else max(inner, out)) * prod(step.size)
            first = merged and plan.steps[step.sources[0]].op == "input"
            before += given.roundings[index] + (0 if first else terms + 2)
        elif step.op == "add":
            before += len(step.sources) - 1
        found[index] = before
    return found[-1]


def underflows(given: Given) -> bool:
    """Whether a product of weights, one of each layer, may be too small for a float."""
    power = 0.0
    for numbers in given.magnitudes.values():
        arrays = [numbers.kernel, *([] if numbers.bias is None else [numbers.bias])]
        least = min((float(a[a > 0].min()) for a in arrays if (a > 0).any()), default=1.0)
        power += min(0.0, log2(least))
    return power < _LEAST_POWER


def sums_of(value: Value) -> Array:
    """The sums of a kernel and a constant for each channel and phase, at inputs of 1."""
    kernel = value.kernel
    sums = kernel.sum(axis=(2, *range(4, kernel.ndim))).reshape(-1, kernel.shape[3])
    return sums if value.constant is None else sums + value.constant


def stored_error(exact: Array, stored: Array, out: int) -> Any:
    """The largest sum of what storing changed in the weights of an output; its axis is `out`.

    Exact where `exact` has Fractions.
    """
    if exact.dtype == object:
        pairs = zip(exact.ravel(), stored.ravel().tolist(), strict=True)
        gaps = np.empty(exact.size, dtype=object)
        gaps[:] = [abs(Fraction(kept) - true) for true, kept in pairs]
        gaps = gaps.reshape(exact.shape)
    else:
        gaps = np.abs(exact - stored.astype(np.float64))
    return gaps.sum(axis=tuple(axis for axis in range(gaps.ndim) if axis != out)).max()


def upward(value: Any) -> float:
    """A float that is at least a number: sums of floats are taken to be wrong by up to 2^-30."""
    if isinstance(value, Fraction):
        found = float(value)
        return found if Fraction(found) >= value else nextafter(found, inf)
    return float(value) * (1 + 2.0**-30)
