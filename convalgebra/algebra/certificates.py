"""The proof of an answer as a certificate: plain numbers that `check.py` verifies on its own.

The format is that of docs/certificates.md. Claims are the evidence that the rooms of the engine
hand out with their results; an answer names the claims from which it follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from convalgebra.algebra.answers import FIELDS

if TYPE_CHECKING:
    from convalgebra.algebra.report import Direction, EquivalenceReport

SCHEMA = "convalgebra.certificate/1"


def certificate_of(report: EquivalenceReport) -> dict[str, Any]:
    """The certificate of a report, ready for JSON.

    >>> from convalgebra.algebra import equiv
    >>> found = certificate_of(equiv("3", "2,2"))
    >>> found["schema"], found["left"]["steps"][1]["size"]
    ('convalgebra.certificate/1', [3])
    """
    claims: list[Mapping[str, Any]] = []
    for name, side in (("left", report.left), ("right", report.right)):
        if side.dimension is not None:
            claims += side.dimension.claims(name)
    for equations in report.implicit:
        side_name = "left" if equations.text == report.left.text else "right"
        claims += equations.claims(side_name)
    shared = list(range(len(claims)))
    answers: list[dict[str, Any]] = []
    for maker, made, direction in (
        ("left", "right", report.left_reproduces_right),
        ("right", "left", report.right_reproduces_left),
    ):
        first = len(claims)
        claims += [_moved(claim, first) for claim in direction.reach.claims]
        because = [*range(first, len(claims)), *shared]
        answers += _answers(direction, maker, made, because)
    return {
        "schema": SCHEMA,
        "left": _stack(report.left),
        "right": _stack(report.right),
        "claims": claims,
        "answers": answers,
    }


def _moved(claim: Mapping[str, Any], first: int) -> Mapping[str, Any]:
    """A claim that names another of its own list by number, in the list of all."""
    if "claim_of" not in claim:
        return claim
    return {**claim, "claim_of": claim["claim_of"] + first}


def _answers(direction: Direction, maker: str, made: str, because: list[int]) -> list[Any]:
    return [
        {
            "maker": maker,
            "made": made,
            "field": field,
            "answer": getattr(direction.reach, field),
            "because": because,
        }
        for field in FIELDS
        if getattr(direction.reach, field) != "unknown"
    ]


def _stack(side: Any) -> dict[str, Any]:
    from convalgebra.algebra.plan import plan_of

    plan = side.family.plan
    if side.activated:
        plan = plan_of(side.network, side.family.channels_in, plan.axes, relu=True)
    found: dict[str, Any] = plan.to_dict()
    return found
