"""What a network costs: parameters, MACs, FLOPs, activations, receptive field, exactly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from convalgebra.arguments import as_numbers, check_named, shown
from convalgebra.cost.dtypes import BYTES
from convalgebra.cost.report import CostReport, LayerCost, Totals, cost_of
from convalgebra.errors import ConvalgebraError, InputError
from convalgebra.language.scanner import MAX_DIGITS
from convalgebra.network import Network
from convalgebra.readers import Input, Stack, read, read_model, read_shape
from convalgebra.sizes import Size, at_least, names

if TYPE_CHECKING:
    from convalgebra.inventory import Inventory

__all__ = ["CostReport", "LayerCost", "Totals", "cost", "inventory"]


def cost(
    stack: Stack,
    *,
    input: Input = None,
    at: Mapping[str, int] | None = None,
    to: str | None = None,
    dtype: str | None = None,
    batch: int | str | Size = 1,
    training: str | None = None,
    convention: str | None = None,
) -> CostReport:
    """The cost of a stack: text, a file, `zoo:NAME`, a Network, or an Inventory that is a chain.

    `input` is channels and sizes, `3x224x224`, if the text does not say it; letters are allowed.
    `at` puts numbers in for named sizes. With `to` only the part that the value, block or layer of
    that name needs is counted. Bytes are those of numbers of kind `dtype`, by default those that a
    module or an ONNX file holds, or float32. Work and data are those
    of `batch` inputs (a number, or a letter that no size has), which share the weights. `training`
    with `sgd`, `momentum` or `adam` says what memory that takes; `convention` is a tool, `fvcore`,
    whose figure is to be accounted for.

    >>> cost("3x3p1@64, relu", input="3x32x32").total.macs
    1769472
    >>> cost("kxk@C", input="CxHxW").total.params
    C**2*k**2
    >>> cost("zoo:resnet50", to="layer1").output
    (256, 56, 56)
    >>> cost("3x3p1@64, relu", input="3x32x32", dtype="float16", batch=8).total.bytes
    3198336

    Raises InputError, LanguageError or ShapeError, with what to write instead, and UnsupportedError
    for a print-out of modules of which nothing says how data flows: see `inventory`.
    """
    model = read_model(stack, input=input)
    network, inputs = read(model, input), read_batch(batch)
    if letters := names(inputs):
        _check_apart(letters, network.named())
    at = {} if at is None else as_numbers(at, "at")
    check_named(at, letters | network.named())
    if to is not None:
        network = network.up_to(to)
    if at:
        from convalgebra.sizes import at as numbers_in

        network, inputs = network.at(at), numbers_in(inputs, at)
    own = network.dtype if network.dtype in BYTES else "float32"
    report = cost_of(network, dtype=own if dtype is None else dtype, batch=inputs)
    if dtype is None and network.dtype not in ("", own):
        told = f"bytes are those of {own}; the model holds {network.dtype}"
        report = report._replace(assumptions=(*report.assumptions, told))
    if training is not None:
        from convalgebra.cost.memory import training_of

        report = report._replace(
            training=training_of(report.memory, training, report.weights_at_least)
        )
    if convention is not None:
        from convalgebra.cost.conventions import account_of

        report = report._replace(convention=account_of(network, convention))
    if not isinstance(model, Network) and model.chain is not None:
        assumed = model.chain.assumed_on(report.network)
        report = report._replace(assumptions=report.assumptions + assumed)
    return report


def read_batch(batch: int | str | Size) -> Size:
    """How many inputs a batch has: a number, or a formula in named sizes like `N`.

    Raises InputError for what is no number of inputs.
    """
    try:
        sizes = read_shape(batch if isinstance(batch, str) else (batch,))
    except ConvalgebraError:
        sizes = ()
    if len(sizes) != 1 or at_least(sizes[0], 1) is False:
        long = f"; at most {MAX_DIGITS} digits are read" if _has_long_number(batch) else ""
        told = batch if isinstance(batch, str) else shown(batch)
        raise InputError(f"a batch is a number of inputs, like 8 or N, not {told}{long}")
    return sizes[0]


def _has_long_number(batch: object) -> bool:
    return isinstance(batch, str) and re.search(rf"\d{{{MAX_DIGITS + 1}}}", batch) is not None


def _check_apart(batch: set[str], network: set[str]) -> None:
    """Refuse a letter that stands for the inputs of a batch and for a size as well."""
    for letter in sorted(batch & network):
        raise InputError(
            f"{letter} is a size of the network; take another letter for the batch, or the two "
            "would be one number"
        )


def inventory(stack: Stack) -> Inventory:
    """The modules and the params of a model of which nothing says how data flows.

    >>> inventory("Net(\\n  (a): Linear(in_features=9, out_features=2, bias=True)\\n)").params
    20

    Raises InputError for a network: of that, `cost` has the params of every layer.
    """
    model = read_model(stack)
    if not isinstance(model, Network):
        return model
    raise InputError("this is a network, no list of modules: cost(..) has the params of its layers")
