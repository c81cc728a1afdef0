"""Stacks whose coefficients are affine in their weights: at most one free layer on every way.

What such a stack makes is an affine space: its coefficients are M w + c. A family lies in it, moved
by a shift, if and only if M w + c = v can be solved for its coefficients v, polynomials in its own
weights; that is, if the coefficients of every monomial of v, those of 1 less c, lie in the span of
the columns of M. Then w is a polynomial in these weights, over the field of M. If not, the members
that do lie in it satisfy linear equations that others do not: a proper algebraic subset.
"""

from __future__ import annotations

from fractions import Fraction

from convalgebra.algebra.families import Family
from convalgebra.algebra.operators import CONSTANT
from convalgebra.algebra.plan import Axes, Plan
from convalgebra.algebra.weight_polynomials import Monomial, Polynomial

MAX_ENTRIES = 400_000  # of the system
MAX_WORK = 100_000  # products of weights


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


def affine_filters(maker: Family, made: Family, shift: Axes) -> tuple[Polynomial, ...] | None:
    """The weights of an affine maker with which it is any member of `made`, moved by the shift.

    None where there are none: then almost no member is made at this shift. Raises OverflowError
    where the system is too large.

    >>> from convalgebra.algebra.families import family_of
    >>> from convalgebra.language import parse
    >>> maker, made = (family_of(parse(text)) for text in ("3p1 + id", "3"))
    >>> [weight.to_list() for weight in affine_filters(maker, made, (-1,))]
    [[[1, [[0, 1]]]], [[-1, []], [1, [[1, 1]]]], [[1, [[2, 1]]]]]
    """
    from flint import fmpq, fmpq_mat

    if max(maker.work, made.work) > MAX_WORK:
        raise OverflowError
    own, other = (_coefficients(family) for family in (maker, made))
    places = {place: row for row, place in enumerate(maker.coordinates)}
    monomials: dict[Monomial, int] = {(): 0}
    entries: dict[tuple[int, int], Fraction] = {}
    for place, polynomial in zip(made.coordinates, other, strict=True):
        exponent = tuple(e + t for e, t in zip(place.exponent, shift, strict=True))
        target = place if place.source == CONSTANT else place._replace(exponent=exponent)
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
    return tuple(map(Polynomial, filters))


def _coefficients(family: Family) -> list[Polynomial]:
    variables = [Polynomial.variable(index) for index in range(family.weights)]
    return [Polynomial.of(value) for value in family.exact_values(variables)]
