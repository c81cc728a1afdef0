"""Cost reports as text: no line is too wide, and no figure gets lost."""

import re

import pytest

from convalgebra.cost import cost
from convalgebra.render.convention_text import account_table
from convalgebra.render.cost_text import cost_table, cost_to_text
from convalgebra.sizes import names

QUICK = ("alexnet", "dcgan_generator")
SLOW = (
    *("googlenet", "inception_v3", "s3d", "unet", "fcn_resnet50", "lraspp_mobilenet_v3_large"),
    *("efficientnet_b0", "densenet121", "convnext_tiny", "shufflenet_v2_x1_0", "regnet_y_400mf"),
    *("slim_resnet_v1_50", "wavenet"),
)
EACH = [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)]
NAMED = {1: "W", 2: "HxW", 3: "TxHxW"}


def with_named_sides(name, **options):
    channels, *sides = cost(f"zoo:{name}").input
    return cost(f"zoo:{name}", input=f"{channels}x{NAMED[len(sides)]}", **options)


def lost(table, text):
    """The figures of a table, but for totals, that stand nowhere in a text."""
    squeezed = re.sub(r"\s", "", text)
    *rows, _total = table.rows
    return [cell for row in rows for cell in row[2:4] if re.sub(r"\s", "", cell) not in squeezed]


@pytest.mark.parametrize("name", EACH)
def test_a_network_with_named_sides_keeps_to_the_width_and_loses_no_figure(name):
    report = with_named_sides(name)
    assert names(report.total.macs) <= {"T", "H", "W"}
    for width in (80, 100):
        text = cost_to_text(report, width)
        assert max(map(len, text.splitlines())) <= width
        assert lost(cost_table(report), text) == []


@pytest.mark.parametrize("convention", ["fvcore", "torchinfo", "thop"])
def test_what_a_tool_counts_keeps_to_the_width_too(convention):
    report = with_named_sides("alexnet", convention=convention)
    for width in (80, 100):
        text = cost_to_text(report, width)
        assert max(map(len, text.splitlines())) <= width
        assert lost(account_table(report.convention), text) == []


def test_equal_formulas_share_a_number():
    text = cost_to_text(with_named_sides("resnet50"), 56)
    table, below, *_ = text.split("\n\n")[1:]
    numbered = re.findall(r"\((\d+)\)$", table, re.MULTILINE)
    assert numbered
    assert len(set(numbered)) < len(numbered)
    assert re.findall(r"^\((\d+)\)  ", below, re.MULTILINE) == sorted(set(numbered), key=int)


def test_a_table_that_fits_has_no_numbers():
    text = cost_to_text(cost("kxk@C", input="CxHxW"))
    assert "C^2 k^2 (H - k + 1) (W - k + 1)\n" in text
    assert "(1)  " not in text
