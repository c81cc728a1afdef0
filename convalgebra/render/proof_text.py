"""How the answer for any two linear stacks is proved, step by step.

One-channel kernels and chains have a derivation by hand (`symbolic.derivation`); this is for all
others: the operators, the equations where they are few, the dimensions, the conclusion.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from convalgebra.errors import UnsupportedError
from convalgebra.layers import ACTIVATIONS
from convalgebra.render.equation_text import name_latex
from convalgebra.render.equivalence_text import sentences
from convalgebra.render.tables import (
    code_escaped,
    filled,
    latex_escaped,
    markdown_escaped,
    sentence_case,
)
from convalgebra.words import counted, listed

if TYPE_CHECKING:
    from convalgebra.algebra.plan import Step
    from convalgebra.algebra.report import EquivalenceReport, Side

_MOST_EQUATIONS = 40


class ProofStep(NamedTuple):
    """A step: its title, sentences, and equations as sympy objects."""

    title: str
    sentences: list[str]
    equations: list[Any]


def proof_steps(report: EquivalenceReport) -> list[ProofStep]:
    """The steps of the proof, in order."""
    steps = [_operator(side) for side in (report.left, report.right)]
    equations = _equations(report)
    if equations:
        kernel, stack = report.kernel, report.stack
        said = f"{stack.text} is the {kernel.text} kernel A if and only if"
        steps.append(ProofStep("Equal operators", [said], equations))
    for side in (report.left, report.right):
        if side.dimension is not None:
            steps.append(ProofStep(f"The dimension of {side.text}", list(_dimension(side)), []))
    for direction in (report.left_reproduces_right, report.right_reproduces_left):
        title = f"Does {direction.maker.text} reproduce {direction.made.text}?"
        steps.append(ProofStep(title, [" ".join(sentences(direction))], []))
    return steps


def _operator(side: Side) -> ProofStep:
    family = side.family
    layers = "; ".join(
        f"{index}. {_layer(step)}" for index, step in enumerate(family.plan.steps[1:], 1)
    )
    size = "x".join(map(str, family.receptive_field))
    shape = f"{family.channels_out} x {family.channels_in}"
    title, said = f"{side.text} as an operator", []
    if side.activated:
        left_out = listed(_activations(side))
        title = f"{side.text} without {left_out}, as an operator"
        said = [
            f"With {left_out} it is no matrix of polynomials. What follows leaves {left_out} out. "
            "It shows how far the stack sees, and that its channels and stride are those of the "
            "other stack, so that the two can be compared. It proves nothing more: the answers "
            f"below are about the stack with {left_out}."
        ]
    said += [
        f"Its {counted(len(family.plan.steps) - 1, 'step')}: {layers}.",
        "On an unbounded grid (K2, s2) after (K1, s1) is (K2(z^s1) K1(z), s1 s2), sums add, cat "
        f"stacks. So it is a {shape} matrix of Laurent polynomials that fit {size}, with "
        f"{counted(family.ambient, 'coefficient')} that "
        f"{'does' if family.ambient == 1 else 'do'} not vanish identically, polynomials in "
        f"{counted(family.weights, 'weight')}.",
    ]
    if any(b > 1 for _, b in family.rate):
        rate = ", ".join(f"{b} for every {a}" for a, b in family.rate)
        said.append(f"Outputs for inputs, per axis: {rate}; each phase has a kernel of its own.")
    return ProofStep(title, said, [])


def _activations(side: Side) -> list[str]:
    """The activations of a stack by name, each once."""
    network = side.network
    kinds = (n.layer.kind for n, live in zip(network.nodes, network.live, strict=True) if live)
    return list(dict.fromkeys(kind for kind in kinds if kind in ACTIVATIONS))


def _layer(step: Step) -> str:
    """A step in words.

    >>> from convalgebra.algebra.plan import plan_of
    >>> from convalgebra.language import parse
    >>> _layer(plan_of(parse("3x3s2@4"), 2).steps[1])
    '3x3 convolution, 2 to 4 channels, stride 2x2, 72 weights'
    """
    if step.op in ("add", "cat", "pick", "depth_to_space"):
        source = " and ".join(f"step {s}" if s else "the input" for s in step.sources)
        what = {"add": "sum of", "cat": "channels of", "pick": "some channels of"}
        return f"{what.get(step.op, 'depth to space of')} {source}"
    size = "x".join(map(str, step.size))
    words = [
        f"{size} {'transposed ' if step.op == 'convt' else ''}convolution, "
        f"{step.channels[0]} to {step.channels[1]} channels"
    ]
    for name in ("stride", "dilation"):
        values = getattr(step, name)
        if any(value != 1 for value in values):
            words.append(f"{name} {'x'.join(map(str, values))}")
    if step.groups > 1:
        words.append(f"{step.groups} groups")
    words.append(counted(step.free, "weight") if step.weights is not None else "fixed")
    return ", ".join(words)


def _equations(report: EquivalenceReport) -> list[Any]:
    """The system, where one side is a kernel and there are few equations."""
    sides = (report.left, report.right)
    if any(side.activated for side in sides) or not report.kernel.family.is_kernel:
        return []
    if report.kernel.family.ambient > _MOST_EQUATIONS:
        return []
    try:
        return report.equations
    except UnsupportedError:
        return []


def _dimension(side: Side) -> Iterator[str]:
    found = side.dimension
    assert found is not None
    yield f"{sentence_case(found.reason)}."
    if found.method in ("rank", "direct sum"):
        where = "a random point" if found.method == "rank" else "that point"
        yield (
            f"The Jacobian, {found.weights:,} weights by {found.ambient:,} coefficients, has rank "
            f"{found.lower:,} at {where} mod {found.prime:,}: at least so many dimensions."
        )
    if not found.proved:
        yield f"From above {found.upper:,} is proved; the dimension lies between."


def proof_to_text(report: EquivalenceReport, width: int = 80) -> str:
    """The proof for a terminal."""
    parts = []
    for number, step in enumerate(proof_steps(report), 1):
        lines = [f"{number}. {step.title}"]
        lines += [filled(sentence, width, "   ", "   ") for sentence in step.sentences]
        lines += [
            filled(f"{e.lhs} = {e.rhs}".replace("**", "^"), width, "     ", " " * 10)
            for e in step.equations
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(["Derivation", *parts])


def _latex(step: ProofStep) -> str:
    from sympy import latex

    symbols = set().union(*(e.free_symbols for e in step.equations))
    names = {symbol: name_latex(symbol.name) for symbol in symbols}
    lines = (
        " &= ".join(latex(side, symbol_names=names) for side in (e.lhs, e.rhs))
        for e in step.equations
    )
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def proof_to_markdown(report: EquivalenceReport) -> str:
    """The proof as Markdown."""
    parts = ["## Derivation"]
    for number, step in enumerate(proof_steps(report), 1):
        parts.append(f"**{number}. {markdown_escaped(step.title)}**")
        parts += map(markdown_escaped, step.sentences)
        parts += [f"$$\n{_latex(step)}\n$$"] if step.equations else []
    return "\n\n".join(parts)


def proof_to_latex(report: EquivalenceReport) -> str:
    """The proof as LaTeX, for amsmath."""
    parts = [r"\section*{Derivation}"]
    for step in proof_steps(report):
        parts.append(rf"\paragraph{{{latex_escaped(step.title)}}}")
        parts += map(latex_escaped, step.sentences)
        parts += [f"\\[\n{_latex(step)}\n\\]"] if step.equations else []
    return "\n\n".join(parts)


def proof_to_html(report: EquivalenceReport) -> str:
    """The proof for Jupyter, formulas between dollar signs."""
    parts = ["<h3>Derivation</h3>"]
    for number, step in enumerate(proof_steps(report), 1):
        parts.append(f"<p><b>{number}. {code_escaped(step.title)}</b></p>")
        parts += [f"<p>{code_escaped(sentence)}</p>" for sentence in step.sentences]
        parts += [f"$$\n{_latex(step)}\n$$"] if step.equations else []
    return "<div>" + "\n".join(parts) + "</div>"


def proof_to_dict(report: EquivalenceReport) -> dict[str, Any]:
    """The proof as plain values, ready for JSON."""
    return {
        "schema": "convalgebra.proof/1",
        "steps": [
            {
                "title": step.title,
                "text": step.sentences,
                "equations": [f"{e.lhs} = {e.rhs}" for e in step.equations],
            }
            for step in proof_steps(report)
        ],
    }
