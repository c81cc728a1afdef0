"""An Inventory: the modules of a model and their params, where nothing says how data flows.

A Network can be costed; an inventory can only be added up. Where the modules are a chain after all,
the inventory carries the Network too, and what each of its nodes was made to take.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from convalgebra.errors import ShapeError, UnsupportedError
from convalgebra.network import Network
from convalgebra.shapes import Shape, shape_text
from convalgebra.sizes import formula, same


class Module(NamedTuple):
    """A module that holds params of its own, or that holds no others: one line of an inventory.

    `params` are those of one; None where they are not known, `reason` says why. `layer` is the
    module in the language, "" where it has no word for it. `times` such modules stand there.
    """

    name: str
    kind: str
    params: int | None
    layer: str = ""
    times: int = 1
    reason: str = ""


class Takes(NamedTuple):
    """What a module was made for: so many `features` (channels, unless it takes all numbers)."""

    kind: str
    features: int | None = None
    axes: tuple[int, ...] = ()  # numbers of axes that it can slide over; () for any
    whole_windows: bool = False  # its print does not tell how an incomplete last window is taken


class Chain(NamedTuple):
    """A Network without input whose order is known, with what its nodes take."""

    network: Network
    takes: dict[int, Takes]
    assumed: tuple[str, ...] = ()

    def on(self, shape: Shape) -> Network:
        """The network on an input; ShapeError where a module takes something else."""
        network = self.network.with_input(shape)
        shapes = network.shapes
        for index, takes in self.takes.items():
            node = network.nodes[index]
            fault = _fault(takes, shapes[node.inputs[0]])
            if fault:
                raise ShapeError(fault, network.source, node.span)
        return network


def _fault(takes: Takes, comes: Shape) -> str:
    """What is wrong with an input of shape `comes`; "" if nothing is."""
    axes = len(comes) - 1
    if takes.axes and axes not in takes.axes:
        kinds = " or ".join(map(str, takes.axes))
        return f"{takes.kind} works on {kinds} axes beside the channels, not on {shape_text(comes)}"
    if takes.features is not None and not same(comes[0], takes.features):
        noun = "channels" if axes else "features"
        return (
            f"{takes.kind} takes {takes.features:,} {noun}, "
            f"and {formula(comes[0])} come in ({shape_text(comes)})"
        )
    return ""


@dataclass(frozen=True)
class Inventory:
    """The modules of a model with their params. MACs and receptive field are refused.

    `model` is the class of the whole. `reason` says why there are no MACs. `holders` are classes
    that may hold more params than are listed. `chain` is there where the order can be trusted: the
    input's shape is then all that is missing.
    """

    model: str
    modules: tuple[Module, ...]
    reason: str
    holders: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    chain: Chain | None = field(default=None, compare=False, repr=False)

    @property
    def params(self) -> int:
        """The params of all modules where they are known."""
        return sum(module.params * module.times for module in self.modules if module.params)

    @property
    def unknown(self) -> tuple[Module, ...]:
        """The modules whose params are not known."""
        return tuple(module for module in self.modules if module.params is None)

    @property
    def status(self) -> str:
        """`complete`: the params of every listed module are known; else `partial`."""
        return "partial" if self.unknown else "complete"

    def network(self, shape: Shape | None = None) -> Network:
        """The Network, where the order can be trusted.

        Raises UnsupportedError, with the reason, where it cannot.
        """
        if self.chain is None:
            raise UnsupportedError(f"this is an inventory, no network: {self.reason}")
        return self.chain.network if shape is None else self.chain.on(shape)
