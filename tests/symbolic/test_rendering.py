"""Matrices and derivations as text, LaTeX and HTML."""

from __future__ import annotations

import re
from functools import cache
from textwrap import dedent

import pytest
from sympy import Eq, Ge, symbols

from convalgebra.errors import UnsupportedError
from convalgebra.language import parse, parse_shape
from convalgebra.render.derivation_latex import derivation_to_html, derivation_to_latex
from convalgebra.render.derivation_text import derivation_to_text
from convalgebra.render.formula_text import expression_text, relation_text, wrapped
from convalgebra.render.matrix_latex import matrix_to_html, matrix_to_latex
from convalgebra.render.matrix_text import matrix_to_text, summary
from convalgebra.symbolic import Derivation, derive, matrix

PAIRS = [
    ("3x3", "2x2,2x2"),
    ("3", "2,2"),
    ("5x5", "3x3,3x3"),
    pytest.param("4x4", "2x2,2x2,2x2", marks=pytest.mark.slow),
    ("3x3", "3x1,1x3"),
    ("2", "2,2"),
    ("2x2x2", "2x1x1,1x2x2"),
    ("3x3b", "2x2b,2x2b"),
    ("3", "2,avg2s1"),
    ("3", "3"),
    ("2", "avg2s1"),
]


@cache
def derived(single: str, stack: str) -> Derivation:
    return derive(parse(single), parse(stack))


def shown(text: str, shape: str, width: int = 80) -> str:
    return matrix_to_text(matrix(parse(text), parse_shape(shape)), width)


def test_a_3x3_on_4x4() -> None:
    assert shown("3x3", "4x4") + "\n" == dedent("""\
        3x3 on 1x4x4 -> 1x2x2: a 4 x 16 matrix, a row for each output and a column for
        each input

              x00 x01 x02 x03 | x10 x11 x12 x13 | x20 x21 x22 x23 | x30 x31 x32 x33
        y00   a00 a01 a02   . | a10 a11 a12   . | a20 a21 a22   . |   .   .   .   .
        y01     . a00 a01 a02 |   . a10 a11 a12 |   . a20 a21 a22 |   .   .   .   .
        y10     .   .   .   . | a00 a01 a02   . | a10 a11 a12   . | a20 a21 a22   .
        y11     .   .   .   . |   . a00 a01 a02 |   . a10 a11 a12 |   . a20 a21 a22

        64 entries: 9 free weights 4 times each, 28 zeros
        """)


def test_a_narrow_page_has_one_letter_for_each_entry() -> None:
    assert shown("3x3", "4x4", 60).splitlines()[3:] == [
        "y00   A B C . | D E F . | G H I . | . . . .",
        "y01   . A B C | . D E F | . G H I | . . . .",
        "y10   . . . . | A B C . | D E F . | G H I .",
        "y11   . . . . | . A B C | . D E F | . G H I",
        "",
        "  A = a00   B = a01   C = a02   D = a10   E = a11",
        "  F = a12   G = a20   H = a21   I = a22",
        "",
        "64 entries: 9 free weights 4 times each, 28 zeros",
    ]


def test_composed_entries_have_a_legend() -> None:
    text = shown("2x2,2x2", "4x4")
    assert "y00   A B C . | D E F . | G H I . | . . . ." in text
    assert "  E = b00*c11 + b01*c10 + b10*c01 + b11*c00" in text
    assert text.endswith("9 different sums of products of 8 weights 4 times each, 28 zeros")


@pytest.mark.slow
@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("3x3", "4x4"),
        ("3x3@8", "1x3x3"),
        ("3x3p1@4b, 3x3p1@4b", "1x6x6"),
        ("3x3@16", "3x9x9"),
        ("fc@30b", "1x40"),
        ("up2, avg2x2s1", "1x6x6"),
        ("1x1", "1x1x1"),
    ],
)
def test_matrices_keep_to_the_width(text: str, shape: str, width: int) -> None:
    lines = shown(text, shape, width).splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) < 120


def test_rows_of_one_entry_have_no_rules_between_them() -> None:
    assert "|" not in shown("1x1@3", "3x1x1")


def test_a_bias_is_added_in_latex() -> None:
    assert "+" not in matrix_to_latex(matrix(parse("2"), (3,)))
    with_bias = matrix_to_latex(matrix(parse("2b"), (3,)))
    assert "\\right) x + \\left(\\begin{array}{c}\na_{bias 0} " in with_bias


def test_what_does_not_fit_is_counted() -> None:
    text = shown("3x3@16", "3x9x9")
    assert "(720 more rows)" in text
    assert "(the first 64 of 243 columns)" in text
    assert "more different entries)" in text
    assert "432 free weights 49 times each" in text


@pytest.mark.parametrize(
    ("text", "shape", "expected"),
    [
        ("3x3", "4x4", "64 entries: 9 free weights 4 times each, 28 zeros"),
        ("3x3@8", "1x3x3", "72 entries: 72 free weights once each, no zeros"),
        ("3x3p1", "4x4", "256 entries: 9 free weights 9 to 16 times each, 156 zeros"),
        ("avg2x2s2", "4x4", "64 entries: 16 fixed numbers, 48 zeros"),
        ("1x1", "1x1", "1 entry: 1 free weight once each, no zeros"),
        ("cat(id | 1@1)", "1x2", "8 entries: 1 free weight 2 times each, 2 fixed numbers, 4 zeros"),
    ],
)
def test_summaries(text: str, shape: str, expected: str) -> None:
    assert summary(matrix(parse(text), parse_shape(shape))) == expected


def test_bias_is_shown_apart() -> None:
    text = shown("2b", "4")
    assert text.endswith("Apart from the matrix, a bias is added to each row:\n  a_bias_0")


def test_matrix_in_latex_and_html() -> None:
    found = matrix(parse("3x3"), (4, 4))
    latex = matrix_to_latex(found)
    assert latex.startswith(r"\left(\begin{array}{cccc|cccc|cccc|cccc}")
    assert latex.count(r"\cdot") == 28
    assert latex.count("a_{11}") == 4
    html = matrix_to_html(found)
    assert found._repr_html_() == html
    assert html.count("$$") == 2
    assert summary(found) in html


def test_a_large_matrix_is_a_note_in_html_and_refused_in_latex() -> None:
    found = matrix(parse("3x3p1"), (12, 12))
    assert "144 &times; 144: too large to show" in matrix_to_html(found)
    with pytest.raises(UnsupportedError, match="too large for a page"):
        matrix_to_latex(found)


@pytest.mark.slow
@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize(("single", "stack"), PAIRS)
def test_derivations_keep_to_the_width(single: str, stack: str, width: int) -> None:
    lines = derivation_to_text(derived(single, stack), width).splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) < 220
    assert not any(line != line.rstrip() for line in lines)


def test_two_2x2_as_one_does_it_by_hand() -> None:
    text = str(derived("3x3", "2x2,2x2"))
    for line in (
        "     x = x00 x01 x02    A = a00 a01 a02    B = b00 b01    C = c00 c01",
        "     y00 = b00*x00 + b01*x01 + b10*x10 + b11*x11",
        "     z = c00*y00 + c01*y01 + c10*y10 + c11*y11",
        "     z = b00*c00*x00 + (b00*c01 + b01*c00)*x01 + b01*c01*x02",
        "5. The 9 equations",
        "     a11 = b00*c11 + b01*c10 + b10*c01 + b11*c00",
        "6. Solution one: A from B and C",
        "7. Solution two: B and C from A",
        "     from a02:  b01 = t, where a00*t^2 - a01*t + a02 = 0",
        "     b00 != 0,  a00 != 0,  2*a00*t - a01 != 0",
        "8. 2 conditions on A left",
        "     a22:  a22 = b11*c11,",
        "     t real:  a01^2 - 4*a00*a02 >= 0",
    ):
        assert f"\n{line}\n" in text, line
    assert text.endswith(": 2 conditions on A (codimension 2).")
    assert len(text.splitlines()) < 100


@pytest.mark.slow
def test_long_derivations_are_shortened_and_say_so() -> None:
    text = str(derived("7x7", "3*(3x3)"))
    assert "(22 more like these)" in text
    assert "(36 more like these)" in text
    assert ".. (49 terms in all)" in text
    assert len(text.splitlines()) < 160


@pytest.mark.parametrize(("single", "stack"), PAIRS)
def test_derivations_in_latex_and_html(single: str, stack: str) -> None:
    found = derived(single, stack)
    latex = derivation_to_latex(found)
    assert latex.count("{") == latex.count("}")
    assert latex.count(r"\[") == latex.count(r"\]") >= 5
    assert latex.count(r"\begin{aligned}") == latex.count(r"\end{aligned}")
    html = derivation_to_html(found)
    assert found._repr_html_() == html
    assert html.count("$$") % 2 == 0
    assert html.replace("$$", "").count("$") % 2 == 0
    assert not re.search(r"\$\$\s*\$\$", html)


def test_sentences_have_their_symbols_as_formulas() -> None:
    latex = derivation_to_latex(derived("3x3", "2x2,2x2"))
    assert "choose $b_{00} = 1$, assuming" in latex
    assert "The single kernel gives $a_{00} x_{00}$ + $a_{01} x_{01}$" in latex
    assert r"\left(b_{00} c_{01} + b_{01} c_{00}\right) x_{01}" in latex
    assert r"c_{01} = a_{01} - a_{00} b_{01}" in latex
    assert "One output of 3x3 reads" in latex
    assert r"\text{from $a_{02}$:}\quad & b_{01} = t" in latex


def test_formulas() -> None:
    a, b, c, t = symbols("a b c t")
    assert expression_text(a * t**2 - b * t + c) == "a*t^2 - b*t + c"
    assert expression_text(-b * t + a) == "a - b*t"
    assert expression_text(-a) == "-a"
    assert expression_text((b - a * t) / (a - 2 * b * t)) == "(b - a*t)/(a - 2*b*t)"
    assert expression_text(a / 2) == "a/2"
    assert expression_text(a / b) == "a/b"
    assert expression_text(-a * (b - c)) == "-(b - c)*a"
    assert relation_text(Eq(a, 0)) == "a = 0"
    assert relation_text(Ge(a, b)) == "a >= b"


def test_wrapping() -> None:
    assert wrapped("a + b + c", 80) == ["a + b + c"]
    assert wrapped("aaa + bbb - ccc", 9, "> ", "  ") == ["> aaa", "  + bbb", "  - ccc"]
    # Parentheses are opened only where they do not fit on a line of their own.
    assert wrapped("a + (bb + cc)", 11) == ["a", "+ (bb + cc)"]
    assert wrapped("a + (bb + cc)", 9) == ["a + (bb", "+ cc)"]
