"""PyTorch's functions that move numbers: views, slices, concatenation, reductions."""

from __future__ import annotations

from typing import Any

from convalgebra.readers.graphs import moving, sliding
from convalgebra.readers.graphs.builder import (
    Constant,
    Tensor,
    equal_shapes,
)
from convalgebra.readers.torch_module.calls import Made, Reading, Rule, place_of, places_of
from convalgebra.readers.torch_module.elementwise import nameless


def unchanged(r: Reading, input: Any, *_: Any, **__: Any) -> Made:
    return input if equal_shapes(input.shape, r.shape) else None


def expand(r: Reading, input: Any, *_: Any, **__: Any) -> Made:
    return moving.expand(input, r.shape)


def view(r: Reading, input: Any, *_: Any, **__: Any) -> Made:
    return moving.view(r.builder, input, r.shape)


def permute(r: Reading, input: Any, *dims: Any, **named: Any) -> Made:
    given = named.get("dims", dims[0] if dims and isinstance(dims[0], (tuple, list)) else dims)
    return moving.permute(input, places_of(given, len(input.dims)))


def transpose(r: Reading, input: Any, *dims: Any, **named: Any) -> Made:
    rank = len(input.dims)
    one, two = (place_of(dim, rank) for dim in (*dims, *named.values()))
    order = list(range(rank))
    order[one], order[two] = two, one
    return moving.permute(input, order)


def turned(r: Reading, input: Any) -> Made:
    order = list(range(len(input.dims)))
    order[-2:] = order[-2:][::-1]
    return moving.permute(input, order if r.name in ("mT", "t") else order[::-1])


def movedim(r: Reading, input: Any, source: Any, destination: Any) -> Made:
    rank = len(input.dims)
    places = dict(zip(places_of(destination, rank), places_of(source, rank), strict=True))
    rest = iter(index for index in range(rank) if index not in places.values())
    return moving.permute(input, [places[i] if i in places else next(rest) for i in range(rank)])


def cat(r: Reading, tensors: Any, dim: int = 0, **named: Any) -> Made:
    index = place_of(named.get("axis", dim), len(r.shape))
    kept = [operand for operand in tensors if operand.shape != (0,)]
    return moving.concatenate(r.builder, kept, index)


def pieces(r: Reading, input: Any, *args: Any, **named: Any) -> Made:
    """`chunk` and `split`: pieces one after another, whose sizes are those that came out."""
    given = named.get("dim", args[1] if len(args) > 1 else 0)
    index, start = place_of(given, len(input.dims)), 0
    found = []
    for shape in r.shapes:
        stop = start + shape[index]
        found.append(moving.narrow(r.builder, input, index, start, stop))
        start = stop
    return found


def unbind(r: Reading, input: Any, dim: int = 0) -> Made:
    index = place_of(dim, len(input.dims))
    return [select(r, input, index, at) for at in range(len(r.shapes))]


def select(r: Reading, input: Any, dim: int, index: int) -> Tensor:
    dim = place_of(dim, len(input.dims))
    index = index % input.shape[dim]
    piece = moving.narrow(r.builder, input, dim, index, index + 1)
    return moving.squeeze(piece, [dim])


def narrow(r: Reading, input: Any, dim: int, start: Any, length: int) -> Made:
    if not isinstance(start, int):
        return None
    dim = place_of(dim, len(input.dims))
    start = start % input.shape[dim]
    return moving.narrow(r.builder, input, dim, start, start + length)


def getitem(r: Reading, input: Tensor, index: Any) -> Made:
    """Whole numbers, slices in steps of 1, None and `...`; anything else has no word."""
    parts = list(index) if isinstance(index, tuple) else [index]
    if not all(p is None or p is ... or type(p) in (int, slice) for p in parts):
        return None
    taken = sum(1 for part in parts if part is not None and part is not ...)
    whole = [slice(None)] * (len(input.dims) - taken)
    at = parts.index(...) if ... in parts else len(parts)
    parts[at : at + 1] = whole
    dim, tensor = 0, input
    for part in parts:
        if part is None:
            tensor = moving.unsqueeze(tensor, dim)
            dim += 1
        elif isinstance(part, int):
            tensor = select(r, tensor, dim, part)
        else:
            start, stop, step = part.indices(tensor.shape[dim])
            if step != 1 or stop <= start:
                return None
            tensor = moving.narrow(r.builder, tensor, dim, start, stop)
            dim += 1
    return tensor


def fresh(r: Reading, *_: Any, **__: Any) -> Made:
    """Of the input only the shape and the type of numbers are looked at."""
    return Constant(r.shape)


def reduced(kind: str) -> Rule:
    def rule(r: Reading, input: Any, dim: Any = None, *args: Any, **named: Any) -> Made:
        given = named.get("axis", dim)
        if isinstance(given, (Tensor, Constant)):
            return nameless(r, input, given)  # torch.max of two tensors
        gone = places_of(given, len(input.dims))
        name = r.name.strip("_")
        return sliding.reduced(r.builder, kind, name, input, gone, r.shape)

    return rule


def pixel_shuffle(r: Reading, input: Any, upscale_factor: int) -> Made:
    return sliding.depth_to_space(r.builder, input, upscale_factor, r.shape)


def channel_shuffle(r: Reading, input: Any, groups: int) -> Made:
    return sliding.shuffled(r.builder, input, groups)
