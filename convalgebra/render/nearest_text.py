"""Reports of approximations, and scores of trained layers, as text, Markdown, CSV and HTML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from convalgebra.render.tables import (
    Table,
    code_escaped,
    fenced,
    filled,
    markdown_escaped,
    one_line,
)
from convalgebra.words import counted

if TYPE_CHECKING:
    from convalgebra.kernels.nearest.report import Filter, NearestReport
    from convalgebra.kernels.nearest.scores import FactorabilityReport, Score

_LARGEST_SHOWN = 11  # rows and columns of a filter that is printed


def error_text(value: float) -> str:
    """A relative error with three digits.

    >>> error_text(0.08274), error_text(0.9), error_text(3e-5), error_text(2e-16)
    ('0.0827', '0.900', '3.00e-05', '0')
    """
    if value < 1e-12:
        return "0"
    return f"{value:#.3g}" if value >= 1e-3 else f"{value:.2e}"


def _below(value: float) -> str:
    """A lower bound with three digits, rounded down."""
    from math import floor, log10

    digits = 2 - floor(log10(value))
    down = floor(value * 10**digits) / 10**digits
    return f"{down:#.3g}" if value >= 1e-3 else f"{down:.2e}"


def headline(report: NearestReport) -> str:
    """The answer in a line."""
    error = "exactly, to rounding" if report.exact else f"error {error_text(report.relative_error)}"
    return f"{report.kernel} by {report.stack}: {error}"


def sentences(report: NearestReport) -> list[str]:
    """What is known of the error, and of where the kernel lies."""
    found = []
    if report.exact:
        found.append("Nothing but rounding is left of the error.")
    elif report.proved and not report.starts:
        ways = {
            "singular values": "it keeps the largest singular values (Eckart and Young 1936)",
            "least squares": "a single layer is free, so this is linear least squares",
            "one layer": "one layer alone takes all of the kernel that the stack sees",
            "fixed": "the stack has none",
        }
        found.append(f"No weights do better: {ways[report.method]}.")
    elif report.proved:
        found.append(f"No weights do better: {report.lower_bound_reason}.")
    else:
        if report.starts == 1:
            tried = f"From one start (seed {report.seed})"
        else:
            tried = (
                f"The best of {counted(report.starts, 'start')}, {report.agreed:,} of which "
                f"reached it (seed {report.seed})"
            )
        if report.lower_bound > 1e-12:
            found.append(f"{tried}; that none is better is not proved.")
            found.append(
                f"Proved: every choice of weights has an error of at least "
                f"{_below(report.lower_bound)} ({report.lower_bound_reason})."
            )
        else:
            found.append(f"{tried}; no lower bound is known but 0.")
    if report.weighting != "white":
        found.append(f"Errors are those on inputs with the covariance {report.weighting}.")
    if report.placements > 1:
        at = ", ".join(map(str, report.placement))
        seen = "x".join(map(str, report.seen))
        laid = f"The stack sees {seen}; of {report.placements} ways to lay the kernel on that, "
        if report.as_good == 1:
            found.append(f"{laid}the offset ({at}) has the least error.")
        else:
            many = "all" if report.as_good == report.placements else str(report.as_good)
            found.append(f"{laid}{many} are equally good; this is the offset ({at}).")
    return found


def figures(report: NearestReport) -> Table:
    """Error, weights, MACs and traffic, before and after."""
    before, after = report.figures.before, report.figures.after
    rows = [
        ("error", "0", error_text(report.relative_error)),
        ("weights", f"{before.weights:,}", f"{after.weights:,}"),
        ("MACs per output", f"{before.macs_per_output:,}", f"{after.macs_per_output:,}"),
    ]
    if report.figures.input is not None:
        shape = "x".join(map(str, report.figures.input))
        rows.append((f"MACs on {shape}", f"{before.macs:,}", f"{after.macs:,}"))
        rows.append(("bytes moved (float32)", f"{before.traffic:,}", f"{after.traffic:,}"))
    kernel = "kernel" if len(report.kernel) > 20 else report.kernel
    return Table(("", kernel, report.stack), tuple(rows))


def number_text(value: float) -> str:
    """An entry with four digits after the point, or in powers of ten where that says nothing.

    >>> number_text(0.5), number_text(-1e-9), number_text(-0.0), number_text(2.5e7)
    ('0.5000', '-1.00e-09', '0', '2.50e+07')
    """
    if value == 0:
        return "0"
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1e5 else f"{value:.2e}"


def grid(rows: Sequence[Sequence[float]], indent: str = "  ") -> list[str]:
    """Numbers in columns; those that are rounding beside the largest are 0."""
    largest = max(abs(value) for row in rows for value in row)
    cells = [[number_text(v if abs(v) > 1e-12 * largest else 0.0) for v in row] for row in rows]
    width = max(len(cell) for row in cells for cell in row)
    return [indent + "  ".join(cell.rjust(width) for cell in row) for row in cells]


def _rows(values: Any) -> list[list[float]] | None:
    """A filter as rows, None if it is too large to be read."""
    if values.ndim not in (1, 2) or max(values.shape) > _LARGEST_SHOWN:
        return None
    found = values.tolist()
    return found if values.ndim == 2 else [found]


def _filter_lines(filter: Filter) -> list[str]:
    rows = _rows(filter.values)
    if rows is None:
        shape = "x".join(map(str, filter.values.shape))
        return [f"{filter.layer}: {shape} weights"]
    return [filter.layer, *grid(rows)]


def _notes(report: NearestReport) -> list[str]:
    """Those of the report, and where the weights are that are too many to be printed."""
    if all(_rows(filter.values) is not None for filter in report.filters):
        return list(report.notes)
    where = "Weights with channels, and large ones, are written by --out FILE"
    return [f"{where} (in Python by `report.save(file)`).", *report.notes]


def nearest_to_text(report: NearestReport, width: int = 80) -> str:
    """The error, what is proved, the figures and the filters."""
    parts = [one_line(headline(report))]
    parts.append("\n".join(filled(line, width, "  ", "    ") for line in sentences(report)))
    parts.append(figures(report).to_text())
    parts += ["\n".join(_filter_lines(filter)) for filter in report.filters]
    rows = _rows(report.approximation)
    if rows is not None:
        parts.append("\n".join(["Together", *grid(rows)]))
    parts += [filled(note, width) for note in _notes(report)]
    return "\n\n".join(parts)


def nearest_to_markdown(report: NearestReport) -> str:
    """Sentences and tables."""
    parts = [f"**{markdown_escaped(headline(report))}**"]
    parts += [f"- {markdown_escaped(line)}" for line in sentences(report)]
    parts.append(figures(report).to_markdown())
    lines = [line for filter in report.filters for line in _filter_lines(filter)]
    parts.append(fenced("\n".join(lines)))
    return "\n\n".join([*parts, *map(markdown_escaped, _notes(report))])


def nearest_to_html(report: NearestReport) -> str:
    """Sentences, the figures and the filters as tables."""
    parts = [f"<p><b>{code_escaped(headline(report))}</b></p>"]
    parts.append("<p>" + "<br>".join(map(code_escaped, sentences(report))) + "</p>")
    parts.append(figures(report).to_html())
    for filter in report.filters:
        rows = _rows(filter.values)
        if rows is None:
            parts.append(f"<p>{code_escaped(_filter_lines(filter)[0])}</p>")
            continue
        cells = "".join(
            "<tr>" + "".join(f"<td>{number_text(v)}</td>" for v in row) + "</tr>" for row in rows
        )
        caption = f"<caption>{code_escaped(filter.layer)}</caption>"
        parts.append(f"<table>{caption}<tbody>{cells}</tbody></table>")
    parts += [f"<p>{code_escaped(note)}</p>" for note in _notes(report)]
    return "<div>" + "".join(parts) + "</div>"


def _cell(score: Score | None) -> str:
    if score is None:
        return ".."  # not reached
    if score.median is None or score.worst is None:
        return "-"
    if score.whole:
        return error_text(score.median)
    return f"{error_text(score.median)} / {error_text(score.worst)}"


def factorability_table(report: FactorabilityReport) -> Table:
    """A row for each layer, a column for each candidate: median / largest error of its filters."""
    rows = []
    for name, shape in report.layers:
        scores = [report.score(name, candidate) for candidate in report.candidates]
        rows.append((name, "x".join(map(str, shape)), *map(_cell, scores)))
    return Table(("layer", "shape", *report.candidates), tuple(rows), left=2)


def factorability_to_text(report: FactorabilityReport, width: int = 80) -> str:
    """The table and how it is read."""
    parts = [factorability_table(report).to_text()] if report.layers else []
    notes = [
        "Relative errors, 0 being exact: median / largest over the filters of a layer, each by "
        "itself; a single number is the layer as a whole."
    ]
    for candidate in report.candidates:
        missing = [s.reason for s in report.scores if s.candidate == candidate and s.reason]
        if missing:
            more = f" (and {len(missing) - 1:,} more of the layers)" if missing[1:] else ""
            notes.append(f"-: {missing[0]}{more}.")
    searched = [s for s in report.scores if not s.proved and not s.whole and s.compared]
    if searched:
        notes.append(
            f"Stacks that are no plain products of rows and columns: the best of "
            f"{counted(report.starts, 'start')} for each filter (seed {report.seed})."
        )
    drawn = sorted({(s.layer, s.compared, s.filters) for s in searched if s.compared < s.filters})
    if drawn:
        listed = "; ".join(f"{name}: {n:,} of {of:,}" for name, n, of in drawn[:5])
        notes.append(f"Filters drawn: {listed}{'; ..' if len(drawn) > 5 else ''}.")
    for why in dict.fromkeys(why for _, why in report.left_out):
        names = [name for name, other in report.left_out if other == why]
        listed = ", ".join(names[:5]) + (f", .. ({len(names):,})" if names[5:] else "")
        notes.append(f"Left out ({why}): {listed}.")
    if report.passed_over:
        arrays = counted(len(report.passed_over), "array")
        notes.append(
            f"{arrays} passed over: a layer [c_out, c_in, ..] has 3 to 5 axes (biases, norms and "
            "dense layers have fewer)."
        )
    if not report.complete:
        notes.append("Interrupted: this is what was found until then.")
    parts.append("\n".join(filled(note, width) for note in notes))
    return "\n\n".join(parts)


def factorability_to_html(report: FactorabilityReport) -> str:
    """The table, and how it is read."""
    _, _, notes = factorability_to_text(report).partition("\n\n")
    return f"<div>{factorability_table(report).to_html()}<p>{code_escaped(notes)}</p></div>"
