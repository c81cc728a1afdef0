"""The dimension of the members that two one-channel chains have in common."""

from __future__ import annotations

from itertools import product
from math import prod

from convalgebra.algebra.one_channel.chains import Chain, Exponent, fixed_shift
from convalgebra.algebra.one_channel.dimension import dimension
from convalgebra.algebra.one_channel.work import Work
from convalgebra.budget import Exhausted

_STEPS = 60_000

Boxes = tuple[Exponent, ...]


def codimension_of_common_members(maker: Chain, made: Chain) -> int | None:
    """The codimension in `made` of the members that `maker` reproduces, over C.

    For chains whose layers all have weights and, along every axis, one effective dilation; after
    dividing by it, 1. Let layer i of the made chain extend over the box a_i (taps - 1 per axis) and
    layer j of the maker over b_j. A common member K is a product both of A_i and of B_j. Match the
    irreducible factors of K in the one product with those in the other one, and let f_ij be the
    product of those that are in A_i and B_j: `A_i = prod_j f_ij` and `B_j = prod_i f_ij`, up to
    units. Extents of a product add up, so the extents s_ij of f_ij satisfy

        sum_j s_ij <= a_i,    sum_i s_ij <= b_j    (per axis),

    and for such s_ij any f_ij with these extents make a common member, filled up with monomials.
    These are the members of a chain with layers of s_ij + 1 taps, so of dimension
    `1 + sum_ij (prod(s_ij + 1) - 1)` (see `dimension`; the taps of a single tap count for nothing).
    There are finitely many s, so the dimension is the largest of these numbers.

    A monomial moves K by at most what is left: where the padding fixes the shift t, it asks for
    `sum s_ij <= sum a_i + t` and `<= sum b_j - t` besides.

    None where the hypotheses do not hold, or the largest one is not found within a budget.

    >>> from convalgebra.algebra.one_channel.chains import chain_of
    >>> from convalgebra.language import parse
    >>> codimension_of_common_members(chain_of(parse("2x3, 2x1")), chain_of(parse("2x2, 2x2")))
    1
    """
    steps = _common_dilation(maker, made)
    if steps is None:
        return None
    rows, columns = _boxes(made), _boxes(maker)
    own, other = _total(rows, made.axes), _total(columns, made.axes)
    bound = tuple(map(min, zip(own, other, strict=True)))
    shift = fixed_shift(maker, made)
    if shift is not None:
        if any(place % step for place, step in zip(shift, steps, strict=True)):
            return None
        moved = [place // step for place, step in zip(shift, steps, strict=True)]
        most = zip(own, other, moved, strict=True)
        bound = tuple(min(a, b, a + t, b - t) for a, b, t in most)
        if min(bound) < 0:
            return None
    try:
        found = _most(rows, columns, bound, Work(_STEPS))
    except Exhausted:
        return None
    return dimension(made).value - 1 - found


def _common_dilation(maker: Chain, made: Chain) -> Exponent | None:
    """The one effective dilation along every axis of layers that all have weights."""
    factors = (*maker.factors, *made.factors)
    if not (made.weights and maker.weights) or any(not f.free and f.axes for f in factors):
        return None
    steps = []
    for axis in range(made.axes):
        along = {factor.dilation[axis] for factor in factors if factor.taps[axis] > 1}
        if len(along) > 1:
            return None
        steps.append(min(along, default=1))
    return tuple(steps)


def _boxes(chain: Chain) -> Boxes:
    """The extents of the layers in taps, the largest first, single taps left out."""
    boxes = [tuple(k - 1 for k in factor.taps) for factor in chain.factors if factor.axes]
    return tuple(sorted(boxes, reverse=True))


def _total(boxes: Boxes, axes: int) -> Exponent:
    return tuple(sum(box[axis] for box in boxes) for axis in range(axes))


def _less(box: Exponent, part: Exponent) -> Exponent:
    return tuple(a - b for a, b in zip(box, part, strict=True))


def _value(box: Exponent) -> int:
    return prod(size + 1 for size in box) - 1


def _most(rows: Boxes, columns: Boxes, bound: Exponent, work: Work) -> int:
    """The largest sum of `_value(s_ij)` over the s that the rows, columns and bound allow.

    Row by row, over what is left of the columns (in any order: those that are equal are the same).
    The value is superadditive, so no row gives more than `_value` of itself, nor does a column.
    """
    known: dict[tuple[Boxes, Boxes, Exponent], int] = {}

    def rest(rows: Boxes, columns: Boxes, bound: Exponent) -> int:
        columns = tuple(sorted((box for box in columns if any(box)), reverse=True))
        if not rows or not columns or not any(bound):
            return 0
        key = (rows, columns, bound)
        if key not in known:
            known[key] = split(rows[0], rows[1:], columns, (), bound)
        return known[key]

    def split(row: Exponent, rows: Boxes, columns: Boxes, done: Boxes, bound: Exponent) -> int:
        work.spend(1 + len(columns))
        if not any(row) or not columns:
            return rest(rows, done + columns, bound)
        first, others = columns[0], columns[1:]
        best = 0
        for part in product(
            *(range(min(sizes), -1, -1) for sizes in zip(row, first, bound, strict=True))
        ):
            left = _less(row, part)
            kept = (*done, _less(first, part))
            upper = _value(part) + min(
                _value(left) + sum(map(_value, rows)),
                sum(map(_value, others)) + sum(map(_value, kept)),
            )
            if upper > best:
                best = max(best, _value(part) + split(left, rows, others, kept, _less(bound, part)))
        return best

    return rest(rows, columns, bound)
