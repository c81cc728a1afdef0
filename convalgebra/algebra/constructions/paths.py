"""Ways through a plan, one branch of every sum; the other branches are zero, or fixed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from convalgebra.algebra.plan import Plan

_MOST_PATHS = 8  # up to a step


@dataclass(frozen=True)
class Path:
    """Steps from the input to the output through one branch of every sum; the others' parts."""

    steps: tuple[int, ...]
    fixed: tuple[int, ...] = ()  # outputs of branches without weights, that are added at the end

    @property
    def is_plain(self) -> bool:
        return not self.fixed


def paths(plan: Plan) -> Iterator[Path]:
    """The ways through: all other branches of sums can be set to zero, or are fixed.

    >>> from convalgebra.algebra.families import family_of
    >>> from convalgebra.language import parse
    >>> [path.steps for path in paths(family_of(parse("3x3p1 + 1x1, 1x1")).plan)]
    [(1, 4), (2, 4)]

    At most `_MOST_PATHS` of those up to a step are followed.
    """
    if any(step.op not in ("input", "conv", "add") for step in plan.steps):
        return
    if any(step.weights not in (None, index) for index, step in enumerate(plan.steps)):
        return
    # Of each step: whether its value is 0 when all weights are, whether it depends on none, and the
    # steps that it depends on, itself among them, as bits.
    can_be_zero, is_fixed, before = [False], [True], [1]
    ways: list[list[Path]] = [[Path(())]]
    for index, step in enumerate(plan.steps[1:], 1):
        weighted = step.weights is not None
        can_be_zero.append(weighted or all(can_be_zero[source] for source in step.sources))
        is_fixed.append(not weighted and all(is_fixed[source] for source in step.sources))
        bits = 1 << index
        for source in step.sources:
            bits |= before[source]
        before.append(bits)
        found: list[Path] = []
        if step.op == "conv":
            for path in ways[step.sources[0]]:
                if path.is_plain:  # a layer after a sum with a fixed part would change that part
                    found.append(Path((*path.steps, index)))
        else:
            for place, source in enumerate(step.sources):
                others = [s for other, s in enumerate(step.sources) if other != place]
                fixed = [s for s in others if not can_be_zero[s]]
                if all(is_fixed[s] for s in fixed):
                    for path in ways[source]:
                        # Steps of the way itself must not feed what is to be zero or subtracted.
                        own = sum(1 << s for s in path.steps)
                        if not any(before[s] & own for s in others):
                            found.append(Path(path.steps, (*path.fixed, *fixed)))
        ways.append(found[:_MOST_PATHS])
    yield from ways[-1]
