"""Where the channels between two runs of a chain can be changed into others: seams.

A run of steps is a linear operator. Between a first run x and a second y with h channels between
them, an invertible matrix M may act as `x -> M x`, `y -> y M^-1`: the product stays the same. It
must turn members of either run into members. The step before the seam has free weights W, and
`M W` are free weights again if M mixes only channels of one group (then W's zeros stay where they
are); likewise after the seam. So M consists of blocks: channels a, b are in one block iff they lie
in one group on either side. Fixed kernels are the same for every channel, so that M passes through
them, and a shuffle only renumbers the channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from random import Random

from convalgebra.algebra.dimension.direct_sums import can_be_split, spread
from convalgebra.algebra.dimension.points import PRIME, random_point
from convalgebra.algebra.dimension.ranks import rank_of
from convalgebra.algebra.operators import CONSTANT, Evaluation, grid_of, work_of
from convalgebra.algebra.plan import Plan, Step

Blocks = tuple[tuple[int, ...], ...]  # the channels of a seam, block by block

# Multiplications to see how many rows are independent: in one run, and in all together.
MAX_EVALUATION = 400_000
MAX_EVALUATIONS = 3_000_000
MAX_RUN = 200  # layers of a run that is gone through for one seam


def blocks_at(plan: Plan, at: int) -> Blocks:
    """The blocks of the seam after step `at` of a chain; none where no matrix may act.

    >>> from convalgebra.algebra.plan import plan_of
    >>> from convalgebra.language import parse
    >>> blocks_at(plan_of(parse("2x2@4, 2x2@4g2"), channels=4), 1)
    ((0, 1), (2, 3))
    """
    before = plan.steps[at]
    if not _is_free(before):
        return ()
    # What each channel is called when it comes to the next step with weights.
    names = list(range(before.channels[1]))
    for step in plan.steps[at + 1 :]:
        if _is_free(step):
            out = before.channels[1] // before.groups
            width = step.channels[0] // step.groups
            blocks: dict[tuple[int, int], list[int]] = {}
            for place, channel in enumerate(names):
                blocks.setdefault((channel // out, place // width), []).append(channel)
            return tuple(tuple(sorted(block)) for block in sorted(blocks.values()))
        if step.op == "pick" and sorted(step.picked) == list(range(len(names))):
            names = [names[place] for place in step.picked]
        elif step.taps is None:
            return ()
    return ()


def _is_free(step: Step) -> bool:
    return step.op in ("conv", "convt") and step.weights is not None


def is_plain_seam(plan: Plan, at: int) -> bool:
    """Whether both steps at a seam have free weights: nothing fixed or shuffled comes between."""
    return _is_free(plan.steps[at]) and _is_free(plan.steps[at + 1])


class Seams:
    """The orbits at the seams of a chain, at one point."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.blocks = [blocks_at(plan, at) for at in range(len(plan.steps))]
        self.ranks: dict[tuple[int, int, int], tuple[int, ...]] = {}
        self.left = MAX_EVALUATIONS

    def orbit(self, first: int, at: int, last: int) -> int:
        """The dimensions of the orbit of the matrices at the seam after `at`, between two runs.

        A block of h channels has h^2 entries. An M = 1 + N leaves x and y as they are iff N x = 0
        and y N = 0 (to first order): N is 0 on the r1 dimensions that x reaches and goes into the
        h - r2 dimensions that y does not see. That leaves `(h - r1) (h - r2)` dimensions of M with
        no effect. The orbit is largest at generic x and y, so r1 and r2 may come from any point,
        and from lower bounds.
        """
        blocks = self.blocks[at]
        if not any(map(_is_free, self.plan.steps[at + 1 : last + 1])):
            return 0  # the second run is fixed: no matrix turns it into another member
        if not blocks:
            return 0
        rows, columns = self.rows(first, at, at), self.rows(at + 1, last, at)
        return sum(
            len(block) ** 2 - (len(block) - r1) * (len(block) - r2)
            for block, r1, r2 in zip(blocks, rows, columns, strict=True)
        )

    def rows(self, first: int, last: int, at: int) -> tuple[int, ...]:
        """How many channels of each block at the seam a run reaches (or sees), independently."""
        key = (first, last, at)
        if key not in self.ranks:
            self.ranks[key] = self._ranks(first, last, at)
        return self.ranks[key]

    def _ranks(self, first: int, last: int, at: int) -> tuple[int, ...]:
        blocks = self.blocks[at]
        sizes = tuple(map(len, blocks))
        if sizes == (1,) * len(sizes):
            return sizes  # with all weights 1 nothing cancels, and no row is 0
        outward = last == at
        if first == last:
            step = self.plan.steps[first]
            side = step.channels[0] if outward else step.channels[1]
            most = side // step.groups * prod(step.size)
            return tuple(min(size, most) for size in sizes)
        if all(step.op == "conv" for step in self.plan.steps[first : last + 1]) and (
            self.never_grows(first, last, outward=outward)
        ):
            return sizes
        if last - first > MAX_RUN:
            return (0,) * len(blocks)
        run = self.plan.run(first, last)
        grid = grid_of(run)
        work = sum(work_of(grid, index) for index in range(1, len(run.steps)))
        if work <= min(MAX_EVALUATION, self.left):
            self.left -= work
            return self._evaluated(run, first, at, last)
        if len(blocks) == 1 and can_be_split(run):
            return (self._summed(run, outward),)
        return (0,) * len(blocks)

    def never_grows(self, first: int, last: int, *, outward: bool) -> bool:
        """Whether no layer of a run, from its far end to the seam, has more channels at the seam.

        Convolutions of one tap with independent rows then keep rows independent: nothing is lost.
        """
        steps = self.plan.steps[first : last + 1]
        far_end = 0 if outward else len(steps) - 1
        for index, step in enumerate(steps):
            if step.weights is None:
                continue  # the same factor for all channels
            before, after = (width // step.groups for width in step.channels)
            far, near = (before, after) if outward else (after, before)
            if near > far * (prod(step.size) if index == far_end else 1):
                return False
        return True

    def run_point(self, first: int, last: int) -> tuple[int, ...]:
        """The point on the weights of a run: random, the same for a step in whichever run."""
        found: tuple[int, ...] = ()
        for index in range(first, last + 1):
            if index in self.plan.blocks:
                count = len(self.plan.blocks[index])
                found += random_point(count, PRIME, Random(index))
        return found

    def _evaluated(self, run: Plan, first: int, at: int, last: int) -> tuple[int, ...]:
        vectors = channel_vectors(run, self.run_point(first, last), outward=last == at)
        return tuple(rank_of([vectors[c] for c in block], PRIME) for block in self.blocks[at])

    def _summed(self, run: Plan, outward: bool) -> int:
        """The rank at a direct sum of small runs: the sum of theirs."""
        count = min(step.channels[1] for step in run.steps)
        total = 0
        for small, times in spread(run, count):
            if small.channels[outward] == 1:
                total += times
                continue
            grid = grid_of(small)
            work = sum(work_of(grid, index) for index in range(1, len(small.steps)))
            if work <= self.left:
                self.left -= work
                point = random_point(small.weights, PRIME, Random(1))
                total += times * rank_of(channel_vectors(small, point, outward=outward), PRIME)
        return total


def channel_vectors(
    plan: Plan, point: Sequence[int], *, outward: bool
) -> list[dict[tuple[int, ...], int]]:
    """Of each channel that goes out (or comes in) all coefficients of the operator, mod `PRIME`."""
    grid = grid_of(plan)
    rows = Evaluation(grid, point, PRIME).output()
    count = plan.channels[1] if outward else plan.channels[0]
    found: list[dict[tuple[int, ...], int]] = [{} for _ in range(count)]
    for out, phases in enumerate(rows):
        for phase, row in enumerate(phases):
            for key, value in row.items():
                if outward:
                    found[out][phase, key] = value
                elif key != CONSTANT:
                    source, place = divmod(key, grid.places)
                    found[source][out, phase, place] = value
    return found
