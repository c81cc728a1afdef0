"""Units by the names that people see: `e4[3,5]`, `layer2/down(128, 2)[0,0]`, `12[7]`, `[3,5]`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from convalgebra.errors import InputError
from convalgebra.language.layer_text import layer_text
from convalgebra.layers import axes_text
from convalgebra.network import Network
from convalgebra.shapes import Shape, shape_text

if TYPE_CHECKING:
    from convalgebra.cost.receptive_field.remedies import Stretch

_UNIT = re.compile(r"\s*(.*?)\s*(?:\[([^\[\]]*)\])?\s*", re.DOTALL)
_PLACE = re.compile(r"\s*[0-9]{1,15}\s*", re.ASCII)
_MOST_LISTED = 12


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

    The name is that of a value in the text, that of a layer or a block in a report, or the number
    of a layer; without one it is the (first) output.

    >>> from convalgebra.language import parse
    >>> read_unit(parse("input 1x8x8; a = 3x3p1; b = max2x2s2"), "a[0, 7]")
    ('a', 1, (0, 7))

    Raises InputError for a name that is not there and for a position outside.
    """
    name, places = _UNIT.fullmatch(text).groups()  # type: ignore[union-attr]
    node = find(network, name)
    name = name or network.nodes[node].name or network.shown_name(node)
    return name, node, _position(name, places, network.shapes[node])


def find(network: Network, name: str) -> int:
    """The node that a name means: a value, a layer as reports show it, a block (its last layer)."""
    if not name:
        return network.outputs[0]
    valued = [at for at, node in enumerate(network.nodes) if node.name == name]
    if len(valued) > 1:
        ways = _listed(network.shown_name(at) for at in valued)
        raise InputError(f"there are {len(valued)} values `{name}`; name the layer: {ways}")
    if valued:
        return valued[0]
    if name == "output":
        return network.outputs[0]
    path = name.replace("/", " ")
    for at in range(len(network.nodes) - 1, -1, -1):
        whole = network.shown_name(at).replace("/", " ")
        if path in (whole, str(at)) or (at and whole.startswith(f"{path} ")):
            return at
    raise InputError(_unknown(network, name))


def _unknown(network: Network, name: str) -> str:
    from difflib import get_close_matches

    values = [node.name for node in network.nodes if node.name]
    blocks = dict.fromkeys(
        "/".join(node.block[:depth]) for node in network.nodes for depth in (1, 2)
    )
    known = dict.fromkeys(filter(None, [*values, *blocks]))
    near = get_close_matches(name, known, 1)
    if near:
        return f"nothing is called `{name[:60]}`; did you mean `{near[0]}`?"
    last = len(network.nodes) - 1
    names = f"; names are {_listed(known)}" if known else ""
    return f"nothing is called `{name[:60]}`{names}; layers have the numbers 1 to {last}"


def _listed(names: Iterable[str]) -> str:
    first, *more = names
    shown = [first, *more[: _MOST_LISTED - 1]]
    return ", ".join(shown) + (", .." if len(more) >= _MOST_LISTED else "")


def _position(name: str, places: str | None, shape: Shape) -> tuple[int, ...]:
    sides = shape[1:]
    example = f"{name}[{','.join('0' for _ in sides)}]" if sides else name
    parts = places.split(",") if places and places.strip() else []
    wrong = next((part for part in parts if not _PLACE.fullmatch(part)), None)
    if wrong is not None:
        raise InputError(
            f"a position is whole numbers from 0 on, like {example}, not `{wrong.strip()[:40]}`"
        )
    if len(parts) != len(sides):
        what = f"{name} is {shape_text(shape)}"
        raise InputError(
            f"{what}, with {axes_text(len(sides))}: write {example}, not {len(parts)} indices"
        )
    unit = tuple(map(int, parts))
    for place, side in zip(unit, sides, strict=True):
        if isinstance(side, int) and place >= side:
            raise InputError(f"{place} is outside: {name} is {shape_text(shape)}, 0 to {side - 1}")
    return unit
