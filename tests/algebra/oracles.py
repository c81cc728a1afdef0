"""Other ways to what the engine says: plain loops, numeric roots, enumeration."""

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod

import numpy as np


def times(places, factor):
    return tuple(place * f for place, f in zip(places, factor, strict=True))


def plus(one, two):
    return tuple(a + b for a, b in zip(one, two, strict=True))


def minus(one, two):
    return tuple(a - b for a, b in zip(one, two, strict=True))


# Stacks of random layers


@dataclass(frozen=True)
class Layer:
    taps: tuple
    stride: tuple
    dilation: tuple
    padding: tuple
    average: bool = False

    def text(self):
        def joined(values):
            return "x".join(map(str, values))

        word = "avg" if self.average else "conv "
        text = f"{word}{joined(self.taps)}s{joined(self.stride)}p{joined(self.padding)}"
        return text if self.average else f"{text}d{joined(self.dilation)}"

    def places(self):
        return list(product(*map(range, self.taps)))


def text_of(layers):
    return ", ".join(layer.text() for layer in layers)


def random_layer(random, axes, most=3, strides=(1,), dilations=(1,), paddings=(0,), averages=0.0):
    average = random.random() < averages
    return Layer(
        tuple(random.randint(1, most) for _ in range(axes)),
        tuple(random.choice(strides) for _ in range(axes)),
        (1,) * axes if average else tuple(random.choice(dilations) for _ in range(axes)),
        tuple(random.choice(paddings) for _ in range(axes)),
        average,
    )


def random_stack(random, axes, count, **options):
    return [random_layer(random, axes, **options) for _ in range(count)]


def random_weights(random, layers):
    return [
        {
            tap: Fraction(1, prod(layer.taps))
            if layer.average
            else random.choice((-3, -2, 1, 2, 5))
            for tap in layer.places()
        }
        for layer in layers
    ]


def response(layers, weights):
    """How much output 0 has of each input position, from the last layer back to the first."""
    reads = {(0,) * len(layers[0].taps): 1}
    for layer, taps in zip(reversed(layers), reversed(weights), strict=True):
        before = Counter()
        for place, amount in reads.items():
            start = minus(times(place, layer.stride), layer.padding)
            for tap, weight in taps.items():
                before[plus(start, times(tap, layer.dilation))] += amount * weight
        reads = before
    return {place: amount for place, amount in reads.items() if amount}


# Linear algebra


def rank_over_q(rows):
    rows = [[Fraction(entry) for entry in row] for row in rows]
    rank = 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((i for i in range(rank, len(rows)) if rows[i][column]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        for i in range(rank + 1, len(rows)):
            if rows[i][column]:
                ratio = rows[i][column] / rows[rank][column]
                rows[i] = [a - ratio * b for a, b in zip(rows[i], rows[rank], strict=True)]
        rank += 1
    return rank


def rank_mod(rows, prime):
    rows = [[entry % prime for entry in row] for row in rows]
    rank = 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((i for i in range(rank, len(rows)) if rows[i][column]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        inverse = pow(rows[rank][column], -1, prime)
        for i in range(rank + 1, len(rows)):
            if rows[i][column]:
                ratio = rows[i][column] * inverse
                rows[i] = [
                    (a - ratio * b) % prime for a, b in zip(rows[i], rows[rank], strict=True)
                ]
        rank += 1
    return rank


# Irreducibility


def ruppert_nullity(kernel, prime=2**31 - 1):
    """The nullity of (g, h) -> f g_y - g f_y - f h_x + h f_x; 0 proves f irreducible over C.

    f has exact degrees (m, n) in x and y and no monomial factor; deg g <= (m - 1, n) and
    deg h <= (m, n - 2). (Ruppert, J. Number Theory 77, 1999.)
    """
    low = tuple(map(min, zip(*kernel, strict=True)))
    f = {minus(place, low): value for place, value in kernel.items()}
    m, n = map(max, zip(*f, strict=True))
    assert m >= 1
    assert n >= 1
    columns = {place: at for at, place in enumerate(product(range(2 * m), range(2 * n)))}
    rows = []
    for i, j in product(range(m), range(n + 1)):  # g = x^i y^j
        row = [0] * len(columns)
        for (a, b), value in f.items():
            if j - b:
                row[columns[a + i, b + j - 1]] += value * (j - b)
        rows.append(row)
    for i, j in product(range(m + 1), range(n - 1)):  # h = x^i y^j
        row = [0] * len(columns)
        for (a, b), value in f.items():
            if a - i:
                row[columns[a + i - 1, b + j]] += value * (a - i)
        rows.append(row)
    return len(rows) - rank_mod(rows, prime)


def is_irreducible_over_c(kernel):
    """Whether the rank proves it.

    With more than two axes the first ones are given values, and then it can only factor more. (A
    factor in those alone would divide every coefficient; one of them has to be a constant.)
    """
    axes = [axis for axis in range(len(next(iter(kernel)))) if len({e[axis] for e in kernel}) > 1]
    values = dict(zip(axes[:-2], (3, 7, 11), strict=False))
    flat = Counter()
    contents = {}
    for place, coefficient in kernel.items():
        key = (place[axes[-2]], place[axes[-1]])
        contents.setdefault(key, set()).add(tuple(place[axis] for axis in values))
        flat[key] += coefficient * prod(value ** place[axis] for axis, value in values.items())
    assert any(places == {(0,) * len(values)} for places in contents.values())
    return ruppert_nullity(flat) == 0


# Along a line: which layers can take which roots


def shared_out(roots, layers, *, real):
    """Whether roots can be shared out so that layers (places, step) become polynomials in z^step.

    Every way to do it is tried; with `real` each layer's polynomial must be real too.
    """
    roots = list(roots)
    for owners in product(range(len(layers)), repeat=len(roots)):
        for layer, (places, step) in enumerate(layers):
            mine = [root for root, owner in zip(roots, owners, strict=True) if owner == layer]
            if len(mine) > places * step or not _is_polynomial(mine, step, real=real):
                break
        else:
            return True
    return False


def _is_polynomial(roots, step, *, real):
    coefficients = np.poly(roots) if roots else np.ones(1)
    size = max(map(abs, coefficients))
    if any(abs(c) > 1e-7 * size for at, c in enumerate(coefficients) if at % step):
        return False
    return not real or max(abs(np.imag(coefficients))) < 1e-7 * size
