"""The monomials of one degree, sorted into blocks of the same total in every grading."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations_with_replacement
from math import comb

from convalgebra.algebra.implicit.gradings import Vector

Monomial = tuple[int, ...]  # the numbers of its variables, in order: x0^2 x3 is (0, 0, 3)
Blocks = dict[int, list[Monomial]]

MAX_DEGREE = 200


def count_monomials(variables: int, degree: int) -> int:
    """The number of monomials of one degree.

    >>> count_monomials(9, 6)
    3003
    """
    return comb(variables + degree - 1, degree) if variables else 0


def block_keys(gradings: Iterable[Vector], variables: int) -> list[int]:
    """One int for each variable, such that sums of up to `MAX_DEGREE` of them tell totals apart.

    >>> block_keys([(1, 1, 1), (0, 1, 2)], 3)
    [1, 402, 803]
    """
    keys = [0] * variables
    unit = 1
    for row in gradings:
        for variable, value in enumerate(row):
            keys[variable] += unit * value
        unit *= 2 * MAX_DEGREE * max(map(abs, row), default=0) + 1
    return keys


def blocks(variables: Sequence[int], degree: int, keys: Sequence[int]) -> Blocks:
    """The monomials of one degree in these variables, by the sum of the keys.

    >>> blocks([0, 1, 2], 2, [0, 1, 2])[2]
    [(0, 2), (1, 1)]
    """
    found: Blocks = {}
    key = keys.__getitem__
    for monomial in combinations_with_replacement(variables, degree):
        found.setdefault(sum(map(key, monomial)), []).append(monomial)
    return found
