"""A linear stack with given weights as one convolution: the two public functions."""

from __future__ import annotations

from contextlib import suppress
from math import gcd

import numpy as np

from convalgebra.algebra.operators import grid_of
from convalgebra.algebra.plan import Plan, plan_of
from convalgebra.errors import UnsupportedError
from convalgebra.inventory import Inventory
from convalgebra.kernels.merging.blocks import check_finite
from convalgebra.kernels.merging.classes import TooLong
from convalgebra.kernels.merging.composition import MAX_WORK, Value, values_of
from convalgebra.kernels.merging.convolution import convolution_of
from convalgebra.kernels.merging.inputs import placed
from convalgebra.kernels.merging.linear import check_ceil, checked
from convalgebra.kernels.merging.parameters import ParameterTable, nodes_of, parameters_of
from convalgebra.kernels.merging.report import MergeReport
from convalgebra.kernels.merging.state import Weights, state_of
from convalgebra.kernels.merging.verdicts import CHEAP, Merging
from convalgebra.kernels.merging.weights import Epsilon, Given, generic_numbers, numbers_of
from convalgebra.network import Network
from convalgebra.readers import Input, Stack, read, read_model, read_shape


def merge(
    stack: Stack,
    weights: Weights | None = None,
    *,
    input: Input = None,
    channels: int | None = None,
    eps: Epsilon | None = None,
) -> MergeReport:
    """A linear stack with given weights as the one convolution that equals it, and where it does.

    `weights` are a dictionary from names to arrays (numpy, torch, nested lists, Fractions), arrays
    in the order of `parameter_table(stack)`, or the name of an .npz file. A module of PyTorch
    brings its own; a stack read from a model takes them by the names in the model. On an `input`
    ("12x12", "64x12x12") it is told for that one, else for every input. `channels` come in; unless
    given they are read off the input or the weights. `eps` is that of all batch norms, in place of
    the one that each has in the stack; one of its own may stand beside the weights as `1.eps`.

    Ints and Fractions are merged exactly. Floats are merged as floats of 64 bits, and rounded to
    their own type at the end.

    >>> import numpy
    >>> report = merge("3p1, 2", [numpy.array([[[1, 2, 1]]]), numpy.array([[[1, -1]]])])
    >>> report.text, report.weight.tolist() == [[[1, 1, -1, -1]]], report.verdict
    ('4p1', True, 'exact')

    Raises UnsupportedError for stacks that are no linear operator (an activation in between),
    InputError, with the place, for weights that do not fit, ShapeError where layers do not.
    """
    network, granted = _network(stack, input)
    checked(network)
    shape = None if input is None else read_shape(input)
    state = state_of(weights if weights is not None else _own_weights(stack))
    network, count, axes, assumed = placed(network, shape, channels, state)
    check_ceil(network)
    plan = _plan(network, count, axes)
    nodes = nodes_of(network, plan)
    table = ParameterTable(parameters_of(network, plan), count, assumed)
    given = numbers_of(plan, table, state, eps)
    given = given._replace(notes=(*granted, *given.notes))
    if given.rational is not None:  # floats, merged exactly where that is quick
        with suppress(UnsupportedError, TooLong):
            quick = given._replace(steps=given.rational, exact=True)
            return _merged(network, plan, nodes, quick, count, CHEAP)
    return _merged(network, plan, nodes, given, count)


def _merged(
    network: Network,
    plan: Plan,
    nodes: list[int],
    given: Given,
    channels: int,
    most: int = MAX_WORK,
) -> MergeReport:
    with np.errstate(all="ignore"):  # what overflows is told with its name
        values = values_of(plan, given.steps, given.exact, most)
    value = values[-1]
    check_finite(value.kernel, "weight")
    check_finite(value.constant, "bias")
    merged = convolution_of(value, _generic(plan, given, value))
    run = Merging(network, plan, nodes, given, values, merged, channels)
    return run.on_input() if network.shape is not None else run.on_every_input()


def parameter_table(
    stack: Stack,
    *,
    channels: int | None = None,
    input: Input = None,
    weights: Weights | None = None,
) -> ParameterTable:
    """The names and shapes of the weights that `merge` takes for a stack, in their order.

    >>> [(p.name, p.shape) for p in parameter_table("3x3p1@8b, bn", channels=4)][:2]
    [('0.weight', (8, 4, 3, 3)), ('0.bias', (8,))]
    """
    network, _ = _network(stack, input)
    checked(network)
    shape = None if input is None else read_shape(input)
    state = None if weights is None else state_of(weights)
    network, count, axes, assumed = placed(network, shape, channels, state)
    return ParameterTable(parameters_of(network, _plan(network, count, axes)), count, assumed)


def _generic(plan: Plan, given: Given, value: Value) -> Value | None:
    """The value at weights without relations, if its period may be too long; None if too much."""
    if all(gcd(*rate) == 1 for rate in value.rate):
        return None
    with suppress(UnsupportedError):
        return values_of(plan, generic_numbers(plan, given), True, CHEAP)[-1]
    return None


def _network(stack: Stack, input: Input) -> tuple[Network, tuple[str, ...]]:
    """The network that a stack is, and what a print-out leaves open of its numbers.

    `input` may lack the channels, but not that of a module.
    """
    if hasattr(stack, "state_dict"):
        return read(stack, input), ()
    model = read_model(stack)
    if not isinstance(model, Network):
        return model.network(None), _granted(model)
    whole = input is not None and len(read_shape(input)) == len(model.shape or ())
    return (read(stack, input) if whole and model.named() else model), ()  # sizes left open


def _granted(model: Inventory) -> tuple[str, ...]:
    """What is taken for granted of the averages in a print-out: how much they divide by."""
    takes = model.chain.takes.values() if model.chain is not None else ()
    kinds = dict.fromkeys(took.kind for took in takes if took.hides_ceil)
    hidden = "ceil_mode=False, count_include_pad=True and no divisor_override"
    return tuple(f"{kind} has {hidden}, it is assumed: print(model) shows none" for kind in kinds)


def _own_weights(stack: Stack) -> Weights:
    """The weights of a module of PyTorch; none of anything else."""
    found: Weights = getattr(stack, "state_dict", dict)()
    return found


def _plan(network: Network, channels: int, axes: int) -> Plan:
    """The plan of a stack, whose phases and extents are not too many."""
    try:
        plan = plan_of(network, channels, axes)
        grid_of(plan)
    except UnsupportedError as error:  # told as it is in the algebra
        raise UnsupportedError(str(error).replace(" for equiv", "")) from None
    return plan
