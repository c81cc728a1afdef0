"""Receptive fields in words: of an output, over paths, where branches meet, of one unit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from convalgebra.cost.receptive_field.fields import is_cut
from convalgebra.language.layer_text import layer_text
from convalgebra.render.tables import Table, filled
from convalgebra.shapes import shape_text
from convalgebra.sizes import formula, has_choice, has_nested_floor, names
from convalgebra.words import counted

if TYPE_CHECKING:
    from convalgebra.cost.receptive_field.alignment import Branch
    from convalgebra.cost.receptive_field.axes import Axis
    from convalgebra.cost.receptive_field.fields import Field
    from convalgebra.cost.receptive_field.places import Places
    from convalgebra.cost.receptive_field.remedies import Finding
    from convalgebra.cost.receptive_field.units import View
    from convalgebra.cost.report import CostReport
    from convalgebra.sizes import Size

_MOST_PHASES = 6
_MOST_FINDINGS = 6
_MOST_REMAINDERS = 8
_MOST_RUNS = 4
_LONGEST_BRANCH = 40
_CUT = "channels are not told apart: behind a slice this or less is seen"


def field_cells(field: Field) -> tuple[str, str]:
    """The size of the receptive field and its jump; `all` where everything is seen."""
    if field.is_global:
        return "all", ""
    if field.axes is None:
        return "?", "?"
    return once([_size(axis) for axis in field.axes]), once([_jump(axis) for axis in field.axes])


def _size(axis: Axis) -> str:
    size = axis.size
    if has_choice(size):  # of edges that depend on the input alone the difference often does not
        from convalgebra.cost.receptive_field.remainders import by_remainder

        rests = by_remainder(size)
        return "?" if rests is None or len(rests.values) > 1 else formula(rests.values[0])
    return formula(size)


def _jump(axis: Axis) -> str:
    jump = axis.jump
    return "?" if jump is None else number(jump)


def once(texts: Sequence[str]) -> str:
    """Texts of several axes joined with x, or one of them where all are the same.

    >>> once(["3", "3"]), once(["3", "H + 1"])
    ('3', '3x(H + 1)')
    """
    return texts[0] if texts and len(set(texts)) == 1 else "x".join(map(alone, texts))


def alone(text: str) -> str:
    """A text that can stand beside an x."""
    return f"({text})" if " " in text else text


def number(value: Any) -> str:
    """A size or a fraction."""
    is_fraction = hasattr(value, "denominator") and not isinstance(value, int)
    return str(value) if is_fraction else formula(value)


def field_lines(report: CostReport) -> list[tuple[str, str]]:
    """What there is to say of the field of the output, each line with its label."""
    lines = [("field", field_sentence(report)), ("padding", _padding(report.receptive_field))]
    if is_cut(report.network, report.network.outputs[0]):
        lines.insert(1, ("", _CUT))
    if any(len(node.read) > 1 for node in report.network.nodes):
        lines.append(("paths", _paths(report)))
        first, *more = _alignment(report) or [""]
        lines += [("alignment", first), *(("", line) for line in more)]
    else:
        lines.append(("effective", _effective(report)))
    return [line for line in lines if line[1]]


def field_sentence(report: CostReport) -> str:
    """What a unit of the output sees."""
    field = report.receptive_field
    if field.axes is None:
        unknown = f"not known: {field.reason}"
        return f"the whole input; through windows {unknown}" if field.is_global else unknown
    if not field.axes:
        return "everything" if field.is_global else "one number"
    through = f"{'x'.join(alone(_size(axis)) for axis in field.axes)}, {_jumps(field.axes)}"
    edges = list(dict.fromkeys(_edges(axis) for axis in field.axes))
    if all(edges):
        through += f", {edges[0] if len(edges) == 1 else '; '.join(_by_axis(field.axes))}"
    return f"the whole input; through windows alone {through}" if field.is_global else through


def _jumps(axes: Sequence[Axis]) -> str:
    if all(len(axis.parts) == 1 for axis in axes):
        return f"jump {once([_jump(axis) for axis in axes])}"
    return f"no one jump (branches move by {once([_by_part(axis) for axis in axes])})"


def _by_part(axis: Axis) -> str:
    return " and ".join(number(part.jump) for part in axis.parts)


def _by_axis(axes: Sequence[Axis]) -> list[str]:
    names = _axis_names(len(axes))
    return [f"along {name} {_edges(axis)}" for name, axis in zip(names, axes, strict=True)]


def _edges(axis: Axis) -> str:
    """What the first units see; empty where it depends on the size of the input."""
    if axis.phases[0] is not None and any(map(has_floor, axis.phases[0])):
        return ""
    first = [_interval(seen) for seen in axis.phases[:_MOST_PHASES]]
    if len(axis.phases) == 1:
        centre = "" if axis.centre is None else f" (centre {number(axis.centre)})"
        return f"the first unit sees {first[0]}{centre}"
    more = ", .." if len(axis.phases) > _MOST_PHASES else ""
    return (
        f"the first units see {', '.join(first)}{more}, "
        f"and so on, {formula(axis.parts[0].step)} later every {len(axis.phases)} units"
    )


def has_floor(size: Size) -> bool:
    """Whether something is rounded in a size: its value jumps with the input."""
    if isinstance(size, int):
        return False
    from sympy import floor

    return bool(size.has(floor))


def _interval(seen: Any) -> str:
    return "nothing" if seen is None else f"{formula(seen[0])} to {formula(seen[1])}"


def _padding(field: Field) -> str:
    """The effective padding where it depends on the size of the input."""
    found = []
    for axis in field.axes or ():
        left = axis.left
        if left is None or not has_floor(left):
            continue
        from convalgebra.cost.receptive_field.remainders import by_remainder

        rests = by_remainder(left)
        if rests is None:
            found.append(f"{_in_formula(-left)} before the input")
            continue
        values = [formula(-value) for value in rests.values]
        if len(values) == 1:
            found.append(f"{values[0]} before the input, whatever {rests.name} is")
        elif len(values) > _MOST_REMAINDERS:
            ends = f"{formula(-max(rests.values))} to {formula(-min(rests.values))}"
            found.append(f"{ends} before the input: it depends on {rests.name} mod {len(values)}")
        else:
            found.append(
                f"{', '.join(values)} before the input where {rests.name} mod {len(values)} is "
                f"{', '.join(map(str, range(len(values))))}"
            )
    return "; ".join(dict.fromkeys(found))


def _paths(report: CostReport) -> str:
    paths = report.paths()
    if paths.number == 1 or report.receptive_field.axes in (None, ()):
        return ""
    many = f"{counted(paths.number, 'path').removesuffix(' paths')} through windows"
    if paths.smallest is None or paths.largest is None:
        return f"{many}; how much one of them sees is not known: {paths.reason}"
    ends = [
        "x".join(alone("?" if has_choice(size) else formula(size)) for size in sizes)
        for sizes in (paths.smallest, paths.largest)
    ]
    if ends[0] == ends[1]:
        return f"{many}, each of which sees {ends[0]}"
    return f"{many}; the shortest sees {ends[0]}, the longest {ends[1]}"


def _effective(report: CostReport) -> str:
    spread = report.spread()
    if spread is None or all(variance == 0 for variance in spread.variances):
        return ""
    if any(hasattr(variance, "free_symbols") for variance in spread.variances):
        return f"variance {once([number(v) for v in spread.variances])} under random weights"
    from math import sqrt

    deviations = [f"{sqrt(variance):.4g}" for variance in spread.variances]
    return f"standard deviation {once(deviations)} under random weights"


def _alignment(report: CostReport) -> list[str]:
    """A sentence on all places where branches meet, then one for each that is off."""
    meetings = report.meetings()
    if not meetings:
        return []
    by_verdict = Counter(meeting.verdict for meeting in meetings)
    unknown = [meeting for meeting in meetings if meeting.reason]
    bad = by_verdict["off"] + by_verdict["other jump"]
    places = counted(len(meetings) - len(unknown), "place")
    if bad:
        first = f"the centres of branches differ at {bad} of {places} where they meet"
    else:
        first = f"the centres of branches coincide where they meet ({places})"
    for verdict, said in (("on average", "on average over phases"), ("depends", "it depends")):
        if by_verdict[verdict]:
            first += f"; at {by_verdict[verdict]} {said}"
    lines = [] if len(unknown) == len(meetings) else [first]
    off = [meeting for meeting in meetings if any(map(_is_off, meeting.others))]
    shown = report.findings(off[:_MOST_FINDINGS])  # in each of them there is one at least
    shown = tuple(finding for finding in shown if _is_off(finding.branch))[:_MOST_FINDINGS]
    lines += [_finding(report, finding) for finding in shown]
    more = sum(_is_off(branch) for meeting in off for branch in meeting.others) - len(shown)
    if more:
        lines.append(f"and {more} more {'branch' if more == 1 else 'branches'}: --format json")
    if unknown:
        lines.append(f"not known at {counted(len(unknown), 'place')}: {unknown[0].reason}")
    return lines


def _is_off(branch: Branch) -> bool:
    return branch.verdict in ("off", "other jump", "depends")


def _finding(report: CostReport, finding: Finding) -> str:
    from convalgebra.cost.receptive_field.naming import branch_text

    network, meeting, branch = report.network, finding.meeting, finding.branch
    kind = network.nodes[meeting.node].layer.kind
    own = branch_text(network, branch.source, finding.layers, finding.beside)
    other = branch_text(network, meeting.reference.source, finding.beside, finding.layers)
    start = f"{network.shown_name(meeting.node)} ({kind}): branch {branch.number}, {_cut(own)},"
    beside = f"branch {meeting.reference.number}, {_cut(other)}"
    if branch.verdict == "other jump":
        both = (branch, meeting.reference)
        jumps = [once([_by_part(axis) for axis in one.axes]) for one in both]
        return f"{start} moves by {jumps[0]} a unit, {beside}, by {jumps[1]}"
    if branch.verdict == "depends":
        return f"{start} coincides with {beside}, {_where(branch)}"
    off = once([_signed(mean) for mean in branch.means])
    return f"{start} is off by {off} from {beside}; {_mended(report, finding)}"


def _where(branch: Branch) -> str:
    """For which inputs a branch is aligned, where that is a matter of remainders."""
    from convalgebra.cost.receptive_field.remainders import by_remainder

    found = []
    for mean in branch.means:
        if mean == 0:
            continue
        rests = by_remainder(mean)
        if rests is None:
            return f"or not: that depends on {_in_formula(mean)}"
        good = [rest for rest, value in enumerate(rests.values) if value == 0]
        if not good:
            return "for no input"
        if len(good) > _MOST_REMAINDERS:
            found.append(f"{rests.name} mod {len(rests.values)} is one of {len(good)} numbers")
            continue
        listed = " or ".join(map(str, good))
        found.append(f"{rests.name} mod {len(rests.values)} is {listed}")
    return f"where {' and '.join(dict.fromkeys(found))}"


def _in_formula(amount: Any) -> str:
    """A figure that depends on more remainders than are listed; not where nobody would read it."""
    if hasattr(amount, "free_symbols") and has_nested_floor(amount):
        named = " and ".join(sorted(names(amount)))
        return f"an amount that depends on {named} (numbers, --at, tell which)"
    return number(amount)


def _mended(report: CostReport, finding: Finding) -> str:
    remedy = finding.remedy
    if remedy is None:
        return "no padding of it aligns them" if finding.hopeless else "no padding was found for it"
    new, old = (", ".join(map(layer_text, layers)) for layers in (remedy.new, remedy.old))
    where = report.network.shown_name(remedy.node)
    if old:
        return f"{new} in place of {old} (layer {where}) aligns them"
    starts = {finding.layers.start, finding.beside.start}
    place = "at the beginning" if remedy.node in starts else f"after layer {where}"
    return f"{new} {place} of branch {remedy.branch} aligns them"


def _signed(amount: Any) -> str:
    is_formula = hasattr(amount, "free_symbols")
    return ("+" if is_formula or amount > 0 else "") + number(amount)


def _cut(branch: str) -> str:
    return branch if len(branch) <= _LONGEST_BRANCH else "..." + branch[3 - _LONGEST_BRANCH :]


# One unit


def views_to_text(report: CostReport, views: Sequence[View], width: int = 80) -> str:
    """What some units see, a table and a sentence each."""
    parts = [f"input {shape_text(report.input)}"]
    for view in views:
        lines = [filled(line, width) for line in view_lines(report, view)]
        parts.append("\n".join([lines[0], "", view_table(view).to_text(), "", *lines[1:]]))
    return "\n\n".join(parts)


def view_table(view: View) -> Table:
    """Along each axis the field of a unit, what of it lies in the padding, and what is seen."""
    seen = view.seen if view.windowed is None else view.windowed
    rows = []
    for axis, name in enumerate(_axis_names(len(view.sides))):
        field = "" if view.field is None else _interval(view.field[axis])
        around = "" if view.in_padding is None else " + ".join(map(str, view.in_padding[axis]))
        if seen is None:
            rows.append((name, field, "?", "?", "?"))
            continue
        runs = seen[axis]
        span = _interval((runs[0][0], runs[-1][1]) if runs else None)
        total = sum(last - first + 1 for first, last in runs)
        rows.append((name, field, around, span, f"{total:,}"))
    return Table(("axis", "field", "in the padding", "on the input", "seen"), tuple(rows))


def _axis_names(axes: int) -> Sequence[str]:
    """The last axis is x, as in NAME[y,x]."""
    return "zyx"[3 - axes :] if axes <= 3 else [str(axis) for axis in range(1, axes + 1)]


def view_lines(report: CostReport, view: View) -> list[str]:
    """Which unit it is, and in words what its table cannot say."""
    network = report.network
    unit = f"[{','.join(map(str, view.unit))}]" if view.unit else ""
    layer = network.nodes[view.node].layer
    what = "the input" if not view.node else f"layer {view.node}, {layer_text(layer) or layer.kind}"
    lines = [f"{view.name}{unit} of {shape_text(network.shapes[view.node])} ({what})"]
    if is_cut(network, view.node):
        lines.append(f"{_CUT[0].upper()}{_CUT[1:]}.")
    if view.seen is None:
        from convalgebra.cost.receptive_field.units import numbers_wanted

        if report.fields[view.node].is_global:
            lines.append("Through windows alone; with what was pooled it sees more.")
        wanted = numbers_wanted(network)
        lines.append(f"How much of it lies on the input depends on named sizes: {wanted}.")
        return lines
    runs = view.seen if view.windowed is None else view.windowed
    for axis, places in zip(_axis_names(len(runs)), runs, strict=True):
        if len(places) > 1:
            lines.append(f"Along {axis} there are holes: {_runs(places)} are seen.")
    if view.windowed is not None:
        lines.append(
            "Through windows alone; with what was pooled it sees "
            + " by ".join(_runs(places) for places in view.seen)
            + "."
        )
    elif not all(view.seen):
        lines.append("It sees nothing of the input.")
    elif view.inputs is None:
        lines.append("The set is a union of boxes; each line is where it lies along one axis.")
    elif len(view.sides) > 1:
        lines.append(f"{counted(view.inputs, 'position')} of the input.")
    return lines


def _runs(places: Places) -> str:
    shown = [str(a) if a == b else f"{a} to {b}" for a, b in places[:_MOST_RUNS]]
    more = len(places) - _MOST_RUNS
    return ", ".join(shown) + (f" and {counted(more, 'more piece')}" if more > 0 else "")
