"""Comparisons as text: no line is too wide, and no figure gets lost without being told."""

import re

import pytest

from convalgebra.cost import cost
from convalgebra.cost.comparison import compare
from convalgebra.render.comparison_text import comparison_table, comparison_to_text
from convalgebra.sizes import formula

NETWORKS = ("resnet18", "resnet50", "vgg16", "mobilenet_v2", "densenet121", "squeezenet1_1")
ZOO = tuple(f"zoo:{name}" for name in NETWORKS)
WIDE = "3x3p1@C,bn,relu,3x3p1@C,bn,relu,3x3p1@C,bn,relu,3x3p1@C,bn,relu,3x3p1@C,bn,relu,1x1@C"
SEPARABLE = "dw3x3p1, 1x1@C, bn, relu, dw3x3p1, 1x1@C, bn, relu"
BRANCHES = "cat(3x3p1@C, 1x1@k | kxkpsame@N | 5x5p2@C)"
SETS = [
    (ZOO[:2], None),
    (ZOO[:4], None),
    (ZOO, None),
    (ZOO * 3, None),
    (("3x3p1@C", "dw3x3p1,1x1@C"), "CxHxW"),
    (("kxk@C", "dw kxk,1x1@C"), "CxHxW"),
    (("kxk@C", "dw kxk,1x1@C", "1x1@C", "1xk@C,kx1@C"), "CxHxW"),
    ((WIDE, "1x1@8"), "CxHxW"),
    ((WIDE, SEPARABLE, "3x3p1@C"), "CxHxW"),
    ((WIDE, WIDE, BRANCHES), "CxHxW"),
    (("a/" * 60 + "b", "x" * 200), "8x9x9"),
]


def comparison_of(stacks, shape, **options):
    if stacks[0].startswith("a/"):  # names of files: long, and without a space
        return compare([cost("3x3", input=shape)] * 2, stacks)
    return compare([cost(stack, input=shape, **options) for stack in stacks], stacks)


def squeezed(text):
    return re.sub(r"\s", "", text)


@pytest.mark.parametrize("width", [80, pytest.param(60, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("stacks", "shape"), SETS)
def test_no_line_is_too_wide_and_no_figure_is_lost(stacks, shape, width):
    comparison = comparison_of(stacks, shape)
    shown = comparison_to_text(comparison, width)
    assert max(map(len, shown.splitlines())) <= width
    hidden = shown.partition("too wide to be shown: ")[2].partition(" (")[0].replace("\n ", "")
    figures = shown.partition("too wide")[0]
    for label, *cells in comparison_table(comparison).rows:
        if label.partition(",")[0] not in hidden.split(", "):
            assert all(squeezed(cell) in squeezed(figures) for cell in [label, *cells])
    for title in comparison.titles:
        assert squeezed(title) in squeezed(shown)


def test_networks_stand_one_a_line():
    lines = comparison_to_text(comparison_of(ZOO, None)).splitlines()
    for stack in ZOO:
        params = formula(cost(stack).total.params)
        assert any(line.startswith(stack) and params in line.split() for line in lines)


def test_long_stacks_are_numbered():
    shown = comparison_to_text(comparison_of((WIDE, SEPARABLE), "CxHxW"))
    assert shown.splitlines()[2].startswith("stack 1  3x3p1@C,bn,relu,")
    assert f"stack 2  {SEPARABLE}" in shown.splitlines()
    assert "traffic: stack 2 is always cheaper than stack 1" in " ".join(shown.split())


def test_a_batch_and_two_inputs_are_told():
    comparison = compare([cost("3x3", input="1x9x9", batch=4), cost("3x3", input="1x5x5", batch=4)])
    assert str(comparison).splitlines()[0] == "input 1x9x9 and 1x5x5, a batch of 4"


def test_what_is_not_known_of_a_layer_is_not_compared():
    partial = "3x3p1@C, opaque(odd, CxHxW, ?, 5)"
    comparison = comparison_of((partial, "3x3p1@C"), "CxHxW")
    for key in ("params", "bytes"):
        assert comparison.ratios[key] == (None, None)
    assert comparison.ratios["macs"][0] == 1
    assert {found.figure for found in comparison.crossovers} == {
        *("macs", "macs_exact", "flops", "activations"),
    }
    shown = {row[0]: row[1:] for row in comparison_table(comparison).rows}
    assert shown["params"] == ("9C^2 + ?", "9C^2", "")
    assert shown["traffic, bytes"][0].endswith(" + ?")
    assert shown["MACs"][0] == "9C^2 H W + 5"
    from convalgebra.render.forms import comparison_in

    assert "\nparams,,9*C*C,,\n" in comparison_in("csv", comparison, 80)


def test_no_flops_a_byte_of_what_is_not_known():
    report = cost("3x3@8, opaque(odd, 8x3x3, ?, ?)", input="8x5x5")
    assert report.total.intensity is None
    assert report.layers[1].intensity is None
    assert report.layers[0].intensity is not None
    assert [layer["intensity"] for layer in report.to_dict()["layers"]][1] is None
    assert report.to_dict()["total"]["intensity"] is None
    assert "FLOPs a byte" not in str(report)
    assert "5,184 dense; not known on real data" in str(report)
