"""An EquivalenceReport as Markdown, LaTeX and HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convalgebra.render.equation_text import equation_latex
from convalgebra.render.equivalence_text import (
    answers,
    figures,
    headline,
    sentences,
    shown_witnesses,
    why_thin,
)
from convalgebra.render.tables import escaped, latex_escaped, markdown_escaped

if TYPE_CHECKING:
    from convalgebra.algebra.equivalence import EquivalenceReport
    from convalgebra.algebra.one_channel.witness import Witness

_MOST_EQUATIONS = 25
_LARGEST_MATRIX = 11


def equations_latex(report: EquivalenceReport) -> str:
    """The system as an `aligned` block, "" where it is too long to be read."""
    if report.system is None or len(report.system) > _MOST_EQUATIONS:
        return ""
    lines = (equation_latex(e).replace("=", "&=", 1) for e in report.system)
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def witness_latex(witness: Witness) -> str:
    """The kernel as a matrix; "" where it is large or has three axes."""
    rows = witness.rows()
    if len(rows) > _LARGEST_MATRIX or len(rows[0]) > _LARGEST_MATRIX or len(witness.taps) > 2:
        return ""
    body = r" \\ ".join(" & ".join(map(str, row)) for row in rows)
    return rf"\begin{{pmatrix}} {body} \end{{pmatrix}}"


def equivalence_to_markdown(report: EquivalenceReport) -> str:
    """Sentences, tables, and the equations between double dollar signs."""
    parts = [f"**{markdown_escaped(headline(report))}**"]
    for direction in (report.left_reproduces_right, report.right_reproduces_left):
        first, second = sentences(direction)
        parts.append(markdown_escaped(f"- {first} {second}"))
    parts += [figures(report).to_markdown(), *_displayed(equations_latex(report))]
    parts += map(markdown_escaped, why_thin(report))
    for witness in shown_witnesses(report):
        parts += [*_displayed(witness_latex(witness)), markdown_escaped(_cannot(report, witness))]
    return "\n\n".join([*parts, answers(report).to_markdown()])


def _displayed(formula: str) -> list[str]:
    return [f"$$\n{formula}\n$$"] if formula else []


def _cannot(report: EquivalenceReport, witness: Witness) -> str:
    over = {"real": " over the reals", "rational": " over the rationals"}.get(witness.field, "")
    return f"{report.stack.chain.text} cannot make this kernel{over}: {witness.reason}"


def equivalence_to_latex(report: EquivalenceReport) -> str:
    """The same as LaTeX, for amsmath and booktabs."""
    parts = [latex_escaped(headline(report))]
    for direction in (report.left_reproduces_right, report.right_reproduces_left):
        parts.append(latex_escaped(" ".join(sentences(direction))))
    parts += [figures(report).to_latex(), *_bracketed(equations_latex(report))]
    parts += map(latex_escaped, why_thin(report))
    for witness in shown_witnesses(report):
        parts += [*_bracketed(witness_latex(witness)), latex_escaped(_cannot(report, witness))]
    return "\n\n".join([*parts, answers(report).to_latex()])


def _bracketed(formula: str) -> list[str]:
    return [f"\\[\n{formula}\n\\]"] if formula else []


def equivalence_to_html(report: EquivalenceReport) -> str:
    """The same for Jupyter, formulas between dollar signs."""
    parts = [f"<p><b>{escaped(headline(report))}</b></p>"]
    for direction in (report.left_reproduces_right, report.right_reproduces_left):
        first, second = sentences(direction)
        parts.append(f"<p>{escaped(first)} {escaped(second)}</p>")
    parts += [figures(report).to_html(), *_displayed(equations_latex(report))]
    parts += [f"<p>{escaped(text)}</p>" for text in why_thin(report)]
    for witness in shown_witnesses(report):
        parts += [
            *_displayed(witness_latex(witness)),
            f"<p>{escaped(_cannot(report, witness))}</p>",
        ]
    return "<div>" + "\n".join([*parts, answers(report).to_html()]) + "</div>"
