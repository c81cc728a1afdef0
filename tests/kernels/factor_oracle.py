"""Products and groupings by other means: plain loops on dictionaries, numpy's roots, sympy.

Nothing here shares code with convalgebra.kernels.factoring.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np


def places(shape):
    return product(*map(range, shape))


def spread(entries, taps, dilation):
    """The taps of a filter, row by row, at their places."""
    return {
        tuple(u * d for u, d in zip(place, dilation, strict=True)): value
        for place, value in zip(places(taps), entries, strict=True)
    }


def convolved(filters):
    """The product of filters given as (entries, taps, dilation), as a dictionary without zeros."""
    axes = len(filters[0][1])
    total = {(0,) * axes: 1}
    for entries, taps, dilation in filters:
        more = {}
        for a, x in total.items():
            for b, y in spread(entries, taps, dilation).items():
                at = tuple(i + j for i, j in zip(a, b, strict=True))
                more[at] = more.get(at, 0) + x * y
        total = more
    return {place: value for place, value in total.items() if value != 0}


def size(layers):
    """The receptive field of layers given as (taps, dilation)."""
    return tuple(
        1 + sum(d[axis] * (k[axis] - 1) for k, d in layers) for axis in range(len(layers[0][0]))
    )


def nested(values, shape):
    """A dictionary from places to values as nested lists of this shape."""
    if not shape:
        return values.get((), 0)
    return [
        nested({p[1:]: v for p, v in values.items() if p[0] == n}, shape[1:])
        for n in range(shape[0])
    ]


def ways_by_roots(coefficients, layers):
    """How many ways a polynomial with simple roots other than 0 has over R and C, by trial.

    `layers` are (taps, dilation); every root goes to every layer with room; a product must be a
    polynomial in z^dilation. Roots are numpy's, so this is for well separated ones. Ways that
    differ by the order of equal layers are the same.
    """
    roots = np.roots(coefficients[::-1])
    assert min(abs(a - b) for n, a in enumerate(roots) for b in roots[:n]) > 1e-3
    found = {"complex": set(), "real": set()}
    for homes in product(range(len(layers)), repeat=len(roots)):
        groups = [[n for n, home in enumerate(homes) if home == m] for m in range(len(layers))]
        if any(len(g) > d * (k - 1) for g, ((k,), (d,)) in zip(groups, layers, strict=True)):
            continue
        polynomials = [np.poly(roots[g])[::-1] for g in groups]
        if any(
            abs(c) > 1e-6
            for p, (_, (d,)) in zip(polynomials, layers, strict=True)
            for n, c in enumerate(p)
            if n % d
        ):
            continue
        way = tuple(sorted(zip(layers, map(tuple, groups), strict=True)))
        found["complex"].add(way)
        if all(np.abs(np.imag(p)).max() < 1e-6 for p in polynomials):
            found["real"].add(way)
    return {field: len(ways) for field, ways in found.items()}


def multiplies_back(report):
    """Whether every factorization shown is the kernel: rational ones exactly, others in floats."""
    kernel = dict(zip(places(report.kernel.shape), report.kernel.entries, strict=True))
    dilations = effective_dilations(report.stack)
    for way in report.factorizations:
        exact = all(f.exact() is not None for f in way.filters)
        filters = [
            (f.exact() if exact else f.decimals, f.taps, d)
            for f, d in zip(way.filters, dilations, strict=True)
        ]
        made = convolved(filters)
        wanted = {
            tuple(i + j for i, j in zip(place, way.shift, strict=True)): value
            for place, value in kernel.items()
            if value
        }
        if exact:
            if made != wanted:
                return False
            continue
        scale = max(abs(float(value)) for value in wanted.values())
        for place in made.keys() | wanted.keys():
            if abs(made.get(place, 0) - float(wanted.get(place, 0))) > 1e-7 * scale:
                return False
    return True


def effective_dilations(stack):
    """The dilation of each layer times the strides before it."""
    from convalgebra.language import parse

    found, strides = [], None
    for node in parse(stack).nodes[1:]:
        layer = node.layer
        strides = strides or (1,) * len(layer.size)
        found.append(
            tuple(s * d for s, d in zip(strides, each(layer.dilation, strides), strict=True))
        )
        strides = tuple(s * t for s, t in zip(strides, each(layer.stride, strides), strict=True))
    return found


def each(values, like):
    return tuple(values) * len(like) if len(values) == 1 else tuple(values)


def sympy_pieces(kernel, extension=None):
    """The degrees of the irreducible factors by sympy, with multiplicities, monomials left out."""
    from sympy import Poly, factor_list, symbols

    variables = symbols("y x")
    terms = {p: Fraction(v) for p, v in kernel.items()}
    poly = Poly.from_dict({p: v.numerator for p, v in terms.items()}, *variables)
    options = {} if extension is None else {"extension": extension}
    _, factors = factor_list(poly.as_expr(), *variables, **options)
    found = []
    for factor, times in factors:
        p = Poly(factor, *variables, **options)
        if len(p.terms()) > 1:
            found += [tuple(p.degree_list())] * times
    return sorted(found)
