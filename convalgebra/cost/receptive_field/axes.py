"""What the units of a value see along one axis of the input, exactly.

At one speed the field is periodic: unit `q b + r` sees the inputs `left_r + q a .. right_r + q a`,
where b is the number of phases and a the step. With windows alone there is one phase, and a is the
jump (the effective stride). Transposed convolutions and upsampling make several phases.

Branches at different speeds may meet (sizes that agree by rounding or cropping; one unit shown at
every position, which does not move at all). Then every unit sees the hull of several periodic
fields, one for each speed. A layer that reads the units n of a hull sees the hull of what they see,

    min over n of min(A_n, B_n) = min(min over n of A_n, min over n of B_n),

so that every layer works on each part alone, and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import gcd, lcm
from typing import Any, NamedTuple, TypeVar

from convalgebra.cost.receptive_field.amounts import Amount, decided, divided
from convalgebra.errors import NotKnownError
from convalgebra.sizes import Size, has_choice, maximum, minimum, same, simplest, units

Interval = tuple[Size, Size]
Made = TypeVar("Made")

# Upsampling by large factors, again and again, has as many phases as outputs: past this much work
# for one layer the field is left unknown.
MOST_LOOKS = 2**16
_MOST_SPEEDS = 64

_LONGEST_EDGE = 250  # numbers and names in a choice between formulas, which doubles at each place
_TOO_LONG = (
    "which branch sees more depends on too much of named sizes, "
    "numbers for names (--at) would do it"
)

_TOO_MANY_PHASES = "there are too many phases to follow"


class NamedSizeError(NotKnownError):
    """Something that is worked out for numbers alone, asked of named sizes."""


def in_numbers(size: Size) -> int:
    """The size, which is a number; NamedSizeError for a named one."""
    if not isinstance(size, int):
        raise NamedSizeError("a window with named sizes follows a transposed one or upsampling")
    return size


class Periodic(NamedTuple):
    """The field along one axis at one speed. A phase is None where a unit sees nothing at all."""

    step: Size
    phases: tuple[Interval | None, ...]

    @property
    def size(self) -> Size:
        """The inputs from the first to the last seen, both counted: the most over the phases."""
        widths = [simplest(right - left + 1) for left, right in filter(None, self.phases)]
        return maximum(0, *widths, decide=decided)

    @property
    def jump(self) -> Amount:
        """How far the field moves from one unit to the next, on average over the phases."""
        return divided(self.step, len(self.phases))

    def seen_by(self, unit: Size) -> Interval | None:
        """The first and the last input that a unit sees."""
        if len(self.phases) == 1:
            rounds, interval = unit, self.phases[0]
        else:  # several phases are only followed where units are numbers
            rounds, phase = divmod(unit, len(self.phases))
            interval = self.phases[phase]
        moved = rounds * self.step
        return None if interval is None else (interval[0] + moved, interval[1] + moved)


class Axis(NamedTuple):
    """The field along one axis: the hull of periodic `parts` of different speeds, mostly one.

    `units` are the positions that the value has.
    """

    parts: tuple[Periodic, ...]
    units: Size

    @property
    def size(self) -> Size:
        """The inputs from the first to the last seen, both counted: the most over the units.

        At one speed the most over the phases, whether or not there are units of every phase.
        """
        if len(self.parts) == 1:
            return self.parts[0].size
        # The width of the hull, max over i, j of right_i - left_j + 1, is the largest of linear
        # functions of q along the units q b + r: it is largest at the first or at the last unit.
        widths: list[Size] = [0]
        for unit in self._ends():
            seen = self.seen_by(unit)
            if seen is not None:
                widths.append(simplest(seen[1] - seen[0] + 1))
        return maximum(*widths, decide=decided)

    def _ends(self) -> set[Size]:
        if not isinstance(self.units, int):
            return {0, simplest(self.units - 1)}
        period = min(self.units, _common(self.parts))
        return {*range(period), *range(self.units - period, self.units)}

    @property
    def jump(self) -> Amount | None:
        """How far the field moves from unit to unit, on average; None for parts that drift."""
        return self.parts[0].jump if len(self.parts) == 1 else None

    @property
    def phases(self) -> tuple[Interval | None, ...]:
        """What the units of one period see; at several speeds unit 0 alone."""
        return self.parts[0].phases if len(self.parts) == 1 else (self.seen_by(0),)

    def seen_by(self, unit: Size) -> Interval | None:
        """The first and the last input that a unit sees, padding included.

        Units before the first and after the last, which padding stands for, see what they would.
        """
        return hull([part.seen_by(unit) for part in self.parts])

    @property
    def left(self) -> Size | None:
        """The first input that unit 0 sees; negative inside the padding."""
        first = self.seen_by(0)
        return None if first is None else first[0]

    @property
    def right(self) -> Size | None:
        """The last input that unit 0 sees."""
        first = self.seen_by(0)
        return None if first is None else first[1]

    @property
    def centre(self) -> Amount | None:
        """The middle of what unit 0 sees."""
        first = self.seen_by(0)
        return None if first is None else divided(simplest(first[0] + first[1]), 2)


def axis_of(parts: tuple[Periodic, ...], units: Size) -> Axis:
    """The hull of parts of different speeds.

    Raises NotKnownError where the size of it cannot be found.
    """
    if len(parts) > 1:
        if len(parts) > _MOST_SPEEDS:
            raise NotKnownError(f"branches move at more than {_MOST_SPEEDS} different jumps")
        period = _common(parts)
        if period * len(parts) > MOST_LOOKS:
            raise NotKnownError(_TOO_MANY_PHASES)
        if period > 1 and not isinstance(units, int):
            raise NotKnownError("branches of several phases move at jumps that may differ")
    return Axis(parts, units)


def _common(parts: Sequence[Periodic]) -> int:
    return lcm(*(len(part.phases) for part in parts))


def each_axis(work: Callable[..., Made], *along: Iterable[Any]) -> tuple[Made, ...]:
    """`work` on what there is along every axis; done once for axes in a row that are alike.

    >>> each_axis(max, (3, 3, 1), (2, 2, 5))
    (3, 3, 5)
    """
    found: list[Made] = []
    before: tuple[Any, ...] | None = None
    for here in zip(*along, strict=True):
        found.append(found[-1] if here == before else work(*here))
        before = here
    return tuple(found)


def meet(axes: Sequence[Axis], units: Size) -> Axis:
    """The hull of some fields along an axis.

    >>> one, two = Periodic(2, ((0, 2),)), Periodic(2, ((-1, 0),))
    >>> meet([Axis((one,), 8), Axis((two,), 8)], 8).parts
    (Periodic(step=2, phases=((-1, 2),)),)
    """
    parts: list[Periodic] = []
    for part in dict.fromkeys(part for axis in axes for part in axis.parts):
        for at, other in enumerate(parts):
            if at_same_speed(part, other):
                parts[at] = _union(other, part)
                break
        else:
            parts.append(part)
    return axis_of(tuple(parts), units)


def at_same_speed(one: Periodic, two: Periodic) -> bool:
    """Whether the two move by the same over many units, for every choice of the named sizes."""
    return bool(same(one.step * len(two.phases), two.step * len(one.phases)))


def side_by_side(one: Periodic, two: Periodic) -> list[tuple[Interval | None, Interval | None]]:
    """What the units of one common period see in either of two fields of the same speed."""
    period = _common((one, two))
    if period > MOST_LOOKS:
        raise NotKnownError(_TOO_MANY_PHASES)
    return [(one.seen_by(unit), two.seen_by(unit)) for unit in range(period)]


def _union(one: Periodic, two: Periodic) -> Periodic:
    merged = tuple(map(hull, side_by_side(one, two)))
    return Periodic(simplest(one.step * (len(merged) // len(one.phases))), merged)


def hull(intervals: Sequence[Interval | None]) -> Interval | None:
    """The smallest interval around some, None around nothing.

    >>> hull([(0, 3), None, (-2, 1)])
    (-2, 3)
    """
    seen = [interval for interval in intervals if interval is not None]
    if len(seen) < 2:
        return seen[0] if seen else None
    left = minimum(*(s[0] for s in seen), decide=decided)
    right = maximum(*(s[1] for s in seen), decide=decided)
    for edge in (left, right):
        if has_choice(edge) and units(edge, _LONGEST_EDGE) > _LONGEST_EDGE:
            raise NotKnownError(_TOO_LONG)
    return simplest(left), simplest(right)


def through(part: Periodic, period: int, outputs: int, reads: Callable[[int], range]) -> Periodic:
    """The field after a layer whose output m reads the units `reads(m)` of `part`.

    `reads(m + outputs)` must be `reads(m)` moved by `period`. Raises NotKnownError where it is too
    much work.
    """
    phases = len(part.phases)
    rounds = phases // gcd(phases, period)
    if outputs * rounds * phases > MOST_LOOKS:
        raise NotKnownError(_TOO_MANY_PHASES)

    def seen(m: int) -> Interval | None:
        units = reads(m)
        # From one period of the phases to the next the field moves right: the ends decide.
        ends = {*units[:phases], *units[-phases:]}
        return hull([part.seen_by(unit) for unit in ends])

    merged = tuple(seen(m) for m in range(outputs * rounds))
    return Periodic(simplest(part.step * (period * rounds // phases)), merged)
