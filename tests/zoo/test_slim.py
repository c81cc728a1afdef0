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
from convalgebra.readers import read

with open(Path(__file__).parents[1] / "data" / "slim_endpoints.csv", newline="") as file:
    ROWS = {f"{row['cnn']}:{row['endpoint']}": row for row in csv.DictReader(file)}
assert len(ROWS) == 69

SIDES = (224, 321)
ODDER = (255, 290)  # odd and even after every stride, together with those of the table


@cache
def endpoint(network, name, side):
    """The report of a network up to one of its endpoints, on a square image."""
    return cost(f"zoo:slim_{network}", input=(3, side, side), to=name)


@cache
def paddings(network, side):
    """The padding of every named value: what unit 0 sees left of the image."""
    whole = read(f"zoo:slim_{network}", (3, side, side))
    fields = zip(whole.nodes, receptive_fields(whole), strict=True)
    return {node.name: -field.axes[0].left for node, field in fields if node.name}


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
    found = {paddings(network, side)[name] for side in (*SIDES, *ODDER)}
    assert len(found) > 1 if row["pad_None"] == "-" else found == {int(row["pad_None"])}
