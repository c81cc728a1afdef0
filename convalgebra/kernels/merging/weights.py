"""The arrays of a stack -> the numbers of every step of its plan.

Where all numbers are ints and Fractions, everything stays exact. Else all are taken as floats of 64
bits, those of 32 bits too, and what is merged is rounded once, at the end. Floats are fractions,
too: a small stack is merged exactly all the same, unless a batch norm divides by a root.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import isqrt, lcm
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from convalgebra.algebra.plan import Plan, Step
from convalgebra.arguments import shown
from convalgebra.errors import InputError, UnsupportedError
from convalgebra.kernels.merging.blocks import Array, check_bits
from convalgebra.kernels.merging.parameters import Parameter, ParameterTable
from convalgebra.kernels.merging.rounding import BATCH_NORM
from convalgebra.kernels.merging.state import EPSILON, State, collected, to_floats
from convalgebra.kernels.sources import number_of
from convalgebra.layers import EPS

Epsilon: TypeAlias = "int | float | str | Fraction"

FEW = 2_000  # floats that are taken as Fractions; a fraction of a second
_MOST_EPSILON = 10**300
_LONGEST = 24  # characters of a fraction that is told


class Numbers(NamedTuple):
    """The kernel (taps, groups, out, in) and the bias (out) of a step, over one denominator."""

    kernel: Array
    bias: Array | None
    denominator: int = 1


class Given(NamedTuple):
    """The numbers of all steps with a kernel, what they are, and what had to be said of them.

    `by_order` says which array is which, where only their order did. `dtype` is that of the merged
    weights: objects for Fractions. Of floats there are the absolute values in `magnitudes`, how
    many roundings each step has behind it, and the numbers as Fractions where these are few.
    """

    steps: dict[int, Numbers]
    exact: bool
    dtype: Any
    notes: tuple[str, ...]
    by_order: str = ""
    magnitudes: Mapping[int, Numbers] = MappingProxyType({})
    roundings: Mapping[int, int] = MappingProxyType({})
    rational: dict[int, Numbers] | None = None


def numbers_of(
    plan: Plan, table: ParameterTable, state: State, epsilon: Epsilon | None = None
) -> Given:
    """The numbers of every step that has a kernel, a batch norm as a factor and a bias.

    What a batch norm adds to variances is in the state, else `epsilon`, else that of its layer.

    Raises InputError, with the place, for names and shapes that do not fit and for what is no array
    of finite real numbers.
    """
    arrays, own, by_order = collected(state, table)
    floats = [array.dtype for array in arrays.values() if array.dtype != object]
    norms = [p for p in table if p.role == "running_var"]
    common = None if epsilon is None else _epsilon(epsilon)  # a bad one is told without norms, too
    notes = [*table.notes]
    epsilons: dict[int, Fraction] = {}
    for p in norms:
        said = own.get(f"{p.layer_number}.{EPSILON}")
        given = common if said is None else _epsilon(said)
        epsilons[p.step] = _epsilon(p.eps) if given is None else given
        notes += _on_epsilon(p, given)
        _check_variance(arrays[p.name], p.label, epsilons[p.step])
    notes = list(dict.fromkeys(notes))
    kernels = [i for i, step in enumerate(plan.steps) if step.op in ("conv", "convt")]
    few = not floats or sum(array.size for array in arrays.values()) <= FEW
    fractions = {name: _as_fractions(array) for name, array in arrays.items()} if few else {}
    root, exact = None, few
    for p in norms if few else ():
        root = _irrational(fractions[p.name] + epsilons[p.step])
        if root is not None:
            exact = False
            if not floats:
                shown = str(root) if len(str(root)) <= _LONGEST else "a fraction"
                notes.append(
                    f"`{p.layer}` divides by the square root of {shown}, which is not rational: "
                    "all is merged in floats"
                )
            break
    rational: dict[int, Numbers] | None = None
    if exact:
        by_step = _by_step(table, fractions)
        try:
            rational = {i: _numbers(plan.steps[i], by_step, epsilons, True) for i in kernels}
        except UnsupportedError:
            if not floats:
                raise
    if rational is not None and not floats:
        return Given(rational, True, np.dtype(object), tuple(notes), by_order)
    plain = {p.name: to_floats(arrays[p.name], p.label) for p in table}
    by_step = _by_step(table, plain)
    found = {i: _numbers(plan.steps[i], by_step, epsilons, False) for i in kernels}
    inexact = {p.step for p in table if _changed(arrays[p.name], plain[p.name])}
    return Given(
        steps=found,
        exact=False,
        dtype=np.result_type(np.float32, *floats) if floats else np.dtype(np.float64),
        notes=tuple(notes),
        by_order=by_order,
        magnitudes={i: _magnitudes(plan.steps[i], by_step, found[i]) for i in kernels},
        roundings={i: _roundings(plan.steps[i], inexact) for i in kernels},
        rational=rational,
    )


def _by_step(table: ParameterTable, arrays: Mapping[str, Array]) -> dict[int, dict[str, Array]]:
    found: dict[int, dict[str, Array]] = {}
    for p in table:
        found.setdefault(p.step, {})[p.role] = arrays[p.name]
    return found


def _as_fractions(array: Array) -> Array:
    if array.dtype == object:
        return array
    found = np.empty(array.size, dtype=object)
    found[:] = [Fraction(value) for value in array.ravel().tolist()]
    return found.reshape(array.shape)


def _changed(array: Array, floats: Array) -> bool:
    """Whether ints and Fractions are others as floats."""
    pairs = zip(array.ravel(), floats.ravel().tolist(), strict=True)
    return array.dtype == object and any(Fraction(float_) != value for value, float_ in pairs)


def _magnitudes(step: Step, by_step: dict[int, dict[str, Array]], numbers: Numbers) -> Numbers:
    """The absolute values of the numbers of a step, those of a difference added up."""
    kernel = np.abs(numbers.kernel)
    bias = None if numbers.bias is None else np.abs(numbers.bias)
    if step.kind == "bn" and step.weights is not None:
        own = by_step[step.weights]
        bias = np.abs(own["bias"]) + np.abs(own["running_mean"]) * kernel.ravel()
    return Numbers(kernel, bias)


def _roundings(step: Step, inexact: set[int]) -> int:
    """How many roundings the numbers of a step have behind them."""
    if step.weights is None:
        return int(any(Fraction(float(tap)) != tap for tap in step.taps or ()))
    return (step.weights in inexact) + (BATCH_NORM if step.kind == "bn" else 0)


def generic_numbers(plan: Plan, given: Given) -> dict[int, Numbers]:
    """Whole numbers without a relation, drawn once and for all, for the weights of every step."""
    found: dict[int, Numbers] = {}
    for index, numbers in given.steps.items():
        step = plan.steps[index]
        if step.weights is None:
            found[index] = _numbers(step, {}, {}, True)
            continue
        rng = np.random.default_rng(step.weights)  # a shared layer has the same ones
        kernel, bias = (
            None if array is None else rng.integers(1, 2**31, array.shape).astype(object)
            for array in (numbers.kernel, numbers.bias)
        )
        found[index] = Numbers(kernel, bias)
    return found


def _on_epsilon(norm: Parameter, given: Fraction | None) -> list[str]:
    """What has to be said of the eps of a batch norm: that nobody stated it, or two did."""
    if given is None:
        known = norm.model or norm.eps != EPS
        return [] if known else [f"`{norm.layer}`: eps 1e-5, the notation's default"]
    if given == _epsilon(norm.eps) or (norm.eps == EPS and not norm.model):
        return []
    return [f"`{norm.layer}`: eps {float(given)}, as given with the weights, not its {norm.eps}"]


def _epsilon(value: Any) -> Fraction:
    """What is added to variances; a float is the decimal that it is printed as."""
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        if isinstance(value, (Fraction, int)):
            found = Fraction(value)
        elif isinstance(value, str):
            found = Fraction(number_of(value.strip(), "eps")[0])
        else:
            found = Fraction(repr(float(np.asarray(value).reshape(()))))
    except (InputError, ValueError, TypeError):
        found = Fraction(-1)
    if not 0 <= found <= _MOST_EPSILON:
        raise InputError(f"eps is a number from 0 to 1e300, like 1e-5, not {shown(value)}")
    return found


def _check_variance(array: Array, name: str, epsilon: Fraction) -> None:
    bad = np.asarray((array < 0) | ((array == 0) & (epsilon == 0)), dtype=bool)
    if bad.any():
        place = int(np.argmax(bad))
        raise InputError(
            f"{name}[{place}] is {array[place]}: with eps = {float(epsilon)} a batch norm divides "
            "by the root of a sum that must be above 0, and variances are not negative"
        )


def _irrational(values: Array) -> Fraction | None:
    """The first of the values that has no rational square root."""
    return next((Fraction(v) for v in values.ravel() if _root(Fraction(v)) is None), None)


def _root(value: Fraction) -> Fraction | None:
    above, below = isqrt(value.numerator), isqrt(value.denominator)
    root = Fraction(above, below)
    return root if root * root == value else None


def _numbers(
    step: Step,
    by_step: dict[int, dict[str, Array]],
    epsilons: dict[int, Fraction],
    exact: bool,
) -> Numbers:
    (width, out), groups = step.channels, step.groups
    bias: Array | None = None
    if step.weights is None:
        assert step.taps is not None
        taps = np.array(step.taps, dtype=object if exact else float)
        kernel = np.empty((len(step.taps), groups, 1, 1), dtype=taps.dtype)
        kernel[:] = taps[:, None, None, None]
        return _scaled(kernel, None, exact)
    own = by_step[step.weights]
    weight, bias = own["weight"], own.get("bias")
    if step.kind == "bn":
        weight, bias = _batch_norm(own, epsilons[step.weights], exact)
    if step.op == "convt":
        # PyTorch: (in, out of the group, taps).
        split = weight.reshape(groups, width // groups, out // groups, -1)
        kernel = split.transpose(3, 0, 2, 1)
    else:
        kernel = weight.reshape(groups, out // groups, width // groups, -1).transpose(3, 0, 1, 2)
        if step.kind in ("bn", "scale"):
            kernel = weight.reshape(1, groups, 1, 1)
    return _scaled(np.ascontiguousarray(kernel), bias, exact)


def _batch_norm(own: dict[str, Array], epsilon: Fraction, exact: bool) -> tuple[Array, Array]:
    """The factor and the bias of `(x - mean) / sqrt(var + eps) * weight + bias`."""
    weight, bias, mean, var = (
        own[role] for role in ("weight", "bias", "running_mean", "running_var")
    )
    if exact:
        factor = np.empty(len(var), dtype=object)
        factor[:] = [
            Fraction(w) / root
            for w, value in zip(weight, var, strict=True)
            if (root := _root(Fraction(value) + epsilon)) is not None  # all are rational here
        ]
    else:
        factor = weight / np.sqrt(var + float(epsilon))
    return factor, bias - mean * factor


def _scaled(kernel: Array, bias: Array | None, exact: bool) -> Numbers:
    """Whole numbers over one denominator, where numbers are exact."""
    if not exact:
        return Numbers(kernel, bias)
    values = [*kernel.ravel(), *(() if bias is None else bias)]
    denominator = _common_denominator(values)
    return Numbers(
        _times(kernel, denominator),
        None if bias is None else _times(bias, denominator),
        denominator,
    )


def _common_denominator(values: list[Any]) -> int:
    common = 1
    for below in {value.denominator for value in values}:
        common = lcm(common, below)
        check_bits(common)
    return common


def _times(array: Array, factor: int) -> Array:
    found = np.empty(array.size, dtype=object)
    found[:] = [int(value * factor) for value in array.ravel()]
    return found.reshape(array.shape)
