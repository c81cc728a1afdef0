"""The implicit equations of a stack as text and as LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from convalgebra.render.formula_text import wrapped
from convalgebra.render.tables import filled

if TYPE_CHECKING:
    from convalgebra.algebra.implicit.equations import ImplicitEquations, Polynomial

_SHOWN = 6  # equations; of more, the plainest are shown
_LONGEST = 12  # terms of an equation that is shown whole


def implicit_text(
    found: ImplicitEquations,
    names: Sequence[str] | None = None,
    width: int = 80,
    most: int | None = _SHOWN,
) -> str:
    """What is known of the equations, and the plainest of them; `most` None shows all, in full.

    >>> from convalgebra.algebra.families import family_of
    >>> from convalgebra.algebra.implicit.search import implicit_equations
    >>> from convalgebra.language import parse
    >>> print(implicit_text(implicit_equations(family_of(parse("2s2, 2")))))
    1 equation of degree 2 holds on the image of 2s2,2, and every other one is a
    multiple of it.
      0 = a0*a3 - a1*a2
    """
    names = names_of(found) if names is None else names
    lines = [filled(implicit_sentence(found), width)]
    shown = found.equations if most is None else found.equations[:most]
    for equation in shown:
        text = f"0 = {polynomial_text(equation, names, found.centre, most and _LONGEST)}"
        lines += wrapped(text, width, "  ", "      ")
    if len(shown) < len(found.equations):
        lines.append(f"  ({len(found.equations) - len(shown):,} more like these)")
    return "\n".join(lines)


def implicit_latex(
    found: ImplicitEquations, names: Sequence[str] | None = None, most: int | None = _SHOWN
) -> str:
    r"""The equations as an `aligned` block; `most` None shows all, in full.

    >>> from convalgebra.algebra.families import family_of
    >>> from convalgebra.algebra.implicit.search import implicit_equations
    >>> from convalgebra.language import parse
    >>> print(implicit_latex(implicit_equations(family_of(parse("2s2, 2")))))
    \begin{aligned}
    0 &= a_{0} a_{3} - a_{1} a_{2}
    \end{aligned}
    """
    names = names_of(found) if names is None else names
    shown = found.equations if most is None else found.equations[:most]
    rows = [
        f"0 &= {polynomial_latex(equation, names, found.centre, most and _LONGEST)}"
        for equation in shown
    ]
    if len(shown) < len(found.equations):
        rows.append(rf"& \text{{({len(found.equations) - len(shown):,} more like these)}}")
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}" if rows else ""


def implicit_sentence(found: ImplicitEquations) -> str:
    """How many equations there are of which degree, and what is proved of the others."""
    if not found.equations and found.complete:
        return f"No equation holds on all that {found.text} makes: its dimension is full."
    stopped = f" The search stopped there: {found.stopped}." if found.stopped else ""
    if not found.equations:
        if not found.searched_up_to:
            return f"No equations were sought for {found.text}: {found.stopped}."
        degrees = _up_to(found.searched_up_to)
        return f"No equation of {degrees} holds on the image of {found.text}.{stopped}"
    counts = [
        f"{count:,} {'equation' if count == 1 else 'equations'} of degree {degree}"
        for degree, count in found.degrees.items()
    ]
    verb = "holds" if len(found.equations) == 1 else "hold"
    text = f"{' and '.join(counts)} {verb} on the image of {found.text}"
    if found.empty_up_to:
        text += f", none of {_up_to(found.empty_up_to)}"
    if found.complete and len(found.equations) == 1:
        return f"{text.partition(', none')[0]}, and every other one is a multiple of it."
    every = "all" if found.complete else f"all of {_up_to(found.searched_up_to or 0)}"
    return f"{text}; {every} follow from these.{stopped}"


def _up_to(degree: int) -> str:
    return f"degree {degree} or less" if degree > 1 else "degree 1"


def names_of(found: ImplicitEquations) -> tuple[str, ...]:
    """The names of the coordinates."""
    from convalgebra.algebra.implicit.names import coordinate_names

    return coordinate_names(found.coordinates)


def polynomial_text(
    equation: Polynomial,
    names: Sequence[str],
    centre: Sequence[Fraction] = (),
    most: int | None = None,
) -> str:
    """A polynomial on one line, in the coordinates less `centre`; at most so many terms.

    >>> polynomial_text({((0, 1), (2, 1)): 4, ((1, 2),): -1}, ["a0", "a1", "a2"])
    '4*a0*a2 - a1^2'
    >>> polynomial_text({((0, 2),): 1, (): -2}, ["a0"], [Fraction(1, 2)])
    '(a0 - 1/2)^2 - 2'
    """
    return _sum(equation, _variables(names, centre, str), "*", "^{}", most, " + .. ({:,} terms)")


def polynomial_latex(
    equation: Polynomial,
    names: Sequence[str],
    centre: Sequence[Fraction] = (),
    most: int | None = None,
) -> str:
    """A polynomial as LaTeX.

    >>> polynomial_latex({((0, 1), (2, 1)): 4, ((1, 2),): -1}, ["a00_1_0", "a_bias_0", "a2"])
    '4 a_{00,1,0} a_{2} - a_{bias,0}^{2}'
    """
    variables = _variables([_index_below(name) for name in names], centre, _fraction_latex)
    more = r" + \cdots \; (\text{{{:,} terms}})"
    return _sum(equation, variables, " ", "^{{{}}}", most, more)


def _index_below(name: str) -> str:
    return f"{name[:1]}_{{{name[1:].strip('_').replace('_', ',')}}}"


def _fraction_latex(value: Fraction) -> str:
    if value.denominator == 1:
        return str(value)
    return rf"\frac{{{value.numerator}}}{{{value.denominator}}}"


def _variables(
    names: Sequence[str], centre: Sequence[Fraction], number: Callable[[Fraction], str]
) -> list[str]:
    """The coordinates less the centre, in parentheses where that is not 0."""
    middles = centre or [Fraction(0)] * len(names)
    return [
        f"({name} {'-' if middle > 0 else '+'} {number(abs(middle))})" if middle else name
        for name, middle in zip(names, middles, strict=True)
    ]


def _sum(
    equation: Polynomial,
    variables: Sequence[str],
    times: str,
    power: str,
    most: int | None,
    more: str,
) -> str:
    terms = list(equation.items())
    shown = terms if most is None or len(terms) <= most else terms[: most - 1]
    text = ""
    for powers, coefficient in shown:
        factors = [
            variables[number] + (power.format(exponent) if exponent > 1 else "")
            for number, exponent in powers
        ]
        if abs(coefficient) != 1 or not factors:
            factors.insert(0, str(abs(coefficient)))
        sign = ("-" if coefficient < 0 else "") if not text else " - " if coefficient < 0 else " + "
        text += sign + times.join(factors)
    return text + (more.format(len(terms)) if len(shown) < len(terms) else "")
