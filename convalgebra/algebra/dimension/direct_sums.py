"""Stacks taken apart into direct sums of narrow ones: ranks of wide stacks, one pair at a time.

Weights that never lead from one set of channels into another make the stack a direct sum of narrow
stacks a, b, .. side by side. The derivative of the coefficients from the inputs of b to the outputs
of a sees only the weights from b to a. So at such a point the Jacobian falls apart into one matrix
for each ordered pair, and the ranks add up to a lower bound for the dimension of the wide stack.
(The points at which one pair reaches its rank are dense and open; so are those for all pairs.)

With equal widths C everywhere, one-channel stacks do: every pair has the rank of the one-channel
stack, whose dimension is known exactly. So a dense chain of equal widths has at least C^2 times the
dimension of the one-channel chain.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod
from random import Random

from convalgebra.algebra.dimension.points import PRIME, random_point
from convalgebra.algebra.dimension.ranks import (
    MAX_ENTRIES,
    jacobian_entries,
    jacobian_rank,
    rank_of,
    rank_work,
)
from convalgebra.algebra.families import Family
from convalgebra.algebra.one_channel.dimension import dimension as chain_dimension
from convalgebra.algebra.plan import Plan, Step


def can_be_split(plan: Plan) -> bool:
    """Whether direct sums of narrow plans are members: of dense, depthwise, fixed layers, sums."""
    return all(
        step.op in ("input", "add")
        or (
            step.op in ("conv", "convt")
            and (step.groups == 1 or step.groups == step.channels[0] == step.channels[1])
        )
        for step in plan.steps
    )


def spread(plan: Plan, count: int) -> list[tuple[Plan, int]]:
    """A plan as `count` narrow ones side by side, as equal as possible: (plan, how many).

    >>> from convalgebra.algebra.plan import plan_of
    >>> from convalgebra.language import parse
    >>> wide = plan_of(parse("2x2@6, 2x2@4"), channels=4)
    >>> [([step.channels[1] for step in p.steps], times) for p, times in spread(wide, 4)]
    [([1, 2, 1], 2), ([1, 1, 1], 2)]
    """
    return [(with_widths(plan, widths), times) for widths, times in _shares(plan, count)]


Widths = dict[int, int]  # channels of the wide plan -> of a narrow one


def _shares(plan: Plan, count: int) -> list[tuple[Widths, int]]:
    wide = {step.channels[1] for step in plan.steps}
    limits = sorted({0, count, *(channels % count for channels in wide)})
    return [
        ({c: c // count + (low < c % count) for c in wide}, high - low)
        for low, high in pairwise(limits)
    ]


def with_widths(plan: Plan, widths: Widths) -> Plan:
    """A plan of dense and depthwise layers, with other numbers of channels."""
    steps = []
    for step in plan.steps:
        before, after = step.channels
        groups = step.groups
        if step.op == "input":
            channels = (0, widths[after])
        else:
            channels = (widths[before], widths[after])
            groups = widths[after] if groups > 1 or step.taps is not None else 1
        steps.append(step._replace(channels=channels, groups=groups))
    return replace(plan, steps=tuple(steps))


@dataclass(frozen=True)
class DirectSum:
    """A lower bound for the dimension, from `count` narrow stacks of these widths, step by step."""

    value: int
    count: int
    widths: tuple[tuple[tuple[int, ...], int], ...]  # (the channels of every value, how many)
    known: bool = False  # whether the rank of the narrow stack is that of the one-channel theorem


def direct_sum_bound(family: Family, count: int) -> DirectSum:
    """The sum of the ranks over all pairs of `count` narrow stacks.

    >>> from convalgebra.algebra.families import family_of
    >>> from convalgebra.language import parse
    >>> direct_sum_bound(family_of(parse("3x3@4, 3x3@4"), channels=4), 4).value
    272
    """
    plan = family.plan
    shares = _shares(plan, count)
    widths = tuple(
        (tuple(share[step.channels[1]] for step in plan.steps), times) for share, times in shares
    )
    if len(shares) == 1:
        narrow = Family(with_widths(plan, shares[0][0]))
        if _all_pairs_alike(plan):
            if narrow.chain is not None:
                value = chain_dimension(narrow.chain).value
            else:
                value = _rank(narrow)
            return DirectSum(count**2 * value, count, widths, narrow.chain is not None)
    total = 0
    for index, (share, times) in enumerate(shares):
        for other, others in shares[index:]:
            same = share is other
            if same and times == 1:
                total += _rank(Family(with_widths(plan, share)))
                continue
            ranks = _pair_ranks(plan, share, other)
            if same:
                total += times * ranks[0, 0] + times * (times - 1) * ranks[0, 1]
            else:
                total += times * others * (ranks[0, 1] + ranks[1, 0])
    return DirectSum(total, count, widths)


def _all_pairs_alike(plan: Plan) -> bool:
    """Whether equal narrow stacks have the same matrix for every pair, also of one with itself.

    They do when every weight leads from any of them into any other, and no bias is there.
    """
    return all(
        step.op in ("input", "add") or step.taps is not None or (_is_dense(step) and not step.bias)
        for step in plan.steps
    )


def _is_dense(step: Step) -> bool:
    return step.groups == 1


def _rank(family: Family) -> int:
    return jacobian_rank(family, _point(family.plan), PRIME)


def _point(plan: Plan) -> list[int]:
    """A random point with all biases 0."""
    point = list(random_point(plan.weights, PRIME, Random(2)))
    for first, block in plan.blocks.items():
        kernel = plan.steps[first].kernel_weights
        point[block.start + kernel : block.stop] = [0] * (len(block) - kernel)
    return point


def _pair_ranks(plan: Plan, one: Widths, two: Widths) -> dict[tuple[int, int], int]:
    """The ranks of the four parts of the Jacobian of one + two: (to, from) -> rank.

    A bias is counted with its own stack: with all biases 0 it touches no coefficient but constants.
    """
    both = with_widths(plan, {c: one[c] + two[c] for c in one})
    owners = _owners(both, with_widths(plan, one))
    point = [w if a == b else 0 for w, (a, b) in zip(_point(both), owners, strict=True)]
    rows = Family(both).jacobian(point, PRIME)
    return {
        pair: rank_of([row for row, own in zip(rows, owners, strict=True) if own == pair], PRIME)
        for pair in ((0, 0), (0, 1), (1, 0), (1, 1))
    }


def _owners(both: Plan, one: Plan) -> list[tuple[int, int]]:
    """Of every weight of a direct sum, to which stack it leads from which: 0 or 1."""
    found: list[tuple[int, int]] = []
    for first in both.blocks:
        step, own = both.steps[first], one.steps[first]
        width = step.channels[0] // step.groups
        for o in range(step.channels[1]):
            to = int(o >= own.channels[1])
            for i in range(width):
                source = to if step.groups > 1 else int(i >= own.channels[0])
                found += [(to, source)] * prod(step.size)
        if step.bias:
            found += [(int(o >= own.channels[1]),) * 2 for o in range(step.channels[1])]
    return found


def direct_sum_work(family: Family, count: int) -> float:
    """About how many microseconds `direct_sum_bound` takes; infinity where it is too large."""
    plan = family.plan
    shares = _shares(plan, count)
    if len(shares) == 1 and _all_pairs_alike(plan):
        narrow = Family(with_widths(plan, shares[0][0]))
        return 0 if narrow.chain is not None else rank_work(narrow)
    total = 0.0
    for index, (share, _) in enumerate(shares):
        for other, _ in shares[index:]:
            pair = Family(with_widths(plan, {c: share[c] + other[c] for c in share}))
            small, large = sorted((pair.weights, pair.ambient))
            if small * large / 4 > MAX_ENTRIES:
                return float("inf")
            total += 0.7 * jacobian_entries(pair) + 0.2 * pair.work
            total += small * large * (0.1 + small / 4 / 4400) / 4
    return total


MAX_POINT_WORK = 3_000_000


def direct_sum_point(family: Family, rank: int) -> tuple[int, ...] | None:
    """A direct sum of narrow stacks where the Jacobian has that rank mod `PRIME`; None if none.

    >>> from convalgebra.algebra.families import family_of
    >>> from convalgebra.language import parse
    >>> family = family_of(parse("3x3@4, 3x3@4"), channels=4)
    >>> point = direct_sum_point(family, 272)
    >>> point is not None and rank_of(family.jacobian(point, PRIME), PRIME)
    272
    """
    widest = min(step.channels[1] for step in family.plan.steps)
    if 0.7 * jacobian_entries(family) / widest > MAX_POINT_WORK or family.weights > 100_000:
        return None
    random = Random(4)
    for size in (1, 2, 3):
        count = widest // size
        if count < 2:
            return None
        point = random_point(family.weights, PRIME, random)
        owners = _places(family.plan, count)
        point = tuple(w if inside else 0 for w, inside in zip(point, owners, strict=True))
        if rank_of(family.jacobian(point, PRIME), PRIME) == rank:
            return point
    return None


def _places(plan: Plan, count: int) -> list[bool]:
    """Of every weight whether it stays inside one of `count` narrow stacks; of no bias."""
    found: list[bool] = []
    for first in plan.blocks:
        step = plan.steps[first]
        width = step.channels[0] // step.groups
        for o in range(step.channels[1]):
            for i in range(width):
                same = step.groups > 1 or o % count == i % count
                found += [same] * prod(step.size)
        found += [False] * (step.channels[1] if step.bias else 0)
    return found
