"""A factor report as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from convalgebra.render.algebraic_text import (
    decimal_text,
    element_text,
    filter_texts,
    generator_names,
    generator_text,
    number_text,
    polynomial_text,
)
from convalgebra.render.tables import filled, listed
from convalgebra.words import counted

if TYPE_CHECKING:
    from convalgebra.kernels.factoring.factorizations import Factorization, Filter
    from convalgebra.kernels.factoring.parts import FieldName
    from convalgebra.kernels.factoring.report import FactorReport, Piece, Ways

WAYS_SHOWN = 5
_FIELDS: tuple[FieldName, ...] = ("rational", "real", "complex")
_OVER: dict[FieldName, str] = {
    "rational": "over the rationals",
    "real": "over the reals",
    "complex": "over the complex numbers",
}
_MOST_ROWS = 9  # of a kernel that is printed in full
_LONGEST = 48  # characters of an exact entry in a grid


def headline(report: FactorReport) -> str:
    """The answer in a line.

    >>> import convalgebra as ca
    >>> headline(ca.factor("unsharp", "3x3,3x3"))
    'unsharp is a product of 3x3,3x3 over the reals, not over the rationals'
    """
    name = f"{report.kernel.name} is"
    answers = [getattr(report, field) for field in _FIELDS]
    if answers[0]:
        return f"{name} a product of {report.stack}, over the rationals already"
    for number in (1, 2):
        if answers[number]:
            less = "not" if answers[number - 1] is False else "not decided"
            over, below = _OVER[_FIELDS[number]], _OVER[_FIELDS[number - 1]]
            return f"{name} a product of {report.stack} {over}, {less} {below}"
    if answers[2] is False:
        return f"{name} no product of {report.stack}, not even over the complex numbers"
    refuted = [_OVER[f] for f, answer in zip(_FIELDS, answers, strict=True) if answer is False]
    if refuted:
        return f"{name} no product of {report.stack} {refuted[-1]}; more is not decided"
    return f"whether {name} a product of {report.stack} is not decided"


def factor_to_text(report: FactorReport, width: int = 80, ways: int = WAYS_SHOWN) -> str:
    """The answer, the kernel, the reasons, its irreducible factors and the first few ways."""
    parts = [headline(report)]
    rows = [[number_text(value) for value in row] for row in report.kernel.rows()]
    if len(rows) <= _MOST_ROWS:
        shown = grid(rows, "  ")
        if max(map(len, shown)) <= width:
            parts.append("\n".join(shown))
    parts.append("\n".join(filled(line, width, "  ", "    ") for line in answer_lines(report)))
    if report.pieces:
        parts.append(_pieces_text(report, width))
    for number, way in enumerate(report.factorizations[:ways], 1):
        title = f"Way {number}, {way_title(way)}"
        parts.append("\n".join([title, *_way_lines(way, width)]))
    more = len(report.factorizations) - ways
    if more > 0:
        listed_ways = len(report.factorizations)
        every = max(found.count for found in report.ways.values())
        which = counted(more, "more way") if every <= listed_ways else f"{more} of the others"
        parts.append(f"{which}: --ways {listed_ways}.")
    parts += [filled(note, width) for note in report.notes]
    return "\n\n".join(parts)


def answer_lines(report: FactorReport) -> list[str]:
    """A sentence for each field, or several that have the same: yes, how often; or no, and why."""
    said: dict[str, list[str]] = {}
    for field in _FIELDS:
        answer = getattr(report, field)
        reason = report.reasons[field]
        # What rules out the complex numbers rules out the reals, with the same reason.
        shared = field == "real" and reason == report.reasons["complex"]
        reason = reason.removeprefix(_OVER["complex" if shared else field]).strip()
        reason = reason[0].upper() + reason[1:]
        if answer is True and field in report.ways:
            sentence = f"yes, in {ways_text(report.ways[field])}."
        else:
            word = {True: "yes", False: "no", None: "not decided"}[answer]
            sentence = f"{word}. {reason}"
        said.setdefault(sentence, []).append(_OVER[field].removeprefix("over "))
    return [f"Over {listed(fields)}: {sentence}" for sentence, fields in said.items()]


def ways_text(ways: Ways) -> str:
    """How many ways there are; counting may have stopped."""
    shown = "1 way" if ways.count == 1 else f"{ways.count:,} ways"
    return shown if ways.complete else f"at least {shown}"


def way_title(way: Factorization) -> str:
    """Over which numbers a way is, and by how much the product is moved."""
    title = _OVER[way.over]
    if any(way.shift):
        moved = ", ".join(map(str, way.shift))
        title += f"; the stack makes the kernel moved by ({moved})"
    return title


def _pieces_text(report: FactorReport, width: int) -> str:
    lines = ["Its irreducible factors over the rationals"]
    if report.scale != 1:
        lines.append(f"  the number {number_text(report.scale)}")
    label = max(len("x".join(map(str, piece.shape))) for piece in report.pieces)
    for piece in report.pieces:
        rows = grid([list(map(number_text, row)) for row in piece.rows], "")
        column = label + max(map(len, rows)) + 7
        if column > width // 2 or len(rows) > _MOST_ROWS:
            rows, column = [""], label + 4
        notes = filled(f"({piece_text(piece)})", width - column).split("\n")
        for at in range(max(len(rows), len(notes))):
            name = "x".join(map(str, piece.shape)) if at == 0 else ""
            left = f"  {name.ljust(label)}  {rows[at] if at < len(rows) else ''}"
            right = notes[at] if at < len(notes) else ""
            lines.append(f"{left.ljust(column)}{right}".rstrip())
    return "\n".join(lines)


def piece_text(piece: Piece) -> str:
    """How often a factor occurs and what becomes of it over R and C, with the reason."""
    parts = [f"{piece.multiplicity} times"] if piece.multiplicity > 1 else []
    if sum(size > 1 for size in piece.shape) == 1:  # roots
        if piece.complex == 1:
            parts.append("a single root")
        else:
            real = {None: "", 0: ", none of them real"}.get(piece.real, f", {piece.real} real")
            parts.append(f"{piece.complex} roots{real}")
    elif piece.complex == 1:
        parts.append(f"irreducible over the complex numbers: {piece.reason}")
    elif piece.complex is None:
        parts.append(f"not decided over the complex numbers: {piece.reason}")
    else:
        real = {None: "", 0: ", none of them real", piece.complex: ", all of them real"}.get(
            piece.real, f", {piece.real} of them real"
        )
        parts.append(f"{piece.complex} factors over the complex numbers{real}: {piece.reason}")
    return "; ".join(parts)


def _way_lines(way: Factorization, width: int) -> list[str]:
    lines: list[str] = []
    told: list[str] = []
    names = generator_names(way.filters)
    for filter, name in zip(way.filters, names, strict=True):
        generator = generator_text(filter, name)
        if generator and generator not in told:
            told.append(generator)
            if len(generator) > 4 * width:
                near = generator.partition(", ")[0]
                generator = f"{near}, of degree {filter.field.degree} (see --format json)"
            lines.append(filled(generator, width, "  ", "    "))
    label = max(len(filter.layer) for filter in way.filters)
    for filter, name in zip(way.filters, names, strict=True):
        lines += _filter_lines(filter, name, label, width)
    return lines


def _filter_lines(filter: Filter, name: str, label: int, width: int) -> list[str]:
    indent = " " * (label + 4)
    exact = filter_texts(filter, name)
    decimals = [decimal_text(value) for value in filter.decimals]
    found: list[str] = []
    if exact is not None and max(map(len, exact)) <= _LONGEST:
        found = grid(_rows(exact, filter.taps), "")
        if filter.exact() is None:
            beside = grid(_rows(decimals, filter.taps), "   ~  ")
            both = [a.ljust(max(map(len, found))) + b for a, b in zip(found, beside, strict=True)]
            if max(map(len, both)) + len(indent) <= width:
                found = both
            else:
                found += ["~", *grid(_rows(decimals, filter.taps), "")]
    if not found or max(map(len, found)) + len(indent) > width:
        found = grid(_rows(decimals, filter.taps), "")
        if exact is not None:
            found.append("(exact entries: --format json)")
        else:
            found += product_lines(filter, width - len(indent))
    fixed = "  (fixed)" if filter.fixed else ""
    found[0] += fixed
    first = f"  {filter.layer.ljust(label)}  "
    return [(first if at == 0 else indent) + line for at, line in enumerate(found)]


def product_lines(filter: Filter, width: int) -> list[str]:
    """What a filter without short entries is a product of, exactly."""
    lines = []
    for part in filter.product:
        texts = [element_text(entry, part.field) for entry in part.entries]
        shown = f"({'; '.join(' '.join(row) for row in _rows(texts, part.shape))})"
        if part.roots:
            roots = listed([f"{decimal_text(root)}.." for root in part.roots])
            many = "the product over" if len(part.roots) > 1 else "at"
            shown = f"{many} a = {roots} of {shown}, roots of {polynomial_text(part.field)}"
        if len(shown) > 6 * width:
            shown = "a factor with long entries (see --format json)"
        lines.append(shown)
    return filled("exactly: " + ", times ".join(lines), width, after="  ").split("\n")


def _rows(values: Sequence[str], taps: Sequence[int]) -> list[list[str]]:
    return [list(values[at : at + taps[-1]]) for at in range(0, len(values), taps[-1])]


def grid(rows: Sequence[Sequence[str]], indent: str) -> list[str]:
    """Rows in columns, aligned right."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return [
        indent + "  ".join(cell.rjust(size) for cell, size in zip(row, widths, strict=True))
        for row in rows
    ]
