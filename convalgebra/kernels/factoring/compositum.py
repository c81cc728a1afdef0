"""Filters that take some of the conjugates of a factor and not others: the field of their entries.

Let v_1, v_2, .. be algebraic integers, polynomials in the roots of some irreducible polynomials,
such as the entries of filters. Every way to permute the roots of each polynomial gives an image of
the tuple of values; there are finitely many different *assignments* of roots, and a Galois
automorphism permutes them. For whole weights w such that theta = sum w_k v_k has different values
at all assignments,

    R(t) = product (t - theta'),        N_k(t) = sum v_k' R(t) / (t - theta')

over all assignments are symmetric in the roots, so their coefficients are whole numbers. Balls that
hold one whole number each give them exactly. Then `v_k = N_k(theta) / R'(theta)` in Q(theta), whose
modulus is the irreducible factor of R that vanishes at theta (the rational univariate
representation of the assignments; F. Rouillier, AAECC 9, 1999).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import factorial, isqrt, lcm, prod
from random import Random
from typing import Any, NamedTuple

from convalgebra.algebra.one_channel.chains import Exponent
from convalgebra.algebra.one_channel.work import Work
from convalgebra.budget import Exhausted
from convalgebra.kernels.factoring.conjugates import Atom, Splitting
from convalgebra.kernels.factoring.embeddings import PRECISIONS, Embedding, precision, roots
from convalgebra.kernels.factoring.fields import Element, Field, substituted
from convalgebra.kernels.factoring.polynomials import expanded, plain
from convalgebra.kernels.factoring.rational import Undecided
from convalgebra.kernels.sources import Number

MOST_ASSIGNMENTS = 40
_FEW = 24  # assignments; with more of them
_MOST_HEIGHT = 300  # bits of R, which has to be factored
MOST_DEGREE = 12  # of a field in which numbers are shown
_TRIES = 40

Counts = tuple[int, ...]  # how often a root is taken by each filter


class Products(NamedTuple):
    """Products of conjugate factors over one field: each filter's coefficients, the first one 1."""

    embedding: Embedding
    filters: tuple[dict[Exponent, Element], ...]


def assignments(groups: Sequence[Sequence[int]], atoms: tuple[Atom, ...]) -> int:
    """The number of assignments that look like these groups of atoms.

    >>> one = [Atom(0, root, root, (1,), 1) for root in range(4)]
    >>> assignments([(0, 1), (2, 3)], tuple(one))
    6
    """
    return prod(
        factorial(len(rows)) // prod(map(factorial, Counter(rows).values()))
        for rows in _rows(groups, atoms).values()
    )


def products(
    groups: Sequence[Sequence[int]],
    atoms: tuple[Atom, ...],
    splittings: tuple[Splitting, ...],
    work: Work,
    most_degree: int = MOST_DEGREE,
) -> Products:
    """The product of each group of atoms, exactly, in one field.

    Raises Undecided where there are too many assignments, the degree of the field is too large, or
    the work runs out.
    """
    many = assignments(groups, atoms)
    if many > MOST_ASSIGNMENTS:
        raise Undecided(f"the entries are to be told from {many:,} others that look alike")
    rows = _rows(groups, atoms)
    images = list(_images(list(rows.items())))
    whole = {which: _denominator(splittings[which]) for which in rows}
    mixes: list[list[int]] = []
    for bits in PRECISIONS[1:]:
        with precision(bits):
            filters = [_filters(image, len(groups), splittings, whole, bits) for image in images]
            places = [(n, place) for n, f in enumerate(filters[0]) for place in sorted(f)[1:]]
            values = [[f[n][place] for n, place in places] for f in filters]
            _spend(work, len(images) ** 2 * len(places))
            mixes = mixes or _mixes(len(places))
            found = _represented(values, mixes, most_degree, bits)
        if found is None:
            continue
        embedding, elements = found
        constants = [prod(whole[atoms[n].of] for n in group) for group in groups]
        listed: list[dict[Exponent, Element]] = [{min(f): (1,)} for f in filters[0]]
        for (n, place), element in zip(places, elements, strict=True):
            if element:
                listed[n][place] = tuple(_over(c, constants[n]) for c in element)
        return simplified(Products(embedding, tuple(listed)))
    raise Undecided("numbers too close together to be told apart")


def _spend(work: Work, steps: int) -> None:
    try:
        work.spend(steps)
    except Exhausted:
        raise Undecided("enough other entries were worked out") from None


def _over(value: Number, below: int) -> Number:
    return plain(Fraction(value) / below)


def _rows(
    groups: Sequence[Sequence[int]], atoms: tuple[Atom, ...]
) -> dict[int, tuple[Counts, ...]]:
    """For each splitting that occurs, how often each of its roots is taken by each group."""
    found: dict[int, list[list[int]]] = {}
    involved = {atoms[n].of for group in groups for n in group}
    for which in sorted(involved):
        members = [n for n, atom in enumerate(atoms) if atom.of == which]
        found[which] = [[list(group).count(n) for group in groups] for n in members]
    return {which: tuple(map(tuple, rows)) for which, rows in found.items()}


def _images(
    rows: list[tuple[int, tuple[Counts, ...]]],
) -> Iterator[dict[int, tuple[Counts, ...]]]:
    """All assignments, the given one first."""
    if not rows:
        yield {}
        return
    (which, given), *others = rows
    for arranged in [given, *(other for other in _arrangements(given) if other != given)]:
        for image in _images(others):
            yield {which: arranged, **image}


def _arrangements(rows: tuple[Counts, ...]) -> Iterator[tuple[Counts, ...]]:
    if not rows:
        yield ()
        return
    for first in sorted(set(rows)):
        rest = list(rows)
        rest.remove(first)
        for others in _arrangements(tuple(rest)):
            yield (first, *others)


def _denominator(splitting: Splitting) -> int:
    """A number times which all coefficients of g(a) are algebraic integers."""
    below = lcm(
        *(Fraction(c).denominator for value in splitting.conjugates.factor.values() for c in value)
    )
    leading = abs(splitting.conjugates.field.modulus[-1])
    return int(below * leading ** (splitting.size - 1))


def _filters(
    image: dict[int, tuple[Counts, ...]],
    filters: int,
    splittings: tuple[Splitting, ...],
    whole: dict[int, int],
    bits: int,
) -> list[dict[Exponent, Any]]:
    from flint import acb

    axes = len(next(iter(splittings[next(iter(image))].conjugates.factor)))
    found: list[dict[Exponent, Any]] = [{(0,) * axes: acb(1)} for _ in range(filters)]
    for which, rows in image.items():
        for root, counts in enumerate(rows):
            if not any(counts):
                continue
            values = splittings[which].values(root, bits)
            g = {place: value * whole[which] for place, value in values.items()}
            for n, times in enumerate(counts):
                for _ in range(times):
                    found[n] = expanded(found[n], g)
    return found


def _mixes(size: int) -> list[list[int]]:
    """Whole weights: each value by itself, then some at random."""
    random = Random(1)
    units = [[int(at == n) for at in range(size)] for n in range(size)]
    mixes = units + [[random.randrange(-4, 5) for _ in range(size)] for _ in range(_TRIES)]
    return [mix for mix in mixes if any(mix)]


def _represented(
    values: list[list[Any]], mixes: list[list[int]], most_degree: int, bits: int
) -> tuple[Embedding, list[Element]] | None:
    """A field, and the values at the first assignment in it; None if the balls are too wide."""
    from flint import acb_poly

    for mix in mixes:
        thetas = [sum(w * v for w, v in zip(mix, row, strict=True) if w) for row in values]
        if any(one.overlaps(other) for n, one in enumerate(thetas) for other in thetas[:n]):
            continue
        r = acb_poly.from_roots(thetas).unique_fmpz_poly()
        if r is None:
            return None
        if len(thetas) > _FEW and r.height_bits() > _MOST_HEIGHT:
            raise Undecided("a polynomial that tells the entries apart is too large to be factored")
        moduli = [f for f, _ in r.factor()[1] if _at(f, thetas[0]).contains(0)]
        if len(moduli) != 1:
            return None
        if moduli[0].degree() > most_degree:
            raise Undecided(f"the entries live in a field of degree {moduli[0].degree()}")
        field = Field(tuple(int(c) for c in moduli[0].coeffs()))
        met = [n for n, a in enumerate(roots(field.modulus, bits)) if a.overlaps(thetas[0])]
        if len(met) != 1:
            return None
        slope = field.inverse(field.reduced([int(c) for c in r.derivative().coeffs()]))
        others = [acb_poly.from_roots(thetas[:n] + thetas[n + 1 :]) for n in range(len(thetas))]
        elements = []
        for at in range(len(values[0])):
            total = acb_poly([0])
            for row, other in zip(values, others, strict=True):
                total += other * row[at]
            numerator = total.unique_fmpz_poly()
            if numerator is None:
                return None
            top = field.reduced([int(c) for c in numerator.coeffs()])
            elements.append(field.times(top, slope))
        return Embedding(field, met[0]), elements
    return None


def _at(polynomial: Any, value: Any) -> Any:
    from flint import acb

    total = acb(0)
    for c in reversed(polynomial.coeffs()):
        total = total * value + acb(c)
    return total


def simplified(found: Products) -> Products:
    """The same filters over the same field with a simpler generator.

    In degree 2 it is the square root of a whole number, the one in the upper half plane or on the
    positive half line; else one of the entries, if one generates the field.
    """
    field = found.embedding.field
    if field.degree == 1:
        return found
    if field.degree == 2:
        root = _square_root(field.modulus)
        made = _generated(found, root)
        # Of two real roots the positive one comes second, of two others the upper one first.
        if made.embedding.root == int(made.embedding.is_real):
            return made
        return _generated(found, tuple(-c for c in root))
    best = field.simplest(dict.fromkeys(v for f in found.filters for v in f.values()))
    return found if best is None else _generated(found, best)


def _square_root(modulus: tuple[int, ...]) -> Element:
    """A square root of a whole number without small square factors that generates the field."""
    c, b, a = modulus
    below = _square_part(b * b - 4 * a * c)
    return _over(b, below), _over(2 * a, below)


def _square_part(value: int) -> int:
    """The largest number found whose square divides `value`: all small primes, and what is left."""
    root = 1
    left = abs(value)
    for p in range(2, 2000):
        while left % (p * p) == 0:
            left //= p * p
            root *= p
        if left % p == 0:
            left //= p
    whole = isqrt(left)
    return root * whole if whole * whole == left else root


def _generated(found: Products, generator: Element) -> Products:
    powers = found.embedding.field.generated_by(generator)
    return Products(
        found.embedding.generated_by(generator),
        tuple(
            {place: substituted(value, powers) for place, value in f.items()} for f in found.filters
        ),
    )
