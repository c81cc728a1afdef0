"""A merged stack as text: what it is, where it is not the stack, and why."""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import TYPE_CHECKING, Any

from convalgebra.render.borders_text import ring_text
from convalgebra.render.tables import Table, filled
from convalgebra.shapes import shape_text
from convalgebra.words import counted

if TYPE_CHECKING:
    from convalgebra.kernels.merging.parameters import ParameterTable
    from convalgebra.kernels.merging.report import MergeReport, Ring

_MOST_NUMBERS = 49  # of a kernel that is written out
_MOST_ROWS = 16  # of a picture
_LONGEST = 60  # characters of a stack
_LONG_FRACTION = 12  # characters


def merge_to_text(report: MergeReport, width: int = 80) -> str:
    """The verdict, the merged kernel if it is small, and what it costs.

    >>> from convalgebra.kernels.merging import merge
    >>> kernels = [[[[1, 2, 1]]], [[[1, 0, -1]]]]
    >>> print(merge_to_text(merge("3p1, 3p1", kernels, input="9")))
    3p1,3p1 on 1x9 is 5p2, exact except at 2 of 9 outputs
    <BLANKLINE>
    The outputs that differ: the first and the last. For inputs between -1 and 1
    they differ by at most 1, which is attained at position 0.
    Why: layer 2 (3p1) reads zeros where layer 1, continued beyond its border, is
    not zero.
    With its padding moved, as 3p2,3, the stack is 5p2 at every output (and no
    longer what it was).
    Weights matched by order: `0.weight` is array 1 (1x1x3), `1.weight` is array 2
    (1x1x3); only their order tells arrays of one shape apart.
    <BLANKLINE>
    weight, 1x1x5
      1 2 0 -2 -1
    <BLANKLINE>
            stack  merged
    params      6       5
    MACs       54      45
    bytes     168      92
    """
    lines = [*filled(title(report), width).split("\n")]
    told = sentences(report)
    if told:
        lines.append("")
    for line in told:
        lines += filled(line, width).split("\n")
    lines += picture(report, width)
    for name, rows in arrays_shown(report, width):
        lines += ["", name, *_aligned(rows)]
    for line in not_shown(report, width):
        lines += ["", line]
    lines += ["", costs(report).to_text()]
    return "\n".join(lines)


def parameters_to_text(table: ParameterTable) -> str:
    """The names of weights with their shapes.

    >>> from convalgebra.kernels.merging import parameter_table
    >>> print(parameters_to_text(parameter_table("3x3p1@8b", channels=3)))
    name      shape    layer
    0.weight  8x3x3x3  3x3p1@8b
    0.bias    8        3x3p1@8b
    """
    if not len(table):
        return "the stack has no weights"
    return "\n\n".join([parameter_rows(table).to_text(), *table.notes])


def parameter_rows(table: ParameterTable) -> Table:
    """A row for each array of weights."""
    rows = ((p.label, "x".join(map(str, p.shape)), p.layer) for p in table)
    return Table(("name", "shape", "layer"), tuple(rows), left=3)


def title(report: MergeReport) -> str:
    """What the stack is, in a line."""
    where = "" if report.input is None else f" on {shape_text(report.input)}"
    stack = f"{_short(report.stack)}{where} is {merged_name(report)}"
    if report.verdict in ("exact", "equal to rounding"):
        return f"{stack}, {report.verdict}"
    if report.verdict == "unknown" or report.ring is None:
        return f"{stack} away from the borders; there it is not decided"
    if report.input is None:
        return f"{stack}, exact except at the borders"
    ring = report.ring
    if ring.differ == ring.outputs:
        return f"{stack} at no output: all {ring.outputs:,} feel the border"
    return f"{stack}, exact except at {ring.differ:,} of {counted(ring.outputs, 'output')}"


def merged_name(report: MergeReport) -> str:
    """The merged convolution in the notation, or what is known of it."""
    if report.kind == "phases":
        many = prod(report.phases)
        kernel = "x".join(map(str, report.size))
        stride = "x".join(map(str, report.stride))
        text = (
            f"not one convolution but {many} (kernels of {kernel} at stride {stride}), whose "
            "outputs alternate"
        )
        return text if report.text is None else f"{text}: {report.text}"
    if report.text is not None:
        return report.text
    return "one convolution"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else "the stack"


def sentences(report: MergeReport) -> list[str]:
    """Where the stack differs from its merged convolution, by how much, why, and what mends it."""
    lines = []
    ring = report.ring
    if report.verdict == "exact" and report.input is None:
        sides = "" if report.least is None else f" of at least {_sides(report.least)}"
        lines.append(f"The two are equal at every output, on every input{sides}.")
    if report.verdict == "equal to rounding":
        where = "" if report.input is not None else ", on every input"
        where += "" if report.least is None else f" of at least {_sides(report.least)}"
        lines.append(
            f"What the borders change at some outputs{where} is no more than rounding: for inputs "
            f"between -1 and 1 the two differ by at most {number(report.bound)}."
        )
    if report.verdict == "except" and ring is not None:
        lines.append(f"The outputs that differ: {place(ring)}. {_error(report, ring)}")
        if report.input is None:
            least = report.least or ()
            lines.append(
                f"The ring is that of every input of at least {_sides(least)}; on "
                f"{shape_text(ring.input)}, {ring.differ:,} of {counted(ring.outputs, 'output')} "
                "differ."
            )
    if report.reason:
        lines.append(f"Why: {report.reason}.")
    if report.mended is not None and report.text is not None:
        how = f", as {report.mended}," if len(report.mended) <= _LONGEST else " to the input"
        lines.append(
            f"With its padding moved{how} the stack is {report.text} at every output (and no "
            "longer what it was)."
        )
    if report.bound and report.verdict != "equal to rounding":
        lines.append(
            "The merged weights are rounded: for inputs between -1 and 1 that changes an output by "
            f"at most {number(report.bound)}."
        )
    if report.by_order:
        lines.append(f"Weights matched by order: {report.by_order}.")
    lines += [f"Note: {note}." for note in report.notes]
    return lines


def _sides(sides: tuple[int, ...]) -> str:
    return "x".join(map(str, sides))


def _error(report: MergeReport, ring: Ring) -> str:
    if ring.error is None:
        return (
            "(Counted for almost all weights: by how much these differ was too much to work out.)"
        )
    channel = f"channel {ring.channel} of " if report.channels[1] > 1 else ""
    spot = ", ".join(map(str, ring.position))
    spot = f"({spot})" if len(ring.position) > 1 else spot
    on = f" on {shape_text(ring.input)}" if report.input is None else ""
    return (
        f"For inputs between -1 and 1 they differ by at most {number(ring.error)}, which is "
        f"attained at {channel}position {spot}{on}."
    )


def number(value: Any) -> str:
    """A number as it is read: short fractions exactly, others to six digits.

    >>> number(Fraction(1, 3)), number(Fraction(4)), number(0.1), number(Fraction(1, 3**25))
    ('1/3', '4', '0.1', '1.18024e-12')
    >>> number(Fraction(10**600)), number(Fraction(-1, 10**600))
    ('about 10^600', 'about -10^-600')
    """
    if isinstance(value, Fraction):
        if len(str(value)) <= _LONG_FRACTION:
            return str(value)
        try:
            rounded = float(value)
        except OverflowError:
            rounded = 0.0
        if value and not rounded:
            return _power_of_ten(value)
        value = rounded
    return f"{value:.6g}"


def _power_of_ten(value: Fraction) -> str:
    """About what a number is that no float holds."""
    above, below = abs(value.numerator), value.denominator
    power = len(str(above // below)) - 1 if above > below else 1 - len(str(below // above))
    return f"about {'-' if value < 0 else ''}10^{power}"


def place(ring: Ring) -> str:
    """Where the outputs lie that differ.

    Those among the first 2 rows and the last column, for one.
    """
    if ring.differ == ring.outputs:
        return "all"
    return ring_text(ring.widths, whole=ring.whole)


def picture(report: MergeReport, width: int = 80) -> list[str]:
    """The output, # where it differs, if words do not say all and it does not take much room."""
    ring = report.ring
    if ring is None or ring.errors is None or ring.whole or not ring.differ or report.input is None:
        return []
    rows = ring.errors if ring.errors.ndim > 1 else ring.errors[None]
    if rows.ndim > 2 or rows.shape[0] > _MOST_ROWS or rows.shape[1] > width - 2:
        return []
    return ["  " + "".join("#" if error else "." for error in row) for row in rows]


def arrays_shown(report: MergeReport, width: int = 80) -> list[tuple[str, list[list[str]]]]:
    """The weight and the bias with their shapes, row by row; none where they take much room."""
    weight, bias = report.weight, report.bias
    if weight.shape[:2] != (1, 1) or weight.size > _MOST_NUMBERS or weight.ndim > 4:
        return []
    rows = weight.reshape(-1, weight.shape[-1]).tolist()
    cells = [[number(value) for value in row] for row in rows]
    if max(map(len, _aligned(cells))) > width:
        return []
    found = [(f"weight, {'x'.join(map(str, weight.shape))}", cells)]
    if bias is not None:
        found.append(("bias, 1", [[number(value) for value in bias.tolist()]]))
    return found


def not_shown(report: MergeReport, width: int = 80) -> list[str]:
    """How a weight is had that is not shown."""
    if arrays_shown(report, width):
        return []
    shape = "x".join(map(str, report.weight.shape))
    return [f"weight, {shape}: --out FILE writes it, --format json prints it"]


def _aligned(cells: list[list[str]]) -> list[str]:
    """Rows of numbers, in columns if there are several."""
    wide = max(len(cell) for row in cells for cell in row) if len(cells) > 1 else 0
    return ["  " + " ".join(cell.rjust(wide) for cell in row) for row in cells]


def costs(report: MergeReport) -> Table:
    """Params, and on a given input MACs and bytes moved, of the stack and of the merged one."""
    from convalgebra.cost import cost

    header = ("", "stack", "merged")
    merged = report.merged
    if report.input is None or merged is None:
        from convalgebra.kernels.merging import parameter_table

        table = parameter_table(report.network, channels=report.channels[0])
        learned = sum(prod(p.shape) for p in table if not p.role.startswith("running"))
        own = report.weight.size + (0 if report.bias is None else report.bias.size)
        return Table(header, (("params", f"{learned:,}", f"{own:,}"),))
    one, other = (cost(n, dtype="float32").total for n in (report.network, merged))
    rows = (
        ("params", f"{one.params:,}", f"{other.params:,}"),
        ("MACs", f"{one.macs:,}", f"{other.macs:,}"),
        ("bytes", f"{one.bytes:,}", f"{other.bytes:,}"),
    )
    return Table(header, rows)
