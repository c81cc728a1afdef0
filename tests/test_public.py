"""The public names, and what they accept."""

from __future__ import annotations

from pathlib import Path

import pytest

import convalgebra as ca


def test_every_public_name_is_there() -> None:
    for name in ca.__all__:
        assert getattr(ca, name) is not None
    assert set(dir(ca)) == set(ca.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="frobnicate"):
        ca.frobnicate  # noqa: B018  (the access is the test)


def test_a_folder_does_not_hide_a_function() -> None:
    import importlib

    room = importlib.import_module("convalgebra.cost")
    importlib.reload(room)
    assert ca.cost is room.cost
    assert callable(ca.cost)


def test_text_path_and_network_are_all_stacks(tmp_path: Path) -> None:
    spec = tmp_path / "spec.txt"
    spec.write_text("input 3x8x8\n3x3p1@4\n")
    text = "input 3x8x8; 3x3p1@4"
    network = ca.parse(text)
    assert ca.parse(spec) == network == ca.parse(network)
    assert ca.cost(spec).to_dict() == ca.cost(text).to_dict() == ca.cost(network).to_dict()
    assert ca.equiv(ca.parse("3x3"), "2x2,2x2").to_dict() == ca.equiv("3x3", "2x2,2x2").to_dict()


def test_the_equations_solve() -> None:
    from sympy import solve, symbols

    report = ca.equiv("3x3", "2x2,2x2")
    assert len(report.equations) == 9
    a00, b00, c00 = symbols("a00 b00 c00")
    assert solve(report.equations[0], a00) == [b00 * c00]
    assert report.equations[0].subs({b00: 2, c00: 3}).rhs == 6


def test_the_two_engines_write_the_same_equations() -> None:
    from sympy import sympify

    for kernel, stack in [
        ("3x3", "2x2,2x2"),
        ("4x4s2", "2x2s2,2x2"),
        ("5", "2,2d2,2"),
        ("3x3", "2x2"),
    ]:
        report = ca.equiv(kernel, stack)
        assert report.system is not None
        assert len(report.system) == len(report.equations)
        for ours, shown in zip(report.system, report.equations, strict=True):
            right = sum(sympify("*".join(term)) for term in ours.terms)
            assert sympify(ours.left or 0) == shown.lhs
            assert (right - shown.rhs).expand() == 0


def test_reports_show_as_html() -> None:
    for report in (
        ca.equiv("3x3", "2x2,2x2"),
        ca.cost("kxk@C", input="CxHxW"),
        ca.compare([ca.cost("3x3@8", input="8x9x9"), ca.cost("5x5@8", input="8x9x9")]),
        ca.matrix("3x3", input="4x4"),
        ca.merge("3, 3", [[[[1, 2, 1]]], [[[1, 0, -1]]]], input="9"),
    ):
        html = report._repr_html_()
        assert html.startswith("<")
        assert html.count("<div") == html.count("</div>")
        assert html.count("<table") == html.count("</table>")
    assert (
        "<i>C</i><sup>2</sup> <i>k</i><sup>2</sup>" in ca.cost("kxk@C", input="CxHxW")._repr_html_()
    )


def test_errors_are_of_one_family() -> None:
    for call in (
        lambda: ca.parse("3x"),
        lambda: ca.cost("3x3"),
        lambda: ca.cost("zoo:nothing"),
        lambda: ca.equiv("3x3", "max2x2s1"),
        lambda: ca.parse(3),  # type: ignore[arg-type, return-value]
        lambda: ca.merge("3x3, relu", {}),
        lambda: ca.cost("3x3", input=(3, 0, 4)),
        lambda: ca.cost("3x3", input=(3, 4.5, 4)),  # type: ignore[arg-type]
    ):
        with pytest.raises(ca.ConvalgebraError):
            call()
