"""Receptive fields, alignment and views as dictionaries for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import TYPE_CHECKING, Any

from convalgebra.cost.figures import plain
from convalgebra.cost.receptive_field.amounts import Amount, is_formula
from convalgebra.cost.receptive_field.naming import branch_text
from convalgebra.language.layer_text import layer_text
from convalgebra.sizes import simplest

if TYPE_CHECKING:
    from convalgebra.cost.receptive_field.axes import Axis
    from convalgebra.cost.receptive_field.fields import Field
    from convalgebra.cost.receptive_field.remedies import Finding, Remedy
    from convalgebra.cost.receptive_field.units import View
    from convalgebra.cost.report import CostReport
    from convalgebra.network import Network

MOST_PHASES = 64  # more of them are counted, and not listed


def field_to_dict(field: Field) -> dict[str, Any]:
    """Size, jump and edges along each axis; None where the field is not known.

    `phases` are there where an axis has several: what the first units see, until it repeats itself.
    """
    keys = ("size", "jump", "left", "right")
    if field.axes is None:
        return dict.fromkeys(keys) | {"reason": field.reason}
    found: dict[str, Any] = {
        key: [plain(getattr(axis, key)) for axis in field.axes] for key in keys
    }
    if any(len(axis.phases) > 1 for axis in field.axes):
        found["phases"] = [_phases(axis) for axis in field.axes]
    if any(len(axis.parts) > 1 for axis in field.axes):
        found["jumps"] = [[plain(part.jump) for part in axis.parts] for axis in field.axes]
    return found


def _phases(axis: Axis) -> Any:
    if len(axis.phases) > MOST_PHASES:
        return len(axis.phases)
    return [seen and [plain(edge) for edge in seen] for seen in axis.phases]


def output_field_to_dict(report: CostReport) -> dict[str, Any]:
    """The field of the (first) output: global or not, through windows, over paths, its spread."""
    field = report.receptive_field
    windowed = field_to_dict(field)
    found = {"global": field.is_global, "windowed": windowed, **windowed}
    if field.is_global:
        sides = report.input[1:]
        found = {
            "global": True,
            "windowed": windowed,
            "size": [plain(side) for side in sides],
            "jump": None,
            "left": [0] * len(sides),
            "right": [plain(simplest(side - 1)) for side in sides],
        }
    if field.axes is not None:
        found["padding"] = [_padding(axis) for axis in field.axes]
        found["centre"] = [_by_remainder(axis.centre) for axis in field.axes]
    paths = report.paths()
    found["paths"] = {
        "number": paths.number,
        "smallest": paths.smallest and [plain(size) for size in paths.smallest],
        "largest": paths.largest and [plain(size) for size in paths.largest],
        **({"reason": paths.reason} if paths.reason else {}),
    }
    spread = report.spread()
    if spread is not None:
        found["effective"] = {
            "variance": [plain(variance) for variance in spread.variances],
            "deviation": [
                None if is_formula(variance) else sqrt(variance) for variance in spread.variances
            ],
        }
    return found


def _padding(axis: Axis) -> Any:
    """The effective padding: minus the left edge."""
    return None if axis.left is None else _by_remainder(simplest(-axis.left))


def _by_remainder(amount: Amount | None) -> Any:
    """A figure; by remainder where it depends on that of one named size alone."""
    if amount is None or not is_formula(amount):
        return plain(amount)
    from convalgebra.cost.receptive_field.remainders import by_remainder

    rests = by_remainder(amount)
    if rests is None:
        return plain(amount)
    values = [plain(value) for value in rests.values]
    if len(values) == 1:
        return values[0]
    return {"depends_on": rests.name, "modulus": len(values), "by_remainder": values}


def alignment_to_dict(report: CostReport) -> dict[str, Any]:
    """How many places there are where branches meet, and every branch that is off."""
    meetings = report.meetings()
    verdicts = [meeting.verdict for meeting in meetings]
    return {
        "meetings": len(meetings),
        "aligned": verdicts.count("aligned"),
        "unknown": verdicts.count("unknown"),
        "findings": [_finding(report.network, finding) for finding in report.findings(meetings)],
    }


def _finding(network: Network, finding: Finding) -> dict[str, Any]:
    meeting, branch = finding.meeting, finding.branch
    own = branch_text(network, branch.source, finding.layers, finding.beside)
    other = branch_text(network, meeting.reference.source, finding.beside, finding.layers)
    phases = [along and [plain(offset) for offset in along] for along in branch.offsets]
    return {
        "at": network.shown_name(meeting.node),
        "verdict": branch.verdict,
        "branch": branch.number,
        "layers": own,
        "reference": {"branch": meeting.reference.number, "layers": other},
        "offset": [_by_remainder(mean) for mean in branch.means],
        "offset_by_phase": [None if len(p or ()) > MOST_PHASES else p for p in phases],
        "jump": [plain(axis.jump) for axis in branch.axes],
        "reference_jump": [plain(axis.jump) for axis in meeting.reference.axes],
        "remedy": finding.remedy and remedy_to_dict(network, finding.remedy),
    }


def remedy_to_dict(network: Network, remedy: Remedy) -> dict[str, Any]:
    """On which branch, `at` which layer, the `old` text and the `new`; or `after` which one."""
    new, old = (", ".join(map(layer_text, layers)) for layers in (remedy.new, remedy.old))
    where = {"at" if old else "after": network.shown_name(remedy.node)}
    return {"branch": remedy.branch, **where, "old": old, "new": new}


def views_to_dict(report: CostReport, views: Sequence[View]) -> dict[str, Any]:
    """What some units of a network see, under the keys of `convalgebra.units/1`."""
    return {
        "schema": "convalgebra.units/1",
        "network": str(report.network),
        "input": [plain(size) for size in report.input],
        "units": [view_to_dict(view) for view in views],
    }


def view_to_dict(view: View) -> dict[str, Any]:
    """What a unit sees, along each axis; runs as first and last position."""

    def runs(seen: Sequence[Any] | None) -> list[list[list[int]]] | None:
        return None if seen is None else [[list(run) for run in along] for along in seen]

    return {
        "name": view.name,
        "layer_number": view.node,
        "unit": list(view.unit),
        "field": view.field and [along and [plain(edge) for edge in along] for along in view.field],
        "in_padding": view.in_padding and [list(sides) for sides in view.in_padding],
        "seen": runs(view.seen),
        "through_windows": runs(view.windowed),
        "inputs": view.inputs,
    }
