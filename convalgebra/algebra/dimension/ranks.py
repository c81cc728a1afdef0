"""The rank of the Jacobian of a family at a point, mod a prime."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from math import prod
from typing import Any

from convalgebra.algebra.families import Family
from convalgebra.algebra.plan import Step
from convalgebra.interrupts import compiled

MAX_ENTRIES = 12_000_000  # of a dense matrix, as Python's ints on the way to flint: 500 MB


@compiled()
def rank_of(rows: Sequence[Mapping[Any, int]], prime: int) -> int:
    """The rank of sparse rows {column: entry}, mod a prime.

    Rows that share no column, not even through others, are taken apart: the ranks add up.

    >>> rank_of([{0: 1, 1: 2}, {0: 2, 1: 4}, {7: 3}], 101)
    2
    """
    return sum(_dense_rank(part, prime) for part in parts_of(rows))


def parts_of(
    rows: Sequence[Mapping[Any, int]],
) -> list[list[Mapping[Any, int]]]:
    """The rows that are not empty, in parts that share no column."""
    owner: dict[Hashable, int] = {}
    parent = list(range(len(rows)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for index, row in enumerate(rows):
        for column in row:
            other = owner.setdefault(column, index)
            if other != index:
                one, two = root(index), root(other)
                if one != two:
                    parent[one] = two
    parts: dict[int, list[Mapping[Any, int]]] = {}
    for index, row in enumerate(rows):
        if row:
            parts.setdefault(root(index), []).append(row)
    return list(parts.values())


def _dense_rank(rows: list[Mapping[Any, int]], prime: int) -> int:
    from flint import nmod_mat

    if len(rows) == 1:
        return int(any(value % prime for value in rows[0].values()))
    columns: dict[Hashable, int] = {}
    for row in rows:
        for column in row:
            columns.setdefault(column, len(columns))
    width = len(columns)
    entries = [0] * (len(rows) * width)
    for index, row in enumerate(rows):
        start = index * width
        for column, value in row.items():
            entries[start + columns[column]] = value
    return int(nmod_mat(len(rows), width, entries, prime).rank())


def jacobian_rank(family: Family, point: Sequence[int], prime: int) -> int:
    """The rank of the Jacobian of a family at a point, mod a prime: a lower bound of the dimension.

    (A minor that is not 0 mod p at an integer point is not the zero polynomial.) Where the output
    comes out of a layer of its own, the derivatives by the weights of that layer touch one output
    channel each, and are the same matrix M for all channels of a group. Its rank is taken once; of
    the other rows only what they are on the vectors that M sends to 0 counts.

    >>> from convalgebra.algebra.families import family_of
    >>> from convalgebra.language import parse
    >>> family = family_of(parse("2x2@2, 2x2@2"), channels=2)
    >>> jacobian_rank(family, [n**3 % 97 for n in range(32)], 2**31 - 1)
    28
    """
    rows = family.jacobian(point, prime)
    last = family.plan.steps[-1]
    if not _has_own_weights(family) or last.channels[1] == last.groups:
        return rank_of(rows, prime)
    if len(parts_of(rows)) > 1:
        return rank_of(rows, prime)
    return _projected_rank(family, last, rows, prime)


def _has_own_weights(family: Family) -> bool:
    steps = family.plan.steps
    return len(steps) > 2 and steps[-1].weights == len(steps) - 1


@compiled()
def _projected_rank(family: Family, last: Step, rows: list[dict[int, int]], prime: int) -> int:
    from flint import nmod_mat

    counts = [0] * last.channels[1]
    for coordinate in family.coordinates:
        counts[coordinate.out] += 1
    starts = [sum(counts[:channel]) for channel in range(len(counts))]
    where = [(o, start) for o, start in enumerate(starts) for _ in range(counts[o])]
    block = family.plan.blocks[len(family.plan.steps) - 1]
    each = last.kernel_weights // last.channels[1]
    out = last.channels[1] // last.groups
    others = [*rows[: block.start], *rows[block.stop :]]
    total = 0
    # The columns of an output channel, from its first on, are the same throughout a group.
    projected: list[list[int]] = [[] for _ in others]
    for group in range(last.groups):
        first = group * out
        own = rows[block.start + first * each : block.start + (first + 1) * each]
        if last.bias:
            own = [*own, rows[block.start + last.kernel_weights + first]]
        width, start = counts[first], starts[first]
        entries = [0] * (len(own) * width)
        for index, row in enumerate(own):
            for column, value in row.items():
                entries[index * width + column - start] = value
        basis, nullity = nmod_mat(len(own), width, entries, prime).nullspace()
        nullity = int(nullity)
        total += out * (width - nullity)
        if not nullity:
            continue
        kernel = nmod_mat(
            width,
            nullity,
            [int(value) for row in basis.tolist() for value in row[:nullity]],
            prime,
        )
        entries = [0] * (len(others) * out * width)
        for index, row in enumerate(others):
            for column, value in row.items():
                channel, start = where[column]
                if first <= channel < first + out:
                    at = (index * out + channel - first) * width + column - start
                    entries[at] = value
        found = nmod_mat(len(others) * out, width, entries, prime) * kernel
        values = [int(value) for value in found.entries()]
        length = out * nullity
        for index, long_row in enumerate(projected):
            long_row += values[index * length : (index + 1) * length]
    if projected and projected[0]:
        flat = [value for long_row in projected for value in long_row]
        total += int(nmod_mat(len(projected), len(projected[0]), flat, prime).rank())
    return total


def rank_work(family: Family) -> float:
    """About how many microseconds `jacobian_rank` takes; infinity where it would fill the memory.

    Measured: 0.7 for an entry of the Jacobian, 2,400 products in a matrix product and 4,400 in an
    elimination.
    """
    weights, ambient = family.weights, family.ambient
    last = family.plan.steps[-1]
    sparse = 0.7 * jacobian_entries(family) + 0.2 * family.work
    if not _has_own_weights(family) or last.channels[1] == last.groups:
        small, large = sorted((weights, ambient))
        if small * large > MAX_ENTRIES:
            return float("inf")
        return sparse + small * large * (0.1 + small / 4400)
    others = weights - last.free
    width = ambient // last.channels[1]
    rank = min(width, last.kernel_weights // last.channels[1] + last.bias)
    nullity = width - rank
    if others * last.channels[1] * width > MAX_ENTRIES:
        return float("inf")
    product = others * last.channels[1] * width * (0.1 + nullity / 2400)
    small, large = sorted((others, last.channels[1] * nullity))
    return sparse + product + small * large * (0.2 + small / 4400) + width**2 * rank / 2000


def jacobian_entries(family: Family) -> int:
    """An upper bound for the number of entries of the Jacobian that are not 0."""
    grid, plan = family.grid, family.plan
    whole = [high - low + 1 for low, high in grid.spans[-1]]
    outputs = prod(b for _, b in grid.rates[-1]) * plan.channels[1]
    total = 0
    for index, step in enumerate(plan.steps):
        if step.weights is None:
            continue
        # From one output so many places of the step are seen, if no more than the whole is.
        seen = prod(
            max(1, (size - (high - low + 1)) * b // a + b)
            for size, (low, high), (a, b) in zip(
                whole, grid.spans[index], grid.rates[index], strict=True
            )
        )
        spans = grid.spans[step.sources[0]]
        below = prod(high - low + 1 for low, high in spans) * plan.channels[0]
        total += seen * step.kernel_weights * below
    return min(total * outputs, plan.weights * family.ambient)
