"""What one chain makes of another: their atoms, packed over C, over R and over Q.

See `atoms` for what the atoms are and `packing` for how they are packed. The image of a one-channel
chain is closed over R and C (it is the cone over the image of a product of projective spaces: no
product of layers that are not 0 is 0), so what holds for almost all members holds for all. Over Q a
member whose layers are all held whole is made explicitly; where the layers of the made chain do not
pack whole, almost no rational member is made, though over C all may be.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import merge
from itertools import islice, product

from convalgebra.algebra.answers import Answer, Reach
from convalgebra.algebra.one_channel.atoms import Group, Question, shape
from convalgebra.algebra.one_channel.chains import Chain, Exponent, fixed_shift
from convalgebra.algebra.one_channel.counterexamples import (
    another_member,
    complex_counterexample,
    indivisible_member,
    misplaced_member,
    rational_counterexample,
    real_counterexample,
    wide_member,
)
from convalgebra.algebra.one_channel.packing import fits
from convalgebra.algebra.one_channel.places import Box, holds, listed
from convalgebra.algebra.one_channel.search import STEPS, again, search
from convalgebra.algebra.one_channel.witness import Witness
from convalgebra.algebra.one_channel.work import Work
from convalgebra.budget import Exhausted

ELSEWHERE = "the padding puts it at a place that the stack does not reach"


def all_of_it(reason: str, offsets: tuple[Exponent, ...], *notes: str) -> Reach:
    """All members, over every field."""
    return Reach("all", "all", "all", reason, offsets, notes=notes)


_MOST_PLACES = 10_000  # that are listed
_MOST_LOOKED_AT = 100_000  # places of overlapping boxes


def listed_places(
    boxes: Iterable[Box], fixed: Exponent | None
) -> tuple[tuple[Exponent, ...], tuple[str, ...]]:
    """The places in the boxes, in order, and a note where there are more than are listed.

    With a fixed place only that one, if it is in a box.
    """
    if fixed is not None:
        return ((fixed,) if any(inside(box, fixed) for box in boxes) else ()), ()
    places = merge(*(product(*map(listed, box)) for box in boxes))
    found = list(dict.fromkeys(islice(places, _MOST_LOOKED_AT)))
    if len(found) <= _MOST_PLACES and next(places, None) is None:
        return tuple(found), ()
    found = found[:_MOST_PLACES]
    return tuple(found), (f"these are the first {len(found):,} of the places; there are more",)


def thin(reason: str, *found: Witness) -> Reach:
    """Almost no member, over any field."""
    return Reach("thin", "thin", "thin", reason, witnesses=found)


def inside(box: Box, place: Exponent) -> bool:
    """Whether a place is in a box."""
    return all(map(holds, box, place))


def stack_makes(maker: Chain, made: Chain) -> Reach:
    """Whether one chain of layers reproduces another one, over C, R and Q.

    >>> from convalgebra.algebra.one_channel.chains import chain_of
    >>> from convalgebra.language import parse
    >>> found = stack_makes(chain_of(parse("3x3, 3x3")), chain_of(parse("5x1, 1x5")))
    >>> found.real, found.complex, found.rational, found.offsets
    ('all', 'all', 'thin', ((0, 0),))
    """
    axis = too_small(maker, made)
    if axis is not None:
        return thin(
            "its receptive field is too small", *found_or_none(wide_member(maker, made, axis))
        )
    if not maker.weights:
        return _of_a_fixed_kernel(maker, made)
    question = Question(maker, made, Work(STEPS))
    if not question.divisible:
        reason = f"all that is made is divisible by {_averages(maker)}, not all of {made.text}"
        return thin(reason, *found_or_none(indivisible_member(question)))
    place = fixed_shift(maker, made)
    over_c = search(question, place=place)
    over_q = search(again(question), rational=True, place=place)
    found = over_c.found or over_q.found
    complexes = _answer(bool(found), over_c.complete)
    rational = "thin" if complexes == "thin" else _answer(bool(over_q.found), over_q.complete)
    notes: tuple[str, ...] = ()
    if rational == "all" or complexes != "all":
        real = complexes
    else:
        real, notes = _over_the_reals(again(question), place)
    if complexes == "all" and not over_c.complete:
        notes += ("other places may do as well: the search for them was stopped",)
    if complexes == "all" and rational == "thin":
        notes += (RATIONAL_NOTE,)
    reason = {
        "all": lambda: _why(made, real, rational),
        "thin": lambda: _why_not(question, place),
        "unknown": lambda: UNDECIDED,
    }[complexes]()
    found_places, more = listed_places([packed.box for packed in found], place)
    witnesses = _witnesses(maker, made, real, complexes, rational)
    notes += more
    return Reach(real, complexes, rational, reason, found_places, witnesses=witnesses, notes=notes)


def _witnesses(
    maker: Chain, made: Chain, real: Answer, complexes: Answer, rational: Answer
) -> tuple[Witness, ...]:
    """Members that are not made, over each field where some are not."""
    if complexes == "thin":
        found = [complex_counterexample(maker, made) or misplaced_member(maker, made)]
    else:
        found = []
        if real in ("part", "thin"):
            found.append(real_counterexample(maker, made))
        if rational == "thin":
            found.append(rational_counterexample(maker, made))
    return tuple(one for witness in found for one in found_or_none(witness))


UNDECIDED = "the ways to share its parts out among the layers are too many to try them all"
RATIONAL_NOTE = (
    "over the rational numbers a layer along one axis does not factor for almost all weights, and "
    "has to go into one layer whole"
)


def _answer(found: bool, complete: bool) -> Answer:
    return "all" if found else "thin" if complete else "unknown"


def found_or_none(witness: Witness | None) -> tuple[Witness, ...]:
    """The witness, if there is one."""
    return () if witness is None else (witness,)


def too_small(maker: Chain, made: Chain) -> int | None:
    """An axis along which the taps of what is made extend less far than they should."""
    for axis, (have, want) in enumerate(
        zip(maker.receptive_field, made.receptive_field, strict=True)
    ):
        if have < want:
            return axis
    return None


def _of_a_fixed_kernel(maker: Chain, made: Chain) -> Reach:
    """What averages alone make: one kernel, whose taps add up to 1."""
    if made.weights:
        found = found_or_none(another_member(made))
        return thin("it has no weights and is one fixed kernel", *found)
    question = Question(maker, made, Work(STEPS))
    if any(question.orders):
        return thin("both are fixed kernels, and these are different")
    place = fixed_shift(maker, made)
    origin = (0,) * made.axes
    if place not in (None, origin):
        return thin(ELSEWHERE)
    return all_of_it("both are the same fixed kernel", (origin,))


def _averages(chain: Chain) -> str:
    sizes = ["x".join(map(str, f.taps)) for f in chain.factors if not f.free and f.axes]
    return f"the fixed {sizes[0]} average" if len(sizes) == 1 else "its fixed averages"


def _over_the_reals(question: Question, place: Exponent | None) -> tuple[Answer, tuple[str, ...]]:
    """The answer over R where all is made over C: by the worst and the best pattern of roots."""
    try:
        ordered = question.ordered()
    except Exhausted:
        ordered = False
    if not ordered:
        return "unknown", (UNDECIDED,)
    worst = search(question, {g[:2]: g.worst for g in question.groups}, place=place)
    if worst.found:
        return "all", ()
    best = search(again(question), {g[:2]: g.best for g in question.groups}, place=place)
    if not (worst.complete and (best.found or best.complete)):
        return "unknown", (UNDECIDED,)
    if not best.found:
        return "thin", ("over the reals no pattern of real roots and conjugate pairs fits",)
    return "part", (_which_patterns(question, place),)


_MOST_LISTED = 6  # patterns


def _which_patterns(question: Question, place: Exponent | None) -> str:
    """Which of the patterns of roots are made over R, in words.

    With so many real roots the negative ones are the worst and the positive ones the best, and more
    real ones are better: see `Question.ordered`.
    """
    general = (
        "over the reals it is made where all roots of its layers along one axis are real and "
        "positive, and not where as many as can be are conjugate pairs"
    )
    group = question.groups[0]
    if len(question.groups) > 1:
        return general

    def made(positive: int, negative: int, pairs: int) -> bool:
        pattern = {group[:2]: (positive, negative, pairs)}
        return bool(search(again(question), pattern, place=place).found)

    _, odd, pairs = group.worst
    count = odd + 2 * pairs
    if made(0, count, 0):
        some, all_of_them = 0, pairs  # pairs that turn real: not made, made
        while all_of_them - some > 1:
            half = (some + all_of_them) // 2
            if made(0, odd + 2 * half, pairs - half):
                all_of_them = half
            else:
                some = half
        if not made(odd + 2 * some, 0, pairs - some):
            return _at_least(odd + 2 * all_of_them, group, "real")
    if count > _MOST_LISTED:
        return general
    reached = [pattern for pattern in group.patterns() if made(*pattern)]
    fewest = min(pattern[0] for pattern in reached)
    if all((pattern in reached) == (pattern[0] >= fewest) for pattern in group.patterns()):
        return _at_least(fewest, group, "real and positive")
    if len(reached) > _MOST_LISTED:
        return general
    which = "; or ".join(map(_pattern_text, reached))
    return f"over the reals it is made where {_roots(group)} are: {which}"


def _roots(group: Group) -> str:
    count = sum(group.degrees)
    power = f" in z^{group.step}" if group.step > 1 else ""
    return f"its root{power}" if count == 1 else f"its {count:,} roots{power}"


def _at_least(fewest: int, group: Group, what: str) -> str:
    if fewest == sum(group.degrees) == 1:
        return f"over the reals it is made where {_roots(group)} is {what}"
    if fewest == sum(group.degrees):
        return f"over the reals it is made where all of {_roots(group)} are {what}"
    verb = "is" if fewest == 1 else "are"
    return f"over the reals it is made where at least {fewest:,} of {_roots(group)} {verb} {what}"


def _pattern_text(pattern: tuple[int, int, int]) -> str:
    names = ("positive", "negative", "in conjugate pairs")
    counts = (pattern[0], pattern[1], 2 * pattern[2])
    return ", ".join(f"{count} {name}" for count, name in zip(counts, names, strict=True) if count)


def _why(made: Chain, real: Answer, rational: Answer) -> str:
    if rational == "all":
        return f"the layers of {made.text} fit whole into its layers"
    if real == "all":
        return "its roots can be shared out among the layers, conjugate pairs together"
    if real == "unknown":
        return "its roots can be shared out among the layers over the complex numbers"
    return "a conjugate pair of roots needs two places in one layer"


def _why_not(question: Question, place: Exponent | None) -> str:
    if place is not None and search(again(question)).found:
        return ELSEWHERE
    for part in question.solid:
        if not any(fits(part, room) for room in question.rooms):
            factor = next(f for f in question.layers if shape(f) == part)
            size = "x".join(map(str, factor.taps))
            return f"almost every {size} is irreducible, and no layer holds it whole"
    try:
        lines = question.lines(None)
    except Exhausted:
        lines = ()
    if not all(line.totals for line in lines):
        return "the layers that can take its roots are too short"
    return "its irreducible parts do not all fit into the layers, in whatever way they are put"
