"""Weights as people hold them -> arrays by the names that a stack gives them.

A state is a dictionary from names to arrays (a `state_dict`), arrays in a row, or an .npz file.
Shapes are looked at before numbers are: those of a file are read when all its names and shapes fit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from os import PathLike, fsdecode
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from convalgebra.errors import InputError
from convalgebra.files import check_file
from convalgebra.kernels.arrays import NoNumbersError, finite, headers, read_arrays
from convalgebra.kernels.merging.blocks import Array, check_bits
from convalgebra.kernels.merging.parameters import (
    Parameter,
    ParameterTable,
    listing,
    shape_written,
)
from convalgebra.kernels.sources import nested_shape
from convalgebra.words import first_of

Weights: TypeAlias = "Mapping[str, Any] | Sequence[Any] | str | PathLike[str]"

COUNTER = "num_batches_tracked"  # PyTorch keeps it beside the numbers of a batch norm
EPSILON = "eps"
_PREFIXED = re.compile(r"(.*\.)(\d+\.\w+)", re.DOTALL)
_MOST_NAMED = 6


class State(NamedTuple):
    """Arrays by name, or in a row; of a file the headers stand for them.

    A prefix that all names have before their number (`block.0.weight`) is taken off.
    """

    where: str
    named: dict[str, Any]
    prefix: str = ""
    row: tuple[Any, ...] | None = None
    file: str | None = None

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of an array, () where there is none; in a row, that of the first one."""
        value: Any = self.named.get(name)
        if self.row is not None:
            value = self.row[0] if self.row else None
        if hasattr(value, "shape"):
            return tuple(int(size) for size in value.shape)
        return nested_shape(value, f"`{name}`")


def state_of(weights: Weights) -> State:
    """The state that somebody gives.

    >>> state_of({"block.0.weight": [[[1]]], "block.1.weight": [[[2]]]}).prefix
    'block.'
    """
    if isinstance(weights, (str, PathLike)):
        file = fsdecode(weights)
        if not file.lower().endswith(".npz"):
            check_file(file)
            raise InputError(
                f"{file!r}: weights are read from an .npz file, as numpy.savez writes it"
            )
        prefix, named = _without_prefix({header.name: header for header in headers(file)})
        return State(file, named, prefix, file=file)
    if isinstance(weights, Mapping):
        prefix, named = _without_prefix({str(name): value for name, value in weights.items()})
        return State("the weights", named, prefix)
    if isinstance(weights, (list, tuple)):
        return State("the weights", {}, row=tuple(weights))
    raise InputError(
        "weights are a dictionary from names to arrays, a list of arrays, or the name of an .npz "
        f"file, not {type(weights).__name__}"
    )


def _without_prefix(named: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """What stands before the number in all the names, if it is the same, and the names without."""
    found = [_PREFIXED.fullmatch(name) for name in named]
    prefixes = {match and match[1] for match in found}
    prefix = prefixes.pop() if len(prefixes) == 1 else None
    if not prefix:
        return "", named
    return prefix, {name.removeprefix(prefix): value for name, value in named.items()}


def collected(state: State, table: ParameterTable) -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays of all parameters by name, and what is added to variances where that is said.

    Arrays are of objects (ints and Fractions) or of floats. Raises InputError, with the place, for
    names and shapes that do not fit and for what is no array of finite real numbers.
    """
    held = state.named
    if state.row is not None:
        if len(state.row) != len(table):
            raise InputError(
                f"{len(state.row)} arrays of weights for {len(table)}; expected are, in this "
                f"order,\n{listing(table)}"
            )
        held = {p.name: value for p, value in zip(table, state.row, strict=True)}
    else:
        _check_names(state, table)
    layers = [p.layer_number for p in table if p.role == "running_var"]
    epsilons = [name for layer in layers if (name := f"{layer}.{EPSILON}") in held]
    if state.file is not None:
        for p in table:
            _check_shape(held[p.name].shape, p)
        wanted = [*(p.name for p in table), *epsilons]
        stored = read_arrays(state.file, [state.prefix + name for name in wanted])
        held = {name: stored[state.prefix + name] for name in wanted}
    arrays = {p.name: _array(held[p.name], p) for p in table}
    return arrays, {name: held[name] for name in epsilons}


def _check_names(state: State, table: ParameterTable) -> None:
    wanted = {p.name for p in table}
    norms = {p.layer_number for p in table if p.role == "running_var"}
    optional = {f"{layer}.{role}" for layer in norms for role in (COUNTER, EPSILON)}
    one = state.file is not None
    for p in table:
        if p.name in state.named:
            continue
        if state.file is not None:
            _check_numbers(state.file, state.prefix + p.name)
        raise InputError(
            f"{state.where} {'does' if one else 'do'} not hold `{state.prefix}{p.name}` of "
            f"`{p.layer}`, but {_held(state)}; expected are\n{listing(table)}"
        )
    for name in state.named:
        if name not in wanted | optional:
            why = f"; expected are\n{listing(table)}" if wanted else ": it has no weights"
            raise InputError(
                f"{state.where} {'holds' if one else 'hold'} `{(state.prefix + name)[:60]}`, which "
                f"no layer of the stack has{why}"
            )


def _held(state: State) -> str:
    return first_of((f"{state.prefix}{name}" for name in state.named), _MOST_NAMED) or "nothing"


def _check_numbers(file: str, name: str) -> None:
    """Raise an error for what is stored under a name and is no array of numbers."""
    try:
        read_arrays(file, [name])
    except NoNumbersError:
        raise
    except InputError:  # it is not there at all
        return


def _check_shape(shape: tuple[int, ...], parameter: Parameter) -> None:
    if shape != parameter.shape:
        order = "PyTorch's order of axes" if len(parameter.shape) > 1 else "one number a channel"
        raise InputError(
            f"`{parameter.name}` of `{parameter.layer}` is {shape_written(shape)}; expected "
            f"{shape_written(parameter.shape)} ({order})"
        )


def _array(value: Any, parameter: Parameter) -> Array:
    """An array of objects (ints and Fractions) or of floats, of the shape that is expected."""
    array = _as_numpy(value, parameter.name)
    _check_shape(array.shape, parameter)
    return finite(array, parameter.name)


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
        nested_shape(value, f"`{name}`")  # what holds itself has no end
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
        return to_floats(array, name) if array.dtype.itemsize > 8 else array
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
        return to_floats(array, name)
    exact = [leaf if isinstance(leaf, Fraction) else int(leaf) for leaf in array.ravel()]
    for leaf in exact:
        check_bits(leaf.numerator, leaf.denominator)
    found = np.empty(array.size, dtype=object)
    found[:] = exact
    return found.reshape(array.shape)


def to_floats(array: Array, name: str) -> Array:
    """The array as floats of 64 bits."""
    try:
        with np.errstate(over="ignore"):  # an infinity is told with its place
            return array.astype(np.float64)
    except OverflowError:
        raise InputError(f"`{name}` holds a number that no float of 64 bits holds") from None
