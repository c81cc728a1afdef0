"""How many factors over C a polynomial has that is irreducible over Q.

They are conjugate, so they have the same exponents, and their number r divides every degree, and
every coordinate of every corner of the Newton polytope once it starts at 0 (Ostrowski: the polytope
of a product is the sum of the polytopes).

**Closed forms** (W. Ruppert, J. Number Theory 77, 1999; S. Gao, Math. Comp. 72, 2003). Let f be
squarefree in z_1, .., z_n, of degrees m_1, .., m_n. The solutions (h_1, .., h_n) of

    d(h_k / f) / d z_i  =  d(h_i / f) / d z_k      for i < k,
    deg_{z_i} h_i <= m_i - 1,   deg_{z_k} h_i <= m_k for k != i

form a vector space of dimension r, spanned over C by the logarithmic derivatives d f_j / f_j of
the r factors of f over C, times f. Proof: the form omega = sum (h_i / f) dz_i is closed with poles
of order one at most, so its residue along f_j = 0 is constant, c_j say (the smooth points of an
irreducible hypersurface are connected). What is left of omega less sum c_j df_j / f_j has no poles,
so f divides its numerators; by their degrees these are 0. The equations are linear with rational
coefficients: their rank over Q, or over C, is the same, and a rank mod p is never larger. So a
solution space of dimension 1 mod p, spanned by df, proves f irreducible over C.

**A simple point.** If f is irreducible mod p, of the same degrees, and has a point over F_p at
which not all its derivatives vanish, it is irreducible over C: its factors over the algebraic
closure of F_p would be conjugate, so each of them would vanish at that point and the derivatives of
the product too; and factors over C would reduce to factors of the same degrees.
"""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from itertools import combinations, product
from math import gcd, prod
from random import Random
from typing import Any, NamedTuple

from convalgebra.algebra.one_channel.chains import Exponent
from convalgebra.kernels.factoring.polynomials import Terms, active, corners, degree, on_axes
from convalgebra.kernels.sources import Number

_PRIME = 2**31 - 1
_MOST_UNKNOWNS = 500  # of Ruppert's matrix
_MOST_MATRIX = 700_000  # its entries: 12 bytes each, and a second of building it
_PRIMES = (1_000_003, 1_000_033, 1_000_037, 1_000_039, 1_000_081, 1_000_099, 1_000_117, 1_000_121)
_POINTS = 40


class Count(NamedTuple):
    """The number of factors over C (None: not decided), and the reason in a sentence."""

    factors: int | None
    reason: str


def absolute_factors(terms: Terms) -> Count:
    """The number of factors over C of a polynomial that is irreducible over Q.

    >>> absolute_factors({(0, 0): 1, (0, 2): 1, (1, 1): -4, (2, 0): 1, (2, 2): 1}).factors
    2
    >>> absolute_factors({(0, 0): 1, (0, 1): 2, (1, 0): 3}).factors
    1
    """
    axes = active(terms)
    f = on_axes(terms, axes)
    size = degree(f)
    if len(axes) == 1:
        roots = size[0]
        return Count(roots, f"{roots} roots" if roots > 1 else "a single root")
    common = gcd(*(power for place in corners(f) for power in place))
    if common == 1:
        return Count(
            1,
            "its factors over C would be conjugate, so their number would divide every coordinate "
            "of the corners of its support, which have no common divisor",
        )
    unknowns = len(_unknowns(size))
    if unknowns <= _MOST_UNKNOWNS and _matrix_size(size) <= _MOST_MATRIX:
        return _by_closed_forms(f, common)
    if _has_simple_point(f):
        return Count(1, f"it stays irreducible mod p and has a simple point there, {_POINT_SOURCE}")
    return Count(
        None,
        f"Ruppert's matrix would have {unknowns:,} columns, and no simple point mod p was found",
    )


_POINT_SOURCE = "so its factors over C cannot be conjugate"


def _matrix_size(size: Exponent) -> int:
    pairs = len(size) * (len(size) - 1) // 2
    return len(_unknowns(size)) * pairs * prod(2 * m + 1 for m in size)


def _by_closed_forms(f: Terms, common: int) -> Count:
    from flint import nmod_mat

    columns = closed_forms(f)
    rows = sorted({row for column in columns for row in column})
    number = {row: at for at, row in enumerate(rows)}
    entries = [[0] * len(columns) for _ in rows]
    for at, column in enumerate(columns):
        for row, value in column.items():
            entries[number[row]][at] = int(value) % _PRIME
    rank = int(nmod_mat(entries, _PRIME).rank())
    left = len(columns) - rank
    shown = f"Ruppert's matrix ({len(rows)} x {len(columns)}) has rank {rank} mod 2^31 - 1"
    if left == 1:
        return Count(1, f"{shown}, one less than its columns")
    solutions = closed_form_solutions(f)
    if len(solutions) == 1:
        return Count(1, f"Ruppert's matrix has rank {len(columns) - 1}, one less than its columns")
    found = len(solutions)
    if common % found:
        raise ArithmeticError("the conjugate factors do not share out the corners")
    return Count(
        found, f"Ruppert's matrix has rank {len(columns) - found}, {found} less than its columns"
    )


def _unknowns(size: Exponent) -> list[tuple[int, Exponent]]:
    """The coefficients of (h_1, .., h_n): which h, and which exponent."""
    found: list[tuple[int, Exponent]] = []
    for which in range(len(size)):
        bounds = [m + (axis != which) for axis, m in enumerate(size)]
        found += [(which, place) for place in product(*map(range, bounds))]
    return found


def closed_forms(f: Terms) -> list[dict[Any, int]]:
    """A column for each coefficient of (h_1, .., h_n): the equations in which it occurs.

    >>> len(closed_forms({(0, 0): 1, (1, 1): 1}))
    4
    """
    size = degree(f)
    columns = []
    for which, place in _unknowns(size):
        column: dict[Any, int] = defaultdict(int)
        for i, k in combinations(range(len(size)), 2):
            if which not in (i, k):
                continue
            other, sign = (i, 1) if which == k else (k, -1)
            for there, value in f.items():
                # f d(z^e)/dz_i - z^e df/dz_i, term by term
                times = (place[other] - there[other]) * sign
                if times:
                    at = tuple(
                        a + b - (axis == other)
                        for axis, (a, b) in enumerate(zip(place, there, strict=True))
                    )
                    column[(i, k), at] += times * int(value)
        columns.append({row: value for row, value in column.items() if value})
    return columns


def closed_form_solutions(f: Terms) -> list[list[Terms]]:
    """A basis over Q of the solutions (h_1, .., h_n), whole coefficients, short ones first."""
    return _solutions(tuple(sorted(f.items())))


@lru_cache(8)  # asked for once to count the factors and once to find them
def _solutions(terms: tuple[tuple[Exponent, Number], ...]) -> list[list[Terms]]:
    f = dict(terms)
    columns = closed_forms(f)
    rows = sorted({row for column in columns for row in column})
    found = _null_vectors(columns, _independent(columns, rows))
    if any(any(_applied(columns, vector).values()) for vector in found):
        found = _null_vectors(columns, rows)  # the prime divides a minor of the matrix
    return [_as_forms(vector, degree(f)) for vector in found]


def _null_vectors(columns: list[dict[Any, int]], rows: list[Any]) -> list[list[int]]:
    """A basis of what these rows annihilate, short vectors first."""
    from flint import fmpz_mat

    matrix = fmpz_mat([[column.get(row, 0) for column in columns] for row in rows])
    basis, nullity = matrix.nullspace()
    vectors = fmpz_mat([[basis[at, n] for at in range(len(columns))] for n in range(nullity)])
    short = vectors.lll()
    return [[int(short[n, at]) for at in range(len(columns))] for n in range(nullity)]


def _as_forms(vector: list[int], size: Exponent) -> list[Terms]:
    solution: list[Terms] = [{} for _ in size]
    for (which, place), value in zip(_unknowns(size), vector, strict=True):
        if value:
            solution[which][place] = value
    return solution


def _applied(columns: list[dict[Any, int]], values: list[int]) -> dict[Any, int]:
    total: dict[Any, int] = defaultdict(int)
    for column, value in zip(columns, values, strict=True):
        if value:
            for row, entry in column.items():
                total[row] += entry * value
    return total


def _independent(columns: list[dict[Any, int]], rows: list[Any]) -> list[Any]:
    """Rows that are independent mod p and span all rows mod p."""
    from flint import nmod_mat

    number = {row: at for at, row in enumerate(rows)}
    entries = [[0] * len(rows) for _ in columns]
    for at, column in enumerate(columns):
        for row, value in column.items():
            entries[at][number[row]] = value % _PRIME
    reduced, rank = nmod_mat(entries, _PRIME).rref()
    chosen = []
    at = 0
    for line in range(rank):
        while not int(reduced[line, at]):
            at += 1
        chosen.append(rows[at])
    return chosen


def _has_simple_point(f: Terms) -> bool:
    """Whether f is seen to be irreducible with a simple point modulo one of a few primes."""
    return any(_simple_point_mod(f, prime, Random(prime)) for prime in _PRIMES)


def _simple_point_mod(f: Terms, prime: int, random: Random) -> bool:
    from flint import Ordering, fmpz_mod_mpoly_ctx, nmod_poly

    size = degree(f)
    reduced = {place: int(value) % prime for place, value in f.items() if value % prime}
    if not reduced or degree(reduced) != size or any(min(c) for c in zip(*reduced, strict=True)):
        return False
    names = [f"z{axis}" for axis in range(len(size))]
    context = fmpz_mod_mpoly_ctx.get(names, prime, Ordering.lex)
    factors = context.from_dict(reduced).factor()[1]
    if [times for _, times in factors] != [1]:
        return False
    for _ in range(_POINTS):
        point = [random.randrange(prime) for _ in size[1:]]
        row = [0] * (size[0] + 1)
        for (first, *others), value in reduced.items():
            for power, there in zip(others, point, strict=True):
                value = value * pow(there, power, prime) % prime
            row[first] = (row[first] + value) % prime
        line = nmod_poly(row, prime)
        if line.degree() < 1:
            continue
        if any(g.degree() == 1 and times == 1 for g, times in line.factor()[1]):
            return True  # the derivative along the line is not 0 there
    return False
