"""What the weights of a stack are called, and the shapes they have, as in PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from convalgebra.algebra.plan import Plan
from convalgebra.language.layer_text import layer_text
from convalgebra.layers import EPS
from convalgebra.network import Held, Network

BATCH_NORM = ("weight", "bias", "running_mean", "running_var")


class Parameter(NamedTuple):
    """One array of weights: its name, its shape, and the layer and step that it belongs to.

    `eps` is what the layer adds to variances, if it is a norm. Where the stack was read from a
    `model`, `held` is the array in its state, None for one that the model computes.
    """

    name: str
    shape: tuple[int, ...]
    layer: str
    step: int
    eps: float = EPS
    model: bool = False
    held: Held | None = None

    @property
    def label(self) -> str:
        """What the model calls it, where that can be printed, else its name."""
        named = self.held is not None and self.held.name.isprintable()
        return self.held.name if self.held is not None and named else self.name

    @property
    def role(self) -> str:
        """`weight`, `bias`, `running_mean` or `running_var`."""
        return self.name.partition(".")[2]

    @property
    def layer_number(self) -> str:
        """The number of the layer, as it stands in the name."""
        return self.name.partition(".")[0]


@dataclass(frozen=True)
class ParameterTable:
    """The arrays of weights that a stack has, in the order of its text.

    With `assumed` nothing said how many channels come in, and they were taken for one.
    """

    parameters: tuple[Parameter, ...]
    channels: int
    assumed: bool = False

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self.parameters)

    def __len__(self) -> int:
        return len(self.parameters)

    @property
    def notes(self) -> tuple[str, ...]:
        """What has to be said of the channels."""
        if not (self.assumed and self.parameters):
            return ()
        return ("1 channel is taken to come in; --channels says otherwise (Python: channels=..)",)


def nodes_of(network: Network, plan: Plan) -> list[int]:
    """The node of every step of the plan of a network."""
    passed = ("dropout", "unused")  # no steps of their own
    nodes = [0]
    for index, node in enumerate(network.nodes[1:], 1):
        if network.live[index] and node.layer.kind not in passed:
            nodes.append(index)
    if len(nodes) < len(plan.steps):  # an output that is not the last value is picked out
        nodes.append(network.outputs[0])
    assert len(nodes) == len(plan.steps)
    return nodes


def parameters_of(network: Network, plan: Plan) -> tuple[Parameter, ...]:
    """The arrays of weights that a stack has, in the order of its text.

    The number in a name counts the layers before it, from 0, with weights or without, as
    torch.nn.Sequential does; places where branches meet are no layers, nor is `id`. A shared layer
    has the number of its first use.

    >>> from convalgebra.algebra.plan import plan_of
    >>> from convalgebra.language import parse
    >>> stack = parse("3x3p1@8, avg2x2s2, 1x1@4b")
    >>> [(p.name, p.shape) for p in parameters_of(stack, plan_of(stack, 3))]
    [('0.weight', (8, 3, 3, 3)), ('2.weight', (4, 8, 1, 1)), ('2.bias', (4,))]
    """
    numbers, count = [], 0
    for use in network.nodes:
        numbers.append(count)
        count += len(use.inputs) == 1
    found: list[Parameter] = []
    for index, (step, node) in enumerate(zip(plan.steps, nodes_of(network, plan), strict=True)):
        if step.weights != index:
            continue
        (width, out), groups = step.channels, step.groups
        shapes: dict[str, tuple[int, ...]]
        if step.kind == "bn":
            shapes = dict.fromkeys(BATCH_NORM, (out,))
        elif step.kind == "scale":
            shapes = {"weight": (out,)}
        elif step.kind == "linear":
            shapes = {"weight": (out, width)}
        elif step.op == "convt":
            shapes = {"weight": (width, out // groups, *step.size)}
        else:
            shapes = {"weight": (out, width // groups, *step.size)}
        if step.bias and step.kind != "bn":
            shapes["bias"] = (out,)
        layer, arrays = network.nodes[node].layer, network.nodes[node].arrays
        model, text = arrays is not None, layer_text(layer)
        for role, shape in shapes.items():
            name, held = f"{numbers[node]}.{role}", (arrays or {}).get(role)
            found.append(Parameter(name, shape, text, index, layer.eps, model, held))
    return tuple(found)


def shape_written(shape: tuple[int, ...]) -> str:
    """A shape as a table shows it.

    >>> shape_written((64, 3, 3, 3)), shape_written(())
    ('64x3x3x3', 'a number')
    """
    return "x".join(map(str, shape)) or "a number"


_MOST_LISTED = 12


def listing(table: ParameterTable) -> str:
    """Names and shapes, one a line, as an error shows them; the first ones of many."""
    shown = table.parameters[:_MOST_LISTED]
    wide = max((len(parameter.label) for parameter in shown), default=0)
    lines = [f"  {p.label.ljust(wide)}  {shape_written(p.shape)}" for p in shown]
    if len(table) > _MOST_LISTED:
        lines.append(f"  .. ({len(table) - _MOST_LISTED} more; --names lists all)")
    return "\n".join([*lines, *(f"  {note}" for note in table.notes)])
