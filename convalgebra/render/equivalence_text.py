"""An EquivalenceReport as text that fits on one screen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from convalgebra.render.equation_text import equation_text
from convalgebra.render.tables import Table, counted, filled, in_words, listed

if TYPE_CHECKING:
    from convalgebra.algebra.equivalence import Direction, EquivalenceReport, Side
    from convalgebra.algebra.one_channel.witness import Witness

_MOST_EQUATIONS = 12  # more are counted, not printed: --derive and JSON have them
_LARGEST_SHOWN = 7  # rows of a witness kernel; a larger one is given as a polynomial
_FIELDS = {"real": "real", "complex": "complex", "rational": "rational"}


def equivalence_to_text(report: EquivalenceReport, width: int = 80) -> str:
    """The whole answer: who makes whom, figures, equations, why not, a witness."""
    parts = [filled(headline(report), width), "\n".join(_directions(report, width))]
    parts.append(figures(report).to_text("  "))
    parts += _system(report, width)
    parts += [_witness(witness, report, width) for witness in shown_witnesses(report)]
    parts.append(answers(report).to_text("  ", "   ") + "\n" + _legend(report, width))
    return "\n\n".join(parts)


def headline(report: EquivalenceReport) -> str:
    """One line: equivalent or not, over the reals where the fields differ."""
    verdict = {True: "equivalent", False: "not equivalent", None: "not decided"}[report.equivalent]
    both = (report.left_reproduces_right.reach, report.right_reproduces_left.reach)
    if report.equivalent and any(reach.rational != "all" for reach in both):
        verdict += " over real and complex numbers, not over rationals"
    return f"{name(report.left)}  and  {name(report.right)}:  {verdict}"


def name(side: Side) -> str:
    """A stack as the user wrote it, in canonical form."""
    return side.chain.text


def _directions(report: EquivalenceReport, width: int) -> Iterator[str]:
    for direction in (report.left_reproduces_right, report.right_reproduces_left):
        first, second = sentences(direction)
        yield f"  {first}\n" + _wrapped(second, width, "    ")


def _wrapped(text: str, width: int, indent: str) -> str:
    return filled(text, width, indent, indent)


def sentences(direction: Direction) -> tuple[str, str]:
    """Whether one side can stand in for the other, in words a student knows."""
    maker, made = name(direction.maker), name(direction.made)
    reach = direction.reach
    how_often = {
        "all": "always",
        "dense": "almost always",
        "part": "sometimes",
        "thin": "almost never",
        "unknown": "not decided",
    }[reach.real]
    return f"{maker} reproduces {made}:  {how_often}.", _explanation(direction)


def _explanation(direction: Direction) -> str:
    maker, made = direction.maker, direction.made
    reach = direction.reach
    text = reach.reason[0].upper() + reach.reason[1:] + "."
    if reach.real == "all":
        if maker.chain.is_kernel:
            text = f"Whatever the weights of {name(made)}, one {name(maker)} kernel equals it."
        return text + _places(direction)
    if reach.least_real_roots is not None and reach.real == "part":
        return f"Over the reals {_real_condition(direction)}: {reach.reason}."
    if direction.codimension:
        return (
            f"It makes {maker.dimension.value:,} of the {made.dimension.value:,} dimensions of "
            f"all {name(made)} kernels: {reach.reason}."
        )
    return text


def _real_condition(direction: Direction) -> str:
    reach = direction.reach
    (target,) = direction.made.chain.factors
    (axis,) = target.axes
    # Three taps are a quadratic in z^dilation; its roots count if no layer has a finer lattice.
    if target.taps[axis] == 3 and target.dilation[axis] == reach.root_step:
        first, middle, last = kernel_names(direction.made)
        return f"exactly the kernels with discriminant {middle}^2 - 4*{first}*{last} >= 0 are made"
    step = f", as polynomials in z^{reach.root_step}" if reach.root_step > 1 else ""
    return (
        f"exactly the kernels with at least {reach.least_real_roots} real roots are made "
        f"(with multiplicity, those at 0 and infinity too{step})"
    )


def kernel_names(side: Side) -> list[str]:
    """The names of the weights of a single kernel, in order."""
    from itertools import product

    from convalgebra.letters import layer_letter, tap_name

    (factor,) = side.chain.factors
    return [
        tap_name(layer_letter(0), tap, factor.taps) for tap in product(*map(range, factor.taps))
    ]


def _places(direction: Direction) -> str:
    offsets = direction.reach.offsets
    if len(offsets) < 2:
        return ""
    shown = [f"({','.join(map(str, offset))})" for offset in offsets[:6]]
    more = f" and {len(offsets) - 6} more" if len(offsets) > 6 else ""
    where = ", ".join(shown) + more
    return f" It fits in {in_words(len(offsets))} places, shifted by {where}."


def figures(report: EquivalenceReport) -> Table:
    """Weights, MACs, dimension of both sides."""
    sides = (report.left, report.right)

    def row(label: str, *cells: object) -> tuple[str, ...]:
        return (label, *(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in cells))

    fields = ["x".join(map(str, side.chain.receptive_field)) for side in sides]
    strides = [side.chain.stride for side in sides]
    rows = [row("receptive field", *fields)]
    if any(step != 1 for step in strides[0]):
        rows.append(row("stride", *("x".join(map(str, stride)) for stride in strides)))
    rows += [
        row("weights", *(side.chain.weights for side in sides)),
        row("MACs per output", *(side.chain.macs_per_output for side in sides)),
        row("dimension", *(f"{s.dimension.value:,} of {s.chain.ambient:,}" for s in sides)),
    ]
    return Table(("", *map(name, sides)), tuple(rows))


def _system(report: EquivalenceReport, width: int) -> Iterator[str]:
    count = len(report.system) if report.system is not None else report.kernel.chain.ambient
    layers = listed(layer_letters(report), "then")
    equations = "equation" if count == 1 else f"{in_words(count)} equations"
    title = f"The {equations}, A = {layers}"
    if len(report.kernel_makes.reach.offsets) > 1:
        title += f", shifted by ({','.join(map(str, report.offset))})"
    if report.system is None or count > _MOST_EQUATIONS:
        products = counted(report.terms, "product") + " of weights"
        where = "--derive shows them" if report.system is not None else "too many to print"
        yield filled(f"{title}: {products}; {where}", width, after="  ")
    else:
        yield "\n".join([title, *_in_columns([equation_text(e) for e in report.system], width)])
    for line in why_thin(report):
        yield _wrapped(line, width, "  ")


def _in_columns(lines: list[str], width: int) -> list[str]:
    """Two columns where they fit and save a screen, else one."""
    half = (len(lines) + 1) // 2
    left, right = lines[:half], [*lines[half:], ""]
    gap = 2 + max(map(len, left)) + 5
    if len(lines) > 6 and gap + max(map(len, right)) <= width:
        return [f"  {a.ljust(gap - 2)}{b}".rstrip() for a, b in zip(left, right, strict=False)]
    return [filled(a, width, "  ", " " * 8) for a in lines]


def layer_letters(report: EquivalenceReport) -> list[str]:
    """The capital letters of the stack's layers: B, C, ..; averages are called so."""
    from convalgebra.letters import layer_letter

    letters = []
    for number, factor in enumerate(report.stack.chain.factors, 1):
        letters.append(layer_letter(number).upper().rstrip("_") if factor.free else "average")
    if len(letters) > 6:
        return [*letters[:2], "..", letters[-1]]
    return letters


def why_thin(report: EquivalenceReport) -> list[str]:
    """How the conditions on the kernel are counted; nothing where there are none."""
    stack, kernel, direction = report.stack, report.kernel, report.stack_makes
    if not direction.codimension:
        return []
    found = stack.dimension
    letters = [letter for letter in layer_letters(report) if letter != "average"]
    idle = ""
    if found.idle:
        which = f"t {letters[0]} and {letters[-1]}/t make the same A"
        count = "one of them is" if found.idle == 1 else f"{in_words(found.idle)} of them are"
        idle = f", but {count} idle ({which}): {found.value:,} count"
    conditions = direction.codimension
    left = "condition is" if conditions == 1 else "conditions are"
    given = f"Given {listed(letters)}, each line is one weight of A. " if letters else ""
    return [
        f"{given}Given A, that makes {counted(kernel.chain.weights, 'equation')} for "
        f"{counted(found.weights, 'unknown')}{idle}. So {kernel.chain.weights:,} - {found.value:,} "
        f"= {conditions:,} {left} left on A: codimension {conditions:,}"
        f"{_degree(direction.degree)}."
    ]


_LONGEST_DEGREE = 30  # digits


def _degree(degree: int | None) -> str:
    if degree is None:
        return ""
    if degree < 10**_LONGEST_DEGREE:
        return f", degree {degree:,}"
    return f", degree about 10^{len(str(degree)) - 1}"


def shown_witnesses(report: EquivalenceReport) -> list[Witness]:
    """The witnesses to show: one, and a second only where the fields differ."""
    found: list[Witness] = []
    for direction in (report.left_reproduces_right, report.right_reproduces_left):
        found += direction.reach.witnesses
    return found


def _witness(witness: Witness, report: EquivalenceReport, width: int) -> str:
    stack = report.stack if report.kernel is not report.stack else report.right
    over = {"real": " over the reals", "rational": " over the rationals", "complex": ""}
    title = f"A kernel that {name(stack)} cannot make{over[witness.field]}"
    rows = witness.rows()
    if len(rows) > _LARGEST_SHOWN or len(rows[0]) > _LARGEST_SHOWN or len(witness.taps) > 2:
        return title + "\n" + _wrapped(witness.reason, width, "  ")
    cells = [[str(value) for value in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    grid = [
        "  " + " ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)) for row in cells
    ]
    margin = len(grid[0]) + 4
    beside = filled(witness.reason, width - margin).split("\n")
    lines = []
    for number in range(max(len(grid), len(beside))):
        left = grid[number] if number < len(grid) else ""
        right = beside[number] if number < len(beside) else ""
        lines.append((left.ljust(margin) + right).rstrip())
    return "\n".join([title, *lines])


def answers(report: EquivalenceReport) -> Table:
    """The answer per field, both ways."""
    rows = []
    for direction in (report.left_reproduces_right, report.right_reproduces_left):
        label = f"{name(direction.maker)} makes {name(direction.made)}"
        rows.append((label, *(getattr(direction.reach, field) for field in _FIELDS)))
    return Table(("over the numbers that are", *_FIELDS.values()), tuple(rows))


def _legend(report: EquivalenceReport, width: int) -> str:
    meanings = {
        "all": "every choice of weights",
        "dense": "all but a set of measure zero",
        "part": "an open set of them, not all",
        "thin": "a set of measure zero",
        "unknown": "not decided",
    }
    used = {
        getattr(direction.reach, field)
        for direction in (report.left_reproduces_right, report.right_reproduces_left)
        for field in _FIELDS
    }
    shown = [f"{word}: {meaning}" for word, meaning in meanings.items() if word in used]
    return _wrapped("; ".join(shown) + ".", width, "  ")
