"""Units by the names that people see: `e4[3,5]`, `layer2/down(128, 2)[0,0]`, `12[7]`, `[3,5]`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from convalgebra.arguments import as_text
from convalgebra.errors import InputError
from convalgebra.language.layer_text import layer_text
from convalgebra.layers import axes_text
from convalgebra.network import Network
from convalgebra.shapes import Shape, shape_text

if TYPE_CHECKING:
    from convalgebra.cost.receptive_field.remedies import Stretch

_PLACE = re.compile(r"\s*[0-9]{1,15}\s*", re.ASCII)


def branch_text(network: Network, end: int, layers: Stretch, beside: Stretch) -> str:
    """A branch as its text has it: the name of the value it ends in, or its own layers.

    `layers` are those that nothing else reads, `beside` those of the branch that it meets.
    """
    if network.nodes[end].name:
        return network.nodes[end].name
    texts = [layer_text(network.nodes[at].layer) for at in layers.nodes]
    if layers.start != beside.start:
        texts.insert(0, network.nodes[layers.start].name or "..")
    return ", ".join(texts) or "id"


def read_unit(network: Network, text: str) -> tuple[str, int, tuple[int, ...]]:
    """The name, the node and the position that a text like `e4[3,5]` means.

    What a name means is told at `Network.index_of`; without one it is the (first) output.

    >>> from convalgebra.language import parse
    >>> read_unit(parse("input 1x8x8; a = 3x3p1; b = max2x2s2"), "a[0, 7]")
    ('a', 1, (0, 7))

    Raises InputError for a name that is not there and for a position outside.
    """
    name, places = as_text(text, "a unit", "layer1[0,0]").strip(), ""
    if name.endswith("]") and "[" in name:
        name, _, places = name[:-1].rpartition("[")
        name = name.rstrip()
    node = network.index_of(name) if name else network.outputs[0]
    name = name or network.nodes[node].name or network.shown_name(node)
    return name, node, _position(name, places, network.shapes[node])


def _position(name: str, places: str, shape: Shape) -> tuple[int, ...]:
    sides = shape[1:]
    example = f"{name}[{','.join('0' for _ in sides)}]" if sides else name
    parts = places.split(",") if places.strip() else []
    wrong = next((part for part in parts if not _PLACE.fullmatch(part)), None)
    if wrong is not None:
        raise InputError(
            f"a position is whole numbers from 0 on, like {example}, not `{wrong.strip()[:40]}`"
        )
    if len(parts) != len(sides):
        what = f"{name} is {shape_text(shape)}, with {axes_text(len(sides))}"
        if not sides:
            raise InputError(f"{what}: write {example} without indices")
        given = {0: "none is", 1: "1 is"}.get(len(parts), f"{len(parts)} are")
        raise InputError(f"{what}: a unit has one index an axis, like {example}; {given} given")
    unit = tuple(map(int, parts))
    for place, side in zip(unit, sides, strict=True):
        if isinstance(side, int) and place >= side:
            raise InputError(f"{place} is outside: {name} is {shape_text(shape)}, 0 to {side - 1}")
    return unit
