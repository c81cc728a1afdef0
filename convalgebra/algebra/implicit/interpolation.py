"""Polynomials of one block that vanish on an image: found mod primes, lifted to the integers.

A polynomial that vanishes on the image vanishes at every point of it. So the equations in a block
of monomials lie in the kernel of the matrix of these monomials at points of the image.

* An equation over Q, scaled to coprime integers, is not 0 mod p and lies in the kernel mod p. So a
  kernel of 0, at whatever points, *proves* that there is no equation, and a kernel of dimension k
  that there are at most k independent ones.
* What is in the kernel may have come in by chance or by the choice of p. It is lifted and
  substituted exactly, see `verified`; only then it is an equation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import combinations_with_replacement
from math import gcd, isqrt, lcm
from random import Random
from typing import Any

from convalgebra.algebra.implicit.gradings import Gradings
from convalgebra.algebra.implicit.monomials import Monomial
from convalgebra.algebra.implicit.parametrization import Parametrization
from convalgebra.interrupts import compiled

Form = dict[Monomial, int]  # a homogeneous polynomial
Kernel = tuple[tuple[int, ...], list[list[int]]]  # the free columns, and a vector for each

MORE_POINTS = 4  # than monomials: what vanishes there by chance is next to nothing
MAX_PRIMES = 12  # coefficients of up to 100 digits


@cache
def prime(number: int) -> int:
    """The primes below 2^61, the largest first.

    >>> prime(0) == 2**61 - 1
    True
    """
    from flint import fmpz

    candidate = prime(number - 1) - 2 if number else 2**61 - 1
    while not fmpz(candidate).is_prime():
        candidate -= 2
    return candidate


class Sampler:
    """Points of an image mod a prime: the psi, and the constant `scale` as one more variable."""

    def __init__(self, found: Parametrization, modulus: int) -> None:
        self.found, self.modulus = found, modulus
        self.more = [found.scale % modulus]
        self.random = Random(0)
        self.points: list[list[int]] = []

    def point(self, number: int) -> list[int]:
        """The psi at the given random weights."""
        while len(self.points) <= number:
            weights = [self.random.randrange(1, self.modulus) for _ in range(self.found.weights)]
            self.points.append(self.found.values(weights, self.modulus) + self.more)
        return self.points[number]

    def table(self, variables: Sequence[int], degree: int, points: int) -> Table:
        """The monomials of one degree at so many points."""
        return Table(self, variables, degree, points)


class Table:
    """Monomials of degree d at points, as products of two of half the degree."""

    def __init__(
        self, sampler: Sampler, variables: Sequence[int], degree: int, points: int
    ) -> None:
        self.modulus = sampler.modulus
        self.half = degree // 2
        sides = [_numbered(variables, part) for part in (self.half, degree - self.half)]
        self.numbers = sides
        values = [
            _values_of(variables, (self.half, degree - self.half), sampler.point(n), self.modulus)
            for n in range(points)
        ]
        self.first = [pair[0] for pair in values]
        self.second = [pair[1] for pair in values]

    def rows(self, block: Sequence[Monomial], count: int) -> list[int]:
        """The monomials of a block at the first `count` points, row after row."""
        left, right = self.numbers
        half, p = self.half, self.modulus
        pairs = [(left[monomial[:half]], right[monomial[half:]]) for monomial in block]
        return [
            one[i] * other[j] % p
            for one, other in zip(self.first[:count], self.second[:count], strict=True)
            for i, j in pairs
        ]

    def kernel(self, block: Sequence[Monomial]) -> Kernel:
        """The polynomials of a block that vanish at all points of the table, mod the prime."""
        from flint import nmod_mat

        count = min(len(block) + MORE_POINTS, len(self.first))
        matrix = nmod_mat(count, len(block), self.rows(block, count), self.modulus)
        return kernel_of(matrix)


def _numbered(variables: Sequence[int], degree: int) -> dict[Monomial, int]:
    monomials = combinations_with_replacement(variables, degree)
    return {monomial: number for number, monomial in enumerate(monomials)}


def _values_of(
    variables: Sequence[int], degrees: tuple[int, int], point: Sequence[int], modulus: int
) -> tuple[list[int], list[int]]:
    """All monomials of both degrees at a point, in the order of `combinations_with_replacement`."""
    values = [point[variable] for variable in variables]
    by_first: list[list[int]] = [[1]] + [[] for _ in values[1:]]  # by the first variable
    kept = {0: [1]}
    for degree in range(1, degrees[1] + 1):
        grown: list[list[int]] = []
        for first, value in enumerate(values):
            later = by_first[:1] if degree == 1 else by_first[first:]
            grown.append([value * other % modulus for part in later for other in part])
        by_first = grown
        kept[degree] = [value for part in by_first for value in part]
    return kept[degrees[0]], kept[degrees[1]]


@compiled()
def kernel_of(matrix: Any) -> Kernel:
    """The kernel of a matrix of residues (flint's nmod_mat), as its echelon form gives it.

    Each vector is 1 at its free column and 0 at the other free ones.

    >>> from flint import nmod_mat
    >>> kernel_of(nmod_mat(1, 3, [1, 2, 3], 7))
    ((1, 2), [[5, 1, 0], [4, 0, 1]])
    """
    columns, p = matrix.ncols(), matrix.modulus()
    if matrix.rank() == columns:
        return (), []
    reduced, rank = matrix.rref()
    rows = reduced.tolist()[:rank]
    pivots = [next(i for i, entry in enumerate(row) if int(entry)) for row in rows]
    free = tuple(sorted(set(range(columns)) - set(pivots)))
    vectors = []
    for column in free:
        vector = [0] * columns
        vector[column] = 1
        for pivot, row in zip(pivots, rows, strict=True):
            vector[pivot] = -int(row[column]) % p
        vectors.append(vector)
    return free, vectors


def lifted(residues: Sequence[int], modulus: int) -> list[int] | None:
    """Coprime integers that are proportional to these residues, if there are small ones.

    >>> lifted([1, 51, 34], 101)  # 1, 1/2, 1/3
    [6, 3, 2]
    """
    found = []
    for residue in residues:
        fraction = reconstructed(residue, modulus)
        if fraction is None:
            return None
        found.append(fraction)
    common = lcm(*(below for _, below in found))
    whole = [above * (common // below) for above, below in found]
    shared = gcd(*whole)
    return [value // shared for value in whole]


def reconstructed(residue: int, modulus: int) -> tuple[int, int] | None:
    """The fraction of a residue with numerator and denominator below sqrt(modulus / 2).

    There is at most one (Wang 1981): the continued fraction of residue / modulus, cut short.

    >>> reconstructed(34, 101)
    (1, 3)
    """
    limit = isqrt((modulus - 1) // 2)
    above, next_above, below, next_below = modulus, residue, 0, 1
    while next_above > limit:
        quotient = above // next_above
        above, next_above = next_above, above - quotient * next_above
        below, next_below = next_below, below - quotient * next_below
    if abs(next_below) > limit or gcd(next_above, next_below) != 1:
        return None
    return (next_above, next_below) if next_below > 0 else (-next_above, -next_below)


def combined(kernels: Iterable[tuple[int, Kernel]]) -> Iterator[tuple[int, list[list[int]]]]:
    """The kernels mod p, p q, p q r, .. of those mod p, q, r .., by the Chinese remainder theorem.

    Where the free columns differ, one of the primes divides a minor: the smaller kernel is kept,
    and of kernels of one dimension the one that comes first.
    """
    modulus, free, vectors = 1, None, []
    for p, (columns, found) in kernels:
        if free is None or len(columns) < len(free):
            modulus, free, vectors = p, columns, found
        elif columns == free:
            inverse = pow(modulus, -1, p)
            vectors = [
                [a + modulus * ((b - a) * inverse % p) for a, b in zip(one, other, strict=True)]
                for one, other in zip(vectors, found, strict=True)
            ]
            modulus *= p
        else:
            continue
        yield modulus, vectors


class Substitution:
    """Exact substitution of the parametrization, where the weights of `Gradings.ones` are 1.

    The variable after the coordinates is the constant `scale`.
    """

    def __init__(
        self, found: Parametrization, gradings: Gradings, coordinates: Iterable[int]
    ) -> None:
        from flint import Ordering, fmpz_mpoly_ctx

        ones = set(gradings.ones)
        kept = [number for number in range(found.weights) if number not in ones]
        names = tuple(f"w{number}" for number in kept) or ("w",)
        self.context = fmpz_mpoly_ctx.get(names, Ordering.lex)
        self.values: dict[int, Any] = {}
        for number in coordinates:
            coefficients = found.polynomials[number].to_dict()
            sums: dict[tuple[int, ...], int] = {}
            for term in found.monomials[number]:
                left = tuple(term[weight] for weight in kept) or (0,)
                sums[left] = sums.get(left, 0) + int(coefficients[term])
            self.values[number] = self.context.from_dict(sums)
        self.values[len(found.polynomials)] = self.context.constant(found.scale)

    def vanishes(self, form: Form) -> bool:
        """Whether a form, of one block, is 0 on the image, by expanding it.

        (Only of one block: other forms may be 0 where some weights are 1, and not elsewhere.)
        """
        total = self.context.constant(0)
        powers: dict[Monomial, Any] = {}
        for monomial, coefficient in form.items():
            total += coefficient * self._product(monomial, powers)
        return bool(total == 0)

    def _product(self, monomial: Monomial, known: dict[Monomial, Any]) -> Any:
        if not monomial:
            return self.context.constant(1)
        if monomial not in known:
            known[monomial] = self._product(monomial[:-1], known) * self.values[monomial[-1]]
        return known[monomial]
