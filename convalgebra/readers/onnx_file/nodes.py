"""What a rule is given: a node with its inputs and attributes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from convalgebra.errors import InputError
from convalgebra.readers.graphs.builder import (
    Builder,
    Constant,
    Operand,
    Stretched,
    Tensor,
)
from convalgebra.readers.graphs.pointwise import broadcast
from convalgebra.readers.onnx_file.folding import sizes_in
from convalgebra.shapes import Shape
from convalgebra.sizes import same


class NotKnown(Exception):
    """An input whose numbers decide what a node does, and are not known from the file."""


class Reading(NamedTuple):
    """A node as a rule sees it: the builder, what comes in (None for nothing), the attributes."""

    builder: Builder
    title: str
    op: str
    inputs: Sequence[Any]
    attributes: dict[str, Any]
    opset: int

    def get(self, index: int) -> Operand | None:
        """The input of that number, None where there is none."""
        return self.inputs[index] if index < len(self.inputs) else None

    def values(self, index: int, name: str = "") -> tuple[Any, ...] | None:
        """Whole numbers that are an input or, in older files, an attribute; None where absent.

        Raises NotKnown where they are there and cannot be told: a default would be a guess.
        """
        given = self.get(index)
        if given is not None:
            found = sizes_in(given.values) if isinstance(given, Constant) else None
            if found is None:
                raise NotKnown
            return found
        if name in self.attributes:
            found = self.attributes[name]
            return found if isinstance(found, tuple) else (found,)
        return None

    def fault(self, text: str) -> InputError:
        """An error at this node."""
        return InputError(f"the node {self.title} ({self.op}): {text}")


Value = Operand | Stretched
Made = Value | Sequence[Operand] | None
Rule = Callable[[Reading], Made]


def tensor_in(r: Reading, index: int = 0) -> Tensor | None:
    found = r.get(index)
    return found if isinstance(found, Tensor) else None


def constants_in(*operands: Operand | None) -> list[Constant]:
    return [operand for operand in operands if isinstance(operand, Constant)]


def place_of(r: Reading, axis: Any, rank: int) -> int:
    if not isinstance(axis, int) or not -rank <= axis < rank:
        raise r.fault(f"there is no axis {axis} of {rank}")
    return axis % rank


def fitting(r: Reading, shapes: Sequence[Shape]) -> Shape:
    """The shape that tensors are stretched to where they meet; an error where they do not fit."""
    full = broadcast(shapes) if shapes else ()
    for shape in shapes:
        for size, wanted in zip(shape[::-1], full[::-1], strict=False):
            if same(size, 1) is not True and same(size, wanted) is False:
                raise r.fault(f"{size} and {wanted} do not fit each other")
    return full
