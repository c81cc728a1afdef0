"""The dimension of what a family can be, with what proves it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import lcm, log2, prod
from random import Random
from typing import Any

from convalgebra.algebra.dimension.bounds import MAX_POINT, Bound, upper_bound
from convalgebra.algebra.dimension.direct_sums import (
    DirectSum,
    can_be_split,
    direct_sum_bound,
    direct_sum_point,
    direct_sum_work,
)
from convalgebra.algebra.dimension.points import PRIME, PRIMES, random_point, random_prime
from convalgebra.algebra.dimension.ranks import jacobian_rank, rank_work
from convalgebra.algebra.dimension.redundant import copies_in, one_copy, without_held_branches
from convalgebra.algebra.families import Family
from convalgebra.algebra.one_channel.dimension import dimension as chain_dimension
from convalgebra.algebra.plan import Plan
from convalgebra.errors import Defect, UnsupportedError
from convalgebra.words import counted

DEFAULT_BUDGET = 3_000_000  # units of work, about a microsecond each
MAX_TRIES = 3
MAX_CLAIM_WORK = 5_000_000  # to find the evidence of a certificate
MAX_CLAIM_ENTRIES = 400_000  # of a Jacobian that a reader has to eliminate


@dataclass(frozen=True)
class Dimension:
    """The dimension of the image of a family: proved to be `value`, or between two bounds.

    `value` is the dimension if `proved`, else the greatest lower bound. `ambient` is the number of
    coefficients that do not vanish identically, None where they are too many to count. `method`
    says how the lower bound was got: "kernel", "one channel", "rank",
    "direct sum", "copies" or "none".
    `bound` is the upper bound with its tree. `error` is, where the bounds do not meet, an upper
    bound for the chance that the lower one is too small, if the points were drawn at random;
    None where there is none. `estimate` is a guess by weights and symmetries alone, where no rank
    could be taken.
    """

    value: int
    lower: int
    upper: int
    weights: int
    ambient: int | None
    method: str
    bound: Bound
    error: Fraction | None
    estimate: int | None
    reason: str
    prime: int = PRIME
    point: tuple[int, ...] | None = field(default=None, repr=False)
    family: Family | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        most = self.weights if self.ambient is None else min(self.weights, self.ambient)
        if not 0 <= self.lower <= self.value <= self.upper <= most:
            text = self.family.text if self.family else "a stack"
            raise Defect(
                f"the dimension of {text} is bounded by {self.lower:,} and {self.upper:,}, said to "
                f"be {self.value:,}, and at most {most:,} by weights and coefficients"
            )

    @property
    def proved(self) -> bool:
        """Whether the bounds meet."""
        return self.lower == self.upper

    def claims(self, side: str) -> list[dict[str, Any]]:
        """The evidence for a certificate: a rank and a bound, as far as they can be written."""
        return list(_claims(self, side))


def dimension(family: Family, *, budget: int = DEFAULT_BUDGET) -> Dimension:
    """The dimension of the closure of the set of operators that a family can be.

    >>> from convalgebra.algebra.families import family_of
    >>> from convalgebra.language import parse
    >>> found = dimension(family_of(parse("3x3@512, 3x3@512"), channels=512))
    >>> found.value == 17 * 512**2, found.proved
    (True, True)

    It is the generic rank of the Jacobian. Lower bounds are ranks at a point mod a prime; upper
    bounds come from `bounds`. `budget` limits the work, counted before it is done.
    """
    if family.chain is not None:
        return _of_chain(family)
    if family.is_kernel or family.weights == 0:
        return _of_kernel(family)
    plan = without_held_branches(family.plan)
    if plan != family.plan and family.step is None:
        found = dimension(Family(plan), budget=budget)
        return replace(
            found,
            weights=family.weights,
            bound=replace(found.bound, plain=False),
            point=None,
            family=family,
            reason=f"a dense layer of the sum holds what stands beside it; {found.reason}",
        )
    return _Search(family, budget).run()


def _of_kernel(family: Family) -> Dimension:
    count = family.weights
    bound = Bound(count, 1, len(family.plan.steps) - 1, "weights")
    reason = "the coefficients are the weights" if count else "there are no weights"
    return Dimension(
        count, count, count, count, count or family.ambient, "kernel", bound, None, None, reason,
        family=family,
    )  # fmt: skip


def _of_chain(family: Family) -> Dimension:
    assert family.chain is not None
    value = chain_dimension(family.chain).value
    last = len(family.plan.steps) - 1
    bound = Bound(value, 1, last, "one channel", plain=False)
    idle = family.weights - value
    layers = sum(factor.free for factor in family.chain.factors)
    reason = (
        f"one channel: {counted(family.weights, 'weight')}"
        + (f", and {counted(idle, 'scale')} between the layers without effect" if idle else "")
        + ("; generic filters have finitely many other factorizations" if layers > 1 else "")
    )
    return Dimension(
        value, value, value, family.weights, family.ambient, "one channel", bound, None, None,
        reason, family=family,
    )  # fmt: skip


class _Search:
    """Lower and upper bounds that come closer while there is budget."""

    def __init__(self, family: Family, budget: int) -> None:
        self.family, self.left = family, float(budget)
        self.lower, self.method = 0, "none"
        self.point: tuple[int, ...] | None = None
        self.prime = PRIME
        self.sum: DirectSum | None = None
        self.tries = 0
        self.error: Fraction | None = None
        self.copied = 1
        self.one_error: Fraction | None = None
        self.bound = upper_bound(family, fields=False)

    def copies(self) -> None:
        """Equal stacks side by side: so many times one of them."""
        count = copies_in(self.family.plan)
        if count == 1:
            return
        one = dimension(Family(one_copy(self.family.plan, count)), budget=int(self.left / 2))
        self.left /= 2
        self.lower, self.method, self.copied = count * one.lower, "copies", count
        if count * one.upper < self.bound.value:
            last = len(self.family.plan.steps) - 1
            self.bound = Bound(
                count * one.upper, 1, last, "copies", parts=(one.bound,), count=count, plain=False
            )
        self.one_error = one.error

    def run(self) -> Dimension:
        self.copies()
        if can_be_split(self.family.plan):
            self.direct_sums()
        work = self.work()
        if self.lower < self.bound.value and work <= self.left:
            self.try_point(work, first=True)
        if self.lower < self.bound.value:
            self.bound = min(
                self.bound, upper_bound(self.family, self.lower), key=lambda bound: bound.value
            )
        while self.lower < self.bound.value and 0 < self.tries < MAX_TRIES and work <= self.left:
            self.try_point(work, first=False)
        return self.found()

    def work(self) -> float:
        """About what a rank at a random point costs."""
        try:
            return rank_work(self.family)
        except UnsupportedError:
            return float("inf")

    def direct_sums(self) -> None:
        """Direct sums of narrow stacks, the narrowest first: a quarter of the budget."""
        widest = min(step.channels[1] for step in self.family.plan.steps)
        limit = self.left / 2
        for count in _counts(widest):
            if self.lower == self.bound.value:
                return
            work = direct_sum_work(self.family, count)
            if work > limit:
                return
            limit -= work
            self.left -= work
            found = direct_sum_bound(self.family, count)
            if found.value > self.lower:
                self.lower, self.method, self.sum = found.value, "direct sum", found

    def try_point(self, work: float, *, first: bool) -> None:
        """The rank at a random point: the first mod the largest prime below 2^31."""
        random = Random(self.tries)
        prime = PRIME if first else random_prime(random)
        point = random_point(self.family.weights, prime, random)
        rank = jacobian_rank(self.family, point, prime)
        self.left -= work
        self.tries += 1
        chance = min(Fraction(1), error_probability(self.family.plan, self.bound.value))
        self.error = chance if self.error is None else self.error * chance
        if rank > self.lower or (rank == self.lower and self.method != "rank"):
            self.lower, self.method = rank, "rank"
            self.point, self.prime, self.sum = point, prime, None

    def found(self) -> Dimension:
        lower, upper = self.lower, self.bound.value
        try:
            ambient: int | None = self.family.ambient
        except UnsupportedError:
            ambient = None
        proved = lower == upper
        if self.method == "copies":
            self.error = self.one_error
        estimate = None
        if not proved and not self.tries and _is_dense_chain(self.family.plan):
            estimate = upper
        return Dimension(
            lower,
            lower,
            upper,
            self.family.weights,
            ambient,
            self.method,
            self.bound,
            None if proved else self.error,
            estimate,
            self.reason(proved, estimate),
            self.prime,
            self.point,
            self.family,
        )

    def reason(self, proved: bool, estimate: int | None) -> str:
        above = f"at most {self.bound.value:,}: {self.bound.sentence()}"
        if self.method == "rank":
            below = (
                f"at least {self.lower:,}, the rank of the Jacobian at a random point mod "
                f"{self.prime}"
            )
        elif self.method == "copies":
            below = (
                f"at least {self.lower:,}: {self.copied} equal stacks side by side, of "
                f"{self.lower // self.copied:,} each"
            )
        elif self.sum is not None:
            below = (
                f"at least {self.lower:,}, the rank of the Jacobian at a direct sum of "
                f"{self.sum.count:,} narrow stacks"
            )
        else:
            below = "no lower bound: the rank of the Jacobian is beyond the budget"
        if proved:
            return f"{below}; {above}"
        text = f"{below}; {above}; not proved to be either"
        if self.error is not None and self.error < 1:
            tries = counted(self.tries, "point")
            text += (
                f" (a larger rank was missed at {tries} with a chance below "
                f"{_power_of_ten(self.error)})"
            )
        if estimate is not None:
            text += f"; {estimate:,} is an estimate by weights and symmetries alone"
        return text


def _counts(widest: int) -> Iterator[int]:
    """How many narrow stacks are tried: the widest first."""
    done = set()
    for size in (1, 2, 3, 4, 5, 6, 8, 10, 12, 17, 24, 32):
        for count in (widest // size,):
            if count > 1 and count not in done:
                done.add(count)
                yield count


def _is_dense_chain(plan: Plan) -> bool:
    return plan.is_chain and all(
        step.op == "input" or (step.op == "conv" and step.groups == 1 and not step.bias)
        for step in plan.steps
    )


def error_probability(plan: Plan, rank: int) -> Fraction:
    """A bound for the chance that the rank at a random point is not the generic one, up to `rank`.

    A minor of size r is a polynomial of degree at most r (L - 1) in the weights, L layers in
    sequence; at random residues, 0 left out, it is 0 with a chance of at most `r (L - 1) / (p - 1)`
    (Schwartz, Zippel). And the prime, drawn at random from those between 2^30 and 2^31, may divide
    all its coefficients: the sum of their sizes is below `(r T)^r`, T the number of paths to one
    coefficient, so at most `r log2(r T) / 30` primes do, of more than 5 * 10^7.
    """
    layers, paths = _degree_and_paths(plan)
    minor = Fraction(rank * max(0, layers - 1), 2**30)
    primes = Fraction(int(rank * (log2(max(rank, 2)) + paths) / 30) + 1, PRIMES)
    return minor + primes


def _degree_and_paths(plan: Plan) -> tuple[int, float]:
    """The layers with weights in sequence, at most; and the logarithm of the number of paths."""
    depth, paths = [0] * len(plan.steps), [0.0] * len(plan.steps)
    for index, step in enumerate(plan.steps[1:], 1):
        depth[index] = max(depth[source] for source in step.sources)
        paths[index] = max(paths[source] for source in step.sources)
        if step.op == "add":
            paths[index] += log2(len(step.sources))
        if step.weights is not None:
            depth[index] += 1
            fan_in = step.kernel_weights // step.channels[1] + 1
            paths[index] += log2(fan_in + 1)
        elif step.taps is not None:
            scale = lcm(*(tap.denominator for tap in step.taps))
            paths[index] += log2(int(sum(step.taps) * scale) + 1)
    return depth[-1], paths[-1]


def _power_of_ten(chance: Fraction) -> str:
    """The least power of ten that is no less, as text.

    >>> _power_of_ten(Fraction(3, 10**7))
    '10^-6'
    """
    power = 0
    while chance * 10 ** (power + 1) <= 1:
        power += 1
    return f"10^-{power}" if power else "1"


def _claims(found: Dimension, side: str) -> Iterator[dict[str, Any]]:
    family = found.family
    assert family is not None
    if family.weights > MAX_POINT or family.weights == 0:
        return
    evidence = _rank_evidence(found, family)
    if evidence is not None and not family.is_kernel:  # the weights of a kernel are free
        rank, prime, point = evidence
        yield {"claim": "rank", "stack": side, "prime": prime, "point": list(point), "rank": rank}
    bound = found.bound
    if not bound.can_be_written:
        bound = upper_bound(family, found.upper)
    if bound.can_be_written:
        tree = bound.to_dict()
        yield {"claim": "bound", "stack": side, "bound": bound.value, "tree": tree}


def _products_of_a_chain(family: Family) -> int:
    """The products of what stands before a layer and after it, over the layers of one channel."""
    if family.chain is None:
        return 0
    whole = [high - low for low, high in family.grid.spans[-1]]
    found = 0
    for span in family.grid.spans[:-1]:
        before = [high - low for low, high in span]
        found += prod((b + 1) * (w - b + 1) for b, w in zip(before, whole, strict=True))
    return found


def _rank_evidence(found: Dimension, family: Family) -> tuple[int, int, tuple[int, ...]] | None:
    """A rank with its prime and point; sparse points where they do, they are checked faster."""
    if found.method == "none":
        return None
    if found.method == "kernel":
        return found.value, PRIME, (0,) * family.weights
    if found.point is not None:
        return found.lower, found.prime, found.point
    if found.method == "direct sum":
        point = direct_sum_point(family, found.lower)
        if point is not None:
            return found.lower, PRIME, point
    if rank_work(family) > MAX_CLAIM_WORK or _products_of_a_chain(family) > MAX_CLAIM_WORK:
        return None
    if family.ambient * family.weights > MAX_CLAIM_ENTRIES:
        return None
    point = random_point(family.weights, PRIME, Random(0))
    return jacobian_rank(family, point, PRIME), PRIME, point
