"""Stacks whose coefficients are affine in their weights: at most one free layer on every way.

What such a stack makes is an affine space: its coefficients are M w + c. A family lies in it, moved
by a shift, if and only if M w + c = v can be solved for its coefficients v, polynomials in its own
weights; that is, if the coefficients of every monomial of v, those of 1 less c, lie in the span of
the columns of M. Then w is a polynomial in these weights, over the field of M. If not, the members
that do lie in it satisfy linear equations that others do not: a proper algebraic subset.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import prod
from random import Random
from types import MappingProxyType

from convalgebra.algebra.dimension.points import PRIME
from convalgebra.algebra.dimension.ranks import rank_of
from convalgebra.algebra.families import Family
from convalgebra.algebra.operators import CONSTANT
from convalgebra.algebra.plan import Axes, Plan
from convalgebra.algebra.weight_polynomials import Monomial, Polynomial, products_of
from convalgebra.budget import Budget, Exhausted
from convalgebra.interrupts import compiled

BUDGET = 4_000_000  # about as many microseconds, for all shifts and layers that are tried
MAX_ENTRIES = 400_000  # of the system
MAX_LAYERS = 8  # of which one is chosen to hold what is made


def is_affine(plan: Plan) -> bool:
    """Whether no two layers with weights stand one after the other.

    >>> from convalgebra.algebra.plan import plan_of
    >>> from convalgebra.language import parse
    >>> is_affine(plan_of(parse("3x3p1 + 1x1 + id"))), is_affine(plan_of(parse("3x3, 1x1")))
    (True, False)
    """
    depth = [0] * len(plan.steps)
    for index, step in enumerate(plan.steps[1:], 1):
        depth[index] = max(depth[source] for source in step.sources) + (step.weights is not None)
    return depth[-1] <= 1


def affine_filters(
    maker: Family,
    made: Family,
    shift: Axes,
    budget: Budget,
    fixed: Mapping[int, int] = MappingProxyType({}),
) -> tuple[Polynomial, ...] | None:
    """The weights of an affine maker with which it is any member of `made`, moved by the shift.

    None where there are none: then almost no member is made at this shift. With some weights
    `fixed`, so that the coefficients are affine in the others, None proves nothing. Raises
    Exhausted where that is beyond the budget.

    >>> from convalgebra.algebra.families import family_of
    >>> from convalgebra.language import parse
    >>> maker, made = (family_of(parse(text)) for text in ("3p1 + id", "3"))
    >>> [weight.to_list() for weight in affine_filters(maker, made, (-1,), Budget(BUDGET))]
    [[[1, [[0, 1]]]], [[-1, []], [1, [[1, 1]]]], [[1, [[2, 1]]]]]
    """
    from flint import fmpq, fmpq_mat

    free = maker.weights - len(fixed)
    # Where weights are numbers, paths that differ in these alone are one product.
    count = maker.work * (3 + free // 50) if fixed else products_of(maker)
    budget.spend(count, on=f"{count:,} products of weights in {maker.text}")
    own, other = _coefficients(maker, fixed), _made(made, budget)
    places = {place: row for row, place in enumerate(maker.coordinates)}
    monomials: dict[Monomial, int] = {(): 0}
    entries: dict[tuple[int, int], Fraction] = {}
    for place, polynomial in zip(made.coordinates, other, strict=True):
        target = place
        if place.source != CONSTANT:
            moved = tuple(e + t for e, t in zip(place.exponent, shift, strict=True))
            target = place._replace(exponent=moved)
        if target not in places:
            return None
        for monomial, value in polynomial.terms.items():
            column = maker.weights + monomials.setdefault(monomial, len(monomials))
            entries[places[target], column] = Fraction(value)
    for row, polynomial in enumerate(own):
        for monomial, value in polynomial.terms.items():
            column = monomial[0][0] if monomial else maker.weights
            sign = 1 if monomial else -1
            entries[row, column] = entries.get((row, column), Fraction(0)) + sign * value
    width = maker.weights + len(monomials)
    size = len(own) * width
    if size > MAX_ENTRIES:
        raise Exhausted(f"a system of {size:,} entries")
    if fixed and not _can_be_solved(entries, maker.weights, budget):
        return None
    budget.spend(size * min(len(own), free) / 25, on=f"a system of {size:,} entries")
    system = fmpq_mat(len(own), width)
    for at, value in entries.items():
        system[at] = fmpq(value.numerator, value.denominator)
    with compiled():
        solved, rank = system.rref()
    filters = [dict[Monomial, Fraction]() for _ in range(maker.weights)]
    for row in range(rank):
        pivot = next(column for column in range(width) if solved[row, column])
        if pivot >= maker.weights:
            return None
        for monomial, column in monomials.items():
            value = solved[row, maker.weights + column]
            if value:
                filters[pivot][monomial] = Fraction(int(value.p), int(value.q))
    for index, number in fixed.items():
        filters[index] = {(): Fraction(number)} if number else {}
    return tuple(map(Polynomial, filters))


def _can_be_solved(
    entries: Mapping[tuple[int, int], Fraction], unknowns: int, budget: Budget
) -> bool:
    """Whether the right sides, the columns from `unknowns` on, lie in the span mod a prime."""
    left: dict[int, dict[int, int]] = {}
    whole: dict[int, dict[int, int]] = {}
    for (row, column), value in entries.items():
        number = value.numerator * pow(value.denominator, -1, PRIME) % PRIME
        whole.setdefault(row, {})[column] = number
        if column < unknowns:
            left.setdefault(row, {})[column] = number
    count = len(whole) * len({column for _, column in entries})
    budget.spend(count * (0.2 + len(left) / 4400), on=f"a system of {count:,} entries")
    return rank_of(list(left.values()), PRIME) == rank_of(list(whole.values()), PRIME)


def filters_of_one_layer(
    maker: Family, made: Family, shift: Axes, budget: Budget
) -> tuple[Polynomial, ...] | None:
    """Weights of a maker with which it is any member of `made`, all of them in one of its layers.

    The other kernels are single taps, channel by channel, or random; the coefficients are affine in
    the layer that is left, and in the biases of layers that it does not read. None where that does
    not work, which proves nothing.

    >>> from convalgebra.algebra.families import family_of
    >>> from convalgebra.language import parse
    >>> maker, made = (family_of(parse(text)) for text in ("cat(2 | 3), 1@1", "3"))
    >>> [len(weight.terms) for weight in filters_of_one_layer(maker, made, (0,), Budget(BUDGET))]
    [1, 1, 2, 2, 1, 1, 1]
    """
    blocks = maker.plan.blocks
    if len(blocks) > MAX_LAYERS or len(set(blocks)) != sum(
        step.weights is not None for step in maker.plan.steps
    ):
        return None
    random = Random(0)
    for holder in sorted(blocks, key=lambda index: -len(blocks[index])):
        read = maker.plan.read_by(holder)
        for taps in (True, False):
            fixed: dict[int, int] = {}
            for index, block in blocks.items():
                step = maker.plan.steps[index]
                size, width = prod(step.size), step.channels[0] // step.groups
                for number, weight in enumerate(block):
                    o, i, tap = number // (width * size), number // size % width, number % size
                    single = int(tap == 0 and o % width == i and number < step.kernel_weights)
                    fixed[weight] = single if taps else random.randint(-2, 2)
            for index, block in blocks.items():
                if index == holder:
                    kept = 0
                elif index in read:
                    kept = len(block)
                else:
                    kept = maker.plan.steps[index].kernel_weights
                for weight in block[kept:]:
                    del fixed[weight]
            filters = affine_filters(maker, made, shift, budget, fixed)
            if filters is not None:
                return filters
    return None


def _made(family: Family, budget: Budget) -> list[Polynomial]:
    """The coefficients in the weights of the family, the same for all that is tried."""
    if "polynomials" not in family.__dict__:
        count = products_of(family)
        budget.spend(count, on=f"{count:,} products of weights in {family.text}")
    return family.polynomials


def _coefficients(family: Family, fixed: Mapping[int, int]) -> list[Polynomial]:
    point = [
        Polynomial.constant(fixed[index]) if index in fixed else Polynomial.variable(index)
        for index in range(family.weights)
    ]
    return [Polynomial.of(value) for value in family.exact_values(point)]
