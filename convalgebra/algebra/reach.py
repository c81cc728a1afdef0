"""How much of one linear family another one reproduces, per field, with what proves it.

One relation holds for a whole comparison. *Aligned* families (`Plan.aligned`) are compared as they
lie: the relation on a given input. All others are compared *up to a shift*: there is one shift m of
the input and one shift n of the output, the same for all weights, such that every member of the
made family, shifted, is a member of the maker,

    K_maker[c, r, i, e + m]  =  K_made[c, r + n, i, e].

Both relations are transitive. `all`, `dense` and `part` need one pair of shifts, `thin` all of
them. A family with b outputs for every a inputs does not change when its input is shifted by a and
its output by b, so n is tried only up to what both b have in common: without upsampling n = 0.

One-channel chains are decided by packing (`one_channel.reach`). For the rest, in this order:

1. No shift puts the coefficients of the made family on those of the maker: its generic members have
   a coefficient other than 0 where the maker has none, so `thin`.
2. Both have no weights: they are equal, or not. Else a construction, the weights of the maker as
   polynomials in those of the made family: `all`, over every field.
3. The maker's dimension is provably below that of the made family: `thin`.
4. The made family is all of the space of its coefficients, and the maker's has full dimension in
   the same space: `dense` over C (the image of a polynomial map contains an open subset of its
   closure: Chevalley), and over R it contains an open set, by the inverse function theorem:
   `part`. Over Q a rational construction would be needed. Sums of two products make all.
5. An equation of the maker's image does not vanish on a member of the made family: `thin`, since
   the made family is irreducible.

Else `unknown`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from math import gcd, lcm, prod
from typing import Any

from convalgebra.algebra.affine import BUDGET as AFFINE_BUDGET
from convalgebra.algebra.affine import affine_filters, filters_of_one_layer, is_affine
from convalgebra.algebra.answers import FIELDS, SAME, Answer, Reach
from convalgebra.algebra.constructions import BUDGET as CONSTRUCTION_BUDGET
from convalgebra.algebra.constructions import Construction, construct
from convalgebra.algebra.dimension.dimension import Dimension
from convalgebra.algebra.families import Family
from convalgebra.algebra.implicit.equations import ImplicitEquations
from convalgebra.algebra.implicit.exclusion import BUDGET as MEMBER_BUDGET
from convalgebra.algebra.implicit.exclusion import exclusion
from convalgebra.algebra.implicit.search import implicit_equations
from convalgebra.algebra.one_channel.reach import reach as one_channel_reach
from convalgebra.algebra.operators import CONSTANT, Coordinate
from convalgebra.algebra.plan import Axes, Plan
from convalgebra.algebra.supports import shifts_into
from convalgebra.algebra.two_products import reach_by_two_products
from convalgebra.algebra.weight_polynomials import products_of
from convalgebra.algebra.width import MISSED, misses_real_kernels
from convalgebra.budget import Budget, Exhausted
from convalgebra.errors import Defect

_MOST_MATCHED = 200_000  # coefficients that are compared one by one
_MOST_OFFSETS = 10_000
_FIXED_BUDGET = 10_000_000  # products of fractions, at most: a few seconds
_SHIFT_BUDGET = 2_000_000_000  # words of bits: a second
_MOST_CHECKED = 10_000_000  # factors that the checker multiplies out for a construction
_MOST_WRITTEN = 5_000  # weights of a construction that a certificate writes out


def reach(maker: Family, made: Family, dims: tuple[Dimension, Dimension]) -> Reach:
    """How much of `made` the `maker` reproduces; `dims` are their dimensions.

    Both have the same channels, axes and total stride.

    >>> from convalgebra.algebra.dimension.dimension import dimension
    >>> from convalgebra.algebra.families import family_of
    >>> from convalgebra.language import parse
    >>> sides = family_of(parse("2x2@3, 2x2@2"), 2), family_of(parse("3x3"), 2)
    >>> found = reach(*sides, (dimension(sides[0]), dimension(sides[1])))
    >>> found.real, found.complex, found.rational, found.codimension
    ('part', 'dense', 'unknown', 0)
    """
    same = maker.plan.steps == made.plan.steps
    if maker.chain is not None and made.chain is not None:
        found = one_channel_reach(maker.chain, made.chain)
        claims = tuple(_in_steps(claim, maker.plan, made.plan) for claim in found.claims)
        found = replace(found, claims=claims)
        if not same:
            return found
        return replace(found, reason=SAME) if found.rational == "all" else _same(maker)
    if same:
        return _same(maker)
    folded = maker.with_folded_padding, made.with_folded_padding
    moved = None if _is_free(folded[0]) else _same_but_for_padding(maker, made)
    found = moved or _up_to_shifts(*folded, dims)
    if folded[0] is not maker:  # that claim is about two layers
        kept = (claim for claim in found.claims if claim["claim"] != "two_products")
        found = replace(found, claims=tuple(kept))
    begins = [b - a for a, b in zip(maker.offset, made.offset, strict=True)]
    offsets = (tuple(map(sum, zip(shift, begins, strict=True))) for shift in found.offsets)
    return replace(found, offsets=tuple(offsets))  # counted from the first taps, as it is shown


class _Means:
    """What the answers for all shifts of the output may spend together."""

    def __init__(self) -> None:
        self.constructions = Budget(CONSTRUCTION_BUDGET)
        self.systems = Budget(AFFINE_BUDGET)
        self.outputs = Budget(_OUTPUT_BUDGET)
        self.members = Budget(MEMBER_BUDGET)
        self.found: dict[Axes, ImplicitEquations] = {}
        self.all_is_made = False  # with another shift: then only what is cheap is looked for

    def equations(self, maker: Family) -> ImplicitEquations:
        """Those of the maker, at a period; they do not depend on the shift."""
        period = tuple(a for a, _ in maker.rate)
        if period not in self.found:
            self.found[period] = implicit_equations(maker, budget=_EQUATION_BUDGET)
        return self.found[period]


def _in_steps(claim: Mapping[str, Any], maker: Plan, made: Plan) -> Mapping[str, Any]:
    """A claim about chains, its layers numbered as the steps are: those that pad are no factors."""
    if claim["claim"] != "packs":
        return claim
    rooms, parts = (
        [number for number, step in enumerate(plan.steps[1:]) if not step.only_moves]
        for plan in (maker, made)
    )

    def part(i: int) -> int:  # pieces of layers are numbered after all layers
        return parts[i] if i < len(parts) else i - len(parts) + len(made.steps) - 1

    return {
        **claim,
        "splits": [[how, part(i), number] for how, i, number in claim["splits"]],
        "into": [[part(i), rooms[j]] for i, j in claim["into"]],
        "shifts": [[rooms[j], shift] for j, shift in claim["shifts"]],
    }


def _up_to_shifts(maker: Family, made: Family, dims: tuple[Dimension, Dimension]) -> Reach:
    """The answer from those for every shift of the output; offsets are shifts of the input."""
    found: list[Reach] = []
    outputs = list(output_shifts(maker, made))
    means = _Means()
    listed = max(maker.ambient, made.ambient) <= _MOST_MATCHED
    each = listed * (maker.ambient + made.ambient) + prod(b for _, b in made.rate)
    for output in outputs[:_MOST_OUTPUT_SHIFTS]:
        if found and not means.outputs.takes(each):
            break
        one = _reach(maker, made.shifted(output), dims, means)
        means.all_is_made |= one.real == one.complex == one.rational == "all"
        found.append(_with_output(one, output))
    if len(found) < len(outputs):
        undecided = f"the output can be shifted in {len(outputs):,} ways: too many"
        found.append(_by_dimension(maker, made, dims, []) or _unknown(undecided))
    return found[0] if len(found) == 1 else _strongest(found)


_MOST_OUTPUT_SHIFTS = 64
_OUTPUT_BUDGET = 100_000  # coefficients that are written out, for all shifts of the output


def output_shifts(maker: Family, made: Family) -> Iterator[Axes]:
    """The shifts of the output that have to be tried, none of them first."""
    if maker.plan.aligned:
        return iter([(0,) * maker.plan.axes])
    rates = zip(maker.rate, made.rate, strict=True)
    return product(*(range(gcd(b, d)) for (_, b), (_, d) in rates))


def _with_output(found: Reach, output: Axes) -> Reach:
    """An answer for a made family whose output is shifted, as one for the family as it is."""
    if not any(output):
        return found
    claims = tuple(_with_output_claim(claim, list(output)) for claim in found.claims)
    return replace(found, claims=claims, outputs=(output,) * len(found.offsets))


def _with_output_claim(claim: Mapping[str, Any], output: list[int]) -> Mapping[str, Any]:
    if claim["claim"] == "reproduces":
        return {**claim, "output": output}
    if claim["claim"] == "equations":
        return {**claim, "members": [[*member, output] for member in claim["members"]]}
    return claim


def _strongest(found: list[Reach]) -> Reach:
    """The answer from those for every shift of the output: the best one, or `thin` at all."""
    best = max(found, key=lambda reach: [_STRENGTH[getattr(reach, field)] for field in FIELDS])
    if best.real == best.complex == best.rational == "all":
        listed = [reach for reach in found if reach.real == reach.rational == "all"]
        zero = (0,) * len(best.offsets[0]) if best.offsets else ()
        outputs = tuple(n for r in listed for n in r.outputs or (zero,) * len(r.offsets))
        return replace(
            best,
            offsets=tuple(offset for reach in listed for offset in reach.offsets),
            outputs=outputs if any(map(any, outputs)) else (),
        )
    answers: dict[str, Any] = {}
    for field in FIELDS:
        given = {getattr(reach, field) for reach in found}
        answers[field] = max(given - {"thin"} or given, key=_STRENGTH.__getitem__)
    if best.real != "thin":
        return replace(best, **answers)
    claims = {repr(claim): claim for reach in found for claim in reach.claims}
    codimensions = [reach.codimension for reach in found if reach.codimension is not None]
    return replace(
        best,
        **answers,
        reason="; ".join(dict.fromkeys(reach.reason for reach in found)),
        claims=tuple(claims.values()),
        codimension=min(codimensions) if len(codimensions) == len(found) else None,
    )


_STRENGTH = {"thin": 0, "unknown": 1, "part": 2, "dense": 3, "all": 4}


def _reach(maker: Family, made: Family, dims: tuple[Dimension, Dimension], means: _Means) -> Reach:
    """The answer where the output is not shifted: several channels, branches, biases."""
    period = tuple(lcm(a, b) for (a, _), (b, _) in zip(maker.rate, made.rate, strict=True))
    maker, made = maker.at_period(period), made.at_period(period)
    if max(maker.ambient, made.ambient) > _MOST_MATCHED:
        return _of_large_families(maker, made, dims)
    try:
        shifts = _shifts(maker, made)
    except Exhausted as error:
        undecided = f"cannot decide within the budget where {made.text} lies in {maker.text}"
        return _by_dimension(maker, made, dims, []) or _unknown(f"{undecided}: {error}")
    if not shifts:
        where = " where they lie" if maker.plan.aligned else ""
        reason = f"{made.text} has coefficients that {maker.text} does not have{where}"
        return _thin(reason)
    if _is_free(maker):
        return _covered(maker, made, shifts)
    if maker.weights == made.weights == 0:
        return _of_fixed(maker, made, shifts)
    stopped = ""
    if dims[0].upper >= dims[1].lower and not means.all_is_made:
        try:
            construction = construct(maker, made, means.constructions)
        except Exhausted as error:
            stopped = f"; the search for a construction ended at its budget, at {error}"
        else:
            if construction is not None:
                return _constructed(construction, maker, made)
    affine = _of_affine(maker, made, shifts, means) if is_affine(maker.plan) else None
    if means.all_is_made:
        return affine or _unknown("all is made with another shift of the output")
    if affine is not None and affine.real == "all":
        return affine
    if affine is None and dims[0].upper >= dims[1].lower:
        held = _held_by_one_layer(maker, made, shifts, means)
        if held is not None:
            return held
    known = _by_dimension(maker, made, dims, shifts) or _by_equations(
        maker, made, dims, shifts, means
    )
    if affine is not None and known.real == "unknown":
        return affine
    return replace(known, reason=known.reason + stopped) if known.real != "thin" else known


def _held_by_one_layer(
    maker: Family, made: Family, shifts: list[Axes], means: _Means
) -> Reach | None:
    """`all` where one layer of the maker can hold what is made, the others being fixed."""
    try:
        for shift in shifts[:_MOST_SHIFTS_TRIED]:
            filters = filters_of_one_layer(maker, made, shift, means.systems)
            if filters is not None:
                reason = "one layer holds what is made, the weights of the others are numbers"
                return _equal(reason, shift, [weight.to_list() for weight in filters])
    except Exhausted:
        pass
    return None


def _of_affine(maker: Family, made: Family, shifts: list[Axes], means: _Means) -> Reach | None:
    """The answer for a maker whose coefficients are affine in its weights; None past a budget."""
    try:
        solved = {
            shift: filters
            for shift in shifts[:_MOST_SHIFTS_TRIED]
            if (filters := affine_filters(maker, made, shift, means.systems)) is not None
        }
    except Exhausted:
        return None
    if not solved:
        if len(shifts) > _MOST_SHIFTS_TRIED:
            return None
        return _thin(f"what it makes is an affine space, and {made.text} does not lie in it")
    shift = next(iter(solved))
    claim = _filters_claim(shift, [weight.to_list() for weight in solved[shift]])
    return Reach(
        "all",
        "all",
        "all",
        f"what it makes is an affine space, in which {made.text} lies",
        tuple(solved),
        codimension=0,
        degree=1,
        claims=(claim,) if maker.weights <= _MOST_WRITTEN else (),
    )


def _same(family: Family, shift: Axes | None = None) -> Reach:
    filters = None
    if family.weights <= _MOST_WRITTEN:
        filters = [[[1, [[number, 1]]]] for number in range(family.weights)]
    return _equal(SAME, shift or (0,) * family.plan.axes, filters)


def _same_but_for_padding(maker: Family, made: Family) -> Reach | None:
    """`all` where only padding, which can be moved to both ends, makes a difference."""
    (one, start, end), (two, begin, stop) = maker.plan.without_padding, made.plan.without_padding
    if maker.plan.aligned or one != two:
        return None
    output = [n - k for n, k in zip(end, stop, strict=True)]
    periods = [n // b for n, (_, b) in zip(output, made.rate, strict=True)]
    shift = tuple(
        m - k + a * times
        for m, k, times, (a, _) in zip(start, begin, periods, made.rate, strict=True)
    )
    return _with_output(
        replace(_same(maker, shift), reason="they are the same stack but for their padding"),
        tuple(n - b * times for n, times, (_, b) in zip(output, periods, made.rate, strict=True)),
    )


def _equal(reason: str, shift: Axes, filters: list[Any] | None) -> Reach:
    """`all`, with the filters written out if there are any."""
    claims = () if filters is None else (_filters_claim(shift, filters),)
    return Reach("all", "all", "all", reason, (shift,), codimension=0, degree=1, claims=claims)


def _filters_claim(shift: Axes, filters: list[Any]) -> Mapping[str, Any]:
    return {"claim": "reproduces", "maker": "maker", "offset": list(shift), "filters": filters}


def _covered(maker: Family, made: Family, shifts: list[Axes]) -> Reach:
    """A single convolution takes the coefficients of whatever lies on its taps as its weights."""
    reason = f"its taps cover the merged kernel of {made.text}"
    return Reach("all", "all", "all", reason, tuple(shifts), codimension=0, degree=1)


def _of_fixed(maker: Family, made: Family, shifts: list[Axes]) -> Reach:
    """Two operators without weights: equal up to one of the shifts, or not."""
    if maker.ambient != made.ambient:
        return _thin("both are fixed, and not the same")
    # Fixed kernels are the same for every channel: none reads another one's.
    if max(maker.work, made.work) // maker.channels_in > _FIXED_BUDGET:
        return _unknown("both are fixed; cannot decide within the budget whether they are the same")
    have, need = (
        dict(zip(family.coordinates, family.exact_values(()), strict=True))
        for family in (maker, made)
    )
    for shift in shifts:
        moved = {_moved(place, shift): value for place, value in need.items()}
        if moved == have:
            return _equal("both are fixed, and the same", shift, [])
    return _thin("both are fixed, and not the same")


def _moved(place: Coordinate, shift: Axes) -> Coordinate:
    if place.source == CONSTANT:
        return place
    return place._replace(exponent=tuple(map(sum, zip(place.exponent, shift, strict=True))))


def _constructed(construction: Construction, maker: Family, made: Family) -> Reach:
    written = (
        maker.weights <= _MOST_WRITTEN
        and construction.filters is not None
        and products_of(made) <= _MOST_CHECKED
    )
    return Reach(
        "all",
        "all",
        "all",
        construction.way,
        (construction.offset,),
        codimension=0,
        degree=1,
        claims=(construction.to_claim("maker"),) if written else (),
    )


Places = dict[tuple[int, Axes, int], set[Axes]]


def _places(family: Family) -> Places:
    """The exponents of each channel out, phase and channel in; constants have the exponent ()."""
    found: Places = {}
    for out, phase, source, exponent in family.coordinates:
        found.setdefault((out, phase, source), set()).add(exponent)
    return found


def _shifts(maker: Family, made: Family) -> list[Axes]:
    """The shifts that put every coefficient of `made` on one of `maker`."""
    have, need = _places(maker), _places(made)
    if not need.keys() <= have.keys():
        return []
    zero = (0,) * maker.plan.axes
    rows = [(need[key], have[key]) for key in need if key[2] != CONSTANT]
    if maker.plan.aligned or not rows:
        return [zero] if all(exponents <= room for exponents, room in rows) else []
    distinct = {(frozenset(exponents), frozenset(room)) for exponents, room in rows}
    return shifts_into([*distinct], Budget(_SHIFT_BUDGET))[:_MOST_OFFSETS]


def _thin(reason: str, **more: Any) -> Reach:
    return Reach("thin", "thin", "thin", reason, **more)


def _by_dimension(
    maker: Family, made: Family, dims: tuple[Dimension, Dimension], shifts: list[Axes]
) -> Reach | None:
    """What the dimensions alone decide."""
    of_maker, of_made = dims
    if of_maker.upper < of_made.lower:
        codimension = None
        if of_maker.proved and _is_free(made) and _same_support(maker, made, shifts):
            codimension = of_made.value - of_maker.value
        reason = (
            f"it makes {_at_most(of_maker)} of the {of_made.lower:,} dimensions of {_all_of(made)}"
        )
        claims = (*of_maker.claims("maker"), *of_made.claims("made"))
        return _thin(reason, codimension=codimension, claims=claims)
    if not (_is_free(made) and _same_support(maker, made, shifts)):
        return None
    if of_maker.lower < maker.ambient:
        if of_maker.proved:
            raise Defect(
                f"{made.text} is a full kernel, and its dimension is not {maker.ambient:,}"
            )
        return _unknown(f"its dimension is not proved: {of_maker.reason}")
    found = reach_by_two_products(maker.plan, shifts[0])
    if found is not None:
        return replace(found, claims=(*of_maker.claims("maker"), *found.claims))
    missed = misses_real_kernels(maker.plan)
    undecided = f"another one is missed: {MISSED}" if missed else "whether all, is not decided"
    reason = (
        f"it has the full dimension {maker.ambient:,}, so it makes almost all over the complex "
        f"numbers and a set with inner points over the reals; {undecided}"
    )
    return Reach(
        "part",
        "dense",
        "unknown",
        reason,
        tuple(shifts),
        codimension=0,
        degree=1,
        notes=("over the rationals a construction would be needed, and none was found",),
        misses_open_set=missed,
        claims=tuple(of_maker.claims("maker")),
    )


def _at_most(dimension: Dimension) -> str:
    return f"{dimension.value:,}" if dimension.proved else f"at most {dimension.upper:,}"


def _all_of(made: Family) -> str:
    return f"all {made.text} kernels" if made.is_kernel else made.text


def _is_free(family: Family) -> bool:
    """Whether every choice of coefficients is a member: one convolution with free weights.

    Not over a multiple of its period: there the phases of one kernel are equal. Nor a transposed
    one with a bias: that is the same for all phases.
    """
    steps = family.plan.steps
    alone = len(steps) == 2 and steps[1].weights is not None
    free = steps[-1].op == "conv" or (steps[-1].op == "convt" and not steps[-1].bias)
    return alone and free and family.step is None


def _same_support(maker: Family, made: Family, shifts: list[Axes]) -> bool:
    return bool(shifts) and maker.ambient == made.ambient


def _unknown(reason: str, **more: Any) -> Reach:
    return Reach("unknown", "unknown", "unknown", reason, **more)


_EQUATION_BUDGET = 500_000_000  # about half a second
_MOST_SHIFTS_TRIED = 16


def _by_equations(
    maker: Family,
    made: Family,
    dims: tuple[Dimension, Dimension],
    shifts: list[Axes],
    means: _Means,
) -> Reach:
    undecided = (
        f"the dimensions do not exclude it ({dims[0].value:,} against {dims[1].value:,}) and no "
        "construction was found"
    )
    if dims[0].upper >= maker.ambient or len(shifts) > _MOST_SHIFTS_TRIED:
        return _unknown(undecided)
    found = means.equations(maker)
    if not found.equations:
        return _unknown(undecided)
    claims: list[Mapping[str, Any]] = []
    for shift in shifts:
        try:
            member = exclusion(found, made, shift, means.members)
        except Exhausted:
            return _unknown(f"{undecided}; too many members were tried in the equations")
        if member is None:
            return _unknown(undecided)
        claims.append(member.claim("maker"))
    reason = (
        f"all that it makes satisfies an equation of degree {min(found.degrees)} "
        f"that {made.text} does not"
    )
    return _thin(reason, claims=tuple(claims))


def _of_large_families(maker: Family, made: Family, dims: tuple[Dimension, Dimension]) -> Reach:
    """Where there are too many coefficients to be compared one by one."""
    if maker.is_kernel and _box_holds(maker, made):
        return Reach(
            "all",
            "all",
            "all",
            f"its taps cover the merged kernel of {made.text}",
            codimension=0,
            degree=1,
        )
    if dims[0].upper < dims[1].lower:
        reason = (
            f"it makes {_at_most(dims[0])} of the {dims[1].lower:,} dimensions of {_all_of(made)}"
        )
        claims = (*dims[0].claims("maker"), *dims[1].claims("made"))
        codimension = None
        if dims[0].proved and _is_free(made) and maker.ambient == made.ambient:
            codimension = dims[1].value - dims[0].value
        return _thin(reason, codimension=codimension, claims=claims)
    return _unknown("the stacks are too large to be compared coefficient by coefficient")


def _box_holds(kernel: Family, made: Family) -> bool:
    """Whether a kernel without dilation covers all that `made` sees, as the padding puts it."""
    (step,) = kernel.plan.steps[1:]
    if any(d != 1 for d in step.dilation) or (_has_constants(made) and not step.bias):
        return False
    if kernel.plan.aligned:
        return all(
            k <= m and m + b <= k + a
            for k, a, m, b in zip(
                kernel.offset,
                kernel.receptive_field,
                made.offset,
                made.receptive_field,
                strict=True,
            )
        )
    pairs = zip(kernel.receptive_field, made.receptive_field, strict=True)
    return all(a >= b for a, b in pairs)


def _has_constants(family: Family) -> bool:
    return any(step.bias for step in family.plan.steps)


def in_terms_of(found: Reach, maker: str, made: str) -> Reach:
    """The same with its claims about `left` and `right` instead of maker and made."""
    names = {"maker": maker, "made": made}
    claims = tuple(
        {
            key: names.get(value, value) if key in ("stack", "maker") else value
            for key, value in claim.items()
        }
        for claim in found.claims
    )
    return replace(found, claims=claims)


def weakest(*answers: Answer) -> Answer:
    """The weakest of some answers; `unknown` where one is."""
    order: tuple[Answer, ...] = ("all", "dense", "part", "thin")
    if "unknown" in answers:
        return "unknown"
    return max(answers, key=order.index)
