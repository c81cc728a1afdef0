"""An EquivalenceReport as text that fits on one screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from convalgebra.algebra.answers import COMPLEX
from convalgebra.render.equation_text import equation_text
from convalgebra.render.tables import Table, filled, in_words, sentence_case
from convalgebra.words import counted, listed

if TYPE_CHECKING:
    from convalgebra.algebra.answers import Reach
    from convalgebra.algebra.borders import BordersComparison
    from convalgebra.algebra.one_channel.witness import Witness
    from convalgebra.algebra.report import Direction, EquivalenceReport, Side

_MOST_EQUATIONS = 12  # more are counted, not printed: --derive and JSON have them
_LARGEST_SHOWN = 7  # rows of a witness kernel; a larger one is given as a polynomial
_FIELDS = {"real": "real", "complex": "complex", "rational": "rational"}


def equivalence_to_text(report: EquivalenceReport, width: int = 80) -> str:
    """The whole answer: who makes whom, figures, equations, why not, a witness."""
    parts = [filled(headline(report), width), "\n".join(_directions(report, width))]
    parts.append(_fitting(figures, report, width).to_text("  "))
    parts += _system(report, width) if report.one_channel else _dimensions(report, width)
    parts += [_witness(*shown, width) for shown in shown_witnesses(report)]
    parts += [_titled(title, lines, width) for title, lines in more_sections(report, width)]
    shown = _fitting(answers, report, width, "   ").to_text("  ", "   ")
    parts.append(shown + "\n" + _wrapped(legend(report), width, "  "))
    return "\n\n".join(parts)


Names = tuple[str, str]


def _fitting(
    table: Callable[[EquivalenceReport, Names | None], Table],
    report: EquivalenceReport,
    width: int,
    gap: str = "  ",
) -> Table:
    """A table with the stacks in full, or called left and right where that is too wide."""
    full = table(report, None)
    if max(map(len, full.to_text("  ", gap).split("\n"))) <= width:
        return full
    return table(report, ("left", "right"))


def headline(report: EquivalenceReport) -> str:
    """One line: equivalent or not, over the reals where the fields differ."""
    verdict = {True: "equivalent", False: "not equivalent", None: "not decided"}[report.equivalent]
    both = (report.left_reproduces_right.reach, report.right_reproduces_left.reach)
    if report.equivalent is None and not any(reach.real == "unknown" for reach in both):
        verdict = "equivalent for many weights, whether for all is not decided"
    same = report.left.text == report.right.text
    if report.equivalent and report.borders is not None and not same:
        verdict += _where(report.borders)
    rational = {reach.rational for reach in both}
    if report.equivalent and rational != {"all"}:
        verdict += " over real and complex numbers, "
        if "thin" in rational:
            verdict += "not over rationals"
        else:
            verdict += "over rationals " + (
                "it is not decided" if "unknown" in rational else "for almost all weights"
            )
    return f"{name(report.left)}  and  {name(report.right)}:  {verdict}"


def _where(borders: BordersComparison) -> str:
    """Where two stacks are equal that are equivalent on the unbounded grid; nothing for all."""
    return "" if borders.at_most == 0 else " away from the borders"


def name(side: Side) -> str:
    """A stack as the user wrote it, in canonical form."""
    return side.text


def _directions(report: EquivalenceReport, width: int) -> Iterator[str]:
    for direction in (report.left_reproduces_right, report.right_reproduces_left):
        first, second = sentences(direction)
        if 2 + len(first) > width:
            first = filled(first, width - 2, "", "  ").replace("\n", "\n  ")
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
    text = sentence_case(reach.reason, name(maker), name(made)) + "."
    if reach.real == "all":
        if maker.family.is_kernel and not made.activated:
            text = f"Whatever the weights of {name(made)}, one {name(maker)} kernel equals it."
        return _noted(text + _places(direction), direction)
    if reach.least_real_roots is not None and reach.real == "part":
        return _noted(f"Over the reals {_real_condition(direction)}: {reach.reason}.", direction)
    if (
        direction.codimension
        and made.family.is_kernel
        and one_channel_chain(maker)
        and maker.dimension is not None
        and made.dimension is not None
        and made.dimension.value - maker.dimension.value == direction.codimension
    ):
        return _noted(
            f"It makes {maker.dimension.value:,} of the {made.dimension.value:,} dimensions of "
            f"all {name(made)} kernels: {reach.reason}.",
            direction,
        )
    return _noted(text, direction)


def _noted(text: str, direction: Direction) -> str:
    """The explanation, and what else is proved."""
    stacks = (name(direction.maker), name(direction.made))
    notes = (
        sentence_case(note, *stacks) + "." for note in direction.reach.notes if note != COMPLEX
    )
    return " ".join([text, *notes])


def one_channel_chain(side: Side) -> bool:
    """Whether it is a chain of one-channel convolutions without activations."""
    return side.family.chain is not None and not side.activated


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
    offsets, outputs = direction.reach.offsets, direction.reach.outputs
    if len(offsets) == 1:
        ends = zip(("input", "output"), direction.shifts[0], strict=True)
        moved = [f"the {end} by ({','.join(map(str, by))})" for end, by in ends if any(by)]
        return f" Shifted: {' and '.join(moved)}." if moved else ""
    if not offsets:
        return ""
    shown = [f"({','.join(map(str, offset))})" for offset in offsets[:6]]
    for number, output in enumerate(outputs[:6]):
        if any(output):
            shown[number] += f" with the output by ({','.join(map(str, output))})"
    more = f" and {len(offsets) - 6} more" if len(offsets) > 6 else ""
    where = ", ".join(shown) + more
    return f" It fits in {in_words(len(offsets))} places, shifted by {where}."


def figures(report: EquivalenceReport, names: Names | None = None) -> Table:
    """Weights, MACs, dimension of both sides."""
    sides = (report.left, report.right)

    def row(label: str, *cells: object) -> tuple[str, ...]:
        return (label, *(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in cells))

    families = [side.family for side in sides]
    rows = [row("receptive field", *("x".join(map(str, f.receptive_field)) for f in families))]
    if any(step != 1 for step in families[0].total_stride):
        rows.append(row("stride", *("x".join(map(str, f.total_stride)) for f in families)))
    if any((f.channels_in, f.channels_out) != (1, 1) for f in families):
        rows.append(row("channels", *(f"{f.channels_in} to {f.channels_out}" for f in families)))
    rows += [
        row("weights", *(family.weights for family in families)),
        row("MACs per output", *(family.macs_per_output for family in families)),
    ]
    if any(side.dimension for side in sides):
        rows.append(row("dimension", *map(_dimension, sides)))
    return Table(("", *(names or map(name, sides))), tuple(rows))


def _dimension(side: Side) -> str:
    found = side.dimension
    if found is None:
        return "not linear"
    if found.proved:
        return f"{found.value:,} of {side.family.ambient:,}"
    return f"{found.lower:,} to {found.upper:,} of {side.family.ambient:,}"


def _dimensions(report: EquivalenceReport, width: int) -> Iterator[str]:
    """Why the dimensions are what they are."""
    lines = dimension_reasons(report)
    if lines:
        shown = [_wrapped(line, width, "  ") for line in lines]
        yield "\n".join(["Why these dimensions", *shown])


def dimension_reasons(report: EquivalenceReport) -> list[str]:
    """How the dimension of each stack is proved, a sentence each; none for single kernels."""
    sides = (report.left, report.right)
    found = [
        f"{side.text}: {side.dimension.reason}."
        for side in sides
        if side.dimension is not None and not side.family.is_kernel
    ]
    for direction in (report.left_reproduces_right, report.right_reproduces_left):
        if direction.codimension:
            count = direction.codimension
            degree = _degree(direction.degree)
            found.append(
                f"What {direction.maker.text} makes of {direction.made.text} has codimension "
                f"{count:,}{degree}: so many independent conditions are left on its members."
            )
    return found


def more_sections(
    report: EquivalenceReport, width: int, *, equations: bool = True
) -> list[tuple[str, list[str]]]:
    """What was asked for beside the answer: borders, equations, width; a title and lines each."""
    found: list[tuple[str, list[str]]] = []
    if report.borders is not None:
        from convalgebra.render.borders_text import border_sections

        found += border_sections(report.borders, width)
    if report.implicit and equations:
        from convalgebra.render.implicit_text import implicit_text

        found += [
            (f"The equations of {one.text}", implicit_text(one, width=width - 4).split("\n"))
            for one in report.implicit
        ]
    if report.width:
        from convalgebra.render.width_text import width_section

        found += [width_section(width_report) for width_report in report.width]
    return found


def _titled(title: str, lines: list[str], width: int) -> str:
    """A section: lines that begin with a blank are pictures or formulas and stay as they are."""
    shown = [line if line[:1] == " " else _wrapped(line, width, "  ") for line in lines]
    return "\n".join([title, *shown])


def _system(report: EquivalenceReport, width: int) -> Iterator[str]:
    count = len(report.system) if report.system is not None else report.kernel.chain.ambient
    layers = listed(layer_letters(report), "then")
    equations = "equation" if count == 1 else f"{in_words(count)} equations"
    title = f"The {equations}, A = {layers}"
    if len(report.kernel_makes.reach.offsets) > 1:
        title += f", shifted by ({','.join(map(str, report.offset))})"
    elif report.kernel_makes.reach.offsets not in ((), (report.offset,)):
        title += ", as the padding puts them"
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
    weights, dimension = stack.family.weights, stack.family.weights
    if stack.dimension is not None:
        dimension = stack.dimension.value
    if not direction.codimension or kernel.chain.weights - dimension != direction.codimension:
        return []  # as they lie, taps of the stack can miss the kernel
    idle_weights = weights - dimension
    letters = [letter for letter in layer_letters(report) if letter != "average"]
    idle = ""
    if idle_weights:
        which = f"t {letters[0]} and {letters[-1]}/t make the same A"
        count = "one of them is" if idle_weights == 1 else f"{in_words(idle_weights)} of them are"
        idle = f", but {count} idle ({which}): {dimension:,} count"
    conditions = direction.codimension
    left = "condition is" if conditions == 1 else "conditions are"
    given = f"Given {listed(letters)}, each line is one weight of A. " if letters else ""
    return [
        f"{given}Given A, that makes {counted(kernel.chain.weights, 'equation')} for "
        f"{counted(weights, 'unknown')}{idle}. So {kernel.chain.weights:,} - {dimension:,} "
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


def shown_witnesses(report: EquivalenceReport) -> list[tuple[Witness, Side]]:
    """The witnesses, each with the stack that cannot make it."""
    directions = (report.left_reproduces_right, report.right_reproduces_left)
    return [(found, way.maker) for way in directions for found in way.reach.witnesses]


def _witness(witness: Witness, stack: Side, width: int) -> str:
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


def answers(report: EquivalenceReport, names: Names | None = None) -> Table:
    """The answer per field, both ways."""
    rows = []
    left, right = names or (name(report.left), name(report.right))
    for direction, label in (
        (report.left_reproduces_right, f"{left} makes {right}"),
        (report.right_reproduces_left, f"{right} makes {left}"),
    ):
        rows.append((label, *_shown_answers(direction.reach)))
    return Table(("over the numbers that are", *_FIELDS.values()), tuple(rows))


def _shown_answers(reach: Reach) -> list[str]:
    """The answers in the order of the fields; a dash where the question has no meaning."""
    return [
        "-" if field == "complex" and COMPLEX in reach.notes else getattr(reach, field)
        for field in _FIELDS
    ]


def legend(report: EquivalenceReport) -> str:
    """What the words in the table of answers mean."""
    both = (report.left_reproduces_right.reach, report.right_reproduces_left.reach)
    thin = any("thin" in (reach.real, reach.complex) for reach in both)
    missed = all(reach.misses_some for reach in both if reach.real == "part")
    meanings = {
        "all": "every choice of weights",
        "dense": "all but a set of measure zero",
        "part": "an open set of them, " + ("not all" if missed else "whether all is not decided"),
        "thin": "a set of measure zero" if thin else _SERRE,
        "unknown": "not decided",
        "-": "activations are functions of real numbers",
    }
    used = {answer for reach in both for answer in _shown_answers(reach)}
    shown = [f"{word}: {meaning}" for word, meaning in meanings.items() if word in used]
    if thin and any(reach.rational == "thin" != reach.real for reach in both):
        shown.append(f"thin over the rationals alone: {_SERRE}")
    return "; ".join(shown) + "."


_SERRE = "a thin set in Serre's sense, which can be dense"
