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

from convalgebra.algebra.families import Family
from convalgebra.algebra.operators import CONSTANT
from convalgebra.algebra.plan import Axes, Plan
from convalgebra.algebra.weight_polynomials import Monomial, Polynomial

MAX_ENTRIES = 400_000  # of the system
MAX_WORK = 100_000  # products of weights
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
    maker: Family, made: Family, shift: Axes, fixed: Mapping[int, int] = MappingProxyType({})
) -> tuple[Polynomial, ...] | None:
    """The weights of an affine maker with which it is any member of `made`, moved by the shift.

    None where there are none: then almost no member is made at this shift. With some weights
    `fixed`, so that the coefficients are affine in the others, None proves nothing. Raises
    OverflowError where the system is too large.

    >>> from convalgebra.algebra.families import family_of
    >>> from convalgebra.language import parse
    >>> maker, made = (family_of(parse(text)) for text in ("3p1 + id", "3"))
    >>> [weight.to_list() for weight in affine_filters(maker, made, (-1,))]
    [[[1, [[0, 1]]]], [[-1, []], [1, [[1, 1]]]], [[1, [[2, 1]]]]]
    """
    from flint import fmpq, fmpq_mat

    if max(maker.work, made.work) > MAX_WORK:
        raise OverflowError
    own, other = _coefficients(maker, fixed), _coefficients(made, {})
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
    if len(own) * width > MAX_ENTRIES:
        raise OverflowError
    system = fmpq_mat(len(own), width)
    for at, value in entries.items():
        system[at] = fmpq(value.numerator, value.denominator)
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


def filters_of_one_layer(maker: Family, made: Family, shift: Axes) -> tuple[Polynomial, ...] | None:
    """Weights of a maker with which it is any member of `made`, all of them in one of its layers.

    The other kernels are single taps, channel by channel, or random; the coefficients are affine in
    the layer that is left, and in the biases of layers that it does not read. None where that does
    not work, which proves nothing.

    >>> from convalgebra.algebra.families import family_of
    >>> from convalgebra.language import parse
    >>> maker, made = (family_of(parse(text)) for text in ("cat(2 | 3), 1@1", "3"))
    >>> [len(weight.terms) for weight in filters_of_one_layer(maker, made, (0,))]
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
            filters = affine_filters(maker, made, shift, fixed)
            if filters is not None:
                return filters
    return None


def _coefficients(family: Family, fixed: Mapping[int, int]) -> list[Polynomial]:
    point = [
        Polynomial.constant(fixed[index]) if index in fixed else Polynomial.variable(index)
        for index in range(family.weights)
    ]
    return [Polynomial.of(value) for value in family.exact_values(point)]
