"""Which of two stacks is the cheaper one, and where, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convalgebra.sizes import formula, names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from convalgebra.cost.comparison import Comparison
    from convalgebra.cost.crossovers import Case, Condition

_DIGITS = 5
_LONGEST = 24


def bound_text(bound: Any) -> str:
    """An exact bound as one reads it: `9/8`, `sqrt(5)/2 = 1.11803..`; a long one by its digits.

    >>> from sympy import Rational, sqrt
    >>> bound_text(Rational(9, 8)), bound_text(sqrt(5) / 2)
    ('9/8', 'sqrt(5)/2 = 1.11803..')
    """
    if names(bound):
        return formula(bound)
    if isinstance(bound, int) or bound.is_Integer:
        return formula(int(bound))
    if bound.is_Rational:
        return str(bound)
    digits = f"{_cut_off(bound)}.."
    return f"{bound} = {digits}" if len(str(bound)) <= _LONGEST else digits


def crossover_sentences(
    comparison: Comparison,
    figures: Mapping[str, str],
    stacks: Sequence[str],
    write: Callable[[Any], str],
) -> list[str]:
    """What is known of the figures of every two stacks that were held against each other.

    What follows from other sentences is left out.
    `figures` says how the figures are called, `stacks` how the stacks are; `write` writes sizes.
    """
    from convalgebra.cost.comparison import not_implied

    found: dict[str, list[str]] = {}
    for crossover in not_implied(comparison.crossovers):
        one, other = (stacks[number] for number in crossover.stacks)
        said = cases_text(crossover.cases, one, other, write)
        found.setdefault(said, []).append(figures[crossover.figure].partition(",")[0])
    return [f"{', '.join(called)}: {sentence}" for sentence, called in found.items()]


def cases_text(
    cases: Sequence[Case], one: str, other: str, write: Callable[[Any], str] = bound_text
) -> str:
    """`B is cheaper than A as soon as C > 9/8, dearer for C < 9/8`.

    >>> from convalgebra.cost.crossovers import crossover
    >>> from convalgebra.sizes import symbol
    >>> C, k = symbol("C"), symbol("k")
    >>> print(cases_text(crossover(9 * C**2, C**2 + 9 * C), "A", "B"))
    B is cheaper than A as soon as C > 9/8, dearer for C < 9/8
    >>> print(cases_text(crossover(9 * C, 9 * C + k), "A", "B"))
    A is always cheaper than B
    >>> print(cases_text(crossover(2 * k, C), "A", "B"))
    A is cheaper than B as soon as C > 2k, dearer for smaller C
    """
    decided = [case for case in cases if case.sign]
    if not decided:
        known = "the same" if cases[0].sign == 0 else "not decided"
        return f"{known} for {one} and {other}"
    # The one that is spoken of is cheaper where sizes are large.
    large = [case for case in decided if any(c.relation == ">" for c in case.conditions)]
    sign = (large or decided)[-1].sign
    assert sign is not None
    subject, beside = (one, other) if sign == -1 else (other, one)
    strict = all(case.strict for case in decided)
    cheaper, dearer = ("cheaper", "dearer") if strict else ("never dearer", "never cheaper")
    places = _places(cases, sign, write)
    if places == [""]:
        always = "always " if strict else ""
        return f"{subject} is {always}{cheaper} than {beside}"
    where = " or ".join(places)
    soon = len(places) == 1 and large and " < " not in where
    said = [f"{subject} is {cheaper} than {beside} {'as soon as' if soon else 'for'} {where}"]
    for word, other_sign in ((dearer, -sign), ("the same", 0), ("not decided", None)):
        places = _places(cases, other_sign, write)
        if places:
            said.append(f"{word} for {' or '.join(places)}" if all(places) else f"{word} otherwise")
    return ", ".join(said)


def _places(cases: Sequence[Case], sign: int | None, write: Callable[[Any], str]) -> list[str]:
    """The places where there is a case of a sign: `C < 2`, `C > 2k where k >= 2`."""
    found = []
    for case in sorted(cases, key=lambda case: len(case.conditions) > 1):
        if case.sign != sign:
            continue
        line = next((c for c in case.conditions if names(c.bound)), None)
        if line is None or line.relation == ">":
            found.append(_conditions(case.conditions, write))
        elif line.relation == "<":  # the other side of the line was told
            found.append(f"smaller {write(line.size)}")
        # That figures agree on the line between two regions goes without saying.
    return found


def _conditions(conditions: Sequence[Condition], write: Callable[[Any], str]) -> str:
    above = {c.size: write(c.bound) for c in conditions if c.relation == ">"}
    below = {c.size: write(c.bound) for c in conditions if c.relation == "<"}
    said: list[str] = []
    domain: list[str] = []
    for size, relation, bound in conditions:
        if size in above and size in below:
            if relation == ">":
                said.append(f"{above[size]} < {write(size)} < {below[size]}")
        else:
            where = domain if relation == ">=" else said
            where.append(f"{write(size)} {relation} {write(bound)}")
    return " where ".join(" and ".join(facts) for facts in (said, domain) if facts)


def _cut_off(number: Any) -> str:
    """The first digits, not rounded."""
    from sympy import floor

    whole, rest = divmod(int(floor(number * 10**_DIGITS)), 10**_DIGITS)
    return f"{whole:,}.{rest:0{_DIGITS}}"
