"""The proof of an answer as a certificate: plain numbers that `check.py` verifies on its own.

The format is that of docs/certificates.md. Claims are the evidence that the rooms of the engine
hand out with their results.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from convalgebra.algebra.answers import FIELDS
from convalgebra.errors import UnsupportedError
from convalgebra.layers import ACTIVATIONS

if TYPE_CHECKING:
    from convalgebra.algebra.plan import Plan, Step
    from convalgebra.algebra.report import EquivalenceReport

SCHEMA = "convalgebra.certificate/2"


def certificate_of(report: EquivalenceReport) -> dict[str, Any]:
    """The certificate of a report, ready for JSON.

    >>> from convalgebra.algebra import equiv
    >>> found = certificate_of(equiv("3", "2,2"))
    >>> found["left"], found["claims"][0]["claim"]
    ({'text': '3', 'axes': 1, 'channels': 1}, 'bound')
    """
    claims: list[Mapping[str, Any]] = []
    for name, side in (("left", report.left), ("right", report.right)):
        if side.dimension is not None:
            claims += side.dimension.claims(name)
    for equations in report.implicit:
        side_name = "left" if equations.text == report.left.text else "right"
        claims += equations.claims(side_name)
    answers: list[dict[str, Any]] = []
    undecided: list[dict[str, str]] = []
    for maker, direction in (
        ("left", report.left_reproduces_right),
        ("right", report.right_reproduces_left),
    ):
        claims += [claim for claim in direction.reach.claims if claim not in claims]
        for field in FIELDS:
            answer = getattr(direction.reach, field)
            if answer == "unknown":
                undecided.append({"maker": maker, "field": field})
            else:
                answers.append({"maker": maker, "field": field, "answer": answer})
    sides = (report.left, report.right)
    plans = [_plan(side) for side in sides]
    if all(_ends_in_its_only_relu(plan) for plan in plans):
        plans = [replace(plan, steps=plan.steps[:-1]) for plan in plans]
    return {
        "schema": SCHEMA,
        **{name: _stack(plan) for name, plan in zip(("left", "right"), plans, strict=True)},
        "claims": claims,
        "answers": answers,
        **({"aligned": True} if report.left.family.plan.aligned else {}),
        **({"undecided": undecided} if undecided else {}),
    }


def _plan(side: Any) -> Plan:
    from convalgebra.algebra.plan import plan_of

    plan: Plan = side.family.plan
    if not side.activated:
        return plan
    kinds = {node.layer.kind for node in side.network.nodes} & ACTIVATIONS
    if kinds != {"relu"}:
        listed = " or ".join(sorted(kinds - {"relu"}))
        raise UnsupportedError(
            f"certificates know no {listed} (in {side.text}), only relu; without --certificate the "
            "answer is given with its reasons"
        )
    return plan_of(side.network, side.family.channels_in, plan.axes, relu=True)


def _ends_in_its_only_relu(plan: Plan) -> bool:
    """Whether a ReLU stands after the last layer and nowhere else: on both sides it cancels.

    For linear f, `relu(f(x)) - relu(f(-x)) = f(x)`; with biases, f is known where it is positive,
    on a half space at least unless it is constant.
    """
    return [step.op for step in plan.steps].count("relu") == 1 and plan.steps[-1].op == "relu"


# A plain list of layers, with the steps that `plan_of` makes of it: one for each layer.
_AXES = r"\d+(x\d+)*"
_PLAIN = re.compile(
    rf"(dw|convt)?{_AXES}(s{_AXES})?(p{_AXES})?(d{_AXES})?(g\d+)?(@\d+)?b?",
)


def _stack(plan: Plan) -> dict[str, Any]:
    """A stack by its text, where that is a plain list of layers, else with all its steps."""
    found = {"text": plan.text, "axes": plan.axes, "channels": plan.channels[0]}
    layers = plan.text.split(",")
    if plan.steps[-1].op != "relu" and layers[-1] == "relu":
        layers.pop()
        found["text"] = ",".join(layers) or "id"
    if len(layers) == len(plan.steps) - 1 and all(
        _PLAIN.fullmatch(layer) or layer == "relu" for layer in layers
    ):
        return found
    return {**found, "padded": plan.padded, "steps": _steps(plan)}


def _steps(plan: Plan) -> list[dict[str, Any]]:
    """The steps as sums, ReLUs and convolutions: what moves channels has fixed taps."""
    found: list[dict[str, Any]] = []
    place = {0: 0}  # of a step of the plan among those of the certificate
    weights: dict[int, int] = {}

    def add(layer: str, *sources: int, **fields: Any) -> int:
        found.append({"layer": layer, "from": list(sources), **fields})
        return len(found)

    one = "x".join("1" * plan.axes)
    for index, step in enumerate(plan.steps[1:], 1):
        sources = [place[source] for source in step.sources]
        out = step.channels[1]
        if step.op in ("add", "relu"):
            place[index] = add(step.op, *sources)
        elif step.op == "pick":
            taps = [[o, i, 0, 1] for o, i in enumerate(step.picked)]
            place[index] = add(f"{one}@{out}", *sources, taps=taps)
        elif step.op == "depth_to_space":
            taps = [[0, i, i, 1] for i in range(step.factor**plan.axes)]
            size = "x".join([str(step.factor)] * plan.axes)
            place[index] = add(f"convt{size}s{size}g{out}@{out}", *sources, taps=taps)
        elif step.op == "cat":
            parts, first = [], 0
            for source, at in zip(step.sources, sources, strict=True):
                own = plan.steps[source].channels[1]
                taps = [[first + i, i, 0, 1] for i in range(own)]
                parts.append(add(f"{one}@{out}", at, taps=taps))
                first += own
            place[index] = add("add", *parts)
        elif step.taps is None:
            assert step.weights is not None
            own = weights.setdefault(step.weights, len(found) + 1)
            shared = {"weights": own} if own <= len(found) else {}
            place[index] = add(_layer(step), *sources, **shared)
        else:
            fixed = [[0, 0, u, _number(v)] for u, v in enumerate(step.taps) if v]
            place[index] = add(_layer(step), *sources, taps=fixed)
    return found


def _layer(step: Step) -> str:
    """A convolution as it is written; the padding is the left one, and may be negative."""
    op = "convt" if step.op == "convt" else ""
    text = op + "x".join(map(str, step.size))
    defaults = (("s", step.stride, 1), ("p", step.padding, 0), ("d", step.dilation, 1))
    for letter, numbers, default in defaults:
        if set(numbers) != {default}:
            text += letter + "x".join(map(str, numbers))
    groups = f"g{step.groups}" if step.groups > 1 else ""
    return text + groups + f"@{step.channels[1]}" + "b" * step.bias


def _number(value: Fraction) -> int | str:
    return int(value) if value.denominator == 1 else str(value)
