"""A kind of layer or a figure that a table does not know is an error when the table is imported."""

import importlib
import subprocess
import sys

import pytest

TABLES = (
    "convalgebra.shapes",
    "convalgebra.cost.counts",
    "convalgebra.cost.receptive_field.fields",
    "convalgebra.cost.receptive_field.moves",
    "convalgebra.cost.receptive_field.units",
)
NEW_KIND = 'layers.KINDS["slide"] = layers.Kind("kernel", "sdp", "none", "made up")'
NEW_FIGURE = 'comparison.COMPARED += ("made up",)'
NEW_CLASS = 'counts.FLOP_CLASSES += ("made up",)'


def imported_anew(module: str, change: str) -> str:
    """What Python says where a module is imported after a change of what its table is about."""
    code = f"""
from importlib import import_module, reload
from convalgebra import layers
from convalgebra.cost import comparison, counts
module = import_module("{module}")
{change}
reload(module)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return run.stderr


@pytest.mark.parametrize("module", TABLES)
def test_a_kind_without_a_rule(module: str) -> None:
    importlib.import_module(module)
    assert imported_anew(module, "") == ""
    assert "AssertionError: a kind of layer has no" in imported_anew(module, NEW_KIND)


def test_a_figure_without_a_label() -> None:
    module = "convalgebra.render.comparison_text"
    assert "AssertionError: a figure is compared without" in imported_anew(module, NEW_FIGURE)


def test_a_class_of_flops_without_a_name() -> None:
    module = "convalgebra.render.cost_text"
    assert "AssertionError: a class of FLOPs has no name" in imported_anew(module, NEW_CLASS)
