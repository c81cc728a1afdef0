"""ONNX operators that move numbers: reshapes, slices, concatenation, reductions."""

from __future__ import annotations

from typing import Any

from convalgebra.errors import SizeError
from convalgebra.readers.graphs import moving, pointwise, sliding
from convalgebra.readers.graphs.builder import Constant, Tensor
from convalgebra.readers.onnx_file.nodes import Made, Reading, Rule, place_of, tensor_in
from convalgebra.shapes import Shape
from convalgebra.sizes import Size, exact_divide, product, same, simplest


def identity(r: Reading) -> Made:
    return r.get(0)


def dropout(r: Reading) -> Made:
    x = tensor_in(r)
    if x is None:
        return None
    return [pointwise.elementwise(r.builder, x, "dropout"), Constant(x.shape)]  # and what it keeps


def reshape(r: Reading) -> Made:
    x, given = tensor_in(r), r.values(1, "shape")
    if x is None or given is None:
        raise r.fault("the shape that it makes is not known from the file")
    return _viewed(r, x, _told_shape(r, x.shape, given))


def _viewed(r: Reading, x: Tensor, shape: Shape) -> Tensor:
    if same(product(shape), product(x.shape)) is False:
        raise r.fault(f"{product(x.shape)} numbers cannot be {list(shape)}")
    return moving.view(r.builder, x, shape)


def _told_shape(r: Reading, before: Shape, given: tuple[Any, ...]) -> Shape:
    """The shape of a Reshape: 0 keeps a size, -1 is what is left."""
    if len(given) > 16 or sum(1 for size in given if same(size, -1)) > 1:
        raise r.fault(f"a shape of {list(given)[:16]}")
    keeps = not r.attributes.get("allowzero", 0)
    sizes: list[Size] = []
    for index, size in enumerate(given):
        if same(size, 0) and not (keeps and index < len(before)):
            raise r.fault("a tensor without elements")
        sizes.append(before[index] if same(size, 0) else size)
    open_at = [index for index, size in enumerate(sizes) if same(size, -1)]
    if open_at:
        others = product(size for size in sizes if not same(size, -1))
        try:
            sizes[open_at[0]] = exact_divide(product(before), others)
        except SizeError as error:
            raise r.fault(str(error)) from None
    return tuple(sizes)


def flatten(r: Reading) -> Made:
    x = tensor_in(r)
    if x is None:
        return None
    rank, axis = len(x.shape), r.attributes.get("axis", 1)
    at = axis if axis == rank else place_of(r, axis, rank)
    return _viewed(r, x, (product(x.shape[:at]), product(x.shape[at:])))


def squeeze(r: Reading) -> Made:
    x = tensor_in(r)
    if x is None:
        return None
    axes = r.values(1, "axes")
    if axes is None:
        gone = [index for index, size in enumerate(x.shape) if same(size, 1)]
    else:
        gone = [place_of(r, axis, len(x.shape)) for axis in axes]
    if not all(same(x.shape[index], 1) for index in gone):
        raise r.fault("it squeezes a size that is not 1")
    return moving.squeeze(x, gone)


def unsqueeze(r: Reading) -> Made:
    x, axes = tensor_in(r), r.values(1, "axes")
    if x is None or axes is None:
        return None
    rank = len(x.shape) + len(axes)
    for axis in sorted(place_of(r, axis, rank) for axis in axes):
        x = moving.unsqueeze(x, axis)
    return x


def transpose(r: Reading) -> Made:
    x = tensor_in(r)
    if x is None:
        return None
    order = r.attributes.get("perm", tuple(range(len(x.shape)))[::-1])
    if sorted(order) != list(range(len(x.shape))):
        raise r.fault(f"{list(order)[:16]} is no order of {len(x.shape)} axes")
    return moving.permute(x, order)


def concat(r: Reading) -> Made:
    operands = [operand for operand in r.inputs if operand is not None]
    rank = len(operands[0].shape)
    axis = place_of(r, r.attributes.get("axis", 1), rank)
    first = operands[0].shape
    for other in (operand.shape for operand in operands):
        differ = len(other) != rank or any(
            same(one, two) is False
            for index, (one, two) in enumerate(zip(first, other, strict=False))
            if index != axis
        )
        if differ:
            raise r.fault(f"{list(first)} and {list(other)} cannot stand side by side")
    return moving.concatenate(r.builder, operands, axis)


def split(r: Reading) -> Made:
    x, count = tensor_in(r), len(r.attributes["outputs"])
    if x is None:
        return None
    axis = place_of(r, r.attributes.get("axis", 0), len(x.shape))
    size = x.shape[axis]
    sizes = r.values(1, "split")
    if sizes is None:
        each = -(-size // count) if isinstance(size, int) else exact_divide(size, count)
        rest = simplest(size - each * (count - 1))
        sizes = (*(each,) * (count - 1), rest)
    if len(sizes) != count or same(sum(sizes), size) is False:
        raise r.fault(f"{list(sizes)[:16]} does not split {size}")
    found, start = [], 0
    for part in sizes:
        found.append(_narrow(r, x, axis, start, simplest(start + part)))
        start = simplest(start + part)
    return found


def _narrow(r: Reading, x: Tensor, axis: int, start: Any, stop: Any) -> Tensor:
    if isinstance(start, int) and isinstance(stop, int) and start >= stop:
        raise r.fault("nothing is left")
    return moving.narrow(r.builder, x, axis, start, stop)


def sliced(r: Reading) -> Made:
    x, starts, stops = tensor_in(r), r.values(1, "starts"), r.values(2, "ends")
    if x is None or starts is None or stops is None:
        raise r.fault("what it takes is not known from the file")
    axes = r.values(3, "axes") or tuple(range(len(starts)))
    steps = r.values(4) or (1,) * len(starts)
    if not len(starts) == len(stops) == len(axes) == len(steps):
        raise r.fault("as many starts, ends, axes and steps are needed")
    for start, stop, axis, step in zip(starts, stops, axes, steps, strict=True):
        index = place_of(r, axis, len(x.shape))
        size = x.shape[index]
        if isinstance(size, int) and all(isinstance(v, int) for v in (start, stop, step)):
            if step == 0:
                raise r.fault("a step of 0")
            first, last, _ = slice(start, stop, step).indices(size)
            if step != 1:
                count = len(range(first, last, step))
                shape = (*x.shape[:index], count, *x.shape[index + 1 :])
                x = r.builder.made("slice", [x], shape)
                continue
            start, stop = first, last
        elif same(step, 1) is not True:
            raise r.fault("a step through a side that is no number")
        elif isinstance(stop, int) and stop >= 2**31 - 1:
            stop = size
        x = _narrow(r, x, index, start, stop)
    return x


def gather(r: Reading) -> Made:
    x, places = r.get(0), r.get(1)
    if not isinstance(x, Tensor):
        return None
    axis = place_of(r, r.attributes.get("axis", 0), len(x.shape))
    found = places.values if isinstance(places, Constant) else None
    if found is not None and places is not None and not places.shape:
        size, (place,) = x.shape[axis], found
        if isinstance(size, int) and isinstance(place, int) and -size <= place < size:
            piece = _narrow(r, x, axis, place % size, place % size + 1)
            return moving.squeeze(piece, [axis])
    if places is None:
        return None
    shape = (*x.shape[:axis], *places.shape, *x.shape[axis + 1 :])
    return r.builder.made("gather", [x, places], shape, channels=len(shape) - 1)


def expand(r: Reading) -> Made:
    x, given = tensor_in(r), r.values(1)
    if x is None or given is None:
        return None
    shape = pointwise.broadcast([x.shape, given])
    return moving.expand(x, shape)


def reduced(kind: str) -> Rule:
    def rule(r: Reading) -> Made:
        x = tensor_in(r)
        if x is None:
            return None
        rank, axes = len(x.shape), r.values(1, "axes")
        if axes is None and r.get(1) is not None:
            raise r.fault("the axes are not known from the file")
        if not axes and r.attributes.get("noop_with_empty_axes", 0):
            return x
        gone = [place_of(r, axis, rank) for axis in (axes or range(rank))]
        keeps = bool(r.attributes.get("keepdims", 1))
        shape = tuple(
            1 if index in gone else size
            for index, size in enumerate(x.shape)
            if keeps or index not in gone
        )
        return sliding.reduced(r.builder, kind, r.op.lower(), x, gone, shape)

    return rule
