"""The same stack with all its padding at the input, where zeros are what the grid continues with.

Every hidden map is made as large as what comes after reads of it, so no window reads beyond one.
Going back from the output, a step whose map is wanted `E` positions further reads its source
`p + s E` beyond the border; if the source is a hidden map, that is what the source is wanted
further, and the padding goes; if it is the input, it stays as padding. The sizes that go out are
the same because `floor((i + p + r - e)/s) + 1` grows by E when i + p + r grows by s E.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from convalgebra.layers import Layer, padding_of, spread_over
from convalgebra.network import Network, Node

Ends = list[list[int]]  # per axis: before, after

_WINDOWS = frozenset({"conv", "dw", "avg"})
_FACTORS = frozenset({"up", "pixelshuffle"})
_GONE = frozenset({"dropout", "unused", "reflect", "replicate", "circular"})  # these by nothing


def with_padding_first(network: Network) -> Network:
    """The stack with every padding moved to the layers that read the input.

    >>> from convalgebra.language import parse
    >>> stack = parse("input 1x12x12; 3x3p1, 3x3p1")
    >>> print(with_padding_first(stack).with_input(None))
    3x3p2, 3x3

    The network is one whose borders are told: linear, padded with zeros, with an input of numbers.
    Layers with shared weights keep the same form: their padding becomes a `pad` layer. Where
    branches want a map at different sizes, the smaller one is cut out by a `crop`. What stands in
    `unused(...)` is left out.
    """
    return _Mending(network).network_with_padding_first()


class _Mending:
    def __init__(self, network: Network) -> None:
        self.old = network
        self.axes = len(network.shapes[0]) - 1
        self.nodes: list[Node] = [network.nodes[0]]
        self.place = {0: 0}  # of an old node among the new ones
        self.first: dict[int, int] = {}  # the new place of the first use of weights
        self.used = self._used()
        uses = Counter(network.nodes[index].weights for index in self.used)
        self.shared = {weights for weights, times in uses.items() if times > 1}
        self.wanted = self._wanted()

    def sides(self, index: int) -> tuple[int, ...]:
        return tuple(int(side) for side in self.old.shapes[index][1:])

    def _used(self) -> list[int]:
        """The nodes that an output is made of, in order; not those beside it in `unused(...)`."""
        used = set(self.old.outputs)
        for index in range(len(self.old.nodes) - 1, 0, -1):
            if index in used:
                used |= set(self.old.nodes[index].read)
        return sorted(used - {0})

    def _wanted(self) -> list[Ends]:
        """How many positions each map is wanted further than it was; 0 for the input."""
        nodes = self.old.nodes
        wanted: list[Ends] = [[[0, 0] for _ in range(self.axes)] for _ in nodes]
        for index in reversed(self.used):
            for source in nodes[index].read:
                if source == 0:
                    continue
                read = self.read(index, wanted[index])
                for have, need in zip(wanted[source], read, strict=True):
                    have[:] = [max(pair) for pair in zip(have, need, strict=True)]
        return wanted

    def read(self, index: int, ends: Ends) -> Ends:
        """How far a node reads beyond its sources when its map is wanted `ends` further."""
        node = self.old.nodes[index]
        layer, source = node.layer, node.inputs[0]
        if layer.kind in _WINDOWS:
            pads = padding_of(layer, self.sides(source))
            along = zip(pads, layer.stride, ends, strict=True)
            return [
                [int(p + s * e) for p, e in zip(pad, end, strict=True)] for pad, s, end in along
            ]
        if layer.kind in ("pad", "crop"):
            sign = 1 if layer.kind == "pad" else -1
            pads = spread_over(layer.pads, self.axes, "padding")
            along_pads = zip(pads, ends, strict=True)
            return [[int(sign * pad[i]) + end[i] for i in (0, 1)] for pad, end in along_pads]
        if layer.kind in _FACTORS:
            along_factors = zip(self.factors(layer), ends, strict=True)
            return [[-(-e // f) for e in end] for f, end in along_factors]
        if layer.kind == "convt":
            return [self.read_transposed(index, axis, end) for axis, end in enumerate(ends)]
        return ends

    def factors(self, layer: Layer) -> tuple[int, ...]:
        return tuple(int(f) for f in spread_over(layer.size, self.axes, "factor"))

    def read_transposed(self, index: int, axis: int, end: list[int]) -> list[int]:
        """Output m reads the inputs n with s n + d u - p = m; padding must not go below 0."""
        node = self.old.nodes[index]
        layer, source = node.layer, node.inputs[0]
        s, p, right, reach = self.transposed(layer, axis)
        inside, outside = self.sides(source)[axis], self.sides(index)[axis]
        first = -(-(p - end[0] - reach) // s)
        last = (outside - 1 + end[1] + p) // s
        if source == 0:  # beyond the input there is nothing to read
            first, last = 0, inside - 1
        before = max(0, -first, -(-(end[0] - p) // s))
        after = max(0, last - (inside - 1), -(-(end[1] - right) // s))
        return [before, after]

    def transposed(self, layer: Layer, axis: int) -> tuple[int, int, int, int]:
        assert layer.padding != "same"
        before, after = layer.padding[axis]
        reach = layer.dilation[axis] * (layer.size[axis] - 1)
        return int(layer.stride[axis]), int(before), int(after), int(reach)

    def network_with_padding_first(self) -> Network:
        for index in self.used:
            self.place[index] = self.moved(index, self.old.nodes[index])
        outputs = tuple(self.place[output] for output in self.old.outputs)
        return Network(self.old.shape, tuple(self.nodes), outputs)

    def add(self, layer: Layer, sources: tuple[int, ...], old: int | None = None) -> int:
        place = len(self.nodes)
        weights, name = place, ""
        if old is not None:
            name = self.old.nodes[old].name
            weights = self.first.setdefault(self.old.nodes[old].weights, place)
        self.nodes.append(Node(layer, sources, weights, name))
        return place

    def moved(self, index: int, node: Node) -> int:
        layer, sources = node.layer, node.read
        if layer.kind in _GONE:
            return self.place[sources[0]]
        read, wanted = self.read(index, self.wanted[index]), self.wanted[index]
        if layer.kind in _WINDOWS:
            return self.moved_window(index, read)
        fitted = tuple(self.fitted(source, read) for source in sources)
        if layer.kind in ("pad", "crop"):
            return fitted[0]
        if layer.kind == "convt":
            pads = []
            for axis, (end, more) in enumerate(zip(wanted, read, strict=True)):
                s, p, right, _ = self.transposed(layer, axis)
                pads.append((p + s * more[0] - end[0], right + s * more[1] - end[1]))
            layer = replace(layer, padding=tuple(pads))
        place = self.add(layer, fitted, index)
        if layer.kind in _FACTORS:
            extra = [
                [f * more[i] - end[i] for i in (0, 1)]
                for f, more, end in zip(self.factors(layer), read, wanted, strict=True)
            ]
            return self.cropped(place, extra)
        return place

    def moved_window(self, index: int, read: Ends) -> int:
        node = self.old.nodes[index]
        source = node.inputs[0]
        spare = [[-min(0, r) for r in self.left_over(end, source, a)] for a, end in enumerate(read)]
        pads = [[max(0, r) for r in self.left_over(end, source, a)] for a, end in enumerate(read)]
        sizes = node.layer.size
        # Frameworks pad a pooling by half its window at most, and shared layers have one form.
        pooled = node.layer.kind == "avg" and any(
            2 * max(pad) > int(k) for pad, k in zip(pads, sizes, strict=True)
        )
        place = self.cropped(self.place[source], spare)
        if pooled or node.weights in self.shared:
            place = self.padded(place, pads)
            pads = [[0, 0] for _ in pads]
        # Where `ceil` adds nothing to the old padding, it may to the new.
        layer = replace(node.layer, padding=tuple((a, b) for a, b in pads), ceil=False)
        return self.add(layer, (place,), index)

    def left_over(self, read: list[int], source: int, axis: int) -> list[int]:
        """What is read beyond the map that the source now has; below 0 where it is larger."""
        while source and self.old.nodes[source].layer.kind in _GONE:
            source = self.old.nodes[source].read[0]  # its map is the one that is read
        return [r - have for r, have in zip(read, self.wanted[source][axis], strict=True)]

    def fitted(self, source: int, read: Ends) -> int:
        """The new place of a source, padded or cropped to where it is read."""
        rest = [self.left_over(end, source, axis) for axis, end in enumerate(read)]
        place = self.cropped(self.place[source], [[-min(0, r) for r in end] for end in rest])
        return self.padded(place, [[max(0, r) for r in end] for end in rest])

    def cropped(self, place: int, ends: Ends) -> int:
        return self.around("crop", place, ends)

    def padded(self, place: int, ends: Ends) -> int:
        return self.around("pad", place, ends)

    def around(self, kind: str, place: int, ends: Ends) -> int:
        if not any(map(any, ends)):
            return place
        return self.add(Layer(kind, pads=tuple((a, b) for a, b in ends)), (place,))
