"""What other counters report for the same networks, from our counts under their rules."""

import csv
from math import prod
from pathlib import Path

import pytest

from convalgebra.cost import cost

DATA = Path(__file__).parents[1] / "data"

with open(DATA / "conventions.csv", newline="") as file:
    ROWS = {row["tool"]: row for row in csv.DictReader(file)}


# Elements of the last relu and the input of the global pooling, where the reference implementation
# calls a function for them: counters that look at modules see them otherwise.
BY_FUNCTION = {"densenet121": 1024 * 7 * 7}


def elements(report, *kinds, before=False):
    nodes = enumerate(report.network.nodes)
    found = [node.inputs[0] if before else i for i, node in nodes if node.layer.kind in kinds]
    return sum(prod(report.network.shapes[index]) for index in found)


def torch_flop_counter(report, functions):
    return report.total.macs


def fvcore(report, functions):
    # MACs + batch norms + the inputs of adaptive pooling.
    return report.total.macs + norms(report) + elements(report, "gap", before=True)


def norms(report):
    return report.total.flops_by_class.get("norm", 0)


def thop(report, functions):
    # Twice as much for batch norms; a sum and a division for each output of adaptive pooling, one
    # operation for each of other average pooling; functions are not seen.
    pooled = elements(report, "gap", before=True) + elements(report, "gap", "avg")
    unseen = functions + 1024 if functions else 0
    return report.total.macs + 2 * norms(report) + pooled - unseen


def torchinfo(report, functions):
    # Elements of the weights times positions: biases each output, norms once.
    total = report.total
    return total.macs + total.flops_by_class["bias"] + total.norms


def ptflops(report, functions):
    # Activations and the inputs of pooling count twice: the module, and the function that it calls.
    total = report.total
    once = total.flops_by_class["activation"]
    once += elements(report, "max", "avg", "gap", before=True) - functions
    return total.macs + total.flops_by_class["bias"] + norms(report) + 2 * once


RULES = {
    "torch.utils.flop_counter / 2": torch_flop_counter,
    "fvcore": fvcore,
    "thop 0.1.1": thop,
    "torchinfo 1.8.0": torchinfo,
    "ptflops 0.7.5 (pytorch backend)": ptflops,
}
assert RULES.keys() == ROWS.keys()


@pytest.mark.parametrize("network", ["resnet50", "vgg16", "densenet121"])
@pytest.mark.parametrize("tool", sorted(RULES))
def test_published_counts(tool, network):
    counted = RULES[tool](cost(f"zoo:{network}"), BY_FUNCTION.get(network, 0))
    assert counted == int(ROWS[tool][network])
