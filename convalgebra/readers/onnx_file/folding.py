"""Small constant tensors that say shapes: `Gather`, `Concat`, `Slice` and their like, done at once.

Exporters write the arithmetic of shapes into the graph. It is done here on arrays of Python's own
numbers, with named sizes among them, so that nothing overflows and nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, floor, prod
from typing import TYPE_CHECKING, Any

from convalgebra.errors import ConvalgebraError
from convalgebra.readers.graphs.builder import Constant
from convalgebra.readers.onnx_file.graph import MOST_SIZE, MOST_VALUES, Stored
from convalgebra.shapes import Shape
from convalgebra.sizes import Size, floor_divide, maximum, minimum, product, same, simplest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
Values = tuple[Any, ...]
Attributes = dict[str, Any]
Rule = Callable[["Sequence[Array]", Attributes], Any]


def sizes_in(values: Values | None) -> tuple[Size, ...] | None:
    """Numbers that are sizes, or None where one of them is none."""
    if values is None or any(isinstance(value, float) for value in values):
        return None
    return values


def folded_values(
    op: str, inputs: Sequence[Constant | None], attributes: Attributes
) -> tuple[Shape, Values] | None:
    """The shape and the numbers that an operator makes of constants; None where not known."""
    rule = FOLDED.get(op)
    given = list(inputs)
    while given and given[-1] is None:
        given.pop()
    known = [array for array in (_array(c) if c else None for c in given) if array is not None]
    if rule is None or len(known) < len(given):  # one that is left out in the middle, too
        return None
    try:
        made = _object_array(rule(known, attributes))
        if made.size > MOST_VALUES:
            return None
        return tuple(made.shape), tuple(_bounded(value) for value in made.ravel())
    except (ArithmeticError, ConvalgebraError, LookupError, TypeError, ValueError):
        return None  # what it holds stays unknown


def _array(constant: Constant) -> Array | None:
    if constant.values is None:
        return None
    made = _object_array(constant.values)
    shape = [size for size in constant.shape if isinstance(size, int)]
    return made.reshape(shape) if prod(shape) == made.size else None


def _object_array(values: Any) -> Array:
    import numpy as np

    if isinstance(values, np.ndarray):
        return values
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made


def _bounded(value: Any) -> Any:
    """A number in its simplest form; products of products would fill the memory."""
    if isinstance(value, (float, bool)):
        return value
    value = simplest(value)
    if isinstance(value, int) and abs(value) > MOST_SIZE:
        raise ValueError
    return value


def _reshape(arrays: Sequence[Array], attributes: Attributes) -> Any:
    shape = [int(size) for size in (arrays[1] if len(arrays) > 1 else attributes["shape"])]
    if attributes.get("allowzero", 0) and 0 in shape:
        raise ValueError
    kept = [size or arrays[0].shape[i] for i, size in enumerate(shape)]
    return arrays[0].reshape(kept)


def _axes(arrays: Sequence[Array], attributes: Attributes) -> list[int] | None:
    found = arrays[1] if len(arrays) > 1 else attributes.get("axes")
    return None if found is None else [int(axis) for axis in found]


def _squeeze(arrays: Sequence[Array], attributes: Attributes) -> Any:
    axes = _axes(arrays, attributes)
    return arrays[0].squeeze(None if axes is None else tuple(axes))


def _unsqueeze(arrays: Sequence[Array], attributes: Attributes) -> Any:
    import numpy as np

    return np.expand_dims(arrays[0], tuple(_axes(arrays, attributes) or ()))


def _transpose(arrays: Sequence[Array], attributes: Attributes) -> Any:
    return arrays[0].transpose(attributes.get("perm"))


def _cast(arrays: Sequence[Array], attributes: Attributes) -> Any:
    if attributes.get("to") in (6, 7):
        return _map(lambda v: int(v) if isinstance(v, (float, bool)) else v, arrays[0])
    if attributes.get("to") == 9:
        return _map(lambda v: same(v, 0) is False, arrays[0])
    return _map(lambda v: float(v) if isinstance(v, int) else v, arrays[0])


def _gather(arrays: Sequence[Array], attributes: Attributes) -> Any:
    import numpy as np

    data, places = arrays
    taken = np.take(data, places.astype(int), axis=attributes.get("axis", 0))
    return taken if isinstance(taken, np.ndarray) else _scalar(taken)


def _scalar(value: Any) -> Array:
    return _object_array([value]).reshape(())


def _concat(arrays: Sequence[Array], attributes: Attributes) -> Any:
    import numpy as np

    return np.concatenate(arrays, axis=attributes["axis"])


def _slice(arrays: Sequence[Array], attributes: Attributes) -> Any:
    starts, ends = (
        [int(v) for v in (arrays[i] if len(arrays) > i else attributes[name])]
        for i, name in ((1, "starts"), (2, "ends"))
    )
    axes = arrays[3] if len(arrays) > 3 else attributes.get("axes", range(len(starts)))
    steps = arrays[4] if len(arrays) > 4 else [1] * len(starts)
    index = [slice(None)] * arrays[0].ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        index[int(axis)] = slice(start, end, int(step))
    return arrays[0][tuple(index)]


def _fill(arrays: Sequence[Array], attributes: Attributes) -> Any:
    import numpy as np

    stored = attributes.get("value")
    value = stored.values[0] if isinstance(stored, Stored) and stored.values else 0.0
    shape = tuple(int(size) for size in arrays[0])
    if prod(shape) > MOST_VALUES:
        raise ValueError
    return np.full(shape, value, dtype=object)


def _range(arrays: Sequence[Array], attributes: Attributes) -> Any:
    start, limit, delta = (array.item() for array in arrays)
    if not all(isinstance(value, (int, float)) for value in (start, limit, delta)):
        raise ValueError
    count = max(0, ceil((limit - start) / delta))
    if count > MOST_VALUES or any(abs(value) > 2**24 for value in (start, limit, delta)):
        raise ValueError
    return [start + delta * index for index in range(count)]


def _whole(value: Any) -> int:
    if not isinstance(value, int):
        raise ValueError
    return value


def _expand(arrays: Sequence[Array], attributes: Attributes) -> Any:
    import numpy as np

    shape = tuple(int(size) for size in arrays[1])
    if prod(shape) > MOST_VALUES:
        raise ValueError
    return np.array(np.broadcast_to(arrays[0], np.broadcast_shapes(arrays[0].shape, shape)))


def _product(arrays: Sequence[Array], attributes: Attributes) -> Any:
    axes = _axes(arrays, attributes)
    if arrays[0].ndim != 1 or attributes.get("noop_with_empty_axes") or axes not in _ALL_OF_A_ROW:
        raise ValueError
    made = _object_array([product(arrays[0])])
    return made if attributes.get("keepdims", 1) else made.reshape(())


_ALL_OF_A_ROW: tuple[list[int] | None, ...] = (None, [], [0], [-1])


def _map(rule: Callable[..., Any], *arrays: Array) -> Array:
    """A rule for numbers one by one; arrays are stretched."""
    import numpy as np

    stretched = np.broadcast_arrays(*arrays)
    if stretched[0].size > MOST_VALUES:
        raise ValueError
    columns = (array.ravel() for array in stretched)
    made = _object_array([rule(*values) for values in zip(*columns, strict=True)])
    return made.reshape(stretched[0].shape)


def _each(rule: Callable[..., Any]) -> Rule:
    return lambda arrays, attributes: _map(rule, *arrays)


def _divide(one: Any, other: Any) -> Any:
    if isinstance(one, float) or isinstance(other, float):
        return one / other
    if isinstance(one, int) and isinstance(other, int):
        sign = 1 if (one < 0) == (other < 0) else -1
        return sign * (abs(one) // abs(other))  # towards zero
    return floor_divide(one, other)


def _choose(condition: Any, one: Any, other: Any) -> Any:
    return one if bool(_whole(condition)) else other


def _equal(one: Any, other: Any) -> Any:
    known = same(one, other)
    if known is None:
        raise ValueError
    return known


def _remainder(arrays: Sequence[Array], attributes: Attributes) -> Any:
    if attributes.get("fmod", 0):  # of the sign of the dividend
        raise ValueError
    return _map(lambda one, other: one % other, *arrays)


def _logical(rule: Callable[..., bool]) -> Rule:
    """A rule for truth values; of anything else it is not known."""

    def checked(*values: Any) -> bool:
        if not all(isinstance(value, bool) for value in values):
            raise ValueError
        return rule(*values)

    return _each(checked)


def _ordered(rule: Callable[..., bool]) -> Rule:
    """A comparison of numbers; of named sizes it is not known."""

    def checked(*values: Any) -> bool:
        if not all(isinstance(value, (int, float)) for value in values):
            raise ValueError
        return bool(rule(*values))

    return _each(checked)


def _root(value: Any) -> float:
    if not isinstance(value, (int, float)) or value < 0:
        raise ValueError
    return float(value**0.5)


FOLDED: dict[str, Rule] = {
    "Identity": lambda arrays, attributes: arrays[0],
    "Reshape": _reshape,
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Cast": _cast,
    "Gather": _gather,
    "Concat": _concat,
    "Slice": _slice,
    "ConstantOfShape": _fill,
    "Range": _range,
    "Expand": _expand,
    "ReduceProd": _product,
    "Add": _each(lambda one, other: one + other),
    "Sub": _each(lambda one, other: one - other),
    "Mul": _each(lambda one, other: one * other),
    "Div": _each(_divide),
    "Mod": _remainder,
    "Min": _each(minimum),
    "Max": _each(maximum),
    "Neg": _each(lambda one: -one),
    "Abs": _each(abs),
    "Floor": _each(lambda one: float(floor(one)) if isinstance(one, float) else one),
    "Ceil": _each(lambda one: float(ceil(one)) if isinstance(one, float) else one),
    "Sqrt": _each(_root),
    "Equal": _each(_equal),
    "Not": _logical(lambda one: not one),
    "And": _logical(lambda one, other: one and other),
    "Or": _logical(lambda one, other: one or other),
    "Xor": _logical(lambda one, other: one is not other),
    "Less": _ordered(lambda one, other: one < other),
    "LessOrEqual": _ordered(lambda one, other: one <= other),
    "Greater": _ordered(lambda one, other: one > other),
    "GreaterOrEqual": _ordered(lambda one, other: one >= other),
    "Where": _each(_choose),
}
