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

from convalgebra.errors import InputError, UnsupportedError
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
_NUMBERED = re.compile(r"(.*\.)?\d+\.\w+", re.DOTALL)
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
        return _shape(value, name)


def _shape(value: Any, name: str) -> tuple[int, ...]:
    if isinstance(getattr(value, "shape", None), tuple):
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


class Matched(NamedTuple):
    """The arrays of all parameters by name, objects (ints and Fractions) or floats.

    `epsilons` are what is added to variances where that is said. `by_order` says which array is
    which, where only their order did.
    """

    arrays: dict[str, Array]
    epsilons: dict[str, Any]
    by_order: str


def collected(state: State, table: ParameterTable) -> Matched:
    """The arrays of a state that the parameters are.

    Where the stack was read from a model, a dictionary goes by the names that the model gives to
    its arrays, in whatever order it holds them.

    Raises InputError, with the place, for names and shapes that do not fit and for what is no array
    of finite real numbers; UnsupportedError for weights that the model computes.
    """
    _check_computed(table)
    held: dict[str, Any] = {state.prefix + name: value for name, value in state.named.items()}
    epsilons: dict[str, str] = {}
    by_order = ""
    if state.row is not None:
        by_order = _in_a_row(state.row, table)
        keys = {p.name: p.name for p in table}
        held = {p.name: value for p, value in zip(table, state.row, strict=True)}
    elif (of_model := _keys_of_model(state, table, held)) is not None:
        keys = of_model
    else:
        _check_names(state, table)
        keys = {p.name: state.prefix + p.name for p in table}
        numbers = [p.layer_number for p in table if p.role == "running_var"]
        own = {f"{number}.{EPSILON}": f"{state.prefix}{number}.{EPSILON}" for number in numbers}
        epsilons = {name: key for name, key in own.items() if key in held}
    if state.file is not None:
        for p in table:
            _check_shape(held[keys[p.name]].shape, p)
        held = read_arrays(state.file, [*keys.values(), *epsilons.values()])
    arrays = {p.name: _array(held[keys[p.name]], p) for p in table}
    return Matched(arrays, {name: held[key] for name, key in epsilons.items()}, by_order)


def _check_computed(table: ParameterTable) -> None:
    for p in table:
        if p.model and p.held is None:
            batch = p.role.startswith("running_")
            unless = "if not from what comes in, which is not linear, " if batch else ""
            raise UnsupportedError(
                f"not mergeable: layer {int(p.layer_number) + 1} (`{p.layer}`) does not take its "
                f"{p.role} as the state of the model holds it, but computes it; {unless}merge the "
                "stack as text (Python: str(network)) and give its weights yourself"
            )


def _in_a_row(row: Sequence[Any], table: ParameterTable) -> str:
    """Which of several arrays in a row is which; "" of one.

    Raises InputError where they are too many or too few, and where the model has them in another
    order than it runs them, which fits them too.
    """
    if len(row) != len(table):
        raise InputError(
            f"{len(row)} arrays of weights for {len(table)}; expected are, in this "
            f"order,\n{listing(table)}"
        )
    shapes = [_shape(value, p.name) for value, p in zip(row, table, strict=True)]
    of_model = sorted((p.held.place, p.held.name, p.held.shape) for p in table if p.held)
    names = [name for _, name, _ in of_model]
    if names != [p.label for p in table if p.held] and shapes == [s for _, _, s in of_model]:
        raise InputError(
            f"the model holds its arrays in another order ({first_of(names, _MOST_NAMED)}) than it "
            f"runs them ({first_of((p.label for p in table), _MOST_NAMED)}), and a list does not "
            "say which order it has: give a dictionary from names to arrays, like state_dict()"
        )
    if len(row) < 2:
        return ""
    pairs = [
        f"`{p.label}` is array {number} ({shape_written(shape)})"
        for number, (p, shape) in enumerate(zip(table, shapes, strict=True), 1)
    ]
    alike = len(set(shapes)) < len(shapes)
    rest = "; only their order tells arrays of one shape apart" if alike else ""
    return f"{first_of(pairs, _MOST_NAMED)}{rest}"


def _keys_of_model(
    state: State, table: ParameterTable, held: Mapping[str, Any]
) -> dict[str, str] | None:
    """Under which key each parameter of a model stands; None where numbers of layers are meant.

    The keys may all have something before the names of the model, or lack something.
    """
    names = {p.name: p.held.name for p in table if p.held}
    if not names:
        return None
    first = next(iter(names.values()))
    ways = [names]
    for key in held:
        if key.endswith(f".{first}"):
            before = key.removesuffix(first)
            ways.append({name: before + own for name, own in names.items()})
    for end in (place + 1 for place, letter in enumerate(first) if letter == "."):
        if all(own.startswith(first[:end]) for own in names.values()):
            ways.append({name: own[end:] for name, own in names.items()})
    found = [way for way in ways if all(key in held for key in way.values())]
    if found and (found[0] is names or len(found) == 1):
        return found[0]
    if found:
        keys = first_of((next(iter(way.values())) for way in found), _MOST_NAMED)
        raise InputError(f"`{first}` of the model could be each of {keys}; give one of them only")
    numbered = any(_NUMBERED.fullmatch(own) for own in names.values())
    if not numbered and all(p.name in state.named for p in table):
        return None
    missing = next(p for p in table if p.held and p.held.name not in held)
    raise InputError(
        f"{state.where} {'do' if state.file is None else 'does'} not hold `{missing.label}` of "
        f"`{missing.layer}`, but {_held(state)}; expected are\n{listing(table)}"
    )


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
    held = parameter.held  # its numbers may lie in the model in another shape
    if shape != parameter.shape and (held is None or shape != held.shape):
        order = "PyTorch's order of axes" if len(parameter.shape) > 1 else "one number a channel"
        raise InputError(
            f"`{parameter.label}` of `{parameter.layer}` is {shape_written(shape)}; expected "
            f"{shape_written(parameter.shape)} ({order})"
        )


def _array(value: Any, parameter: Parameter) -> Array:
    """An array of objects (ints and Fractions) or of floats, of the shape that is expected."""
    array = _as_numpy(value, parameter.label)
    _check_shape(array.shape, parameter)
    return finite(array, parameter.label).reshape(parameter.shape)


def _as_numpy(value: Any, name: str) -> Array:
    if hasattr(value, "detach"):  # a tensor of torch
        try:
            value = value.detach().cpu()
            # numpy does not have bfloat16, and floats of 32 bits have all its numbers
            value = (value.float() if str(value.dtype) == "torch.bfloat16" else value).numpy()
        except (TypeError, ValueError, RuntimeError) as error:  # no numbers, or not in rows
            told = (str(error).splitlines() or [""])[0][:100]
            raise InputError(f"`{name}` is no tensor of plain numbers: {told}") from None
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
