"""Small tensors of whole numbers that say shapes: `Shape`, `Gather`, `Concat` and their like.

Exporters write the arithmetic of shapes into the graph. It is done here on lists of sizes, named
ones among them. A rule gives the numbers that come out, or None where they are not known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, floor
from typing import Any

from convalgebra.readers.graphs.builder import Constant
from convalgebra.readers.onnx_file.graph import MOST_SIZE, MOST_VALUES, Stored
from convalgebra.shapes import Shape
from convalgebra.sizes import Size, floor_divide, maximum, minimum, product, same, simplest

Values = tuple[Any, ...]
Inputs = Sequence["Constant | None"]
Attributes = dict[str, Any]


def _numbers(constant: Constant | None) -> Values | None:
    return None if constant is None else constant.values


def whole(values: Values | None) -> tuple[Size, ...] | None:
    """Numbers that are sizes, or None where one of them is none."""
    if values is None or any(isinstance(value, float) for value in values):
        return None
    return values


def _same(inputs: Inputs, attributes: Attributes, shape: Shape) -> Values | None:
    return _numbers(inputs[0])


def _cast(inputs: Inputs, attributes: Attributes, shape: Shape) -> Values | None:
    values = _numbers(inputs[0])
    if values is None or attributes.get("to") not in (6, 7, 1, 11, 9):
        return None
    if attributes["to"] in (6, 7):
        return tuple(int(v) if isinstance(v, (float, bool)) else v for v in values)
    return tuple(float(v) if isinstance(v, int) else v for v in values)


def _gather(inputs: Inputs, attributes: Attributes, shape: Shape) -> Values | None:
    values, places = _numbers(inputs[0]), whole(_numbers(inputs[1]))
    data = inputs[0]
    if values is None or places is None or data is None or len(data.shape) != 1:
        return None
    if not all(isinstance(place, int) and -len(values) <= place < len(values) for place in places):
        return None
    return tuple(values[place] for place in places)


def _concat(inputs: Inputs, attributes: Attributes, shape: Shape) -> Values | None:
    parts = [_numbers(constant) for constant in inputs]
    if len(shape) != 1 or None in parts:
        return None
    return tuple(value for part in parts if part is not None for value in part)


def _slice(inputs: Inputs, attributes: Attributes, shape: Shape) -> Values | None:
    values = _numbers(inputs[0])
    if values is None or len(shape) != 1:
        return None
    if len(inputs) > 1:
        given = [whole(_numbers(constant)) for constant in (*inputs[1:3], *inputs[4:5])]
    else:
        given = [attributes.get("starts"), attributes.get("ends")]
    if any(part is None or len(part) != 1 or not isinstance(part[0], int) for part in given):
        return None
    bounds: list[Any] = [part[0] for part in given if part is not None]
    return values[slice(*bounds)] if bounds[2:] != [0] else None


def _fill(inputs: Inputs, attributes: Attributes, shape: Shape) -> Values | None:
    count = product(shape)
    stored = attributes.get("value")
    value = stored.values[0] if isinstance(stored, Stored) and stored.values else 0.0
    return (value,) * count if isinstance(count, int) and count <= MOST_VALUES else None


def _range(inputs: Inputs, attributes: Attributes, shape: Shape) -> Values | None:
    given = [_numbers(constant) for constant in inputs]
    bounds = [part[0] for part in given if part and isinstance(part[0], int)]
    if len(bounds) != 3 or bounds[2] == 0:
        return None
    found = range(*bounds)
    return tuple(found) if len(found) <= MOST_VALUES else None


def _product(inputs: Inputs, attributes: Attributes, shape: Shape) -> Values | None:
    values = whole(_numbers(inputs[0]))
    return None if values is None or product(shape) != 1 else (product(values),)


def _each(rule: Callable[..., Any]) -> Callable[[Inputs, Attributes, Shape], Values | None]:
    """A rule for numbers one by one; a single number is stretched."""

    def apply(inputs: Inputs, attributes: Attributes, shape: Shape) -> Values | None:
        parts = [_numbers(constant) for constant in inputs]
        if any(part is None for part in parts):
            return None
        lists = [part for part in parts if part is not None]
        count = max(map(len, lists))
        if any(len(part) not in (1, count) for part in lists) or len(shape) > 1:
            return None
        stretched = [part * count if len(part) == 1 else part for part in lists]
        try:
            return tuple(_bounded(rule(*values)) for values in zip(*stretched, strict=True))
        except (TypeError, ValueError, ArithmeticError):
            return None

    return apply


def _bounded(value: Any) -> Any:
    """A number in its simplest form; products of products would fill the memory."""
    if isinstance(value, float):
        return value
    value = simplest(value)
    if isinstance(value, int) and abs(value) > MOST_SIZE:
        raise ValueError
    return value


def _divide(one: Any, other: Any) -> Any:
    if isinstance(one, float) or isinstance(other, float):
        return one / other
    if isinstance(one, int) and one < 0:
        return -(-one // other)  # towards zero
    return floor_divide(one, other)


def _choose(condition: Any, one: Any, other: Any) -> Any:
    if not isinstance(condition, (bool, int)):
        raise ValueError
    return one if condition else other


def _equal(one: Any, other: Any) -> Any:
    known = same(one, other)
    if known is None:
        raise ValueError
    return known


FOLDED: dict[str, Callable[[Inputs, Attributes, Shape], Values | None]] = {
    **dict.fromkeys(("Identity", "Reshape", "Unsqueeze", "Squeeze", "Flatten"), _same),
    "Cast": _cast,
    "Gather": _gather,
    "Concat": _concat,
    "Slice": _slice,
    "ConstantOfShape": _fill,
    "Range": _range,
    "ReduceProd": _product,
    "Add": _each(lambda one, other: one + other),
    "Sub": _each(lambda one, other: one - other),
    "Mul": _each(lambda one, other: one * other),
    "Div": _each(_divide),
    "Mod": _each(lambda one, other: one % other),
    "Min": _each(minimum),
    "Max": _each(maximum),
    "Neg": _each(lambda one: -one),
    "Abs": _each(abs),
    "Floor": _each(lambda one: float(floor(one)) if isinstance(one, float) else one),
    "Ceil": _each(lambda one: float(ceil(one)) if isinstance(one, float) else one),
    "Sqrt": _each(lambda one: one**0.5),
    "Equal": _each(_equal),
    "Where": _each(_choose),
}
