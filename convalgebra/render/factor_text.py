"""A factor report as text."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import zip_longest
from typing import TYPE_CHECKING, TypeVar

from convalgebra.render.algebraic_text import (
    decimal_text,
    filter_texts,
    generator_names,
    generator_text,
    polynomial_text,
    root_text,
    short_text,
)
from convalgebra.render.tables import filled
from convalgebra.shapes import shape_text
from convalgebra.words import counted, listed

if TYPE_CHECKING:
    from convalgebra.kernels.factoring.factorizations import Factorization, Filter
    from convalgebra.kernels.factoring.parts import FieldName
    from convalgebra.kernels.factoring.report import FactorReport, Piece, Ways
    from convalgebra.kernels.factoring.rounding import Rounding
    from convalgebra.kernels.sources import Number

WAYS_SHOWN = 5
_FIELDS: tuple[FieldName, ...] = ("rational", "real", "complex")
_OVER: dict[FieldName, str] = {
    "rational": "over the rationals",
    "real": "over the reals",
    "complex": "over the complex numbers",
}
_MOST_ROWS = 16  # of a grid; `..` stands for more
_LONGEST = 48  # characters of an exact entry in a grid
_IN_FULL = "(all entries exactly: --format json)"


def headline(report: FactorReport) -> str:
    """The answer in a line.

    >>> import convalgebra as ca
    >>> headline(ca.factor("unsharp", "3x3,3x3"))
    'unsharp is a product of 3x3,3x3 over the reals, not over the rationals'
    """
    name = f"{report.kernel.name} is"
    if report.rounding is not None and report.rounding.product:
        exactly = "but not exactly" if report.real is False else "whether exactly is not decided"
        return f"{name} a product of {report.stack} to rounding, {exactly}"
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
    parts = [filled(headline(report), width, after="  ")]
    rows, rounded = _numbers(report.kernel.rows(), decimal=report.kernel.floats)
    parts.append("\n".join(f"  {line}" for line in _grid(rows, width - 2, rounded)))
    parts.append("\n".join(filled(line, width, "  ", "    ") for line in answer_lines(report)))
    if report.rounding is not None:
        parts.append("\n".join(rounding_lines(report.rounding, width)))
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


def rounding_sentence(rounding: Rounding) -> str:
    """Whether the kernel is a product to rounding, with the figures that decide it.

    >>> import convalgebra as ca
    >>> rounding_sentence(ca.factor([[0.1, 0.7], [0.9, 0.2]], "2x1,1x2").rounding)[:60]
    'To rounding: no. Every real product differs by at least 5.3e'
    """
    allowed = f"rounding explains up to {rounding.allowance:.1e} of its size"
    if rounding.product:
        return (
            f"To rounding: yes, over the reals. The product below differs by "
            f"{rounding.relative_error:.1e} of the kernel's size; {allowed}."
        )
    if rounding.product is False:
        return (
            f"To rounding: no. Every real product differs by at least {rounding.lower_bound:.1e} "
            f"of the kernel's size; {allowed}."
        )
    return (
        f"To rounding: not decided. The nearest real product that was found differs by "
        f"{rounding.relative_error:.1e} of the kernel's size; {allowed}."
    )


def rounding_lines(rounding: Rounding, width: int) -> list[str]:
    """The sentence, and where the kernel is a product to rounding, its filters as decimals."""
    lines = filled(rounding_sentence(rounding), width, "  ", "    ").split("\n")
    if not rounding.product:
        return lines
    label = max(len(filter.layer) for filter in rounding.filters)
    for filter in rounding.filters:
        title = f"  {filter.layer.ljust(label)}  "
        texts = [decimal_text(float(value), 6) for value in filter.values.ravel()]
        grid = _grid(_rows(texts, filter.values.shape), width - len(title), rounded=True)
        lines += [(title if at == 0 else " " * len(title)) + line for at, line in enumerate(grid)]
    return lines


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
    number = Fraction(report.scale)
    label = max(len(shape_text(piece.shape)) for piece in report.pieces)
    for piece in report.pieces:
        rows, rounded = _numbers(piece.rows)
        if rounded:  # long whole numbers tell less than the ratios
            first = next(entry for row in piece.rows for entry in row if entry)
            number *= first**piece.multiplicity
            ratios = [[Fraction(entry, first) for entry in row] for row in piece.rows]
            rows, rounded = _numbers(ratios, decimal=True)
        grid = _grid(rows, width - label - 4, rounded)
        lines += _beside(
            f"  {shape_text(piece.shape).ljust(label)}  ", grid, f"({piece_text(piece)})", width
        )
    if number != 1:
        text, exact = short_text(number)
        lines.insert(1, f"  the number {'' if exact else '~'}{text}")
    return "\n".join(lines)


def _beside(title: str, grid: list[str], note: str, width: int) -> list[str]:
    """A grid with a note at its right; below it, where it is too wide for that."""
    column = len(title) + max(map(len, grid)) + 3
    lines = [(title if at == 0 else " " * len(title)) + line for at, line in enumerate(grid)]
    if column > width // 2:
        return lines + filled(note, width, " " * len(title), " " * (len(title) + 1)).split("\n")
    notes = filled(note, width - column).split("\n")
    pairs = zip_longest(lines, notes, fillvalue="")
    return [f"{line.ljust(column)}{text}".rstrip() for line, text in pairs]


def piece_text(piece: Piece) -> str:
    """How often a factor occurs and what becomes of it over R and C, with the reason."""
    parts = [f"{piece.multiplicity} times"] if piece.multiplicity > 1 else []
    if sum(size > 1 for size in piece.shape) == 1:
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
    names = generator_names(way.filters)
    told = dict.fromkeys(map(generator_text, way.filters, names))
    for generator in filter(None, told):
        if len(generator) > 4 * width or _widest(generator) > width - 4:
            generator = f"{generator.partition(', ')[0]} (its polynomial: --format json)"
        lines.append(filled(generator, width, "  ", "    "))
    label = max(len(one.layer) for one in way.filters)
    for one, name in zip(way.filters, names, strict=True):
        title = f"  {one.layer.ljust(label)}  "
        for at, line in enumerate(_filter_lines(one, name, width - len(title))):
            lines.append((title if at == 0 else " " * len(title)) + line)
    return lines


def _filter_lines(filter: Filter, name: str, width: int) -> list[str]:
    found = _exact_lines(filter, name, width)
    if not found:
        exact = filter.exact()
        rounded = True
        if exact is not None:
            rows, rounded = _numbers(_rows(exact, filter.taps), decimal=True)
            found = _grid(rows, width, rounded)
        else:
            found = _decimals(filter, width, "~  ")
        if filter.entries is None:
            found += product_lines(filter, width)
        elif rounded or any(line.endswith("..") for line in found):
            found.append(_IN_FULL)
    if filter.fixed:
        found[0] += "  (fixed)"
    return found


def _exact_lines(filter: Filter, name: str, width: int) -> list[str]:
    """The exact entries, with decimals if they are not rational; none if they are too long."""
    texts = filter_texts(filter, name)
    if texts is None or max(map(len, texts)) > _LONGEST:
        return []
    rows = _rows(texts, filter.taps)
    exact = _columns(rows)
    if len(rows) > _MOST_ROWS or max(map(len, exact)) > width:
        return []
    if filter.exact() is not None:
        return exact
    beside = _decimals(filter, width, "   ~  ")
    both = [a.ljust(max(map(len, exact))) + b for a, b in zip(exact, beside, strict=True)]
    if max(map(len, both)) <= width:
        return both
    return [*exact, "~", *_decimals(filter, width, "")]


def _decimals(filter: Filter, width: int, sign: str) -> list[str]:
    """The entries to as many digits, six at most, as there is room for."""
    for digits in (6, 4, 3):
        texts = [decimal_text(value, digits) for value in filter.decimals]
        lines = _columns(_rows(texts, filter.taps))
        if len(sign) + max(map(len, lines)) <= width:
            break
    return [sign + line for line in _grid(_rows(texts, filter.taps), width - len(sign))]


def product_lines(filter: Filter, width: int) -> list[str]:
    """What a filter without short entries is a product of, exactly."""
    lines = []
    for part in filter.product:
        texts = [polynomial_text(entry) for entry in part.entries]
        shown = f"({'; '.join(' '.join(row) for row in _rows(texts, part.shape))})"
        if part.roots:
            roots = listed(list(map(root_text, part.roots)))
            many = "the product over" if len(part.roots) > 1 else "at"
            modulus = polynomial_text(part.field.modulus, falling=True)
            shown = f"{many} a = {roots} of {shown}, roots of {modulus}"
        if len(shown) > 6 * width or _widest(shown) > width - 2:
            shown = "a factor with long entries (see --format json)"
        lines.append(shown)
    return filled("exactly: " + ", times ".join(lines), width, after="  ").split("\n")


def _widest(text: str) -> int:
    return max(map(len, text.split()))


T = TypeVar("T")


def _rows(values: Sequence[T], taps: Sequence[int]) -> list[list[T]]:
    return [list(values[at : at + taps[-1]]) for at in range(0, len(values), taps[-1])]


def _numbers(
    rows: Sequence[Sequence[Number]], *, decimal: bool = False
) -> tuple[list[list[str]], bool]:
    """Rows of short texts, and whether some of them are rounded."""
    found = [[short_text(value, decimal) for value in row] for row in rows]
    texts = [[text for text, _ in row] for row in found]
    return texts, not all(exact for row in found for _, exact in row)


def _grid(rows: Sequence[Sequence[str]], width: int, rounded: bool = False) -> list[str]:
    """Rows in columns, `..` for those for which there is no room; `~` if they are rounded."""
    sign = "~  " if rounded else ""
    shown = [list(row) for row in rows[:_MOST_ROWS]]
    count = len(shown[0])
    while count > 1 and max(map(len, _columns(shown))) + len(sign) > width:
        count -= max(1, count // 8)
        shown = [[*row[:count], ".."] for row in rows[:_MOST_ROWS]]
    lines = [sign + line for line in _columns(shown)]
    return lines if len(rows) <= _MOST_ROWS else [*lines, " " * len(sign) + ".."]


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows in columns, aligned right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.rjust(size) for cell, size in zip(row, widths, strict=True)) for row in rows
    ]
