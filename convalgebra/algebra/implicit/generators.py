"""Minimal generators of one block: equations that do not follow from those of lower degree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from convalgebra.algebra.implicit.interpolation import (
    Form,
    Kernel,
    combined,
    lifted,
    prime,
)
from convalgebra.algebra.implicit.monomials import Monomial
from convalgebra.interrupts import compiled

MAX_EXACT = 60_000  # entries of a matrix whose rank is taken over Q, or that is reduced


class Block(NamedTuple):
    """All equations of a block: a basis `old` of those that follow, and `new` generators.

    `exact` tells that no fewer generators do: the rank of those that follow was taken over Q.
    (Otherwise it was taken mod a prime, and might be larger over Q.)
    """

    old: list[Form]
    new: list[Form]
    exact: bool


def multiples(
    lower: dict[int, list[Form]], keys: Sequence[int], variables: Iterable[int]
) -> dict[int, list[Form]]:
    """The equations one degree lower times every variable, by their new block.

    >>> multiples({0: [{(0, 2): 1, (1, 1): -1}]}, [5, 6, 7], [1])
    {6: [{(0, 1, 2): 1, (1, 1, 1): -1}]}
    """
    found: dict[int, list[Form]] = {}
    for variable in variables:
        for key, forms in lower.items():
            found.setdefault(key + keys[variable], []).extend(
                {
                    tuple(sorted((*monomial, variable))): coefficient
                    for monomial, coefficient in form.items()
                }
                for form in forms
            )
    return found


@compiled()
def block_of(
    monomials: Sequence[Monomial],
    products: list[Form],
    kernels: Iterable[tuple[int, Kernel]],
    vanishes: Callable[[Form], bool],
) -> Block | None:
    """The equations of a block from its kernels mod several primes; None if they cannot be lifted.

    A kernel of dimension k mod a prime proves that there are at most k independent equations. If r
    products are independent mod a prime, they are so over Q; and if k - r verified equations are
    added, all of them independent mod a prime, then the k are a basis of the equations over Q.

    Of the equations that come up, those with small coefficients and few terms are preferred.
    """
    columns = {monomial: number for number, monomial in enumerate(monomials)}
    rows = [_row(form, columns) for form in products]
    independent = _independent(rows, len(columns))
    for modulus, vectors in combined(kernels):
        needed = len(vectors) - len(independent)
        new: list[list[int]] = []
        if needed:
            basis = [rows[number] for number in independent]
            candidates = sorted(_candidates(vectors, modulus), key=_length)
            chosen = _independent([*basis, *candidates], len(columns))[len(basis) :]
            new = [candidates[number - len(basis)] for number in chosen]
            if len(new) != needed or not all(vanishes(_form(row, monomials)) for row in new):
                continue
        exact = not needed or len(independent) == len(rows) or _rank(rows) == len(independent)
        return Block(
            [products[number] for number in independent],
            [_form(_signed(row), monomials) for row in new],
            exact,
        )
    return None


def _candidates(vectors: list[list[int]], modulus: int) -> Iterator[list[int]]:
    """Integer vectors of a kernel: echelon forms from both ends, and a reduced lattice basis."""
    from flint import fmpz_mat, nmod_mat

    found = [row for vector in vectors if (row := lifted(vector, modulus))]
    yield from found
    if len(vectors) == 1:
        return
    size = len(vectors) * len(vectors[0])
    if modulus == prime(0):
        backwards = [entry for vector in vectors for entry in reversed(vector)]
        reduced, _ = nmod_mat(len(vectors), len(vectors[0]), backwards, modulus).rref()
        for vector in reduced.tolist():
            if row := lifted([int(entry) for entry in reversed(vector)], modulus):
                yield row
    if len(found) == len(vectors) and size <= MAX_EXACT:
        for vector in fmpz_mat(found).lll().tolist():
            yield [int(entry) for entry in vector]


def _length(row: list[int]) -> tuple[int, int]:
    return sum(map(bool, row)), max(map(abs, row))


def _signed(row: list[int]) -> list[int]:
    """The row with its first entry positive."""
    return row if next(entry for entry in row if entry) > 0 else [-entry for entry in row]


def _independent(rows: list[list[int]], columns: int) -> list[int]:
    """The first rows that are independent mod a prime, so over Q."""
    from flint import nmod_mat

    if not rows:
        return []
    p = prime(0)
    entries = [row[column] % p for column in range(columns) for row in rows]
    reduced, rank = nmod_mat(columns, len(rows), entries, p).rref()
    return [next(i for i, entry in enumerate(row) if int(entry)) for row in reduced.tolist()[:rank]]


def _rank(rows: list[list[int]]) -> int | None:
    """The rank over Q, None where that is too much work."""
    from flint import fmpz_mat

    return int(fmpz_mat(rows).rank()) if len(rows) * len(rows[0]) <= MAX_EXACT else None


def _row(form: Form, columns: dict[Monomial, int]) -> list[int]:
    row = [0] * len(columns)
    for monomial, coefficient in form.items():
        row[columns[monomial]] = coefficient
    return row


def _form(row: Sequence[int], monomials: Sequence[Monomial]) -> Form:
    return {monomial: value for monomial, value in zip(monomials, row, strict=True) if value}
