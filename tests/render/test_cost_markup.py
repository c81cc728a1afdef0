"""Cost reports for pages and papers: the formulas of the text, typeset."""

import csv
import re

import pytest

from convalgebra.cost import cost
from convalgebra.cost.comparison import compare
from convalgebra.render.comparison_markup import comparison_to_csv, comparison_to_html
from convalgebra.render.cost_markup import cost_to_csv, cost_to_html, cost_to_latex, size_latex
from convalgebra.render.cost_text import cost_to_text
from convalgebra.render.forms import equivalence_in
from convalgebra.sizes import at, symbol

H = symbol("H")
STACKS = ("kxk@C", "3x3s2p1@8, max2x2s2, 5x5@C", "cat(3x3p1@C | kxkpsame@9)", "3x3p1@8, up2, 1x1@C")


def plain_text(html):
    """What a browser shows of a fragment, with its powers as in the text."""
    raised = re.sub("<sup>(.*?)</sup>", r"^\1", html)
    return re.sub("<[^>]*>", "", raised).replace("&gt;", ">").replace("&lt;", "<")


@pytest.mark.parametrize("stack", STACKS)
def test_a_plain_browser_shows_the_formulas_of_the_text(stack):
    report = cost(stack, input="CxHxW")
    html = cost_to_html(report)
    assert "$" not in html
    assert "^" not in html
    cells = re.findall(r"<td[^>]*>(.*?)</td>", html)
    table = cost_to_text(report, 1000).split("\n\n")[1]
    for cell in cells:
        assert plain_text(cell) in table


def test_names_lean_and_powers_are_raised():
    html = cost_to_html(cost("kxk@C", input="CxHxW"))
    assert "<i>C</i><sup>2</sup> <i>k</i><sup>2</sup> (<i>H</i> - <i>k</i> + 1)" in html
    assert '<td style="text-align:left">kxk@C</td>' in html  # a layer is no formula
    assert "<li>params C<sup>2</sup> k<sup>2</sup></li>" in html


def test_latex_has_the_factors_of_the_text():
    latex = cost_to_latex(cost("kxk@C", input="CxHxW"))
    assert r"$C^{2} k^{2} \left(H - k + 1\right) \left(W - k + 1\right)$" in latex
    assert size_latex((H + 1) / 2) == r"$\frac{H + 1}{2}$"


@pytest.mark.parametrize("stack", STACKS)
def test_csv_is_factored_and_comes_to_the_same(stack):
    report = cost(stack, input="CxHxW")
    numbers = {"C": 8, "H": 41, "W": 37, "k": 3}
    rows = csv.DictReader(cost_to_csv(report).splitlines())
    for row, layer in zip(rows, report.layers, strict=True):
        for key in ("params", "macs", "macs_exact", "flops", "activations", "bytes"):
            assert eval(row[key], dict(numbers)) == at(getattr(layer, key), numbers)


def test_comparisons_have_no_tex():
    comparison = compare([cost(s, input="CxHxW") for s in ("kxk@C", "5x5@C")], ("kxk@C", "5x5@C"))
    assert "$" not in comparison_to_html(comparison)
    assert "^" not in comparison_to_html(comparison)
    assert "C*C*k*k*(H - k + 1)*(W - k + 1)" in comparison_to_csv(comparison)


def test_equations_say_what_shows_them():
    from convalgebra import equiv

    found = equiv("3x3", "2x2,2x2")
    told = equivalence_in("html", found, 80)
    assert "$$" in told
    assert told.count("has to load MathJax") == 1
    assert "MathJax" not in found._repr_html_()
    assert "MathJax" not in equivalence_in("md", found, 80)
