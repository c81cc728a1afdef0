"""The coefficients of a stack read off a patch of numbers pushed through it, entry by entry."""

from itertools import product

import numpy as np

from convalgebra.language import parse
from convalgebra.symbolic.engine import linear_forms, weights_of
from convalgebra.symbolic.rows import Weights


def on_patch(text, channels, sides):
    return parse(f"input {'x'.join(map(str, (channels, *sides)))}; {text}")


def numbered(network, point):
    """The weights of a network on a patch, filled from a flat list in the order of the nodes."""
    found, seen, at = {}, {}, 0
    for index, symbols in weights_of(network).items():
        owner = network.nodes[index].weights
        if owner not in seen:
            arrays = []
            for symbol in (symbols.kernel, symbols.bias):
                if symbol is None:
                    arrays.append(None)
                    continue
                array = np.empty(symbol.shape, dtype=object)
                for place in product(*map(range, symbol.shape)):
                    array[place] = point[at]
                    at += 1
                arrays.append(array)
            seen[owner] = Weights(*arrays)
        found[index] = seen[owner]
    assert at == len(point)
    return found


def coefficients(text, channels, point, sides, rate, middle):
    """{(out, phase, source, exponent): value} of the period number `middle`, as families say it."""
    network = on_patch(text, channels, sides)
    forms = linear_forms(network, numbered(network, point))
    out_channels, *out_sides = network.shapes[network.outputs[0]]
    found = {}
    for out in range(out_channels):
        for phase in product(*(range(b) for _, b in rate)):
            position = [b * m + r for (_, b), m, r in zip(rate, middle, phase, strict=True)]
            assert all(0 <= n < side for n, side in zip(position, out_sides, strict=True))
            number = out
            for n, side in zip(position, out_sides, strict=True):
                number = number * side + n
            for flat, value in forms[number].items():
                if flat < 0:
                    found[out, phase, -1, ()] = value
                    continue
                place = []
                for side in reversed(sides):
                    flat, n = divmod(flat, side)
                    place.append(n)
                starts = [a * m for (a, _), m in zip(rate, middle, strict=True)]
                exponent = tuple(
                    n - start for n, start in zip(reversed(place), starts, strict=True)
                )
                found[out, phase, flat, exponent] = value
    return {key: value for key, value in found.items() if value != 0}
