"""An EquivalenceReport as Markdown, LaTeX and HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convalgebra.render.equation_text import equation_latex
from convalgebra.render.equivalence_text import (
    answers,
    dimension_reasons,
    figures,
    headline,
    legend,
    more_sections,
    sentences,
    shown_witnesses,
    why_thin,
)
from convalgebra.render.tables import code_escaped, escaped, fenced, latex_escaped, markdown_escaped

if TYPE_CHECKING:
    from convalgebra.algebra.one_channel.witness import Witness
    from convalgebra.algebra.report import EquivalenceReport, Side

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


def reasons(report: EquivalenceReport) -> list[str]:
    """How conditions are counted, or why the dimensions are what they are."""
    return why_thin(report) if report.one_channel else dimension_reasons(report)


def equivalence_to_markdown(report: EquivalenceReport) -> str:
    """Sentences, tables, and the equations between double dollar signs."""
    parts = [f"**{markdown_escaped(headline(report))}**"]
    for direction in (report.left_reproduces_right, report.right_reproduces_left):
        first, second = sentences(direction)
        parts.append(markdown_escaped(f"- {first} {second}"))
    parts += [figures(report).to_markdown(), *_displayed(equations_latex(report))]
    parts += map(markdown_escaped, reasons(report))
    for witness, stack in shown_witnesses(report):
        parts += [*_displayed(witness_latex(witness)), markdown_escaped(_cannot(stack, witness))]
    for title, sentence, formula in _implicit(report):
        parts += [f"**{markdown_escaped(title)}**", markdown_escaped(sentence)]
        parts += _displayed(formula)
    for title, lines in more_sections(report, _WIDTH, equations=False):
        parts += [f"**{markdown_escaped(title)}**", *_markdown_lines(lines)]
    return "\n\n".join([*parts, answers(report).to_markdown(), markdown_escaped(legend(report))])


def _implicit(report: EquivalenceReport) -> list[tuple[str, str, str]]:
    """The equations of each stack: a title, what is proved of them, and the formulas."""
    from convalgebra.render.implicit_text import implicit_latex, implicit_sentence

    return [
        (f"The equations of {one.text}", implicit_sentence(one), implicit_latex(one))
        for one in report.implicit
    ]


def _displayed(formula: str) -> list[str]:
    return [f"$$\n{formula}\n$$"] if formula else []


_WIDTH = 80


def _markdown_lines(lines: list[str]) -> list[str]:
    """Sentences as they are, pictures and formulas as a block of code."""
    sentences = [markdown_escaped(line) for line in lines if line[:1] != " "]
    pictures = [line for line in lines if line[:1] == " "]
    return [*sentences, *([fenced("\n".join(pictures))] if pictures else [])]


def _latex_lines(lines: list[str]) -> list[str]:
    sentences = [latex_escaped(line) for line in lines if line[:1] != " "]
    pictures = [line for line in lines if line[:1] == " "]
    block = "\\begin{verbatim}\n" + "\n".join(pictures) + "\n\\end{verbatim}"
    return [*sentences, *([block] if pictures else [])]


def _html_lines(lines: list[str]) -> list[str]:
    sentences = [f"<p>{code_escaped(line)}</p>" for line in lines if line[:1] != " "]
    pictures = [escaped(line) for line in lines if line[:1] == " "]
    return [*sentences, *(["<pre>" + "\n".join(pictures) + "</pre>"] if pictures else [])]


def _cannot(stack: Side, witness: Witness) -> str:
    over = {"real": " over the reals", "rational": " over the rationals"}.get(witness.field, "")
    return f"{stack.text} cannot make this kernel{over}: {witness.reason}"


def equivalence_to_latex(report: EquivalenceReport) -> str:
    """The same as LaTeX, for amsmath and booktabs."""
    parts = [latex_escaped(headline(report))]
    for direction in (report.left_reproduces_right, report.right_reproduces_left):
        parts.append(latex_escaped(" ".join(sentences(direction))))
    parts += [figures(report).to_latex(), *_bracketed(equations_latex(report))]
    parts += map(latex_escaped, reasons(report))
    for witness, stack in shown_witnesses(report):
        parts += [*_bracketed(witness_latex(witness)), latex_escaped(_cannot(stack, witness))]
    for title, sentence, formula in _implicit(report):
        parts += [rf"\paragraph{{{latex_escaped(title)}}}", latex_escaped(sentence)]
        parts += _bracketed(formula)
    for title, lines in more_sections(report, _WIDTH, equations=False):
        parts += [rf"\paragraph{{{latex_escaped(title)}}}", *_latex_lines(lines)]
    return "\n\n".join([*parts, answers(report).to_latex(), latex_escaped(legend(report))])


def _bracketed(formula: str) -> list[str]:
    return [f"\\[\n{formula}\n\\]"] if formula else []


def equivalence_to_html(report: EquivalenceReport) -> str:
    """The same for Jupyter, formulas between dollar signs."""
    parts = [f"<p><b>{code_escaped(headline(report))}</b></p>"]
    for direction in (report.left_reproduces_right, report.right_reproduces_left):
        first, second = sentences(direction)
        parts.append(f"<p>{code_escaped(first)} {code_escaped(second)}</p>")
    parts += [figures(report).to_html(), *_displayed(equations_latex(report))]
    parts += [f"<p>{code_escaped(text)}</p>" for text in reasons(report)]
    for witness, stack in shown_witnesses(report):
        parts += [
            *_displayed(witness_latex(witness)),
            f"<p>{code_escaped(_cannot(stack, witness))}</p>",
        ]
    for title, sentence, formula in _implicit(report):
        parts += [f"<p><b>{code_escaped(title)}</b></p>", f"<p>{code_escaped(sentence)}</p>"]
        parts += _displayed(formula)
    for title, lines in more_sections(report, _WIDTH, equations=False):
        parts += [f"<p><b>{code_escaped(title)}</b></p>", *_html_lines(lines)]
    parts += [answers(report).to_html(), f"<p>{code_escaped(legend(report))}</p>"]
    return "<div>" + "\n".join(parts) + "</div>"
