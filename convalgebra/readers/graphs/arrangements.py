"""How the numbers of a tensor lie in a value of a Network: an arrangement, a bijection.

A value has axes: channels, then sizes. A dimension of a tensor runs over some of their digits: an
`Atom` is the digit `(i // stride) % size` of the index i along one axis, and a dimension is a tuple
of atoms, most significant first; () is a dimension of size 1. `view`, `permute` and their like only
change this list, so they become no layer: to a layer that acts on each position by itself it is all
the same how the positions lie. `shuffle` or `flatten` is recognised where the order matters.

With the channels of a value split as 2 groups of 3, exchanged, and put together again:

>>> split = regrouped(straight((6, 5)), (1, 2, 3, 5))
>>> exchanged = permuted(split, (0, 2, 1, 3))
>>> regrouped(exchanged, (1, 6, 5))
((), (Atom(axis=0, size=3, stride=1), Atom(axis=0, size=2, stride=3)), (Atom(axis=1, size=5, \
stride=1),))
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from convalgebra.shapes import Shape
from convalgebra.sizes import Size, exact_divide, product, same, simplest


class Atom(NamedTuple):
    """One digit of the index along an axis: `(i // stride) % size`."""

    axis: int
    size: Size
    stride: Size = 1


Dimension = tuple[Atom, ...]
Dims = tuple[Dimension, ...]


def whole(axis: int, size: Size) -> Dimension:
    """The dimension that runs over all of an axis."""
    return () if same(size, 1) else (Atom(axis, size),)


def straight(shape: Shape) -> Dims:
    """How frameworks lay out a value by themselves: a batch of 1, then its axes in order.

    >>> straight((3, 8, 1))
    ((), (Atom(axis=0, size=3, stride=1),), (Atom(axis=1, size=8, stride=1),), ())
    """
    return ((), *(whole(axis, size) for axis, size in enumerate(shape)))


def size_of(dimension: Dimension) -> Size:
    """The size of a dimension."""
    if len(dimension) == 1:
        return dimension[0].size
    return product(atom.size for atom in dimension)


def shape_of(dims: Dims) -> Shape:
    """The shape of a tensor, its batch included."""
    return tuple(map(size_of, dims))


def permuted(dims: Dims, order: Sequence[int]) -> Dims:
    """The dimensions in another order."""
    return tuple(dims[index] for index in order)


def joined(atoms: Iterable[Atom]) -> Dimension:
    """Atoms as one dimension: digits of one axis that follow one another are one digit.

    >>> joined([Atom(0, 2, 3), Atom(0, 3, 1)])
    (Atom(axis=0, size=6, stride=1),)
    """
    found: list[Atom] = []
    for atom in atoms:
        last = found[-1] if found else None
        if last and last.axis == atom.axis and same(last.stride, atom.size * atom.stride):
            found[-1] = Atom(atom.axis, simplest(last.size * atom.size), atom.stride)
        else:
            found.append(atom)
    return tuple(found)


def regrouped(dims: Dims, shape: Shape) -> Dims | None:
    """The same numbers in the same order as a tensor of another shape (`view`).

    None where a dimension would begin in the middle of a digit: 4x6 as 8x3.
    """
    waiting = [atom for dimension in dims for atom in dimension][::-1]
    result = []
    for size in shape:
        taken = _taken(waiting, size)
        if taken is None:
            return None
        result.append(joined(taken))
    return None if waiting else tuple(result)


def _taken(waiting: list[Atom], size: Size) -> list[Atom] | None:
    """Take atoms of so many numbers from the end of `waiting`."""
    taken: list[Atom] = []
    while not same(size, 1):
        if not waiting:
            return None
        atom = waiting.pop()
        rest = _quotient(size, atom.size)
        if rest is None:  # the larger part of a digit; the smaller one waits
            rest = _quotient(atom.size, size)
            if rest is None:
                return None
            waiting.append(Atom(atom.axis, rest, atom.stride))
            atom, rest = Atom(atom.axis, size, simplest(atom.stride * rest)), 1
        taken.append(atom)
        size = rest
    return taken


def _quotient(size: Size, divisor: Size) -> Size | None:
    if isinstance(size, int) and isinstance(divisor, int):
        return None if size % divisor else size // divisor
    quotient = exact_divide(size, divisor)
    # Of named sizes only what is a product for certain: 2*H/H, not (H + 1)/2.
    return quotient if isinstance(quotient, int) or quotient.is_polynomial() else None


def axes_in(dims: Iterable[Dimension]) -> set[int]:
    """The axes that some dimensions run over."""
    return {atom.axis for dimension in dims for atom in dimension}


def is_whole(dimension: Dimension, axis: int, shape: Shape) -> bool:
    """Whether a dimension runs over all of one axis, in order, and over nothing else."""
    return dimension == whole(axis, shape[axis])


def covers(dims: Sequence[Dimension], axes: Iterable[int], shape: Shape) -> bool:
    """Whether some dimensions run over all of some axes, in whatever order, and nothing else."""
    axes = set(axes)
    found = [atom for dimension in dims for atom in dimension]
    every = product(shape[axis] for axis in axes)
    return axes_in(dims) <= axes and bool(same(product(a.size for a in found), every))


def shuffle_groups(dimension: Dimension, axis: int, shape: Shape) -> Size | None:
    """The groups of the channel shuffle that makes a dimension of an axis, None if none does.

    Shuffling in g groups views n channels as g x n/g and exchanges the two.
    """
    if len(dimension) != 2 or axes_in([dimension]) != {axis}:
        return None
    small, large = dimension
    total = same(simplest(small.size * large.size), shape[axis])
    return large.size if small.stride == 1 and same(large.stride, small.size) and total else None


def depth_factor(dims: Dims, shape: Shape) -> Size | None:
    """The factor r of the `pixelshuffle` that makes straight dims of channels c r^n, else None.

    Channel (c, r_1, .., r_n) goes to the places r_1, .., r_n of a block, as PyTorch has it.
    """
    axes = len(shape) - 1
    if len(dims) != axes + 2 or dims[0] or not axes or len(dims[2]) != 2:
        return None
    factor = dims[2][1].size
    if not isinstance(factor, int):
        return None
    strides = [factor ** (axes - 1 - axis) for axis in range(axes)]
    for axis, (dimension, stride) in enumerate(zip(dims[2:], strides, strict=True), 1):
        if dimension != (*whole(axis, shape[axis]), Atom(0, factor, stride)):
            return None
    block = factor**axes
    channels = _quotient(shape[0], block)
    if channels is None or dims[1] != (() if channels == 1 else (Atom(0, channels, block),)):
        return None
    return factor
