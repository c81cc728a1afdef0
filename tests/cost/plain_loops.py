"""MACs counted by plain loops: every position, every tap, looked up in a grid of what is real."""

from itertools import product


def grid(sides, real=True):
    return dict.fromkeys(product(*map(range, sides)), real)


def padded(values, pads):
    """`values` with zeros around, and the zeros of an earlier pad kept."""
    sides = [1 + max(place[axis] for place in values) for axis in range(len(pads))]
    wide = grid([s + left + right for s, (left, right) in zip(sides, pads, strict=True)], False)
    for place, real in values.items():
        wide[tuple(p + left for p, (left, _) in zip(place, pads, strict=True))] = real
    return wide


def convolution(values, outputs, kernel, stride, dilation, pads):
    """(dense, exact) pairs of an output position and a tap."""
    dense = exact = 0
    for out in product(*map(range, outputs)):
        for tap in product(*map(range, kernel)):
            dense += 1
            place = tuple(
                n * s + t * d - left
                for n, t, s, d, (left, _) in zip(out, tap, stride, dilation, pads, strict=True)
            )
            exact += values.get(place, False)
    return dense, exact


def transposed(values, outputs, kernel, stride, dilation, pads):
    """(dense, exact) pairs of an input position and a tap."""
    kept = grid(outputs)
    dense = exact = 0
    for place, real in values.items():
        for tap in product(*map(range, kernel)):
            dense += 1
            out = tuple(
                n * s + t * d - left
                for n, t, s, d, (left, _) in zip(place, tap, stride, dilation, pads, strict=True)
            )
            exact += real and out in kept
    return dense, exact
