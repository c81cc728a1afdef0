"""Equations between weights as text and as LaTeX."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from convalgebra.algebra.equations import Equation


def equation_text(equation: Equation) -> str:
    """`a01 = b00*c01 + b01*c00`.

    >>> from convalgebra.algebra.equations import Equation
    >>> equation_text(Equation("a01", (("b00", "c01"), ("b01", "c00"))))
    'a01 = b00*c01 + b01*c00'
    """
    right = " + ".join("*".join(term) or "1" for term in equation.terms)
    factor = f"{equation.scale}*" if equation.scale != 1 and equation.left else ""
    return f"{factor}{equation.left or '0'} = {right or '0'}"


def equation_latex(equation: Equation) -> str:
    """`a_{01} = b_{00} c_{01} + b_{01} c_{00}`."""
    right = " + ".join(" ".join(map(name_latex, term)) or "1" for term in equation.terms)
    factor = f"{equation.scale} " if equation.scale != 1 and equation.left else ""
    return f"{factor}{name_latex(equation.left) or '0'} = {right or '0'}"


def name_latex(name: str) -> str:
    """A weight's name with its index below.

    >>> name_latex("a01"), name_latex("a0_10"), name_latex("b_bias_0")
    ('a_{01}', 'a_{0,10}', 'b_{bias,0}')
    """
    return f"{name[:1]}_{{{name[1:].strip('_').replace('_', ',')}}}" if name else ""
