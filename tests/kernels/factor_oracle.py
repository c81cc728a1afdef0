"""Products and groupings by other means: plain loops on dictionaries, numpy's roots, sympy.

`rechecked` takes the JSON of a report alone. Nothing here shares code with the package.
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


def rechecked(values):
    """Whether the JSON of a report proves its factorizations, in the way of docs/factor.md.

    Filters with one field are multiplied modulo its polynomial. Where filters are given as products
    of conjugate factors, all conjugates must be taken equally often: their product is a norm.
    """
    shape = values["kernel"]["shape"]
    entries = flat(values["kernel"]["entries"], len(shape))
    kernel = dict(zip(places(shape), map(Fraction, entries), strict=True))
    kernel = {place: [value] for place, value in kernel.items() if value}
    for way in values["factorizations"]:
        moduli = {
            tuple(f["field"]["minimal_polynomial"])
            for f in way["filters"]
            if f["field"] is not None
        }
        axes = len(shape)
        total = {(0,) * axes: [Fraction(1)]}
        if any("product" in f for f in way["filters"]):
            total = by_conjugates(way["filters"], axes)
        else:
            (modulus,) = moduli or [(0, 1)]
            for f in way["filters"]:
                total = times(total, polynomials(f, "entries", f["taps"], f["dilation"]), modulus)
        wanted = {
            tuple(a + b for a, b in zip(place, way["shift"], strict=True)): value
            for place, value in kernel.items()
        }
        if any("product" in f for f in way["filters"]):  # where a filter lies is not told by it
            total, wanted = ({minus_lowest(p, t): v for p, v in t.items()} for t in (total, wanted))
        if total != wanted:
            return False
    return True


def minus_lowest(place, terms):
    low = [min(along) for along in zip(*terms, strict=True)]
    return tuple(a - b for a, b in zip(place, low, strict=True))


def flat(values, axes):
    return values if axes == 1 else [v for part in values for v in flat(part, axes - 1)]


def polynomials(values, name, taps, dilation):
    """From places to the coefficients of polynomials in the root of the field."""
    if name == "entries" and values["field"] is None:
        entries = [[entry] for entry in flat(values["entries"], len(taps))]
    else:
        entries = flat(values["coefficients"], len(taps))
    made = spread([[Fraction(c) for c in entry] for entry in entries], taps, dilation)
    return {place: value for place, value in made.items() if any(value)}


def times(one, other, modulus):
    total = {}
    for a, x in one.items():
        for b, y in other.items():
            at = tuple(i + j for i, j in zip(a, b, strict=True))
            row = total.setdefault(at, [Fraction(0)] * (2 * len(modulus)))
            for i, c in enumerate(x):
                for j, d in enumerate(y):
                    row[i + j] += c * d
    return {place: value for place, row in total.items() if (value := reduced(row, modulus))}


def reduced(row, modulus):
    row = list(row)
    while len(row) >= len(modulus):
        top = row.pop() / modulus[-1]
        for n, c in enumerate(modulus[:-1], len(row) - len(modulus) + 1):
            row[n] -= top * c
    while row and not row[-1]:
        row.pop()
    return row


def by_conjugates(filters, axes):
    """The product of filters given by conjugate factors: rational parts times norms."""
    total, taken = {(0,) * axes: [Fraction(1)]}, {}
    for f in filters:
        if "product" not in f:
            assert f["field"] is None
            total = times(total, polynomials(f, "entries", f["taps"], f["dilation"]), (0, 1))
            continue
        made = {(0,) * axes: 1}
        for part in f["product"]:
            g = polynomials(part, "coefficients", part["shape"], (1,) * axes)
            if part["field"] is None:
                total = times(total, g, (0, 1))
                made = floats(made, {place: float(value[0]) for place, value in g.items()})
                continue
            key = tuple(part["field"]["minimal_polynomial"]), repr(sorted(g.items()))
            roots = [complex(*root) if isinstance(root, list) else root for root in part["roots"]]
            taken.setdefault(key, (g, []))[1].extend(np.round(roots, 9))
            for root in roots:
                at = {
                    place: sum(float(c) * root**n for n, c in enumerate(value))
                    for place, value in g.items()
                }
                made = floats(made, at)
        entries = [v for _, v in sorted(made.items())]
        decimals = flat(f["decimals"], axes)
        decimals = [complex(*v) if isinstance(v, list) else v for v in decimals]
        assert np.allclose(
            [v for v in entries if abs(v) > 1e-9], [v for v in decimals if abs(v) > 1e-9]
        )
    for (modulus, _), (g, roots) in taken.items():
        often = [roots.count(root) for root in set(roots)]
        assert len(often) == len(modulus) - 1
        assert len(set(often)) == 1
        for _ in range(often[0]):
            total = times(total, norm_of(g, modulus), (0, 1))
    return total


def floats(one, other):
    total = {}
    for a, x in one.items():
        for b, y in other.items():
            at = tuple(i + j for i, j in zip(a, b, strict=True))
            total[at] = total.get(at, 0) + x * y
    return total


def norm_of(g, modulus):
    """The product of g over all roots of the modulus, by sympy's resultant."""
    from sympy import Poly, Rational, resultant, symbols

    t, *z = symbols(f"t z:{len(next(iter(g)))}")
    m = sum(c * t**n for n, c in enumerate(modulus))
    polynomial = sum(
        Rational(c.numerator, c.denominator) * t**n * Poly({place: 1}, *z).as_expr()
        for place, value in g.items()
        for n, c in enumerate(value)
    )
    degree = Poly(polynomial, t).degree()
    norm = Poly(resultant(m, polynomial, t) / modulus[-1] ** degree, *z)
    return {place: [Fraction(int(c.p), int(c.q))] for place, c in norm.terms()}


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
