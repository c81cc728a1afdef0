"""How much of one one-channel chain another one reproduces: answers, figures, evidence."""

from __future__ import annotations

from dataclasses import replace

from convalgebra.algebra.answers import Reach
from convalgebra.algebra.one_channel.atoms import Question
from convalgebra.algebra.one_channel.chains import Chain, fixed_shift
from convalgebra.algebra.one_channel.codimension import codimension_of_common_members
from convalgebra.algebra.one_channel.counterexamples import (
    misplaced_member,
    uncovered_member,
    wide_member,
)
from convalgebra.algebra.one_channel.dimension import degree, dimension
from convalgebra.algebra.one_channel.evidence import claims
from convalgebra.algebra.one_channel.kernels import chain_makes, covers, kernel_makes
from convalgebra.algebra.one_channel.search import STEPS, search
from convalgebra.algebra.one_channel.stacks import (
    found_or_none,
    stack_makes,
    too_small,
)
from convalgebra.algebra.one_channel.witness import Witness
from convalgebra.algebra.one_channel.work import Work

__all__ = ["chain_makes", "covers", "kernel_makes", "reach"]


def reach(maker: Chain, made: Chain) -> Reach:
    """How much of `made` is reproduced by `maker`, both one-channel chains of one total stride.

    >>> from convalgebra.algebra.one_channel.chains import chain_of
    >>> from convalgebra.language import parse
    >>> found = reach(chain_of(parse("2x3, 2x1")), chain_of(parse("2x2, 2x2")))
    >>> found.complex, found.codimension
    ('thin', 1)
    >>> reach(chain_of(parse("3x3, 3x3")), chain_of(parse("5x1, 1x5"))).real
    'all'

    The evidence in `claims` calls the sides "maker" and "made".
    """
    if maker.is_kernel:
        found = kernel_makes(maker, made)
        if found.complex == "thin":
            found = replace(found, witnesses=_uncovered(maker, made))
    elif made.is_kernel:
        found = chain_makes(maker, made)
    else:
        found = stack_makes(maker, made)
    codimension, its_degree = _figures(found, maker, made)
    found = replace(found, codimension=codimension, degree=its_degree)
    return replace(found, claims=claims(found, maker, made))


def _uncovered(maker: Chain, made: Chain) -> tuple[Witness, ...]:
    axis = too_small(maker, made)
    if axis is not None:
        return found_or_none(wide_member(maker, made, axis))
    return found_or_none(uncovered_member(maker, made) or misplaced_member(maker, made))


def _figures(found: Reach, maker: Chain, made: Chain) -> tuple[int | None, int | None]:
    """The codimension and the degree of the members that are reproduced, over C."""
    if found.complex == "all":
        return 0, 1
    if found.complex == "unknown":
        return None, None
    if _all_is_in(made, maker):
        lost = dimension(made).value - dimension(maker).value
        return lost, degree(maker) if made.is_kernel else None
    return codimension_of_common_members(maker, made), None


def _all_is_in(made: Chain, maker: Chain) -> bool:
    """Whether all that the maker makes is a member of `made`: that is then what is common."""
    if made.is_kernel:
        return covers(made, maker)
    if too_small(made, maker) is not None or not made.weights:
        return False
    question = Question(made, maker, Work(STEPS))
    return bool(search(question, place=fixed_shift(made, maker)).found)
