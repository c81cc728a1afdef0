"""What a network costs: parameters, MACs, FLOPs, activations, receptive field, exactly."""

from __future__ import annotations

from collections.abc import Mapping

from convalgebra.cost.report import CostReport, LayerCost, Totals, cost_of
from convalgebra.errors import InputError
from convalgebra.inventory import Inventory
from convalgebra.network import Network
from convalgebra.readers import Input, Stack, read, read_model

__all__ = ["CostReport", "LayerCost", "Totals", "cost", "cost_of_model", "inventory"]


def cost(stack: Stack, *, input: Input = None, at: Mapping[str, int] | None = None) -> CostReport:
    """The cost of a stack: text, a file, `zoo:NAME`, or a Network.

    `input` is channels and sizes, `3x224x224`, if the text does not say it; letters are allowed.
    `at` puts numbers in for named sizes.

    >>> cost("3x3p1@64, relu", input="3x32x32").total.macs
    1769472
    >>> cost("kxk@C", input="CxHxW").total.params
    C**2*k**2

    Raises InputError, LanguageError or ShapeError, with what to write instead, and UnsupportedError
    for a print-out of modules of which nothing says how data flows: see `inventory`.
    """
    return cost_of_model(read_model(stack, input=input), input, at)


def cost_of_model(
    model: Network | Inventory, input: Input = None, at: Mapping[str, int] | None = None
) -> CostReport:
    """The cost of what a reader gave. What it takes for granted stands in the report."""
    network = read(model, input)
    report = cost_of(network.at(at) if at else network)
    if isinstance(model, Inventory) and model.chain is not None:
        assumed = model.chain.assumed_on(report.network)
        report = report._replace(assumptions=report.assumptions + assumed)
    return report


def inventory(stack: Stack) -> Inventory:
    """The modules and the params of a model of which nothing says how data flows.

    >>> inventory("Net(\\n  (a): Linear(in_features=9, out_features=2, bias=True)\\n)").params
    20

    Raises InputError for a network: of that, `cost` has the params of every layer.
    """
    model = read_model(stack)
    if isinstance(model, Inventory):
        return model
    raise InputError("this is a network, no list of modules: cost(..) has the params of its layers")
