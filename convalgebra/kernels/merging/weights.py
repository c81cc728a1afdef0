"""Weights as people hold them -> the numbers of every step of a plan.

Where all numbers are ints and Fractions, everything stays exact. Else all are taken as floats of 64
bits, those of 32 bits too, and what is merged is rounded once, at the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import isqrt, lcm
from os import PathLike, fsdecode
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from convalgebra.algebra.plan import Plan, Step
from convalgebra.errors import InputError
from convalgebra.kernels.arrays import finite, headers, read_array
from convalgebra.kernels.merging.blocks import Array
from convalgebra.kernels.merging.parameters import Parameter, listing, shape_written

Weights: TypeAlias = "Mapping[str, Any] | Sequence[Any] | str | PathLike[str]"
Epsilon: TypeAlias = "int | float | str | Fraction"

_COUNTER = ".num_batches_tracked"  # PyTorch keeps it beside the numbers of a batch norm
_EPSILON = ".eps"


class Numbers(NamedTuple):
    """The kernel (taps, groups, out, in) and the bias (out) of a step, over one denominator."""

    kernel: Array
    bias: Array | None
    denominator: int = 1


class Given(NamedTuple):
    """The numbers of all steps with a kernel, what they are, and what had to be said of them."""

    steps: dict[int, Numbers]
    exact: bool
    dtype: Any
    notes: tuple[str, ...]


def collected(weights: Weights, parameters: tuple[Parameter, ...]) -> dict[str, Any]:
    """The arrays by name, all that are wanted and no others; `N.eps` may stand among them.

    A sequence is taken in the order of `parameters`; a text or a path names an .npz file.
    """
    if isinstance(weights, (str, PathLike)):
        return _from_file(fsdecode(weights), parameters)
    if isinstance(weights, Mapping):
        found = {str(name): value for name, value in weights.items()}
        _check_names(tuple(found), parameters, "the weights")
        return {name: value for name, value in found.items() if not name.endswith(_COUNTER)}
    if not isinstance(weights, (list, tuple)):
        raise InputError(
            "weights are a dictionary from names to arrays, a list of arrays, or the name of an "
            f".npz file, not {type(weights).__name__}; expected are\n{listing(parameters)}"
        )
    if len(weights) != len(parameters):
        raise InputError(
            f"{len(weights)} arrays of weights for {len(parameters)}; expected are, in this "
            f"order,\n{listing(parameters)}"
        )
    return {p.name: value for p, value in zip(parameters, weights, strict=True)}


def _from_file(path: str, parameters: tuple[Parameter, ...]) -> dict[str, Any]:
    if not path.lower().endswith(".npz"):
        raise InputError(f"{path!r}: weights are read from an .npz file, as numpy.savez writes it")
    stored = tuple(header.name for header in headers(path))
    lacking = [p.name for p in parameters if p.name not in stored]
    for name in lacking:  # stored as something that is no array of numbers, it is told so
        try:
            read_array(path, name)
        except InputError as error:
            if "holds no array" not in str(error):
                raise
    _check_names(stored, parameters, path)
    return {name: read_array(path, name) for name in stored if not name.endswith(_COUNTER)}


_MOST_NAMED = 6


def _check_names(names: tuple[str, ...], parameters: tuple[Parameter, ...], where: str) -> None:
    wanted = {p.name for p in parameters}
    layers = {p.name.partition(".")[0] for p in parameters if p.role == "running_var"}
    optional = {layer + end for layer in layers for end in (_COUNTER, _EPSILON)}
    for p in parameters:
        if p.name not in names:
            held = ", ".join(names[:_MOST_NAMED]) + (", .." if len(names) > _MOST_NAMED else "")
            raise InputError(
                f"{where} {_do(where)} not hold `{p.name}` of `{p.layer}`, but "
                f"{held or 'nothing'}; expected are\n{listing(parameters)}"
            )
    for name in names:
        if name not in wanted | optional:
            expected = f"; expected are\n{listing(parameters)}" if parameters else ""
            raise InputError(
                f"{where} {'hold' if where == 'the weights' else 'holds'} `{name[:60]}`, which no "
                f"layer of the stack has{expected or ': it has no weights'}"
            )


def _do(where: str) -> str:
    return "do" if where == "the weights" else "does"


# Arrays


def _array(value: Any, parameter: Parameter) -> Array:
    """An array of objects (ints and Fractions) or of floats, of the shape that is expected."""
    array = _as_numpy(value, parameter.name)
    if array.shape != parameter.shape:
        raise InputError(
            f"`{parameter.name}` of `{parameter.layer}` is {shape_written(array.shape)}; expected "
            f"{shape_written(parameter.shape)} {_MEANING[parameter.role, len(parameter.shape) > 1]}"
        )
    return finite(array, parameter.name)


_MEANING = {
    ("weight", True): "(PyTorch's order of axes)",
    ("weight", False): "(one number a channel)",
    ("bias", False): "(one number a channel)",
    ("running_mean", False): "(one number a channel)",
    ("running_var", False): "(one number a channel)",
}


def _as_numpy(value: Any, name: str) -> Array:
    if hasattr(value, "detach"):  # a tensor of torch
        value = value.detach().cpu()
        try:
            value = value.numpy()
        except (TypeError, RuntimeError):
            value = value.float().numpy()  # bfloat16, which numpy does not have
    if isinstance(value, np.ndarray):
        array = value
    else:
        try:
            array = np.array(value, dtype=object)
        except ValueError:
            raise InputError(f"`{name}` is ragged: its rows have different lengths") from None
    kind = array.dtype.kind
    if kind == "O":
        return _of_objects(array, name)
    if kind in "iu":
        return array.astype(object)
    if kind == "f":
        return array.astype(np.float64) if array.dtype.itemsize > 8 else array
    raise InputError(f"`{name}` holds {_KINDS.get(kind, str(array.dtype))}; {_EXPECTED}")


_KINDS = {
    "b": "truth values",
    "c": "complex numbers",
    "U": "texts",
    "S": "bytes",
    "M": "dates",
    "m": "times",
}
_EXPECTED = "expected real numbers: floats, ints or Fractions"


def _of_objects(array: Array, name: str) -> Array:
    floats = False
    for place, leaf in np.ndenumerate(array):
        if isinstance(leaf, (list, tuple)):
            raise InputError(f"`{name}` is ragged: its rows have different lengths")
        if isinstance(leaf, (float, np.floating)):
            floats = True
        elif isinstance(leaf, (bool, np.bool_)) or not isinstance(
            leaf, (int, Fraction, np.integer)
        ):
            where = "".join(f"[{at}]" for at in place)
            raise InputError(f"`{name}`{where} is of type {type(leaf).__name__}; {_EXPECTED}")
    if floats:
        return _to_floats(array, name)
    exact = [leaf if isinstance(leaf, Fraction) else int(leaf) for leaf in array.ravel()]
    found = np.empty(array.size, dtype=object)
    found[:] = exact
    return found.reshape(array.shape)


def _to_floats(array: Array, name: str) -> Array:
    try:
        return array.astype(np.float64)
    except OverflowError:
        raise InputError(f"`{name}` holds a number that no float of 64 bits holds") from None


# Numbers of the steps


def numbers_of(
    plan: Plan, parameters: tuple[Parameter, ...], weights: Weights, epsilon: Epsilon
) -> Given:
    """The numbers of every step that has a kernel, a batch norm as a factor and a bias.

    Raises InputError, with the place, for names and shapes that do not fit and for what is no array
    of finite real numbers.
    """
    given = collected(weights, parameters)
    arrays = {p.name: _array(given[p.name], p) for p in parameters}
    floats = [array.dtype for array in arrays.values() if array.dtype != object]
    by_step: dict[int, dict[str, Array]] = {}
    epsilons: dict[int, Fraction] = {}
    layers: dict[int, Parameter] = {}
    for p in parameters:
        by_step.setdefault(p.step, {})[p.role] = arrays[p.name]
        layers.setdefault(p.step, p)
        if p.role == "running_var":
            own = given.get(p.name.partition(".")[0] + _EPSILON, epsilon)
            epsilons[p.step] = _epsilon(own)
            _check_variance(arrays[p.name], p.name, epsilons[p.step])
    notes: list[str] = []
    exact = not floats
    if exact:
        for step, epsilon_here in epsilons.items():
            root = _irrational(by_step[step]["running_var"] + epsilon_here)
            if root is not None:
                exact = False
                notes.append(
                    f"`{layers[step].layer}` divides by the square root of {root}, which is not "
                    "rational: floats from there on"
                )
                break
    if not exact:
        for p in parameters:
            by_step[p.step][p.role] = _to_floats(arrays[p.name], p.name)
    found = {
        index: _numbers(step, by_step, epsilons, exact)
        for index, step in enumerate(plan.steps)
        if step.op in ("conv", "convt")
    }
    dtype = np.result_type(np.float32, *floats) if floats else np.dtype(np.float64)
    return Given(found, exact, np.dtype(object) if exact else dtype, tuple(notes))


def _epsilon(value: Any) -> Fraction:
    """What is added to variances; a float is the decimal that it is printed as."""
    try:
        if isinstance(value, (Fraction, int, str)):
            found = Fraction(value)
        else:
            found = Fraction(repr(float(np.asarray(value).reshape(()))))
    except (ValueError, TypeError, ZeroDivisionError):
        shown = repr(value)[:40]
        raise InputError(f"eps is a number like 1e-5, not {shown}") from None
    if found < 0:
        raise InputError(f"eps must not be below 0, and is {float(found)}")
    return found


def _check_variance(array: Array, name: str, epsilon: Fraction) -> None:
    # Compared exactly: a variance of -1e-5 and an eps of 1e-5 leave nothing to divide by.
    exact = array if array.dtype == object else array.astype(np.float64)
    for place in np.ndindex(*exact.shape):
        if exact[place] < 0 or not exact[place] + epsilon > 0:
            where = ", ".join(map(str, place))
            raise InputError(
                f"{name}[{where}] is {exact[place]}: with eps = {float(epsilon)} a batch norm "
                "divides by the root of a sum that must be above 0, and variances are not negative"
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
        roots = [_root(Fraction(value) + epsilon) for value in var]
        factor = np.empty(len(roots), dtype=object)
        factor[:] = [Fraction(w) / r for w, r in zip(weight, roots, strict=True) if r is not None]
    else:
        factor = weight / np.sqrt(var + float(epsilon))
    return factor, bias - mean * factor


def _scaled(kernel: Array, bias: Array | None, exact: bool) -> Numbers:
    """Whole numbers over one denominator, where numbers are exact."""
    if not exact:
        return Numbers(kernel, bias)
    values = [*kernel.ravel(), *(() if bias is None else bias)]
    denominator = lcm(*(Fraction(value).denominator for value in values))
    return Numbers(
        _times(kernel, denominator),
        None if bias is None else _times(bias, denominator),
        denominator,
    )


def _times(array: Array, factor: int) -> Array:
    found = np.empty(array.size, dtype=object)
    found[:] = [int(value * factor) for value in array.ravel()]
    return found.reshape(array.shape)
