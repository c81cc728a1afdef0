"""The endpoints of TF-Slim's networks, against the table that was published with

"Computing Receptive Fields of Convolutional Neural Networks" (Araujo, Norris, Sim, Distill 2019).
FLOPs there are two per MAC, one for each biased output, and k*k for each pooled output.
"""

import csv
from functools import cache
from pathlib import Path

import pytest

from convalgebra.cost import cost
from convalgebra.cost.receptive_field import receptive_fields
from convalgebra.cost.receptive_field.remainders import by_remainder
from convalgebra.readers import read

with open(Path(__file__).parents[1] / "data" / "slim_endpoints.csv", newline="") as file:
    ROWS = {f"{row['cnn']}:{row['endpoint']}": row for row in csv.DictReader(file)}
assert len(ROWS) == 69

SIDES = (224, 321)


@cache
def endpoint(network, name, side):
    """The report of a network up to one of its endpoints, on a square image."""
    return cost(f"zoo:slim_{network}", input=(3, side, side), to=name)


@cache
def fields_by_name(network):
    """What the units of every named value see on an image of a size that is not known."""
    whole = read(f"zoo:slim_{network}", "3xHxH")
    fields = zip(whole.nodes, receptive_fields(whole), strict=True)
    return {node.name: field for node, field in fields if node.name}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_endpoint(row):
    network, name = row["cnn"], row["endpoint"].rpartition("/")[2]
    for side in SIDES:
        report = endpoint(network, name, side)
        axis, other = report.receptive_field.axes
        assert axis == other
        assert (axis.size, axis.jump) == (int(row["rf"]), int(row["stride"]))
        assert -axis.left == int(row[f"pad_{side}"])
        by_class = report.total.flops_by_class
        flops = sum(by_class.get(each, 0) for each in ("mac", "bias", "pooling"))
        assert f"{flops / 10**9:.3f}" == row[f"gflops_{side}"]


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_endpoint_on_an_unknown_input(row):
    """Where the padding depends on the input, by its remainder it is that of either input."""
    axis, other = fields_by_name(row["cnn"])[row["endpoint"].rpartition("/")[2]].axes
    assert axis == other
    assert (axis.size, axis.jump) == (int(row["rf"]), int(row["stride"]))
    if row["pad_None"] != "-":
        assert -axis.left == int(row["pad_None"])
        return
    found = by_remainder(axis.left)
    assert len(found.values) > 1
    for side in SIDES:
        assert -found.values[side % len(found.values)] == int(row[f"pad_{side}"])
