"""Upper bounds for the dimension of a family, each with the tree of what proves it.

A leaf bounds a run of steps by the number of its weights, by the coefficients that do not vanish
identically, or by its weights less the dimensions that its linear symmetries span. A run may be
split: the dimension of a composition is at most the sum of both, less the orbit at the seam. All
ways to split a chain are tried, from short runs to long ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Literal

from convalgebra.algebra.dimension.fields import (
    MAX_STEPS,
    Field,
    fields_of,
    fields_work,
    independent_fields,
    written_out,
)
from convalgebra.algebra.dimension.points import PRIME, random_point
from convalgebra.algebra.dimension.ranks import jacobian_rank, rank_work
from convalgebra.algebra.dimension.seams import Seams, is_plain_seam
from convalgebra.algebra.families import Family
from convalgebra.algebra.one_channel.dimension import dimension as chain_dimension
from convalgebra.algebra.plan import Plan, Step
from convalgebra.errors import UnsupportedError
from convalgebra.words import counted

By = Literal["weights", "ambient", "fields", "one channel", "split", "constants", "parts", "copies"]
MAX_CHAIN = 24  # steps; of a longer chain only runs from its start are split
MAX_POINT = 50_000  # weights of a point that is written into a certificate
MAX_NESTED = 200  # steps of a run whose tree is written into a certificate


@dataclass(frozen=True)
class Bound:
    """An upper bound for the dimension of a run of steps, and how it was got.

    `split` has the two runs as `parts` and loses `orbit` at the seam after step `at`; `constants`
    adds the constants to the same run without biases; `parts` adds up runs whose operators, as they
    are, determine the whole.
    """

    value: int
    first: int
    last: int
    by: By
    at: int = 0
    parts: tuple[Bound, ...] = ()
    orbit: int = 0
    count: int = 0  # of constants
    fields: tuple[Field, ...] = field(default=(), repr=False)
    point: tuple[int, ...] | None = field(default=None, repr=False)
    seams: Seams | None = field(default=None, repr=False, compare=False)
    plain: bool = True  # whether certificates have a rule for this step of the tree

    @property
    def can_be_written(self) -> bool:
        """Whether a certificate can hold it: a tree that is nested too deeply cannot be read."""
        short = self.last - self.first < MAX_NESTED
        return self.plain and short and all(part.can_be_written for part in self.parts)

    def to_dict(self) -> dict[str, Any]:
        """The tree as it stands in a certificate."""
        found: dict[str, Any] = {"by": "coordinates" if self.by == "ambient" else self.by}
        if self.by == "fields":
            assert self.point is not None
            found |= {
                "fields": [one.to_list() for one in self.fields],
                "prime": PRIME,
                "point": list(self.point),
                "rank": len(self.fields),
            }
        if self.by == "split":
            assert self.seams is not None
            one, two = self.parts
            found |= {"at": self.at, "first": one.to_dict(), "second": two.to_dict()}
            found |= {"prime": PRIME, "point": list(self.seams.run_point(self.first, self.last))}
        return found

    def sentence(self) -> str:
        """The bound in words."""
        if self.by == "weights":
            return counted(self.value, "weight")
        if self.by == "ambient":
            return counted(self.value, "coefficient")
        if self.by == "fields":
            idle = len(self.fields)
            changes = "changes" if idle == 1 else "change"
            return (
                f"{counted(self.value + idle, 'weight')} less {counted(idle, 'direction')} that "
                f"{changes} nothing"
            )
        if self.by == "one channel":
            return f"{self.value:,} of a one-channel chain"
        if self.by == "copies":
            return f"{self.count:,} times ({self.parts[0].sentence()})"
        leaves, orbit, constants = self._flat()
        weights = sum(leaf.value for leaf in leaves if leaf.by == "weights")
        texts = [counted(weights, "weight")] if weights else []
        texts += [
            f"{leaf.sentence()} of {_layers(leaf)}" for leaf in leaves if leaf.by != "weights"
        ]
        if constants:
            texts.append(counted(constants, "constant"))
        less = f", less {counted(orbit, 'symmetry')} between them" if orbit else ""
        return " and ".join(texts) + less

    def _flat(self) -> tuple[list[Bound], int, int]:
        """Its leaves, all that is lost at seams, and all constants."""
        leaves, orbit, constants = [], 0, 0
        waiting = [self]
        while waiting:
            bound = waiting.pop()
            orbit, constants = orbit + bound.orbit, constants + bound.count
            if bound.parts:
                waiting += reversed(bound.parts)
            else:
                leaves.append(bound)
        return leaves, orbit, constants


def _layers(bound: Bound) -> str:
    if bound.first == bound.last:
        return f"step {bound.first}"
    return f"steps {bound.first} to {bound.last}"


def upper_bound(family: Family, lower: int = 0, *, fields: bool = True) -> Bound:
    """The least upper bound found; the search stops at `lower`, which it cannot beat.

    >>> from convalgebra.algebra.families import family_of
    >>> from convalgebra.language import parse
    >>> bound = upper_bound(family_of(parse("3x3@8, 3x3@1, 3x3@1")))
    >>> bound.value, bound.sentence()
    (33, '9 weights and 25 coefficients of steps 1 to 2, less 1 symmetry between them')
    """
    return _Search(family).best(lower, fields)


class _Search:
    """The bounds of all runs of one family."""

    def __init__(self, family: Family) -> None:
        self.family, self.plan = family, family.plan
        self.symmetries = _Fields()

    def best(self, lower: int, fields: bool) -> Bound:
        """The least bound for the whole."""
        last = len(self.plan.steps) - 1
        found = [Bound(self.family.weights, 1, last, "weights")]
        found += _ambient(self.family, 1, last)
        if self.plan.is_chain:
            found.append(_Chain(self.plan, self.symmetries).best(lower, fields))
            if any(step.bias for step in self.plan.steps):
                found += self.constants(lower, fields)
        else:
            if fields and min(bound.value for bound in found) > lower:
                found += self.symmetries.bounds(self.family, 1, last)
            if min(bound.value for bound in found) > lower:
                found += self.segments(lower, fields)
        return min(found, key=_rank_of_proof)

    def constants(self, lower: int, fields: bool) -> list[Bound]:
        """The kernels do not depend on biases: those of the stack without, and all constants."""
        last = len(self.plan.steps) - 1
        count = self.family.constants
        bare = replace(
            self.plan, steps=tuple(step._replace(bias=False) for step in self.plan.steps)
        )
        kernels = Family(bare)
        inner = min(
            [
                _Chain(bare, self.symmetries).best(lower - count, fields),
                *_ambient(kernels, 1, last),
            ],
            key=_rank_of_proof,
        )
        value = inner.value + count
        return [Bound(value, 1, last, "constants", parts=(inner,), count=count, plain=False)]

    def segments(self, lower: int, fields: bool) -> list[Bound]:
        """Runs in which each step reads only the one before and is read only by the next.

        The whole is a function of the operators that these runs are.
        """
        last = len(self.plan.steps) - 1
        runs = _segments(self.plan)
        if len(runs) == len(self.plan.steps) - 1:
            return []
        parts = []
        for first, end in runs:
            run = self.plan.run(first, end)
            if run.weights:
                best = upper_bound(Family(run), 0, fields=fields)
                parts.append(_moved(best, first - 1))
        shared = self.plan.weights - sum(
            sum(len(self.plan.blocks[i]) for i in range(a, b + 1) if i in self.plan.blocks)
            for a, b in runs
        )
        value = sum(part.value for part in parts) + shared
        return [Bound(value, 1, last, "parts", parts=tuple(parts), plain=False)]


def _rank_of_proof(bound: Bound) -> tuple[int, bool, int]:
    kinds = ("weights", "ambient", "one channel", "split", "fields", "constants", "parts", "copies")
    return bound.value, not bound.can_be_written, kinds.index(bound.by)


def _moved(bound: Bound, by: int) -> Bound:
    return replace(
        bound,
        first=bound.first + by,
        last=bound.last + by,
        at=bound.at + by,
        parts=tuple(_moved(part, by) for part in bound.parts),
    )


def _segments(plan: Plan) -> list[tuple[int, int]]:
    """First and last steps of maximal runs that are chains; shared weights stay outside."""
    readers: dict[int, int] = {}
    uses: dict[int, int] = {}
    for step in plan.steps:
        for source in step.sources:
            readers[source] = readers.get(source, 0) + 1
        if step.weights is not None:
            uses[step.weights] = uses.get(step.weights, 0) + 1
    found: list[tuple[int, int]] = []
    for index, step in enumerate(plan.steps):
        if index == 0 or len(step.sources) != 1:
            continue
        if step.weights is not None and uses[step.weights] > 1:
            continue
        joined = found and found[-1][1] == index - 1 == step.sources[0] and readers[index - 1] == 1
        if joined:
            found[-1] = (found[-1][0], index)
        else:
            found.append((index, index))
    return found


def _ambient(family: Family, first: int, last: int) -> list[Bound]:
    try:
        return [Bound(family.ambient, first, last, "ambient")]
    except UnsupportedError:
        return []


class _Fields:
    """Bounds by linear symmetries, as long as there is work left."""

    def __init__(self) -> None:
        self.left = MAX_STEPS

    def bounds(self, family: Family, first: int, last: int) -> list[Bound]:
        """The weights less what the fields span; nothing where that is too much work."""
        terms = written_out(family)
        if terms is None:
            return []
        work = fields_work(terms, family.weights)
        if work > self.left:
            return []
        self.left -= work
        found = fields_of(terms, family.weights)
        if not found:
            return []
        point = random_point(family.weights, PRIME, Random(3))
        chosen = independent_fields(found, point)
        value = family.weights - len(chosen)
        return [Bound(value, first, last, "fields", fields=chosen, point=point)]


class _Chain:
    """The bounds of all runs of a chain."""

    def __init__(self, plan: Plan, symmetries: _Fields) -> None:
        self.plan, self.symmetries = plan, symmetries
        self.last = len(plan.steps) - 1
        self.seams = Seams(plan)
        self.leaves: dict[tuple[int, int], list[Bound]] = {}
        self.too_large: list[tuple[int, int]] = []  # runs; longer ones are too
        self.families: dict[tuple[Step, ...], Family] = {}  # deep chains repeat themselves
        self.ranks: dict[tuple[Step, ...], int] = {}
        self.found_fields: dict[tuple[Step, ...], list[Bound]] = {}

    def family(self, first: int, last: int) -> Family:
        run = self.plan.run(first, last)
        return self.families.setdefault(run.steps, Family(run))

    def by_fields(self, first: int, last: int) -> list[Bound]:
        """The bounds by symmetries of a run."""
        family = self.family(first, last)
        steps = family.plan.steps
        if steps not in self.found_fields:
            self.found_fields[steps] = self.symmetries.bounds(family, 1, last - first + 1)
        return [_moved(bound, first - 1) for bound in self.found_fields[steps]]

    def best(self, lower: int, fields: bool) -> Bound:
        """The least bound for the whole chain."""
        table = self.table()
        if not fields or table[1, self.last].value <= lower:
            return table[1, self.last]
        for first, last in sorted(table, key=lambda run: run[1] - run[0]):
            if last > first and self.helps(table, first, last):
                self.leaves[first, last] += self.by_fields(first, last)
                if min(bound.value for bound in self.leaves[first, last]) < (
                    table[first, last].value
                ):
                    table = self.table()
                    if table[1, self.last].value <= lower:
                        break
        return table[1, self.last]

    def helps(self, table: Mapping[tuple[int, int], Bound], first: int, last: int) -> bool:
        """Whether the bound of a run is not known to be its dimension."""
        family = self.family(first, last)
        if family.chain is not None or rank_work(family) > 200_000:
            return False
        steps = family.plan.steps
        if steps not in self.ranks:
            point = self.seams.run_point(first, last)
            self.ranks[steps] = jacobian_rank(family, point, PRIME)
        return self.ranks[steps] < table[first, last].value

    def table(self) -> dict[tuple[int, int], Bound]:
        """The least bound of every run, from short to long."""
        found: dict[tuple[int, int], Bound] = {}
        long = self.last > MAX_CHAIN
        for length in range(1, self.last + 1):
            for first in range(1, 2 if long and length > 1 else self.last - length + 2):
                last = first + length - 1
                choices = list(self.leaf(first, last))
                ends = (last - 1,) if long else range(first, last)
                for at in ends:
                    if at >= first:
                        choices.append(self.split(found, first, at, last))
                found[first, last] = min(choices, key=_rank_of_proof)
        return found

    def leaf(self, first: int, last: int) -> list[Bound]:
        if (first, last) not in self.leaves:
            weights = sum(
                len(self.plan.blocks[i]) for i in range(first, last + 1) if i in self.plan.blocks
            )
            found = [Bound(weights, first, last, "weights")]
            if weights and last - first < MAX_CHAIN:  # to list more coefficients would take long
                family = self.family(first, last)
                if not any(first <= a and b <= last for a, b in self.too_large):
                    ambient = _ambient(family, first, last)
                    found += ambient
                    if not ambient:
                        self.too_large.append((first, last))
                if family.chain is not None:
                    value = chain_dimension(family.chain, check=False).value  # of every run
                    found.append(Bound(value, first, last, "one channel", plain=False))
            self.leaves[first, last] = found
        return self.leaves[first, last]

    def split(
        self, found: Mapping[tuple[int, int], Bound], first: int, at: int, last: int
    ) -> Bound:
        one, two = found[first, at], found[at + 1, last]
        orbit = self.seams.orbit(first, at, last)
        plain = is_plain_seam(self.plan, at) and self.plan.weights <= MAX_POINT
        value = one.value + two.value - orbit
        return Bound(
            value, first, last, "split", at, (one, two), orbit, plain=plain, seams=self.seams
        )
