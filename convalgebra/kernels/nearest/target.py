"""The kernel, or the layer, that is to be approximated, in floats of a good size."""

from __future__ import annotations

import re
from functools import partial
from math import frexp
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, NamedTuple

from convalgebra.errors import InputError
from convalgebra.kernels.arrays import finite, is_array_file, read_array
from convalgebra.kernels.sources import ARRAY_FILE, Kernel, KernelSource, kernel_of

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

_POWER_LIMIT = 1000
ENTRIES_LIMIT = 2**24  # 128 MB as floats, and several copies are needed
_INDEXED = re.compile(rf"{ARRAY_FILE}\[(?P<at>[-\d, ]*)\]", re.IGNORECASE)


class Target(NamedTuple):
    """`entries * 2^power` is the kernel, [c_out, c_in, *size]; the largest entry is in [1/2, 1)."""

    entries: Any
    power: int
    name: str
    layer: bool  # written as a layer, with channels

    @property
    def size(self) -> tuple[int, ...]:
        """The places along each axis."""
        return tuple(self.entries.shape[2:])

    @property
    def channels(self) -> tuple[int, int]:
        """The channels that come in and that go out."""
        out, into = self.entries.shape[:2]
        return into, out


def target_of(source: KernelSource, axes: int) -> Target:
    """The target that `source` names, for stacks with so many axes.

    An array with `axes` axes is one filter; with two more it is a layer, [c_out, c_in, ..], as
    frameworks store it. Scaled by a power of two, which changes nothing else.

    >>> target_of("1 2; 3 4", 2).entries.ravel().tolist(), target_of("1 2; 3 4", 2).power
    ([0.125, 0.25, 0.375, 0.5], 3)

    Raises InputError for what is no kernel of finite numbers, or a zero one, or has other axes.
    """
    import numpy as np

    array, name = array_of(source)
    if array.ndim not in (axes, axes + 2):
        while array.ndim > axes and array.shape[0] == 1:  # 1x3 rows for stacks with one axis
            array = array[0]
        while array.ndim < axes:
            array = array[None]
        if array.ndim != axes:
            shape = "x".join(map(str, array.shape))
            raise InputError(
                f"{name} is {shape}; for a stack with {axes} {'axis' if axes == 1 else 'axes'} a "
                f"kernel has {axes}, and a layer {axes + 2}: [c_out, c_in, ..]"
            )
    layer = array.ndim == axes + 2
    if not layer:
        array = array[None, None]
    if not array.size:
        raise InputError(f"{name} has no entries: its shape is {array.shape}")
    if array.dtype == object:
        scaled, power = _of_exact(array, name)
    else:
        largest = float(np.abs(array).max())
        power = frexp(largest)[1]
        if power > _POWER_LIMIT:
            raise _out_of_range(name, power)
        half = power // 2  # 2.0**1074 is more than a float holds
        scaled = np.ldexp(np.ldexp(array.astype(float), -half), half - power)
    if not scaled.any():
        raise InputError(
            f"{name} is zero: every stack makes it, with zero weights; no error is relative to 0"
        )
    return Target(np.ascontiguousarray(scaled), power, name, layer)


def array_of(source: KernelSource) -> tuple[Any, str]:
    """The numbers of a source as an array, and what to call it; exact ones as objects."""
    import numpy as np

    name = "the kernel"
    if isinstance(source, PathLike):
        source = fspath(source)
    if isinstance(source, str):
        indexed = _INDEXED.fullmatch(source)
        path = indexed["file"] if indexed else source
        if is_array_file(path):
            whole = indexed is None
            array = read_array(path, check=partial(_check_size, source) if whole else None)
            if indexed:
                array = _part(array, indexed["at"], path)
            return checked(array, source), source
    if hasattr(source, "detach") or (isinstance(source, np.ndarray) and source.dtype != object):
        return checked(array_from(source, name), name), name
    kernel = source if isinstance(source, Kernel) else kernel_of(source)
    exact = np.empty(len(kernel.entries), dtype=object)
    exact[:] = kernel.entries
    return exact.reshape(kernel.shape), kernel.name


def _part(array: Any, at: str, path: str) -> Any:
    try:
        return array[tuple(int(number) for number in at.split(","))]
    except ValueError:
        raise InputError(f"`[{at}]` is no place; write numbers, like [0,2]") from None
    except IndexError:
        shape = "x".join(map(str, array.shape))
        raise InputError(f"{path}: there is no [{at}] in {shape} numbers") from None


def array_from(value: Any, name: str) -> Any:
    """An array, rows of numbers, or a tensor of torch, as an array."""
    import numpy as np

    if hasattr(value, "detach"):
        value = value.detach().cpu()
        try:
            return value.numpy()
        except TypeError:  # bfloat16, which numpy does not have
            return value.float().numpy()
    try:
        return np.asarray(value)
    except ValueError:
        raise InputError(f"{name} is ragged: its rows have different lengths") from None


def _check_size(name: str, entries: int) -> None:
    if entries > ENTRIES_LIMIT:
        raise InputError(
            f"{name} has {entries:,} entries; the limit is {ENTRIES_LIMIT:,}: take one group "
            "of its channels"
        )


def checked(array: Any, name: str) -> Any:
    """The array, if it holds finite real numbers, and not too many."""
    import numpy as np

    if array.dtype.kind not in "fiub":
        raise InputError(f"{name} is of type {array.dtype}; expected real numbers")
    _check_size(name, array.size)
    if array.dtype.itemsize > 8:
        with np.errstate(over="ignore"):
            array = array.astype(float)
    return finite(array, name)


def _of_exact(array: Any, name: str) -> tuple[Array, int]:
    """Ints and Fractions, which may be beyond all floats, divided by a power of two first."""
    from fractions import Fraction

    import numpy as np

    entries = [Fraction(entry) for entry in array.ravel()]
    largest = max(abs(entry) for entry in entries)
    if not largest:
        return np.zeros(array.shape), 0
    power = largest.numerator.bit_length() - largest.denominator.bit_length()
    power += largest >= Fraction(2) ** power
    if abs(power) > _POWER_LIMIT:
        raise _out_of_range(name, power)
    scaled = [float(entry / Fraction(2) ** power) for entry in entries]
    return np.array(scaled).reshape(array.shape), power


def _out_of_range(name: str, power: int) -> InputError:
    return InputError(
        f"{name} has its largest entry near 2^{power}, where filters leave the range of "
        "floats; divide it by that: relative errors stay the same"
    )
