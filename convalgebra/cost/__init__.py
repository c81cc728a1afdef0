"""What a network costs: parameters, MACs, FLOPs, activations, receptive field, exactly."""

from __future__ import annotations

from collections.abc import Mapping

from convalgebra.cost.report import CostReport, LayerCost, Totals, cost_of
from convalgebra.readers import Input, Stack, read

__all__ = ["CostReport", "LayerCost", "Totals", "cost"]


def cost(
    stack: Stack,
    *,
    input: Input = None,
    at: Mapping[str, int] | None = None,
    to: str | None = None,
) -> CostReport:
    """The cost of a stack: text, a file, `zoo:NAME`, or a Network.

    `input` is channels and sizes, `3x224x224`, if the text does not say it; letters are allowed.
    `at` puts numbers in for named sizes. With `to` only the part that the value of that name needs
    is counted.

    >>> cost("3x3p1@64, relu", input="3x32x32").total.macs
    1769472
    >>> cost("kxk@C", input="CxHxW").total.params
    C**2*k**2
    >>> cost("zoo:resnet50", to="layer1").output
    (256, 56, 56)

    Raises InputError, LanguageError or ShapeError, with what to write instead.
    """
    network = read(stack, input)
    if to is not None:
        network = network.up_to(to)
    return cost_of(network.at(at) if at else network)
