"""A stack evaluated position by position, with plain loops: cut off at its borders, or continued.

Weights, biases and the input are random numbers modulo a prime of 61 bits. Two polynomials of small
degree that differ agree there with a chance below 10^-15 (Schwartz and Zippel).
"""

from __future__ import annotations

import random
from functools import cache
from itertools import product

PRIME = 2**61 - 1


@cache
def draw(*what):
    """A number that depends on nothing but what it is for."""
    return random.Random(repr(what)).randrange(1, PRIME)


def same_pads(side, k, s, d):
    """TensorFlow's 'SAME': ceil(i/s) outputs, the odd zero at the end."""
    outputs = -(-side // s)
    total = max(0, (outputs - 1) * s + d * (k - 1) + 1 - side)
    return total // 2, total - total // 2


class Grid:
    """The values of every map of a network: `cut` at its borders, or `continued` without end."""

    def __init__(self, network, seed=0, source=None, biases=True):
        self.network, self.seed, self.biases = network, seed, biases
        self.source = source or self.random_input
        self.axes = len(network.shape) - 1
        self.shapes = [tuple(map(int, shape)) for shape in network.shapes]
        self.output = network.outputs[0]
        owners = []
        for index, node in enumerate(network.nodes):
            weighted = node.layer.kind in ("conv", "dw", "convt", "linear", "scale", "bn")
            if weighted and network.live[index] and node.weights not in owners:
                owners.append(node.weights)
        self.number = {owner: number for number, owner in enumerate(owners)}
        self.cut = cache(lambda index, c, n: self.step(index, c, n, self.read_cut))
        self.continued = cache(lambda index, c, n: self.step(index, c, n, self.read_continued))

    def random_input(self, c, n):
        return draw(self.seed, "input", c, n)

    def bias(self, index, c):
        has = self.biases and (self.network.nodes[index].layer.bias or self.kind(index) == "bn")
        return self.weight(index, "bias", c) if has else 0

    def kind(self, index):
        return self.network.nodes[index].layer.kind

    def weight(self, index, *what):
        return draw(self.seed, "weight", self.number[self.network.nodes[index].weights], *what)

    def inside(self, index, n):
        return all(0 <= at < side for at, side in zip(n, self.shapes[index][1:], strict=True))

    def read_cut(self, index, c, n):
        return self.cut(index, c, n) if self.inside(index, n) else 0

    def read_continued(self, index, c, n):
        return self.continued(index, c, n)

    def beyond(self, index, n, axis, end):
        at, side = n[axis], self.shapes[index][1 + axis]
        return at >= side if end else at < 0

    def gaining(self, step, end=None):
        """The output where `step` alone reads continued maps beyond their borders (or one end)."""

        @cache
        def value(index, c, n):
            def read(source, channel, place):
                if self.inside(source, place):
                    return value(source, channel, place)
                if index != step or (end and not self.beyond(source, place, *end)):
                    return 0
                return self.continued(source, channel, place)

            return self.step(index, c, n, read)

        return [value(self.output, *place) for place in self.places()]

    def places(self):
        channels, *sides = self.shapes[self.output]
        return list(product(range(channels), product(*map(range, sides))))

    def outputs(self, value):
        return [value(self.output, *place) for place in self.places()]

    def step(self, index, c, n, read):
        """Channel c of a node at position n, where `read` gives the values of its sources."""
        node = self.network.nodes[index]
        layer = node.layer
        if layer.kind == "input":
            return self.source(c, n) if self.inside(0, n) else 0
        first = node.inputs[0]
        channels = self.shapes[first][0]
        if layer.kind == "dropout":
            return read(first, c, n)
        if layer.kind == "add":
            return sum(read(source, c, n) for source in node.inputs) % PRIME
        if layer.kind == "cat":
            for source in node.inputs:
                if c < self.shapes[source][0]:
                    return read(source, c, n)
                c -= self.shapes[source][0]
        if layer.kind == "linear":
            terms = (self.weight(index, c, i) * read(first, i, n) for i in range(channels))
            return (sum(terms) + self.bias(index, c)) % PRIME
        if layer.kind in ("scale", "bn"):
            return (self.weight(index, c) * read(first, c, n) + self.bias(index, c)) % PRIME
        if layer.kind in ("pad", "crop"):
            pads = layer.pads * self.axes if len(layer.pads) == 1 else layer.pads
            sign = 1 if layer.kind == "pad" else -1
            return read(first, c, tuple(at - sign * p for at, (p, _) in zip(n, pads, strict=True)))
        if layer.kind == "up":
            factors = layer.size * self.axes if len(layer.size) == 1 else layer.size
            return read(first, c, tuple(at // f for at, f in zip(n, factors, strict=True)))
        if layer.kind == "pixelshuffle":
            (f,) = layer.size
            for at in n:
                c = c * f + at % f
            return read(first, c, tuple(at // f for at in n))
        if layer.kind == "slice":
            return read(first, c + (layer.bounds[0] or 0), n)
        if layer.kind == "shuffle":
            (g,) = layer.size
            return read(first, c % g * (channels // g) + c // g, n)
        if layer.kind in ("conv", "dw", "avg", "convt"):
            return self.windowed(index, c, n, read)
        raise AssertionError(f"the oracle has no {layer.kind}")

    def windowed(self, index, c, n, read):
        node = self.network.nodes[index]
        layer, first = node.layer, node.inputs[0]
        channels, *sides = self.shapes[first]
        out = self.shapes[index][0]
        groups = channels if layer.kind in ("dw", "avg") else layer.groups
        width = channels // groups
        start = c // (out // groups) * width
        pads = layer.padding
        if pads == "same":
            along = zip(sides, layer.size, layer.stride, layer.dilation, strict=True)
            pads = [same_pads(*axis) for axis in along]
        total = self.bias(index, c)
        for tap in product(*map(range, layer.size)):
            place = []
            for at, u, s, d, (p, _) in zip(n, tap, layer.stride, layer.dilation, pads, strict=True):
                if layer.kind != "convt":
                    place.append(s * at + d * u - p)
                elif (at + p - d * u) % s == 0:
                    place.append((at + p - d * u) // s)
            if len(place) < self.axes:
                continue
            for i in range(start, start + width):
                amount = 1 if layer.kind == "avg" else self.weight(index, c, i - start, tap)
                total += amount * read(first, i, tuple(place))
        return total % PRIME


def matrices(network, seed=0):
    """The rows of the network cut at its borders and of its continuation, the constant last."""
    channels, *sides = network.shape
    places = list(product(range(channels), product(*map(range, sides))))
    columns = []
    for unit in [*places, None]:
        grid = Grid(network, seed, lambda c, n, unit=unit: int((c, n) == unit))
        columns.append([grid.outputs(value) for value in (grid.cut, grid.continued)])
    *units, constant = columns
    found = []
    for way in (0, 1):
        rows = [
            [(unit[way][row] - constant[way][row]) % PRIME for unit in units] + [constant[way][row]]
            for row in range(len(constant[way]))
        ]
        found.append(rows)
    return found
