"""What a rule is given, and how PyTorch's arguments are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from convalgebra.readers.graphs.builder import (
    Builder,
    Constant,
    Operand,
    Stretched,
)
from convalgebra.shapes import Shape


class Reading(NamedTuple):
    """What a rule needs beside the arguments: the builder, and the shapes that come out."""

    builder: Builder
    name: str
    shapes: list[Shape]

    @property
    def shape(self) -> Shape:
        """The shape of the first tensor that comes out."""
        return self.shapes[0]


Made = Operand | Stretched | Sequence[Operand] | None
Rule = Callable[..., Made]


def spread(value: Any, axes: int) -> tuple[int, ...]:
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    return values * axes if len(values) == 1 else values


def place_of(dim: int, rank: int) -> int:
    return dim % rank if rank else 0


def places_of(dim: Any, rank: int) -> list[int]:
    if dim is None or dim == ():
        return list(range(rank))
    return [place_of(d, rank) for d in (dim if isinstance(dim, (tuple, list)) else (dim,))]


def constants_in(*operands: Any) -> list[Constant]:
    return [operand for operand in operands if isinstance(operand, Constant)]
