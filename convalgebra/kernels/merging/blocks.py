"""Products of block-diagonal arrays, in floats or in whole numbers without rounding.

Blocks are an array (groups, rows, columns, ...): block j of the rows meets block j of the columns,
and everything else is zero. Whole numbers are Python ints in arrays of objects.
"""

from __future__ import annotations

from math import gcd
from typing import Any, TypeAlias

import numpy as np

from convalgebra.errors import InputError, UnsupportedError

Array: TypeAlias = Any  # of numpy: floats of 64 bits, or Python ints; its own types know no rings

EXACT = 2**53  # floats add and multiply whole numbers below it without rounding
MAX_BITS = 10_000  # of a whole number; Python writes none of more than 4,300 digits


def composed(left: Array, right: Array) -> Array:
    """The product of blocks (G, o, m) and blocks (g, p, i, ...), as blocks of gcd(G, g) groups.

    >>> ones = np.ones((2, 1, 1))
    >>> composed(ones, np.arange(8.0).reshape(1, 2, 4)).shape
    (1, 2, 4)
    >>> composed(ones, np.ones((2, 1, 3))).shape
    (2, 1, 3)

    The channels in between are cut into G blocks and into g; the cuts that both have are those of
    gcd(G, g) blocks.
    """
    groups, rows, inner = left.shape
    shared = gcd(groups, right.shape[0])
    if shared < min(groups, right.shape[0]):
        right = widened(right, shared)
    fine, height, width = right.shape[:3]
    sides = right.shape[3:]
    if fine == shared:
        each = groups // shared
        found = multiplied(
            left.reshape(shared, each, rows, inner), right.reshape(shared, each, inner, -1)
        )
        return found.reshape(shared, each * rows, width, *sides)
    each = fine // shared  # `left` has as many groups as are shared, and `right` has more
    columns = np.moveaxis(left.reshape(shared, rows, each, height), 2, 1)
    found = multiplied(columns, right.reshape(shared, each, height, -1))
    found = np.moveaxis(found.reshape(shared, each, rows, width, *sides), 1, 2)
    return found.reshape(shared, rows, each * width, *sides)


def multiplied(left: Array, right: Array) -> Array:
    """The matrix product over the last two axes, exact where the entries are whole numbers."""
    if left.shape[-1] == 1:
        return left * right
    if left.dtype != object:
        product: Array = np.matmul(left, right)
        return product
    if max(most(left), 1) * max(most(right), 1) * left.shape[-1] < EXACT:
        return whole(np.matmul(left.astype(float), right.astype(float)))
    return _by_flint(left, right)


def _by_flint(left: Array, right: Array) -> Array:
    from flint import fmpz_mat

    *batch, rows, inner = left.shape
    columns = right.shape[-1]
    found = np.empty((*batch, rows, columns), dtype=object)
    for place in np.ndindex(*batch):
        one = fmpz_mat(rows, inner, left[place].ravel().tolist())
        other = fmpz_mat(inner, columns, right[place].ravel().tolist())
        entries = [int(entry) for entry in (one * other).entries()]
        found[place] = np.array(entries, dtype=object).reshape(rows, columns)
    return found


def whole(array: Array) -> Array:
    """Floats that are whole numbers, as Python ints."""
    return array.astype(np.int64).astype(object)


def most(array: Array) -> int:
    """The largest absolute value of whole numbers; 0 of none."""
    return int(abs(array).max()) if array.size else 0


def check_bits(*wholes: int) -> None:
    """Raise UnsupportedError for whole numbers that are too long to go on with."""
    if max(number.bit_length() for number in wholes) > MAX_BITS:
        raise UnsupportedError(
            f"exact numbers of more than {MAX_BITS:,} bits would come up; give floats"
        )


def check_finite(array: Array | None, what: str) -> None:
    """Raise InputError for floats that became too large."""
    if array is None or array.dtype == object or np.isfinite(array).all():
        return
    raise InputError(
        f"the merged {what} overflows: products of these weights are larger than any float of 64 "
        "bits; scale them down, or give Fractions"
    )


def widened(blocks: Array, groups: int) -> Array:
    """The same array as fewer, larger blocks: `groups` must divide those that it has.

    >>> widened(np.ones((2, 1, 1)), 1).tolist()
    [[[1.0, 0.0], [0.0, 1.0]]]
    """
    fine, rows, columns, *sides = blocks.shape
    each = fine // groups
    if each == 1:
        return blocks
    found = np.zeros((groups, each, rows, each, columns, *sides), dtype=blocks.dtype)
    parts = blocks.reshape(groups, each, rows, columns, *sides)
    for number in range(each):
        found[:, number, :, number] = parts[:, number]
    return found.reshape(groups, each * rows, each * columns, *sides)


def narrowed(blocks: Array, groups: int) -> Array:
    """The same array as more, smaller blocks; what stands outside of them must be zero."""
    coarse, rows, columns, *sides = blocks.shape
    each = groups // coarse
    parts = blocks.reshape(coarse, each, rows // each, each, columns // each, *sides)
    found = np.stack([parts[:, number, :, number] for number in range(each)], axis=1)
    return found.reshape(groups, rows // each, columns // each, *sides)


def regrouped(blocks: Array, groups: int) -> Array:
    """The same array as `groups` blocks; what stands outside of them must be zero."""
    return narrowed(widened(blocks, gcd(groups, blocks.shape[0])), groups)


def finest(blocks: Array) -> int:
    """The largest number of groups into which the rows and columns fall; as it is, if all is zero.

    >>> finest(np.eye(6)[None])
    6
    >>> finest(np.kron(np.eye(2), np.ones((3, 2)))[None])
    2
    """
    coarse, rows, columns, *_ = blocks.shape
    used = np.any(blocks != 0, axis=tuple(range(3, blocks.ndim)))
    if not used.any():
        return int(coarse)
    # Not as a table of all rows and columns: of a depthwise layer nearly all of it would be zero.
    block, row, column = np.nonzero(used)
    row, column = block * rows + row, block * columns + column
    common = gcd(coarse * rows, coarse * columns)
    for groups in range(common, 0, -1):
        if common % groups:
            continue
        if (row // (coarse * rows // groups) == column // (coarse * columns // groups)).all():
            return groups
    return 1
