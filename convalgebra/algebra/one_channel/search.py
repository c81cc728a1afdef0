"""The search for packings over one field, within a budget."""

from __future__ import annotations

from copy import copy
from typing import NamedTuple

from convalgebra.algebra.one_channel.atoms import Pattern, Question
from convalgebra.algebra.one_channel.chains import Exponent
from convalgebra.algebra.one_channel.packing import Packed, packings
from convalgebra.algebra.one_channel.places import Box
from convalgebra.algebra.one_channel.work import Work
from convalgebra.budget import Exhausted

STEPS = 100_000  # of work for each search, about a second


class Search(NamedTuple):
    """The packings that were found, and whether there are no others to look for."""

    found: tuple[Packed, ...]
    complete: bool

    @property
    def fails(self) -> bool:
        """Whether it is certain that there is no packing."""
        return self.complete and not self.found


_MOST_FOUND = 2_000  # packings that reach different places


def search(
    question: Question,
    pattern: Pattern | None = None,
    *,
    rational: bool = False,
    place: Exponent | None = None,
) -> Search:
    """The ways to pack over C; over R if the roots have this pattern; or over Q.

    With a place only those that reach it, and one of them is enough.
    """
    if not question.divisible:
        return Search((), True)
    found: dict[Box, Packed] = {}
    try:
        if rational:
            along = question.nothing_along()
            cases = question.rational_parts()
        else:
            along = question.lines(pattern)
            cases = iter([question.solid])
        for parts in cases:
            for packed in packings(parts, question.rooms, along, question.work):
                if place is not None and not packed.reaches(place):
                    continue
                found.setdefault(packed.box, packed)
                if place is not None or question.alike:
                    return Search(tuple(found.values()), True)
                if len(found) >= _MOST_FOUND:
                    return Search(tuple(found.values()), False)
    except Exhausted:
        return Search(tuple(found.values()), False)
    return Search(tuple(found.values()), True)


def again(question: Question) -> Question:
    """The same question with work for another search; what is known of cycles stays known."""
    again = copy(question)
    again.work = Work(STEPS)
    again.work.cycles = question.work.cycles
    return again
