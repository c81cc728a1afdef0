"""The assumptions of a report, read back from their text and tried on numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_TOKEN = re.compile(r"[A-Za-z_]\w*|\d+(?:,\d{3})*|//|[-+*/^(),]")
_RELATION = re.compile(r" (>=|<=|=|!=|divides) ")


def all_hold(facts: Iterable[str], numbers: Mapping[str, int]) -> bool:
    """Whether facts like `H >= 3`, `4 divides C` and `2*(H//2) = H` are true of numbers."""
    return all(holds(fact, numbers) for fact in facts)


def holds(fact: str, numbers: Mapping[str, int]) -> bool:
    """Whether one fact is true of numbers: `C = M or M = 1` where one of its parts is."""
    if " or " in fact:
        return any(holds(part, numbers) for part in fact.split(" or "))
    left, relation, right = _RELATION.split(fact)
    one, other = value(left, numbers), value(right, numbers)
    if relation == "divides":
        return other % one == 0
    compared = {">=": one >= other, "<=": one <= other, "=": one == other, "!=": one != other}
    return compared[relation]


def value(formula: str, numbers: Mapping[str, int]) -> int | float:
    """What `9C^2 (H//2)` is worth: operands side by side are multiplied."""
    python = ""
    before = ""
    for token in _TOKEN.findall(formula):
        begins_operand = token[0].isalnum() or token[0] in "_("
        if begins_operand and (before[-1:].isalnum() or before == ")") and before not in _CHOICES:
            python += "*"
        python += "**" if token == "^" else token.replace(",", "") or ","
        before = token
    return eval(python, {"__builtins__": {}}, {**_CHOICES, **numbers})


_CHOICES = {"max": max, "min": min}
