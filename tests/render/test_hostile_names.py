"""Names that a terminal, a spreadsheet, a browser or TeX would obey: none gets through raw."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import convalgebra as ca
from convalgebra.cli import main
from convalgebra.inventory import Inventory, Module
from convalgebra.kernels.merging import parameter_table
from convalgebra.layers import Layer, Opaque
from convalgebra.network import Network
from convalgebra.render import forms
from convalgebra.render.cost_markup import size_latex
from convalgebra.render.tables import (
    Table,
    _is_formula,
    code_escaped,
    csv_escaped,
    filled,
    latex_escaped,
    latex_prose,
    markdown_escaped,
)

NAMES = [
    "=HYPERLINK(1)",
    "@SUM(A1)",
    "+1+cmd|'/C calc'!A1",
    "-2+3",
    "\t=1",
    "\r=1",
    "\uff1d1+1",
    "<script>alert(1)</script>",
    "\"><img src=x onerror='a'>",
    "&lt;script&gt;",
    "\x1b[31mred\x1b[0m",
    "\x9b2J\x00\x07",
    "a\u202egpj",
    "\u2066a\u200b",
    "two\nlines",
    "a|b",
    "`<b>",
    "```<b>`",
    "\\`<b>`",
    "[a](javascript:alert(1))",
    "![a](http://a/b)",
    "[a]: http://a",
    "$\\input{x}$",
    "$<b>$",
    "$x$ $\\write18{x}$",
    "%_#{}~^&",
    "\ud800",
]
FIGURE = re.compile(r"-?[\d,./x]*( to -?\d+)?|\d+ \+ 0")


class Tags(HTMLParser):
    """What a browser would see."""

    TAGS = ("div", "p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "caption")
    TAGS += ("code", "b", "i", "sup", "sub", "small", "pre", "br")

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag in self.TAGS
        assert {key for key, _ in attributes} <= {"style"}
        assert all(re.fullmatch(r"[a-z:;\-0-9]+", value or "") for _, value in attributes)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def check(text: str, form: str) -> None:
    """What is written in a form obeys nothing that stands in a name."""
    assert all(c.isprintable() or c == "\n" for c in text), form
    if form == "json":
        json.loads(text)
    elif form == "csv":
        rows = [*csv.reader(io.StringIO(text))]
        assert len({len(row) for row in rows}) == 1
        for cell in (cell for row in rows for cell in row):
            assert cell[:1] not in {*"=+@\t\r", *"\uff1d\uff0b\uff0d\uff20"}
            assert cell[:1] != "-" or FIGURE.fullmatch(cell)
    elif form == "html":
        parser = Tags()
        parser.feed(text)
        parser.close()
    elif form == "md":
        check_markdown(text)
    elif form == "latex":
        # Every command is one of ours: all other backslashes are \textbackslash.
        assert not re.search(r"\\(input|write|def|csname|catcode)", text)
        assert not re.search(r"(?<!\\)[#%]", text)
        # What stands between dollar signs is a sign or a formula of ours.
        pieces = re.split(r"(?<!\\)\$", text)
        assert len(pieces) % 2 == 1, text
        ours = (r"\ge", r"\le", "<", ">")
        assert all(piece in ours or _is_formula(piece) for piece in pieces[1::2]), text


def check_markdown(text: str) -> None:
    """No raw HTML and no link: code spans are found as CommonMark finds them (section 6.1)."""
    for line in re.sub(r"(?ms)^(```+)text\n.*?^\1$", "", text).split("\n"):
        at, outside = 0, ""
        while at < len(line):
            if line[at] == "\\" and at + 1 < len(line):
                outside, at = outside + " ", at + 2
            elif line[at] == "`":
                run = re.match("`+", line[at:]).group()  # type: ignore[union-attr]
                end = re.search(f"(?<!`){run}(?!`)", line[at + len(run) :])
                at += len(run) + (end.end() if end else 0)
            else:
                outside, at = outside + line[at], at + 1
        assert not re.search(r"<[A-Za-z/!?]|\]\(|\]:|&#?\w+;", outside), line
        if line.startswith("|"):
            cells.append(len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)))


cells: list[int] = []


def named(name: str) -> Network:
    """A network with a name at every place that has one."""
    network = ca.parse("input 3x9x9; a = (3x3p1@4, relu); b = (3x3@5 + 3x3@5)")
    opaque = Layer("opaque", (5, 7, 7), opaque=Opaque(name, None, None))
    nodes = [node._replace(name=name, block=(name, name)) for node in network.nodes]
    nodes[2] = nodes[2]._replace(layer=replace(opaque, size=(4, 9, 9)))
    return replace(network, nodes=tuple(nodes))


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_reports_on_networks(name: str) -> None:
    network = named(name)
    report = ca.cost(network, convention="fvcore", training="adam")
    comparison = ca.compare([report, report], titles=(name, f"x{name}"))
    module = Module(name, name, None, name, 2, name)
    inventory = Inventory(name, (module, module._replace(params=3)), name)
    views = [report.unit("0[0,0]")._replace(name=name)]
    for form in ("text", "json", "csv", "md", "latex", "html"):
        check(forms.cost_in(form, report, 80, all_layers=True), form)
        check(forms.cost_in(form, report, 80), form)
        check(forms.comparison_in(form, comparison, 80), form)
        check(forms.comparison_in(form, comparison, 30), form)
        check(forms.inventory_in(form, inventory, 80), form)
        check(forms.views_in(form, report, views, 80), form)
    for shown in (report, comparison, inventory):
        check(str(shown), "text")
        check(shown._repr_html_(), "html")


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_reports_on_arrays(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = "w.npz"
    rng = np.random.default_rng(0)
    array = rng.standard_normal((2, 1, 3, 3))
    kernel = replace(ca.factor([[1, 2, 1], [2, 4, 2], [1, 2, 1]], "2x2,2x2").kernel, name=name)
    nearest = ca.nearest(kernel, "3x1,1x3")
    factor = ca.factor(kernel, "2x2,2x2")
    reports = {
        ("text", "json", "md", "html"): [
            lambda form: forms.nearest_in(form, nearest, 80),
            lambda form: forms.factor_in(form, factor, 80, 5),
        ]
    }
    if "\0" not in name and "\ud800" not in name:
        np.savez(file, **{name: array, f"{name}2": array[:, :, :2, :2], f"{name}3": array[0, 0, 0]})
        scores = ca.factorability(file, "3x1,1x3", starts=1)
        reports["text", "json", "csv", "md", "html"] = [
            lambda form: forms.factorability_in(form, scores, 80)
        ]
    for written, writers in reports.items():
        for form in written:
            for write in writers:
                check(write(form), form)
    for arguments in (["nearest", f"{file}:no{name}", "2x2,2x2"], ["factor", name, "2,2"]):
        result = CliRunner().invoke(main, arguments)
        check(result.output, "text")
        assert result.exit_code == 2


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_reports_on_linear_stacks(name: str) -> None:
    plain = ca.parse("a = 3x3; b = 2x2")
    nodes = tuple(node._replace(name=name, block=(name,)) for node in plain.nodes)
    network = replace(plain, nodes=nodes)
    equiv, matrix = ca.equiv(network, "4x4", input="9x9"), ca.matrix(network, "5x5")
    merged = ca.merge(network, [np.ones((1, 1, 3, 3)), np.ones((1, 1, 2, 2))])
    table = parameter_table(network)
    for form in ("text", "json", "md", "latex", "html"):
        check(forms.equivalence_in(form, equiv, 80), form)
        check(forms.merge_in(form, merged, 80), form)
        check(forms.parameters_in(form, table), form)
        if form in ("text", "json", "latex"):
            check(forms.matrix_in(form, matrix, 80), form)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
@pytest.mark.parametrize("command", [name for name in main.commands if name != "check"])
def test_errors_name_it_visibly(name: str, command: str) -> None:
    arguments = ["equiv", "3x3", name] if command == "equiv" else [command, name, "2x2,2x2"]
    check(CliRunner().invoke(main, arguments).output, "text")
    check(CliRunner().invoke(main, [command, f"--{name}"]).output, "text")
    try:
        ca.cost(name)
    except ca.ConvalgebraError as error:
        check(str(error), "text")


@given(st.text(st.sampled_from("ab`\\<>|$&*_[](){}!#=-+@'\"/;:\n\x1b 1"), max_size=12))
def test_any_name_in_any_form(name: str) -> None:
    table = Table((name, "MACs"), ((name, "1"), (f"a {name}", f"`{name}`")))
    check(table.to_text(), "text")
    check(filled(name, 20), "text")
    check(table.to_csv(), "csv")
    cells.clear()
    check(table.to_markdown(), "md")
    assert set(cells) == {3}  # no cell more, no cell less
    check(markdown_escaped(f"a layer `{name}` of {name}"), "md")
    check(table.to_html() + code_escaped(name), "html")
    for text in (latex_escaped(name), latex_prose(name), table.to_latex()):
        check(text, "latex")


def test_figures_stay_as_they_are() -> None:
    for cell in ("-3", "-1/4", "1e-5", "-0.5", "-1 to 1", "12 + ?", "all", "-", "", "1,024", "+3"):
        assert csv_escaped(cell) == cell
    for text in ("9*C*C*(H//2)", "alpha*H_in + Cmax", "(C + 1)/2"):
        size = ca.parse(f"1x1@({text})").nodes[1].layer.channels.size
        assert latex_escaped(size_latex(size)) == size_latex(size)
