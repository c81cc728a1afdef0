"""Plans without what adds nothing to their image: branches that another one holds, equal copies."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from math import gcd

from convalgebra.algebra.families import Family
from convalgebra.algebra.plan import Plan, Step
from convalgebra.errors import ConvalgebraError


def without_held_branches(plan: Plan) -> Plan:
    """A plan with the same image, without branches of sums that a dense layer beside them holds.

    Take a sum in which one branch is a single dense layer with weights of its own, and another
    branch reads the same value and reaches only taps of that layer. Whatever the other branch is,
    the layer's weights plus the branch's coefficients are again weights of the layer: the sums are
    the same without the branch.

    >>> from convalgebra.algebra.plan import plan_of
    >>> from convalgebra.language import parse
    >>> [step.op for step in without_held_branches(plan_of(parse("3x3p1 + 1x1 + id"))).steps]
    ['input', 'conv']
    """
    while True:
        uses = Counter(step.weights for step in plan.steps)
        readers = Counter(source for step in plan.steps for source in step.sources)
        found = next(
            (
                (index, source)
                for index, step in enumerate(plan.steps)
                if step.op == "add"
                for holder in step.sources
                if _is_own_dense(plan, holder) and uses[holder] == 1 == readers[holder]
                for source in step.sources
                if source != holder and _holds(plan, holder, source)
            ),
            None,
        )
        if found is None:
            return plan
        plan = _without(plan, *found)


def _is_own_dense(plan: Plan, index: int) -> bool:
    step = plan.steps[index]
    return step.op == "conv" and step.weights == index and step.groups == 1


def _holds(plan: Plan, holder: int, branch: int) -> bool:
    """Whether a branch reads what a dense layer reads, and reaches only its taps."""
    (start,) = plan.steps[holder].sources
    path: list[Step] = []
    index = branch
    while index != start:
        step = plan.steps[index]
        if len(step.sources) != 1 or index < start:
            return False
        path.append(step)
        (index,) = step.sources
    width = plan.steps[start].channels[1]
    try:
        reached = _coordinates(plan, path[::-1], width)
        held = _coordinates(plan, [plan.steps[holder]], width)
    except ConvalgebraError:
        return False
    return reached is not None and held is not None and reached <= held


MAX_COMPARED = 200_000


def _coordinates(plan: Plan, path: list[Step], width: int) -> set[object] | None:
    """The coefficients of some steps, one after another; None where there are too many."""
    steps = [Step("input", channels=(0, width))]
    for index, step in enumerate(path, 1):
        weights = None if step.weights is None else index
        steps.append(step._replace(sources=(index - 1,), weights=weights))
    if not path:
        everything = tuple(range(width))
        steps.append(Step("pick", (0,), (width, width), picked=everything))
    # Of dense layers all channels are alike: one is enough. Others reach no more than dense ones.
    narrow = [
        step._replace(channels=(min(step.channels[0], 1), 1), groups=1)
        if step.op in ("input", "conv", "convt")
        else step
        for step in steps
    ]
    if any(step.op == "depth_to_space" for step in path):
        return None
    narrow = [step._replace(channels=(1, 1), picked=(0,)) if step.op == "pick" else step
              for step in narrow]  # fmt: skip
    family = Family(replace(plan, steps=tuple(narrow)))
    if family.ambient > MAX_COMPARED:
        return None
    return {(c.source, c.phase, c.exponent) for c in family.coordinates} | {family.rate}


def _without(plan: Plan, index: int, source: int) -> Plan:
    """The plan without one source of a sum, and without the steps that nobody reads then."""
    step = plan.steps[index]
    left = list(step.sources)
    left.remove(source)
    steps = list(plan.steps)
    same: dict[int, int] = {}
    if len(left) == 1:
        same[index] = left[0]
    else:
        steps[index] = step._replace(sources=tuple(left))
    last = same.get(len(steps) - 1, len(steps) - 1)
    needed = {0, last}
    for number in range(len(steps) - 1, 0, -1):
        if number in needed:
            needed.update(same.get(s, s) for s in steps[number].sources)
    # The first use of shared weights may be gone: then another one is the first.
    firsts: dict[int, int] = {}
    for number in sorted(needed):
        weights = steps[number].weights
        if weights is not None:
            firsts.setdefault(weights, number)
    kept = sorted(needed)
    numbers = {old: new for new, old in enumerate(kept)}
    found = []
    for old in kept:
        one = steps[old]
        sources = tuple(numbers[same.get(s, s)] for s in one.sources)
        weights = None if one.weights is None else numbers[firsts[one.weights]]
        found.append(one._replace(sources=sources, weights=weights))
    return replace(plan, steps=tuple(found))


def copies_in(plan: Plan) -> int:
    """How many equal stacks a plan is, side by side, without any weights between them.

    >>> from convalgebra.algebra.plan import plan_of
    >>> from convalgebra.language import parse
    >>> copies_in(plan_of(parse("3x3@8g4, 3x3@8g2"), channels=8))
    2
    """
    count = 0
    for step in plan.steps:
        if step.op in ("conv", "convt"):
            count = gcd(count, step.groups)
        elif step.op not in ("input", "add"):
            return 1
    return max(count, 1)


def one_copy(plan: Plan, count: int) -> Plan:
    """One of the equal stacks."""
    steps = []
    for step in plan.steps:
        channels = (step.channels[0] // count, step.channels[1] // count)
        groups = step.groups // count if step.op in ("conv", "convt") else 1
        steps.append(step._replace(channels=channels, groups=groups))
    return replace(plan, steps=tuple(steps))
