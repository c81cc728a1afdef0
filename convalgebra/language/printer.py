"""Network -> canonical text: `parse(to_text(network)) == network`.

A series is printed with its branches inside parentheses wherever branches leave one value and meet
again; every other value that is read more than once, or out of order, gets a name and a line of its
own. Equal neighbours are folded into `n*( )`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from convalgebra.language.layer_text import layer_text, opaque_text
from convalgebra.layers import MERGES
from convalgebra.network import Network, Node
from convalgebra.shapes import shape_text

_LONGEST_FOLD = 64  # the longest run of layers that is compared with its neighbour
_NOWHERE = -1  # the start of a path whose branches all begin with names
_DEEPEST = 35  # merges inside merges, of two parentheses each; the parser reads 100


@dataclass(slots=True)
class _Path:
    """A series of items on the value `start`; it covers all the nodes `first` .. `last`.

    `reads` counts how often it reads `start`; `depth` is that of the parentheses in it.
    """

    start: int
    items: _Items
    first: int
    last: int
    reads: int
    depth: int = 0


@dataclass(slots=True)
class _Items:
    """A list that shares its beginning with others: growing one costs nothing."""

    before: _Items | None
    text: str

    def listed(self) -> list[str]:
        texts = []
        item: _Items | None = self
        while item is not None:
            texts.append(item.text)
            item = item.before
        return texts[::-1]


def to_text(network: Network) -> str:
    """The canonical text of a network, on one line."""
    return _Printer(network).text()


class _Printer:
    def __init__(self, network: Network) -> None:
        self.network = network
        self.uses = [0] * len(network.nodes)
        for node in network.nodes:
            for source in node.inputs:
                self.uses[source] += 1
        for output in network.outputs:
            self.uses[output] += 1
        owners = sorted({n.weights for i, n in enumerate(network.nodes) if n.weights != i})
        self.shared = {owner: f"shared_{number}" for number, owner in enumerate(owners, 1)}
        self.paths: dict[int, _Path] = {}
        self.read_by_name: dict[int, list[int]] = {}  # node -> the values it names

    def text(self) -> str:
        nodes = self.network.nodes
        for index in range(1, len(nodes)):
            merges = nodes[index].layer.kind in MERGES or len(nodes[index].inputs) > 1
            self.paths[index] = self.merge(index) if merges else self.apply(index)
        lines = []
        if self.network.shape is not None:
            lines.append(f"input {shape_text(self.network.shape)}")
        for owner, name in self.shared.items():
            lines.append(f"shared {name} = {layer_text(nodes[owner].layer)}")
        return "; ".join(lines + self.statements())

    def open_path(self, value: int) -> _Path | None:
        """The path that ends at a value which is read once, so that it may go on; else None."""
        return self.paths.get(value) if self.uses[value] == 1 else None

    def apply(self, index: int) -> _Path:
        node = self.network.nodes[index]
        (value,) = node.inputs
        item = self.shared.get(node.weights) or layer_text(node.layer)
        path = self.open_path(value)
        if path is not None and path.last == index - 1:
            return replace(path, items=_Items(path.items, item), last=index)
        return _Path(value, _Items(None, item), index, index, reads=1)

    def merge(self, index: int) -> _Path:
        """Branches that leave one value, one after another, are written inside; others by name."""
        node = self.network.nodes[index]
        unused = node.layer.kind == "unused"
        ends = node.inputs[1:] if unused else node.inputs
        paths = [self.open_path(value) for value in ends]
        inside = [path for path in paths if path]
        starts = {path.start for path in inside if path.start != _NOWHERE}
        if unused:
            starts.add(node.inputs[0])
        elif not inside:
            starts = set(ends)
        first = _begin(inside, index)
        depth = 1 + max((path.depth for path in inside), default=0)
        if len(starts) > 1 or first is None or depth > _DEEPEST:
            return self.merge_by_name(index, ends)
        start = starts.pop() if starts else _NOWHERE
        self.read_by_name[index] = [v for v in ends if v != start and not self.open_path(v)]
        texts = [
            _series(path.items.listed()) if path else "id" if value == start else self.name(value)
            for value, path in zip(ends, paths, strict=True)
        ]
        reads = unused + sum(path.reads for path in inside) + ends.count(start)
        merged = _Path(start, _Items(None, _branches(node, texts)), first, index, reads, depth)
        return self.behind(self.paths.get(start), merged)

    def behind(self, trunk: _Path | None, path: _Path) -> _Path:
        """`path` as the end of `trunk`, where nothing else reads what comes out of that."""
        if trunk is None or trunk.last != path.first - 1 or self.uses[path.start] != path.reads:
            return path
        items, depth = _Items(trunk.items, path.items.text), max(path.depth, trunk.depth)
        return replace(trunk, items=items, last=path.last, depth=depth)

    def merge_by_name(self, index: int, ends: tuple[int, ...]) -> _Path:
        node = self.network.nodes[index]
        self.read_by_name[index] = list(ends)
        item = _branches(node, [self.name(value) for value in ends])
        reads = len(node.inputs) - len(ends)
        return _Path(node.inputs[0] if reads else _NOWHERE, _Items(None, item), index, index, reads)

    def name(self, value: int) -> str:
        return f"value_{value}" if value else "input"

    def statements(self) -> list[str]:
        """One line for each value that ends a path, in the order of the nodes."""
        ends: set[int] = set()
        waiting = list(self.network.outputs)
        by_name: set[int] = set()
        while waiting:
            value = waiting.pop()
            if value == 0 or value in ends:
                continue
            ends.add(value)
            path = self.paths[value]
            if path.start != _NOWHERE:
                waiting.append(path.start)
            for index in range(path.first, path.last + 1):
                by_name.update(self.read_by_name.get(index, ()))
                waiting.extend(self.read_by_name.get(index, ()))
        order = sorted(ends)
        for before, value in zip([0, *order], order, strict=False):
            if self.paths[value].start not in (before, _NOWHERE):
                by_name.add(self.paths[value].start)
        last = order[-1] if order else 0
        listed = self.network.outputs != (last,)
        if listed:
            by_name.update(self.network.outputs)
        lines = []
        for before, value in zip([0, *order], order, strict=False):
            path = self.paths[value]
            begin = [] if path.start in (before, _NOWHERE) else [self.name(path.start)]
            line = _series([*begin, *path.items.listed()])
            lines.append(f"{self.name(value)} = {line}" if value in by_name else line)
        if listed:
            lines.append("output " + " | ".join(map(self.name, self.network.outputs)))
        return lines or ["id"]


def _begin(paths: list[_Path], stop: int) -> int | None:
    """Where paths begin that come one after another, up to `stop`; None if they do not."""
    for path in reversed(paths):
        if path.last != stop - 1:
            return None
        stop = path.first
    return stop


def _branches(node: Node, texts: list[str]) -> str:
    if node.layer.kind == "add":
        return "(" + " + ".join(map(_as_term, texts)) + ")"
    begin = [opaque_text(node.layer)] if node.layer.kind == "opaque" else []
    return f"{node.layer.kind}({' | '.join(begin + texts)})"


def _as_term(text: str) -> str:
    outside = _outside(text)
    return f"({text})" if ", " in outside or " + " in outside else text


def _outside(text: str) -> str:
    """What of `text` stands in no parentheses."""
    depth, kept = 0, []
    for character in text:
        depth -= character == ")"
        if depth == 0:
            kept.append(character)
        depth += character == "("
    return "".join(kept)


def _series(items: list[str]) -> str:
    folded = _folded(items)
    if len(folded) == 1 and folded[0].startswith("("):  # a sum alone needs no parentheses
        return folded[0][1:-1]
    return ", ".join(folded)


def _folded(items: list[str]) -> list[str]:
    """`items` with equal neighbours, and then equal runs of neighbours, written once."""
    length = 1
    while length <= min(_LONGEST_FOLD, len(items) // 2):
        folded = _fold(items, length)
        length = length + 1 if len(folded) == len(items) else 1
        items = folded
    return items


def _fold(items: list[str], length: int) -> list[str]:
    result: list[str] = []
    at = 0
    while at < len(items):
        run = items[at : at + length]
        count = 1
        while items[at + count * length : at + (count + 1) * length] == run:
            count += 1
        if count > 1:
            # a, b, a, b, a is a, 2*(b, a): what a block begins with rarely comes last as well.
            tail = at + count * length
            spare = 0
            while spare < length - 1 and items[tail + spare : tail + spare + 1] == [run[spare]]:
                spare += 1
            result.extend(run[:spare])
            result.append(f"{count}*({_series(run[spare:] + run[:spare])})")
            at = tail + spare
        else:
            result.append(items[at])
            at += 1
    return result
