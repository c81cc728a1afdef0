"""What other counters report for the same networks and layers, from our counts under their rules."""

import csv
from pathlib import Path

import pytest

from convalgebra.cost import cost
from convalgebra.cost.conventions import CONVENTIONS, FUNCTIONS, TRIED, account_of, counted_by
from convalgebra.errors import InputError
from convalgebra.layers import KINDS
from convalgebra.readers import read
from convalgebra.sizes import at

DATA = Path(__file__).parents[1] / "data"


def rows(name):
    with open(DATA / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


PUBLISHED = {row["tool"]: row for row in rows("conventions.csv")}
RECORDED = rows("counters.csv")  # by record_counters.py
NAMES = {
    "torch.utils.flop_counter / 2": "torchvision",
    "fvcore": "fvcore",
    "thop 0.1.1": "thop",
    "torchinfo 1.8.0": "torchinfo",
    "ptflops 0.7.5 (pytorch backend)": "ptflops",
}


def figure(text, convention, shape=None):
    return account_of(read(text, shape), convention).total


@pytest.mark.parametrize("network", ["resnet50", "vgg16", "densenet121"])
@pytest.mark.parametrize("tool", NAMES)
def test_published_counts(tool, network):
    assert NAMES.keys() == PUBLISHED.keys()
    assert figure(f"zoo:{network}", NAMES[tool]) == int(PUBLISHED[tool][network])


@pytest.mark.parametrize("row", RECORDED, ids=lambda row: f"{row['network']} {row['input']}")
def test_counts_of_the_tools_themselves(row):
    for tool in NAMES.values():
        assert figure(row["network"], tool, row["input"]) == int(row[tool]), tool
