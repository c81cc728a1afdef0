"""Which inputs one unit really sees: the set, followed backwards from the unit to the input.

A layer reads a box of positions for a box of positions: a set along each axis, with holes where
strides and dilations leave them. Where branches part, the sets of a value are unions of boxes. A
box in the padding along one axis is empty along the others too, which is why boxes are followed and
not axes; what is claimed of the set is its projection to each axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from convalgebra.cost.receptive_field.axes import (
    Interval,
    NamedSizeError,
    in_numbers,
)
from convalgebra.cost.receptive_field.fields import Field, is_told
from convalgebra.cost.receptive_field.moves import border_windows
from convalgebra.cost.receptive_field.places import (
    Places,
    number_of,
    places_of,
    read_by_border,
    read_by_pooling,
    read_by_resize,
    read_by_transposed,
    read_by_window,
    within,
)
from convalgebra.cost.receptive_field.readings import adaptive, bilinear, nearest
from convalgebra.errors import NotKnownError, UnsupportedError
from convalgebra.layers import ACTIVATIONS, BORDERS, KINDS, NORMS, SLOPES, Layer
from convalgebra.network import Network
from convalgebra.shapes import Shape, windows
from convalgebra.sizes import Size, names

_MOST_BOXES = 256

Box = tuple[Places, ...]


class View(NamedTuple):
    """The inputs that one unit sees.

    `field` is, along each axis, the first and last input as the receptive field has it, the
    positions that padding stands for included; None where positions were pooled or it is not known.
    `seen` is what lies on the input: along each axis the positions with which some input is seen;
    None where that depends on named sizes.
    `windowed` is the same without the pooled branches, where there are any.
    `inputs` counts the positions seen, None where the set is a union of several boxes.
    """

    name: str
    node: int
    unit: tuple[int, ...]
    sides: tuple[Size, ...]
    field: tuple[Interval | None, ...] | None
    seen: Box | None
    windowed: Box | None
    inputs: int | None

    @property
    def in_padding(self) -> tuple[tuple[int, int], ...] | None:
        """How many positions of the field lie before and after the input, along each axis."""
        if self.field is None or self.seen is None:
            return None
        return tuple(
            (0, 0) if along is None else _outside(along, in_numbers(side))
            for along, side in zip(self.field, self.sides, strict=True)
        )


def _outside(along: Interval, side: int) -> tuple[int, int]:
    first, last = map(in_numbers, along)
    size = last - first + 1
    return min(size, max(0, -first)), min(size, max(0, last - side + 1))


def view(
    network: Network, fields: Sequence[Field], node: int, unit: tuple[int, ...], name: str = ""
) -> View:
    """What the unit of `node` at a position sees.

    >>> from convalgebra.cost.receptive_field.fields import receptive_fields
    >>> from convalgebra.language import parse
    >>> network = parse("input 1x16; 3p1, 3p2d2")
    >>> found = view(network, receptive_fields(network), 2, (1,))
    >>> found.field, found.in_padding, found.seen
    (((-2, 4),), ((2, 0),), (((0, 4),),))

    With named sizes that the positions depend on, the field alone is told. Raises UnsupportedError
    where that is not known, and for sets of too many pieces.
    """
    sides = network.shapes[0][1:]
    field, axes = None, fields[node].axes
    if axes is not None and not fields[node].pooled:
        field = tuple(axis.seen_by(place) for axis, place in zip(axes, unit, strict=True))
    at: Box = tuple(((place, place),) for place in unit)
    try:
        for side in sides:
            in_numbers(side)
        boxes = _seen(network, fields, node, at, pooled=True)
        windowed = None
        if fields[node].is_global and not fields[node].pooled:
            windowed = _projected(_seen(network, fields, node, at, pooled=False), len(sides))
    except NamedSizeError:
        if field is None:
            raise UnsupportedError(
                f"which inputs this unit sees depends on named sizes; {numbers_wanted(network)}"
            ) from None
        return View(name, node, unit, sides, field, None, None, None)
    except NotKnownError as error:
        raise UnsupportedError(f"which inputs this unit sees is not worked out: {error}") from None
    seen = _projected(boxes, len(sides))
    inputs = prod(map(number_of, seen)) if len(boxes) < 2 else None
    return View(name, node, unit, sides, field, seen, windowed, inputs)


def numbers_wanted(network: Network) -> str:
    """How numbers are given for all its named sizes.

    >>> from convalgebra.language import parse
    >>> numbers_wanted(parse("input 3xHxW; conv kxk@C"))
    'give numbers with --at C=64,H=224,W=224,k=3'
    """
    examples = dict.fromkeys(sorted(network.named()), 3)
    for shape in network.shapes:
        examples |= dict.fromkeys(names(shape[0]), 64)
    for side in network.shapes[0][1:]:
        examples |= dict.fromkeys(names(side), 224)
    return f"give numbers with --at {','.join(f'{name}={n}' for name, n in examples.items())}"


def _projected(boxes: Sequence[Box], axes: int) -> Box:
    return tuple(places_of(run for box in boxes for run in box[at]) for at in range(axes))


def _seen(
    network: Network, fields: Sequence[Field], node: int, at: Box, *, pooled: bool
) -> list[Box]:
    """The boxes of inputs on which a box of a node depends; through pooled values too, or not."""
    boxes: dict[int, list[Box]] = {node: [at]}
    for index in range(node, 0, -1):
        for box in boxes.pop(index, ()):
            here = network.nodes[index]
            if not is_told(network, fields, index):
                raise NotKnownError(fields[index].reason)
            for source in here.read:
                if not pooled and fields[source].pooled and len(here.read) > 1:
                    continue
                shape, output = network.shapes[source], network.shapes[index]
                layer = here.layer.works_as
                made = layer is not here.layer and source != here.inputs[0]  # its weights are
                rule = _whole if made else _RULES[layer.kind]
                read = rule(layer, box, shape, output)
                if all(read):
                    _add(boxes.setdefault(source, []), read)
    return boxes.get(0, [])


def _add(boxes: list[Box], box: Box) -> None:
    """Put a box to others; those that lie within another, or make one with it, are one box."""
    for at, other in enumerate(boxes):
        apart = [axis for axis in range(len(box)) if box[axis] != other[axis]]
        if len(apart) < 2:
            del boxes[at]
            joined = [places_of(a + b) for a, b in zip(box, other, strict=True)]
            return _add(boxes, tuple(joined))
        if all(map(within, box, other)):
            return None
        if all(map(within, other, box)):
            del boxes[at]
            return _add(boxes, box)
    if len(boxes) >= _MOST_BOXES:
        raise NotKnownError(f"the set is made of more than {_MOST_BOXES} boxes")
    boxes.append(box)
    return None


def _as_it_is(layer: Layer, box: Box, shape: Shape, output: Shape) -> Box:
    if len(shape) != len(output):
        return _whole(layer, box, shape, output)
    return box


def _whole(layer: Layer, box: Box, shape: Shape, output: Shape) -> Box:
    return tuple(((0, in_numbers(side) - 1),) for side in shape[1:])


def _window(layer: Layer, box: Box, shape: Shape, output: Shape) -> Box:
    return tuple(
        read_by_window(places, window, in_numbers(side))
        for places, window, side in zip(box, windows(layer, shape), shape[1:], strict=True)
    )


def _transposed(layer: Layer, box: Box, shape: Shape, output: Shape) -> Box:
    return tuple(
        read_by_transposed(places, window, in_numbers(side))
        for places, window, side in zip(box, windows(layer, shape), shape[1:], strict=True)
    )


def _sides(box: Box, shape: Shape, output: Shape) -> zip[tuple[Places, int, int]]:
    return zip(box, map(in_numbers, shape[1:]), map(in_numbers, output[1:]), strict=True)


def _nearest(layer: Layer, box: Box, shape: Shape, output: Shape) -> Box:
    along = _sides(box, shape, output)
    return tuple(read_by_resize(places, nearest(i, o), i, o) for places, i, o in along)


def _bilinear(layer: Layer, box: Box, shape: Shape, output: Shape) -> Box:
    along = _sides(box, shape, output)
    return tuple(read_by_resize(places, bilinear(i, o), i, o) for places, i, o in along)


def _pooled(layer: Layer, box: Box, shape: Shape, output: Shape) -> Box:
    along = _sides(box, shape, output)
    return tuple(read_by_pooling(places, adaptive(i, o), i) for places, i, o in along)


def _border(layer: Layer, box: Box, shape: Shape, output: Shape) -> Box:
    return tuple(
        read_by_border(places, layer.kind, in_numbers(window.padding[0]), in_numbers(side))
        for places, window, side in zip(box, border_windows(layer, shape), shape[1:], strict=True)
    )


def _product(layer: Layer, box: Box, shape: Shape, output: Shape) -> Box:
    along = _sides(box, shape, output)
    return tuple(((0, 0),) if i == 1 else places for places, i, o in along)


_RULES = {
    **dict.fromkeys(("conv", "dw", "max", "avg"), _window),
    "convt": _transposed,
    **dict.fromkeys(("up", "resize", "resizelike", "pixelshuffle"), _nearest),
    **dict.fromkeys(("bilinear", "bilinearto", "bilinearlike"), _bilinear),
    "opaque": _product,  # where it works position by position
    **dict.fromkeys(("gap", "gmp"), _pooled),
    **dict.fromkeys(BORDERS, _border),
    "fc": _whole,
    "flatten": _whole,
    "mul": _product,
    **dict.fromkeys(("add", "cat", "unused", "input"), _as_it_is),
    **dict.fromkeys(ACTIVATIONS | SLOPES | NORMS, _as_it_is),
    **dict.fromkeys(("linear", "scale", "shuffle", "dropout", "slice"), _as_it_is),
}
assert _RULES.keys() == KINDS.keys(), "a kind of layer has no rule for what it reads"
