"""The zoo against torchvision's own modules, to the last digit.

tests/data/torchvision.csv was written by record_torchvision.py with torchvision 0.28.0 and torch
2.13.0. GoogLeNet and the segmentation networks are without their auxiliary classifiers.
"""

import csv
from pathlib import Path

import pytest

from convalgebra.cost import cost
from convalgebra.shapes import shape_text

DATA = Path(__file__).parents[1] / "data"

with open(DATA / "torchvision.csv", newline="") as file:
    ROWS = {row["model"]: row for row in csv.DictReader(file)}
assert len(ROWS) == 78


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_the_figures_of_the_module(row):
    report = cost(f"zoo:{row['model']}")
    found = (report.total.params, report.total.macs, report.total.conv_outputs)
    assert found == tuple(int(row[key]) for key in ("params", "macs", "conv_outputs"))
    assert (shape_text(report.input), shape_text(report.output)) == (row["input"], row["output"])
    assert report.status == "complete"


def test_both_tables_agree():
    with open(DATA / "networks.csv", newline="") as file:
        for row in csv.DictReader(file):
            here = ROWS[row["model"]]
            for key in ("params", "macs", "conv_outputs"):
                assert here[key] == row[key], row["model"]
